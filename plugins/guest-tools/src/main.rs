//! The program `guest-tool`.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use partneros_guest_tools::{Language, bindings, component};

/// Generates bindings of the plugin contract for C and Go, and makes components of core modules.
#[derive(Debug, Parser)]
struct Arguments {
    /// The directory of the contract's WIT files.
    #[arg(long, default_value = "wit")]
    wit: PathBuf,
    /// The world that the guest implements.
    #[arg(long, default_value = "mapper")]
    world: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes bindings into a directory.
    Bindings {
        language: BindingLanguage,
        out: PathBuf,
    },
    /// Makes a component of a core module compiled for WASI preview 1.
    Component { core: PathBuf, out: PathBuf },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum BindingLanguage {
    C,
    Go,
}

fn main() -> anyhow::Result<()> {
    let Arguments {
        wit,
        world,
        command,
    } = Arguments::parse();
    match command {
        Command::Bindings { language, out } => {
            let language = match language {
                BindingLanguage::C => Language::C,
                BindingLanguage::Go => Language::Go,
            };
            bindings(language, &wit, &world, &out)?;
        }
        Command::Component { core, out } => {
            let name = |path: &PathBuf| format!("use `{}`", path.display());
            let bytes = fs::read(&core).with_context(|| name(&core))?;
            let bytes = component(&wit, &world, &bytes)?;
            fs::write(&out, bytes).with_context(|| name(&out))?;
        }
    }
    Ok(())
}

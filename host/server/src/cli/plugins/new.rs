//! `partneros plugins new`: a plugin that builds and passes its tests, to be changed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use super::template::{self, Files, GOLDEN};

/// A file whose entries stand in the order of their names.
const CARGO_LOCK: &str = "Cargo.lock";
/// What its entries begin with.
const CARGO_LOCK_ENTRY: &str = "\n[[package]]\n";
/// The program with which C and Go become components, as their examples start it within the repository.
const TOOL_OF_THE_REPOSITORY: &str =
    "cargo run --quiet --manifest-path ../../plugins/guest-tools/Cargo.toml --";
/// The same, installed.
const TOOL: &str = "guest-tool";
/// The longest name of a plugin.
const NAME_CHARS_MAX: usize = 50;

/// Makes a folder with a small mapper to start from.
///
/// It holds the sources, the contract in `wit`, golden files in `golden` and a `Makefile`; it builds and passes its
/// tests as it is:
///
///   partneros plugins new acme-mapper --language rust
///   cd acme-mapper
///   partneros plugins dev .
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct New {
    /// The plugin's name, in kebab case, such as `acme-mapper`.
    name: String,
    /// The language to write it in.
    #[arg(long, value_enum)]
    language: Language,
    /// The new folder [default: the name].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    Rust,
    Typescript,
    Javascript,
    Python,
    Go,
    C,
}

impl Language {
    /// The folders in which the example of the language may be, after `mapper-`.
    const fn folders(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["rust"],
            Self::Typescript => &["typescript", "ts"],
            Self::Javascript => &["javascript", "js"],
            Self::Python => &["python"],
            Self::Go => &["go"],
            Self::C => &["c"],
        }
    }
}

impl New {
    pub(super) fn run(self) -> anyhow::Result<()> {
        check_name(&self.name)?;
        let found = (self.language.folders().iter())
            .find_map(|folder| Some((*folder, template::of(folder)?)));
        let Some((language, files)) = found else {
            let known: Vec<_> = template::TEMPLATES.iter().map(|(name, _)| *name).collect();
            bail!(
                "this build has no template for that language, only for: {}",
                known.join(", ")
            );
        };
        let folder = self.dir.unwrap_or_else(|| PathBuf::from(&self.name));
        check_empty(&folder)?;
        let template = format!("mapper-{language}");
        write(&folder, files, &template, &self.name)?;
        write(&folder.join("golden"), GOLDEN, &template, &self.name)?;
        println!("made `{}`; next:", folder.display());
        println!("  cd {}", folder.display());
        println!("  make");
        println!("  partneros plugins test .");
        if matches!(self.language, Language::C | Language::Go) {
            eprintln!(
                "`make` needs `{TOOL}`; `cargo install --path plugins/guest-tools` in the host's repository installs it"
            );
        }
        eprintln!("`partneros plugins dev .` does all of it after each change");
        Ok(())
    }
}

fn check_name(name: &str) -> anyhow::Result<()> {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
    if name.len() > NAME_CHARS_MAX || !begins || !name.split('-').all(word) {
        bail!(
            "`{name}` is no name for a plugin: take lower case letters, digits and single hyphens, such as `acme-mapper`, at most {NAME_CHARS_MAX}"
        );
    }
    Ok(())
}

fn check_empty(folder: &Path) -> anyhow::Result<()> {
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                bail!(
                    "`{}` is not empty, name another folder with `--dir`",
                    folder.display()
                );
            }
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("failed to list `{}`", folder.display())),
    }
}

/// Writes the files, with the plugin's name in place of the template's.
fn write(folder: &Path, files: Files, template: &str, name: &str) -> anyhow::Result<()> {
    let snake = |text: &str| text.replace('-', "_");
    let renamed = |text: &str| {
        let text = text.replace(TOOL_OF_THE_REPOSITORY, TOOL);
        replaced(
            &replaced(&text, template, name),
            &snake(template),
            &snake(name),
        )
    };
    for (path, bytes) in files {
        let path = folder.join(renamed(path));
        let failed = || format!("failed to write `{}`", path.display());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(failed)?;
        }
        let bytes = match std::str::from_utf8(bytes) {
            Ok(text) if path.ends_with(CARGO_LOCK) => sorted(&renamed(text)).into_bytes(),
            Ok(text) => renamed(text).into_bytes(),
            Err(_) => bytes.to_vec(),
        };
        fs::write(&path, bytes).with_context(failed)?;
    }
    Ok(())
}

/// The text with `to` for each `from` that is a whole word: `mapper-c` is no part of `mapper-contract`.
fn replaced(text: &str, from: &str, to: &str) -> String {
    let mut pieces = text.split(from);
    let mut replaced = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let goes_on = piece.starts_with(|next: char| next.is_alphanumeric() || "-_".contains(next));
        replaced.push_str(if goes_on { from } else { to });
        replaced.push_str(piece);
    }
    replaced
}

/// The text of a `Cargo.lock` whose entries are in order again; cargo takes it for outdated otherwise.
fn sorted(text: &str) -> String {
    let mut entries: Vec<_> = text.trim_end().split(CARGO_LOCK_ENTRY).collect();
    if let Some((_head, packages)) = entries.split_first_mut() {
        packages.sort_by_key(|package| package.lines().next());
    }
    let entries: Vec<_> = entries.iter().map(|entry| entry.trim_end()).collect();
    entries.join(&format!("\n{CARGO_LOCK_ENTRY}")) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_package_moves_within_the_lock_file() {
        let package =
            |name: &str| format!("\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n");
        let lock = |names: [&str; 3]| format!("version = 4\n{}", names.map(package).concat());
        assert_eq!(sorted(&lock(["b", "c", "a"])), lock(["a", "b", "c"]));
        assert_eq!(sorted(&lock(["a", "a-b", "ab"])), lock(["a", "a-b", "ab"]));
    }

    #[test]
    fn only_the_template_itself_is_renamed() {
        let text = replaced(
            "mapper-c.wasm, see mapper-contract.md of `mapper-c`",
            "mapper-c",
            "x",
        );
        assert_eq!(text, "x.wasm, see mapper-contract.md of `x`");
    }

    #[test]
    fn names_are_kebab_case() {
        for name in ["a", "acme-mapper", "acme2"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "A",
            "a--b",
            "-a",
            "a-",
            "2a",
            "../a",
            "a b",
            "ä",
            &"a".repeat(51),
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}

//! Builds the guests and lists them.

mod c;
mod wat_text;
mod wrap;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The component of each guest, by name.
type Guests = BTreeMap<String, PathBuf>;

fn main() -> Result<()> {
    for watched in ["build", "wat", "c", "../../wit"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").context("no output directory")?);
    let mut guests: Guests = guest_build::examples("guest-components")
        .into_iter()
        .collect();
    let wrapper = wrap::Wrapper::new(Path::new("../../wit/mapper-0.1.0"))?;
    for (name, component) in wat_text::guests(&wrapper)? {
        add(&mut guests, &out, &name, &component)?;
    }
    let mut left_out = Vec::new();
    for (name, module) in c::guests(&out)? {
        match module {
            Some(module) => add(&mut guests, &out, &name, &wrapper.component(&module)?)?,
            None => left_out.push(name),
        }
    }
    fs::write(out.join("guests.rs"), code(&guests, &left_out)?)?;
    Ok(())
}

fn add(guests: &mut Guests, out: &Path, name: &str, component: &[u8]) -> Result<()> {
    let path = out.join(format!("{name}.wasm"));
    fs::write(&path, component)?;
    ensure!(
        guests.insert(name.to_owned(), path).is_none(),
        "two guests are called `{name}`"
    );
    Ok(())
}

fn code(guests: &Guests, left_out: &[String]) -> Result<String> {
    let mut statics = String::new();
    let mut list = String::new();
    for (name, path) in guests {
        let constant = name.to_uppercase();
        let path = path.to_str().context("a path that is not text")?;
        writeln!(statics, "/// The guest `{name}`.")?;
        writeln!(
            statics,
            "pub static {constant}: &[u8] = include_bytes!({path:?});"
        )?;
        writeln!(list, "    ({name:?}, {constant}),")?;
    }
    Ok(format!(
        "{statics}\n/// Every guest, by name.\npub static ALL: &[(&str, &[u8])] = &[\n{list}];\n\n\
         /// The guests that this machine has no compiler for, by name.\n\
         pub static LEFT_OUT: &[&str] = &{left_out:?};\n"
    ))
}

/// The files in a folder that end in this extension, by their names without it.
fn sources(folder: &str, extension: &str) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).with_context(|| format!("read `{folder}`"))? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str());
        if let (Some(name), true) = (name, path.extension().is_some_and(|e| e == extension)) {
            found.insert(name.to_owned(), path.clone());
        }
    }
    Ok(found)
}

//! Embeds the example mappers and their golden files as the templates of `partneros plugins new`.
//!
//! A template is what its folder holds, symbolic links followed, without what its `.gitignore` names at the top level.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders of the examples begin with it.
const PREFIX: &str = "mapper-";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let manifest = env::var_os("CARGO_MANIFEST_DIR").ok_or("no manifest directory")?;
    let examples = Path::new(&manifest).join("../../examples").canonicalize()?;
    let mut code = String::from(
        "/// The templates, by language.\npub(super) static TEMPLATES: &[(&str, Files)] = &[\n",
    );
    let mut folders: Vec<_> = fs::read_dir(&examples)?.collect::<Result<_, _>>()?;
    folders.sort_by_key(fs::DirEntry::file_name);
    for folder in folders {
        let name = folder.file_name().to_string_lossy().into_owned();
        if let Some(language) = name.strip_prefix(PREFIX)
            && folder.path().is_dir()
        {
            writeln!(code, "({language:?}, &{}),", files(&folder.path())?)?;
        }
    }
    let golden = examples.join("golden");
    let golden = if golden.is_dir() {
        files(&golden)?
    } else {
        "[]".to_owned()
    };
    writeln!(
        code,
        "];\n/// The golden files of all templates.\npub(super) static GOLDEN: Files = &{golden};"
    )?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no output directory")?);
    fs::write(out.join("templates.rs"), code)?;
    Ok(())
}

/// The code of a list of a folder's files.
fn files(folder: &Path) -> Result<String, Box<dyn Error>> {
    let ignored = fs::read_to_string(folder.join(".gitignore")).unwrap_or_default();
    let ignored: Vec<_> = ignored.lines().map(|line| line.trim_matches('/')).collect();
    let mut paths = Vec::new();
    collect(folder, &ignored, &mut paths)?;
    paths.sort();
    let mut code = String::from("[\n");
    for path in paths {
        println!("cargo::rerun-if-changed={}", path.display());
        let relative = path
            .strip_prefix(folder)?
            .to_str()
            .ok_or("a path that is not text")?;
        let path = path.to_str().ok_or("a path that is not text")?;
        writeln!(code, "    ({relative:?}, include_bytes!({path:?})),")?;
    }
    code.push(']');
    Ok(code)
}

fn collect(
    folder: &Path,
    ignored: &[&str],
    paths: &mut Vec<PathBuf>,
) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if ignored.iter().any(|ignored| name == **ignored) {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            // Tells when a file is added; the template's own folder is left out, since builds change it.
            println!("cargo::rerun-if-changed={}", path.display());
            collect(&path, ignored, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

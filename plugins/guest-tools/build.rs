//! Takes the Go packages that generated Go code imports out of the sources of `wit-bindgen-go`, which ships
//! them but does not offer them, so that Go guests can be built without a module proxy.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What code without asynchronous functions imports, and what that needs.
const FILES: [&str; 8] = [
    "LICENSE",
    "go.mod",
    "wit/runtime/empty.s",
    "wit/runtime/runtime.go",
    "wit/types/option.go",
    "wit/types/result.go",
    "wit/types/tuple.go",
    "wit/types/unit.go",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.toml");
    let package = sources_of("wit-bindgen-go")?.join("src/pkg");
    let mut list = String::from("[\n");
    for file in FILES {
        let path = package.join(file);
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("read `{}`: {error}", path.display()))?;
        writeln!(list, "    ({file:?}, {text:?}),")?;
    }
    list.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no output directory")?);
    fs::write(out.join("go_package.rs"), list)?;
    Ok(())
}

/// The directory of a dependency, which cargo has by now. Metadata is about the whole workspace, of which other members may have
/// dependencies that were not fetched yet; those of other platforms need not be.
fn sources_of(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let host = env::var("HOST")?;
    let output = Command::new(env::var_os("CARGO").ok_or("no cargo")?)
        .args(["metadata", "--format-version", "1"])
        .args(["--locked", "--filter-platform", &host])
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("no packages")?;
    let package = packages.iter().find(|package| package["name"] == name);
    let manifest = package.and_then(|package| package["manifest_path"].as_str());
    let directory = manifest.and_then(|manifest| Path::new(manifest).parent());
    Ok(directory.ok_or("the package is missing")?.to_owned())
}

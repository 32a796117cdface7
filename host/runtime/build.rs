//! Encodes the WIT contract as WebAssembly types, which uploaded components are compared with, and renders its reference.

#[path = "build/reference.rs"]
mod reference;

use std::env;
use std::error::Error;
use std::path::PathBuf;

/// Every version of the contract, with the directory of its files and the feature that it depends on.
const VERSIONS: [(&str, &str, Option<&str>); 2] = [
    ("mapper-0.1.0", "../../wit/mapper-0.1.0", None),
    (
        "mapper-0.2.0",
        "tests/wit/mapper-0.2.0",
        Some("CARGO_FEATURE_TEST_CONTRACT"),
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("no manifest directory")?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no output directory")?);
    println!("cargo::rerun-if-changed=build.rs");
    for (name, directory, feature) in VERSIONS {
        if feature.is_some_and(|feature| env::var_os(feature).is_none()) {
            continue;
        }
        let wit = root.join(directory);
        println!("cargo::rerun-if-changed={}", wit.display());
        let mut resolve = wit_parser::Resolve::default();
        let (package, _) = resolve.push_dir(&wit)?;
        let encoded = wit_component::encode(&resolve, package)?;
        std::fs::write(out.join(format!("{name}.wasm")), encoded)?;
    }
    let wit = root.join("../../wit");
    println!("cargo::rerun-if-changed={}", wit.display());
    println!("cargo::rerun-if-changed=build");
    std::fs::write(out.join("reference.md"), reference::reference(&wit)?)?;
    Ok(())
}

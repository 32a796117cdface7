//! Encodes the WIT contract as WebAssembly types, which uploaded components are compared with.

use std::env;
use std::error::Error;
use std::path::PathBuf;

/// Every version of the contract, as a directory beside this file.
const VERSIONS: [(&str, &str); 1] = [("mapper-0.1.0", "../../wit/mapper-0.1.0")];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("no manifest directory")?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no output directory")?);
    println!("cargo::rerun-if-changed=build.rs");
    for (name, directory) in VERSIONS {
        let wit = root.join(directory);
        println!("cargo::rerun-if-changed={}", wit.display());
        let mut resolve = wit_parser::Resolve::default();
        let (package, _) = resolve.push_dir(&wit)?;
        let encoded = wit_component::encode(&resolve, package)?;
        std::fs::write(out.join(format!("{name}.wasm")), encoded)?;
    }
    Ok(())
}

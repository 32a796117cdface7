//! Encodes the WIT contract as WebAssembly types, which uploaded components are compared with.

use std::env;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("no manifest directory")?);
    let wit = root.join("../../wit/mapper-0.1.0");
    println!("cargo::rerun-if-changed={}", wit.display());
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(&wit)?;
    let encoded = wit_component::encode(&resolve, package)?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no output directory")?);
    std::fs::write(out.join("mapper-0.1.0.wasm"), encoded)?;
    Ok(())
}

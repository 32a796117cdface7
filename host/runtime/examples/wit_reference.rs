//! Writes `wit/README.md`: `cargo run -p partneros-runtime --example wit_reference`.
//!
//! The build script renders the page, since it reads the WIT files anyway.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let page = include_str!(concat!(env!("OUT_DIR"), "/reference.md"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/README.md");
    std::fs::write(path, page)
}

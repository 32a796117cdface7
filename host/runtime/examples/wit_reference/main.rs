//! Writes `wit/README.md` from the comments in the WIT files: `cargo run -p partneros-runtime --example wit_reference`.

mod render;

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let text = render::reference(&wit)?;
    std::fs::write(wit.join("README.md"), text)?;
    Ok(())
}

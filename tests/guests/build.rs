//! Builds the guests and lists them.

use std::env;
use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let mut statics = String::new();
    let mut list = String::new();
    for (name, path) in guest_build::examples("guest-components") {
        let constant = name.to_uppercase();
        writeln!(statics, "/// The guest `{name}`.")?;
        let path = path.to_str().ok_or("a path that is not text")?;
        writeln!(
            statics,
            "pub static {constant}: &[u8] = include_bytes!({path:?});"
        )?;
        writeln!(list, "    ({name:?}, {constant}),")?;
    }
    let code = format!(
        "{statics}\n/// Every guest, by name.\npub static ALL: &[(&str, &[u8])] = &[\n{list}];\n"
    );
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no output directory")?);
    std::fs::write(out.join("guests.rs"), code)?;
    Ok(())
}

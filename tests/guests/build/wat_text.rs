//! The guests that are written as WebAssembly text, for what no compiler would emit.
//!
//! A file in `wat/core` holds the fields of a core module; a paragraph of `wat/prelude.wat` stands in
//! for every export that the file does not have. A file in `wat/component` holds the fields
//! of a component; they are appended to the component that the prelude alone makes.

use std::fs;

use anyhow::{Context, Result};

use crate::sources;
use crate::wrap::Wrapper;

/// The component of each guest, by name.
pub fn guests(wrapper: &Wrapper) -> Result<Vec<(String, Vec<u8>)>> {
    let prelude = fs::read_to_string("wat/prelude.wat").context("read the prelude")?;
    let mut guests = Vec::new();
    for (name, path) in sources("wat/core", "wat")? {
        let fields = fs::read_to_string(path)?;
        let component = wat::parse_str(module(&prelude, &fields))
            .map_err(Into::into)
            .and_then(|module| wrapper.component(&module))
            .with_context(|| format!("build the guest `{name}`"))?;
        guests.push((name, component));
    }
    let good = wrapper.component(&wat::parse_str(module(&prelude, ""))?)?;
    let good = wasmprinter::print_bytes(good)?;
    let good = good.trim_end().strip_suffix(')').context("no component")?;
    for (name, path) in sources("wat/component", "wat")? {
        let fields = fs::read_to_string(path)?;
        let component = wat::parse_str(format!("{good}\n{fields})"))
            .with_context(|| format!("build the guest `{name}`"))?;
        guests.push((name, component));
    }
    Ok(guests)
}

fn module(prelude: &str, fields: &str) -> String {
    let exported = |name: &str| fields.contains(&format!("(export \"{name}\")"));
    let stands_in = |paragraph: &&str| !exports(paragraph).any(&exported);
    let paragraphs: Vec<_> = prelude.split("\n\n").filter(stands_in).collect();
    format!("(module\n{}\n{fields})", paragraphs.join("\n\n"))
}

/// The name in each `(export "...")` of the text.
fn exports(text: &str) -> impl Iterator<Item = &str> {
    text.split("(export \"")
        .skip(1)
        .filter_map(|rest| rest.split_once("\")"))
        .map(|(name, _)| name)
}

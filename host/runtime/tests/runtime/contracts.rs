//! The contract's documents, and components of every published version.

use std::path::Path;

#[path = "../../examples/wit_reference/render.rs"]
mod render;

#[test]
fn the_reference_says_what_the_wit_files_say() {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let generated = render::reference(&wit).expect("the WIT files parse");
    let committed = std::fs::read_to_string(wit.join("README.md")).expect("is there");
    assert!(
        committed == generated,
        "`wit/README.md` is out of date, run `cargo run -p partneros-runtime --example wit_reference`"
    );
    for word in [
        "`mapper`",
        "`multi-choice`",
        "Function `transform`",
        "field-schema",
    ] {
        assert!(generated.contains(word), "{word} is missing");
    }
}

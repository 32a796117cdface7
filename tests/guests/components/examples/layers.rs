//! Implements the world `layer`, which needs a mapper beneath it.

use bindings::exports::partneros::mapper::{describe, suggest, transform};
use bindings::partneros::mapper as beneath;
use bindings::partneros::mapper::types::{Column, ObjectSchema};

#[derive(Debug)]
pub struct Guest;

mod bindings {
    #![allow(
        unsafe_code,
        clippy::pedantic,
        reason = "generated code; the lints are for what people write"
    )]

    wit_bindgen::generate!({
        path: "../../../wit/mapper-0.1.0",
        world: "layer",
        pub_export_macro: true,
    });
}

impl describe::Guest for Guest {
    fn describe() -> describe::Description {
        describe::Description {
            name: "test-guest".to_owned(),
            version: "1.0.0".to_owned(),
            summary: String::new(),
            options_schema: String::new(),
        }
    }
}

impl suggest::Guest for Guest {
    fn suggest(
        partneros: ObjectSchema,
        hubspot: ObjectSchema,
    ) -> Result<Vec<suggest::Suggestion>, String> {
        let beneath = beneath::suggest::suggest(&partneros, &hubspot)?;
        Err(format!("{} suggestions beneath", beneath.len()))
    }
}

impl transform::Guest for Guest {
    fn check(_plan: transform::Plan) -> Vec<transform::Problem> {
        Vec::new()
    }

    fn transform(
        _plan: transform::Plan,
        _batch: Vec<Column>,
    ) -> Result<transform::Transformed, String> {
        Err("not reached".to_owned())
    }
}

#[cfg(target_arch = "wasm32")]
mod component {
    #![allow(unsafe_code, reason = "the generated exports are unsafe functions")]

    use super::Guest;

    super::bindings::export!(Guest with_types_in super::bindings);
}

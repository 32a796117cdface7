//! Exports the right names with other types.

use bindings::exports::partneros::mapper::{describe, suggest};

#[derive(Debug)]
pub struct Guest;

mod bindings {
    #![allow(
        unsafe_code,
        clippy::pedantic,
        reason = "generated code; the lints are for what people write"
    )]

    wit_bindgen::generate!({
        inline: "
            package partneros:mapper@0.1.0;
            interface describe {
                record description { name: string, version: u32, summary: string, options-schema: string }
                describe: func() -> description;
            }
            interface suggest {
                suggest: func(partneros: string, hubspot: string) -> result<list<string>, string>;
            }
            world suggester { export describe; export suggest; }
        ",
        world: "suggester",
        pub_export_macro: true,
    });
}

impl describe::Guest for Guest {
    fn describe() -> describe::Description {
        describe::Description {
            name: "test-guest".to_owned(),
            version: 1,
            summary: String::new(),
            options_schema: String::new(),
        }
    }
}

impl suggest::Guest for Guest {
    fn suggest(partneros: String, hubspot: String) -> Result<Vec<String>, String> {
        Ok(vec![partneros, hubspot])
    }
}

#[cfg(target_arch = "wasm32")]
mod component {
    #![allow(unsafe_code, reason = "the generated exports are unsafe functions")]

    use super::Guest;

    super::bindings::export!(Guest with_types_in super::bindings);
}

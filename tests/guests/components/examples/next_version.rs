//! Implements a version of the contract that does not exist yet.

use bindings::exports::partneros::mapper::describe::{self, Description};

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
            package partneros:mapper@0.2.0;
            interface describe {
                record description { name: string, version: string, summary: string, options-schema: string }
                describe: func() -> description;
            }
            world mapper { export describe; }
        ",
        world: "mapper",
        pub_export_macro: true,
    });
}

impl describe::Guest for Guest {
    fn describe() -> Description {
        Description {
            name: "test-guest".to_owned(),
            version: "1.0.0".to_owned(),
            summary: String::new(),
            options_schema: String::new(),
        }
    }
}

#[cfg(target_arch = "wasm32")]
mod component {
    #![allow(unsafe_code, reason = "the generated exports are unsafe functions")]

    use super::Guest;

    super::bindings::export!(Guest with_types_in super::bindings);
}

//! Who this component is.

use crate::bindings::Description;
use crate::options::SCHEMA;

/// Describes the transformer and the options of its rules.
pub fn describe() -> Description {
    Description {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        summary: "Computes a value with an expression, such as \
                  `inputs.annualrevenue.toNumber() / 1000.0`."
            .to_owned(),
        options_schema: SCHEMA.to_owned(),
    }
}

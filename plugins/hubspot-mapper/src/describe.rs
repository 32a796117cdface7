//! Who this component is.

use crate::bindings::Description;
use crate::transform::OPTIONS_SCHEMA;

/// Describes the mapper and the options of its rules.
pub fn describe() -> Description {
    Description {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        summary: "Suggests mappings between PartnerOS and HubSpot and converts values both ways."
            .to_owned(),
        options_schema: OPTIONS_SCHEMA.to_owned(),
    }
}

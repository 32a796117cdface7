//! Proposes which PartnerOS field belongs to which HubSpot property.

use crate::bindings::{ObjectSchema, Suggestion};

/// Proposes a property for each PartnerOS field that has a likely one.
pub fn suggest(_partneros: &ObjectSchema, _hubspot: &ObjectSchema) -> Vec<Suggestion> {
    Vec::new()
}

//! Suggests with a confidence that is not a number.

use guest_components::{Candidate, Mapper, ObjectSchema, Suggestion};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn suggest(
        partneros: &ObjectSchema,
        hubspot: &ObjectSchema,
    ) -> Result<Vec<Suggestion>, String> {
        let (field, property) = match (partneros.fields.first(), hubspot.fields.first()) {
            (Some(field), Some(property)) => (field.name.clone(), property.name.clone()),
            _ => return Ok(Vec::new()),
        };
        Ok(vec![Suggestion {
            field,
            candidates: vec![Candidate {
                property,
                confidence: f64::NAN,
                reasons: Vec::new(),
            }],
        }])
    }
}

guest_components::export_mapper!(Guest);

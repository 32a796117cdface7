//! Suggests a property that the portal does not have.

use guest_components::{Candidate, Mapper, ObjectSchema, Suggestion};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn suggest(
        partneros: &ObjectSchema,
        _hubspot: &ObjectSchema,
    ) -> Result<Vec<Suggestion>, String> {
        let suggestion = |field: &str| Suggestion {
            field: field.to_owned(),
            candidates: vec![Candidate {
                property: "no_such_property".to_owned(),
                confidence: 1.0,
                reasons: Vec::new(),
            }],
        };
        let fields = partneros.fields.iter();
        Ok(fields.map(|field| suggestion(&field.name)).collect())
    }
}

guest_components::export_mapper!(Guest);

//! Properties of the same name.

use partneros_guest::{Candidate, ObjectSchema, Reason, Suggestion};

/// For each field, the first property whose name is equal but for case and underscores.
pub fn suggest(partneros: &ObjectSchema, hubspot: &ObjectSchema) -> Vec<Suggestion> {
    let names: Vec<String> = (hubspot.fields.iter())
        .map(|property| folded(&property.name))
        .collect();
    let suggestion = |field: &str| {
        let wanted = folded(field);
        let position = names.iter().position(|name| *name == wanted)?;
        Some(Suggestion {
            field: field.to_owned(),
            candidates: vec![Candidate {
                property: hubspot.fields.get(position)?.name.clone(),
                confidence: 1.0,
                reasons: vec![Reason {
                    code: "same-name".to_owned(),
                    message: "The names are the same but for case and underscores.".to_owned(),
                }],
            }],
        })
    };
    (partneros.fields.iter())
        .filter_map(|field| suggestion(&field.name))
        .collect()
}

fn folded(name: &str) -> String {
    name.replace('_', "").to_ascii_lowercase()
}

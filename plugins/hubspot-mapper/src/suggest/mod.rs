//! Proposes which PartnerOS field belongs to which HubSpot property.
//!
//! Names and labels become plain words ([`normalize`]), every field is compared with every property
//! ([`score`]) with what is known of HubSpot's own properties ([`aliases`]), and each property is
//! given to the field it fits best ([`assign`]). The same schemas always give the same answer.

mod aliases;
mod assign;
mod normalize;
mod score;

use crate::bindings::{Candidate, ObjectSchema, Suggestion};

/// Proposes properties for each PartnerOS field that has a likely one, best first.
pub fn suggest(partneros: &ObjectSchema, hubspot: &ObjectSchema) -> Vec<Suggestion> {
    let fields = score::named(partneros, &hubspot.name);
    let properties = score::named(hubspot, &hubspot.name);
    let scored = fields.iter().map(|field| {
        let all = properties.iter().enumerate();
        all.filter_map(|(at, property)| score::score(field, property, at))
            .collect()
    });
    let assigned = assign::assign(scored.collect());
    let suggestions = fields.iter().zip(assigned).map(|(field, candidates)| {
        let candidates = candidates.into_iter().filter_map(|one| {
            let property = properties.get(one.property)?.field.name.clone();
            Some(Candidate {
                property,
                confidence: one.confidence,
                reasons: one.reasons,
            })
        });
        Suggestion {
            field: field.field.name.clone(),
            candidates: candidates.collect(),
        }
    });
    suggestions
        .filter(|suggestion| !suggestion.candidates.is_empty())
        .collect()
}

#[cfg(test)]
mod tests;

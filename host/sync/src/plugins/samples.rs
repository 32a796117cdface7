//! Sample values of every type, where there are none of the portal's to try a mapping with.

use partneros_domain::{DataType, FieldSchema, ObjectSchema};

use super::carry::Texts;
use crate::pair_plan::PairPlan;

/// How many generated rows there are; no type has more samples.
const GENERATED_ROWS: usize = 20;

/// Rows that cover the values of every type, of the properties that a plan reads.
pub fn generated(plan: &PairPlan, hubspot: &ObjectSchema) -> Vec<Texts> {
    let samples: Vec<Vec<String>> = plan
        .properties
        .iter()
        .map(|name| hubspot.field(name.as_str()).map_or_else(Vec::new, samples))
        .collect();
    let row = |at: usize| {
        let value = |samples: &Vec<String>| {
            let at = at.checked_rem(samples.len())?;
            samples.get(at).cloned()
        };
        samples.iter().map(value).collect()
    };
    (0..GENERATED_ROWS).map(row).collect()
}

fn samples(schema: &FieldSchema) -> Vec<String> {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let choices = || {
        let choices = schema.choices.iter().take(GENERATED_ROWS);
        choices.map(|choice| choice.value.clone()).collect()
    };
    match schema.data_type {
        DataType::Text | DataType::Reference => owned(&[
            "Acme",
            "Acme GmbH & Co. KG",
            "two  spaces",
            "MiXed Case",
            "Zoë Nuñez",
        ]),
        DataType::Integer => owned(&["0", "1", "-7", "1000000"]),
        DataType::Number => owned(&["0", "1", "-7.5", "1234.56", "0.1"]),
        DataType::Boolean => owned(&["true", "false"]),
        DataType::Date => owned(&["2026-02-28", "1999-12-31", "2028-02-29"]),
        DataType::Datetime => owned(&["2026-02-28T12:34:56.789Z", "1999-12-31T23:59:59Z"]),
        DataType::Choice => choices(),
        DataType::MultiChoice => {
            let single: Vec<String> = choices();
            let all = single.iter().take(2).cloned().collect::<Vec<_>>().join(";");
            single.into_iter().chain([all]).collect()
        }
    }
}

//! Fixtures: made of generated values where a bundle is from, and tried where it goes.

use std::collections::BTreeMap;

use partneros_domain::{FieldName, ObjectSchema, Timestamp, Value};
use serde_json::Value as Json;

use super::{Fixture, FixtureDifference};
use crate::error::Error;
use crate::pair_plan::PairPlan;
use crate::plugins::{Carried, Carrier, Mapper, Texts, generated};

/// Makes fixtures of generated values.
pub fn make(
    mapper: &Mapper,
    plan: &PairPlan,
    hubspot: &ObjectSchema,
    at: Timestamp,
) -> Result<Vec<Fixture>, Error> {
    let mut rows = generated(plan, hubspot);
    rows.dedup();
    let (ours, back) = there_and_back(Carrier { mapper, plan, at }, &rows, &[])?;
    let fixture = |(at, row): (usize, &Texts)| {
        let mut fixture = Fixture::default();
        for route in &plan.routes {
            for (property, column) in route.properties.iter().zip(&route.columns) {
                let value = row.get(*column).cloned().flatten();
                fixture.hubspot.insert(property.clone(), value);
            }
            let field = &route.field.name;
            if let Some(Ok(value)) = ours.cell(field.as_str(), at) {
                fixture
                    .partneros
                    .insert(field.clone(), json(value.as_ref()));
            }
            if let Some(Ok(value)) = back.cell(field.as_str(), at) {
                let text = value.clone().and_then(text);
                fixture.back.insert(route.property.clone(), text);
            }
        }
        fixture
    };
    Ok(rows.iter().enumerate().map(fixture).collect())
}

/// What comes out differently. A fixture that holds what is no value of its field's type is an error.
pub fn differences(
    mapper: &Mapper,
    plan: &PairPlan,
    fixtures: &[Fixture],
    at: Timestamp,
) -> Result<Vec<FixtureDifference>, Error> {
    let row = |fixture: &Fixture| {
        let value = |name| fixture.hubspot.get(name).cloned().flatten();
        plan.properties.iter().map(value).collect()
    };
    let rows: Vec<Texts> = fixtures.iter().map(row).collect();
    let given = fixtures.iter().map(|fixture| values(plan, fixture));
    let given: Vec<_> = given.collect::<Result<_, _>>()?;
    let (ours, back) = there_and_back(Carrier { mapper, plan, at }, &rows, &given)?;
    let mut differences = Vec::new();
    for (at, fixture) in fixtures.iter().enumerate() {
        for (field, expected) in &fixture.partneros {
            let wanted = given.get(at).and_then(|values| values.get(field).cloned());
            let got = cell(&ours, field, at);
            differences.extend(difference(
                at,
                field,
                false,
                expected,
                wanted.flatten().as_ref(),
                got,
            ));
        }
        for (property, expected) in &fixture.back {
            let route = plan.routes.iter().find(|route| route.property == *property);
            let got = match route {
                Some(route) => cell(&back, &route.field.name, at),
                None => Err(NOT_MAPPED.to_owned()),
            };
            let wanted = expected.clone().map(Value::Text);
            let expected = json(wanted.as_ref());
            differences.extend(difference(
                at,
                property,
                true,
                &expected,
                wanted.as_ref(),
                got,
            ));
        }
    }
    Ok(differences)
}

/// Why a value of a fixture does not come out where no mapping carries it.
const NOT_MAPPED: &str = "no mapping carries it";

/// Carries rows to PartnerOS, and these values, or else those that arrived, back.
fn there_and_back(
    carrier: Carrier<'_>,
    rows: &[Texts],
    given: &[BTreeMap<FieldName, Option<Value>>],
) -> Result<(Carried, Carried), Error> {
    let ours = carrier.to_partneros(rows)?;
    let value = |field: &str, row: usize| {
        let given = given.get(row).and_then(|values| values.get(field).cloned());
        given.unwrap_or_else(|| ours.value(field, row))
    };
    let back = carrier.to_hubspot(rows.len(), &value)?;
    Ok((ours, back))
}

/// A fixture's values of PartnerOS as they are stored. Fields that are not mapped are left out.
fn values(plan: &PairPlan, fixture: &Fixture) -> Result<BTreeMap<FieldName, Option<Value>>, Error> {
    let mut values = BTreeMap::new();
    for (name, json) in &fixture.partneros {
        let Some(schema) = plan.object.field(name.as_str()) else {
            continue;
        };
        let invalid = |error: partneros_domain::InvalidValue| Error::InvalidSample {
            name: name.to_string(),
            problem: error.to_string(),
        };
        let value = Value::from_json(schema, json.clone()).map_err(invalid)?;
        values.insert(name.clone(), value);
    }
    Ok(values)
}

fn cell(carried: &Carried, field: &FieldName, row: usize) -> Result<Option<Value>, String> {
    let cell = carried.cell(field.as_str(), row).cloned();
    cell.unwrap_or_else(|| Err(NOT_MAPPED.to_owned()))
}

fn difference(
    fixture: usize,
    name: &FieldName,
    is_back: bool,
    expected: &Json,
    wanted: Option<&Value>,
    got: Result<Option<Value>, String>,
) -> Option<FixtureDifference> {
    // HubSpot does not tell an empty text from none.
    let plain = |value: Option<&Value>| match value {
        Some(Value::Text(text)) if text.is_empty() => None,
        value => value.cloned(),
    };
    let (got, problem) = match got {
        Ok(got) if plain(got.as_ref()) == plain(wanted) => return None,
        Ok(got) => (got, None),
        Err(problem) => (None, Some(problem)),
    };
    Some(FixtureDifference {
        fixture,
        name: name.clone(),
        is_back,
        expected: expected.clone(),
        got: json(got.as_ref()),
        problem,
    })
}

fn json(value: Option<&Value>) -> Json {
    serde_json::to_value(value).unwrap_or_default()
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

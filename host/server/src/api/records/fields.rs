//! Checks the fields that a caller sends against the object's schema, and reports everything that is wrong at once.

use partneros_domain::{FieldSchema, Named, ObjectSchema, Value};
use serde_json::{Map, Value as Json};

use crate::problem::Detail;

/// What a caller sends: values by field name. `null` clears a field.
pub(super) type Sent = Map<String, Json>;

/// What is to change: `None` clears a field.
pub(super) type Changes = Named<Option<Value>>;

/// What the changes are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A record that is new, and needs every required field.
    Create,
    /// A record that exists, whose required fields cannot be cleared.
    Update,
}

/// The changes, or all that is wrong with them.
pub(super) fn check(
    schema: &ObjectSchema,
    sent: Sent,
    purpose: Purpose,
) -> Result<Changes, Vec<Detail>> {
    let mut details = Vec::new();
    let mut changes = Changes::new();
    let mut refused = Vec::new();
    for (name, json) in sent {
        match change(schema, &name, json) {
            Ok((field, value)) => {
                changes.insert(field.name.clone(), value);
            }
            Err(detail) => {
                refused.push(name);
                details.push(detail);
            }
        }
    }
    for field in schema.fields.iter().filter(|field| field.required) {
        let name = field.name.as_str();
        let missing = match changes.get(name) {
            Some(value) => value.is_none(),
            None => purpose == Purpose::Create && !refused.iter().any(|refused| refused == name),
        };
        if missing {
            let fragment = match purpose {
                Purpose::Create => format!("field `{name}` is required; give it a value"),
                Purpose::Update => format!(
                    "field `{name}` is required and cannot be cleared; give it a value or leave it out"
                ),
            };
            details.push(Detail::of_field(name, "required_field", &fragment));
        }
    }
    if details.is_empty() {
        Ok(changes)
    } else {
        Err(details)
    }
}

/// Whether every required field is given, so that it does not matter whether the record exists.
pub(super) fn names_required(schema: &ObjectSchema, sent: &Sent) -> bool {
    let mut required = schema.fields.iter().filter(|field| field.required);
    required.all(|field| sent.contains_key(field.name.as_str()))
}

fn change<'a>(
    schema: &'a ObjectSchema,
    name: &str,
    json: Json,
) -> Result<(&'a FieldSchema, Option<Value>), Detail> {
    let Some(field) = schema.field(name) else {
        let object = &schema.name;
        let fragment = format!(
            "object `{object}` has no field `{name}`; `GET /api/objects/{object}` lists its fields"
        );
        return Err(Detail::of_field(name, "unknown_field", &fragment));
    };
    if field.read_only {
        let fragment = format!("field `{name}` is read-only; leave it out");
        return Err(Detail::of_field(name, "read_only_field", &fragment));
    }
    match Value::from_json(field, json) {
        Ok(value) => Ok((field, value)),
        Err(error) => Err(Detail::of_field(name, "invalid_value", &error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use partneros_domain::{DataType, object};
    use serde_json::json;

    use super::*;

    fn codes(sent: Json, purpose: Purpose) -> Vec<(String, String)> {
        let Json::Object(sent) = sent else {
            panic!("an object")
        };
        let mut schema = object::built_in("partners").unwrap();
        let mut computed = FieldSchema::new("score", "Score", DataType::Integer);
        computed.read_only = true;
        schema.fields.push(computed);
        let details = check(&schema, sent, purpose).unwrap_err();
        details
            .into_iter()
            .map(|detail| (detail.field.unwrap(), detail.code))
            .collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        let sent = json!({"nmae": "x", "employees": "many", "score": 1, "tier": "tin"});
        let expected = [
            ("nmae", "unknown_field"),
            ("employees", "invalid_value"),
            ("score", "read_only_field"),
            ("tier", "invalid_value"),
            ("name", "required_field"),
        ];
        assert_eq!(codes(sent, Purpose::Create), pairs(&expected));
    }

    #[test]
    fn a_required_field_is_neither_left_out_nor_cleared() {
        let missing = pairs(&[("name", "required_field")]);
        assert_eq!(codes(json!({}), Purpose::Create), missing);
        assert_eq!(codes(json!({"name": ""}), Purpose::Create), missing);
        assert_eq!(codes(json!({"name": null}), Purpose::Update), missing);
        assert_eq!(
            codes(json!({"name": 1}), Purpose::Create),
            pairs(&[("name", "invalid_value")])
        );
    }

    #[test]
    fn null_clears_and_what_is_not_named_stays() {
        let schema = object::built_in("partners").unwrap();
        let Json::Object(sent) = json!({"city": null, "employees": 3}) else {
            panic!("an object")
        };
        let changes = check(&schema, sent, Purpose::Update).unwrap();
        assert_eq!(changes.get("city"), Some(&None));
        assert_eq!(changes.get("employees"), Some(&Some(Value::Integer(3))));
        assert_eq!(changes.get("name"), None);
    }
}

//! The value of a PartnerOS field, and the check that it fits the field's schema.
//!
//! The JSON form is the plain one (`"text"`, `12`, `12.5`, `true`, `["a","b"]`); dates and datetimes are text in their
//! canonical form. Everything that enters (API, plugin output) goes through [`Value::from_json`] or [`Value::checked`],
//! so that equal values are equal bytes: a comparison never has to normalise.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::schema::{DataType, FieldSchema};
use crate::time::Timestamp;

/// The longest text a field may hold, in bytes; HubSpot's own limit is 65,536 characters.
pub const TEXT_BYTES_MAX: usize = 262_144;
/// The most entries a multi-choice value may hold.
pub const CHOICES_MAX: usize = 1_000;

/// A value that does not fit its field. The message says what the field takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}` {problem}")]
pub struct InvalidValue {
    /// The field's name.
    pub field: String,
    /// What is wrong, to be read after the field's name: "takes a whole number, got `x`".
    pub problem: String,
}

/// The value of one field. "No value" is the absence of an entry, never a variant.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// `boolean`.
    Boolean(bool),
    /// `integer`.
    Integer(i64),
    /// `number`; always finite.
    Number(f64),
    /// `text`, `date`, `datetime`, `choice` and `reference`; never empty.
    Text(String),
    /// `multi-choice`; sorted, each entry once, never empty.
    Texts(Vec<String>),
}

impl Value {
    /// Reads a JSON value for this field. `null`, `""` and `[]` are no value.
    pub fn from_json(
        field: &FieldSchema,
        json: serde_json::Value,
    ) -> Result<Option<Self>, InvalidValue> {
        use serde_json::Value as Json;
        let value = match (field.data_type, json) {
            (_, Json::Null) => return Ok(None),
            (DataType::Boolean, Json::Bool(value)) => Self::Boolean(value),
            (DataType::Integer, Json::Number(number)) => match number.as_i64() {
                Some(value) => Self::Integer(value),
                None => return Err(mismatch(field, &Json::Number(number))),
            },
            (DataType::Number, Json::Number(number)) => match number.as_f64() {
                Some(value) => Self::Number(value),
                None => return Err(mismatch(field, &Json::Number(number))),
            },
            (DataType::MultiChoice, Json::Array(entries)) => {
                let mut texts = Vec::with_capacity(entries.len().min(CHOICES_MAX));
                for entry in entries {
                    match entry {
                        Json::String(text) => texts.push(text),
                        other => return Err(mismatch(field, &other)),
                    }
                }
                Self::Texts(texts)
            }
            (
                DataType::Text
                | DataType::Date
                | DataType::Datetime
                | DataType::Choice
                | DataType::Reference,
                Json::String(text),
            ) => Self::Text(text),
            (_, other) => return Err(mismatch(field, &other)),
        };
        value.checked(field)
    }

    /// Checks that the value fits the field and brings it into canonical form; `None` when that is "no value".
    pub fn checked(self, field: &FieldSchema) -> Result<Option<Self>, InvalidValue> {
        let fits = matches!(
            (field.data_type, &self),
            (DataType::Boolean, Self::Boolean(_))
                | (DataType::Integer, Self::Integer(_))
                | (DataType::Number, Self::Number(_))
                | (DataType::MultiChoice, Self::Texts(_))
                | (
                    DataType::Text
                        | DataType::Date
                        | DataType::Datetime
                        | DataType::Choice
                        | DataType::Reference,
                    Self::Text(_)
                )
        );
        if !fits {
            return Err(invalid(field, format!("takes {}", takes(field.data_type))));
        }
        match self {
            Self::Boolean(_) | Self::Integer(_) => Ok(Some(self)),
            Self::Number(number) if !number.is_finite() => {
                Err(invalid(field, "takes a finite number".to_owned()))
            }
            Self::Number(number) => Ok(Some(Self::Number(number))),
            Self::Text(text) => checked_text(field, text),
            Self::Texts(texts) => checked_texts(field, texts),
        }
    }
}

/// Reads the stored form. Written by hand because serde's untagged enums try one variant after the other and build an
/// error for each that fails, which costs more than everything else about reading a record.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Plain;

        impl<'de> Visitor<'de> for Plain {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, number, boolean or list of texts")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Boolean(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Integer(value))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
                let value = i64::try_from(value).map_err(E::custom)?;
                Ok(Value::Integer(value))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(Value::Number(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(Value::Text(value.to_owned()))
            }

            fn visit_string<E>(self, value: String) -> Result<Value, E> {
                Ok(Value::Text(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
                let mut texts = Vec::with_capacity(list.size_hint().unwrap_or(4).min(CHOICES_MAX));
                while let Some(text) = list.next_element()? {
                    texts.push(text);
                }
                Ok(Value::Texts(texts))
            }
        }

        deserializer.deserialize_any(Plain)
    }
}

fn checked_text(field: &FieldSchema, text: String) -> Result<Option<Value>, InvalidValue> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > TEXT_BYTES_MAX {
        let problem = format!("takes at most {TEXT_BYTES_MAX} bytes, got {}", text.len());
        return Err(invalid(field, problem));
    }
    let text = match field.data_type {
        DataType::Choice => {
            check_choice(field, &text)?;
            text
        }
        DataType::Date => text
            .parse::<jiff::civil::Date>()
            .ok()
            .filter(|_| text.len() == 10)
            .map(|date| date.to_string())
            .ok_or_else(|| mismatch_text(field, &text))?,
        DataType::Datetime => text
            .parse::<Timestamp>()
            .map(|instant| instant.to_string())
            .map_err(|_| mismatch_text(field, &text))?,
        _ => text,
    };
    Ok(Some(Value::Text(text)))
}

fn checked_texts(
    field: &FieldSchema,
    mut texts: Vec<String>,
) -> Result<Option<Value>, InvalidValue> {
    if texts.len() > CHOICES_MAX {
        let problem = format!("takes at most {CHOICES_MAX} choices, got {}", texts.len());
        return Err(invalid(field, problem));
    }
    texts.retain(|text| !text.is_empty());
    for text in &texts {
        check_choice(field, text)?;
    }
    texts.sort_unstable();
    texts.dedup();
    Ok((!texts.is_empty()).then_some(Value::Texts(texts)))
}

fn check_choice(field: &FieldSchema, text: &str) -> Result<(), InvalidValue> {
    if field.choices.is_empty() || field.choices.iter().any(|choice| choice.value == text) {
        return Ok(());
    }
    let allowed: Vec<_> = field
        .choices
        .iter()
        .take(12)
        .map(|choice| format!("`{}`", choice.value))
        .collect();
    let more = if field.choices.len() > 12 {
        ", …"
    } else {
        ""
    };
    let problem = format!(
        "takes one of {}{more}, got `{}`",
        allowed.join(", "),
        shown(text)
    );
    Err(invalid(field, problem))
}

fn takes(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Text => "text",
        DataType::Integer => "a whole number",
        DataType::Number => "a number",
        DataType::Boolean => "`true` or `false`",
        DataType::Date => "a date as `2026-11-23`",
        DataType::Datetime => "an instant as `2026-11-23T09:30:00.000Z`",
        DataType::Choice => "one of its choices",
        DataType::MultiChoice => "a list of its choices",
        DataType::Reference => "an id",
    }
}

fn mismatch(field: &FieldSchema, got: &serde_json::Value) -> InvalidValue {
    invalid(
        field,
        format!(
            "takes {}, got `{}`",
            takes(field.data_type),
            shown(&got.to_string())
        ),
    )
}

fn mismatch_text(field: &FieldSchema, got: &str) -> InvalidValue {
    invalid(
        field,
        format!("takes {}, got `{}`", takes(field.data_type), shown(got)),
    )
}

fn invalid(field: &FieldSchema, problem: String) -> InvalidValue {
    InvalidValue {
        field: field.name.to_string(),
        problem,
    }
}

/// The start of a value, short enough for a message.
fn shown(text: &str) -> &str {
    let end = text.char_indices().nth(60).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(data_type: DataType, json: serde_json::Value) -> Result<Option<Value>, InvalidValue> {
        let field = FieldSchema::new("field", "Field", data_type);
        let field = match data_type {
            DataType::Choice | DataType::MultiChoice => field.choices(&[("a", "A"), ("b", "B")]),
            _ => field,
        };
        Value::from_json(&field, json)
    }

    #[test]
    fn each_type_takes_its_json_form_and_no_other() {
        let accepted = [
            (DataType::Text, json!("x"), Value::Text("x".into())),
            (DataType::Integer, json!(12), Value::Integer(12)),
            (DataType::Number, json!(12), Value::Number(12.0)),
            (DataType::Boolean, json!(true), Value::Boolean(true)),
            (
                DataType::Date,
                json!("2026-11-23"),
                Value::Text("2026-11-23".into()),
            ),
            (
                DataType::Datetime,
                json!("2026-11-23T10:30:00+01:00"),
                Value::Text("2026-11-23T09:30:00.000Z".into()),
            ),
            (DataType::Choice, json!("a"), Value::Text("a".into())),
            (
                DataType::MultiChoice,
                json!(["b", "a", "b"]),
                Value::Texts(vec!["a".into(), "b".into()]),
            ),
            (DataType::Reference, json!("42"), Value::Text("42".into())),
        ];
        for (data_type, json, value) in &accepted {
            assert_eq!(
                read(*data_type, json.clone()),
                Ok(Some(value.clone())),
                "{data_type:?}"
            );
        }
        let refused = [
            (DataType::Text, json!(1)),
            (DataType::Integer, json!(1.5)),
            (DataType::Integer, json!("1")),
            (DataType::Number, json!("1")),
            (DataType::Boolean, json!("true")),
            (DataType::Date, json!("23.11.2026")),
            (DataType::Date, json!("2026-11-23T00:00:00Z")),
            (DataType::Datetime, json!("2026-11-23")),
            (DataType::Choice, json!("c")),
            (DataType::MultiChoice, json!("a")),
            (DataType::MultiChoice, json!(["c"])),
        ];
        for (data_type, json) in &refused {
            assert!(
                read(*data_type, json.clone()).is_err(),
                "{data_type:?} took {json}"
            );
        }
    }

    #[test]
    fn empty_is_no_value() {
        assert_eq!(read(DataType::Text, json!("")), Ok(None));
        assert_eq!(read(DataType::Integer, json!(null)), Ok(None));
        assert_eq!(read(DataType::MultiChoice, json!([])), Ok(None));
    }

    #[test]
    fn stored_form_reads_back_the_same() {
        for value in [
            Value::Boolean(false),
            Value::Integer(-7),
            Value::Number(1500.0),
            Value::Text("12".into()),
            Value::Texts(vec!["a".into()]),
        ] {
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(
                serde_json::from_str::<Value>(&text).unwrap(),
                value,
                "{text}"
            );
        }
    }

    #[test]
    fn message_names_the_field_and_what_it_takes() {
        let error = read(DataType::Choice, json!("gold")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "field `field` takes one of `a`, `b`, got `gold`"
        );
    }
}

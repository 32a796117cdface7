//! Search filters: their wire form, and how they compare.
//!
//! A filter is compiled once per search against the property's type: numbers compare as numbers, dates as instants,
//! text without regard to case, options exactly. A record without a value matches no comparison, not even `NEQ`.
// Unverified: whether the negated operators match records without a value; users report that they do not.

use serde::Deserialize;

use super::property::{DataType, Property};
use super::record::PropertyIx;
use super::values;
use super::view::Text;
use crate::errors::ApiError;

/// A condition as sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    /// The property, or `associations.` and an object type.
    pub property_name: String,
    /// How to compare.
    pub operator: Operator,
    /// With what.
    #[serde(default)]
    pub value: Option<Text>,
    /// The upper end of a range.
    #[serde(default)]
    pub high_value: Option<Text>,
    /// With which of several.
    #[serde(default)]
    pub values: Vec<Text>,
}

/// HubSpot's comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Operator {
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Equal.
    Eq,
    /// Not equal.
    Neq,
    /// Within `value` and `highValue`, both included.
    Between,
    /// One of `values`.
    In,
    /// None of `values`.
    NotIn,
    /// Has a value.
    HasProperty,
    /// Has none.
    NotHasProperty,
    /// Contains a word; `*` stands for any end of it.
    ContainsToken,
    /// Does not contain it.
    NotContainsToken,
}

/// A filter that is ready to compare.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) property: PropertyIx,
    test: Test,
    data_type: DataType,
    multiple: bool,
}

#[derive(Debug, Clone)]
enum Test {
    Present(bool),
    /// Bounds with whether each is included.
    Range {
        low: Option<(Key, bool)>,
        high: Option<(Key, bool)>,
    },
    OneOf {
        keys: Vec<Key>,
        negated: bool,
    },
    Token {
        words: Vec<String>,
        negated: bool,
    },
}

/// What values compare as.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) enum Key {
    Number(f64),
    Instant(i64),
    Text(String),
}

/// The value of a property as it compares, `None` when it has no value.
pub(crate) fn key(data_type: DataType, value: &str) -> Option<Key> {
    if value.is_empty() {
        return None;
    }
    match data_type {
        DataType::Number => value.parse().ok().map(Key::Number),
        DataType::Date | DataType::Datetime => {
            values::instant(value).map(|at| Key::Instant(at.as_millis()))
        }
        DataType::Bool | DataType::Enumeration => Some(Key::Text(value.to_owned())),
        DataType::String | DataType::PhoneNumber | DataType::Json | DataType::ObjectCoordinates => {
            Some(Key::Text(value.to_lowercase()))
        }
    }
}

impl Filter {
    /// Makes the filter ready for the values of `definition`.
    pub(crate) fn compile(
        &self,
        property: PropertyIx,
        definition: &Property,
    ) -> Result<Condition, ApiError> {
        let data_type = definition.data_type;
        let operand = |text: Option<&Text>| {
            let text = text.map_or("", |text| text.0.as_str());
            key(data_type, text).ok_or_else(|| bad_operand(definition, text))
        };
        let value = || operand(self.value.as_ref());
        let test = match self.operator {
            Operator::HasProperty => Test::Present(true),
            Operator::NotHasProperty => Test::Present(false),
            Operator::Lt => Test::Range {
                low: None,
                high: Some((value()?, false)),
            },
            Operator::Lte => Test::Range {
                low: None,
                high: Some((value()?, true)),
            },
            Operator::Gt => Test::Range {
                low: Some((value()?, false)),
                high: None,
            },
            Operator::Gte => Test::Range {
                low: Some((value()?, true)),
                high: None,
            },
            Operator::Between => Test::Range {
                low: Some((value()?, true)),
                high: Some((operand(self.high_value.as_ref())?, true)),
            },
            Operator::Eq => Test::OneOf {
                keys: vec![value()?],
                negated: false,
            },
            Operator::Neq => Test::OneOf {
                keys: vec![value()?],
                negated: true,
            },
            Operator::In | Operator::NotIn => Test::OneOf {
                keys: self.listed(definition)?,
                negated: self.operator == Operator::NotIn,
            },
            Operator::ContainsToken | Operator::NotContainsToken => {
                let text = self.value.as_ref().map_or("", |text| text.0.as_str());
                let words: Vec<String> = words(text, true);
                if words.is_empty() {
                    return Err(bad_operand(definition, text));
                }
                Test::Token {
                    words,
                    negated: self.operator == Operator::NotContainsToken,
                }
            }
        };
        Ok(Condition {
            property,
            test,
            data_type,
            multiple: definition.multiple(),
        })
    }

    /// The keys of `values`. Text is compared in lower case but listed as sent: an operand with capitals matches nothing.
    fn listed(&self, definition: &Property) -> Result<Vec<Key>, ApiError> {
        if self.values.is_empty() {
            return Err(bad_operand(definition, ""));
        }
        let exact = |text: &Text| match key(definition.data_type, &text.0) {
            Some(Key::Text(_)) => Ok(Key::Text(text.0.clone())),
            Some(key) => Ok(key),
            None => Err(bad_operand(definition, &text.0)),
        };
        self.values.iter().map(exact).collect()
    }
}

impl Condition {
    /// Whether a record with this value matches.
    pub(crate) fn matches(&self, value: Option<&str>) -> bool {
        let value = value.filter(|value| !value.is_empty());
        match (&self.test, value) {
            (Test::Present(wanted), value) => value.is_some() == *wanted,
            (_, None) => false,
            (Test::Range { low, high }, Some(value)) => {
                let Some(have) = key(self.data_type, value) else {
                    return false;
                };
                let above = low
                    .as_ref()
                    .is_none_or(|(low, included)| have > *low || (*included && have == *low));
                let below = high
                    .as_ref()
                    .is_none_or(|(high, included)| have < *high || (*included && have == *high));
                above && below
            }
            (Test::OneOf { keys, negated }, Some(value)) => self.is_one_of(keys, value) != *negated,
            (
                Test::Token {
                    words: wanted,
                    negated,
                },
                Some(value),
            ) => {
                let have = words(value, false);
                let all = wanted
                    .iter()
                    .all(|word| have.iter().any(|have| word_matches(word, have)));
                all != *negated
            }
        }
    }

    /// The range of instants that match, both ends included, when the test is nothing but one.
    pub(crate) fn instants(&self) -> Option<(i64, i64)> {
        self.integers(|key| match key {
            Key::Instant(at) => Some(*at),
            Key::Number(_) | Key::Text(_) => None,
        })
    }

    /// The range of ids that match, both ends included, when the test is nothing but one.
    pub(crate) fn ids(&self) -> Option<(i64, i64)> {
        self.integers(|key| match key {
            Key::Number(number) if number.fract() == 0.0 => Some(*number as i64),
            Key::Number(_) | Key::Instant(_) | Key::Text(_) => None,
        })
    }

    fn integers(&self, integer: impl Fn(&Key) -> Option<i64>) -> Option<(i64, i64)> {
        match &self.test {
            Test::OneOf {
                keys,
                negated: false,
            } if keys.len() == 1 => {
                let at = integer(&keys[0])?;
                Some((at, at))
            }
            Test::Range { low, high } => {
                let low = match low {
                    Some((key, included)) => integer(key)?.saturating_add(i64::from(!included)),
                    None => i64::MIN,
                };
                let high = match high {
                    Some((key, included)) => integer(key)?.saturating_sub(i64::from(!included)),
                    None => i64::MAX,
                };
                Some((low, high))
            }
            Test::Present(_) | Test::OneOf { .. } | Test::Token { .. } => None,
        }
    }

    fn is_one_of(&self, keys: &[Key], value: &str) -> bool {
        if self.multiple {
            // Unverified: any chosen option counts.
            return value
                .split(';')
                .any(|part| keys.contains(&Key::Text(part.to_owned())));
        }
        key(self.data_type, value).is_some_and(|have| keys.contains(&have))
    }
}

/// The words of a text in lower case; `*` stays where it is a wildcard.
pub(crate) fn words(text: &str, wildcards: bool) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !(c.is_alphanumeric() || (wildcards && c == '*')))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether a word fits a pattern in which `*` stands for any run of characters.
fn word_matches(pattern: &str, word: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == word;
    };
    let Some(rest) = word.strip_prefix(head) else {
        return false;
    };
    rest.char_indices()
        .map(|(at, _)| &rest[at..])
        .chain([""])
        .any(|rest| word_matches(tail, rest))
}

// Unverified: the text of this refusal.
fn bad_operand(definition: &Property, text: &str) -> ApiError {
    ApiError::validation(format!(
        "Failed to parse value \"{text}\" for property {} of type {}",
        definition.name,
        definition.data_type.name()
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// An operand as a case writes it: `1..3` for a range, words with commas for a list.
    fn filter(operator: &str, operand: &str) -> Filter {
        let list: Vec<&str> = operand.split(',').collect();
        let (low, high) = operand.split_once("..").unwrap_or((operand, ""));
        let high = if high.is_empty() {
            Value::Null
        } else {
            high.into()
        };
        serde_json::from_value(json!({
            "propertyName": "p", "operator": operator, "value": low, "highValue": high, "values": list,
        }))
        .unwrap()
    }

    #[test]
    fn each_operator_compares_by_the_propertys_type() {
        use DataType::{Date, Datetime, Enumeration, Number, String};
        let cases = [
            (Number, "GT", "9", Some("10"), true),
            (Number, "EQ", "1500", Some("1500.00"), true),
            (Number, "BETWEEN", "1..3", Some("3"), true),
            (Number, "BETWEEN", "1..3", Some("3.5"), false),
            (Number, "LT", "3", None, false),
            (Number, "LTE", "3", Some("3"), true),
            (
                Datetime,
                "GTE",
                "1726061259356",
                Some("2024-09-11T13:27:39.356Z"),
                true,
            ),
            (
                Datetime,
                "LT",
                "2024-09-11T13:27:39.356Z",
                Some("2024-09-11T13:27:39.355Z"),
                true,
            ),
            (Date, "EQ", "1582934400000", Some("2020-02-29"), true),
            (String, "EQ", "ACME", Some("Acme"), true),
            (String, "IN", "other,acme", Some("Acme"), true),
            (String, "IN", "Acme", Some("Acme"), false),
            (String, "NOT_IN", "acme", Some("Other"), true),
            (String, "NEQ", "a", Some("b"), true),
            (String, "NEQ", "a", None, false),
            (String, "HAS_PROPERTY", "", Some("x"), true),
            (String, "HAS_PROPERTY", "", Some(""), false),
            (String, "NOT_HAS_PROPERTY", "", None, true),
            (
                String,
                "CONTAINS_TOKEN",
                "north",
                Some("The North-West Co"),
                true,
            ),
            (
                String,
                "CONTAINS_TOKEN",
                "nor",
                Some("The North-West Co"),
                false,
            ),
            (
                String,
                "CONTAINS_TOKEN",
                "nor*",
                Some("The North-West Co"),
                true,
            ),
            (
                String,
                "CONTAINS_TOKEN",
                "*rt*",
                Some("The North-West Co"),
                true,
            ),
            (
                String,
                "NOT_CONTAINS_TOKEN",
                "south",
                Some("The North"),
                true,
            ),
            (Enumeration, "EQ", "RETAIL", Some("RETAIL"), true),
            (Enumeration, "EQ", "retail", Some("RETAIL"), false),
        ];
        for (data_type, operator, operand, value, expected) in cases {
            let definition = Property::new("p", "P", data_type, "text", "g");
            let condition = filter(operator, operand)
                .compile(PropertyIx(0), &definition)
                .unwrap();
            assert_eq!(
                condition.matches(value),
                expected,
                "{operator} {operand} {value:?}"
            );
        }
        let several = Property::new("p", "P", Enumeration, "checkbox", "g");
        let condition = filter("IN", "b").compile(PropertyIx(0), &several).unwrap();
        assert!(condition.matches(Some("a;b")));
    }
}

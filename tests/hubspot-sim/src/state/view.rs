//! Records as answers show them, and the wire form of property values.

use std::sync::Arc;

use partneros_domain::Timestamp;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::errors::ApiError;

/// A record in an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecordView {
    /// Its id.
    pub id: u64,
    /// Name and value; `None` was never set, an empty text was cleared.
    pub properties: Vec<(Arc<str>, Option<String>)>,
    /// The versions of the properties asked for, newest first.
    pub history: Vec<(Arc<str>, Vec<Value>)>,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last modified.
    pub updated: Timestamp,
    /// When it was archived, if it is.
    pub archived: Option<Timestamp>,
    /// By the plural name of the other type: ids and kinds of association.
    pub associations: Vec<(String, Vec<Value>)>,
    /// For an upsert: whether it was created.
    pub new: Option<bool>,
    /// The sender's mark on the row.
    pub trace_id: Option<String>,
    /// Values that were rounded: property, sent, kept.
    pub normalized: Vec<(String, String, String)>,
}

impl RecordView {
    /// The value of a property in the answer.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|(have, _)| &**have == name)
            .and_then(|(_, value)| value.as_deref())
    }
}

impl Serialize for RecordView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id.to_string())?;
        map.serialize_entry("properties", &Pairs(&self.properties))?;
        if !self.history.is_empty() {
            map.serialize_entry("propertiesWithHistory", &Pairs(&self.history))?;
        }
        map.serialize_entry("createdAt", &self.created)?;
        map.serialize_entry("updatedAt", &self.updated)?;
        map.serialize_entry("archived", &self.archived.is_some())?;
        if let Some(archived) = self.archived {
            map.serialize_entry("archivedAt", &archived)?;
        }
        if !self.associations.is_empty() {
            let lists = self
                .associations
                .iter()
                .map(|(to, ids)| (to, json!({ "results": ids })));
            map.serialize_entry("associations", &lists.collect::<Vec<_>>().as_map())?;
        }
        if let Some(new) = self.new {
            map.serialize_entry("new", &new)?;
        }
        if let Some(trace_id) = &self.trace_id {
            map.serialize_entry("objectWriteTraceId", trace_id)?;
        }
        if !self.normalized.is_empty() {
            let warnings: Vec<_> = self.normalized.iter().map(normalized_warning).collect();
            map.serialize_entry("warnings", &warnings)?;
        }
        map.end()
    }
}

fn normalized_warning((name, raw, kept): &(String, String, String)) -> Value {
    json!({
        "category": "PROPERTY_VALUE_NORMALIZED",
        "message": format!("The value of {name} was normalized"),
        "context": { "rawValue": [raw], "normalizedValue": [kept], "propertyName": [name] },
    })
}

struct Pairs<'a, K, V>(&'a [(K, V)]);

impl<K: AsRef<str>, V: Serialize> Serialize for Pairs<'_, K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name.as_ref(), value)))
    }
}

trait AsMap<K, V> {
    fn as_map(&self) -> Pairs<'_, K, V>;
}

impl<K, V> AsMap<K, V> for Vec<(K, V)> {
    fn as_map(&self) -> Pairs<'_, K, V> {
        Pairs(self)
    }
}

/// Property values as sent: texts, with numbers and booleans of JSON turned into text, and null as a cleared value.
// Unverified: documentation names "" as the way to clear; clients in the wild send null and succeed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Values(pub Vec<(String, String)>);

impl Values {
    /// The value sent for `name`; the last one wins.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(have, _)| have == name)
            .map(|(_, value)| value.as_str())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Values {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Values;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of property values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(8));
                while let Some((name, Text(value))) = map.next_entry::<String, Text>()? {
                    pairs.push((name, value));
                }
                Ok(Values(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// A text that may come as a number, a boolean or null.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Self(String::new())),
            Value::Bool(flag) => Ok(Self(flag.to_string())),
            Value::Number(number) => Ok(Self(number.to_string())),
            Value::String(text) => Ok(Self(text)),
            Value::Array(_) | Value::Object(_) => Err(serde::de::Error::custom(
                "Cannot deserialize value of type `java.lang.String` from a structure",
            )),
        }
    }
}

/// The answer to a batch call.
#[derive(Debug, Clone, Default)]
pub struct BatchReply {
    /// The rows that went well, in no promised order.
    pub results: Vec<RecordView>,
    /// The rows that did not.
    pub errors: Vec<ApiError>,
    /// When it all happened.
    pub at: Timestamp,
}

impl BatchReply {
    /// 207 when some rows failed, `whole` otherwise.
    pub fn status(&self, whole: u16) -> u16 {
        if self.errors.is_empty() { whole } else { 207 }
    }
}

impl Serialize for BatchReply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", "COMPLETE")?;
        map.serialize_entry("results", &self.results)?;
        if !self.errors.is_empty() {
            map.serialize_entry("numErrors", &self.errors.len())?;
            map.serialize_entry("errors", &self.errors)?;
        }
        map.serialize_entry("startedAt", &self.at)?;
        map.serialize_entry("completedAt", &self.at)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_booleans_and_null_become_text() {
        let values: Values =
            serde_json::from_str(r#"{"a":1500.50,"b":true,"c":null,"d":"x","e":12}"#).unwrap();
        let expected = Values::from([
            ("a", "1500.5"),
            ("b", "true"),
            ("c", ""),
            ("d", "x"),
            ("e", "12"),
        ]);
        assert_eq!(values, expected);
        assert!(serde_json::from_str::<Values>(r#"{"a":["x"]}"#).is_err());
    }
}

//! How an object's schema differs from what it was.

use serde::{Deserialize, Serialize};

use crate::fields::FieldName;
use crate::schema::{DataType, FieldSchema, ObjectSchema};

/// How many lost values a sentence names; the drift has all.
const NAMED_MAX: usize = 5;

/// What became different about an object, fields by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// Fields that are new.
    pub added: Vec<FieldName>,
    /// Fields that are gone.
    pub removed: Vec<FieldName>,
    /// Fields of another type.
    pub retyped: Vec<Retyped>,
    /// Choice fields with other values.
    pub choices: Vec<ChoiceDrift>,
}

/// A field whose type is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retyped {
    /// The field.
    pub name: FieldName,
    /// What it was.
    pub from: DataType,
    /// What it is.
    pub to: DataType,
}

/// A choice field whose values are others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceDrift {
    /// The field.
    pub name: FieldName,
    /// Values that are new.
    pub added: Vec<String>,
    /// Values that are gone.
    pub removed: Vec<String>,
}

impl Drift {
    /// Compares an object with what it was.
    pub fn between(from: &ObjectSchema, to: &ObjectSchema) -> Self {
        let mut drift = Self::default();
        for old in &from.fields {
            let Some(new) = to.field(old.name.as_str()) else {
                drift.removed.push(old.name.clone());
                continue;
            };
            if old.data_type != new.data_type {
                drift.retyped.push(Retyped {
                    name: old.name.clone(),
                    from: old.data_type,
                    to: new.data_type,
                });
            }
            drift.choices.extend(ChoiceDrift::between(old, new));
        }
        let is_new = |field: &&FieldSchema| from.field(field.name.as_str()).is_none();
        let added = to.fields.iter().filter(is_new);
        drift.added = added.map(|field| field.name.clone()).collect();
        drift
    }

    /// Whether nothing is different.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Why a mapping that uses this field may no longer work as it did; none when it does.
    pub fn harm(&self, name: &str) -> Option<String> {
        if self.removed.iter().any(|field| field.as_str() == name) {
            return Some("is gone".to_owned());
        }
        let retyped = self
            .retyped
            .iter()
            .find(|field| field.name.as_str() == name);
        if let Some(Retyped { from, to, .. }) = retyped {
            return Some(format!("was {}, is {} now", from.as_str(), to.as_str()));
        }
        let choices = self
            .choices
            .iter()
            .find(|field| field.name.as_str() == name)?;
        let lost = choices.removed.iter().take(NAMED_MAX);
        let lost: Vec<_> = lost.map(|value| format!("`{value}`")).collect();
        let more = choices.removed.len().saturating_sub(NAMED_MAX);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        (!lost.is_empty()).then(|| format!("no longer takes {}{more}", lost.join(", ")))
    }

    /// The values that a field no longer has.
    pub fn removed_values(&self, name: &str) -> &[String] {
        let choices = self
            .choices
            .iter()
            .find(|field| field.name.as_str() == name);
        choices.map_or(&[], |choices| &choices.removed)
    }
}

impl ChoiceDrift {
    fn between(from: &FieldSchema, to: &FieldSchema) -> Option<Self> {
        let missing = |of: &FieldSchema, other: &FieldSchema| -> Vec<String> {
            let is_missing =
                |value: &&str| !other.choices.iter().any(|choice| choice.value == *value);
            let values = of.choices.iter().map(|choice| choice.value.as_str());
            values.filter(is_missing).map(ToOwned::to_owned).collect()
        };
        let drift = Self {
            name: from.name.clone(),
            added: missing(to, from),
            removed: missing(from, to),
        };
        (!drift.added.is_empty() || !drift.removed.is_empty()).then_some(drift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(fields: Vec<FieldSchema>) -> ObjectSchema {
        ObjectSchema {
            name: "companies".to_owned(),
            label: "Companies".to_owned(),
            fields,
        }
    }

    #[test]
    fn everything_that_differs_is_named_and_what_harms_a_mapping_is_said() {
        let field = FieldSchema::new;
        let before = object(vec![
            field("name", "Name", DataType::Text),
            field("size", "Size", DataType::Text),
            field("old", "Old", DataType::Text),
            field("tier", "Tier", DataType::Choice).choices(&[("a", "A"), ("b", "B")]),
            field("kind", "Kind", DataType::Choice).choices(&[("a", "A")]),
        ]);
        let after = object(vec![
            field("name", "The name", DataType::Text),
            field("size", "Size", DataType::Integer),
            field("tier", "Tier", DataType::Choice).choices(&[("b", "B"), ("c", "C")]),
            field("kind", "Kind", DataType::Choice).choices(&[("a", "A"), ("d", "D")]),
            field("new", "New", DataType::Text),
        ]);
        let drift = Drift::between(&before, &after);
        assert_eq!(drift.added, ["new".into()]);
        assert_eq!(drift.removed, ["old".into()]);
        let harms: Vec<_> = ["name", "new", "size", "old", "tier", "kind"]
            .iter()
            .filter_map(|name| Some((*name, drift.harm(name)?)))
            .collect();
        let expected = [
            ("size", "was text, is integer now"),
            ("old", "is gone"),
            ("tier", "no longer takes `a`"),
        ];
        assert_eq!(harms, expected.map(|(name, harm)| (name, harm.to_owned())));
        assert_eq!(drift.removed_values("tier"), ["a"]);
        assert!(drift.removed_values("name").is_empty());
        assert!(Drift::between(&after, &after).is_none());
    }

    #[test]
    fn a_sentence_does_not_name_a_thousand_values() {
        let values: Vec<_> = (0..8).map(|number| number.to_string()).collect();
        let choices: Vec<_> = values.iter().map(|value| (value.as_str(), "")).collect();
        let tier = FieldSchema::new("tier", "Tier", DataType::Choice);
        let before = object(vec![tier.clone().choices(&choices)]);
        let drift = Drift::between(&before, &object(vec![tier]));
        assert_eq!(
            drift.harm("tier").unwrap(),
            "no longer takes `0`, `1`, `2`, `3`, `4` and 3 more"
        );
    }
}

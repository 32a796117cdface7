//! Values by name: what a record holds, what HubSpot last said, what a link remembers.
//!
//! A [`Named`] is a small sorted list rather than a hash map: a record has a dozen or two entries, most code walks two
//! of them side by side, and names are shared (`Arc<str>`), so cloning a record copies no name.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::value::Value;

/// The name of a PartnerOS field or a HubSpot property. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldName(Arc<str>);

impl FieldName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: AsRef<str> + ?Sized> From<&T> for FieldName {
    fn from(text: &T) -> Self {
        Self(Arc::from(text.as_ref()))
    }
}

impl From<String> for FieldName {
    fn from(text: String) -> Self {
        Self(Arc::from(text))
    }
}

impl Borrow<str> for FieldName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for FieldName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for FieldName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Ok(Self::from(text.as_ref()))
    }
}

/// Entries sorted by name, each name once.
#[derive(Clone, PartialEq)]
pub struct Named<T>(Vec<(FieldName, T)>);

/// A PartnerOS record's values. An absent entry is "no value".
pub type Fields = Named<Value>;

/// A HubSpot object's values as HubSpot sends them. `None` is "no value"; the empty string never stands here, since
/// HubSpot's null and "" mean the same.
pub type Properties = Named<Option<String>>;

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: fmt::Debug> fmt::Debug for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<T> Named<T> {
    /// No entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// The entry of that name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.position(name).ok().map(|at| &self.0[at].1)
    }

    /// Sets an entry and returns what it replaces.
    pub fn insert(&mut self, name: FieldName, value: T) -> Option<T> {
        match self.position(name.as_str()) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (name, value));
                None
            }
        }
    }

    /// Removes an entry and returns it.
    pub fn remove(&mut self, name: &str) -> Option<T> {
        self.position(name).ok().map(|at| self.0.remove(at).1)
    }

    /// Keeps the entries for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &T) -> bool) {
        self.0.retain(|(name, value)| keep(name.as_str(), value));
    }

    /// The entries in order of name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&FieldName, &T)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// The entry of that name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.position(name).ok().map(|at| &mut self.0[at].1)
    }

    /// The entries in order of name, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(entry, _)| entry.as_str().cmp(name))
    }
}

impl<T> FromIterator<(FieldName, T)> for Named<T> {
    /// Of two entries with the same name the later one counts.
    fn from_iter<I: IntoIterator<Item = (FieldName, T)>>(entries: I) -> Self {
        let mut list: Vec<_> = entries.into_iter().collect();
        if !list.is_sorted_by(|(a, _), (b, _)| a < b) {
            list.sort_by(|(a, _), (b, _)| a.cmp(b));
            list.reverse();
            list.dedup_by(|(a, _), (b, _)| a == b);
            list.reverse();
        }
        Self(list)
    }
}

impl<T> IntoIterator for Named<T> {
    type Item = (FieldName, T);
    type IntoIter = std::vec::IntoIter<(FieldName, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Named<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of values by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut list = Vec::with_capacity(map.size_hint().unwrap_or(16).min(1024));
                while let Some(entry) = map.next_entry::<FieldName, T>()? {
                    list.push(entry);
                }
                Ok(list.into_iter().collect())
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_sorted_and_the_last_of_a_name_counts() {
        let named: Named<i32> = [("b", 1), ("a", 2), ("b", 3)]
            .into_iter()
            .map(|(n, v)| (n.into(), v))
            .collect();
        let entries: Vec<_> = named.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        assert_eq!(entries, [("a", 2), ("b", 3)]);
    }

    #[test]
    fn json_form_is_an_object() {
        let text = r#"{"amount":"1500.00","city":null}"#;
        let properties: Properties = serde_json::from_str(text).unwrap();
        assert_eq!(properties.get("amount"), Some(&Some("1500.00".to_owned())));
        assert_eq!(properties.get("city"), Some(&None));
        assert_eq!(properties.get("other"), None);
        assert_eq!(serde_json::to_string(&properties).unwrap(), text);
    }
}

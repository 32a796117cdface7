//! The base of a link: what both sides held when they last agreed.

use serde::{Deserialize, Serialize};

use crate::fields::{FieldName, Fields, Named, Properties};
use crate::value::Value;

/// Both sides' values at the last agreement, each in its own space.
///
/// An entry of `None` says "there was no value"; a missing entry says "this name never agreed", which is how a mapping
/// that was added or re-pointed starts. A field changed if and only if it differs from its entry here.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Base {
    /// PartnerOS's values by field.
    #[serde(rename = "p")]
    pub partneros: Named<Option<Value>>,
    /// HubSpot's values by property, as HubSpot sent them.
    #[serde(rename = "h")]
    pub hubspot: Properties,
}

impl Base {
    /// Whether these names agreed before. Only then do their entries say anything about a change.
    pub fn covers(&self, fields: &[FieldName], properties: &[FieldName]) -> bool {
        fields
            .iter()
            .all(|field| self.partneros.get(field.as_str()).is_some())
            && properties
                .iter()
                .all(|property| self.hubspot.get(property.as_str()).is_some())
    }

    /// Whether PartnerOS holds something else than at the last agreement. Without one: whether it holds anything.
    pub fn partneros_changed(&self, covered: bool, fields: &[FieldName], now: &Fields) -> bool {
        fields.iter().any(|field| {
            let value = now.get(field.as_str());
            match self.partneros.get(field.as_str()) {
                Some(base) if covered => base.as_ref() != value,
                _ => value.is_some(),
            }
        })
    }

    /// Whether HubSpot holds something else than at the last agreement. Without one: whether it holds anything.
    ///
    /// `now` gives the current value of each property that counts; null and "" are both `None`.
    pub fn hubspot_changed<'a>(
        &self,
        covered: bool,
        now: impl IntoIterator<Item = (&'a FieldName, Option<&'a str>)>,
    ) -> bool {
        now.into_iter().any(
            |(property, value)| match self.hubspot.get(property.as_str()) {
                Some(base) if covered => base.as_deref() != value,
                _ => value.is_some(),
            },
        )
    }

    /// Remembers HubSpot's value of a property.
    pub fn see_hubspot(&mut self, property: &FieldName, value: Option<&str>) {
        let value = value.filter(|text| !text.is_empty());
        self.hubspot
            .insert(property.clone(), value.map(ToOwned::to_owned));
    }

    /// Remembers PartnerOS's value of a field.
    pub fn see_partneros(&mut self, field: &FieldName, value: Option<&Value>) {
        self.partneros.insert(field.clone(), value.cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<FieldName> {
        list.iter().map(|name| FieldName::from(*name)).collect()
    }

    #[test]
    fn without_a_base_only_values_count_as_changes() {
        let base = Base::default();
        let city = names(&["city"]);
        assert!(!base.covers(&city, &city));
        assert!(!base.partneros_changed(false, &city, &Fields::new()));
        assert!(base.hubspot_changed(false, [(&city[0], Some("Bern"))]));
    }

    #[test]
    fn a_clear_is_a_change_and_null_is_the_empty_string() {
        let city = names(&["city"]);
        let mut base = Base::default();
        base.see_hubspot(&city[0], Some("Bern"));
        base.see_partneros(&city[0], Some(&Value::Text("Bern".into())));
        assert!(base.covers(&city, &city));
        assert!(base.hubspot_changed(true, [(&city[0], None)]));
        assert!(base.partneros_changed(true, &city, &Fields::new()));
        base.see_hubspot(&city[0], Some(""));
        assert!(!base.hubspot_changed(true, [(&city[0], None)]));
    }

    #[test]
    fn a_re_pointed_mapping_starts_without_a_base() {
        let mut base = Base::default();
        base.see_hubspot(&"city".into(), Some("Bern"));
        base.see_partneros(&"city".into(), Some(&Value::Text("Bern".into())));
        assert!(!base.covers(&names(&["city"]), &names(&["town"])));
    }
}

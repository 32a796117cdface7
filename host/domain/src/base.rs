//! The base of a link: what both sides held when they last agreed, mapping by mapping.
//!
//! An agreement belongs to one mapping, not to the names in it: two mappings may read the same property, and that one of
//! them agreed says nothing of the other. It also remembers under which rule it was reached, so that a mapping that was
//! re-pointed, or whose options changed, starts anew instead of taking the past for an agreement.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::fields::{FieldName, Named};
use crate::mapping::RulePlugin;
use crate::tug::{Tug, is_default};
use crate::value::Value;

/// A link's agreements by the PartnerOS field of their mapping. A missing entry says that the mapping never agreed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Base(Named<Agreed>);

/// Both sides' values at the last agreement of one mapping, each in its own space.
///
/// Most values are the same text on both sides; then the stored form holds them once, as HubSpot's.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Stored")]
pub struct Agreed {
    /// The rule it was reached under, as [`rule_digest`] gives it.
    pub rule: u32,
    /// PartnerOS's values, in the order of the mapping's fields.
    pub partneros: Vec<Option<Value>>,
    /// HubSpot's values as HubSpot sends them, in the order of the mapping's properties.
    pub hubspot: Vec<Option<String>>,
    /// Whether PartnerOS's value has won over HubSpot's and is still to be written there, whatever it is by then.
    pub owed: bool,
    /// A write to HubSpot whose outcome is not known yet.
    pub sent: Option<Sent>,
    /// The turns that both sides have taken at it.
    pub tug: Tug,
}

/// The stored form of [`Agreed`]. Without PartnerOS's values they are HubSpot's.
#[derive(Deserialize)]
struct Stored {
    #[serde(rename = "r")]
    rule: u32,
    #[serde(rename = "p", default)]
    partneros: Option<Vec<Option<Value>>>,
    #[serde(rename = "h")]
    hubspot: Vec<Option<String>>,
    #[serde(rename = "o", default)]
    owed: bool,
    #[serde(rename = "s", default)]
    sent: Option<Sent>,
    #[serde(rename = "t", default)]
    tug: Tug,
}

impl From<Stored> for Agreed {
    fn from(stored: Stored) -> Self {
        let same = || {
            let texts = stored.hubspot.iter().cloned();
            texts.map(|text| text.map(Value::Text)).collect()
        };
        Self {
            rule: stored.rule,
            partneros: stored.partneros.unwrap_or_else(same),
            hubspot: stored.hubspot,
            owed: stored.owed,
            sent: stored.sent,
            tug: stored.tug,
        }
    }
}

impl Serialize for Agreed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut stored = serializer.serialize_map(None)?;
        stored.serialize_entry("r", &self.rule)?;
        if !self.is_same_text() {
            stored.serialize_entry("p", &self.partneros)?;
        }
        stored.serialize_entry("h", &self.hubspot)?;
        if self.owed {
            stored.serialize_entry("o", &true)?;
        }
        if let Some(sent) = &self.sent {
            stored.serialize_entry("s", sent)?;
        }
        if !is_default(&self.tug) {
            stored.serialize_entry("t", &self.tug)?;
        }
        stored.end()
    }
}

impl Agreed {
    fn is_same_text(&self) -> bool {
        let same = |(ours, theirs): (&Option<Value>, &Option<String>)| match (ours, theirs) {
            (Some(Value::Text(ours)), Some(theirs)) => ours == theirs,
            (None, None) => true,
            _ => false,
        };
        self.partneros.len() == self.hubspot.len()
            && self.partneros.iter().zip(&self.hubspot).all(same)
    }
}

/// What was sent to HubSpot, written down before it was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    /// PartnerOS's values that it was made of.
    #[serde(rename = "p")]
    pub partneros: Vec<Option<Value>>,
    /// The value of the property.
    #[serde(rename = "h")]
    pub hubspot: Option<String>,
}

impl Base {
    /// The agreement of a mapping, if it was reached under this rule.
    pub fn agreed(&self, field: &FieldName, rule: u32) -> Option<&Agreed> {
        self.0
            .get(field.as_str())
            .filter(|agreed| agreed.rule == rule)
    }

    /// Sets the turns taken at the value of a mapping that agreed under this rule.
    pub fn set_tug(&mut self, field: &FieldName, rule: u32, tug: Tug) {
        let agreed = self.0.get_mut(field.as_str());
        if let Some(agreed) = agreed.filter(|agreed| agreed.rule == rule) {
            agreed.tug = tug;
        }
    }

    /// Lets every mapping that was paused for the link go on, and returns whether any was.
    pub fn end_pauses(&mut self) -> bool {
        let mut any = false;
        for agreed in self
            .0
            .values_mut()
            .filter(|agreed| agreed.tug.paused.is_some())
        {
            agreed.tug = Tug::default();
            any = true;
        }
        any
    }

    /// Sets the agreement of a mapping.
    pub fn set(&mut self, field: FieldName, agreed: Agreed) {
        self.0.insert(field, agreed);
    }
}

impl FromIterator<(FieldName, Agreed)> for Base {
    fn from_iter<I: IntoIterator<Item = (FieldName, Agreed)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

/// Whether PartnerOS holds something else than at the last agreement. Without one: whether it holds anything.
///
/// To come back to the agreed value is a change too while HubSpot may hold another one of ours: one that is owed, or was sent
/// without an answer.
pub fn partneros_changed<'a>(
    agreed: Option<&Agreed>,
    now: impl IntoIterator<Item = Option<&'a Value>>,
) -> bool {
    let Some(agreed) = agreed else {
        return now.into_iter().any(|value| value.is_some());
    };
    let mut then = agreed.partneros.iter();
    let mut sent = agreed.sent.as_ref().map(|sent| sent.partneros.iter());
    agreed.owed
        || now.into_iter().any(|value| {
            let differs = |held: Option<&Option<Value>>| held.and_then(Option::as_ref) != value;
            differs(then.next()) || sent.as_mut().is_some_and(|sent| differs(sent.next()))
        })
}

/// Whether HubSpot holds something else than at the last agreement. Without one: whether it holds anything. In `now`,
/// null and "" are both `None`.
pub fn hubspot_changed<'a>(
    agreed: Option<&Agreed>,
    now: impl IntoIterator<Item = Option<&'a str>>,
) -> bool {
    let mut then = agreed.map(|agreed| agreed.hubspot.iter());
    now.into_iter().any(|value| match &mut then {
        Some(then) => then.next().and_then(Option::as_deref) != value,
        None => value.is_some(),
    })
}

/// Identifies what a mapping does: its names on both sides and its options. Stable across versions of this program.
pub fn rule_digest(
    fields: &[FieldName],
    properties: &[FieldName],
    plugin: Option<RulePlugin>,
    options: &str,
) -> u32 {
    // FNV-1a, folded: nothing here is secret, and a rule is only ever compared with the few that its mapping had.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |text: &str| {
        for byte in text.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for field in fields {
        add(field.as_str());
    }
    // Parts the sides, so that a name cannot move from one to the other unnoticed.
    add("");
    for property in properties {
        add(property.as_str());
    }
    add(options);
    // Nothing is added for the pair's own mapper, as before rules could name another.
    if let Some(plugin) = plugin {
        add(&plugin.to_string());
    }
    (hash ^ (hash >> 32)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: u32 = 7;

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    fn agreed(partneros: Option<&str>, hubspot: Option<&str>) -> Agreed {
        Agreed {
            rule: RULE,
            partneros: vec![partneros.map(text)],
            hubspot: vec![hubspot.map(ToOwned::to_owned)],
            owed: false,
            sent: None,
            tug: Tug::default(),
        }
    }

    #[test]
    fn without_an_agreement_only_values_count_as_changes() {
        assert!(!partneros_changed(None, [None]));
        assert!(partneros_changed(None, [Some(&text("Bern"))]));
        assert!(hubspot_changed(None, [Some("Bern")]));
        assert!(!hubspot_changed(None, [None]));
    }

    #[test]
    fn a_clear_is_a_change() {
        let agreed = agreed(Some("Bern"), Some("Bern"));
        assert!(partneros_changed(Some(&agreed), [None]));
        assert!(hubspot_changed(Some(&agreed), [None]));
        assert!(!hubspot_changed(Some(&agreed), [Some("Bern")]));
    }

    #[test]
    fn to_come_back_is_a_change_while_hubspot_may_hold_ours() {
        let agreed = agreed(Some("Bern"), Some("Bern"));
        let (bern, basel) = (text("Bern"), text("Basel"));
        assert!(!partneros_changed(Some(&agreed), [Some(&bern)]));
        let owed = Agreed {
            owed: true,
            ..agreed.clone()
        };
        assert!(partneros_changed(Some(&owed), [Some(&bern)]));
        let sent = Agreed {
            sent: Some(Sent {
                partneros: vec![Some(basel.clone())],
                hubspot: Some("Basel".to_owned()),
            }),
            ..agreed
        };
        assert!(partneros_changed(Some(&sent), [Some(&bern)]));
        assert!(partneros_changed(Some(&sent), [Some(&basel)]));
    }

    #[test]
    fn text_that_both_sides_hold_is_stored_once() {
        let stored = |agreed: &Agreed| {
            let text = serde_json::to_string(agreed).unwrap();
            assert_eq!(serde_json::from_str::<Agreed>(&text).unwrap(), *agreed);
            text
        };
        let same = agreed(Some("Bern"), Some("Bern"));
        assert_eq!(stored(&same), r#"{"r":7,"h":["Bern"]}"#);
        assert_eq!(stored(&agreed(None, None)), r#"{"r":7,"h":[null]}"#);
        let different = agreed(Some("bern"), Some("Bern"));
        assert_eq!(stored(&different), r#"{"r":7,"p":["bern"],"h":["Bern"]}"#);
        let cleared = agreed(None, Some("Bern"));
        assert_eq!(stored(&cleared), r#"{"r":7,"p":[null],"h":["Bern"]}"#);
        let number = Agreed {
            partneros: vec![Some(Value::Integer(7))],
            hubspot: vec![Some("7".to_owned()), None],
            sent: Some(Sent {
                partneros: vec![Some(text("x"))],
                hubspot: None,
            }),
            owed: true,
            ..same
        };
        assert_eq!(
            stored(&number),
            r#"{"r":7,"p":[7],"h":["7",null],"o":true,"s":{"p":["x"],"h":null}}"#
        );
    }

    #[test]
    fn an_agreement_under_another_rule_is_none() {
        let city = FieldName::from("city");
        let mut base = Base::default();
        base.set(city.clone(), agreed(Some("Bern"), Some("Bern")));
        assert!(base.agreed(&city, RULE).is_some());
        assert!(base.agreed(&city, RULE + 1).is_none());
        assert!(base.agreed(&"state".into(), RULE).is_none());
    }

    #[test]
    fn a_rule_is_told_by_its_names_and_options() {
        let names = |list: &[&str]| list.iter().map(FieldName::from).collect::<Vec<_>>();
        let digest = rule_digest(&names(&["city"]), &names(&["city"]), None, "");
        assert_eq!(
            digest,
            rule_digest(&names(&["city"]), &names(&["city"]), None, "")
        );
        for other in [
            rule_digest(&names(&["city"]), &names(&["town"]), None, ""),
            rule_digest(&names(&["city", "city"]), &names(&[]), None, ""),
            rule_digest(
                &names(&["city"]),
                &names(&["city"]),
                None,
                "{\"trim\":true}",
            ),
        ] {
            assert_ne!(digest, other);
        }
    }
}

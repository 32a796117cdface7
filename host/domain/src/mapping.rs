//! Field mappings: which PartnerOS field corresponds to which HubSpot property, and what happens when both changed.
//!
//! [`Mappings`] holds the mappings of one pair and keeps the rules that span them: a field and a property are the
//! output of at most one mapping in each direction, and what is written can be written.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::rule_digest;
use crate::digest::{Digest, InvalidDigest};
use crate::fields::FieldName;
use crate::schema::ObjectSchema;

/// The longest `options` text of a mapping, in bytes.
pub const OPTIONS_BYTES_MAX: usize = 16_384;

/// Where a pair's, or a single mapping's, values may flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both ways.
    Bidirectional,
    /// PartnerOS to HubSpot.
    #[serde(rename = "partneros_to_hubspot")]
    PartnerOsToHubSpot,
    /// HubSpot to PartnerOS.
    #[serde(rename = "hubspot_to_partneros")]
    HubSpotToPartnerOs,
}

impl Direction {
    /// Whether PartnerOS's values may be written to HubSpot.
    pub const fn writes_hubspot(self) -> bool {
        matches!(self, Self::Bidirectional | Self::PartnerOsToHubSpot)
    }

    /// Whether HubSpot's values may be written to PartnerOS.
    pub const fn writes_partneros(self) -> bool {
        matches!(self, Self::Bidirectional | Self::HubSpotToPartnerOs)
    }

    /// What both allow; `None` when they exclude one another.
    pub const fn and(self, other: Self) -> Option<Self> {
        let hubspot = self.writes_hubspot() && other.writes_hubspot();
        let partneros = self.writes_partneros() && other.writes_partneros();
        match (hubspot, partneros) {
            (true, true) => Some(Self::Bidirectional),
            (true, false) => Some(Self::PartnerOsToHubSpot),
            (false, true) => Some(Self::HubSpotToPartnerOs),
            (false, false) => None,
        }
    }
}

/// Whose value stays when both sides changed the same field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictPolicy {
    /// PartnerOS wins.
    #[serde(rename = "partneros_wins")]
    PartnerOsWins,
    /// CRM wins.
    CrmWins,
    /// The most recently modified record's value wins; PartnerOS's when both are from the same millisecond.
    NewestWins,
}

/// How far a mapping has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MappingState {
    /// Applied by high confidence; can be overridden.
    AutoMapped,
    /// A candidate that waits for a person.
    Suggested,
    /// Confirmed or chosen by a person.
    Confirmed,
    /// No property assigned.
    Unmapped,
    /// A person decided that the field does not sync.
    Ignored,
}

impl MappingState {
    /// Whether values flow.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::AutoMapped | Self::Confirmed)
    }
}

/// The plugin that a single rule names for its transform, beside the pair's mapper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RulePlugin {
    /// The one that ships with the host and evaluates CEL; written `expression`.
    Expression,
    /// An uploaded version that transforms; written as its sha256, since a rule is as fixed as its options.
    Version(Digest),
}

impl fmt::Display for RulePlugin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expression => formatter.write_str("expression"),
            Self::Version(digest) => digest.fmt(formatter),
        }
    }
}

impl FromStr for RulePlugin {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        match text {
            "expression" => Ok(Self::Expression),
            digest => digest.parse().map(Self::Version),
        }
    }
}

impl TryFrom<String> for RulePlugin {
    type Error = InvalidDigest;

    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<RulePlugin> for String {
    fn from(plugin: RulePlugin) -> Self {
        plugin.to_string()
    }
}

/// One rule of a pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldMapping {
    /// The PartnerOS field; the mapping's identity within its pair.
    pub field: FieldName,
    /// The HubSpot property, unless the field is unmapped or ignored.
    pub property: Option<FieldName>,
    /// How far the mapping has come.
    pub state: MappingState,
    /// What happens when both sides changed.
    pub conflict_policy: ConflictPolicy,
    /// A narrower direction than the pair's.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// Further PartnerOS fields that feed the property on the way out (a join or a template).
    #[serde(default)]
    pub extra_fields: Vec<FieldName>,
    /// Further HubSpot properties that feed the field on the way in.
    #[serde(default)]
    pub extra_properties: Vec<FieldName>,
    /// Another plugin than the pair's mapper for this rule's transform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<RulePlugin>,
    /// Options for the mapper, a JSON object; empty for none.
    #[serde(default)]
    pub options: String,
    /// How sure the suggester was, from 0 to 1.
    #[serde(default)]
    pub confidence: Option<f64>,
}

impl FieldMapping {
    /// A field without a property.
    pub fn unmapped(field: FieldName, conflict_policy: ConflictPolicy) -> Self {
        Self {
            field,
            property: None,
            state: MappingState::Unmapped,
            conflict_policy,
            direction: None,
            extra_fields: Vec::new(),
            extra_properties: Vec::new(),
            plugin: None,
            options: String::new(),
            confidence: None,
        }
    }

    /// All properties, the one that is written first.
    pub fn properties(&self) -> impl Iterator<Item = &FieldName> {
        self.property.iter().chain(&self.extra_properties)
    }

    /// What its agreements remember of it, see [`rule_digest`].
    pub fn rule(&self) -> u32 {
        let fields = std::iter::once(&self.field).chain(&self.extra_fields);
        let fields: Vec<_> = fields.cloned().collect();
        let properties: Vec<_> = self.properties().cloned().collect();
        rule_digest(&fields, &properties, self.plugin, &self.options)
    }

    /// The property when values flow through this mapping.
    pub fn live_property(&self) -> Option<&FieldName> {
        self.property.as_ref().filter(|_| self.state.is_live())
    }
}

/// What is wrong with a mapping of a pair. Names the field and the fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// No such PartnerOS field.
    #[error("object `{object}` has no field `{field}`")]
    UnknownField { object: String, field: String },
    /// No such HubSpot property.
    #[error(
        "HubSpot object `{object}` has no property `{property}`; refresh the schema if it is new"
    )]
    UnknownProperty { object: String, property: String },
    /// The state needs a property.
    #[error("field `{field}` needs a property to be mapped; choose one or ignore the field")]
    MissingProperty { field: String },
    /// Two mappings write the same property.
    #[error(
        "property `{property}` is already written by field `{other}`; unmap that one or give one of them the direction `hubspot_to_partneros`"
    )]
    PropertyTaken { property: String, other: String },
    /// The property cannot be written, so the mapping cannot write it.
    #[error(
        "property `{property}` is read-only in HubSpot; give field `{field}` the direction `hubspot_to_partneros`"
    )]
    ReadOnlyProperty { field: String, property: String },
    /// The field cannot be written.
    #[error("field `{field}` is read-only; give it the direction `partneros_to_hubspot`")]
    ReadOnlyField { field: String },
    /// The mapping's direction leaves nothing of the pair's.
    #[error("the direction of field `{field}` excludes the pair's direction")]
    NoDirection { field: String },
    /// The options are not a JSON object, or too long.
    #[error(
        "options of field `{field}` must be a JSON object of at most {OPTIONS_BYTES_MAX} bytes"
    )]
    InvalidOptions { field: String },
}

/// The mappings of one pair.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mappings(pub Vec<FieldMapping>);

impl Mappings {
    /// The mapping of a field.
    pub fn get(&self, field: &str) -> Option<&FieldMapping> {
        self.0
            .iter()
            .find(|mapping| mapping.field.as_str() == field)
    }

    /// Adds a mapping or replaces its field's.
    pub fn set(&mut self, mapping: FieldMapping) {
        match self.0.iter_mut().find(|entry| entry.field == mapping.field) {
            Some(entry) => *entry = mapping,
            None => self.0.push(mapping),
        }
    }

    /// The mappings through which values flow, with their property and effective direction.
    pub fn live(
        &self,
        pair: Direction,
    ) -> impl Iterator<Item = (&FieldMapping, &FieldName, Direction)> {
        self.0.iter().filter_map(move |mapping| {
            let property = mapping.live_property()?;
            let direction = mapping
                .direction
                .unwrap_or(Direction::Bidirectional)
                .and(pair)?;
            Some((mapping, property, direction))
        })
    }

    /// Checks every mapping against both schemas and returns all that is wrong.
    ///
    /// `pair` is the pair's direction. Whether the mapper accepts the options is its own `check`.
    pub fn problems(
        &self,
        partneros: &ObjectSchema,
        hubspot: &ObjectSchema,
        pair: Direction,
    ) -> Vec<MappingError> {
        let mut problems = Vec::new();
        let mut written: Vec<(&str, &str)> = Vec::new();
        for mapping in &self.0 {
            let field = mapping.field.to_string();
            check_options(mapping, &mut problems);
            check_known(mapping, partneros, hubspot, &mut problems);
            let Some(property) = &mapping.property else {
                if mapping.state.is_live() {
                    problems.push(MappingError::MissingProperty { field });
                }
                continue;
            };
            if !mapping.state.is_live() {
                continue;
            }
            let Some(direction) = mapping
                .direction
                .unwrap_or(Direction::Bidirectional)
                .and(pair)
            else {
                problems.push(MappingError::NoDirection { field });
                continue;
            };
            if direction.writes_hubspot() {
                if hubspot
                    .field(property.as_str())
                    .is_some_and(|schema| schema.read_only)
                {
                    let property = property.to_string();
                    problems.push(MappingError::ReadOnlyProperty {
                        field: field.clone(),
                        property,
                    });
                }
                match written.iter().find(|(name, _)| *name == property.as_str()) {
                    Some((_, other)) => problems.push(MappingError::PropertyTaken {
                        property: property.to_string(),
                        other: (*other).to_owned(),
                    }),
                    None => written.push((property.as_str(), mapping.field.as_str())),
                }
            }
            if direction.writes_partneros()
                && partneros
                    .field(mapping.field.as_str())
                    .is_some_and(|schema| schema.read_only)
            {
                problems.push(MappingError::ReadOnlyField { field });
            }
        }
        problems
    }
}

fn check_options(mapping: &FieldMapping, problems: &mut Vec<MappingError>) {
    let is_object = || {
        serde_json::from_str::<serde_json::Value>(&mapping.options)
            .is_ok_and(|json| json.is_object())
    };
    if mapping.options.len() > OPTIONS_BYTES_MAX || !(mapping.options.is_empty() || is_object()) {
        problems.push(MappingError::InvalidOptions {
            field: mapping.field.to_string(),
        });
    }
}

fn check_known(
    mapping: &FieldMapping,
    partneros: &ObjectSchema,
    hubspot: &ObjectSchema,
    problems: &mut Vec<MappingError>,
) {
    for field in std::iter::once(&mapping.field).chain(&mapping.extra_fields) {
        if partneros.field(field.as_str()).is_none() {
            problems.push(MappingError::UnknownField {
                object: partneros.name.clone(),
                field: field.to_string(),
            });
        }
    }
    for property in mapping.properties() {
        if hubspot.field(property.as_str()).is_none() {
            problems.push(MappingError::UnknownProperty {
                object: hubspot.name.clone(),
                property: property.to_string(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{DataType, FieldSchema};

    fn schemas() -> (ObjectSchema, ObjectSchema) {
        let text = |name: &str| FieldSchema::new(name, name, DataType::Text);
        let mut calculated = text("days_to_close");
        calculated.read_only = true;
        let partneros = ObjectSchema {
            name: "partners".into(),
            label: "Partners".into(),
            fields: vec![text("name"), text("city")],
        };
        let hubspot = ObjectSchema {
            name: "companies".into(),
            label: "Companies".into(),
            fields: vec![text("name"), text("city"), calculated],
        };
        (partneros, hubspot)
    }

    fn mapped(field: &str, property: &str) -> FieldMapping {
        FieldMapping {
            property: Some(property.into()),
            state: MappingState::Confirmed,
            ..FieldMapping::unmapped(field.into(), ConflictPolicy::NewestWins)
        }
    }

    fn problems(mappings: Vec<FieldMapping>, pair: Direction) -> Vec<String> {
        let (partneros, hubspot) = schemas();
        Mappings(mappings)
            .problems(&partneros, &hubspot, pair)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_sound_mapping_has_no_problems() {
        let mappings = vec![mapped("name", "name"), mapped("city", "city")];
        assert!(problems(mappings, Direction::Bidirectional).is_empty());
    }

    #[test]
    fn every_problem_is_listed_at_once() {
        let mut bad_options = mapped("name", "name");
        bad_options.options = "[]".into();
        let found = problems(
            vec![
                bad_options,
                mapped("nope", "name"),
                mapped("city", "nowhere"),
            ],
            Direction::Bidirectional,
        );
        assert_eq!(found.len(), 4, "{found:?}");
    }

    #[test]
    fn a_read_only_property_is_accepted_one_way_only() {
        let mut mapping = mapped("city", "days_to_close");
        assert_eq!(
            problems(vec![mapping.clone()], Direction::Bidirectional).len(),
            1
        );
        mapping.direction = Some(Direction::HubSpotToPartnerOs);
        assert!(problems(vec![mapping], Direction::Bidirectional).is_empty());
    }

    #[test]
    fn directions_narrow_one_another() {
        let both = Direction::Bidirectional;
        let out = Direction::PartnerOsToHubSpot;
        assert_eq!(both.and(out), Some(out));
        assert_eq!(out.and(Direction::HubSpotToPartnerOs), None);
    }
}

//! Property definitions of one object type: what exists, of which type, and what may be written.
//!
//! A definition keeps its position for ever; archiving it hides it and its values, creating the name again brings
//! both back. HubSpot-defined ones come from the data files of this crate, the rest from calls.

use std::collections::HashMap;
use std::sync::Arc;

use partneros_domain::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::record::PropertyIx;

/// A definition.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "HubSpot's definition has as many independent flags"
)]
pub struct Property {
    /// Internal name.
    pub name: Arc<str>,
    /// For people.
    pub label: String,
    /// For people.
    pub description: String,
    /// HubSpot's `type`.
    pub data_type: DataType,
    /// HubSpot's `fieldType`.
    pub field_type: String,
    /// Internal name of its group.
    pub group: String,
    /// Allowed values of an enumeration; empty with an [`OptionSource`] other than `Listed`.
    pub options: Vec<Choice>,
    /// Where allowed values come from.
    pub option_source: OptionSource,
    /// Position among others; -1 is last.
    pub display_order: i32,
    /// Computed by HubSpot from other values.
    pub calculated: bool,
    /// Not writable over the API.
    pub read_only: bool,
    /// Whether two records may not share a value.
    pub unique: bool,
    /// Not shown to people.
    pub hidden: bool,
    /// Whether HubSpot made it, not the customer.
    pub hubspot_defined: bool,
    /// Usable in forms.
    pub form_field: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it was changed.
    pub updated: Timestamp,
    /// When it was archived, if it is.
    pub archived: Option<Timestamp>,
}

/// HubSpot's property types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    /// `true` or `false`.
    Bool,
    /// A day.
    Date,
    /// An instant.
    Datetime,
    /// One or several of a list.
    Enumeration,
    /// A decimal number.
    Number,
    /// A phone number as HubSpot formats it.
    PhoneNumber,
    /// Text.
    String,
    /// A pointer to an activity.
    ObjectCoordinates,
    /// Structured text.
    Json,
}

/// Where the allowed values of an enumeration come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionSource {
    /// From the definition.
    Listed,
    /// HubSpot keeps them elsewhere and takes any value here.
    Open,
    /// The pipelines or their stages.
    Pipelines,
    /// The owners.
    Owners,
}

/// One allowed value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// For people.
    pub label: String,
    /// What is stored.
    pub value: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Position.
    #[serde(default)]
    pub display_order: i32,
    /// Not offered to people.
    #[serde(default)]
    pub hidden: bool,
}

/// A group of properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Internal name.
    pub name: String,
    /// For people.
    pub label: String,
    /// Position.
    pub display_order: i32,
}

/// The definitions of one type.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// All definitions, archived ones too, by position.
    pub properties: Vec<Property>,
    /// The groups.
    pub groups: Vec<Group>,
    by_name: HashMap<Arc<str>, PropertyIx>,
}

impl Property {
    /// A writable definition with the given names and nothing special about it.
    pub fn new(
        name: &str,
        label: &str,
        data_type: DataType,
        field_type: &str,
        group: &str,
    ) -> Self {
        Self {
            name: name.into(),
            label: label.to_owned(),
            description: String::new(),
            data_type,
            field_type: field_type.to_owned(),
            group: group.to_owned(),
            options: Vec::new(),
            option_source: OptionSource::Listed,
            display_order: -1,
            calculated: false,
            read_only: false,
            unique: false,
            hidden: false,
            hubspot_defined: false,
            form_field: false,
            created: Timestamp::ZERO,
            updated: Timestamp::ZERO,
            archived: None,
        }
    }

    /// Whether several options may be set at once, joined by `;`.
    pub fn multiple(&self) -> bool {
        self.data_type == DataType::Enumeration && self.field_type == "checkbox"
    }

    /// HubSpot's JSON for the definition.
    pub fn to_json(&self) -> Value {
        let options: Vec<_> = self
            .options
            .iter()
            .map(|choice| {
                json!({
                    "label": choice.label,
                    "value": choice.value,
                    "description": choice.description,
                    "displayOrder": choice.display_order,
                    "hidden": choice.hidden,
                })
            })
            .collect();
        let mut json = json!({
            "createdAt": self.created,
            "updatedAt": self.updated,
            "name": self.name.as_ref(),
            "label": self.label,
            "type": self.data_type.name(),
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": options,
            "displayOrder": self.display_order,
            "calculated": self.calculated,
            "externalOptions": matches!(self.option_source, OptionSource::Pipelines | OptionSource::Owners),
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "modificationMetadata": {
                "archivable": !self.hubspot_defined,
                "readOnlyDefinition": self.hubspot_defined,
                "readOnlyOptions": self.hubspot_defined && self.read_only,
                "readOnlyValue": self.read_only,
            },
            "formField": self.form_field,
            "dataSensitivity": "non_sensitive",
            "archived": self.archived.is_some(),
        });
        if self.hubspot_defined {
            json["hubspotDefined"] = true.into();
        }
        if self.option_source == OptionSource::Owners {
            json["referencedObjectType"] = "OWNER".into();
        }
        if let Some(archived) = self.archived {
            json["archivedAt"] = archived.to_string().into();
        }
        json
    }
}

impl DataType {
    /// HubSpot's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Enumeration => "enumeration",
            Self::Number => "number",
            Self::PhoneNumber => "phone_number",
            Self::String => "string",
            Self::ObjectCoordinates => "object_coordinates",
            Self::Json => "json",
        }
    }

    /// The type with HubSpot's name, among those that a call may create.
    pub fn creatable(name: &str) -> Option<Self> {
        let known = [
            Self::Bool,
            Self::Date,
            Self::Datetime,
            Self::Enumeration,
            Self::Number,
            Self::PhoneNumber,
            Self::String,
        ];
        known.into_iter().find(|data_type| data_type.name() == name)
    }

    /// Whether a definition of this type may have `field_type`.
    pub fn takes_field_type(self, field_type: &str) -> bool {
        let allowed: &[&str] = match self {
            Self::Bool => &["booleancheckbox", "calculation_equation"],
            Self::Enumeration => &[
                "booleancheckbox",
                "checkbox",
                "radio",
                "select",
                "calculation_equation",
            ],
            Self::Date | Self::Datetime => &["date"],
            Self::String => &[
                "file",
                "text",
                "textarea",
                "calculation_equation",
                "html",
                "phonenumber",
            ],
            Self::Number => &["number", "calculation_equation"],
            Self::PhoneNumber => &["phonenumber", "text"],
            Self::ObjectCoordinates | Self::Json => &[],
        };
        allowed.contains(&field_type)
    }
}

impl Registry {
    /// The live definition with `name`.
    pub fn find(&self, name: &str) -> Option<(PropertyIx, &Property)> {
        let ix = self.position(name)?;
        let property = self.get(ix);
        property.archived.is_none().then_some((ix, property))
    }

    /// The position of a definition, archived or not.
    pub fn position(&self, name: &str) -> Option<PropertyIx> {
        self.by_name.get(name).copied()
    }

    /// The definition at a position this registry gave out.
    pub fn get(&self, ix: PropertyIx) -> &Property {
        &self.properties[ix.0 as usize]
    }

    /// The definition at a position this registry gave out.
    pub fn get_mut(&mut self, ix: PropertyIx) -> &mut Property {
        &mut self.properties[ix.0 as usize]
    }

    /// Adds a definition, or replaces the one of that name in its place.
    pub fn put(&mut self, property: Property) -> PropertyIx {
        if let Some(ix) = self.position(&property.name) {
            *self.get_mut(ix) = property;
            return ix;
        }
        let ix = PropertyIx(self.properties.len() as u16);
        self.by_name.insert(property.name.clone(), ix);
        self.properties.push(property);
        ix
    }

    /// The live definitions with their positions.
    pub fn live(&self) -> impl Iterator<Item = (PropertyIx, &Property)> {
        self.properties
            .iter()
            .enumerate()
            .filter(|(_, property)| property.archived.is_none())
            .map(|(ix, property)| (PropertyIx(ix as u16), property))
    }
}

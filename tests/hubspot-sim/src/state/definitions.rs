//! Property definitions over the API: list, read, create, change, archive, and their groups.

use partneros_domain::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Access, Call};
use super::object_type::TypeIx;
use super::property::{Choice, DataType, Group, Property};
use super::sim::Sim;
use super::write_log::WriteKind;
use crate::errors::ApiError;

/// Unique properties of an object type.
const UNIQUE_PROPERTIES_MAX: usize = 10;
/// Properties of an object type that its customer made.
const CUSTOM_PROPERTIES_MAX: usize = 1_000;
/// Longest internal name.
const NAME_CHARS_MAX: usize = 100;

/// The body that makes a property.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewProperty {
    /// Internal name.
    pub name: String,
    /// For people.
    pub label: String,
    /// HubSpot's `type`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// HubSpot's `fieldType`.
    pub field_type: String,
    /// Internal name of its group.
    pub group_name: String,
    /// For people.
    pub description: String,
    /// Allowed values.
    pub options: Vec<Choice>,
    /// Whether two records may not share a value.
    pub has_unique_value: bool,
    /// Not shown to people.
    pub hidden: bool,
    /// Usable in forms.
    pub form_field: bool,
    /// Position.
    pub display_order: Option<i32>,
}

/// The body that changes a property. What is absent stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PropertyChange {
    /// For people.
    pub label: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Internal name of its group.
    pub group_name: Option<String>,
    /// HubSpot's `fieldType`.
    pub field_type: Option<String>,
    /// Allowed values; replaces the whole list.
    pub options: Option<Vec<Choice>>,
    /// Not shown to people.
    pub hidden: Option<bool>,
    /// Usable in forms.
    pub form_field: Option<bool>,
    /// Position.
    pub display_order: Option<i32>,
}

/// The body that makes or changes a group.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GroupBody {
    /// Internal name.
    pub name: String,
    /// For people.
    pub label: Option<String>,
    /// Position.
    pub display_order: Option<i32>,
}

impl NewProperty {
    /// The definition, once the body makes sense.
    pub fn define(&self, now: Timestamp) -> Result<Property, ApiError> {
        let name = self.name.as_str();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty()
            || name.len() > NAME_CHARS_MAX
            || !name.chars().all(plain)
            || !name.starts_with(|c: char| c.is_ascii_lowercase())
        {
            return Err(
                ApiError::validation(format!("\"{name}\" is not a valid property name"))
                    .under("PropertyValidationError.INVALID_PROPERTY_NAME"),
            );
        }
        if self.label.is_empty() {
            return Err(ApiError::validation("label must not be empty"));
        }
        let Some(data_type) = DataType::creatable(&self.data_type) else {
            return Err(ApiError::validation(format!(
                "\"{}\" is not a valid property type",
                self.data_type
            )));
        };
        if !data_type.takes_field_type(&self.field_type) {
            return Err(ApiError::validation(format!(
                "Field type {} is not valid for property type {}",
                self.field_type, self.data_type
            )));
        }
        let mut property = Property::new(
            name,
            &self.label,
            data_type,
            &self.field_type,
            &self.group_name,
        );
        property.description.clone_from(&self.description);
        property.options.clone_from(&self.options);
        property.unique = self.has_unique_value;
        property.hidden = self.hidden;
        property.form_field = self.form_field;
        property.display_order = self.display_order.unwrap_or(-1);
        property.created = now;
        property.updated = now;
        Ok(property)
    }
}

impl Sim {
    /// All definitions of a type, live or archived.
    pub fn list_properties(
        &self,
        call: &Call,
        object_type: &str,
        archived: bool,
    ) -> Result<Value, ApiError> {
        let ix = self.properties_of(call, object_type, Access::Read)?;
        let all = self.object_type(ix).registry.properties.iter();
        let listed: Vec<_> = all
            .filter(|property| property.archived.is_some() == archived)
            .map(Property::to_json)
            .collect();
        Ok(json!({ "results": listed }))
    }

    /// One definition.
    pub fn read_property(
        &self,
        call: &Call,
        object_type: &str,
        name: &str,
        archived: bool,
    ) -> Result<Value, ApiError> {
        let ix = self.properties_of(call, object_type, Access::Read)?;
        let registry = &self.object_type(ix).registry;
        let found = registry
            .position(name)
            .map(|property| registry.get(property));
        match found.filter(|property| property.archived.is_some() == archived) {
            Some(property) => Ok(property.to_json()),
            None => Err(no_such_property(name)),
        }
    }

    /// Makes a property, or brings an archived one back.
    pub fn create_property(
        &mut self,
        call: &Call,
        object_type: &str,
        new: &NewProperty,
    ) -> Result<Value, ApiError> {
        let ix = self.properties_of(call, object_type, Access::Write)?;
        let property = new.define(call.now)?;
        let registry = &self.object_type(ix).registry;
        if !registry
            .groups
            .iter()
            .any(|group| group.name == property.group)
        {
            return Err(ApiError::validation(format!(
                "Property group \"{}\" does not exist",
                property.group
            )));
        }
        if registry.find(&property.name).is_some() {
            return Err(ApiError::new(
                409,
                "OBJECT_ALREADY_EXISTS",
                format!("A property named '{}' already exists.", property.name),
            )
            .under("Properties.PROPERTY_WITH_NAME_EXISTS"));
        }
        let made = registry
            .live()
            .filter(|(_, have)| !have.hubspot_defined)
            .count();
        if made >= CUSTOM_PROPERTIES_MAX {
            return Err(ApiError::validation(format!(
                "An object type has at most {CUSTOM_PROPERTIES_MAX} custom properties"
            )));
        }
        let unique = registry
            .live()
            .filter(|(_, have)| have.unique && !have.hubspot_defined)
            .count();
        if property.unique && unique >= UNIQUE_PROPERTIES_MAX {
            return Err(ApiError::validation(format!(
                "An object type has at most {UNIQUE_PROPERTIES_MAX} unique properties"
            )));
        }
        let json = property.to_json();
        self.log(
            call,
            ix,
            0,
            WriteKind::Property,
            vec![property.name.to_string()],
        );
        self.types[ix.0].registry.put(property);
        Ok(json)
    }

    /// Changes a property.
    pub fn update_property(
        &mut self,
        call: &Call,
        object_type: &str,
        name: &str,
        change: &PropertyChange,
    ) -> Result<Value, ApiError> {
        let ix = self.properties_of(call, object_type, Access::Write)?;
        let registry = &mut self.types[ix.0].registry;
        let Some((property, _)) = registry.find(name) else {
            return Err(no_such_property(name));
        };
        let property = registry.get_mut(property);
        if let Some(field_type) = &change.field_type
            && !property.data_type.takes_field_type(field_type)
        {
            return Err(ApiError::validation(format!(
                "Field type {field_type} is not valid for property type {}",
                property.data_type.name()
            )));
        }
        property.field_type = change
            .field_type
            .clone()
            .unwrap_or_else(|| property.field_type.clone());
        property.label = change
            .label
            .clone()
            .unwrap_or_else(|| property.label.clone());
        property.description = change
            .description
            .clone()
            .unwrap_or_else(|| property.description.clone());
        property.group = change
            .group_name
            .clone()
            .unwrap_or_else(|| property.group.clone());
        property.options = change
            .options
            .clone()
            .unwrap_or_else(|| property.options.clone());
        property.hidden = change.hidden.unwrap_or(property.hidden);
        property.form_field = change.form_field.unwrap_or(property.form_field);
        property.display_order = change.display_order.unwrap_or(property.display_order);
        property.updated = call.now;
        let json = property.to_json();
        self.log(call, ix, 0, WriteKind::Property, vec![name.to_owned()]);
        Ok(json)
    }

    /// Archives a property; its values go with it.
    pub fn archive_property(
        &mut self,
        call: &Call,
        object_type: &str,
        name: &str,
    ) -> Result<(), ApiError> {
        let ix = self.properties_of(call, object_type, Access::Write)?;
        let registry = &mut self.types[ix.0].registry;
        let Some((property, definition)) = registry.find(name) else {
            return Err(no_such_property(name));
        };
        if definition.hubspot_defined && call.source == super::record::Source::Integration {
            return Err(ApiError::validation(format!(
                "Property {name} is defined by HubSpot and cannot be archived"
            )));
        }
        registry.get_mut(property).archived = Some(call.now);
        self.log(call, ix, 0, WriteKind::Property, vec![name.to_owned()]);
        Ok(())
    }

    /// The groups of a type.
    pub fn list_groups(&self, call: &Call, object_type: &str) -> Result<Value, ApiError> {
        let ix = self.properties_of(call, object_type, Access::Read)?;
        let groups: Vec<_> = self
            .object_type(ix)
            .registry
            .groups
            .iter()
            .map(group_json)
            .collect();
        Ok(json!({ "results": groups }))
    }

    /// One group.
    pub fn read_group(
        &self,
        call: &Call,
        object_type: &str,
        name: &str,
    ) -> Result<Value, ApiError> {
        let ix = self.properties_of(call, object_type, Access::Read)?;
        let found = self
            .object_type(ix)
            .registry
            .groups
            .iter()
            .find(|group| group.name == name);
        found.map(group_json).ok_or_else(|| no_such_property(name))
    }

    /// Makes a group, or changes the one of that name when `existing`.
    pub fn write_group(
        &mut self,
        call: &Call,
        object_type: &str,
        body: &GroupBody,
        existing: bool,
    ) -> Result<Value, ApiError> {
        let ix = self.properties_of(call, object_type, Access::Write)?;
        let groups = &mut self.types[ix.0].registry.groups;
        let found = groups.iter_mut().find(|group| group.name == body.name);
        match (found, existing) {
            (Some(group), true) => {
                group.label = body.label.clone().unwrap_or_else(|| group.label.clone());
                group.display_order = body.display_order.unwrap_or(group.display_order);
                Ok(group_json(group))
            }
            (Some(_), false) => Err(ApiError::new(
                409,
                "OBJECT_ALREADY_EXISTS",
                format!("A property group named '{}' already exists.", body.name),
            )),
            (None, true) => Err(no_such_property(&body.name)),
            (None, false) => {
                let group = Group {
                    name: body.name.clone(),
                    label: body.label.clone().unwrap_or_else(|| body.name.clone()),
                    display_order: body.display_order.unwrap_or(-1),
                };
                let json = group_json(&group);
                groups.push(group);
                Ok(json)
            }
        }
    }

    fn properties_of(
        &self,
        call: &Call,
        object_type: &str,
        access: Access,
    ) -> Result<TypeIx, ApiError> {
        let ix = self.resolve(object_type)?;
        call.require_properties(self.object_type(ix).kind, access)?;
        Ok(ix)
    }
}

fn group_json(group: &Group) -> Value {
    json!({
        "name": group.name,
        "label": group.label,
        "displayOrder": group.display_order,
        "archived": false,
    })
}

fn no_such_property(name: &str) -> ApiError {
    ApiError::new(
        404,
        "OBJECT_NOT_FOUND",
        format!("Property \"{name}\" does not exist"),
    )
    .with("propertyName", vec![name.to_owned()])
}

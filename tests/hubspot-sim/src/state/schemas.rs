//! Custom object types. They exist on the Enterprise tier only; two are there from the start.

use partneros_domain::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::catalog;
use super::definitions::NewProperty;
use super::object_type::{Kind, ObjectType, TypeIx};
use super::property::{Choice, DataType, Property};
use super::sim::Sim;
use crate::config::Tier;
use crate::errors::ApiError;

/// What a custom object type says of itself.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Name within the portal, such as `partner_program`.
    pub name: String,
    /// For one record.
    pub singular: String,
    /// For several.
    pub plural: String,
    /// Properties that a new record needs.
    pub required: Vec<String>,
    /// The property that names a record.
    pub primary_display: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was archived, if it is.
    pub archived: Option<Timestamp>,
}

/// The body that makes a custom object type.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSchema {
    /// Name within the portal.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub labels: SchemaLabels,
    /// Properties that a new record needs.
    #[serde(default)]
    pub required_properties: Vec<String>,
    /// The property that names a record.
    pub primary_display_property: Option<String>,
    /// Its own properties.
    #[serde(default)]
    pub properties: Vec<NewProperty>,
}

/// What people call the records.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SchemaLabels {
    /// One.
    pub singular: Option<String>,
    /// Several.
    pub plural: Option<String>,
}

/// The custom objects that every Enterprise portal of this simulator has.
pub(crate) fn seed(sim: &mut Sim, now: Timestamp) {
    let text = |name: &str, label: &str| Property::new(name, label, DataType::String, "text", "");
    let number =
        |name: &str, label: &str| Property::new(name, label, DataType::Number, "number", "");
    let mut tier = Property::new(
        "program_tier",
        "Program tier",
        DataType::Enumeration,
        "select",
        "",
    );
    tier.options = ["registered", "silver", "gold", "platinum"]
        .map(choice)
        .into();
    let program = vec![
        text("program_name", "Program name"),
        tier,
        number("discount_percent", "Discount percent"),
        Property::new("starts_on", "Starts on", DataType::Date, "date", ""),
    ];
    add(
        sim,
        "partner_program",
        ("Partner program", "Partner programs"),
        "program_name",
        program,
        now,
    );
    let certification = vec![
        text("certification_name", "Certification name"),
        text("holder", "Holder"),
        Property::new("passed", "Passed", DataType::Bool, "booleancheckbox", ""),
        Property::new("expires_at", "Expires at", DataType::Datetime, "date", ""),
    ];
    let labels = ("Certification", "Certifications");
    add(
        sim,
        "certification",
        labels,
        "certification_name",
        certification,
        now,
    );
}

impl Sim {
    /// All live custom object types.
    // Unverified: what a token that holds the scope gets on a portal without custom objects; here an empty list.
    pub fn list_schemas(&self, call: &Call, archived: bool) -> Result<Value, ApiError> {
        call.require_any(&read_scopes())?;
        let listed: Vec<_> = self
            .schemas
            .iter()
            .filter(|(_, schema)| schema.archived.is_some() == archived)
            .map(|(ix, schema)| self.schema_json(*ix, schema))
            .collect();
        Ok(json!({ "results": listed }))
    }

    /// One custom object type.
    pub fn read_schema(&self, call: &Call, name: &str) -> Result<Value, ApiError> {
        call.require_any(&read_scopes())?;
        let ix = self.resolve(name)?;
        match self.schemas.get(&ix) {
            Some(schema) => Ok(self.schema_json(ix, schema)),
            None => Err(ApiError::no_such_record(name)),
        }
    }

    /// Makes a custom object type.
    pub fn create_schema(&mut self, call: &Call, new: &NewSchema) -> Result<Value, ApiError> {
        call.require_any(&["crm.schemas.custom.write".to_owned()])?;
        if self.config.tier != Tier::Enterprise {
            return Err(ApiError::new(
                403,
                "BANNED",
                "This account has no custom objects.",
            ));
        }
        let full_name = format!("p{}_{}", self.config.hub_id, new.name);
        if self
            .types
            .iter()
            .any(|object_type| object_type.name == full_name)
        {
            return Err(ApiError::new(
                409,
                "OBJECT_ALREADY_EXISTS",
                format!("An object type named '{}' already exists.", new.name),
            ));
        }
        let mut properties = Vec::new();
        for property in &new.properties {
            properties.push(property.define(call.now)?);
        }
        let singular = new.labels.singular.as_deref().unwrap_or(&new.name);
        let plural = new.labels.plural.as_deref().unwrap_or(&new.name);
        let primary = match (&new.primary_display_property, properties.first()) {
            (Some(name), _) => name.clone(),
            (None, Some(property)) => property.name.to_string(),
            (None, None) => "hs_object_id".to_owned(),
        };
        let ix = add(
            self,
            &new.name,
            (singular, plural),
            &primary,
            properties,
            call.now,
        );
        if let Some(schema) = self.schemas.get_mut(&ix) {
            schema.required.clone_from(&new.required_properties);
        }
        Ok(self.schema_json(ix, &self.schemas[&ix]))
    }

    /// Archives a custom object type that has no records.
    pub fn archive_schema(&mut self, call: &Call, name: &str) -> Result<(), ApiError> {
        call.require_any(&["crm.schemas.custom.write".to_owned()])?;
        let ix = self.resolve(name)?;
        if self
            .object_type(ix)
            .records
            .values()
            .any(|record| record.archived.is_none())
        {
            return Err(ApiError::validation(
                "Cannot delete an object type that has records.",
            ));
        }
        match self.schemas.get_mut(&ix) {
            Some(schema) => {
                schema.archived = Some(call.now);
                Ok(())
            }
            None => Err(ApiError::no_such_record(name)),
        }
    }

    fn schema_json(&self, ix: TypeIx, schema: &Schema) -> Value {
        let object_type = self.object_type(ix);
        let properties: Vec<_> = object_type
            .registry
            .live()
            .map(|(_, property)| property.to_json())
            .collect();
        json!({
            "id": object_type.type_id.trim_start_matches("2-"),
            "name": schema.name,
            "labels": { "singular": schema.singular, "plural": schema.plural },
            "objectTypeId": object_type.type_id,
            "fullyQualifiedName": object_type.name,
            "primaryDisplayProperty": schema.primary_display,
            "requiredProperties": schema.required,
            "searchableProperties": [schema.primary_display],
            "secondaryDisplayProperties": [],
            "properties": properties,
            "associations": [],
            "archived": schema.archived.is_some(),
            "createdAt": schema.created,
            "updatedAt": schema.archived.unwrap_or(schema.created),
        })
    }
}

fn add(
    sim: &mut Sim,
    name: &str,
    (singular, plural): (&str, &str),
    primary: &str,
    properties: Vec<Property>,
    now: Timestamp,
) -> TypeIx {
    let group = format!("{name}_information");
    let mut registry = catalog::custom_object(&group);
    for mut property in properties {
        if property.group.is_empty() {
            property.group.clone_from(&group);
        }
        property.created = now;
        property.updated = now;
        registry.put(property);
    }
    let ix = TypeIx(sim.types.len());
    let type_id = format!("2-{}", 3_465_404 + 17 * ix.0);
    let full_name = format!("p{}_{name}", sim.config.hub_id);
    sim.types.push(ObjectType::new(
        Kind::Custom,
        &type_id,
        &full_name,
        name,
        registry,
    ));
    let schema = Schema {
        name: name.to_owned(),
        singular: singular.to_owned(),
        plural: plural.to_owned(),
        required: vec![primary.to_owned()],
        primary_display: primary.to_owned(),
        created: now,
        archived: None,
    };
    sim.schemas.insert(ix, schema);
    ix
}

fn choice(value: &str) -> Choice {
    let mut label = value.to_owned();
    if let Some(first) = label.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    Choice {
        label,
        value: value.to_owned(),
        description: String::new(),
        display_order: 0,
        hidden: false,
    }
}

fn read_scopes() -> Vec<String> {
    vec![
        "crm.schemas.custom.read".to_owned(),
        "crm.objects.custom.read".to_owned(),
    ]
}

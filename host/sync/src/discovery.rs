//! Reads a portal's schema and brings it into the form that mapping and plugins use.
//!
//! Choices that HubSpot keeps elsewhere are filled in: pipelines and stages for deals, owners for owner properties.

use std::collections::HashMap;

use partneros_domain::{ChoiceOption, DataType, FieldSchema, ObjectSchema, Timestamp};
use partneros_hubspot::Portal;
use partneros_hubspot::model::{CustomSchema, Owner, Pipeline, Property};
use partneros_store::CachedSchema;

use crate::error::Error;

/// The standard HubSpot objects that sync, with the names people see.
pub const STANDARD_OBJECTS: [(&str, &str); 2] = [("companies", "Companies"), ("deals", "Deals")];
/// The unique property by which HubSpot objects that this host created carry their record's id.
pub const RECORD_ID_PROPERTY: &str = "partneros_record_id";
/// The most choices kept of one property; a portal may have more owners than anybody reads.
const CHOICES_MAX: usize = 2_000;

/// Reads the schemas of all objects that can sync.
pub async fn discover(portal: &dyn Portal, now: Timestamp) -> Result<Vec<CachedSchema>, Error> {
    let owners = owner_choices(&portal.owners().await.map_err(Error::Discover)?);
    let mut schemas = Vec::new();
    for (name, label) in STANDARD_OBJECTS {
        let properties = portal.properties(name).await.map_err(Error::Discover)?;
        let mut choices = HashMap::from([("OWNER", owners.clone())]);
        if name == "deals" {
            let pipelines = portal.pipelines(name).await.map_err(Error::Discover)?;
            choices.extend(pipeline_choices(&pipelines));
        }
        schemas.push(CachedSchema {
            schema: object_schema(name, label, &properties, &choices),
            custom: false,
            fetched_at: now,
        });
    }
    for custom in portal.custom_schemas().await.map_err(Error::Discover)? {
        if !custom.archived {
            let choices = HashMap::from([("OWNER", owners.clone())]);
            schemas.push(CachedSchema {
                schema: custom_schema(&custom, &choices),
                custom: true,
                fetched_at: now,
            });
        }
    }
    Ok(schemas)
}

fn custom_schema(
    custom: &CustomSchema,
    choices: &HashMap<&str, Vec<ChoiceOption>>,
) -> ObjectSchema {
    let label = custom.labels.plural.as_deref().unwrap_or(&custom.name);
    let mut schema = object_schema(&custom.object_type_id, label, &custom.properties, choices);
    for field in &mut schema.fields {
        field.required = custom
            .required_properties
            .iter()
            .any(|name| name == field.name.as_str());
    }
    schema
}

fn object_schema(
    name: &str,
    label: &str,
    properties: &[Property],
    choices: &HashMap<&str, Vec<ChoiceOption>>,
) -> ObjectSchema {
    let mut fields: Vec<_> = properties
        .iter()
        .filter(|property| !property.archived)
        // Mapping it would break the identity of what we made.
        .filter(|property| property.name.as_str() != RECORD_ID_PROPERTY)
        .map(|property| field_schema(name, property, choices))
        .collect();
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    ObjectSchema {
        name: name.to_owned(),
        label: label.to_owned(),
        fields,
    }
}

/// One property as a field.
fn field_schema(
    object: &str,
    property: &Property,
    choices: &HashMap<&str, Vec<ChoiceOption>>,
) -> FieldSchema {
    let name = property.name.as_str();
    let outside = match (&property.referenced_object_type, name) {
        (Some(referenced), _) => choices.get(referenced.as_str()),
        (None, "pipeline" | "dealstage") => choices.get(name),
        (None, "hubspot_owner_id") => choices.get("OWNER"),
        (None, _) => None,
    };
    let own = || {
        let mut options = property.options.clone();
        options.sort_by_key(|option| option.display_order);
        let choice = |option: partneros_hubspot::model::PropertyOption| ChoiceOption {
            value: option.value,
            label: option.label,
        };
        options.into_iter().map(choice).collect()
    };
    let choices = match outside {
        Some(choices) if property.options.is_empty() => choices.clone(),
        _ => own(),
    };
    let mut extra = vec![
        ("type".to_owned(), property.kind.clone()),
        ("fieldType".to_owned(), property.field_type.clone()),
        ("groupName".to_owned(), property.group_name.clone()),
        (
            "hubspotDefined".to_owned(),
            property.hubspot_defined.to_string(),
        ),
    ];
    if let Some(referenced) = &property.referenced_object_type {
        extra.push(("referencedObjectType".to_owned(), referenced.clone()));
    }
    for (flag, set) in [
        ("hidden", property.hidden),
        ("calculated", property.calculated),
    ] {
        if set {
            extra.push((flag.to_owned(), "true".to_owned()));
        }
    }
    FieldSchema {
        name: property.name.clone(),
        label: property.label.clone(),
        description: property.description.clone(),
        data_type: data_type(property),
        choices,
        read_only: property.is_read_only(),
        required: object == "deals" && matches!(name, "dealname" | "dealstage"),
        unique: property.has_unique_value,
        extra,
    }
}

fn data_type(property: &Property) -> DataType {
    match (property.kind.as_str(), property.field_type.as_str()) {
        (_, _) if property.referenced_object_type.is_some() => DataType::Reference,
        ("enumeration", "checkbox") => DataType::MultiChoice,
        ("enumeration", "booleancheckbox") | ("bool", _) => DataType::Boolean,
        ("enumeration", _) => DataType::Choice,
        ("number", _) => DataType::Number,
        ("date", _) => DataType::Date,
        ("datetime", _) => DataType::Datetime,
        _ => DataType::Text,
    }
}

fn owner_choices(owners: &[Owner]) -> Vec<ChoiceOption> {
    let label = |owner: &Owner| {
        let names: Vec<_> = [&owner.first_name, &owner.last_name]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
            .collect();
        if names.is_empty() {
            owner.email.clone().unwrap_or_else(|| owner.id.clone())
        } else {
            names.join(" ")
        }
    };
    owners
        .iter()
        .filter(|owner| !owner.archived)
        .take(CHOICES_MAX)
        .map(|owner| ChoiceOption {
            value: owner.id.clone(),
            label: label(owner),
        })
        .collect()
}

fn pipeline_choices(pipelines: &[Pipeline]) -> [(&'static str, Vec<ChoiceOption>); 2] {
    let live = || pipelines.iter().filter(|pipeline| !pipeline.archived);
    let several = live().count() > 1;
    let pipeline_options = live()
        .map(|pipeline| ChoiceOption {
            value: pipeline.id.clone(),
            label: pipeline.label.clone(),
        })
        .collect();
    let mut stage_options = Vec::new();
    for pipeline in live() {
        for stage in pipeline.stages.iter().filter(|stage| !stage.archived) {
            let label = if several {
                format!("{} ({})", stage.label, pipeline.label)
            } else {
                stage.label.clone()
            };
            stage_options.push(ChoiceOption {
                value: stage.id.clone(),
                label,
            });
        }
    }
    [("pipeline", pipeline_options), ("dealstage", stage_options)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(json: &str) -> Property {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn outside_choices_fill_stages_and_owners() {
        let stage = |id: &str| ChoiceOption {
            value: id.into(),
            label: id.to_uppercase(),
        };
        let choices = HashMap::from([
            ("dealstage", vec![stage("closedwon")]),
            ("OWNER", vec![stage("7")]),
        ]);
        let dealstage = property(
            r#"{"name":"dealstage","label":"Deal Stage","type":"enumeration","fieldType":"radio","options":[],"externalOptions":true}"#,
        );
        let field = field_schema("deals", &dealstage, &choices);
        assert_eq!(field.data_type, DataType::Choice);
        assert_eq!(field.choices, [stage("closedwon")]);
        assert!(field.required);
        let owner = property(
            r#"{"name":"hubspot_owner_id","type":"enumeration","fieldType":"select","referencedObjectType":"OWNER"}"#,
        );
        let field = field_schema("deals", &owner, &choices);
        assert_eq!(field.data_type, DataType::Reference);
        assert_eq!(field.choices, [stage("7")]);
    }

    #[test]
    fn calculated_and_locked_properties_are_read_only() {
        let calculated = property(r#"{"name":"days_to_close","type":"number","calculated":true}"#);
        let locked = property(
            r#"{"name":"createdate","type":"datetime","modificationMetadata":{"readOnlyValue":true}}"#,
        );
        assert!(field_schema("deals", &calculated, &HashMap::new()).read_only);
        assert!(field_schema("deals", &locked, &HashMap::new()).read_only);
    }
}

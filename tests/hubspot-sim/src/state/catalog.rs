//! HubSpot's own properties, from the data files of this crate.
//!
//! A line of a file names a property, its label, `type`, `fieldType` and group, its options as `value=label`, and
//! flags: `readonly`, `calculated`, `unique`, `hidden`, `pipelines` (options are pipelines or stages), `owner` (options
//! are owners). An enumeration without options takes any value.

use partneros_domain::Timestamp;
use serde::Deserialize;

use super::property::{Choice, DataType, Group, OptionSource, Property, Registry};

const COMPANIES: &str = include_str!("../../data/companies.json");
const DEALS: &str = include_str!("../../data/deals.json");
const CONTACTS: &str = include_str!("../../data/contacts.json");

/// When HubSpot's own properties were made.
const DEFINED_AT: Timestamp = Timestamp(1_593_528_957_380);

/// The system properties of custom objects: name, label, type, field type.
const CUSTOM_OBJECT: [(&str, &str, DataType, &str); 9] = [
    ("hs_object_id", "Record ID", DataType::Number, "number"),
    (
        "hs_createdate",
        "Object create date/time",
        DataType::Datetime,
        "date",
    ),
    (
        "hs_lastmodifieddate",
        "Object last modified date/time",
        DataType::Datetime,
        "date",
    ),
    (
        "hs_created_by_user_id",
        "Created by user ID",
        DataType::Number,
        "number",
    ),
    (
        "hs_updated_by_user_id",
        "Updated by user ID",
        DataType::Number,
        "number",
    ),
    (
        "hs_merged_object_ids",
        "Merged object IDs",
        DataType::Enumeration,
        "checkbox",
    ),
    (
        "hs_object_source",
        "Record creation source",
        DataType::String,
        "text",
    ),
    (
        "hs_object_source_id",
        "Record creation source ID",
        DataType::String,
        "text",
    ),
    (
        "hs_object_source_label",
        "Record source",
        DataType::Enumeration,
        "select",
    ),
];

#[derive(Deserialize)]
struct File {
    groups: Vec<GroupLine>,
    properties: Vec<Line>,
}

#[derive(Deserialize)]
struct GroupLine {
    name: String,
    label: String,
}

#[derive(Deserialize)]
struct Line {
    name: String,
    label: String,
    #[serde(rename = "type")]
    data_type: DataType,
    field: String,
    group: String,
    #[serde(default)]
    flags: String,
    #[serde(default)]
    options: Vec<String>,
}

/// The properties of companies.
pub fn companies() -> Registry {
    parse(COMPANIES)
}

/// The properties of deals.
pub fn deals() -> Registry {
    parse(DEALS)
}

/// The properties of contacts.
pub fn contacts() -> Registry {
    parse(CONTACTS)
}

/// What every custom object has.
pub fn custom_object(group: &str) -> Registry {
    let mut registry = Registry::default();
    registry.groups.push(Group {
        name: group.to_owned(),
        label: group.to_owned(),
        display_order: 0,
    });
    for (name, label, data_type, field_type) in CUSTOM_OBJECT {
        let mut property = Property::new(name, label, data_type, field_type, group);
        property.read_only = true;
        define(&mut registry, property);
    }
    let mut owner = Property::new(
        "hubspot_owner_id",
        "Owner",
        DataType::Enumeration,
        "select",
        group,
    );
    owner.option_source = OptionSource::Owners;
    define(&mut registry, owner);
    registry
}

fn define(registry: &mut Registry, mut property: Property) {
    property.hubspot_defined = true;
    property.created = DEFINED_AT;
    property.updated = DEFINED_AT;
    if property.data_type == DataType::Enumeration
        && property.options.is_empty()
        && property.option_source == OptionSource::Listed
    {
        property.option_source = OptionSource::Open;
    }
    registry.put(property);
}

fn parse(text: &str) -> Registry {
    let file: File = serde_json::from_str(text).expect("the crate's own data file is valid");
    let mut registry = Registry::default();
    for (order, group) in file.groups.into_iter().enumerate() {
        registry.groups.push(Group {
            name: group.name,
            label: group.label,
            display_order: order as i32,
        });
    }
    for line in file.properties {
        let mut property = Property::new(
            &line.name,
            &line.label,
            line.data_type,
            &line.field,
            &line.group,
        );
        property.options = line.options.iter().enumerate().map(choice).collect();
        for flag in line.flags.split_whitespace() {
            match flag {
                "readonly" => property.read_only = true,
                "calculated" => property.calculated = true,
                "unique" => property.unique = true,
                "hidden" => property.hidden = true,
                "pipelines" => property.option_source = OptionSource::Pipelines,
                "owner" => property.option_source = OptionSource::Owners,
                other => unreachable!("the data file has the unknown flag `{other}`"),
            }
        }
        property.form_field = !property.read_only && !property.hidden;
        define(&mut registry, property);
    }
    registry
}

fn choice((order, text): (usize, &String)) -> Choice {
    let (value, label) = text.split_once('=').unwrap_or((text, text));
    Choice {
        label: label.to_owned(),
        value: value.to_owned(),
        description: String::new(),
        display_order: order as i32,
        hidden: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_files_hold_the_properties_the_sync_relies_on() {
        for (registry, names) in [
            (
                companies(),
                [
                    "name",
                    "domain",
                    "hs_lastmodifieddate",
                    "hs_merged_object_ids",
                ],
            ),
            (
                deals(),
                [
                    "dealname",
                    "dealstage",
                    "hs_lastmodifieddate",
                    "hs_is_closed",
                ],
            ),
            (
                contacts(),
                ["email", "lastmodifieddate", "hs_object_id", "createdate"],
            ),
        ] {
            for name in names {
                assert!(registry.find(name).is_some(), "{name}");
            }
            assert!(registry.live().count() > 150);
            for (_, property) in registry.live() {
                assert!(
                    registry
                        .groups
                        .iter()
                        .any(|group| group.name == property.group)
                );
                assert!(
                    !property.calculated || property.read_only,
                    "{}",
                    property.name
                );
            }
        }
    }
}

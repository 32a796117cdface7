//! The PartnerOS objects and their fields.

pub mod get;
pub mod list;

use axum::http::StatusCode;
use partneros_domain::{ChoiceOption, DataType, FieldSchema, ObjectSchema, object};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::words;
use crate::problem::Problem;

/// An object and its fields.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Object)]
pub struct ObjectView {
    /// The name in the API, such as `partners`.
    pub name: String,
    /// The name people see.
    pub label: String,
    /// The fields, in display order.
    pub fields: Vec<FieldView>,
}

/// A field of a PartnerOS object, or a property of a HubSpot object.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Field)]
pub struct FieldView {
    /// The name in the API, such as `companyRevenue` or `annualrevenue`.
    pub name: String,
    /// The name people see.
    pub label: String,
    /// A sentence about the field; may be empty.
    pub description: String,
    /// The type.
    #[schema(value_type = words::DataType)]
    pub data_type: DataType,
    /// Allowed values; empty when any value is allowed or the values are not known.
    pub choices: Vec<ChoiceView>,
    /// Readable, not writable.
    pub read_only: bool,
    /// A record cannot be made without it, and it cannot be cleared.
    pub required: bool,
    /// No two records share a value.
    pub unique: bool,
}

/// An allowed value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Choice)]
pub struct ChoiceView {
    /// What is stored and sent.
    pub value: String,
    /// What people see.
    pub label: String,
}

impl From<ObjectSchema> for ObjectView {
    fn from(schema: ObjectSchema) -> Self {
        Self {
            name: schema.name,
            label: schema.label,
            fields: schema.fields.into_iter().map(FieldView::from).collect(),
        }
    }
}

impl From<FieldSchema> for FieldView {
    fn from(field: FieldSchema) -> Self {
        let choice = |choice: ChoiceOption| ChoiceView {
            value: choice.value,
            label: choice.label,
        };
        Self {
            name: field.name.to_string(),
            label: field.label,
            description: field.description,
            data_type: field.data_type,
            choices: field.choices.into_iter().map(choice).collect(),
            read_only: field.read_only,
            required: field.required,
            unique: field.unique,
        }
    }
}

/// An object that PartnerOS does not have.
#[derive(Debug, thiserror::Error)]
#[error("failed to find PartnerOS object `{name}`; there are {known}")]
struct Unknown {
    name: String,
    known: String,
}

impl From<Unknown> for Problem {
    fn from(error: Unknown) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown_object", &error)
    }
}

/// The schema of a PartnerOS object; a name that is none is a problem that lists those there are.
pub fn schema(name: &str) -> Result<ObjectSchema, Problem> {
    let unknown = || Unknown {
        name: name.to_owned(),
        known: quoted(object::BUILT_IN),
    };
    Ok(object::built_in(name).ok_or_else(unknown)?)
}

/// Names in backticks, as a list.
pub fn quoted(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<_> = names
        .into_iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    names.join(", ")
}

//! What fields an object has, on either side.
//!
//! PartnerOS's schemas are built in ([`crate::object`]); HubSpot's are discovered from each portal. Both take this form,
//! which is also what a plugin sees.

use serde::{Deserialize, Serialize};

use crate::fields::FieldName;

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataType {
    /// Free text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A decimal number (IEEE 754 double).
    Number,
    /// True or false.
    Boolean,
    /// A calendar day, `2026-11-23`.
    Date,
    /// An instant, `2026-11-23T09:30:00.000Z`.
    Datetime,
    /// One of the field's choices.
    Choice,
    /// Any number of the field's choices.
    MultiChoice,
    /// The id of another record or person.
    Reference,
}

impl DataType {
    /// The name on the wire and in WIT, such as `multi-choice`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Choice => "choice",
            Self::MultiChoice => "multi-choice",
            Self::Reference => "reference",
        }
    }
}

/// One allowed value of a choice field.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChoiceOption {
    /// What is stored and sent.
    pub value: String,
    /// What people see.
    pub label: String,
}

/// One field of a PartnerOS object, or one property of a HubSpot object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldSchema {
    /// The name in the API, such as `companyRevenue` or `annualrevenue`.
    pub name: FieldName,
    /// The name people see.
    pub label: String,
    /// A sentence about the field; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The type.
    pub data_type: DataType,
    /// Allowed values of a choice; empty when any value is allowed or the values are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<ChoiceOption>,
    /// Computed by the side that owns it: readable, not writable.
    #[serde(default)]
    pub read_only: bool,
    /// A record cannot be created without it.
    #[serde(default)]
    pub required: bool,
    /// No two records share a value.
    #[serde(default)]
    pub unique: bool,
    /// Anything else that is known, by name; see `field-schema.extra` of the WIT contract.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<(String, String)>,
}

impl FieldSchema {
    /// A writable, optional field of this type.
    pub fn new(name: impl Into<FieldName>, label: &str, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            label: label.to_owned(),
            description: String::new(),
            data_type,
            choices: Vec::new(),
            read_only: false,
            required: false,
            unique: false,
            extra: Vec::new(),
        }
    }

    /// The same field with a description.
    pub fn described(mut self, description: &str) -> Self {
        description.clone_into(&mut self.description);
        self
    }

    /// The same field, needed for a record to be created.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The same field with these choices, as `(value, label)`.
    pub fn choices(mut self, choices: &[(&str, &str)]) -> Self {
        self.choices = choices
            .iter()
            .map(|(value, label)| ChoiceOption {
                value: (*value).to_owned(),
                label: (*label).to_owned(),
            })
            .collect();
        self
    }

    /// The value of an entry of `extra`.
    pub fn extra(&self, name: &str) -> Option<&str> {
        self.extra
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// One object and all of its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectSchema {
    /// The name in the API, such as `partners` or `companies`.
    pub name: String,
    /// The name people see, in the plural.
    pub label: String,
    /// The fields, in display order.
    pub fields: Vec<FieldSchema>,
}

impl ObjectSchema {
    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&FieldSchema> {
        self.fields.iter().find(|field| field.name.as_str() == name)
    }
}

//! Schemas and plans, on their way to a guest.

use partneros_domain as domain;
use partneros_domain::plan as domain_plan;

use super::bindings::exports::partneros::mapper::transform::{Direction, Plan, Rule};
use super::bindings::partneros::mapper::types::{
    ChoiceOption, DataType, FieldSchema, ObjectSchema,
};

impl From<&domain::ObjectSchema> for ObjectSchema {
    fn from(schema: &domain::ObjectSchema) -> Self {
        Self {
            name: schema.name.clone(),
            label: schema.label.clone(),
            fields: schema.fields.iter().map(Into::into).collect(),
        }
    }
}

impl From<&domain::FieldSchema> for FieldSchema {
    fn from(field: &domain::FieldSchema) -> Self {
        let choice = |choice: &domain::ChoiceOption| ChoiceOption {
            value: choice.value.clone(),
            label: choice.label.clone(),
        };
        Self {
            name: field.name.to_string(),
            label: field.label.clone(),
            description: field.description.clone(),
            data_type: field.data_type.into(),
            choices: field.choices.iter().map(choice).collect(),
            read_only: field.read_only,
            required: field.required,
            unique: field.unique,
            extra: field.extra.clone(),
        }
    }
}

impl From<domain::DataType> for DataType {
    fn from(data_type: domain::DataType) -> Self {
        match data_type {
            domain::DataType::Text => Self::Text,
            domain::DataType::Integer => Self::Integer,
            domain::DataType::Number => Self::Number,
            domain::DataType::Boolean => Self::Boolean,
            domain::DataType::Date => Self::Date,
            domain::DataType::Datetime => Self::Datetime,
            domain::DataType::Choice => Self::Choice,
            domain::DataType::MultiChoice => Self::MultiChoice,
            domain::DataType::Reference => Self::Reference,
        }
    }
}

impl From<&domain_plan::Plan> for Plan {
    fn from(plan: &domain_plan::Plan) -> Self {
        let rule = |rule: &domain_plan::Rule| Rule {
            inputs: rule.inputs.clone(),
            output: rule.output,
            options: rule.options.clone(),
        };
        Self {
            direction: match plan.direction {
                domain_plan::TransformDirection::ToHubSpot => Direction::ToHubspot,
                domain_plan::TransformDirection::ToPartnerOs => Direction::ToPartneros,
            },
            inputs: plan.inputs.iter().map(Into::into).collect(),
            outputs: plan.outputs.iter().map(Into::into).collect(),
            rules: plan.rules.iter().map(rule).collect(),
            extra: plan.extra.clone(),
        }
    }
}

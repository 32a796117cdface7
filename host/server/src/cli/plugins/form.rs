//! The JSON form of plans and columns, as golden files and `plugins run` write them.

use partneros_domain::plan::{Plan, Rule, TransformDirection};
use partneros_domain::{Column, FieldSchema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A [`Plan`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanForm {
    direction: DirectionForm,
    inputs: Vec<FieldSchema>,
    outputs: Vec<FieldSchema>,
    rules: Vec<RuleForm>,
    /// Facts about the pair; may be left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    extra: Vec<(String, String)>,
}

/// A [`TransformDirection`], in the words of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DirectionForm {
    /// Inputs are HubSpot properties, outputs PartnerOS fields.
    ToPartneros,
    /// Inputs are PartnerOS fields, outputs HubSpot properties.
    ToHubspot,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleForm {
    inputs: Vec<u32>,
    output: u32,
    /// Text is taken as it stands; anything else is written as JSON. Left out, there are none.
    #[serde(default = "no_options")]
    options: Value,
}

/// A [`Column`], as `{"text": ["Acme", null]}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ColumnForm {
    Text(Vec<Option<String>>),
    Integer(Vec<Option<i64>>),
    Number(Vec<Option<f64>>),
    Boolean(Vec<Option<bool>>),
    Texts(Vec<Option<Vec<String>>>),
}

fn no_options() -> Value {
    Value::String(String::new())
}

impl From<PlanForm> for Plan {
    fn from(form: PlanForm) -> Self {
        let rule = |rule: RuleForm| Rule {
            inputs: rule.inputs,
            output: rule.output,
            options: match rule.options {
                Value::String(text) => text,
                other => other.to_string(),
            },
        };
        Self {
            direction: form.direction.into(),
            inputs: form.inputs,
            outputs: form.outputs,
            rules: form.rules.into_iter().map(rule).collect(),
            extra: form.extra,
        }
    }
}

impl From<DirectionForm> for TransformDirection {
    fn from(form: DirectionForm) -> Self {
        match form {
            DirectionForm::ToHubspot => Self::ToHubSpot,
            DirectionForm::ToPartneros => Self::ToPartnerOs,
        }
    }
}

impl From<ColumnForm> for Column {
    fn from(form: ColumnForm) -> Self {
        match form {
            ColumnForm::Text(cells) => Self::Text(cells),
            ColumnForm::Integer(cells) => Self::Integer(cells),
            ColumnForm::Number(cells) => Self::Number(cells),
            ColumnForm::Boolean(cells) => Self::Boolean(cells),
            ColumnForm::Texts(cells) => Self::Texts(cells),
        }
    }
}

impl From<Column> for ColumnForm {
    fn from(column: Column) -> Self {
        match column {
            Column::Text(cells) => Self::Text(cells),
            Column::Integer(cells) => Self::Integer(cells),
            Column::Number(cells) => Self::Number(cells),
            Column::Boolean(cells) => Self::Boolean(cells),
            Column::Texts(cells) => Self::Texts(cells),
        }
    }
}

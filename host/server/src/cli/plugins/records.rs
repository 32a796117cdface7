//! What `plugins run` transforms: a plan with its columns, or plain objects and the plan that is derived for them.
//!
//! HubSpot's side of a derived plan is text, as everything of HubSpot is. PartnerOS's side takes its types from a schema
//! or, without one, from the values.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context as _, anyhow, bail};
use partneros_domain::plan::{Plan, Rule, TransformDirection};
use partneros_domain::{Column, ColumnKind, DataType, FieldSchema, ObjectSchema, Value, object};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::form::{ColumnForm, DirectionForm, PlanForm};

/// What separates the values of a multiple choice in HubSpot.
const CHOICE_SEPARATOR: &str = ";";

/// A plan and the batches for it.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) plan: Plan,
    pub(super) batches: Vec<Vec<Column>>,
}

/// One rule of a derived plan, as `OUT=IN[,IN2][:OPTIONS]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapped {
    output: String,
    inputs: Vec<String>,
    options: Option<String>,
}

/// What a plan is derived with.
#[derive(Debug)]
pub(super) struct Derivation<'a> {
    pub(super) direction: DirectionForm,
    /// The rules; none for each field to itself.
    pub(super) mapped: &'a [Mapped],
    /// The options of rules without their own.
    pub(super) options: &'a str,
    /// PartnerOS's fields, if known.
    pub(super) schema: Option<&'a ObjectSchema>,
    /// Records of one batch.
    pub(super) rows_max: usize,
}

/// A plan with its batch. A golden case of `transform` is one too.
#[derive(Deserialize)]
struct Planned {
    plan: PlanForm,
    #[serde(alias = "columns")]
    batch: Vec<ColumnForm>,
}

impl FromStr for Mapped {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "write it as `OUT=IN`, `OUT=IN,IN2` or `OUT=IN:{\"op\":\"trim\"}`";
        let (output, rest) = text.split_once('=').ok_or(form)?;
        let (inputs, options) = match rest.split_once(':') {
            Some((inputs, options)) => (inputs, Some(options.to_owned())),
            None => (rest, None),
        };
        let inputs: Vec<_> = (inputs.split(','))
            .map(|input| input.trim().to_owned())
            .collect();
        let output = output.trim().to_owned();
        if output.is_empty() || inputs.iter().any(String::is_empty) {
            return Err(form.to_owned());
        }
        if let Some(options) = &options {
            serde_json::from_str::<Map<String, Json>>(options)
                .map_err(|error| format!("the options are no JSON object: {error}"))?;
        }
        Ok(Self {
            output,
            inputs,
            options,
        })
    }
}

/// Reads `partners`, `deals`, or a file with a schema or a list of fields.
pub(super) fn schema(name: &str) -> anyhow::Result<ObjectSchema> {
    if let Some(schema) = object::built_in(name) {
        return Ok(schema);
    }
    let text = fs::read(name).with_context(|| {
        format!(
            "failed to read the schema `{name}`: it is neither `partners` nor `deals` nor a file"
        )
    })?;
    let failed = || format!("failed to read the schema `{name}`");
    let json: Json = serde_json::from_slice(&text).with_context(failed)?;
    if json.is_array() {
        return Ok(ObjectSchema {
            name: "records".to_owned(),
            label: "Records".to_owned(),
            fields: serde_json::from_value(json).with_context(failed)?,
        });
    }
    serde_json::from_value(json).with_context(failed)
}

/// Reads options from a file, or from the text itself when it is an object.
pub(super) fn options(text: &str) -> anyhow::Result<String> {
    let text = if text.trim_start().starts_with('{') {
        text.to_owned()
    } else {
        fs::read_to_string(text).with_context(|| format!("failed to read the options `{text}`"))?
    };
    serde_json::from_str::<Map<String, Json>>(&text).context("the options are no JSON object")?;
    Ok(text)
}

/// Reads what is to be transformed.
pub(super) fn work(file: &Path, derivation: &Derivation<'_>) -> anyhow::Result<Work> {
    let failed = || format!("failed to read the records `{}`", file.display());
    let text = fs::read(file).with_context(failed)?;
    let json: Json = serde_json::from_slice(&text).with_context(failed)?;
    match json {
        Json::Object(mut planned) if planned.contains_key("plan") => {
            // A golden case has both: what goes in, and what is expected to come out.
            if planned.contains_key("batch") {
                planned.remove("columns");
            }
            let planned: Planned = serde_json::from_value(planned.into()).with_context(failed)?;
            let batch = planned.batch.into_iter().map(Column::from).collect();
            Ok(Work {
                plan: planned.plan.into(),
                batches: vec![batch],
            })
        }
        Json::Array(records) => {
            let records: Vec<Map<String, Json>> = serde_json::from_value(records.into())
                .context("each record must be an object")
                .with_context(failed)?;
            derivation.derive(&records).with_context(failed)
        }
        _ => Err(anyhow!(
            "it must be a list of objects, or an object with `plan` and `batch`"
        ))
        .with_context(failed),
    }
}

impl Derivation<'_> {
    fn derive(&self, records: &[Map<String, Json>]) -> anyhow::Result<Work> {
        let mapped = match self.mapped {
            [] => each_to_itself(records),
            mapped => mapped.to_vec(),
        };
        if mapped.is_empty() {
            bail!("the records have no fields");
        }
        let to_hubspot = self.direction == DirectionForm::ToHubspot;
        let mut inputs: Vec<FieldSchema> = Vec::new();
        let mut outputs = Vec::new();
        let mut rules = Vec::new();
        for rule in mapped {
            let mut positions = Vec::new();
            for name in &rule.inputs {
                let known = inputs.iter().position(|input| input.name.as_str() == name);
                let position = if let Some(position) = known {
                    position
                } else {
                    let inferred = || infer(records, name);
                    inputs.push(self.field(name, to_hubspot, inferred)?);
                    inputs.len() - 1
                };
                positions.push(u32::try_from(position)?);
            }
            rules.push(Rule {
                inputs: positions,
                output: u32::try_from(outputs.len())?,
                options: rule.options.unwrap_or_else(|| self.options.to_owned()),
            });
            outputs.push(self.field(&rule.output, !to_hubspot, || DataType::Text)?);
        }
        let batches = (records.chunks(self.rows_max.max(1)))
            .map(|records| columns(records, &inputs, to_hubspot))
            .collect::<anyhow::Result<_>>()?;
        let plan = Plan {
            direction: self.direction.into(),
            inputs,
            outputs,
            rules,
            extra: Vec::new(),
        };
        Ok(Work { plan, batches })
    }

    fn field(
        &self,
        name: &str,
        of_partneros: bool,
        inferred: impl FnOnce() -> DataType,
    ) -> anyhow::Result<FieldSchema> {
        match self.schema {
            Some(schema) if of_partneros => schema.field(name).cloned().with_context(|| {
                let known: Vec<_> = (schema.fields.iter())
                    .map(|field| format!("`{}`", field.name))
                    .collect();
                format!(
                    "`{name}` is no field of `{}`, map one of {} with `--map`",
                    schema.name,
                    known.join(", ")
                )
            }),
            _ if of_partneros => Ok(FieldSchema::new(name, name, inferred())),
            _ => Ok(FieldSchema::new(name, name, DataType::Text)),
        }
    }
}

/// A rule for each field, in order of first appearance.
fn each_to_itself(records: &[Map<String, Json>]) -> Vec<Mapped> {
    let mut mapped: Vec<Mapped> = Vec::new();
    for name in records.iter().flat_map(Map::keys) {
        if mapped.iter().all(|known| known.output != *name) {
            mapped.push(Mapped {
                output: name.clone(),
                inputs: vec![name.clone()],
                options: None,
            });
        }
    }
    mapped
}

/// The narrowest type that all values of a field have; text where they differ.
fn infer(records: &[Map<String, Json>], name: &str) -> DataType {
    let mut types = (records.iter())
        .filter_map(|record| record.get(name))
        .filter_map(|value| match value {
            Json::Null => None,
            Json::Bool(_) => Some(DataType::Boolean),
            Json::Number(number) if number.is_i64() => Some(DataType::Integer),
            Json::Number(_) => Some(DataType::Number),
            Json::Array(_) => Some(DataType::MultiChoice),
            Json::String(_) | Json::Object(_) => Some(DataType::Text),
        });
    let first = types.next().unwrap_or(DataType::Text);
    types.fold(first, |known, next| match (known, next) {
        (known, next) if known == next => known,
        (DataType::Integer | DataType::Number, DataType::Integer | DataType::Number) => {
            DataType::Number
        }
        _ => DataType::Text,
    })
}

fn columns(
    records: &[Map<String, Json>],
    inputs: &[FieldSchema],
    of_partneros: bool,
) -> anyhow::Result<Vec<Column>> {
    let column = |field: &FieldSchema| {
        let kind = if of_partneros {
            ColumnKind::of(field.data_type)
        } else {
            ColumnKind::Text
        };
        let mut column = Column::with_capacity(kind, records.len());
        for (row, record) in records.iter().enumerate() {
            let json = record.get(field.name.as_str()).unwrap_or(&Json::Null);
            let value = if of_partneros {
                Value::from_json(field, json.clone())
                    .map_err(|error| anyhow!("record {row}: {error}"))?
            } else {
                hubspot_value(json)
                    .with_context(|| format!("record {row}: property `{}`", field.name))?
            };
            column.push(value);
        }
        Ok(column)
    };
    inputs.iter().map(column).collect()
}

/// A value as HubSpot would send it.
fn hubspot_value(json: &Json) -> anyhow::Result<Option<Value>> {
    let text = match json {
        Json::Null => return Ok(None),
        Json::String(text) => text.clone(),
        Json::Bool(_) | Json::Number(_) => json.to_string(),
        Json::Array(entries) => {
            let texts: Option<Vec<_>> = entries.iter().map(Json::as_str).collect();
            let texts = texts.context("it holds a list of other things than texts")?;
            texts.join(CHOICE_SEPARATOR)
        }
        Json::Object(_) => bail!("it holds an object, which HubSpot never sends"),
    };
    Ok(Some(Value::Text(text)))
}

/// The name of a plan's direction.
pub(super) const fn direction(plan: &Plan) -> &'static str {
    match plan.direction {
        TransformDirection::ToHubSpot => "to-hubspot",
        TransformDirection::ToPartnerOs => "to-partneros",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn records(json: &Json) -> Vec<Map<String, Json>> {
        serde_json::from_value(json.clone()).unwrap()
    }

    fn derive(direction: DirectionForm, mapped: &[Mapped], json: &Json) -> anyhow::Result<Work> {
        let derivation = Derivation {
            direction,
            mapped,
            options: "",
            schema: None,
            rows_max: 2,
        };
        derivation.derive(&records(json))
    }

    #[test]
    fn each_field_goes_to_itself_with_the_type_of_its_values() {
        let json = json!([{"name": "Acme", "employees": 3}, {"revenue": 1.5}, {"employees": null, "revenue": 2}]);
        let work = derive(DirectionForm::ToHubspot, &[], &json).unwrap();
        let types: Vec<_> = (work.plan.inputs.iter())
            .map(|input| (input.name.as_str(), input.data_type))
            .collect();
        assert_eq!(
            types,
            [
                ("name", DataType::Text),
                ("employees", DataType::Integer),
                ("revenue", DataType::Number)
            ]
        );
        assert_eq!(work.batches.len(), 2);
        assert_eq!(
            work.batches[0],
            [
                Column::Text(vec![Some("Acme".to_owned()), None]),
                Column::Integer(vec![Some(3), None]),
                Column::Number(vec![None, Some(1.5)]),
            ]
        );
    }

    #[test]
    fn hubspot_sends_text() {
        let json = json!([{"employees": 3, "tags": ["a", "b"], "target": true}]);
        let work = derive(DirectionForm::ToPartneros, &[], &json).unwrap();
        let text = |text: &str| Column::Text(vec![Some(text.to_owned())]);
        assert_eq!(work.batches[0], [text("3"), text("a;b"), text("true")]);
    }

    #[test]
    fn rules_share_inputs() {
        let mapped =
            ["first=name:{\"part\":\"first\"}", "both=name,city"].map(|text| text.parse().unwrap());
        let json = json!([{"name": "Ada", "city": "London"}]);
        let plan = derive(DirectionForm::ToPartneros, &mapped, &json)
            .unwrap()
            .plan;
        assert_eq!(plan.inputs.len(), 2);
        assert_eq!(plan.rules[0].options, "{\"part\":\"first\"}");
        assert_eq!(plan.rules[1].inputs, [0, 1]);
    }

    #[test]
    fn a_mistyped_rule_is_told() {
        for text in ["name", "=a", "a=", "a=b,,c", "a=b:[1]"] {
            assert!(text.parse::<Mapped>().is_err(), "{text}");
        }
    }
}

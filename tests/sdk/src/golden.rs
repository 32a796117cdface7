//! The golden cases, and how a mapper is held to them.
//!
//! A fixture fixes everything but sentences: of a message it only asks that there is one.

use std::fs;

use partneros_domain::plan::{Plan, Rule, TransformDirection};
use partneros_domain::{Column, FieldSchema, ObjectSchema};
use partneros_runtime::{CallError, CallFailure, Plugin, PreparedPlan};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::build::workspace;

/// Every case.
#[derive(Debug)]
pub struct Golden {
    options_schema: Value,
    suggest: Vec<SuggestCase>,
    check: Vec<CheckCase>,
    transform: Vec<TransformCase>,
    declined: Vec<DeclinedCase>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SuggestCase {
    name: String,
    partneros: Vec<FieldSchema>,
    hubspot: Vec<FieldSchema>,
    /// Field and property.
    suggestions: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckCase {
    name: String,
    plan: PlanFixture,
    /// Rule and code.
    problems: Vec<(u32, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TransformCase {
    name: String,
    plan: PlanFixture,
    batch: Vec<ColumnFixture>,
    columns: Vec<ColumnFixture>,
    /// Rule, row and code.
    failures: Vec<(u32, u32, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclinedCase {
    name: String,
    plan: PlanFixture,
    batch: Vec<ColumnFixture>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFixture {
    direction: DirectionFixture,
    inputs: Vec<FieldSchema>,
    outputs: Vec<FieldSchema>,
    rules: Vec<RuleFixture>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DirectionFixture {
    ToHubspot,
    ToPartneros,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFixture {
    inputs: Vec<u32>,
    output: u32,
    /// Text is taken as it stands; anything else is written as JSON.
    options: Value,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ColumnFixture {
    Text(Vec<Option<String>>),
    Integer(Vec<Option<i64>>),
    Number(Vec<Option<f64>>),
    Boolean(Vec<Option<bool>>),
    Texts(Vec<Option<Vec<String>>>),
}

impl Golden {
    /// Reads `examples/golden`.
    pub fn load() -> Self {
        Self {
            options_schema: read("options.schema"),
            suggest: read("suggest"),
            check: read("check"),
            transform: read("transform"),
            declined: read("declined"),
        }
    }

    /// How many cases there are.
    pub fn len(&self) -> usize {
        1 + self.suggest.len() + self.check.len() + self.transform.len() + self.declined.len()
    }

    /// Whether there are none, which is never so.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts every case to a mapper that should be called `name`; a line for each that it answers otherwise.
    pub fn mismatches(&self, plugin: &Plugin, name: &str) -> Vec<String> {
        let mut mismatches = Vec::new();
        let mut note = |function: &str, case: &str, outcome: Result<(), String>| {
            if let Err(what) = outcome {
                mismatches.push(format!("{function}, {case}: {what}"));
            }
        };
        note(
            "describe",
            name,
            describe(plugin, name, &self.options_schema),
        );
        for case in &self.suggest {
            note("suggest", &case.name, suggest(plugin, case));
        }
        for case in &self.check {
            note("check", &case.name, check(plugin, case));
        }
        for case in &self.transform {
            note("transform", &case.name, transform(plugin, case));
        }
        for case in &self.declined {
            note("transform", &case.name, declined(plugin, case));
        }
        mismatches
    }
}

fn describe(plugin: &Plugin, name: &str, options_schema: &Value) -> Result<(), String> {
    let answer = plugin.describe().map_err(|error| failed(&error))?.value;
    same("name", answer.name.as_str(), name)?;
    same("version", answer.version.as_str(), "0.1.0")?;
    spoken(&answer.summary)?;
    let answered: Value = serde_json::from_str(&answer.options_schema)
        .map_err(|error| format!("the options' schema is no JSON: {error}"))?;
    same("options' schema", &answered, options_schema)
}

fn suggest(plugin: &Plugin, case: &SuggestCase) -> Result<(), String> {
    let schema = |name: &str, fields: &[FieldSchema]| ObjectSchema {
        name: name.to_owned(),
        label: name.to_owned(),
        fields: fields.to_vec(),
    };
    let partneros = schema("partners", &case.partneros);
    let hubspot = schema("companies", &case.hubspot);
    let answer = plugin
        .suggest(&partneros, &hubspot)
        .map_err(|error| failed(&error))?
        .value;
    let mut pairs = Vec::new();
    for suggestion in answer {
        let [candidate] = suggestion.candidates.as_slice() else {
            return Err(format!("`{}` has not one candidate", suggestion.field));
        };
        let [reason] = candidate.reasons.as_slice() else {
            return Err(format!("`{}` has not one reason", suggestion.field));
        };
        spoken(&reason.message)?;
        same("reason", reason.code.as_str(), "same-name")?;
        same("confidence", &candidate.confidence, &1.0)?;
        pairs.push((suggestion.field, candidate.property.clone()));
    }
    same("suggestions", &pairs, &case.suggestions)
}

fn check(plugin: &Plugin, case: &CheckCase) -> Result<(), String> {
    let answer = plugin
        .check(&case.plan.prepared())
        .map_err(|error| failed(&error))?
        .value;
    let mut problems = Vec::new();
    for problem in answer {
        spoken(&problem.message)?;
        problems.push((problem.rule, problem.code));
    }
    same("problems", &problems, &case.problems)
}

fn transform(plugin: &Plugin, case: &TransformCase) -> Result<(), String> {
    let batch = columns(&case.batch);
    let answer = plugin.transform(&case.plan.prepared(), batch);
    let answer = answer.map_err(|error| failed(&error))?.value;
    same("columns", &answer.columns, &columns(&case.columns))?;
    let mut failures = Vec::new();
    for failure in answer.failures {
        spoken(&failure.message)?;
        failures.push((failure.rule, failure.row, failure.code));
    }
    same("failures", &failures, &case.failures)
}

fn declined(plugin: &Plugin, case: &DeclinedCase) -> Result<(), String> {
    match plugin.transform(&case.plan.prepared(), columns(&case.batch)) {
        Ok(_) => Err("it was not declined".to_owned()),
        Err(CallError {
            failure: CallFailure::Declined { message },
            ..
        }) => spoken(&message),
        Err(other) => Err(failed(&other)),
    }
}

impl PlanFixture {
    fn prepared(&self) -> PreparedPlan {
        let rule = |rule: &RuleFixture| Rule {
            inputs: rule.inputs.clone(),
            output: rule.output,
            options: match &rule.options {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
        };
        let plan = Plan {
            direction: match self.direction {
                DirectionFixture::ToHubspot => TransformDirection::ToHubSpot,
                DirectionFixture::ToPartneros => TransformDirection::ToPartnerOs,
            },
            inputs: self.inputs.clone(),
            outputs: self.outputs.clone(),
            rules: self.rules.iter().map(rule).collect(),
            extra: Vec::new(),
        };
        PreparedPlan::new(plan).expect("the plan of a fixture is sound")
    }
}

fn columns(fixtures: &[ColumnFixture]) -> Vec<Column> {
    let column = |fixture: &ColumnFixture| match fixture.clone() {
        ColumnFixture::Text(cells) => Column::Text(cells),
        ColumnFixture::Integer(cells) => Column::Integer(cells),
        ColumnFixture::Number(cells) => Column::Number(cells),
        ColumnFixture::Boolean(cells) => Column::Boolean(cells),
        ColumnFixture::Texts(cells) => Column::Texts(cells),
    };
    fixtures.iter().map(column).collect()
}

fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = workspace().join(format!("examples/golden/{name}.json"));
    let text = fs::read(&path).expect("the fixture is there");
    serde_json::from_slice(&text)
        .unwrap_or_else(|error| panic!("`{}` is no fixture: {error}", path.display()))
}

fn same<T: PartialEq + std::fmt::Debug + ?Sized>(
    what: &str,
    found: &T,
    expected: &T,
) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what} {found:?} instead of {expected:?}"))
    }
}

fn spoken(message: &str) -> Result<(), String> {
    if message.trim().is_empty() {
        Err("a sentence is missing".to_owned())
    } else {
        Ok(())
    }
}

fn failed(error: &CallError) -> String {
    format!("{error}, log: {:?}", error.usage.log_tail)
}

//! Golden files: what a plugin is asked, and what it must answer.
//!
//! A file is a list of cases. What a case expects says what it asks for: `suggestions` (field and property),
//! `problems` (rule and code), or `columns` with `failures` (rule, row and code); a case with none of them expects
//! that the batch is declined. The file `options.schema.json` is no list but the schema that `describe` must give.
//! Sentences are not fixed; there must only be one wherever the contract asks for it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use partneros_domain::plan::{Failure, Problem};
use partneros_domain::{Column, FieldSchema, ObjectSchema, Suggestion};
use partneros_runtime::{CallError, CallFailure, InvalidPlan, Plugin, PreparedPlan};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::call::Used;
use super::form::{ColumnForm, PlanForm};
use super::layout;

/// The file that holds the schema of the options.
pub(super) const OPTIONS_SCHEMA: &str = "options.schema.json";
/// What a case may expect.
const EXPECTATIONS: [&str; 4] = ["suggestions", "problems", "columns", "failures"];
/// Folders that hold no golden files, but much else.
const SKIPPED: [&str; 4] = ["build", "dist", "node_modules", "target"];

/// A golden file.
#[derive(Debug)]
pub(super) struct GoldenFile {
    pub(super) path: PathBuf,
    pub(super) cases: Vec<Case>,
}

/// One case; its JSON is kept, so that an update changes nothing but what is expected.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    json: Map<String, Value>,
    question: Question,
    /// In the form that answers are brought into.
    expected: Answer,
}

#[derive(Debug)]
enum Question {
    Describe,
    Suggest(ObjectSchema, ObjectSchema),
    Check(PreparedPlan),
    Transform(PreparedPlan, Vec<Column>),
}

/// An answer in the form of a case: its [`EXPECTATIONS`]; none of them when a batch was declined.
pub(super) type Answer = Map<String, Value>;

/// What came of a case.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The answer, unless the call gave none that a golden file can hold.
    pub(super) answer: Result<Answer, String>,
    /// How it differs from what is expected; empty for a pass.
    pub(super) differences: Vec<String>,
    pub(super) used: Used,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SuggestCase {
    #[serde(rename = "name")]
    _name: String,
    partneros: Vec<FieldSchema>,
    hubspot: Vec<FieldSchema>,
    suggestions: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckCase {
    #[serde(rename = "name")]
    _name: String,
    plan: PlanForm,
    problems: Vec<(u32, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TransformCase {
    #[serde(rename = "name")]
    _name: String,
    plan: PlanForm,
    batch: Vec<ColumnForm>,
    columns: Vec<ColumnForm>,
    #[serde(default)]
    failures: Vec<(u32, u32, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclinedCase {
    #[serde(rename = "name")]
    _name: String,
    plan: PlanForm,
    batch: Vec<ColumnForm>,
}

/// Reads all golden files below a folder, in order of their paths.
pub(super) fn load(folder: &Path) -> anyhow::Result<Vec<GoldenFile>> {
    let mut paths = Vec::new();
    collect(folder, &mut paths)?;
    paths.sort();
    let files: Vec<_> = paths.into_iter().map(read).collect::<Result<_, _>>()?;
    if files.iter().all(|file| file.cases.is_empty()) {
        bail!("there are no golden cases in `{}`", folder.display());
    }
    Ok(files)
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let failed = || format!("failed to list `{}`", folder.display());
    for entry in fs::read_dir(folder).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type().with_context(failed)?.is_dir() {
            if !name.starts_with('.') && !SKIPPED.contains(&&*name) {
                collect(&path, paths)?;
            }
        } else if name.ends_with(".json") {
            paths.push(path);
        }
    }
    Ok(())
}

fn read(path: PathBuf) -> anyhow::Result<GoldenFile> {
    let shown = path.display().to_string();
    let failed = || format!("failed to read the golden file `{shown}`");
    let text = fs::read(&path).with_context(failed)?;
    if path.ends_with(OPTIONS_SCHEMA) {
        let schema: Value = serde_json::from_slice(&text).with_context(failed)?;
        let case = Case {
            name: "the schema of the options".to_owned(),
            json: Map::new(),
            question: Question::Describe,
            expected: Map::from_iter([(OPTIONS_SCHEMA.to_owned(), schema)]),
        };
        return Ok(GoldenFile {
            path,
            cases: vec![case],
        });
    }
    let cases: Vec<Map<String, Value>> = serde_json::from_slice(&text)
        .context("it is no list of cases")
        .with_context(failed)?;
    let read = |(position, json): (usize, Map<String, Value>)| {
        case(json).with_context(|| format!("failed to read case {position} of `{shown}`"))
    };
    let cases = (cases.into_iter().enumerate().map(read)).collect::<anyhow::Result<_>>()?;
    Ok(GoldenFile { path, cases })
}

fn case(json: Map<String, Value>) -> anyhow::Result<Case> {
    let name = json.get("name").and_then(Value::as_str);
    let name = name.context("it has no `name`")?.to_owned();
    let value = Value::Object(json.clone());
    let (question, expected) = if json.contains_key("suggestions") {
        let case: SuggestCase = serde_json::from_value(value)?;
        let partneros = schema("partners", case.partneros);
        let question = Question::Suggest(partneros, schema("companies", case.hubspot));
        (question, answer([("suggestions", &case.suggestions)])?)
    } else if json.contains_key("problems") {
        let case: CheckCase = serde_json::from_value(value)?;
        let question = Question::Check(prepared(case.plan)?);
        (question, answer([("problems", &case.problems)])?)
    } else if json.contains_key("columns") {
        let case: TransformCase = serde_json::from_value(value)?;
        let mut expected = answer([("columns", &case.columns)])?;
        expected.extend(answer([("failures", &case.failures)])?);
        let batch = case.batch.into_iter().map(Column::from).collect();
        (Question::Transform(prepared(case.plan)?, batch), expected)
    } else {
        let case: DeclinedCase = serde_json::from_value(value)?;
        let batch = case.batch.into_iter().map(Column::from).collect();
        (Question::Transform(prepared(case.plan)?, batch), Map::new())
    };
    Ok(Case {
        name,
        json,
        question,
        expected,
    })
}

fn schema(name: &str, fields: Vec<FieldSchema>) -> ObjectSchema {
    ObjectSchema {
        name: name.to_owned(),
        label: name.to_owned(),
        fields,
    }
}

fn prepared(plan: PlanForm) -> Result<PreparedPlan, InvalidPlan> {
    PreparedPlan::new(plan.into())
}

fn answer<T: Serialize>(entry: [(&str, &T); 1]) -> serde_json::Result<Answer> {
    let entry = entry.map(|(key, value)| Ok((key.to_owned(), serde_json::to_value(value)?)));
    entry.into_iter().collect()
}

impl Case {
    /// What is called.
    pub(super) fn function(&self) -> &'static str {
        match self.question {
            Question::Describe => "describe",
            Question::Suggest(..) => "suggest",
            Question::Check(_) => "check",
            Question::Transform(..) => "transform",
        }
    }

    /// Puts the case to a plugin.
    pub(super) fn ask(&self, plugin: &Plugin) -> Outcome {
        let mut used = Used::default();
        let answer = self.answer(plugin, &mut used);
        let differences = match &answer {
            Ok(answer) => super::difference::between(&self.expected, answer),
            Err(problem) => vec![problem.clone()],
        };
        Outcome {
            answer,
            differences,
            used,
        }
    }

    fn answer(&self, plugin: &Plugin, used: &mut Used) -> Result<Answer, String> {
        match &self.question {
            Question::Describe => {
                let description = used.take(plugin.describe()).map_err(|e| failed(&e))?;
                let schema = match description.options_schema.as_str() {
                    "" => Value::Null,
                    text => serde_json::from_str(text).map_err(|error| error.to_string())?,
                };
                Ok(Map::from_iter([(OPTIONS_SCHEMA.to_owned(), schema)]))
            }
            Question::Suggest(partneros, hubspot) => {
                let answer = used.take(plugin.suggest(partneros, hubspot));
                suggestions(answer.map_err(|e| failed(&e))?)
            }
            Question::Check(plan) => {
                problems(used.take(plugin.check(plan)).map_err(|e| failed(&e))?)
            }
            Question::Transform(plan, batch) => {
                match used.take(plugin.transform(plan, batch.clone())) {
                    Ok(answer) => transformed(answer.columns, answer.failures),
                    Err(CallError {
                        failure: CallFailure::Declined { message },
                        ..
                    }) => spoken(&message).map(|()| Map::new()),
                    Err(error) => Err(failed(&error)),
                }
            }
        }
    }
}

impl GoldenFile {
    /// The text of the file with these answers in place of what was expected; a case without an answer stays.
    pub(super) fn updated(&self, outcomes: &[Outcome]) -> anyhow::Result<Vec<u8>> {
        if self.path.ends_with(OPTIONS_SCHEMA) {
            let answer = outcomes
                .first()
                .and_then(|outcome| outcome.answer.as_ref().ok());
            let schema = answer.and_then(|answer| answer.get(OPTIONS_SCHEMA));
            let mut text = serde_json::to_vec_pretty(schema.context("there is no schema")?)?;
            text.push(b'\n');
            return Ok(text);
        }
        let update = |(case, outcome): (&Case, &Outcome)| {
            let mut json = case.json.clone();
            if let Ok(answer) = &outcome.answer {
                for key in EXPECTATIONS
                    .iter()
                    .filter(|key| !answer.contains_key(**key))
                {
                    json.shift_remove(*key);
                }
                json.extend(answer.clone());
            }
            json
        };
        let cases: Vec<_> = self.cases.iter().zip(outcomes).map(update).collect();
        Ok(layout::cases(&cases)?)
    }
}

/// The first candidate of each field that has one.
fn suggestions(suggestions: Vec<Suggestion>) -> Result<Answer, String> {
    let mut pairs = Vec::new();
    for suggestion in suggestions {
        let Some(candidate) = suggestion.candidates.into_iter().next() else {
            continue;
        };
        for reason in &candidate.reasons {
            spoken(&reason.message)?;
        }
        pairs.push((suggestion.field, candidate.property));
    }
    answer([("suggestions", &pairs)]).map_err(|error| error.to_string())
}

fn problems(problems: Vec<Problem>) -> Result<Answer, String> {
    let mut pairs = Vec::new();
    for problem in problems {
        spoken(&problem.message)?;
        pairs.push((problem.rule, problem.code));
    }
    answer([("problems", &pairs)]).map_err(|error| error.to_string())
}

fn transformed(columns: Vec<Column>, failures: Vec<Failure>) -> Result<Answer, String> {
    for (position, column) in columns.iter().enumerate() {
        let Column::Number(cells) = column else {
            continue;
        };
        // JSON has no form for them, and the host takes none.
        if cells.iter().flatten().any(|cell| !cell.is_finite()) {
            return Err(format!(
                "column {position} holds a number that is not finite"
            ));
        }
    }
    let columns: Vec<_> = columns.into_iter().map(ColumnForm::from).collect();
    let mut triples = Vec::new();
    for failure in failures {
        spoken(&failure.message)?;
        triples.push((failure.rule, failure.row, failure.code));
    }
    Ok(Map::from_iter([
        ("columns".to_owned(), json!(columns)),
        ("failures".to_owned(), json!(triples)),
    ]))
}

fn spoken(message: &str) -> Result<(), String> {
    if message.trim().is_empty() {
        return Err("a message is missing: people need a sentence beside the code".to_owned());
    }
    Ok(())
}

fn failed(error: &CallError) -> String {
    format!("`{}` gave no answer: {}", error.function, error.failure)
}

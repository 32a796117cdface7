//! `partneros plugins run`: one plugin, some records, and everything that comes of them.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use partneros_domain::plan::{Failure, Plan, Problem, TransformDirection};
use partneros_domain::{Column, FieldSchema, Value};
use partneros_runtime::{CallError, Plugin, PreparedPlan};
use serde_json::{Map, Value as Json, json};

use super::call::Used;
use super::component;
use super::form::DirectionForm;
use super::records::{self, Derivation, Mapped, Work};
use super::table;
use crate::config::Config;

/// Transforms records with a component, as the host would.
///
/// Records are a JSON list of objects. Each field is mapped to itself, unless rules are given:
///
///   partneros plugins run my-mapper.wasm --records partners.json
///   partneros plugins run my-mapper.wasm --records partners.json \
///       --direction to-hubspot --schema partners \
///       --map firstname=name:'{"op":"split-name","part":"first"}' --map city=city
///
/// A file with `plan` and `batch`, such as one case of a golden file, is taken as it stands.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Run {
    /// The component.
    #[arg(value_name = "COMPONENT")]
    file: PathBuf,
    /// The records.
    #[arg(long, value_name = "FILE")]
    records: PathBuf,
    /// Which side the records come from, and which they go to.
    #[arg(long, value_enum, default_value = "to-partneros")]
    direction: DirectionForm,
    /// A rule, as `OUT=IN`, `OUT=IN,IN2` or `OUT=IN:{"op":"trim"}`; repeat it for more.
    #[arg(long = "map", value_name = "RULE")]
    mapped: Vec<Mapped>,
    /// Options of the rules that have none of their own: a JSON object or a file.
    #[arg(long, value_name = "JSON|FILE")]
    options: Option<String>,
    /// The types of PartnerOS's fields: `partners`, `deals`, or a JSON file. Otherwise the values tell.
    #[arg(long, value_name = "NAME|FILE")]
    schema: Option<String>,
    /// The component beneath a layer.
    #[arg(long, value_name = "FILE")]
    beneath: Option<PathBuf>,
    /// Prints one JSON document instead of a table.
    #[arg(long)]
    json: bool,
}

/// What came of a run.
#[derive(Debug, Default)]
struct Ran {
    problems: Vec<Problem>,
    rows: Vec<Row>,
    error: Option<CallError>,
    check: Used,
    transform: Used,
}

/// One record.
#[derive(Debug)]
struct Row {
    input: Vec<Option<Value>>,
    output: Vec<Option<Value>>,
    failures: Vec<CellFailure>,
}

#[derive(Debug)]
struct CellFailure {
    output: usize,
    code: String,
    message: String,
}

impl Run {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<()> {
        tokio::task::spawn_blocking(move || self.run_here(&config)).await?
    }

    fn run_here(self, config: &Config) -> anyhow::Result<()> {
        let schema = self.schema.as_deref().map(records::schema).transpose()?;
        let options = self.options.as_deref().map(records::options).transpose()?;
        let work = records::work(
            &self.records,
            &Derivation {
                direction: self.direction,
                mapped: &self.mapped,
                options: options.as_deref().unwrap_or_default(),
                schema: schema.as_ref(),
                rows_max: config.runtime.call.rows_max,
            },
        )?;
        let plan = PreparedPlan::new(work.plan.clone())?;
        let runtime = component::runtime(config)?;
        let plugin = component::load_over(&runtime, &self.file, self.beneath.as_deref())?;
        let ran = ran(&plugin, &plan, work);
        if self.json {
            let document = ran.json(&plugin, plan.plan());
            println!("{}", serde_json::to_string_pretty(&document)?);
        } else {
            ran.print(plan.plan());
        }
        eprint!("{}", ran.log());
        match (&ran.error, ran.problems.len()) {
            (Some(error), _) => bail!("`{}` gave no answer: {}", error.function, error.failure),
            (None, 0) => Ok(()),
            (None, count) => bail!("the plan has {}", table::number_of(count, "problem")),
        }
    }
}

/// Checks the plan and, if it is accepted, transforms every batch until one fails.
fn ran(plugin: &Plugin, plan: &PreparedPlan, work: Work) -> Ran {
    let mut ran = Ran::default();
    match ran.check.take(plugin.check(plan)) {
        Ok(problems) => ran.problems = problems,
        Err(error) => ran.error = Some(error),
    }
    if ran.error.is_some() || !ran.problems.is_empty() {
        return ran;
    }
    for batch in work.batches {
        match ran.transform.take(plugin.transform(plan, batch.clone())) {
            Ok(answer) => {
                let rows = rows(plan.plan(), batch, answer.columns, answer.failures);
                ran.rows.extend(rows);
            }
            Err(error) => {
                ran.error = Some(error);
                return ran;
            }
        }
    }
    ran
}

fn rows(
    plan: &Plan,
    mut batch: Vec<Column>,
    mut columns: Vec<Column>,
    failures: Vec<Failure>,
) -> Vec<Row> {
    let count = columns.first().or(batch.first()).map_or(0, Column::len);
    let mut rows: Vec<_> = (0..count)
        .map(|row| {
            let mut failures = Vec::new();
            let output = (columns.iter_mut().zip(&plan.outputs).enumerate())
                .map(|(output, (column, field))| {
                    let value = column.take(row)?;
                    checked(plan.direction, field, value, output, &mut failures)
                })
                .collect();
            Row {
                input: batch.iter_mut().map(|column| column.take(row)).collect(),
                output,
                failures,
            }
        })
        .collect();
    for failure in failures {
        let output = plan
            .rules
            .get(failure.rule as usize)
            .map(|rule| rule.output);
        if let (Some(row), Some(output)) = (rows.get_mut(failure.row as usize), output) {
            row.failures.push(CellFailure {
                output: output as usize,
                code: failure.code,
                message: failure.message,
            });
        }
    }
    rows
}

/// The value as the host would store it. HubSpot judges its own.
fn checked(
    direction: TransformDirection,
    field: &FieldSchema,
    value: Value,
    output: usize,
    failures: &mut Vec<CellFailure>,
) -> Option<Value> {
    if direction == TransformDirection::ToHubSpot {
        return Some(value);
    }
    value.checked(field).unwrap_or_else(|error| {
        failures.push(CellFailure {
            output,
            code: "invalid-value".to_owned(),
            message: error.to_string(),
        });
        None
    })
}

impl Ran {
    fn log(&self) -> String {
        let log = format!("{}{}", self.check.log, self.transform.log);
        // Lines stay lines.
        let lines = log
            .lines()
            .map(|line| format!("log: {}\n", table::plain(line)));
        lines.collect()
    }

    fn print(&self, plan: &Plan) {
        for problem in &self.problems {
            println!(
                "problem: rule {} ({}), {}: {}",
                problem.rule,
                rule_name(plan, problem.rule),
                table::plain(&problem.code),
                table::plain(&problem.message)
            );
        }
        if !self.rows.is_empty() {
            print!("{}", self.table(plan));
        }
        for (number, row) in self.rows.iter().enumerate() {
            for failure in &row.failures {
                println!(
                    "failure: row {number}, `{}`, {}: {}",
                    name(&plan.outputs, failure.output),
                    table::plain(&failure.code),
                    table::plain(&failure.message)
                );
            }
        }
        println!("check      {}", self.check.line());
        if self.transform.calls > 0 {
            println!("transform  {}", self.transform.line());
        }
    }

    fn table(&self, plan: &Plan) -> String {
        let names = |fields: &[FieldSchema]| -> Vec<String> {
            fields.iter().map(|field| field.name.to_string()).collect()
        };
        let heading = [
            vec!["row".to_owned()],
            names(&plan.inputs),
            vec!["→".to_owned()],
            names(&plan.outputs),
        ];
        let lines: Vec<_> = (self.rows.iter().enumerate())
            .map(|(number, row)| {
                let mut cells = vec![number.to_string()];
                cells.extend(row.input.iter().map(|value| shown(value.as_ref())));
                cells.push("→".to_owned());
                for (position, value) in row.output.iter().enumerate() {
                    let failed = row.failures.iter().any(|f| f.output == position);
                    cells.push(if failed {
                        "✗".to_owned()
                    } else {
                        shown(value.as_ref())
                    });
                }
                cells
            })
            .collect();
        table::table(&heading.concat(), &lines)
    }

    fn json(&self, plugin: &Plugin, plan: &Plan) -> Json {
        let problem = |problem: &Problem| json!({"rule": problem.rule, "code": problem.code, "message": problem.message});
        let row = |row: &Row| {
            let failure = |failure: &CellFailure| {
                json!({
                    "field": name(&plan.outputs, failure.output),
                    "code": failure.code,
                    "message": failure.message,
                })
            };
            json!({
                "input": named(&plan.inputs, &row.input),
                "output": named(&plan.outputs, &row.output),
                "failures": row.failures.iter().map(failure).collect::<Vec<_>>(),
            })
        };
        let error = |error: &CallError| json!({"function": error.function.as_str(), "message": error.failure.to_string()});
        json!({
            "plugin": {"sha256": plugin.digest(), "world": plugin.world().as_str()},
            "direction": records::direction(plan),
            "problems": self.problems.iter().map(problem).collect::<Vec<_>>(),
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
            "error": self.error.as_ref().map(error),
            "usage": {"check": self.check.json(), "transform": self.transform.json()},
            "log": format!("{}{}", self.check.log, self.transform.log),
        })
    }
}

fn named(fields: &[FieldSchema], values: &[Option<Value>]) -> Map<String, Json> {
    let entry =
        |(field, value): (&FieldSchema, &Option<Value>)| (field.name.to_string(), json!(value));
    fields.iter().zip(values).map(entry).collect()
}

fn name(fields: &[FieldSchema], position: usize) -> &str {
    fields
        .get(position)
        .map_or("?", |field| field.name.as_str())
}

fn rule_name(plan: &Plan, rule: u32) -> &str {
    let rule = plan.rules.get(rule as usize);
    rule.map_or("?", |rule| name(&plan.outputs, rule.output as usize))
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "–".to_owned(),
        Some(Value::Boolean(flag)) => flag.to_string(),
        Some(Value::Integer(number)) => number.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Texts(texts)) => texts.join("; "),
    }
}

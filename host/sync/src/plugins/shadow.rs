//! A candidate beside the mapper that is in use: the same live batches, no effect, and what would have been different.

use std::collections::BTreeMap;

use partneros_domain::plan::Transformed;
use partneros_domain::{Column, Digest, Timestamp, Value};
use partneros_runtime::{CallError, Called};
use partneros_store::MapperParts;
use serde::{Deserialize, Serialize};

use super::split::{Cells, Part};

/// The most samples kept for a field.
const SAMPLES_MAX: usize = 5;
/// The longest value in a sample, in bytes; the rest is cut off.
const SAMPLE_BYTES_MAX: usize = 200;

/// What a candidate did on the batches of one pair so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShadowReport {
    /// The candidate: layers top first, then the mapper.
    pub parts: Vec<Digest>,
    /// When it became a candidate.
    pub started_at: Timestamp,
    /// Records that both transformed.
    pub rows: u64,
    /// Values that both gave.
    pub values: u64,
    /// Of those, how many differ.
    pub differing: u64,
    /// Where values differ, by the name of what is written.
    pub fields: BTreeMap<String, FieldDifference>,
    /// Cells that each could not transform.
    pub failed_cells: Both<u64>,
    /// Calls on which the candidate failed as a whole.
    pub failed_calls: u64,
    /// What it failed with last.
    pub last_failure: Option<String>,
    /// Fuel of both.
    pub fuel: Both<u64>,
    /// Time of both in microseconds.
    pub duration_us: Both<u64>,
}

/// The same of the mapper in use and of the candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Both<T> {
    /// The one in use.
    pub active: T,
    /// The candidate.
    pub candidate: T,
}

/// How the values of one field differ.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FieldDifference {
    /// How many do.
    pub differing: u64,
    /// The first few.
    pub samples: Vec<Sample>,
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// What it was made of, in the order of the rule's inputs.
    pub inputs: Vec<Option<Value>>,
    /// What the mapper in use gave.
    pub active: Option<Value>,
    /// What the candidate gave.
    pub candidate: Option<Value>,
}

impl ShadowReport {
    /// A report on a candidate that has done nothing yet.
    pub fn new(parts: &MapperParts, started_at: Timestamp) -> Self {
        Self {
            parts: parts.0.clone(),
            started_at,
            rows: 0,
            values: 0,
            differing: 0,
            fields: BTreeMap::new(),
            failed_cells: Both::default(),
            failed_calls: 0,
            last_failure: None,
            fuel: Both::default(),
            duration_us: Both::default(),
        }
    }

    /// Whether the report is about this candidate.
    pub fn is_of(&self, parts: &MapperParts, started_at: Timestamp) -> bool {
        self.parts == parts.0 && self.started_at == started_at
    }

    /// How many of a thousand values differ, rounded up.
    pub fn differing_permille(&self) -> u64 {
        (self.differing * 1_000).div_ceil(self.values.max(1))
    }

    /// Adds one batch that both were given.
    pub fn add(
        &mut self,
        part: &Part,
        cells: &Cells<'_>,
        active: &Called<Transformed>,
        candidate: &Result<Called<Transformed>, CallError>,
    ) {
        let micros = |duration: std::time::Duration| duration.as_micros() as u64;
        self.fuel.active += active.usage.fuel;
        self.duration_us.active += micros(active.usage.duration);
        self.failed_cells.active += active.value.failures.len() as u64;
        match candidate {
            Err(error) => {
                self.failed_calls += 1;
                self.last_failure = Some(error.failure.to_string());
                self.fuel.candidate += error.usage.fuel;
                self.duration_us.candidate += micros(error.usage.duration);
            }
            Ok(candidate) => {
                self.fuel.candidate += candidate.usage.fuel;
                self.duration_us.candidate += micros(candidate.usage.duration);
                self.failed_cells.candidate += candidate.value.failures.len() as u64;
                self.compare(part, cells, &active.value, &candidate.value);
            }
        }
    }

    fn compare(
        &mut self,
        part: &Part,
        cells: &Cells<'_>,
        active: &Transformed,
        candidate: &Transformed,
    ) {
        let rows = active.columns.first().map_or(0, Column::len);
        self.rows += rows as u64;
        let plan = part.plan.plan();
        for (rule, (ours, theirs)) in active.columns.iter().zip(&candidate.columns).enumerate() {
            self.values += rows as u64;
            if ours == theirs {
                continue;
            }
            let Some(output) = plan.outputs.get(rule) else {
                continue;
            };
            let field = self.fields.entry(output.name.to_string()).or_default();
            let (mut ours, mut theirs) = (ours.clone(), theirs.clone());
            for row in 0..rows {
                let (active, candidate) = (ours.take(row), theirs.take(row));
                if active == candidate {
                    continue;
                }
                self.differing += 1;
                field.differing += 1;
                if field.samples.len() < SAMPLES_MAX {
                    field.samples.push(Sample {
                        inputs: inputs_of(part, cells, rule, row),
                        active: active.map(cut),
                        candidate: candidate.map(cut),
                    });
                }
            }
        }
    }
}

fn inputs_of(part: &Part, cells: &Cells<'_>, rule: usize, row: usize) -> Vec<Option<Value>> {
    let rule = part.plan.plan().rules.get(rule);
    let inputs = rule.into_iter().flat_map(|rule| &rule.inputs);
    inputs
        .filter_map(|own| part.inputs.get(*own as usize))
        .map(|input| cells(*input, &[row]).take(0).map(cut))
        .collect()
}

fn cut(value: Value) -> Value {
    match value {
        Value::Text(mut text) => {
            text.truncate(text.floor_char_boundary(SAMPLE_BYTES_MAX));
            Value::Text(text)
        }
        value => value,
    }
}

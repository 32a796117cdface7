//! What becomes of a batch on which a plugin fails as a whole: the records, or the fields, that make it fail are found.
//!
//! A plugin is a pure function of its batch, so a part of the batch can be tried again. Batches are halved until single
//! records are left, within a budget; where nothing goes through, a record without values tells a bad record from a
//! broken plugin, and a broken plugin stops the run instead of parking everything.

use partneros_domain::Column;
use partneros_domain::plan::{Failure, Transformed};
use partneros_runtime::{CallError, CallFailure};
use partneros_store::NewFailure;

use super::mapper::{FailedRow, Outcome};
use super::split::{Cells, Part};

/// The code of what a plugin failed on.
pub const PLUGIN_FAILED: &str = "plugin_failed";

/// What is listed for a record on which a plugin failed.
pub fn plugin_failed(message: &str) -> NewFailure {
    NewFailure {
        field: None,
        property: None,
        code: PLUGIN_FAILED.to_owned(),
        message: format!("the plugin failed on this record: {message}"),
        hint: "correct the record, or bind another version of the plugin".to_owned(),
    }
}

/// The most calls to find what a plugin fails on in one batch; what is left then is parked as a whole. A single bad
/// record among a thousand takes twenty.
const CALLS_MAX: usize = 64;

/// Calls the plugin for a part of the plan and some of the rows.
pub type Call<'a> = dyn FnMut(&Part, Vec<Column>) -> Result<Transformed, CallError> + 'a;

/// Whether a failure is the plugin's own, so that a part of the batch may go through.
pub fn is_plugins_own(failure: &CallFailure) -> bool {
    match failure {
        CallFailure::Declined { .. }
        | CallFailure::Trapped { .. }
        | CallFailure::OutOfFuel { .. }
        | CallFailure::OutOfTime { .. }
        | CallFailure::OutOfMemory { .. }
        | CallFailure::OutputTooLarge { .. }
        | CallFailure::InvalidOutput(_) => true,
        CallFailure::Incompatible { .. }
        | CallFailure::InvalidInput { .. }
        | CallFailure::Busy { .. } => false,
    }
}

/// Transforms what can be and parks the records that make the plugin fail. Returns `first`, the failure of the whole
/// batch, when the plugin does not even take a record without values.
pub fn records(
    part: &Part,
    cells: &Cells<'_>,
    rows: usize,
    first: CallError,
    outcome: &mut Outcome,
    call: &mut Call<'_>,
) -> Result<(), CallError> {
    let mut calls = 0;
    let mut passed = false;
    let mut failed = Vec::new();
    let all: Vec<usize> = (0..rows).collect();
    let mut open: Vec<(&[usize], String)> = vec![(&all, first.failure.to_string())];
    while let Some((range, reason)) = open.pop() {
        if range.len() <= 1 || calls + 2 > CALLS_MAX {
            let row = |row: &usize| FailedRow {
                row: *row,
                message: reason.clone(),
            };
            failed.extend(range.iter().map(row));
            continue;
        }
        let (left, right) = range.split_at(range.len() / 2);
        for half in [right, left] {
            calls += 1;
            match call(part, part.batch(cells, half)) {
                Ok(answer) => {
                    passed = true;
                    outcome.place(part, half, answer);
                }
                Err(error) if is_plugins_own(&error.failure) => {
                    open.push((half, error.failure.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
    }
    if !passed && call(part, nothing(part, cells)).is_err() {
        return Err(first);
    }
    outcome.failed_rows.extend(failed);
    Ok(())
}

/// Transforms rule by rule and fails the cells of those rules that make the plugin fail. Returns `first` when all do.
pub fn fields(
    part: &Part,
    cells: &Cells<'_>,
    rows: usize,
    first: CallError,
    outcome: &mut Outcome,
    call: &mut Call<'_>,
) -> Result<(), CallError> {
    let all: Vec<usize> = (0..rows).collect();
    let mut passed = false;
    let mut failures = Vec::new();
    for rule in 0..part.rules.len() {
        let Ok(single) = part.only(rule) else {
            continue;
        };
        match call(&single, single.batch(cells, &all)) {
            Ok(answer) => {
                passed = true;
                outcome.place(&single, &all, answer);
            }
            Err(error) if is_plugins_own(&error.failure) => {
                let cell = |row: &usize| Failure {
                    rule: part.rule(rule as u32),
                    row: *row as u32,
                    code: PLUGIN_FAILED.to_owned(),
                    message: error.failure.to_string(),
                };
                failures.extend(all.iter().map(cell));
            }
            Err(error) => return Err(error),
        }
    }
    if !passed {
        return Err(first);
    }
    outcome.failures.extend(failures);
    Ok(())
}

/// A batch of one record that has no values.
fn nothing(part: &Part, cells: &Cells<'_>) -> Vec<Column> {
    let mut batch = part.batch(cells, &[0]);
    for column in &mut batch {
        column.take(0);
    }
    batch
}

//! What becomes of a batch on which a plugin fails as a whole: the records, or the fields, that make it fail are found.
//!
//! A plugin is a pure function of its batch, so a part of the batch can be tried again. Batches are halved until single
//! records are left; where nothing goes through, a record without values tells a bad record from a broken plugin, and a
//! broken mapper stops the run instead of parking everything. A broken plugin of single rules costs those rules.

use std::time::Duration;

use partneros_domain::Column;
use partneros_domain::plan::Transformed;
use partneros_runtime::{CallError, CallFailure};
use partneros_store::NewFailure;

use super::mapper::{FailedRow, Outcome};
use super::split::{Cells, Part};
use crate::error::Error;

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

/// How long failing calls may take in all while what a plugin fails on is looked for in one batch. Then the run fails, as
/// it does for a plugin that does not work: nothing is parked that was not tried.
const FAILING_TIME_MAX: Duration = Duration::from_secs(20);

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

/// What became of a part when its batch was taken apart.
enum Found {
    /// Some of it went through; these rows did not, for these reasons.
    Rows(Vec<(usize, String)>),
    /// The plugin does not even take a record without values.
    Broken,
}

/// Transforms what can be and parks the records that make the plugin fail. Returns `first`, the failure of the whole
/// batch, when the plugin does not work at all.
pub fn records(
    part: &Part,
    cells: &Cells<'_>,
    rows: usize,
    first: CallError,
    outcome: &mut Outcome,
    call: &mut Call<'_>,
) -> Result<(), CallError> {
    match halve(part, cells, rows, first.failure.to_string(), outcome, call)? {
        Found::Broken => Err(first),
        Found::Rows(rows) => {
            let parked = rows.into_iter();
            let parked = parked.map(|(row, message)| FailedRow { row, message });
            outcome.failed_rows.extend(parked);
            Ok(())
        }
    }
}

/// Transforms rule by rule and fails the cells that make the plugin fail. Returns `first` when no rule works at all.
pub fn fields(
    part: &Part,
    cells: &Cells<'_>,
    rows: usize,
    first: CallError,
    outcome: &mut Outcome,
    call: &mut Call<'_>,
) -> Result<(), Error> {
    let all: Vec<usize> = (0..rows).collect();
    let mut works = false;
    let mut failed = Outcome::default();
    for rule in 0..part.rules.len() {
        let single = part.only(rule)?;
        let reason = match call(&single, single.batch(cells, &all)) {
            Ok(answer) => {
                works = true;
                outcome.place(&single, &all, answer);
                continue;
            }
            Err(error) if is_plugins_own(&error.failure) => error.failure.to_string(),
            Err(error) => return Err(error.into()),
        };
        match halve(&single, cells, rows, reason.clone(), outcome, call)? {
            Found::Broken => {
                failed.fail_cells(&single, all.iter().map(|row| (*row, reason.clone())));
            }
            Found::Rows(rows) => {
                works = true;
                failed.fail_cells(&single, rows);
            }
        }
    }
    if !works {
        return Err(first.into());
    }
    outcome.failures.extend(failed.failures);
    Ok(())
}

/// Halves a batch until what fails alone is left, and puts what goes through in place.
fn halve(
    part: &Part,
    cells: &Cells<'_>,
    rows: usize,
    reason: String,
    outcome: &mut Outcome,
    call: &mut Call<'_>,
) -> Result<Found, CallError> {
    let all: Vec<usize> = (0..rows).collect();
    let mut open: Vec<(&[usize], String)> = vec![(&all, reason)];
    let mut passed = false;
    let mut failed = Vec::new();
    let mut spent = Duration::ZERO;
    while let Some((range, reason)) = open.pop() {
        if let [row] = range {
            failed.push((*row, reason));
            continue;
        }
        let (left, right) = range.split_at(range.len() / 2);
        for half in [right, left] {
            match call(part, part.batch(cells, half)) {
                Ok(answer) => {
                    passed = true;
                    outcome.place(part, half, answer);
                }
                Err(error) if is_plugins_own(&error.failure) => {
                    spent += error.usage.duration;
                    if spent > FAILING_TIME_MAX {
                        return Err(error);
                    }
                    open.push((half, error.failure.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
    }
    if !passed && !works(part, cells, call) {
        return Ok(Found::Broken);
    }
    Ok(Found::Rows(failed))
}

/// Whether the plugin takes a record without values, which tells a bad record from a broken plugin.
pub fn works(part: &Part, cells: &Cells<'_>, call: &mut Call<'_>) -> bool {
    let mut batch = part.batch(cells, &[0]);
    for column in &mut batch {
        column.take(0);
    }
    call(part, batch).is_ok()
}

//! What maps the records of one pair: its mapper, the plugins that single rules name, and a candidate beside them.

use std::sync::{Mutex, PoisonError};

use partneros_domain::plan::{Failure, Plan, Problem, Transformed};
use partneros_domain::{
    Column, Digest, ObjectSchema, PairId, PluginFailurePolicy, RulePlugin, Suggestion, Timestamp,
};
use partneros_runtime::{CallError, Called, Plugin, PreparedPlan};
use partneros_store::{Binding, Candidate};

use super::activity::{Activity, Caller};
use super::isolate::{self, PLUGIN_FAILED, is_plugins_own};
use super::shadow::ShadowReport;
use super::split::{Cells, Part, SplitPlan};
use crate::error::Error;

/// After how many failed calls a candidate is not called any more.
const CANDIDATE_FAILURES_MAX: u64 = 10;
/// From how many rows on a batch tells something about the plugin rather than about its records.
const TELLING_ROWS_MIN: usize = 10;

/// What maps the records of a pair during one pass.
#[derive(Debug)]
pub struct Mapper {
    /// For which pair.
    pub pair: PairId,
    /// The pair's mapper.
    pub main: Plugin,
    /// The plugins that rules name.
    pub rules: Vec<(RulePlugin, Plugin)>,
    /// What was bound before; used when the policy says so.
    pub previous: Option<Plugin>,
    /// What is tried beside it.
    pub candidate: Option<(Candidate, Plugin)>,
    /// The binding that chose the mapper; none for the default.
    pub binding: Option<Binding>,
    /// What happens when a plugin fails on a batch.
    pub policy: PluginFailurePolicy,
    /// What was gathered so far.
    pub activity: Mutex<Activity>,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One column for each output of the whole plan.
    pub columns: Vec<Column>,
    /// Cells that could not be transformed, by rules of the whole plan; sorted by row.
    pub failures: Vec<Failure>,
    /// Records on which the plugin failed as a whole, sorted by row. They have no values.
    pub failed_rows: Vec<FailedRow>,
}

/// A record on which a plugin failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRow {
    /// Its position in the batch.
    pub row: usize,
    /// What happened.
    pub message: String,
}

impl Outcome {
    fn new(plan: &SplitPlan, rows: usize) -> Self {
        let mut columns = vec![Column::Text(Vec::new()); plan.outputs];
        for part in &plan.parts {
            let plan = part.plan.plan();
            for (rule, output) in part.rules.iter().zip(&plan.outputs) {
                let kind = plan.direction.output_kind(output.data_type);
                if let Some(column) = columns.get_mut(*rule) {
                    *column = Column::with_capacity(kind, rows);
                }
            }
        }
        Self {
            columns,
            ..Self::default()
        }
    }

    /// Puts a plugin's answer for the whole batch in place.
    fn take(&mut self, part: &Part, answer: Transformed) {
        for (rule, column) in part.rules.iter().zip(answer.columns) {
            if let Some(place) = self.columns.get_mut(*rule) {
                *place = column;
            }
        }
        self.fail(part, answer.failures, |row| row);
    }

    /// Puts a plugin's answer for some of the rows in place.
    pub fn place(&mut self, part: &Part, rows: &[usize], mut answer: Transformed) {
        for (rule, column) in part.rules.iter().zip(&mut answer.columns) {
            let Some(place) = self.columns.get_mut(*rule) else {
                continue;
            };
            for (at, row) in rows.iter().enumerate() {
                place.set(*row, column.take(at));
            }
        }
        self.fail(part, answer.failures, |row| {
            rows.get(row as usize).map_or(row, |row| *row as u32)
        });
    }

    fn fail(&mut self, part: &Part, failures: Vec<Failure>, row: impl Fn(u32) -> u32) {
        self.failures
            .extend(failures.into_iter().map(|failure| Failure {
                rule: part.rule(failure.rule),
                row: row(failure.row),
                ..failure
            }));
    }

    /// Fails the cells of all rules of a part in these rows, for these reasons.
    pub fn fail_cells(&mut self, part: &Part, rows: impl IntoIterator<Item = (usize, String)>) {
        for (row, message) in rows {
            self.failures.extend(part.rules.iter().map(|rule| Failure {
                rule: *rule as u32,
                row: row as u32,
                code: PLUGIN_FAILED.to_owned(),
                message: message.clone(),
            }));
        }
    }

    fn sort(mut self, rows: usize) -> Self {
        for column in &mut self.columns {
            column.resize(rows);
        }
        self.failures.sort_by_key(|failure| failure.row);
        self.failed_rows.sort_by_key(|failed| failed.row);
        self
    }

    /// Why a record has no values, if the plugin failed on it.
    pub fn failed_row(&self, row: usize) -> Option<&FailedRow> {
        let at = self
            .failed_rows
            .binary_search_by_key(&row, |failed| failed.row);
        at.ok().and_then(|at| self.failed_rows.get(at))
    }
}

impl Mapper {
    /// The uploaded versions that map.
    pub fn versions(&self) -> impl Iterator<Item = Digest> {
        let bound = self.binding.iter().flat_map(|binding| &binding.parts.0);
        let named = self.rules.iter().filter_map(|(named, _)| match named {
            RulePlugin::Version(digest) => Some(digest),
            RulePlugin::Expression => None,
        });
        bound.chain(named).copied()
    }

    /// Asks the pair's mapper for suggestions. Blocks.
    pub fn suggest(
        &self,
        partneros: &ObjectSchema,
        hubspot: &ObjectSchema,
    ) -> Result<Vec<Suggestion>, CallError> {
        Ok(self.main.suggest(partneros, hubspot)?.value)
    }

    /// What the plugins find wrong with a plan whose rules name these plugins. Blocks.
    pub fn check(
        &self,
        plan: &Plan,
        plugins: &[Option<RulePlugin>],
    ) -> Result<Vec<Problem>, Error> {
        let mut found = Vec::new();
        for part in SplitPlan::new(plan, plugins)?.parts {
            let Ok(plugin) = self.plugin(part.plugin) else {
                found.extend(part.rules.iter().map(|rule| unknown(*rule, part.plugin)));
                continue;
            };
            match plugin.check(&part.plan) {
                Ok(problems) => {
                    let problems = problems.value.into_iter();
                    found.extend(problems.map(|problem| part.problem(problem)));
                }
                // A plugin of single rules costs those rules, not the pair.
                Err(error) if part.plugin.is_some() && is_plugins_own(&error.failure) => {
                    let rules = part.rules.iter();
                    found.extend(rules.map(|rule| failing(*rule, &error)));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    }

    /// Transforms a batch of this many rows, whose columns `cells` makes. Blocks.
    ///
    /// What a plugin fails on is dealt with as the pair's policy says; an error is for a plugin that does not work at all.
    pub fn transform(
        &self,
        plan: &SplitPlan,
        rows: usize,
        cells: &Cells<'_>,
        at: Timestamp,
    ) -> Result<Outcome, Error> {
        let mut outcome = Outcome::new(plan, rows);
        let all: Vec<usize> = (0..rows).collect();
        for part in &plan.parts {
            let plugin = self.plugin(part.plugin)?;
            let answer = self.call(plugin, &part.plan, part.batch(cells, &all), rows, at);
            match answer {
                Ok(answer) => {
                    self.shadow(part, cells, &all, &answer);
                    outcome.take(part, answer.value);
                    self.count(part, true);
                }
                Err(first) if is_plugins_own(&first.failure) => {
                    let reason = first.failure.to_string();
                    let salvaged = self.salvage(part, cells, rows, at, first, &mut outcome);
                    self.count(part, matches!(salvaged, Ok(true)));
                    match salvaged {
                        Err(Error::Mapper(error))
                            if part.plugin.is_some() && is_plugins_own(&error.failure) =>
                        {
                            outcome.fail_cells(part, all.iter().map(|row| (*row, reason.clone())));
                        }
                        salvaged => drop(salvaged?),
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(outcome.sort(rows))
    }

    /// The plugin that carries out a part of a plan.
    fn plugin(&self, named: Option<RulePlugin>) -> Result<&Plugin, Error> {
        let Some(named) = named else {
            return Ok(&self.main);
        };
        let found = self.rules.iter().find(|(name, _)| *name == named);
        found
            .map(|(_, plugin)| plugin)
            .ok_or_else(|| Error::UnknownPlugin(named.to_string()))
    }

    fn call(
        &self,
        plugin: &Plugin,
        plan: &PreparedPlan,
        batch: Vec<Column>,
        rows: usize,
        at: Timestamp,
    ) -> Result<Called<Transformed>, CallError> {
        let answer = plugin.transform(plan, batch);
        let caller = Caller {
            digest: *plugin.digest(),
            pair: self.pair,
            at,
        };
        self.lock().note(caller, rows, &answer);
        answer
    }

    /// Counts a batch of the pair's mapper for or against its version.
    fn count(&self, part: &Part, works: bool) {
        if part.plugin.is_some() {
            return;
        }
        let mut activity = self.lock();
        if works {
            activity.clean_batches += 1;
            activity.failed_batches = 0;
        } else {
            activity.failed_batches += 1;
        }
    }

    fn shadow(&self, part: &Part, cells: &Cells<'_>, all: &[usize], answer: &Called<Transformed>) {
        let Some((candidate, plugin)) = self.candidate.as_ref().filter(|_| part.plugin.is_none())
        else {
            return;
        };
        let failed = self
            .lock()
            .shadow
            .as_ref()
            .map_or(0, |shadow| shadow.failed_calls);
        if failed >= CANDIDATE_FAILURES_MAX {
            return;
        }
        let beside = plugin.transform(&part.plan, part.batch(cells, all));
        self.lock()
            .shadow
            .get_or_insert_with(|| ShadowReport::new(&candidate.parts, candidate.started_at))
            .add(part, cells, answer, &beside);
    }

    /// Deals with a batch that a plugin failed on as a whole. Returns whether the records are to blame, not the plugin.
    fn salvage(
        &self,
        part: &Part,
        cells: &Cells<'_>,
        rows: usize,
        at: Timestamp,
        first: CallError,
        outcome: &mut Outcome,
    ) -> Result<bool, Error> {
        let parked = outcome.failed_rows.len();
        let plugin = self.plugin(part.plugin)?;
        let mut call = |part: &Part, batch: Vec<Column>| {
            let rows = batch.first().map_or(0, Column::len);
            let answer = self.call(plugin, &part.plan, batch, rows, at);
            answer.map(|called| called.value)
        };
        match (self.policy, &self.previous) {
            (PluginFailurePolicy::SkipField, _) => {
                isolate::fields(part, cells, rows, first, outcome, &mut call)?;
            }
            (PluginFailurePolicy::LastGoodVersion, Some(previous)) if part.plugin.is_none() => {
                let all: Vec<usize> = (0..rows).collect();
                let batch = part.batch(cells, &all);
                match self.call(previous, &part.plan, batch, rows, at) {
                    Ok(answer) => {
                        outcome.take(part, answer.value);
                        // Somebody else did its work, which must not hide that it does none.
                        return Ok(isolate::works(part, cells, &mut call));
                    }
                    Err(_) => isolate::records(part, cells, rows, first, outcome, &mut call)?,
                }
            }
            _ => isolate::records(part, cells, rows, first, outcome, &mut call)?,
        }
        Ok(!mostly(outcome.failed_rows.len() - parked, rows))
    }

    /// What was gathered so far.
    pub(crate) fn lock(&self) -> std::sync::MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a plugin failed on so much of a batch that it is not the records' fault.
fn mostly(failed: usize, rows: usize) -> bool {
    rows >= TELLING_ROWS_MIN && failed * 2 > rows
}

/// The problem of a rule whose plugin fails when it is asked.
fn failing(rule: usize, error: &CallError) -> Problem {
    Problem {
        rule: rule as u32,
        code: PLUGIN_FAILED.to_owned(),
        message: format!("its plugin failed: {}", error.failure),
    }
}

/// The problem of a rule whose plugin is not to be had.
fn unknown(rule: usize, named: Option<RulePlugin>) -> Problem {
    let named = named.map(|named| named.to_string()).unwrap_or_default();
    Problem {
        rule: rule as u32,
        code: "unknown_plugin".to_owned(),
        message: format!(
            "plugin `{named}` is not one of the organization's, or is quarantined; name `expression` or an uploaded version"
        ),
    }
}

//! Carries sample values to PartnerOS, and records to HubSpot, the way a pass would; nothing is written.

use std::collections::HashMap;

use partneros_domain::plan::Plan;
use partneros_domain::{Column, ColumnKind, FieldName, RulePlugin, Timestamp, Value};

use super::mapper::{Mapper, Outcome};
use super::split::{Cells, SplitPlan};
use crate::error::Error;
use crate::pair_plan::PairPlan;

/// A row's values by column of the plan's properties.
pub type Texts = Vec<Option<String>>;

/// What became of a value, or why nothing did.
pub type Cell = Result<Option<Value>, String>;

/// A mapper with a pair's plan.
#[derive(Debug, Clone, Copy)]
pub struct Carrier<'a> {
    /// The mapper.
    pub mapper: &'a Mapper,
    /// The plan.
    pub plan: &'a PairPlan,
    /// Now, as plugins are told it.
    pub at: Timestamp,
}

/// What arrived, by the PartnerOS field of the mapping that carried it.
#[derive(Debug)]
pub struct Carried {
    cells: HashMap<FieldName, Vec<Cell>>,
}

impl Carrier<'_> {
    /// Carries rows of HubSpot's values to PartnerOS.
    pub fn to_partneros(self, rows: &[Texts]) -> Result<Carried, Error> {
        let plan = self.plan;
        let cells = |input: usize, which: &[usize]| {
            let column = plan.inbound_columns.get(input).copied();
            let cell = |row: &usize| rows.get(*row)?.get(column?)?.clone();
            Column::Text(which.iter().map(cell).collect())
        };
        let rules = plan.routes.iter().map(|route| (route, Some(route.inbound)));
        let rules = rules.map(|(route, rule)| (&route.field.name, rule));
        let whole = (&plan.inbound, &plan.inbound_plugins[..]);
        self.carry(whole, rows.len(), &cells, rules)
    }

    /// Carries records, whose values are had by field and row, to HubSpot. Mappings that do not write HubSpot have no
    /// cells.
    pub fn to_hubspot(
        self,
        rows: usize,
        value: &dyn Fn(&str, usize) -> Option<Value>,
    ) -> Result<Carried, Error> {
        let plan = self.plan;
        let cells = |input: usize, which: &[usize]| {
            let field = plan.outbound_fields.get(input);
            let kind = field.map_or(ColumnKind::Text, |field| ColumnKind::of(field.data_type));
            let mut column = Column::with_capacity(kind, which.len());
            for row in which {
                column.push(field.and_then(|field| value(field.name.as_str(), *row)));
            }
            column
        };
        let rules = plan.routes.iter();
        let rules = rules.map(|route| (&route.field.name, route.outbound));
        let whole = (&plan.outbound, &plan.outbound_plugins[..]);
        self.carry(whole, rows, &cells, rules)
    }

    fn carry<'b>(
        self,
        (whole, plugins): (&Plan, &[Option<RulePlugin>]),
        rows: usize,
        cells: &Cells<'_>,
        rules: impl Iterator<Item = (&'b FieldName, Option<usize>)>,
    ) -> Result<Carried, Error> {
        let split = SplitPlan::new(whole, plugins)?;
        let mut outcome = self.mapper.transform(&split, rows, cells, self.at)?;
        let mut carried = HashMap::new();
        for (name, rule) in rules {
            let Some(rule) = rule else { continue };
            let cell = |row| match failure(&outcome, rule, row) {
                Some(problem) => Err(problem),
                None => Ok(outcome
                    .columns
                    .get_mut(rule)
                    .and_then(|column| column.take(row))),
            };
            carried.insert(name.clone(), (0..rows).map(cell).collect());
        }
        Ok(Carried { cells: carried })
    }
}

impl Carried {
    /// What became of a field's value in a row; none when no mapping carries it.
    pub fn cell(&self, field: &str, row: usize) -> Option<&Cell> {
        self.cells.get(field)?.get(row)
    }

    /// The value of a field in a row.
    pub fn value(&self, field: &str, row: usize) -> Option<Value> {
        self.cell(field, row)?.clone().ok().flatten()
    }
}

fn failure(outcome: &Outcome, rule: usize, row: usize) -> Option<String> {
    if let Some(failed) = outcome.failed_row(row) {
        return Some(failed.message.clone());
    }
    let is_cell = |failure: &&partneros_domain::plan::Failure| {
        failure.rule as usize == rule && failure.row as usize == row
    };
    let failure = outcome.failures.iter().find(is_cell);
    failure.map(|failure| failure.message.clone())
}

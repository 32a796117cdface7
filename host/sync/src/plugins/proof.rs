//! Whether values survive the way to PartnerOS and back: a field whose value HubSpot would get back changed is better
//! synced one way.
//!
//! Real values of the portal are tried where it can be read, and generated ones of every type. Nothing is written.

use std::collections::HashMap;

use partneros_domain::{
    Column, DataType, FieldName, FieldSchema, ObjectPair, OrganizationId, PairId, Value,
};
use partneros_hubspot::Rows;

use super::mapper::{Mapper, Outcome};
use super::resolve;
use super::split::SplitPlan;
use crate::engine::Engine;
use crate::error::Error;
use crate::pair_plan::{PairPlan, Route};
use crate::row::Row;

/// How many objects of the portal are tried.
const REAL_ROWS: usize = 100;
/// How many generated rows are tried; no type has more samples.
const GENERATED_ROWS: usize = 20;

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// Objects of the portal that were tried; 0 when it could not be read.
    pub real_rows: usize,
    /// Generated rows that were tried.
    pub generated_rows: usize,
    /// Fields that sync both ways and were tried.
    pub fields: Vec<FieldName>,
    /// For each field that does not come back, the first value that did not.
    pub examples: Vec<Example>,
}

/// A value that does not come back.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The PartnerOS field.
    pub field: FieldName,
    /// The HubSpot property.
    pub property: FieldName,
    /// What HubSpot holds.
    pub hubspot: Option<String>,
    /// What it became in PartnerOS.
    pub partneros: Option<Value>,
    /// What that would be in HubSpot.
    pub back: Option<String>,
    /// Why there is nothing that would be, if so.
    pub problem: Option<String>,
    /// Whether the value is one of the portal's.
    pub is_real: bool,
}

impl Engine {
    /// Tries the pair's two-way mappings with values of the portal and generated ones.
    pub async fn prove(&self, organization: OrganizationId, pair: PairId) -> Result<Proof, Error> {
        let pair = self.parts().store.pair(organization, pair).await?;
        let set = self.parts().store.mappings(organization, pair.id).await?;
        let (object, hubspot) = self.schemas_of(organization, &pair).await?;
        let mapper = resolve::mapper(self.parts(), organization, &pair, &set.mappings).await?;
        let plan = PairPlan::new(&pair, &set.mappings, &object, &hubspot);
        let real = self.portal_rows(organization, &pair, &plan).await;
        let at = self.parts().environment.now();
        let schemas: Vec<Option<FieldSchema>> = plan
            .properties
            .iter()
            .map(|name| hubspot.field(name.as_str()).cloned())
            .collect();
        let prove = move || {
            let real = real.map_or_else(Vec::new, |rows| texts(&rows, &plan));
            let made = generated(&schemas);
            let mut proof = Proof {
                real_rows: real.len(),
                generated_rows: made.len(),
                fields: two_way(&plan)
                    .map(|(route, _)| route.field.name.clone())
                    .collect(),
                examples: Vec::new(),
            };
            for (rows, is_real) in [(real, true), (made, false)] {
                if !rows.is_empty() {
                    there_and_back(&mapper, &plan, &rows, is_real, at, &mut proof.examples)?;
                }
            }
            Ok(proof)
        };
        tokio::task::spawn_blocking(prove).await?
    }

    /// The mapping of one pair resolved and its portal's first rows; none when the portal cannot be read.
    pub(super) async fn portal_rows(
        &self,
        organization: OrganizationId,
        pair: &ObjectPair,
        plan: &PairPlan,
    ) -> Option<Rows> {
        let portals = &self.parts().portals;
        let portal = portals
            .portal(organization, pair.connection_id)
            .await
            .ok()?;
        let search = partneros_hubspot::Search {
            object: &pair.hubspot_object,
            properties: &plan.properties,
            window: partneros_hubspot::Window::Since(partneros_domain::Timestamp::ZERO),
            limit: REAL_ROWS,
            priority: partneros_hubspot::Priority::Interactive,
        };
        let found = portal.search(search).await;
        let found = found.inspect_err(|error| {
            tracing::info!(pair.id = %pair.id, error = crate::describe(error), "no values of the portal to try");
        });
        Some(found.ok()?.rows)
    }
}

/// A row's values by column of the plan's properties.
type Texts = Vec<Option<String>>;

fn texts(rows: &Rows, plan: &PairPlan) -> Vec<Texts> {
    let columns = 0..plan.properties.len();
    let row = |at| {
        let row = Row::new(rows, at);
        let value = |column| row.value(column).map(ToOwned::to_owned);
        columns.clone().map(value).collect()
    };
    (0..rows.len()).map(row).collect()
}

fn two_way(plan: &PairPlan) -> impl Iterator<Item = (&Route, usize)> {
    plan.routes.iter().filter_map(|route| {
        let both = route.direction.writes_partneros() && route.direction.writes_hubspot();
        Some((route, route.outbound.filter(|_| both)?))
    })
}

fn there_and_back(
    mapper: &Mapper,
    plan: &PairPlan,
    rows: &[Texts],
    is_real: bool,
    at: partneros_domain::Timestamp,
    examples: &mut Vec<Example>,
) -> Result<(), Error> {
    let inbound = SplitPlan::new(&plan.inbound, &plan.inbound_plugins)?;
    let theirs = |input: usize, which: &[usize]| {
        let column = plan.inbound_columns.get(input).copied();
        let cell = |row: &usize| rows.get(*row)?.get(column?)?.clone();
        Column::Text(which.iter().map(cell).collect())
    };
    let mut arrived = mapper.transform(&inbound, rows.len(), &theirs, at)?;
    let ours = by_field(plan, &mut arrived, rows.len());
    let outbound = SplitPlan::new(&plan.outbound, &plan.outbound_plugins)?;
    let cells = |input: usize, which: &[usize]| {
        let field = plan.outbound_fields.get(input);
        let kind = field.map_or(partneros_domain::ColumnKind::Text, |field| {
            partneros_domain::ColumnKind::of(field.data_type)
        });
        let mut column = Column::with_capacity(kind, which.len());
        for row in which {
            let values = field.and_then(|field| ours.get(&field.name));
            column.push(values.and_then(|values| values.get(*row).cloned().flatten()));
        }
        column
    };
    let mut back = mapper.transform(&outbound, rows.len(), &cells, at)?;
    for (route, rule) in two_way(plan) {
        if examples.iter().any(|known| known.field == route.field.name) {
            continue;
        }
        let example = (0..rows.len()).find_map(|row| {
            let held = rows
                .get(row)?
                .get(*route.columns.first()?)?
                .clone()
                .filter(|text| !text.is_empty());
            if failure(&arrived, route.inbound, row).is_some() {
                return None;
            }
            let problem = failure(&back, rule, row);
            let value = match back.columns.get_mut(rule)?.take(row) {
                Some(Value::Text(text)) if !text.is_empty() => Some(text),
                _ => None,
            };
            (problem.is_some() || value != held).then(|| Example {
                field: route.field.name.clone(),
                property: route.property.clone(),
                hubspot: held,
                partneros: ours
                    .get(&route.field.name)
                    .and_then(|values| values.get(row).cloned().flatten()),
                back: value,
                problem,
                is_real,
            })
        });
        examples.extend(example);
    }
    Ok(())
}

/// What arrived, by field.
fn by_field(
    plan: &PairPlan,
    arrived: &mut Outcome,
    rows: usize,
) -> HashMap<FieldName, Vec<Option<Value>>> {
    let mut ours = HashMap::new();
    for route in &plan.routes {
        if let Some(column) = arrived.columns.get_mut(route.inbound) {
            let values = (0..rows).map(|row| column.take(row)).collect();
            ours.insert(route.field.name.clone(), values);
        }
    }
    ours
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

/// Rows that cover the values of every type.
fn generated(schemas: &[Option<FieldSchema>]) -> Vec<Texts> {
    let samples: Vec<Vec<String>> = schemas
        .iter()
        .map(|schema| schema.as_ref().map_or_else(Vec::new, samples))
        .collect();
    let row = |at: usize| {
        let value = |samples: &Vec<String>| {
            let at = at.checked_rem(samples.len())?;
            samples.get(at).cloned()
        };
        samples.iter().map(value).collect()
    };
    (0..GENERATED_ROWS).map(row).collect()
}

fn samples(schema: &FieldSchema) -> Vec<String> {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let choices = || {
        let choices = schema.choices.iter().take(GENERATED_ROWS);
        choices.map(|choice| choice.value.clone()).collect()
    };
    match schema.data_type {
        DataType::Text | DataType::Reference => owned(&[
            "Acme",
            "Acme GmbH & Co. KG",
            "two  spaces",
            "MiXed Case",
            "Zoë Nuñez",
        ]),
        DataType::Integer => owned(&["0", "1", "-7", "1000000"]),
        DataType::Number => owned(&["0", "1", "-7.5", "1234.56", "0.1"]),
        DataType::Boolean => owned(&["true", "false"]),
        DataType::Date => owned(&["2026-02-28", "1999-12-31", "2028-02-29"]),
        DataType::Datetime => owned(&["2026-02-28T12:34:56.789Z", "1999-12-31T23:59:59Z"]),
        DataType::Choice => choices(),
        DataType::MultiChoice => {
            let single: Vec<String> = choices();
            let all = single.iter().take(2).cloned().collect::<Vec<_>>().join(";");
            single.into_iter().chain([all]).collect()
        }
    }
}

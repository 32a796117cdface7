//! Whether a record and its HubSpot object agree, by the mapper and nothing else.
//!
//! A value agrees if the portal's, sent through the mapper, is the record's; or, since a mapping may lose something on the
//! way in, if the record's, sent through it, is the portal's.

use std::collections::HashSet;

use anyhow::{Context as _, ensure};
use partneros_domain::plan::{Plan, Rule, TransformDirection, Transformed};
use partneros_domain::{Column, ColumnKind, FieldMapping, FieldSchema, Value};
use partneros_runtime::{Plugin, PreparedPlan};
use partneros_store::Pairs as _;
use serde_json::Value as Json;

use crate::api::Record;
use crate::portal::Row;
use crate::setup::Pair;
use crate::stage::Stage;

/// One mapping that values flow through.
#[derive(Debug)]
struct Route {
    mapping: FieldMapping,
    field: FieldSchema,
    property: FieldSchema,
    writes_hubspot: bool,
}

/// A value that is not the same on both sides.
#[derive(Debug)]
pub struct Difference<'a> {
    /// The PartnerOS field.
    pub field: &'a str,
    /// The HubSpot object and what it holds.
    pub row: &'a Row,
    /// The record and what it holds.
    pub record: &'a Record,
    /// What HubSpot holds.
    pub held: Option<&'a str>,
}

/// The mappings of a pair, and the means to tell whether two values agree.
#[derive(Debug)]
pub struct Judge {
    mapper: Plugin,
    routes: Vec<Route>,
    inbound: PreparedPlan,
    outbound: PreparedPlan,
}

impl Judge {
    /// A judge of a pair by its mappings as they are now.
    pub async fn new(stage: &Stage, pair: &Pair) -> anyhow::Result<Self> {
        let (store, engine) = (stage.store()?, stage.engine()?);
        let stored = store.pair(stage.organization, pair.id).await?;
        let (ours, theirs) = engine.schemas_of(stage.organization, &stored).await?;
        let mappings = store.mappings(stage.organization, pair.id).await?.mappings;
        let mut routes = Vec::new();
        for (mapping, property, direction) in mappings.live(stored.direction) {
            let field = ours.field(mapping.field.as_str());
            let property = theirs.field(property.as_str());
            let (field, property) = field.zip(property).context("a mapped field is not known")?;
            let simple = mapping.extra_fields.is_empty() && mapping.extra_properties.is_empty();
            ensure!(simple, "the comparison takes one property for each field");
            routes.push(Route {
                mapping: mapping.clone(),
                field: field.clone(),
                property: property.clone(),
                writes_hubspot: direction.writes_hubspot(),
            });
        }
        Ok(Self {
            mapper: engine.parts().plugins.default_mapper().clone(),
            inbound: plan(TransformDirection::ToPartnerOs, &routes)?,
            outbound: plan(TransformDirection::ToHubSpot, &routes)?,
            routes,
        })
    }

    /// The properties to read, in the order in which rows must have them.
    pub fn properties(&self) -> Vec<&str> {
        self.routes
            .iter()
            .map(|route| route.property.name.as_str())
            .collect()
    }

    /// Every value of the batch that differs. The batch is at most as long as the runtime takes.
    pub fn differences<'a>(
        &'a self,
        batch: &[(&'a Row, &'a Record)],
    ) -> anyhow::Result<Vec<Difference<'a>>> {
        let theirs = |at: usize| {
            batch
                .iter()
                .map(|(row, _)| row.values[at].clone())
                .collect()
        };
        let theirs = (0..self.routes.len())
            .map(|at| Column::Text(theirs(at)))
            .collect();
        let mut arriving = Values::of(self.mapper.transform(&self.inbound, theirs)?.value);
        let ours: Result<Vec<_>, _> = self
            .routes
            .iter()
            .map(|route| column(route, batch))
            .collect();
        let mut leaving = Values::of(self.mapper.transform(&self.outbound, ours?)?.value);
        let mut differences = Vec::new();
        for (rule, route) in self.routes.iter().enumerate() {
            for (at, &(row, record)) in batch.iter().enumerate() {
                let held = row.values[rule].as_deref();
                let value = value_of(route, record)?;
                let arrived = arriving.made(rule, at, |made| {
                    let made = made.map(|made| made.checked(&route.field)).transpose();
                    made.is_ok_and(|made| made.flatten() == value)
                });
                let left = leaving.made(rule, at, |made| match made {
                    Some(Value::Text(text)) if !text.is_empty() => Some(text.as_str()) == held,
                    _ => held.is_none(),
                });
                let agree = arrived || route.writes_hubspot && left;
                if !agree {
                    differences.push(Difference {
                        field: route.field.name.as_str(),
                        row,
                        record,
                        held,
                    });
                }
            }
        }
        Ok(differences)
    }
}

/// What the mapper made of a batch.
struct Values {
    columns: Vec<Column>,
    failed: HashSet<(usize, usize)>,
}

impl Values {
    fn of(transformed: Transformed) -> Self {
        let failures = transformed.failures.iter();
        let failed = failures.map(|failure| (failure.rule as usize, failure.row as usize));
        Self {
            failed: failed.collect(),
            columns: transformed.columns,
        }
    }

    /// Whether the mapper made something of the cell that is this. "No value" is something too.
    fn made(&mut self, rule: usize, row: usize, is: impl FnOnce(Option<Value>) -> bool) -> bool {
        let column = self
            .columns
            .get_mut(rule)
            .filter(|_| !self.failed.contains(&(rule, row)));
        column.is_some_and(|column| is(column.take(row)))
    }
}

/// One rule a mapping, each with an input and an output of its own.
fn plan(direction: TransformDirection, routes: &[Route]) -> anyhow::Result<PreparedPlan> {
    let fields = routes.iter().map(|route| route.field.clone()).collect();
    let properties = routes.iter().map(|route| route.property.clone()).collect();
    let (inputs, outputs) = match direction {
        TransformDirection::ToPartnerOs => (properties, fields),
        TransformDirection::ToHubSpot => (fields, properties),
    };
    let rules = routes.iter().zip(0..).map(|(route, at)| Rule {
        inputs: vec![at],
        output: at,
        options: route.mapping.options.clone(),
    });
    let rules = rules.collect();
    Ok(PreparedPlan::new(Plan {
        direction,
        inputs,
        outputs,
        rules,
        extra: Vec::new(),
    })?)
}

fn column(route: &Route, batch: &[(&Row, &Record)]) -> anyhow::Result<Column> {
    let mut column = Column::with_capacity(ColumnKind::of(route.field.data_type), batch.len());
    for (_, record) in batch {
        column.push(value_of(route, record)?);
    }
    Ok(column)
}

fn value_of(route: &Route, record: &Record) -> anyhow::Result<Option<Value>> {
    let json = record
        .fields
        .get(route.field.name.as_str())
        .cloned()
        .unwrap_or(Json::Null);
    Ok(Value::from_json(&route.field, json)?)
}

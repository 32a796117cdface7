//! Whether values survive the way to PartnerOS and back: a field whose value HubSpot would get back changed is better
//! synced one way.
//!
//! Real values of the portal are tried where it can be read, and generated ones of every type. Nothing is written.

use partneros_domain::{FieldName, ObjectPair, OrganizationId, PairId, Value};
use partneros_hubspot::Rows;

use super::carry::{Carrier, Texts};
use super::{resolve, samples};
use crate::engine::Engine;
use crate::error::Error;
use crate::pair_plan::{PairPlan, Route};
use crate::row::Row;

/// How many objects of the portal are tried.
const REAL_ROWS: usize = 100;

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
        let made = samples::generated(&plan, &hubspot);
        let prove = move || {
            let real = real.map_or_else(Vec::new, |rows| texts(&rows, &plan));
            let mut proof = Proof {
                real_rows: real.len(),
                generated_rows: made.len(),
                fields: two_way(&plan)
                    .map(|route| route.field.name.clone())
                    .collect(),
                examples: Vec::new(),
            };
            let carrier = Carrier {
                mapper: &mapper,
                plan: &plan,
                at,
            };
            for (rows, is_real) in [(real, true), (made, false)] {
                if !rows.is_empty() {
                    there_and_back(&carrier, &rows, is_real, &mut proof.examples)?;
                }
            }
            Ok(proof)
        };
        self.parts().compute(prove).await?
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

fn texts(rows: &Rows, plan: &PairPlan) -> Vec<Texts> {
    let columns = 0..plan.properties.len();
    let row = |at| {
        let row = Row::new(rows, at);
        let value = |column| row.value(column).map(ToOwned::to_owned);
        columns.clone().map(value).collect()
    };
    (0..rows.len()).map(row).collect()
}

fn two_way(plan: &PairPlan) -> impl Iterator<Item = &Route> {
    plan.routes
        .iter()
        .filter(|route| route.direction.writes_partneros() && route.outbound.is_some())
}

fn there_and_back(
    carrier: &Carrier<'_>,
    rows: &[Texts],
    is_real: bool,
    examples: &mut Vec<Example>,
) -> Result<(), Error> {
    let ours = carrier.to_partneros(rows)?;
    let values = |field: &str, row| ours.value(field, row);
    let back = carrier.to_hubspot(rows.len(), &values)?;
    for route in two_way(carrier.plan) {
        let name = &route.field.name;
        if examples.iter().any(|known| known.field == *name) {
            continue;
        }
        let example = (0..rows.len()).find_map(|row| {
            let held = rows.get(row)?.get(*route.columns.first()?)?.clone();
            let held = held.filter(|text| !text.is_empty());
            // What does not arrive is parked, and then nothing goes back.
            let partneros = ours.cell(name.as_str(), row)?.clone().ok()?;
            let (value, problem) = match back.cell(name.as_str(), row)?.clone() {
                Ok(Some(Value::Text(text))) if !text.is_empty() => (Some(text), None),
                Ok(_) => (None, None),
                Err(problem) => (None, Some(problem)),
            };
            (problem.is_some() || value != held).then(|| Example {
                field: name.clone(),
                property: route.property.clone(),
                hubspot: held,
                partneros,
                back: value,
                problem,
                is_real,
            })
        });
        examples.extend(example);
    }
    Ok(())
}

//! Whether a linked record and its object hold what both sides agreed on. Pure.

use partneros_domain::{Timestamp, hubspot_changed, partneros_changed};
use partneros_store::{AuditedLink, Link, Record};

use crate::pair_plan::PairPlan;
use crate::row::Row;

/// How a linked record and its object compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// As they agreed, or there is no record to compare any more.
    Agrees,
    /// Differently, and a change is on its way: an edit in the outbox, or one in HubSpot that the index may not show yet.
    OnItsWay,
    /// Differently.
    Differs,
}

/// Compares an object with its link and record. What HubSpot modified since `settled` is still being pulled.
pub fn compare(
    plan: &PairPlan,
    entry: &AuditedLink,
    row: &Row<'_>,
    settled: Timestamp,
) -> Comparison {
    let Some(record) = &entry.record else {
        return Comparison::Agrees;
    };
    let theirs = hubspot_differs(plan, &entry.link, row);
    if !theirs && !partneros_differs(plan, &entry.link, record) {
        Comparison::Agrees
    } else if entry.waits || theirs && row.updated_at >= settled {
        Comparison::OnItsWay
    } else {
        Comparison::Differs
    }
}

/// Whether HubSpot holds another value than agreed that should have come here.
fn hubspot_differs(plan: &PairPlan, link: &Link, row: &Row<'_>) -> bool {
    plan.routes.iter().any(|route| {
        let agreed = link.base.agreed(&route.field.name, route.rule);
        route.direction.writes_partneros() && hubspot_changed(agreed, route.hubspot_values(row))
    })
}

/// Whether the record holds another value than agreed that should have gone to HubSpot.
pub fn partneros_differs(plan: &PairPlan, link: &Link, record: &Record) -> bool {
    plan.routes.iter().any(|route| {
        let agreed = link.base.agreed(&route.field.name, route.rule);
        route.direction.writes_hubspot()
            && partneros_changed(agreed, route.partneros_values(&record.fields))
    })
}

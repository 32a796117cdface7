//! Audit events.

use async_trait::async_trait;
use partneros_domain::{OrganizationId, Timestamp};
use rusqlite::{Connection as Database, Row, params};

use super::encoding::{Cell, json, time};
use super::fault::{Fault, Outcome, conflict, unless_taken};
use super::position::{List, one_more};
use super::{Sqlite, deliveries, scope};
use crate::{Audit, AuditEvent, EventFilter, EventId, NewEvent, Page, Result};

#[async_trait]
impl Audit for Sqlite {
    async fn append_event(&self, organization: OrganizationId, event: NewEvent) -> Result<()> {
        self.write("append an audit event", move |tx| {
            let organization = scope::organization(tx, organization)?;
            append(tx, organization, &event)
        })
        .await
    }

    async fn events(
        &self,
        organization: OrganizationId,
        filter: &EventFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<AuditEvent>> {
        let filter = filter.clone();
        let after = after.map(ToOwned::to_owned);
        self.read("list the audit events", move |tx| {
            let organization = scope::organization(tx, organization)?;
            list(tx, organization, &filter, after.as_deref(), limit)
        })
        .await
    }

    async fn forget_events(&self, before: Timestamp, at_most: usize) -> Result<usize> {
        self.write("delete old audit events", move |tx| {
            tx.prepare_cached("UPDATE audit_horizon SET at = max(at, ?1)")?
                .execute([before.0])?;
            // One organization after the other, so that each is looked up by time.
            let forgotten = tx
                .prepare_cached(
                    "DELETE FROM audit_events WHERE key IN (
                         SELECT e.key FROM organizations o
                         CROSS JOIN audit_events e ON e.organization = o.key
                         WHERE e.at < ?1 LIMIT ?2)",
                )?
                .execute(params![before.0, at_most as i64])?;
            Ok(forgotten)
        })
        .await
    }
}

/// Writes an event down, and what webhooks are told of it.
pub(super) fn append(db: &Database, organization: i64, event: &NewEvent) -> Outcome<()> {
    let inserted = db
        .prepare_cached(
            "INSERT INTO audit_events (organization, id, at, actor, event, subject, metadata)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            organization,
            event.id.0,
            event.at.0,
            event.actor,
            event.event.name(),
            event.subject,
            json(&event.metadata)?
        ]);
    unless_taken(inserted, || {
        conflict("audit event", event.id, "exists already")
    })?;
    deliveries::announce(db, organization, event)
}

fn list(
    db: &Database,
    organization: i64,
    filter: &EventFilter,
    after: Option<&str>,
    limit: usize,
) -> Outcome<Page<AuditEvent>> {
    let (seen_at, seen_key) = List::Events.moment(after)?;
    // A statement of its own with a subject, which is looked up by another index.
    let of_subject = match filter.subject {
        Some(_) => "subject = ?7",
        None => "?7 IS NULL",
    };
    let mut list = db.prepare_cached(&format!(
        "SELECT at, key, id, actor, event, subject, metadata FROM audit_events
         WHERE organization = ?1 AND at >= ?2 AND at <= ?3 AND (at < ?4 OR key < ?5)
             AND substr(event, 1, length(?6)) = ?6 AND {of_subject}
         ORDER BY at DESC, key DESC LIMIT ?8"
    ))?;
    let from = filter.from.map_or(i64::MIN, |from| from.0);
    let until = filter.to.map_or(i64::MAX, |to| to.0.saturating_sub(1));
    let prefix = filter.prefix.as_deref().unwrap_or_default();
    let rows = list.query_and_then(
        params![
            organization,
            from,
            until.min(seen_at),
            seen_at,
            seen_key,
            prefix,
            filter.subject,
            one_more(limit)
        ],
        |row| Ok::<_, Fault>(((row.get(0)?, row.get(1)?), read(row)?)),
    )?;
    Ok(List::Events.page_of_moments(rows.collect::<Outcome<_>>()?, limit))
}

fn read(row: &Row<'_>) -> Outcome<AuditEvent> {
    let id = EventId(row.get(2)?);
    Ok(AuditEvent {
        id,
        at: time(row, 0)?,
        actor: row.get(3)?,
        event: row.get(4)?,
        subject: row.get(5)?,
        metadata: Cell::new("audit_events", "metadata").json(row, 6, id)?,
    })
}

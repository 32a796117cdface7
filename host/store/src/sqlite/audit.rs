//! Audit events and alerts.

use async_trait::async_trait;
use partneros_domain::{AlertKind, OrganizationId, Timestamp};
use rusqlite::{Connection as Database, Row, params};

use super::encoding::{Cell, json, time, time_if_any, word};
use super::fault::{Fault, Outcome, conflict, not_found, unless_taken};
use super::position::{List, one_more};
use super::{Sqlite, scope};
use crate::{
    Alert, AlertId, Audit, AuditEvent, EventFilter, EventId, NewAlert, NewEvent, Page, Result,
};

const ALERT: &str =
    "SELECT a.key, a.id, a.kind, a.severity, a.subject, a.message, a.opened_at, a.resolved_at
     FROM alerts a";

#[async_trait]
impl Audit for Sqlite {
    async fn append_event(&self, organization: OrganizationId, event: NewEvent) -> Result<()> {
        self.write("append an audit event", move |tx| {
            let organization = scope::organization(tx, organization)?;
            let inserted = tx
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
            Ok(())
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
            events(tx, organization, &filter, after.as_deref(), limit)
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

    async fn open_alert(&self, organization: OrganizationId, alert: NewAlert) -> Result<Alert> {
        self.write("open an alert", move |tx| {
            let organization = scope::organization(tx, organization)?;
            open(tx, organization, &alert)
        })
        .await
    }

    async fn resolve_alert(
        &self,
        organization: OrganizationId,
        kind: AlertKind,
        subject: &str,
        at: Timestamp,
    ) -> Result<bool> {
        let subject = subject.to_owned();
        self.write("resolve an alert", move |tx| {
            let organization = scope::organization(tx, organization)?;
            let resolved = tx
                .prepare_cached(
                    "UPDATE alerts SET resolved_at = ?4
                     WHERE organization = ?1 AND kind = ?2 AND subject = ?3 AND resolved_at IS NULL",
                )?
                .execute(params![organization, kind.name(), subject, at.0])?;
            Ok(resolved > 0)
        })
        .await
    }

    async fn alerts(
        &self,
        organization: OrganizationId,
        open_only: bool,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Alert>> {
        let after = after.map(ToOwned::to_owned);
        self.read("list the alerts", move |tx| {
            let organization = scope::organization(tx, organization)?;
            let before = List::Alerts.key(after.as_deref(), i64::MAX)?;
            let mut list = tx.prepare_cached(&format!(
                "{ALERT} WHERE a.organization = ?1 AND a.key < ?2
                     AND (a.resolved_at IS NULL OR NOT ?3)
                 ORDER BY a.key DESC LIMIT ?4"
            ))?;
            let rows = list.query_and_then(
                params![organization, before, open_only, one_more(limit)],
                |row| Ok::<_, Fault>((row.get(0)?, read_alert(row)?)),
            )?;
            Ok(List::Alerts.page(rows.collect::<Outcome<_>>()?, limit))
        })
        .await
    }
}

fn events(
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
        |row| Ok::<_, Fault>(((row.get(0)?, row.get(1)?), read_event(row)?)),
    )?;
    Ok(List::Events.page_of_moments(rows.collect::<Outcome<_>>()?, limit))
}

fn open(db: &Database, organization: i64, alert: &NewAlert) -> Outcome<Alert> {
    let severity = word(&alert.severity)?;
    let renewed = db
        .prepare_cached(
            "UPDATE alerts SET severity = ?4, message = ?5, opened_at = ?6
             WHERE organization = ?1 AND kind = ?2 AND subject = ?3 AND resolved_at IS NULL",
        )?
        .execute(params![
            organization,
            alert.kind.name(),
            alert.subject,
            severity,
            alert.message,
            alert.at.0
        ])?;
    if renewed == 0 {
        let inserted = db
            .prepare_cached(
                "INSERT INTO alerts (organization, id, kind, severity, subject, message, opened_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                organization,
                alert.id.0,
                alert.kind.name(),
                severity,
                alert.subject,
                alert.message,
                alert.at.0
            ]);
        unless_taken(inserted, || conflict("alert", alert.id, "exists already"))?;
    }
    let mut find = db.prepare_cached(&format!(
        "{ALERT} WHERE a.organization = ?1 AND a.kind = ?2 AND a.subject = ?3
             AND a.resolved_at IS NULL"
    ))?;
    let mut rows = find.query(params![organization, alert.kind.name(), alert.subject])?;
    match rows.next()? {
        Some(row) => read_alert(row),
        None => Err(Fault::Store(not_found("alert", alert.id))),
    }
}

fn read_event(row: &Row<'_>) -> Outcome<AuditEvent> {
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

fn read_alert(row: &Row<'_>) -> Outcome<Alert> {
    let id = AlertId(row.get(1)?);
    Ok(Alert {
        id,
        kind: Cell::new("alerts", "kind").word(row, 2, id)?,
        severity: Cell::new("alerts", "severity").word(row, 3, id)?,
        subject: row.get(4)?,
        message: row.get(5)?,
        opened_at: time(row, 6)?,
        resolved_at: time_if_any(row, 7)?,
    })
}

//! Audit events and alerts.

use async_trait::async_trait;
use partneros_domain::{OrganizationId, Timestamp};
use rusqlite::{Connection as Database, Row, params};

use super::encoding::{Cell, json, time, time_if_any, word};
use super::fault::{Fault, Outcome, conflict, not_found, unless_taken};
use super::position::{List, one_more};
use super::{Sqlite, scope};
use crate::{Alert, AlertId, Audit, AuditEvent, EventId, NewAlert, NewEvent, Page, Result};

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
                    event.event,
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
        event_prefix: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<AuditEvent>> {
        let prefix = event_prefix.unwrap_or_default().to_owned();
        let after = after.map(ToOwned::to_owned);
        self.read("list the audit events", move |tx| {
            let organization = scope::organization(tx, organization)?;
            let before = List::Events.key(after.as_deref(), i64::MAX)?;
            let mut list = tx.prepare_cached(
                "SELECT key, id, at, actor, event, subject, metadata FROM audit_events
                 WHERE organization = ?1 AND key < ?2 AND substr(event, 1, length(?3)) = ?3
                 ORDER BY key DESC LIMIT ?4",
            )?;
            let rows = list.query_and_then(
                params![organization, before, prefix, one_more(limit)],
                |row| Ok::<_, Fault>((row.get(0)?, read_event(row)?)),
            )?;
            Ok(List::Events.page(rows.collect::<Outcome<_>>()?, limit))
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
        kind: &str,
        subject: &str,
        at: Timestamp,
    ) -> Result<bool> {
        let (kind, subject) = (kind.to_owned(), subject.to_owned());
        self.write("resolve an alert", move |tx| {
            let organization = scope::organization(tx, organization)?;
            let resolved = tx
                .prepare_cached(
                    "UPDATE alerts SET resolved_at = ?4
                     WHERE organization = ?1 AND kind = ?2 AND subject = ?3 AND resolved_at IS NULL",
                )?
                .execute(params![organization, kind, subject, at.0])?;
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

fn open(db: &Database, organization: i64, alert: &NewAlert) -> Outcome<Alert> {
    let severity = word(&alert.severity)?;
    let renewed = db
        .prepare_cached(
            "UPDATE alerts SET severity = ?4, message = ?5, opened_at = ?6
             WHERE organization = ?1 AND kind = ?2 AND subject = ?3 AND resolved_at IS NULL",
        )?
        .execute(params![
            organization,
            alert.kind,
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
                alert.kind,
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
    let mut rows = find.query(params![organization, alert.kind, alert.subject])?;
    match rows.next()? {
        Some(row) => read_alert(row),
        None => Err(Fault::Store(not_found("alert", alert.id))),
    }
}

fn read_event(row: &Row<'_>) -> Outcome<AuditEvent> {
    let id = EventId(row.get(1)?);
    Ok(AuditEvent {
        id,
        at: time(row, 2)?,
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
        kind: row.get(2)?,
        severity: Cell::new("alerts", "severity").word(row, 3, id)?,
        subject: row.get(4)?,
        message: row.get(5)?,
        opened_at: time(row, 6)?,
        resolved_at: time_if_any(row, 7)?,
    })
}

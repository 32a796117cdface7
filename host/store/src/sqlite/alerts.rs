//! Alerts.

use async_trait::async_trait;
use partneros_domain::{AlertKind, EventType, OrganizationId, Timestamp};
use rusqlite::{Connection as Database, Row, params};

use super::encoding::{Cell, time, time_if_any, word};
use super::fault::{Fault, Outcome, conflict, not_found, unless_taken};
use super::position::{List, one_more};
use super::{Sqlite, audit, scope};
use crate::{
    Act, Alert, AlertId, AlertState, Alerts, EventId, Mark, NewAlert, NewEvent, Page, Result,
};

const ALERT: &str =
    "SELECT a.key, a.id, a.kind, a.severity, a.subject, a.message, a.opened_at, a.acknowledged_at,
         a.acknowledged_by, a.resolved_at, a.resolved_by
     FROM alerts a";

#[async_trait]
impl Alerts for Sqlite {
    async fn open_alert(&self, organization: OrganizationId, alert: NewAlert) -> Result<Alert> {
        self.write("open an alert", move |tx| {
            let organization = scope::organization(tx, organization)?;
            open(tx, organization, &alert)
        })
        .await
    }

    async fn acknowledge_alert(
        &self,
        organization: OrganizationId,
        id: AlertId,
        act: Act,
    ) -> Result<Alert> {
        self.write("acknowledge an alert", move |tx| {
            let organization = scope::organization(tx, organization)?;
            let alert = find(tx, organization, id)?;
            match alert.state() {
                AlertState::Open => {}
                AlertState::Acknowledged => return Ok(alert),
                AlertState::Resolved => {
                    return Err(conflict("alert", id, "is resolved already").into());
                }
            }
            tx.prepare_cached(
                "UPDATE alerts SET acknowledged_at = ?2, acknowledged_by = ?3 WHERE id = ?1",
            )?
            .execute(params![id.0, act.at.0, act.actor])?;
            let alert = find(tx, organization, id)?;
            tell(tx, organization, EventType::AlertAcknowledged, act, &alert)?;
            Ok(alert)
        })
        .await
    }

    async fn resolve_alert(
        &self,
        organization: OrganizationId,
        id: AlertId,
        act: Act,
    ) -> Result<Alert> {
        self.write("resolve an alert", move |tx| {
            let organization = scope::organization(tx, organization)?;
            let alert = find(tx, organization, id)?;
            if alert.state() == AlertState::Resolved {
                return Ok(alert);
            }
            resolve(tx, organization, id, act)
        })
        .await
    }

    async fn resolve_trouble(
        &self,
        organization: OrganizationId,
        kind: AlertKind,
        subject: &str,
        act: Act,
    ) -> Result<bool> {
        let subject = subject.to_owned();
        self.write("resolve an alert", move |tx| {
            let organization = scope::organization(tx, organization)?;
            match going_on(tx, organization, kind, &subject)? {
                Some(alert) => resolve(tx, organization, alert.id, act).map(|_| true),
                None => Ok(false),
            }
        })
        .await
    }

    async fn last_alert(
        &self,
        organization: OrganizationId,
        kind: AlertKind,
        subject: &str,
    ) -> Result<Option<Alert>> {
        let subject = subject.to_owned();
        self.look_up("look an alert up", move |tx| {
            let organization = scope::organization(tx, organization)?;
            let mut find = tx.prepare_cached(&format!(
                "{ALERT} WHERE a.organization = ?1 AND a.kind = ?2 AND a.subject = ?3
                 ORDER BY a.key DESC LIMIT 1"
            ))?;
            let mut rows =
                find.query_and_then(params![organization, kind.name(), subject], read)?;
            rows.next().transpose()
        })
        .await
    }

    async fn alerts(
        &self,
        organization: OrganizationId,
        states: &[AlertState],
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Alert>> {
        let after = after.map(ToOwned::to_owned);
        let wanted = |state| states.is_empty() || states.contains(&state);
        let (open, acknowledged, resolved) = (
            wanted(AlertState::Open),
            wanted(AlertState::Acknowledged),
            wanted(AlertState::Resolved),
        );
        self.read("list the alerts", move |tx| {
            let organization = scope::organization(tx, organization)?;
            let before = List::Alerts.key(after.as_deref(), i64::MAX)?;
            let mut list = tx.prepare_cached(&format!(
                "{ALERT} WHERE a.organization = ?1 AND a.key < ?2 AND CASE
                     WHEN a.resolved_at IS NOT NULL THEN ?5
                     WHEN a.acknowledged_at IS NOT NULL THEN ?4
                     ELSE ?3
                 END
                 ORDER BY a.key DESC LIMIT ?6"
            ))?;
            let rows = list.query_and_then(
                params![
                    organization,
                    before,
                    open,
                    acknowledged,
                    resolved,
                    one_more(limit)
                ],
                |row| Ok::<_, Fault>((row.get(0)?, read(row)?)),
            )?;
            Ok(List::Alerts.page(rows.collect::<Outcome<_>>()?, limit))
        })
        .await
    }

    async fn forget_alerts(&self, before: Timestamp, at_most: usize) -> Result<usize> {
        self.write("delete old alerts", move |tx| {
            let forgotten = tx
                .prepare_cached(
                    "DELETE FROM alerts WHERE key IN (
                         SELECT key FROM alerts
                         WHERE resolved_at IS NOT NULL AND resolved_at < ?1 LIMIT ?2)",
                )?
                .execute(params![before.0, at_most as i64])?;
            Ok(forgotten)
        })
        .await
    }
}

/// Opens an alert, or renews the one that goes on.
pub(super) fn open(db: &Database, organization: i64, new: &NewAlert) -> Outcome<Alert> {
    let severity = word(&new.severity)?;
    if let Some(alert) = going_on(db, organization, new.kind, &new.subject)? {
        db.prepare_cached(
            "UPDATE alerts SET severity = ?2, message = ?3, opened_at = ?4 WHERE id = ?1",
        )?
        .execute(params![alert.id.0, severity, new.message, new.at.0])?;
        return find(db, organization, alert.id);
    }
    let inserted = db
        .prepare_cached(
            "INSERT INTO alerts (organization, id, kind, severity, subject, message, opened_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            organization,
            new.id.0,
            new.kind.name(),
            severity,
            new.subject,
            new.message,
            new.at.0
        ]);
    unless_taken(inserted, || conflict("alert", new.id, "exists already"))?;
    let alert = find(db, organization, new.id)?;
    let act = Act {
        event: EventId(new.id.0),
        at: new.at,
        actor: new.actor.clone(),
    };
    tell(db, organization, EventType::AlertOpened, act, &alert)?;
    Ok(alert)
}

/// Resolves an alert that goes on.
fn resolve(db: &Database, organization: i64, id: AlertId, act: Act) -> Outcome<Alert> {
    db.prepare_cached("UPDATE alerts SET resolved_at = ?2, resolved_by = ?3 WHERE id = ?1")?
        .execute(params![id.0, act.at.0, act.actor])?;
    let alert = find(db, organization, id)?;
    tell(db, organization, EventType::AlertResolved, act, &alert)?;
    Ok(alert)
}

/// Writes down what became of an alert.
fn tell(
    db: &Database,
    organization: i64,
    event: EventType,
    act: Act,
    alert: &Alert,
) -> Outcome<()> {
    let event = NewEvent {
        id: act.event,
        at: act.at,
        actor: act.actor,
        event,
        subject: alert.subject.clone(),
        metadata: alert.metadata(),
    };
    audit::append(db, organization, &event)
}

fn going_on(
    db: &Database,
    organization: i64,
    kind: AlertKind,
    subject: &str,
) -> Outcome<Option<Alert>> {
    let mut find = db.prepare_cached(&format!(
        "{ALERT} WHERE a.organization = ?1 AND a.kind = ?2 AND a.subject = ?3
             AND a.resolved_at IS NULL"
    ))?;
    let mut rows = find.query_and_then(params![organization, kind.name(), subject], read)?;
    rows.next().transpose()
}

fn find(db: &Database, organization: i64, id: AlertId) -> Outcome<Alert> {
    let mut find =
        db.prepare_cached(&format!("{ALERT} WHERE a.organization = ?1 AND a.id = ?2"))?;
    let mut rows = find.query_and_then(params![organization, id.0], read)?;
    rows.next().ok_or_else(|| not_found("alert", id))?
}

fn read(row: &Row<'_>) -> Outcome<Alert> {
    let id = AlertId(row.get(1)?);
    let mark = |at, by| {
        let (at, by) = (time_if_any(row, at)?, row.get::<_, Option<String>>(by)?);
        Ok::<_, Fault>(at.zip(by).map(|(at, by)| Mark { at, by }))
    };
    Ok(Alert {
        id,
        kind: Cell::new("alerts", "kind").word(row, 2, id)?,
        severity: Cell::new("alerts", "severity").word(row, 3, id)?,
        subject: row.get(4)?,
        message: row.get(5)?,
        opened_at: time(row, 6)?,
        acknowledged: mark(7, 8)?,
        resolved: mark(9, 10)?,
    })
}

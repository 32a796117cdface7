//! The messages of webhooks: written with their event, claimed, settled.

use partneros_domain::{OrganizationId, Timestamp};
use rusqlite::{Connection as Database, OptionalExtension as _, Row, params};
use serde_json::json;

use super::encoding::{self, Cell, time, time_if_any, word};
use super::fault::{Fault, Outcome, conflict, not_found};
use super::position::{List, one_more};
use super::webhooks;
use crate::{Attempt, Delivery, DeliveryState, EventId, NewEvent, Page, Result};

const DELIVERY: &str =
    "SELECT d.key, d.event, d.type, d.state, d.attempts, d.created_at, d.due_at, d.tried_at,
         d.ended_at, d.status, d.error
     FROM webhook_deliveries d";

/// A message that was claimed.
pub(super) struct Claimed {
    pub(super) event: EventId,
    pub(super) attempt: u32,
    pub(super) body: String,
}

/// Has every enabled webhook of the organization told of the event that wants it.
pub(super) fn announce(db: &Database, organization: i64, event: &NewEvent) -> Outcome<()> {
    let mut list = db.prepare_cached(
        "SELECT w.key, w.types, o.id FROM webhooks w JOIN organizations o ON o.key = w.organization
         WHERE w.organization = ?1 AND w.disabled_at IS NULL ORDER BY w.key",
    )?;
    let rows = list.query_and_then([organization], |row| {
        let key: i64 = row.get(0)?;
        let types: Vec<String> = Cell::new("webhooks", "types").json(row, 1, key)?;
        Ok::<_, Fault>((key, types, OrganizationId(row.get(2)?)))
    })?;
    let mut wanted = Vec::new();
    for row in rows {
        let (key, types, owner) = row?;
        let name = event.event.name();
        if types.iter().any(|prefix| name.starts_with(prefix.as_str())) {
            wanted.push((key, owner));
        }
    }
    let Some((_, owner)) = wanted.first() else {
        return Ok(());
    };
    let body = body(*owner, event)?;
    for (key, _) in wanted {
        enqueue(db, key, event, &body)?;
    }
    Ok(())
}

/// What is sent about an event.
pub(super) fn body(organization: OrganizationId, event: &NewEvent) -> Result<String> {
    encoding::json(&json!({
        "type": event.event.name(),
        "timestamp": event.at,
        "data": {
            "id": event.id,
            "organizationId": organization,
            "actor": event.actor,
            "subject": event.subject,
            "metadata": event.metadata,
        },
    }))
}

/// Puts a message in, due at once; counts it as missed when too many wait already.
pub(super) fn enqueue(db: &Database, webhook: i64, event: &NewEvent, body: &str) -> Outcome<()> {
    if !webhooks::has_room(db, webhook)? {
        db.prepare_cached("UPDATE webhooks SET missed = missed + 1 WHERE key = ?1")?
            .execute([webhook])?;
        return Ok(());
    }
    db.prepare_cached(
        "INSERT INTO webhook_deliveries (webhook, event, type, body, state, attempts, created_at,
             due_at)
         VALUES (?1, ?2, ?3, ?4, 'pending', 0, ?5, ?5)",
    )?
    .execute(params![
        webhook,
        event.id.0,
        event.event.name(),
        body,
        event.at.0
    ])?;
    Ok(())
}

pub(super) fn find(db: &Database, webhook: i64, event: EventId) -> Outcome<Option<Delivery>> {
    let mut find =
        db.prepare_cached(&format!("{DELIVERY} WHERE d.webhook = ?1 AND d.event = ?2"))?;
    let mut rows = find.query_and_then(params![webhook, event.0], read)?;
    rows.next().transpose()
}

pub(super) fn list(
    db: &Database,
    webhook: i64,
    state: Option<DeliveryState>,
    after: Option<&str>,
    limit: usize,
) -> Outcome<Page<Delivery>> {
    let before = List::Deliveries.key(after, i64::MAX)?;
    // A statement of its own with a state, which is looked up by another index.
    let (in_state, state) = match state {
        Some(state) => ("d.state = ?3", Some(word(&state)?)),
        None => ("?3 IS NULL", None),
    };
    let mut list = db.prepare_cached(&format!(
        "{DELIVERY} WHERE d.webhook = ?1 AND d.key < ?2 AND {in_state}
         ORDER BY d.key DESC LIMIT ?4"
    ))?;
    let rows = list.query_and_then(params![webhook, before, state, one_more(limit)], |row| {
        Ok::<_, Fault>((row.get(0)?, read(row)?))
    })?;
    Ok(List::Deliveries.page(rows.collect::<Outcome<_>>()?, limit))
}

pub(super) fn retry(
    db: &Database,
    webhook: i64,
    event: EventId,
    at: Timestamp,
) -> Outcome<Delivery> {
    let missing = || Fault::Store(not_found("message", event));
    let delivery = find(db, webhook, event)?.ok_or_else(missing)?;
    let change = match delivery.state {
        DeliveryState::Pending => {
            "UPDATE webhook_deliveries SET due_at = min(due_at, ?3)
             WHERE webhook = ?1 AND event = ?2"
        }
        DeliveryState::Dead => {
            "UPDATE webhook_deliveries SET state = 'pending', attempts = 0, due_at = ?3,
                 ended_at = NULL
             WHERE webhook = ?1 AND event = ?2"
        }
        DeliveryState::Delivered => {
            return Err(conflict("message", event, "has arrived already").into());
        }
    };
    db.prepare_cached(change)?
        .execute(params![webhook, event.0, at.0])?;
    find(db, webhook, event)?.ok_or_else(missing)
}

pub(super) fn claim(
    db: &Database,
    webhook: i64,
    now: Timestamp,
    until: Timestamp,
) -> Outcome<Option<Claimed>> {
    let mut claim = db.prepare_cached(
        "UPDATE webhook_deliveries SET attempts = attempts + 1, tried_at = ?2, due_at = ?3
         WHERE key = (
             SELECT key FROM webhook_deliveries
             WHERE webhook = ?1 AND state = 'pending' AND due_at <= ?2
             ORDER BY due_at, key LIMIT 1)
         RETURNING event, attempts, body",
    )?;
    let claimed = claim
        .query_row(params![webhook, now.0, until.0], |row| {
            Ok(Claimed {
                event: EventId(row.get(0)?),
                attempt: row.get(1)?,
                body: row.get(2)?,
            })
        })
        .optional()?;
    if claimed.is_some() {
        db.prepare_cached("UPDATE webhooks SET tried_at = ?2 WHERE key = ?1")?
            .execute([webhook, now.0])?;
    }
    Ok(claimed)
}

pub(super) fn settle(
    db: &Database,
    webhook: i64,
    (event, attempt): (EventId, u32),
    outcome: &Attempt,
    at: Timestamp,
) -> Outcome<bool> {
    let (state, status, error, due_at) = match outcome {
        Attempt::Delivered { status } => (DeliveryState::Delivered, Some(*status), None, None),
        Attempt::Failed {
            status,
            error,
            retry_at,
        } => {
            let state = match retry_at {
                Some(_) => DeliveryState::Pending,
                None => DeliveryState::Dead,
            };
            (state, *status, Some(error), *retry_at)
        }
    };
    let ended_at = due_at.is_none().then_some(at.0);
    let settled = db
        .prepare_cached(
            "UPDATE webhook_deliveries SET state = ?4, status = ?5, error = ?6, due_at = ?7,
                 ended_at = ?8
             WHERE webhook = ?1 AND event = ?2 AND attempts = ?3 AND state = 'pending'",
        )?
        .execute(params![
            webhook,
            event.0,
            attempt,
            word(&state)?,
            status,
            error,
            due_at.map(|due_at| due_at.0),
            ended_at
        ])?;
    if settled == 0 {
        return Ok(false);
    }
    let standing = match outcome {
        Attempt::Delivered { .. } => {
            "UPDATE webhooks SET delivered_at = ?2, failing_since = NULL, failed_at = NULL
             WHERE key = ?1"
        }
        Attempt::Failed { .. } => {
            "UPDATE webhooks SET failed_at = ?2, failing_since = coalesce(failing_since, ?2)
             WHERE key = ?1"
        }
    };
    db.prepare_cached(standing)?.execute([webhook, at.0])?;
    Ok(true)
}

pub(super) fn forget(db: &Database, before: Timestamp, at_most: usize) -> Outcome<usize> {
    let forgotten = db
        .prepare_cached(
            "DELETE FROM webhook_deliveries WHERE key IN (
                 SELECT key FROM webhook_deliveries
                 WHERE ended_at IS NOT NULL AND ended_at < ?1 LIMIT ?2)",
        )?
        .execute(params![before.0, at_most as i64])?;
    Ok(forgotten)
}

fn read(row: &Row<'_>) -> Outcome<Delivery> {
    let event = EventId(row.get(1)?);
    Ok(Delivery {
        event,
        event_type: row.get(2)?,
        state: Cell::new("webhook_deliveries", "state").word(row, 3, event)?,
        attempts: row.get(4)?,
        created_at: time(row, 5)?,
        due_at: time_if_any(row, 6)?,
        tried_at: time_if_any(row, 7)?,
        ended_at: time_if_any(row, 8)?,
        status: row.get(9)?,
        error: row.get(10)?,
    })
}

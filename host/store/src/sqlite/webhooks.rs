//! Webhooks and their secrets. Messages are in `deliveries`, behind the same trait.

use async_trait::async_trait;
use partneros_domain::{OrganizationId, Timestamp};
use rusqlite::{Connection as Database, OptionalExtension as _, Row, Transaction, params};
use secrecy::SecretString;

use super::data_keys::{Closed, Sealer};
use super::encoding::{Cell, json, time, time_if_any, word};
use super::fault::{Outcome, conflict, not_found, unless_taken};
use super::{Sqlite, alerts, audit, deliveries, scope};
use crate::seal::{Place, WEBHOOK_SECRETS};
use crate::{
    Attempt, ClaimedDelivery, Delivery, DeliveryState, DisabledReason, EventId, NewAlert, NewEvent,
    NewWebhook, Page, Result, WEBHOOK_PENDING_MAX, Webhook, WebhookId, WebhookPatch, Webhooks,
};

const WEBHOOK: &str =
    "SELECT w.id, w.url, w.types, w.created_at, w.disabled_at, w.disabled_reason,
         w.secret_previous_until, w.failing_since, w.delivered_at,
         (SELECT count(*) FROM webhook_deliveries d WHERE d.webhook = w.key AND d.state = 'pending'),
         (SELECT count(*) FROM webhook_deliveries d WHERE d.webhook = w.key AND d.state = 'dead'),
         w.missed
     FROM webhooks w JOIN organizations o ON o.key = w.organization";

#[async_trait]
impl Webhooks for Sqlite {
    async fn create_webhook(
        &self,
        organization: OrganizationId,
        new: NewWebhook,
        webhooks_max: usize,
    ) -> Result<Webhook> {
        let make = move |tx: &Transaction<'_>, sealer: &Sealer| {
            let key = scope::organization(tx, organization)?;
            let count: usize = tx
                .prepare_cached("SELECT count(*) FROM webhooks WHERE organization = ?1")?
                .query_row([key], |row| row.get(0))?;
            if count >= webhooks_max {
                let problem = format!("has {count} webhooks, as many as it may");
                return Err(conflict("organization", organization, &problem).into());
            }
            let secret = sealer.seal(&WEBHOOK_SECRETS[0], new.id.0, &new.secret)?;
            let inserted = tx
                .prepare_cached(
                    "INSERT INTO webhooks (organization, id, url, types, secret_even, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    key,
                    new.id.0,
                    new.url,
                    json(&new.types)?,
                    secret,
                    new.at.0
                ]);
            unless_taken(inserted, || conflict("webhook", new.id, "exists already"))?;
            find(tx, organization, new.id)
        };
        self.write_sealed("make a webhook", organization, make)
            .await
    }

    async fn webhooks(&self, organization: OrganizationId) -> Result<Vec<Webhook>> {
        self.read("list the webhooks", move |tx| {
            let mut list =
                tx.prepare_cached(&format!("{WEBHOOK} WHERE o.id = ?1 ORDER BY w.key"))?;
            let rows = list.query_and_then([organization.0], read)?;
            rows.collect()
        })
        .await
    }

    async fn webhook(&self, organization: OrganizationId, id: WebhookId) -> Result<Webhook> {
        self.look_up("read a webhook", move |tx| find(tx, organization, id))
            .await
    }

    async fn update_webhook(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        patch: WebhookPatch,
        at: Timestamp,
    ) -> Result<Webhook> {
        self.write("change a webhook", move |tx| {
            let key = key(tx, organization, id)?;
            update(tx, key, &patch, at)?;
            find(tx, organization, id)
        })
        .await
    }

    async fn delete_webhook(&self, organization: OrganizationId, id: WebhookId) -> Result<()> {
        self.write("delete a webhook", move |tx| {
            let key = key(tx, organization, id)?;
            tx.prepare_cached("DELETE FROM webhooks WHERE key = ?1")?
                .execute([key])?;
            Ok(())
        })
        .await
    }

    async fn rotate_webhook_secret(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        secret: SecretString,
        previous_until: Timestamp,
    ) -> Result<Webhook> {
        let rotate = move |tx: &Transaction<'_>, sealer: &Sealer| {
            let key = key(tx, organization, id)?;
            let rotations: usize = tx
                .prepare_cached("SELECT rotations + 1 FROM webhooks WHERE key = ?1")?
                .query_row([key], |row| row.get(0))?;
            let column = &WEBHOOK_SECRETS[rotations % 2];
            let sealed = sealer.seal(column, id.0, &secret)?;
            tx.prepare_cached(&format!(
                "UPDATE webhooks SET {} = ?2, rotations = ?3, secret_previous_until = ?4
                 WHERE key = ?1",
                column.name
            ))?
            .execute(params![key, sealed, rotations, previous_until.0])?;
            find(tx, organization, id)
        };
        self.write_sealed("replace a webhook's secret", organization, rotate)
            .await
    }

    async fn tell_webhook(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        event: NewEvent,
    ) -> Result<Delivery> {
        self.write("tell a webhook of an event", move |tx| {
            if find(tx, organization, id)?.disabled_at.is_some() {
                return Err(conflict("webhook", id, "is disabled").into());
            }
            let (owner, key) = (
                scope::organization(tx, organization)?,
                key(tx, organization, id)?,
            );
            audit::append(tx, owner, &event)?;
            // The event may have been of a kind that it wants.
            if deliveries::find(tx, key, event.id)?.is_none() {
                let body = deliveries::body(organization, &event)?;
                deliveries::enqueue(tx, key, &event, &body)?;
            }
            deliveries::find(tx, key, event.id)?
                .ok_or_else(|| conflict("webhook", id, "has a full queue").into())
        })
        .await
    }

    async fn deliveries(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        state: Option<DeliveryState>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Delivery>> {
        let after = after.map(ToOwned::to_owned);
        self.read("list the messages of a webhook", move |tx| {
            let key = key(tx, organization, id)?;
            deliveries::list(tx, key, state, after.as_deref(), limit)
        })
        .await
    }

    async fn retry_delivery(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        event: EventId,
        at: Timestamp,
    ) -> Result<Delivery> {
        self.write("have a message sent again", move |tx| {
            let key = key(tx, organization, id)?;
            deliveries::retry(tx, key, event, at)
        })
        .await
    }

    async fn due_webhooks(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(OrganizationId, WebhookId)>> {
        self.read("list the webhooks with messages", move |tx| {
            let mut list = tx.prepare_cached(
                "SELECT o.id, w.id FROM webhooks w JOIN organizations o ON o.key = w.organization
                 WHERE w.disabled_at IS NULL AND EXISTS (
                     SELECT 1 FROM webhook_deliveries d
                     WHERE d.webhook = w.key AND d.state = 'pending' AND d.due_at <= ?1)
                 ORDER BY w.tried_at, w.key LIMIT ?2",
            )?;
            let rows = list.query_map(params![now.0, limit as i64], |row| {
                Ok((OrganizationId(row.get(0)?), WebhookId(row.get(1)?)))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn claim_delivery(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<ClaimedDelivery>> {
        let claim = self.write_repeatable("claim a message", move |tx| {
            let Some((key, url)) = target(tx, organization, id)? else {
                return Ok(None);
            };
            let Some(claimed) = deliveries::claim(tx, key, now, until)? else {
                return Ok(None);
            };
            Ok(Some((claimed, url, secrets(tx, organization, id, now)?)))
        });
        let Some((claimed, url, closed)) = claim.await? else {
            return Ok(None);
        };
        let mut secrets = Ok(Vec::new());
        for closed in closed {
            secrets = match (secrets, self.open_sealed(closed).await) {
                (Ok(mut secrets), Ok(secret)) => {
                    secrets.push(secret);
                    Ok(secrets)
                }
                (Err(error), _) | (_, Err(error)) => Err(error),
            };
        }
        Ok(Some(ClaimedDelivery {
            event: claimed.event,
            attempt: claimed.attempt,
            url,
            body: claimed.body,
            secrets,
        }))
    }

    async fn settle_delivery(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        (event, attempt): (EventId, u32),
        outcome: Attempt,
        at: Timestamp,
    ) -> Result<bool> {
        self.write_repeatable("settle a message", move |tx| {
            let key = key(tx, organization, id)?;
            deliveries::settle(tx, key, (event, attempt), &outcome, at)
        })
        .await
    }

    async fn broken_webhooks(
        &self,
        failing_ms: i64,
    ) -> Result<Vec<(OrganizationId, WebhookId, DisabledReason)>> {
        self.read("list the broken webhooks", move |tx| {
            let mut list = tx.prepare_cached(
                "SELECT o.id, w.id, w.failed_at - w.failing_since >= ?1
                 FROM webhooks w JOIN organizations o ON o.key = w.organization
                 WHERE w.disabled_at IS NULL
                     AND (w.failed_at - w.failing_since >= ?1 OR w.missed > 0)
                 ORDER BY w.key",
            )?;
            let rows = list.query_map([failing_ms], |row| {
                let reason = match row.get::<_, Option<bool>>(2)? {
                    Some(true) => DisabledReason::Failing,
                    _ => DisabledReason::QueueFull,
                };
                Ok((OrganizationId(row.get(0)?), WebhookId(row.get(1)?), reason))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn disable_webhook(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        reason: DisabledReason,
        alert: NewAlert,
    ) -> Result<bool> {
        self.write("disable a webhook", move |tx| {
            let key = key(tx, organization, id)?;
            let disabled = tx
                .prepare_cached(
                    "UPDATE webhooks SET disabled_at = ?2, disabled_reason = ?3
                     WHERE key = ?1 AND disabled_at IS NULL",
                )?
                .execute(params![key, alert.at.0, word(&reason)?])?;
            if disabled > 0 {
                let owner = scope::organization(tx, organization)?;
                alerts::open(tx, owner, &alert)?;
            }
            Ok(disabled > 0)
        })
        .await
    }

    async fn forget_deliveries(&self, before: Timestamp, at_most: usize) -> Result<usize> {
        self.write("delete old messages", move |tx| {
            deliveries::forget(tx, before, at_most)
        })
        .await
    }
}

/// The key and the URL of an enabled webhook.
fn target(
    db: &Database,
    organization: OrganizationId,
    id: WebhookId,
) -> Outcome<Option<(i64, String)>> {
    let mut find = db.prepare_cached(
        "SELECT w.key, w.url FROM webhooks w JOIN organizations o ON o.key = w.organization
         WHERE w.id = ?1 AND o.id = ?2 AND w.disabled_at IS NULL",
    )?;
    let target = find.query_row(params![id.0, organization.0], |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    Ok(target.optional()?)
}

/// What signs a webhook's messages now, as it is stored: the secret, then the one before while that holds.
fn secrets(
    db: &Database,
    organization: OrganizationId,
    id: WebhookId,
    now: Timestamp,
) -> Outcome<Vec<Closed>> {
    let mut find = db.prepare_cached(
        "SELECT secret_even, secret_odd, rotations, secret_previous_until > ?2
         FROM webhooks WHERE id = ?1",
    )?;
    let (mut sealed, rotations, is_previous_valid) =
        find.query_row(params![id.0, now.0], |row| {
            let sealed: [Option<Vec<u8>>; 2] = [row.get(0)?, row.get(1)?];
            let is_previous_valid: Option<bool> = row.get(3)?;
            Ok((
                sealed,
                row.get::<_, usize>(2)?,
                is_previous_valid == Some(true),
            ))
        })?;
    let mut secrets = Vec::new();
    for slot in [rotations % 2, (rotations + 1) % 2]
        .into_iter()
        .take(1 + usize::from(is_previous_valid))
    {
        let place = Place {
            organization,
            column: &WEBHOOK_SECRETS[slot],
            row: id.0,
        };
        if let Some(sealed) = sealed[slot].take() {
            secrets.push(Closed::read(db, place, sealed)?);
        }
    }
    Ok(secrets)
}

fn update(db: &Database, key: i64, patch: &WebhookPatch, at: Timestamp) -> Outcome<()> {
    if let Some(url) = &patch.url {
        db.prepare_cached("UPDATE webhooks SET url = ?2 WHERE key = ?1")?
            .execute(params![key, url])?;
    }
    if let Some(types) = &patch.types {
        db.prepare_cached("UPDATE webhooks SET types = ?2 WHERE key = ?1")?
            .execute(params![key, json(types)?])?;
    }
    match patch.enabled {
        Some(true) => {
            db.prepare_cached(
                "UPDATE webhooks SET disabled_at = NULL, disabled_reason = NULL,
                     failing_since = NULL, failed_at = NULL, missed = 0
                 WHERE key = ?1 AND disabled_at IS NOT NULL",
            )?
            .execute([key])?;
        }
        Some(false) => {
            db.prepare_cached(
                "UPDATE webhooks SET disabled_at = ?2 WHERE key = ?1 AND disabled_at IS NULL",
            )?
            .execute([key, at.0])?;
        }
        None => {}
    }
    Ok(())
}

fn key(db: &Database, organization: OrganizationId, id: WebhookId) -> Outcome<i64> {
    let mut find = db.prepare_cached(
        "SELECT w.key FROM webhooks w JOIN organizations o ON o.key = w.organization
         WHERE w.id = ?1 AND o.id = ?2",
    )?;
    find.query_row(params![id.0, organization.0], |row| row.get(0))
        .optional()?
        .ok_or_else(|| not_found("webhook", id).into())
}

fn find(db: &Database, organization: OrganizationId, id: WebhookId) -> Outcome<Webhook> {
    let mut find = db.prepare_cached(&format!("{WEBHOOK} WHERE w.id = ?1 AND o.id = ?2"))?;
    let mut rows = find.query_and_then(params![id.0, organization.0], read)?;
    rows.next().ok_or_else(|| not_found("webhook", id))?
}

fn read(row: &Row<'_>) -> Outcome<Webhook> {
    let id = WebhookId(row.get(0)?);
    let reason = match row.get_ref(5)? {
        rusqlite::types::ValueRef::Null => None,
        _ => Some(Cell::new("webhooks", "disabled_reason").word(row, 5, id)?),
    };
    Ok(Webhook {
        id,
        url: row.get(1)?,
        types: Cell::new("webhooks", "types").json(row, 2, id)?,
        created_at: time(row, 3)?,
        disabled_at: time_if_any(row, 4)?,
        disabled_reason: reason,
        previous_secret_until: time_if_any(row, 6)?,
        failing_since: time_if_any(row, 7)?,
        delivered_at: time_if_any(row, 8)?,
        pending: row.get(9)?,
        dead: row.get(10)?,
        missed: row.get(11)?,
    })
}

/// Whether one more message may wait.
pub(super) fn has_room(db: &Database, key: i64) -> Outcome<bool> {
    let waiting: u32 = db
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries
             WHERE webhook = ?1 AND state = 'pending' LIMIT ?2)",
        )?
        .query_row(params![key, WEBHOOK_PENDING_MAX], |row| row.get(0))?;
    Ok(waiting < WEBHOOK_PENDING_MAX)
}

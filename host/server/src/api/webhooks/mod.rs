//! Webhooks: where an organization is told of its audit events, and what became of the messages.
//!
//! Invariant: a secret is in the answer that made it, and in no other.

pub mod create;
pub mod delete;
pub mod deliveries;
pub mod get;
pub mod list;
pub mod retry;
pub mod rotate;
pub mod send_test;
#[cfg(test)]
mod tests;
pub mod update;

use axum::http::StatusCode;
use partneros_domain::{AlertKind, EventType, Timestamp};
use partneros_store::{Delivery, DeliveryState, DisabledReason, EventId, Webhook, WebhookId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use url::Url;
use utoipa::ToSchema;

use crate::api::{handed_over, words};
use crate::auth::Caller;
use crate::problem::{Detail, Problem};
use crate::state::AppState;
use crate::webhooks;

/// The most types that a webhook may name; there are fewer.
const TYPES_MAX: usize = 50;

/// What an organization is told of, and where.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
pub struct WebhookView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    id: WebhookId,
    /// Where messages go.
    url: String,
    /// Which events it is told of: types, or the beginning of some such as `alert.`.
    types: Vec<String>,
    /// Whether messages are sent. A disabled webhook gets no new ones, and those that wait go on waiting.
    enabled: bool,
    /// Since when it is disabled; null while it is enabled.
    #[schema(value_type = Option<String>, format = DateTime)]
    disabled_at: Option<Timestamp>,
    /// Why the host disabled it; null when a person did, or nobody.
    #[schema(value_type = Option<words::DisabledReason>)]
    disabled_reason: Option<DisabledReason>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Until when the secret before signs as well; null when there was none.
    #[schema(value_type = Option<String>, format = DateTime)]
    previous_secret_until: Option<Timestamp>,
    /// Since when there were nothing but failures; null after a success.
    #[schema(value_type = Option<String>, format = DateTime)]
    failing_since: Option<Timestamp>,
    /// The last success.
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
    /// How many messages wait.
    pending: u64,
    /// How many were given up.
    dead: u64,
    /// How many events found no room among those that wait, since it was enabled.
    missed: u64,
}

/// One webhook under its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookBody {
    webhook: WebhookView,
}

/// A webhook with its new secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookWithSecret {
    webhook: WebhookView,
    /// What messages are signed with: `whsec_` and 32 bytes in base64. It is shown here and never again.
    #[serde(serialize_with = "handed_over")]
    #[schema(value_type = String)]
    secret: SecretString,
}

/// A message to a webhook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookDelivery)]
pub struct DeliveryView {
    /// The event's id, and what the header `webhook-id` says.
    #[schema(value_type = uuid::Uuid)]
    id: EventId,
    /// The event's type.
    #[serde(rename = "type")]
    #[schema(value_type = words::EventType)]
    event_type: String,
    /// What became of it.
    #[schema(value_type = words::DeliveryState)]
    state: DeliveryState,
    /// How often it was sent.
    attempts: u32,
    /// When the event happened.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it is sent next; null when it is not. While it is being sent, when it is taken to be lost.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Timestamp>,
    /// When it was sent last; null before the first attempt.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_attempt_at: Option<Timestamp>,
    /// The HTTP status of the last answer; null when there was none.
    last_status: Option<u16>,
    /// What was wrong the last time; null when nothing was.
    last_error: Option<String>,
    /// When it arrived or was given up.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

/// One message under its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryBody {
    delivery: DeliveryView,
}

/// What is sent to a webhook, as `application/json`. The headers `webhook-id`, `webhook-timestamp` (seconds since 1970) and
/// `webhook-signature` are those of the Standard Webhooks specification. A message may arrive more than once, always under the
/// same `webhook-id`, and messages may overtake each other. Any status from 200 to 299 takes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "for the document; the store writes it")
)]
pub struct WebhookMessage {
    /// What happened.
    #[serde(rename = "type")]
    #[schema(value_type = words::EventType)]
    event_type: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// The event, as the audit log has it.
    data: WebhookData,
}

/// An audit event in a message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "for the document; the store writes it")
)]
pub struct WebhookData {
    /// The event's id.
    #[schema(value_type = uuid::Uuid)]
    id: EventId,
    /// Whose it is.
    #[schema(value_type = uuid::Uuid)]
    organization_id: partneros_domain::OrganizationId,
    /// By whom it was done.
    actor: String,
    /// To what.
    subject: String,
    /// What else is known; of `alert.opened`, `alert.acknowledged` and `alert.resolved` the alert.
    #[schema(value_type = Object)]
    metadata: Json,
}

#[cfg(test)]
impl WebhookMessage {
    /// What happened and when, the event as the audit log shows it, and whose it is.
    pub fn shown(&self) -> (Json, Json, partneros_domain::OrganizationId) {
        let data = &self.data;
        (
            json!({"type": self.event_type, "timestamp": self.timestamp}),
            json!({"id": data.id, "actor": data.actor, "subject": data.subject, "metadata": data.metadata}),
            data.organization_id,
        )
    }
}

/// A webhook that cannot be as it is asked for.
#[derive(Debug, thiserror::Error)]
#[error("failed to use the webhook's settings as they are; each detail names what to change")]
struct Invalid(Vec<Detail>);

impl From<Invalid> for Problem {
    fn from(error: Invalid) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_webhook", &error).with_details(error.0)
    }
}

impl From<Webhook> for WebhookView {
    fn from(webhook: Webhook) -> Self {
        Self {
            id: webhook.id,
            url: webhook.url,
            types: webhook.types,
            enabled: webhook.disabled_at.is_none(),
            disabled_at: webhook.disabled_at,
            disabled_reason: webhook.disabled_reason,
            created_at: webhook.created_at,
            previous_secret_until: webhook.previous_secret_until,
            failing_since: webhook.failing_since,
            delivered_at: webhook.delivered_at,
            pending: webhook.pending,
            dead: webhook.dead,
            missed: webhook.missed,
        }
    }
}

impl From<Webhook> for WebhookBody {
    fn from(webhook: Webhook) -> Self {
        Self {
            webhook: webhook.into(),
        }
    }
}

impl WebhookWithSecret {
    fn new(webhook: Webhook, secret: SecretString) -> Self {
        Self {
            webhook: webhook.into(),
            secret,
        }
    }
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.event,
            event_type: delivery.event_type,
            state: delivery.state,
            attempts: delivery.attempts,
            created_at: delivery.created_at,
            next_attempt_at: delivery.due_at,
            last_attempt_at: delivery.tried_at,
            last_status: delivery.status,
            last_error: delivery.error,
            ended_at: delivery.ended_at,
        }
    }
}

impl From<Delivery> for DeliveryBody {
    fn from(delivery: Delivery) -> Self {
        Self {
            delivery: delivery.into(),
        }
    }
}

/// Checks where messages shall go and what they shall tell of, as far as given; all that is wrong is one problem.
fn check(state: &AppState, url: Option<&str>, types: Option<&[String]>) -> Result<(), Problem> {
    let mut details = Vec::new();
    if let Some(problem) = url.and_then(|url| webhooks::checked(url, &state.webhooks).err()) {
        let fragment = format!("failed to use the URL: {problem}");
        details.push(Detail::of_field("url", "invalid_url", &fragment));
    }
    if let Some(types) = types {
        if types.is_empty() || types.len() > TYPES_MAX {
            let fragment = format!("name from 1 to {TYPES_MAX} types, such as `alert.`");
            details.push(Detail::of_field("types", "invalid_types", &fragment));
        }
        let unknown = types.iter().take(TYPES_MAX);
        let unknown = unknown.filter(|prefix| !EventType::is_prefix(prefix));
        details.extend(unknown.map(|prefix| {
            let fragment = format!(
                "`{prefix}` is no type of event, nor the beginning of some up to a point such as `alert.`"
            );
            Detail::of_field("types", "unknown_type", &fragment)
        }));
    }
    if details.is_empty() {
        Ok(())
    } else {
        Err(Invalid(details).into())
    }
}

/// What the audit log says of a webhook, and thereby other webhooks are told: of the URL no more than the origin, since the
/// rest may be as good as a password.
fn noted(webhook: &Webhook) -> Json {
    let url = Url::parse(&webhook.url).ok();
    json!({
        "origin": url.map(|url| url.origin().ascii_serialization()),
        "types": webhook.types,
        "enabled": webhook.disabled_at.is_none(),
    })
}

/// What the audit log names a webhook.
fn subject(id: WebhookId) -> String {
    format!("webhook {id}")
}

/// Somebody looked after a webhook, which answers the alert about it.
async fn looked_after(state: &AppState, caller: &Caller, id: WebhookId) -> Result<(), Problem> {
    let (kind, act) = (AlertKind::WebhookDisabled, state.engine.act(&caller.actor));
    state
        .store
        .resolve_trouble(caller.organization, kind, &id.to_string(), act)
        .await?;
    Ok(())
}

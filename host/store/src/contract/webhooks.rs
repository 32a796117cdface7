//! Webhooks: where an organization is told of its audit events.
//!
//! A message for each webhook that wants an event is written in the event's transaction, so that none is lost and none is
//! told of what did not happen. Whoever delivers claims messages for a time; one that is not settled by then is sent again,
//! so a message arrives at least once, always under the event's id.

use std::fmt;

use async_trait::async_trait;
use partneros_domain::{OrganizationId, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{EventId, NewAlert, NewEvent, Page, Result};

/// How many messages may wait for one webhook. Events beyond it are counted as missed, and whoever keeps watch disables the
/// webhook ([`Webhooks::broken_webhooks`]).
pub const WEBHOOK_PENDING_MAX: u32 = 10_000;

/// The id of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookId(pub Uuid);

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// A webhook to make.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// The id.
    pub id: WebhookId,
    /// Where messages go; whoever made it has checked it.
    pub url: String,
    /// What the names of wanted events begin with.
    pub types: Vec<String>,
    /// What messages are signed with.
    pub secret: SecretString,
    /// Now.
    pub at: Timestamp,
}

/// What to change about a webhook; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookPatch {
    /// Where messages go.
    pub url: Option<String>,
    /// What the names of wanted events begin with.
    pub types: Option<Vec<String>>,
    /// Whether messages are sent. Enabling begins anew: failures and missed events are forgotten.
    pub enabled: Option<bool>,
}

/// Why the host disabled a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// Nothing but failures for too long.
    Failing,
    /// More messages waited than may.
    QueueFull,
}

/// A webhook. The secret is shown by nothing but [`Webhooks::claim_delivery`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The id.
    pub id: WebhookId,
    /// Where messages go.
    pub url: String,
    /// What the names of wanted events begin with.
    pub types: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is disabled; none while it is enabled. A disabled one gets no messages, and those that wait go on
    /// waiting.
    pub disabled_at: Option<Timestamp>,
    /// Why the host disabled it; none when a person did.
    pub disabled_reason: Option<DisabledReason>,
    /// Until when the secret before signs as well.
    pub previous_secret_until: Option<Timestamp>,
    /// Since when there were nothing but failures; none after a success.
    pub failing_since: Option<Timestamp>,
    /// The last success.
    pub delivered_at: Option<Timestamp>,
    /// How many messages wait.
    pub pending: u64,
    /// How many were given up.
    pub dead: u64,
    /// How many events found the queue full.
    pub missed: u64,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It waits, for the first attempt or the next.
    Pending,
    /// It arrived.
    Delivered,
    /// It was given up.
    Dead,
}

/// A message to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The event that it tells of, and its id on the wire.
    pub event: EventId,
    /// The event's name.
    pub event_type: String,
    /// What became of it.
    pub state: DeliveryState,
    /// How often it was sent.
    pub attempts: u32,
    /// When the event happened.
    pub created_at: Timestamp,
    /// When it is sent next; none when it is not. While it is being sent, when it is taken to be lost.
    pub due_at: Option<Timestamp>,
    /// When it was sent last.
    pub tried_at: Option<Timestamp>,
    /// When it arrived or was given up.
    pub ended_at: Option<Timestamp>,
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    /// What was wrong the last time.
    pub error: Option<String>,
}

/// A message that whoever claimed it is to send.
#[derive(Debug)]
pub struct ClaimedDelivery {
    /// The event, and the message's id on the wire.
    pub event: EventId,
    /// Counts attempts, from 1.
    pub attempt: u32,
    /// Where it goes.
    pub url: String,
    /// What is sent, to the byte.
    pub body: String,
    /// What it is signed with: the secret, then the one before while that holds. An error when one opens no more, which is
    /// the attempt's failure.
    pub secrets: Result<Vec<SecretString>>,
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// It arrived.
    Delivered {
        /// The HTTP status.
        status: u16,
    },
    /// It did not.
    Failed {
        /// The HTTP status, if there was an answer.
        status: Option<u16>,
        /// What was wrong.
        error: String,
        /// When to send it again; none gives it up.
        retry_at: Option<Timestamp>,
    },
}

/// Webhooks and their messages.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Makes a webhook, unless the organization has as many as it may, which is a conflict.
    async fn create_webhook(
        &self,
        organization: OrganizationId,
        new: NewWebhook,
        webhooks_max: usize,
    ) -> Result<Webhook>;
    /// The organization's webhooks, oldest first.
    async fn webhooks(&self, organization: OrganizationId) -> Result<Vec<Webhook>>;
    /// One webhook.
    async fn webhook(&self, organization: OrganizationId, id: WebhookId) -> Result<Webhook>;
    /// Changes a webhook and returns it as it is now.
    async fn update_webhook(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        patch: WebhookPatch,
        at: Timestamp,
    ) -> Result<Webhook>;
    /// Deletes a webhook with its messages.
    async fn delete_webhook(&self, organization: OrganizationId, id: WebhookId) -> Result<()>;
    /// Replaces the secret. The one before signs as well until then; an earlier one no longer does.
    async fn rotate_webhook_secret(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        secret: SecretString,
        previous_until: Timestamp,
    ) -> Result<Webhook>;
    /// Writes an event down and has this webhook told of it, whatever it wants. A disabled one is a conflict.
    async fn tell_webhook(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        event: NewEvent,
    ) -> Result<Delivery>;
    /// The messages of a webhook, or those in a state, newest first, at most `limit`, after the cursor of an earlier page.
    async fn deliveries(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        state: Option<DeliveryState>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Delivery>>;
    /// Has a message sent now. One that was given up gets all its attempts again; one that arrived is a conflict.
    async fn retry_delivery(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        event: EventId,
        at: Timestamp,
    ) -> Result<Delivery>;
    /// The enabled webhooks for which a message is due, those first that were served longest ago.
    async fn due_webhooks(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(OrganizationId, WebhookId)>>;
    /// Claims the message of a webhook that has been due longest, until then; none when none is due. Counts an attempt.
    async fn claim_delivery(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<ClaimedDelivery>>;
    /// Writes down how an attempt went; returns false, and writes nothing, when the message was claimed again or settled
    /// meanwhile.
    async fn settle_delivery(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        (event, attempt): (EventId, u32),
        outcome: Attempt,
        at: Timestamp,
    ) -> Result<bool>;
    /// The enabled webhooks that had nothing but failures for this long, the last one included, and those whose queue is full.
    async fn broken_webhooks(
        &self,
        failing_ms: i64,
    ) -> Result<Vec<(OrganizationId, WebhookId, DisabledReason)>>;
    /// Disables a webhook and opens an alert, in one transaction; false, and nothing, when it was disabled meanwhile.
    async fn disable_webhook(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        reason: DisabledReason,
        alert: NewAlert,
    ) -> Result<bool>;
    /// Deletes messages of all organizations that arrived or were given up before, at most so many, and returns how many.
    async fn forget_deliveries(&self, before: Timestamp, at_most: usize) -> Result<usize>;
}

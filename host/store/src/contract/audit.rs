//! What people did, and what they must look at.
//!
//! Events are only ever added; the engine refuses to change one, and to delete one before its time. An alert is open
//! until what it is about works again.

use std::fmt;

use async_trait::async_trait;
use partneros_domain::{AlertKind, EventType, OrganizationId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::{Page, Result};

/// The id of an audit event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// The id of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertId(pub Uuid);

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// An event to write down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The id.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it, such as a token's name, or `system`.
    pub actor: String,
    /// What was done.
    pub event: EventType,
    /// What it was done to.
    pub subject: String,
    /// What else is known.
    pub metadata: Json,
}

/// Which events are wanted: those that fit everything that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// What the event's name begins with.
    pub prefix: Option<String>,
    /// What it was done to.
    pub subject: Option<String>,
    /// It happened then or later.
    pub from: Option<Timestamp>,
    /// It happened before.
    pub to: Option<Timestamp>,
}

impl EventFilter {
    /// The events whose name begins with this.
    pub fn named(prefix: &str) -> Self {
        Self {
            prefix: Some(prefix.to_owned()),
            ..Self::default()
        }
    }
}

/// An event as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// The id.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// What was done, such as `plugin.activated`; of an older version, what no longer is.
    pub event: String,
    /// What it was done to.
    pub subject: String,
    /// What else is known.
    pub metadata: Json,
}

/// How urgent an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something does not work until a person acts.
    Critical,
    /// Something works worse than it should.
    Warning,
}

/// An alert to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlert {
    /// The id, unless one is open for the kind and subject.
    pub id: AlertId,
    /// What kind of trouble it is.
    pub kind: AlertKind,
    /// How urgent it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// What happened and what to do.
    pub message: String,
    /// Now.
    pub at: Timestamp,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The id.
    pub id: AlertId,
    /// What kind of trouble it is.
    pub kind: AlertKind,
    /// How urgent it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// What happened and what to do.
    pub message: String,
    /// When it was opened last.
    pub opened_at: Timestamp,
    /// When it was resolved; none while it is open.
    pub resolved_at: Option<Timestamp>,
}

/// Audit events and alerts.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Writes an event down; an id that exists is a conflict.
    async fn append_event(&self, organization: OrganizationId, event: NewEvent) -> Result<()>;
    /// The events that are wanted, newest first, at most `limit`, after the cursor of an earlier page.
    async fn events(
        &self,
        organization: OrganizationId,
        filter: &EventFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<AuditEvent>>;
    /// Deletes events of all organizations that happened before, at most so many, and returns how many.
    async fn forget_events(&self, before: Timestamp, at_most: usize) -> Result<usize>;
    /// Opens an alert, unless one is open for the kind and subject: that one takes over the message, the severity and
    /// the time. Returns the alert that is open now.
    async fn open_alert(&self, organization: OrganizationId, alert: NewAlert) -> Result<Alert>;
    /// Resolves the open alert of the kind and subject; returns whether there was one.
    async fn resolve_alert(
        &self,
        organization: OrganizationId,
        kind: AlertKind,
        subject: &str,
        at: Timestamp,
    ) -> Result<bool>;
    /// The alerts, or those that are open, newest first, at most `limit`, after the cursor of an earlier page.
    async fn alerts(
        &self,
        organization: OrganizationId,
        open_only: bool,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Alert>>;
}

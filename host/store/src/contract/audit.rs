//! What people and the host did.
//!
//! Events are only ever added; the engine refuses to change one, and to delete one before its time.

use std::fmt;

use async_trait::async_trait;
use partneros_domain::{EventType, OrganizationId, Timestamp};
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

/// Who does something and when, and the id of the event that tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// The event's id.
    pub event: EventId,
    /// When.
    pub at: Timestamp,
    /// Who, as in [`NewEvent::actor`].
    pub actor: String,
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

/// Audit events.
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
}

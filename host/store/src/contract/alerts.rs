//! What needs a person.
//!
//! An alert is about one kind of trouble with one subject. It is open until somebody acknowledges it, and goes on until the
//! trouble ends or somebody says that it did. Each step is an audit event, written in the same transaction.

use std::fmt;

use async_trait::async_trait;
use partneros_domain::{AlertKind, OrganizationId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::{Act, Page, Result};

/// The id of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertId(pub Uuid);

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
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

/// How far an alert has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Nobody has looked at it.
    Open,
    /// Somebody has, and the trouble goes on.
    Acknowledged,
    /// The trouble ended, or somebody said so.
    Resolved,
}

impl AlertState {
    /// The states of trouble that goes on.
    pub const UNRESOLVED: [Self; 2] = [Self::Open, Self::Acknowledged];
}

/// An alert to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlert {
    /// The id, unless one goes on for the kind and subject; its opening is an event of the same id.
    pub id: AlertId,
    /// What kind of trouble it is.
    pub kind: AlertKind,
    /// How urgent it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// What happened and what to do.
    pub message: String,
    /// Who found out, as in the audit log.
    pub actor: String,
    /// Now.
    pub at: Timestamp,
}

/// Who did something about an alert, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// Who, as in the audit log.
    pub by: String,
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
    /// Who has acknowledged it; none when nobody has.
    pub acknowledged: Option<Mark>,
    /// Who resolved it; none while the trouble goes on.
    pub resolved: Option<Mark>,
}

impl Alert {
    /// How far it has come.
    pub fn state(&self) -> AlertState {
        match (&self.acknowledged, &self.resolved) {
            (_, Some(_)) => AlertState::Resolved,
            (Some(_), None) => AlertState::Acknowledged,
            (None, None) => AlertState::Open,
        }
    }

    /// The alert as events tell of it: as the API shows it.
    pub fn metadata(&self) -> Json {
        let at = |mark: &Option<Mark>| mark.as_ref().map(|mark| mark.at);
        let by = |mark: &Option<Mark>| mark.as_ref().map(|mark| mark.by.clone());
        json!({
            "id": self.id,
            "kind": self.kind,
            "title": self.kind.title(),
            "severity": self.severity,
            "state": self.state(),
            "subject": self.subject,
            "message": self.message,
            "openedAt": self.opened_at,
            "acknowledgedAt": at(&self.acknowledged),
            "acknowledgedBy": by(&self.acknowledged),
            "resolvedAt": at(&self.resolved),
            "resolvedBy": by(&self.resolved),
        })
    }
}

/// Alerts.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Opens an alert, unless one goes on for the kind and subject: that one takes over the message, the severity and
    /// the time, and stays acknowledged if it was. Returns the alert that goes on now.
    async fn open_alert(&self, organization: OrganizationId, alert: NewAlert) -> Result<Alert>;
    /// Says that somebody has looked at an alert. One that was acknowledged stays as it is; one that was resolved is a
    /// conflict.
    async fn acknowledge_alert(
        &self,
        organization: OrganizationId,
        id: AlertId,
        act: Act,
    ) -> Result<Alert>;
    /// Says that the trouble of an alert has ended. One that was resolved stays as it is.
    async fn resolve_alert(
        &self,
        organization: OrganizationId,
        id: AlertId,
        act: Act,
    ) -> Result<Alert>;
    /// Says that this trouble has ended; returns whether an alert about it went on.
    async fn resolve_trouble(
        &self,
        organization: OrganizationId,
        kind: AlertKind,
        subject: &str,
        act: Act,
    ) -> Result<bool>;
    /// The newest alert about this trouble, whatever its state.
    async fn last_alert(
        &self,
        organization: OrganizationId,
        kind: AlertKind,
        subject: &str,
    ) -> Result<Option<Alert>>;
    /// The alerts in these states, or all when none is named, newest first, at most `limit`, after the cursor of an earlier
    /// page.
    async fn alerts(
        &self,
        organization: OrganizationId,
        states: &[AlertState],
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Alert>>;
    /// Deletes alerts of all organizations that were resolved before, at most so many, and returns how many.
    async fn forget_alerts(&self, before: Timestamp, at_most: usize) -> Result<usize>;
}

//! The brake: no run deletes, blanks or changes more records at once than is normal, unless somebody says so.
//!
//! Each change of a linked record or object is noted, once for each record and field within a window, in the transaction
//! that makes it or in which it is written down before it is sent. What would pass the limit is not written: the
//! transaction fails with [`crate::Error::Braked`], and the pair waits for a person. Invariant: what is noted was
//! made or is about to be; so the count holds over pages, runs and crashes.

use async_trait::async_trait;
use partneros_domain::{
    FieldName, HubSpotId, OrganizationId, PairId, RecordId, RunId, Side, Timestamp, Value,
};
use serde::{Deserialize, Serialize};

use crate::{Act, Lease, NewEvent, Result};

/// What is counted apart: the changes of one field on one side.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BrakeKey {
    /// The side that is written.
    pub side: Side,
    /// The PartnerOS field; none for the deletion of records, or of objects.
    pub field: Option<FieldName>,
}

/// A change of a linked record or its object.
#[derive(Debug, Clone, PartialEq)]
pub struct NotedChange {
    /// What it counts as.
    pub key: BrakeKey,
    /// The record.
    pub record_id: RecordId,
    /// Its object.
    pub hubspot_id: HubSpotId,
    /// The value that is overwritten. Filling what was empty is not noted, since it loses nothing.
    pub from: Option<Value>,
    /// The value that takes its place; none blanks it.
    pub to: Option<Value>,
}

/// How many records may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrakeLimit {
    /// Changes before this do not count.
    pub since: Timestamp,
    /// So many always may.
    pub records_min: u64,
    /// And so many of a hundred linked ones.
    pub share_percent: u8,
}

/// Changes to note under a limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// The limit.
    pub limit: BrakeLimit,
    /// The changes.
    pub changes: Vec<NotedChange>,
}

/// A limit that would have been passed.
#[derive(Debug, Clone, PartialEq)]
pub struct Tripped {
    /// Of what.
    pub key: BrakeKey,
    /// How many records would have changed within the window, those that did before among them.
    pub records: u64,
    /// Of those, how many would have no value any more.
    pub blanked: u64,
    /// How many may.
    pub allowed: u64,
    /// How many records are linked.
    pub links: u64,
    /// Some of the changes, see [`Self::SAMPLES_MAX`].
    pub samples: Vec<NotedChange>,
}

impl Tripped {
    /// How many changes are shown.
    pub const SAMPLES_MAX: usize = 5;
}

/// A change that was stopped, as it is kept. Values are as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrakeSample {
    /// The record.
    pub record_id: RecordId,
    /// Its object.
    pub hubspot_id: HubSpotId,
    /// The value that would have been overwritten.
    pub from: Option<Value>,
    /// The value that would have taken its place.
    pub to: Option<Value>,
}

/// What somebody decided about a mass change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BrakeVerdict {
    /// It goes on.
    Approved,
    /// It is not taken: the side that it would have overwritten stays, and is carried back where the direction allows.
    Discarded,
}

/// Who decided what, and for how long it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrakeDecision {
    /// What.
    pub verdict: BrakeVerdict,
    /// Who, as in the audit log.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// It holds until a run has succeeded, and no longer than this.
    pub until: Timestamp,
}

/// A mass change that was stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct Brake {
    /// Of what.
    pub key: BrakeKey,
    /// The run that was stopped.
    pub run_id: RunId,
    /// When.
    pub at: Timestamp,
    /// How many records would have changed.
    pub records: u64,
    /// Of those, how many would have no value any more.
    pub blanked: u64,
    /// How many may.
    pub allowed: u64,
    /// How many records are linked.
    pub links: u64,
    /// Some of the changes.
    pub samples: Vec<BrakeSample>,
    /// What was decided; none while the pair waits.
    pub decision: Option<BrakeDecision>,
}

/// The brake of each pair.
#[async_trait]
pub trait Brakes: Send + Sync {
    /// Notes changes that are about to be made elsewhere; [`crate::Error::Braked`] if they would pass a limit. Fenced by the
    /// lease.
    async fn note_changes(
        &self,
        organization: OrganizationId,
        lease: Lease,
        watched: Watched,
        at: Timestamp,
    ) -> Result<()>;
    /// Stops the pair until somebody decides, if it is active, and tells of it in the audit log. Fenced by the lease.
    async fn pull_brake(
        &self,
        organization: OrganizationId,
        lease: Lease,
        run: RunId,
        tripped: Vec<Tripped>,
        event: NewEvent,
    ) -> Result<()>;
    /// What was stopped, by side and field, decided or not.
    async fn brakes(&self, organization: OrganizationId, pair: PairId) -> Result<Vec<Brake>>;
    /// Decides about all that waits, has a braked pair go on at once, and tells of it in the audit log. What was noted of it is
    /// forgotten, so that it counts anew once the decision no longer holds. Returns what was decided about; nothing if
    /// nothing waits.
    async fn decide_brakes(
        &self,
        organization: OrganizationId,
        pair: PairId,
        verdict: BrakeVerdict,
        until: Timestamp,
        act: Act,
    ) -> Result<Vec<Brake>>;
    /// Forgets what was decided, after a run that obeyed it has succeeded. Fenced by the lease.
    async fn end_brakes(&self, organization: OrganizationId, lease: Lease) -> Result<()>;
    /// Forgets changes of all organizations that were noted before, at most so many, and returns how many.
    async fn forget_changes(&self, before: Timestamp, at_most: usize) -> Result<usize>;
}

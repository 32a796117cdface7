//! PartnerOS records, as people and integrators edit them.
//!
//! An edit gives the record a new version and puts it into the outbox of every pair of its object that writes HubSpot,
//! in the same transaction. A paused pair's outbox takes it too, so that it waits until the pair goes on; a draft's does
//! not, since becoming active puts in what has no link. What the sync itself writes goes through
//! [`crate::SyncState::commit`] instead.

use async_trait::async_trait;
use partneros_domain::{Fields, OrganizationId, RecordId, Timestamp, Value};

use crate::Result;

/// One row of a PartnerOS object.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The id.
    pub id: RecordId,
    /// The object, such as `partners`.
    pub object: String,
    /// Counts changes, from 1.
    pub version: i64,
    /// The values.
    pub fields: Fields,
    /// When it was made.
    pub created_at: Timestamp,
    /// The last change by anyone.
    pub updated_at: Timestamp,
    /// The last change by someone other than the sync. For a record that the sync made and nobody changed since, when
    /// HubSpot's object had last been modified: its values are that old.
    pub edited_at: Timestamp,
}

/// A record to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRecord {
    /// The id.
    pub id: RecordId,
    /// The values, checked against the schema.
    pub fields: Fields,
}

/// What to change about a record: `None` clears a field, a field not named stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecordPatch {
    /// The changes, checked against the schema.
    pub fields: partneros_domain::Named<Option<Value>>,
    /// Only if the record still has this version; otherwise a conflict.
    pub expected_version: Option<i64>,
}

/// One entry of a batch upsert.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordChange {
    /// The record: changed if it exists, made otherwise.
    pub id: RecordId,
    /// The changes, as in [`RecordPatch`].
    pub fields: partneros_domain::Named<Option<Value>>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Where the next page starts; none at the end. Opaque, ASCII.
    pub next: Option<String>,
}

/// Records.
#[async_trait]
pub trait Records: Send + Sync {
    /// Makes a record.
    async fn create_record(
        &self,
        organization: OrganizationId,
        object: &str,
        record: NewRecord,
        now: Timestamp,
    ) -> Result<Record>;
    /// One record.
    async fn record(
        &self,
        organization: OrganizationId,
        object: &str,
        id: RecordId,
    ) -> Result<Record>;
    /// Records in the order they were made, at most `limit`, after the cursor of an earlier page. A cursor that is none
    /// of ours is `NotFound { kind: "cursor" }`.
    async fn records(
        &self,
        organization: OrganizationId,
        object: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Record>>;
    /// How many records the object has.
    async fn count_records(&self, organization: OrganizationId, object: &str) -> Result<u64>;
    /// Changes a record. A patch that changes no value leaves the version as it is.
    async fn update_record(
        &self,
        organization: OrganizationId,
        object: &str,
        id: RecordId,
        patch: RecordPatch,
        now: Timestamp,
    ) -> Result<Record>;
    /// Deletes a record. Its links stay as tombstones, so that the HubSpot object is neither touched nor pulled again. A pair
    /// that mirrors deletions and writes HubSpot has the object archived instead: see
    /// [`crate::FormerLinks::doomed_objects`].
    async fn delete_record(
        &self,
        organization: OrganizationId,
        object: &str,
        id: RecordId,
        now: Timestamp,
    ) -> Result<()>;
    /// Changes or makes many records, all or none; returns them in order with whether each was made. An id that exists
    /// in another object or was deleted is a conflict.
    async fn upsert_records(
        &self,
        organization: OrganizationId,
        object: &str,
        changes: Vec<RecordChange>,
        now: Timestamp,
    ) -> Result<Vec<(Record, bool)>>;
}

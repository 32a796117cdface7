//! What the sync engine reads and writes: links, cursors, the outbox, conflicts and failures.
//!
//! The engine reads a batch, decides, and commits the effects together with the cursor. An effect names the record
//! version it was decided on; if someone edited the record in between, the effect is left out and named in
//! [`Committed::raced`], and the engine decides again.

use async_trait::async_trait;
use partneros_domain::{
    Base, ConflictRule, Digest, FieldName, Fields, HubSpotId, ObjectPair, OrganizationId, PairId,
    RecordId, RunId, Side, Timestamp,
};

use crate::{Binding, Counts, HeldQuery, HeldValue, Page, Record, Result, Watched};

/// The one-to-one tie between a record and a HubSpot object.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The HubSpot object.
    pub hubspot_id: HubSpotId,
    /// Both sides' values at the last agreement.
    pub base: Base,
    /// The newest modification time HubSpot told us for the object; older sightings are stale.
    pub hubspot_updated_at: Timestamp,
}

/// A record that was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletedRecord {
    /// The record.
    pub id: RecordId,
    /// Whether an object that was made of it, of which nothing was known then, is to be archived: see [`crate::LinkStep::Doom`].
    pub unheard: bool,
}

/// A link and its record. `record` is `None` for the tombstone of a deleted one.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkedRecord {
    /// The record's id.
    pub record_id: RecordId,
    /// The link.
    pub link: Link,
    /// The record.
    pub record: Option<Record>,
    /// Whether failures of the pull are listed for it, which a look at it may clear.
    pub pull_failed: bool,
    /// Whether failures of the push are listed for it, which a push may clear.
    pub push_failed: bool,
    /// Whether a push found the HubSpot object missing, so that an edit waits for it to come back.
    pub object_was_missing: bool,
}

/// The code of a push failure that waits for the HubSpot object to come back, see [`LinkedRecord::object_was_missing`].
pub const OBJECT_MISSING: &str = "hubspot_object_missing";

/// The code of a push failure that tells of a field which is paused for its record, see [`SyncState::requeue`].
pub const TUG_OF_WAR: &str = "tug_of_war";

/// A record without a link, for matching.
#[derive(Debug, Clone, PartialEq)]
pub struct Unlinked {
    /// The record.
    pub record_id: RecordId,
    /// The value of the field that was asked for, as text.
    pub key: Option<String>,
}

/// What a pass goes by, as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Ground {
    /// The lease that was taken last and not given back, and until when it holds.
    pub lease: Option<(Lease, Timestamp)>,
    /// The pair.
    pub pair: ObjectPair,
    /// The version of its mappings.
    pub mapping_version: i64,
    /// What maps its records; none for the default mapper.
    pub binding: Option<Binding>,
    /// Whether a plugin version that was asked about was taken out of use.
    pub quarantined: bool,
}

/// How far a pair's pull has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Every object modified before this instant was seen.
    pub modified_at: Timestamp,
    /// While an instant with more objects than a page is drained: the last id of that instant that was seen.
    pub drained_to: Option<HubSpotId>,
    /// The version of the mappings that it was reached under. Under others, those objects were not seen.
    pub mapping_version: i64,
}

/// The right to sync a pair, held by one worker at a time. Each commit names its epoch.
///
/// It is lost once another worker took it, and also once it was given back: either way it writes nothing any more and
/// cannot be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The pair.
    pub pair_id: PairId,
    /// Grows each time the lease changes hands.
    pub epoch: i64,
}

/// A record that waits to be pushed.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxEntry {
    /// The record with its current version.
    pub record: Record,
    /// Its link, if it has one.
    pub link: Option<Link>,
    /// The object that it had last, if it is kept without one: it waits for a person, or for the object to come back.
    pub detached_from: Option<HubSpotId>,
    /// Failed attempts so far.
    pub attempts: u32,
    /// Since when something of it waits to be pushed.
    pub since: Timestamp,
}

/// What happens to a record's place in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub enum OutboxEffect {
    /// It stays in or out.
    Leave,
    /// So it does, and what is about to be sent to make an object of it is remembered, see [`SyncState::sent_creates`].
    Sending(Base),
    /// Nothing of it waits to be pushed any more: take it out.
    Settle,
    /// Values of it wait to be pushed: put it in, due at once.
    Enqueue,
    /// Keep it in, due no earlier than this, and count an attempt.
    RetryAt(Timestamp),
}

/// What happens to the record of an effect.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordEffect {
    /// Nothing, but the effect holds only for this version.
    Keep {
        /// The version it was decided on.
        version: i64,
    },
    /// Nothing: HubSpot was written from this version. Holds for any version, since what was written was written: if the
    /// record was edited meanwhile the link is written all the same and only the outbox entry stays; if it was deleted,
    /// the link becomes its tombstone, or names an object to archive, as the pair's policy says.
    Pushed {
        /// The version that was pushed.
        version: i64,
    },
    /// A new record, made by the sync. It counts as edited when the link says that HubSpot's object was last modified.
    Create {
        /// Its values.
        fields: Fields,
    },
    /// New values, written by the sync; `edited_at` stays.
    Update {
        /// The version it was decided on.
        version: i64,
        /// All values of the record.
        fields: Fields,
    },
}

/// What a commit does for one record. All of it happens, or the effect is raced and nothing of it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// The record.
    pub record_id: RecordId,
    /// What happens to it.
    pub record: RecordEffect,
    /// The link as it shall be; `None` leaves it. A HubSpot object or record that is linked otherwise is a race.
    pub link: Option<Link>,
    /// What happens to the record's place in the outbox.
    pub outbox: OutboxEffect,
    /// What went wrong with the record, in place of all that was listed for it at this stage.
    pub failures: Vec<NewFailure>,
    /// The stage whose failures are replaced.
    pub stage: FailureStage,
    /// Conflicts that were settled.
    pub conflicts: Vec<NewConflict>,
}

/// Where a failure happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureStage {
    /// HubSpot to PartnerOS.
    Pull,
    /// PartnerOS to HubSpot.
    Push,
}

/// Something that could not be synced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFailure {
    /// The field, when it is about one.
    pub field: Option<FieldName>,
    /// The property, when it is about one.
    pub property: Option<FieldName>,
    /// A stable code, such as `INVALID_OPTION` or `not-a-number`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// A failure as it is listed.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureEntry {
    /// The record, if there is one.
    pub record_id: Option<RecordId>,
    /// The HubSpot object, if there is one.
    pub hubspot_id: Option<HubSpotId>,
    /// Where it happened.
    pub stage: FailureStage,
    /// What went wrong.
    pub failure: NewFailure,
    /// When it was found.
    pub at: Timestamp,
}

/// A conflict that was settled.
#[derive(Debug, Clone, PartialEq)]
pub struct NewConflict {
    /// The field.
    pub field: FieldName,
    /// The property.
    pub property: FieldName,
    /// PartnerOS's value, as JSON.
    pub partneros_value: serde_json::Value,
    /// HubSpot's value.
    pub hubspot_value: Option<String>,
    /// Whose value stayed.
    pub winner: Side,
    /// Why.
    pub rule: ConflictRule,
}

/// A conflict as it is listed.
#[derive(Debug, Clone, PartialEq)]
pub struct ConflictEntry {
    /// The record.
    pub record_id: RecordId,
    /// The HubSpot object.
    pub hubspot_id: HubSpotId,
    /// What happened.
    pub conflict: NewConflict,
    /// When it was settled.
    pub at: Timestamp,
}

/// One page of a pull, or one batch of a push.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The lease under which it was decided.
    pub lease: Lease,
    /// The run it belongs to.
    pub run_id: RunId,
    /// Now.
    pub at: Timestamp,
    /// What happens to each record.
    pub effects: Vec<Effect>,
    /// HubSpot objects that could not become a record, with the reasons; an empty list clears an earlier one.
    pub rejected: Vec<(HubSpotId, Vec<NewFailure>)>,
    /// Fields of the pair that do not sync at present, with the reasons, in place of those listed before; `None`
    /// leaves them. Listed as failures with neither record nor HubSpot object.
    pub parked: Option<Vec<NewFailure>>,
    /// What of this counts for the brake; what would pass its limit fails as a whole with [`crate::Error::Braked`].
    pub watched: Option<Watched>,
    /// How far the pull has come; `None` leaves it. Not moved when an effect raced, since its row is still to be done.
    pub cursor: Option<Cursor>,
    /// Added to the run's counts.
    pub counts: Counts,
}

/// What became of a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// Records that were edited, deleted or linked otherwise meanwhile; nothing of their effects was written.
    pub raced: Vec<RecordId>,
}

/// The sync engine's side of the store.
#[async_trait]
pub trait SyncState: Send + Sync {
    /// Takes the lease on a pair until `until`, unless another worker holds it.
    async fn acquire_lease(
        &self,
        organization: OrganizationId,
        pair: PairId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Lease>>;
    /// Prolongs a lease; [`crate::Error::LeaseLost`] when it has changed hands or was released.
    async fn renew_lease(
        &self,
        organization: OrganizationId,
        lease: Lease,
        until: Timestamp,
    ) -> Result<()>;
    /// What a pass of the pair goes by. `versions` are the plugins that it calls.
    async fn ground(
        &self,
        organization: OrganizationId,
        pair: PairId,
        versions: &[Digest],
    ) -> Result<Ground>;
    /// Gives a lease back. One that has changed hands is left alone.
    async fn release_lease(&self, organization: OrganizationId, lease: Lease) -> Result<()>;
    /// Ends the leases on all pairs of all organizations, whose workers are known to be gone, and returns how many. Those on
    /// journals end as well.
    async fn end_leases(&self) -> Result<usize>;
    /// How far the pull has come under the mappings of today; none if they are of another version than the cursor's.
    async fn cursor(&self, organization: OrganizationId, pair: PairId) -> Result<Option<Cursor>>;
    /// Sets or forgets how far the pull has come, for a full sync.
    async fn set_cursor(
        &self,
        organization: OrganizationId,
        pair: PairId,
        cursor: Option<Cursor>,
    ) -> Result<()>;
    /// The links of these HubSpot objects, in any order, tombstones included; unknown ids are left out.
    async fn links_by_hubspot_id(
        &self,
        organization: OrganizationId,
        pair: PairId,
        ids: &[HubSpotId],
    ) -> Result<Vec<LinkedRecord>>;
    /// The records of that object among these ids that have no link in the pair.
    async fn unlinked_records(
        &self,
        organization: OrganizationId,
        pair: PairId,
        ids: &[RecordId],
    ) -> Result<Vec<Record>>;
    /// Counts edits of the pair's object by others than the sync: while it stays, what [`Self::unlinked_keys`] said of
    /// records that the sync did not link since still holds.
    async fn count_edits(&self, organization: OrganizationId, pair: PairId) -> Result<u64>;
    /// Those of these ids that are records of the pair's object that were deleted.
    async fn deleted_records(
        &self,
        organization: OrganizationId,
        pair: PairId,
        ids: &[RecordId],
    ) -> Result<Vec<DeletedRecord>>;
    /// What was sent last to make objects of these records, where no answer is known: bases of [`partneros_domain::Sent`]
    /// values.
    async fn sent_creates(
        &self,
        organization: OrganizationId,
        pair: PairId,
        ids: &[RecordId],
    ) -> Result<Vec<(RecordId, Base)>>;
    /// The HubSpot objects that could not become a record for this reason, each once, in any order, see
    /// [`Commit::rejected`].
    async fn rejected_objects(
        &self,
        organization: OrganizationId,
        pair: PairId,
        code: &str,
    ) -> Result<Vec<HubSpotId>>;
    /// Those of these HubSpot objects that could not become a record, for whatever reason, each once, in any order.
    async fn rejected_among(
        &self,
        organization: OrganizationId,
        pair: PairId,
        objects: &[HubSpotId],
    ) -> Result<Vec<HubSpotId>>;
    /// Forgets that any of these objects could not become a record, since it is there no more. Fenced by the lease.
    async fn forget_rejected(
        &self,
        organization: OrganizationId,
        lease: Lease,
        objects: &[HubSpotId],
    ) -> Result<()>;
    /// The fields of the pair that do not sync at present, in the order they were put, see [`Commit::parked`].
    async fn parked(&self, organization: OrganizationId, pair: PairId) -> Result<Vec<NewFailure>>;
    /// All records of the pair's object that have no link, with the text of one field. Made once a pass, when the pass
    /// first meets unknown HubSpot objects.
    async fn unlinked_keys(
        &self,
        organization: OrganizationId,
        pair: PairId,
        field: &FieldName,
    ) -> Result<Vec<Unlinked>>;
    /// Which of the sought values HubSpot holds of the pair's records, by value. Reads every link of the pair.
    async fn held_values(
        &self,
        organization: OrganizationId,
        pair: PairId,
        query: HeldQuery,
    ) -> Result<Vec<HeldValue>>;
    /// How many links the pair has.
    async fn count_links(&self, organization: OrganizationId, pair: PairId) -> Result<u64>;
    /// How many records wait to be pushed.
    async fn count_outbox(&self, organization: OrganizationId, pair: PairId) -> Result<u64>;
    /// The records that wait to be pushed and whose time has come, the longest waiting first, after `after` in that
    /// order (the last record of the batch before), at most `limit`.
    async fn outbox(
        &self,
        organization: OrganizationId,
        pair: PairId,
        now: Timestamp,
        after: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>>;
    /// Puts the pair's records with push failures back into the outbox at once. If `pauses_end`, their fields are no longer
    /// paused ([`Base::end_pauses`]).
    async fn requeue(
        &self,
        organization: OrganizationId,
        pair: PairId,
        pauses_end: bool,
        now: Timestamp,
    ) -> Result<u64>;
    /// The first failure of each field and property of the pair that is paused for records, see [`TUG_OF_WAR`], with how
    /// many records it is.
    async fn tugs(
        &self,
        organization: OrganizationId,
        pair: PairId,
    ) -> Result<Vec<(NewFailure, u64)>>;
    /// Writes one page or batch: effects, rejections, cursor and counts in one transaction, fenced by the lease.
    ///
    /// A record that an effect updates or creates is put into the outbox of the *other* pairs of its object that write
    /// HubSpot, since for them it is an edit.
    async fn commit(&self, organization: OrganizationId, commit: Commit) -> Result<Committed>;
    /// Conflicts, newest first.
    async fn conflicts(
        &self,
        organization: OrganizationId,
        pair: PairId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ConflictEntry>>;
    /// Failures, newest first.
    async fn failures(
        &self,
        organization: OrganizationId,
        pair: PairId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<FailureEntry>>;
    /// The link of a record, if it has one.
    async fn link_of_record(
        &self,
        organization: OrganizationId,
        pair: PairId,
        record: RecordId,
    ) -> Result<Option<Link>>;
}

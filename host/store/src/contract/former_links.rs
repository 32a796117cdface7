//! Links that ended because the HubSpot object, or the record, is gone, and what is known of objects that seem to be.
//!
//! A link that ends is remembered, so that an object that is restored finds its record again, and one that cannot come back
//! is no stranger when a late sighting shows it once more. A record whose links in a pair have all ended is *detached*: it
//! is kept, listed, and not pushed, since that would make a new object behind people's backs.

use async_trait::async_trait;
use partneros_domain::{EventType, HubSpotId, OrganizationId, PairId, RecordId, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{Act, BrakeLimit, Counts, EventId, Lease, NewEvent, Page, Result};

/// Why a link ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parting {
    /// HubSpot has the object in its archive, from where people restore it.
    Archived,
    /// HubSpot knows no such object any more.
    Missing,
    /// HubSpot merged the object into another.
    Merged,
    /// The record was deleted, and the pair's policy has its object archived.
    Deleted,
}

/// A link that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormerLink {
    /// The HubSpot object.
    pub hubspot_id: HubSpotId,
    /// The record.
    pub record_id: RecordId,
    /// Why it ended.
    pub parting: Parting,
    /// The object that is left, if the object was merged.
    pub merged_into: Option<HubSpotId>,
    /// Whether the object is yet to be archived.
    pub doomed: bool,
    /// Whether the record can be linked again: it is there or can be brought back, and has no other object.
    pub free: bool,
    /// When it ended.
    pub at: Timestamp,
}

/// A record that is kept without an object, with the object that it had last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detached {
    /// The record.
    pub record_id: RecordId,
    /// The object it had.
    pub hubspot_id: HubSpotId,
    /// Why it has it no more.
    pub parting: Parting,
    /// The object that is left, if its object was merged.
    pub merged_into: Option<HubSpotId>,
    /// Since when.
    pub at: Timestamp,
}

/// What happens to one link. A step whose premise no longer holds does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkStep {
    /// The object is gone: its record is kept without one. A link of a record that was deleted stays as it is.
    End {
        /// The object.
        hubspot_id: HubSpotId,
        /// Why.
        parting: Parting,
        /// The object that is left, if it was merged.
        merged_into: Option<HubSpotId>,
    },
    /// The object is gone, and its record is deleted with it. A record with edits that HubSpot has not taken is kept as
    /// by [`Self::End`], since they are in no other place.
    EndWithRecord {
        /// The object.
        hubspot_id: HubSpotId,
        /// Why.
        parting: Parting,
    },
    /// The object was merged: its record goes on with what is left, which must have no other.
    Move {
        /// The object, whose link may have ended already.
        from: HubSpotId,
        /// The object that is left.
        to: HubSpotId,
    },
    /// The object is back: its record is linked to it again, and brought back if it was deleted with it. A record that
    /// has another object meanwhile, or was deleted for other reasons, is not.
    Restore {
        /// The object.
        hubspot_id: HubSpotId,
    },
    /// The object of a record that was deleted is archived now, or was already.
    Archived {
        /// The object.
        hubspot_id: HubSpotId,
    },
    /// The record that was deleted, whose object is yet to be archived, comes back after all.
    Revive {
        /// The object.
        hubspot_id: HubSpotId,
    },
    /// The object of a record that was deleted is left alone after all: the link becomes the record's tombstone.
    Spare {
        /// The object.
        hubspot_id: HubSpotId,
    },
    /// The object that was made of a record shows only after the record was deleted, in a pair that mirrored deletions then:
    /// it is to be archived.
    Doom {
        /// The record, whose id the object carries.
        record_id: RecordId,
        /// The object.
        hubspot_id: HubSpotId,
    },
}

/// Steps that are taken together, in order.
#[derive(Debug, Clone)]
pub struct LinkCommit {
    /// The lease under which they were decided.
    pub lease: Lease,
    /// The run they belong to.
    pub run_id: RunId,
    /// Now, who takes them, and the ids of the events that tell of them, of which as many are used as needed.
    pub at: Timestamp,
    /// See [`Self::at`].
    pub actor: String,
    /// See [`Self::at`].
    pub events: [EventId; LinkCommit::EVENTS_MAX],
    /// The steps.
    pub steps: Vec<LinkStep>,
    /// The limit on records that are deleted; what would pass it fails as a whole with [`crate::Error::Braked`].
    pub limit: Option<BrakeLimit>,
}

/// What happened to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkChange {
    /// The record is kept without its object.
    Unlinked(Parting),
    /// The record's object was merged into this one, which another record has.
    Left(HubSpotId),
    /// The record's object was merged into this one, with which it goes on.
    Moved(HubSpotId),
    /// The record was deleted with its object.
    Deleted(Parting),
    /// The record is linked again.
    Restored,
    /// The object is archived.
    Archived,
    /// Nothing that anybody has to know of.
    Quiet,
}

/// A change of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangedLink {
    /// The record.
    pub record_id: RecordId,
    /// The object.
    pub hubspot_id: HubSpotId,
    /// What happened.
    pub change: LinkChange,
}

impl LinkCommit {
    /// How many events tell of a commit at most: one for each kind of change.
    pub const EVENTS_MAX: usize = 5;

    /// The events that tell of these changes.
    pub fn events_of(&self, pair: PairId, changes: &[ChangedLink]) -> Vec<NewEvent> {
        let kinds = [
            EventType::RecordUnlinked,
            EventType::ObjectMerged,
            EventType::RecordDeleted,
            EventType::RecordRelinked,
            EventType::ObjectArchived,
        ];
        let mut events = Vec::new();
        for (event, id) in kinds.into_iter().zip(self.events) {
            let told: Vec<_> = changes
                .iter()
                .filter(|c| c.event() == Some(event))
                .collect();
            if !told.is_empty() {
                let links: Vec<_> = told.into_iter().map(ChangedLink::metadata).collect();
                events.push(NewEvent {
                    id,
                    at: self.at,
                    actor: self.actor.clone(),
                    event,
                    subject: format!("pair {pair}"),
                    metadata: json!({"runId": self.run_id, "links": links}),
                });
            }
        }
        events
    }
}

impl ChangedLink {
    fn event(&self) -> Option<EventType> {
        match self.change {
            LinkChange::Unlinked(_) => Some(EventType::RecordUnlinked),
            LinkChange::Left(_) | LinkChange::Moved(_) => Some(EventType::ObjectMerged),
            LinkChange::Deleted(_) => Some(EventType::RecordDeleted),
            LinkChange::Restored => Some(EventType::RecordRelinked),
            LinkChange::Archived => Some(EventType::ObjectArchived),
            LinkChange::Quiet => None,
        }
    }

    fn metadata(&self) -> Json {
        let (record, object) = (self.record_id, self.hubspot_id);
        match self.change {
            LinkChange::Unlinked(reason) | LinkChange::Deleted(reason) => {
                json!({"recordId": record, "hubspotId": object, "reason": reason})
            }
            LinkChange::Left(into) => {
                json!({"recordId": record, "hubspotId": object, "mergedInto": into, "linked": false})
            }
            LinkChange::Moved(into) => {
                json!({"recordId": record, "hubspotId": object, "mergedInto": into, "linked": true})
            }
            LinkChange::Restored | LinkChange::Archived | LinkChange::Quiet => {
                json!({"recordId": record, "hubspotId": object})
            }
        }
    }

    /// What the change counts for in a run.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        match self.change {
            LinkChange::Unlinked(_) | LinkChange::Left(_) => counts.unlinked = 1,
            LinkChange::Moved(_) | LinkChange::Restored => counts.relinked = 1,
            LinkChange::Deleted(_) => counts.records_deleted = 1,
            LinkChange::Archived => counts.hubspot_archived = 1,
            LinkChange::Quiet => {}
        }
        counts
    }
}

/// How far what is looked at by the hour has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rounds {
    /// When the archive was last read to its end.
    pub archive_read_at: Option<Timestamp>,
    /// When the last round over all linked objects began.
    pub recheck_at: Option<Timestamp>,
    /// The last object of that round so far; none once it has come to the end.
    pub recheck_after: Option<HubSpotId>,
    /// Whether there are [`crate::HintedObject`]s to look up. Only read, never set.
    pub is_hinted: bool,
}

/// Links that ended.
#[async_trait]
pub trait FormerLinks: Send + Sync {
    /// Takes steps, counts them in the run and tells of them in the audit log, in one transaction, fenced by the lease.
    /// Returns what changed.
    async fn commit_links(
        &self,
        organization: OrganizationId,
        commit: LinkCommit,
    ) -> Result<Vec<ChangedLink>>;
    /// The links of these HubSpot objects that ended, in any order.
    async fn former_links(
        &self,
        organization: OrganizationId,
        pair: PairId,
        ids: &[HubSpotId],
    ) -> Result<Vec<FormerLink>>;
    /// Objects that people could restore, in order of id, after `after`, at most `limit`: those whose link ended since then
    /// other than by a merge, and that are not about to be archived.
    async fn restorable_objects(
        &self,
        organization: OrganizationId,
        pair: PairId,
        since: Timestamp,
        after: Option<HubSpotId>,
        limit: usize,
    ) -> Result<Vec<HubSpotId>>;
    /// Objects that are yet to be archived, the longest waiting first, at most `limit`.
    async fn doomed_objects(
        &self,
        organization: OrganizationId,
        pair: PairId,
        limit: usize,
    ) -> Result<Vec<HubSpotId>>;
    /// Writes down that a look did not find these linked objects. The first time counts. Fenced by the lease.
    async fn note_missing(
        &self,
        organization: OrganizationId,
        lease: Lease,
        ids: &[HubSpotId],
        at: Timestamp,
    ) -> Result<()>;
    /// Forgets that these objects were not found: they are there. Fenced by the lease.
    async fn note_found(
        &self,
        organization: OrganizationId,
        lease: Lease,
        ids: &[HubSpotId],
    ) -> Result<()>;
    /// Linked objects that were not found, at or before this time for the first time, at most `limit`.
    async fn missing_objects(
        &self,
        organization: OrganizationId,
        pair: PairId,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<HubSpotId>>;
    /// The objects of records that are there, in order of id, after `after`, at most `limit`.
    async fn linked_objects(
        &self,
        organization: OrganizationId,
        pair: PairId,
        after: Option<HubSpotId>,
        limit: usize,
    ) -> Result<Vec<HubSpotId>>;
    /// How far what is looked at by the hour has come.
    async fn rounds(&self, organization: OrganizationId, pair: PairId) -> Result<Rounds>;
    /// Sets how far it has come. Fenced by the lease.
    async fn set_rounds(
        &self,
        organization: OrganizationId,
        lease: Lease,
        rounds: Rounds,
    ) -> Result<()>;
    /// The records that are kept without an object, those that lost it last first, at most `limit`, after the cursor of an
    /// earlier page.
    async fn detached_records(
        &self,
        organization: OrganizationId,
        pair: PairId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Detached>>;
    /// How many records are kept without an object for this reason, or for any.
    async fn count_detached(
        &self,
        organization: OrganizationId,
        pair: PairId,
        parting: Option<Parting>,
    ) -> Result<u64>;
    /// Gives up the objects that a record had, so that it is pushed as a new one, and tells of it in the audit log. Returns
    /// whether it was detached; a record that is not there is not found.
    async fn release_record(
        &self,
        organization: OrganizationId,
        pair: PairId,
        record: RecordId,
        act: Act,
    ) -> Result<bool>;
    /// Forgets the values of records of all organizations that were deleted with their object before, at most so many of
    /// each kind, and returns how many. Such a record is not brought back any more, and an object of it that shows only now
    /// is left alone.
    async fn forget_deleted_values(&self, before: Timestamp, at_most: usize) -> Result<usize>;
}

//! HubSpot's change journal: how far it was read, and the objects that it says something of.
//!
//! The journal is an app's, so reading it is the host's work and takes no organization. What it says of an object is kept
//! with the pairs of that portal, as a hint for their next run.

use async_trait::async_trait;
use partneros_domain::{HubSpotId, OrganizationId, PairId, Timestamp};

use crate::{Lease, Result};

/// How many hinted objects a pair has at most. What comes beyond makes an audit of the pair due instead, which looks at all
/// objects.
pub const HINTED_OBJECTS_MAX: usize = 10_000;
/// From how many hinted objects on there is no room for [`Sign::Associated`].
pub const ASSOCIATED_OBJECTS_MAX: usize = HINTED_OBJECTS_MAX / 2;

/// The right to read the journal of an app, held by one process at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalLease {
    /// The app, by its client id.
    pub app: String,
    /// Grows each time the lease is taken.
    pub epoch: i64,
}

/// How far the journal was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalState {
    /// The right to go on.
    pub lease: JournalLease,
    /// HubSpot's name of the last entry that was taken; none before the first.
    pub position: Option<String>,
    /// When nothing was left to read last.
    pub complete_at: Option<Timestamp>,
    /// When entries were missed last.
    pub gap_at: Option<Timestamp>,
}

/// What the journal says of an object last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It was deleted.
    Gone,
    /// It was restored, or merged with others.
    Changed,
    /// An association of it was made or ended, so that what HubSpot calculates of it may be another. This makes no pair due,
    /// takes the place of nothing else that was said, and is dropped where there is no room: see [`ASSOCIATED_OBJECTS_MAX`].
    Associated,
}

/// What the journal says of an object of a portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalHint {
    /// The portal.
    pub portal_id: i64,
    /// The HubSpot object, as pairs name it.
    pub hubspot_object: String,
    /// The object.
    pub hubspot_id: HubSpotId,
    /// What it says.
    pub sign: Sign,
    /// Whether this is of use only to pairs that have, or had, a link to the object.
    pub if_known: bool,
}

/// A step through the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalStep {
    /// The lease, which is prolonged.
    pub lease: JournalLease,
    /// Now.
    pub at: Timestamp,
    /// Until when the lease holds.
    pub until: Timestamp,
    /// The last entry that was taken; none to begin anew at the earliest.
    pub position: Option<String>,
    /// What it said, in its order.
    pub hints: Vec<JournalHint>,
    /// Whether entries were missed, so that an audit of each active pair is due.
    pub is_gap: bool,
}

/// A HubSpot object of a portal that pairs sync, with the app that the journal is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournaledObject {
    /// Whose pair it is.
    pub organization: OrganizationId,
    /// The portal.
    pub portal_id: i64,
    /// The HubSpot object.
    pub hubspot_object: String,
}

/// An object that a run is to look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HintedObject {
    /// The object.
    pub hubspot_id: HubSpotId,
    /// What was said of it last.
    pub sign: Sign,
    /// Counts what was said of it.
    pub hints: i64,
}

/// The journals of the host's apps, and what they say of objects.
#[async_trait]
pub trait Journals: Send + Sync {
    /// Takes the lease on the journal of an app until `until`, unless another process holds it.
    async fn lease_journal(
        &self,
        app: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<JournalState>>;
    /// Takes a step: in one transaction the position, the hints for each pair that is active or braked, and that those pairs
    /// are due at once. Returns whether the lease still held; without it nothing is written.
    async fn take_journal_step(&self, step: JournalStep) -> Result<bool>;
    /// Gives the lease back; `complete_at` if nothing was left to read then. One that another process holds is left alone.
    async fn release_journal(
        &self,
        lease: JournalLease,
        complete_at: Option<Timestamp>,
    ) -> Result<()>;
    /// What active and braked pairs of all organizations sync over the host's app, each once and in order. Portals that were
    /// disconnected, or let nobody in, are left out.
    async fn journaled_objects(&self) -> Result<Vec<JournaledObject>>;
    /// Objects that a run of the pair is to look up, in order of id, those of [`Sign::Associated`] last; at most `limit`.
    async fn hinted_objects(
        &self,
        organization: OrganizationId,
        pair: PairId,
        limit: usize,
    ) -> Result<Vec<HintedObject>>;
    /// Forgets these hints, unless something was said of an object since. Fenced by the lease.
    async fn forget_hints(
        &self,
        organization: OrganizationId,
        lease: Lease,
        looked_up: &[HintedObject],
    ) -> Result<()>;
}

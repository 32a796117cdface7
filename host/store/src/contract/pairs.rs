//! Object pairs and their mappings.

use async_trait::async_trait;
use partneros_domain::{
    ConflictPolicy, ConnectionId, DeletePolicy, Direction, Mappings, MatchKey, ObjectPair,
    OrganizationId, PairId, PairState, PluginFailurePolicy, Thresholds, Timestamp,
};

use crate::{Binding, MapperParts, Result};

/// What to change about a pair; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PairPatch {
    /// Where values may flow.
    pub direction: Option<Direction>,
    /// The policy for new mappings.
    pub conflict_policy: Option<ConflictPolicy>,
    /// How existing records find each other; `Some(None)` removes it.
    pub match_key: Option<Option<MatchKey>>,
    /// How confidence becomes a state.
    pub thresholds: Option<Thresholds>,
    /// What happens when a plugin fails on a batch.
    pub plugin_failure_policy: Option<PluginFailurePolicy>,
    /// What becomes of the other side when a record or its HubSpot object is deleted.
    pub delete_policy: Option<DeletePolicy>,
}

/// The mappings of a pair with their version.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MappingSet {
    /// Counts replacements; a writer names the one it started from.
    pub version: i64,
    /// The mappings.
    pub mappings: Mappings,
}

/// Everything that decides what a pair does with values, to be changed in one step.
#[derive(Debug, Clone, PartialEq)]
pub struct PairSetup {
    /// The settings.
    pub settings: PairPatch,
    /// The mappings.
    pub mappings: Mappings,
    /// The version of the mappings that these replace.
    pub replaces: i64,
    /// The binding that held for the pair when this was decided; another is a conflict.
    pub seen: Option<Binding>,
    /// What maps, if that is to change.
    pub mapper: Option<MapperParts>,
    /// Now.
    pub at: Timestamp,
}

/// A pair whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuePair {
    /// Whose it is.
    pub organization: OrganizationId,
    /// The pair.
    pub pair: PairId,
    /// Whether an audit of it is due as well, see [`crate::RunEnd::next_audit`].
    pub audit: bool,
}

/// Object pairs and mappings.
#[async_trait]
pub trait Pairs: Send + Sync {
    /// Makes a pair. The same two objects on the same connection are a conflict.
    async fn create_pair(&self, organization: OrganizationId, pair: &ObjectPair) -> Result<()>;
    /// The pairs of a connection, oldest first.
    async fn pairs(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
    ) -> Result<Vec<ObjectPair>>;
    /// One pair.
    async fn pair(&self, organization: OrganizationId, id: PairId) -> Result<ObjectPair>;
    /// Changes a pair and returns it.
    ///
    /// A direction that begins to write HubSpot puts every record of the object into the outbox, linked or not, due at
    /// once, since nobody kept account of their edits before. A draft's outbox stays empty until it becomes active.
    async fn update_pair(
        &self,
        organization: OrganizationId,
        id: PairId,
        patch: &PairPatch,
    ) -> Result<ObjectPair>;
    /// Sets the state and when the pair is due next.
    ///
    /// Becoming active puts every record of the object that has no link into the outbox, if the direction writes
    /// HubSpot; so nothing made before is forgotten.
    async fn set_pair_state(
        &self,
        organization: OrganizationId,
        id: PairId,
        state: PairState,
        now: Timestamp,
    ) -> Result<()>;
    /// Removes a pair with its mappings, links, former links, cursor, outbox, conflicts, failures, runs, binding, plugin usage and
    /// shadow report. Records stay, and so do logs of plugin calls.
    async fn delete_pair(&self, organization: OrganizationId, id: PairId) -> Result<()>;
    /// The mappings; version 0 and none before the first were put.
    async fn mappings(&self, organization: OrganizationId, id: PairId) -> Result<MappingSet>;
    /// Replaces the mappings if they are still of version `from`, otherwise a conflict. Returns the new version.
    async fn put_mappings(
        &self,
        organization: OrganizationId,
        id: PairId,
        from: i64,
        mappings: &Mappings,
    ) -> Result<i64>;
    /// Puts a whole setup in place, or nothing of it: settings as [`Self::update_pair`], mappings as
    /// [`Self::put_mappings`], the mapper as [`crate::Plugins::bind`]. A pair that was activated looks at every record
    /// again. Returns the new version of the mappings and the pair's binding, if it was bound.
    async fn put_setup(
        &self,
        organization: OrganizationId,
        id: PairId,
        setup: PairSetup,
    ) -> Result<(i64, Option<Binding>)>;
    /// Active pairs whose time has come, the longest due first, at most `limit`. Pairs of connections that are
    /// disconnected or need a person are left out, and so are pairs that somebody syncs; those in error are tried again.
    async fn due_pairs(&self, now: Timestamp, limit: usize) -> Result<Vec<DuePair>>;
}

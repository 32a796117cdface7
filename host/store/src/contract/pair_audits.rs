//! Audits of pairs: what both sides hold, range of ids by range of ids, and what an audit made of it.

use async_trait::async_trait;
use partneros_domain::{HubSpotId, OrganizationId, PairId, RecordId, RunId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Lease, Link, NewEvent, Page, Record, Result};

/// How many audits of a pair are kept.
pub const PAIR_AUDITS_KEPT: usize = 20;

/// A link as an audit compares it.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditedLink {
    /// The record's id.
    pub record_id: RecordId,
    /// The link.
    pub link: Link,
    /// The record; none for the tombstone of a deleted one.
    pub record: Option<Record>,
    /// Whether the record waits in the outbox.
    pub waits: bool,
    /// The code of the first failure that is listed for the record.
    pub failure: Option<String>,
}

/// What an audit counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditFigures {
    /// Ranges of ids that were compared.
    pub ranges: u64,
    /// Objects that HubSpot has.
    pub objects: u64,
    /// Links to records that are there.
    pub links: u64,
    /// Linked records and objects that differ, and that nothing had noticed so far.
    pub differing: u64,
    /// Records whose object HubSpot does not list, or that should have been sent and were not.
    pub missing_in_hubspot: u64,
    /// Objects without a record.
    pub missing_here: u64,
    /// Records and objects that differ because a change is on its way: no difference.
    pub waiting: u64,
    /// Of the differences, those that were taken in, or put into the outbox.
    pub mended: u64,
    /// Of the differences, those that are left.
    pub unsettled: u64,
}

/// A difference that is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditSample {
    /// The record, if there is one.
    pub record_id: Option<RecordId>,
    /// The HubSpot object, if there is one.
    pub hubspot_id: Option<HubSpotId>,
    /// Why: the code of the failure that is listed, or what the difference waits for.
    pub reason: String,
}

impl AuditSample {
    /// How many are kept of an audit.
    pub const KEPT_MAX: usize = 20;
}

/// An audit that went through.
#[derive(Debug, Clone, PartialEq)]
pub struct PairAudit {
    /// The run that made it.
    pub run_id: RunId,
    /// When it began to compare. What was there by then is on both sides, or counted in the figures.
    pub as_of: Timestamp,
    /// When it was through.
    pub finished_at: Timestamp,
    /// What it counted.
    pub figures: AuditFigures,
    /// Some of the differences that are left, see [`AuditSample::KEPT_MAX`].
    pub samples: Vec<AuditSample>,
}

/// Audits of pairs.
#[async_trait]
pub trait PairAudits: Send + Sync {
    /// The links to objects with an id above `after` and up to `through`, in order of id, at most `limit`, tombstones
    /// included. Without bounds, from the first and to the last.
    async fn linked_range(
        &self,
        organization: OrganizationId,
        pair: PairId,
        after: Option<HubSpotId>,
        through: Option<HubSpotId>,
        limit: usize,
    ) -> Result<Vec<AuditedLink>>;
    /// Why these HubSpot objects have no record, as far as something is known of them: the code of a failure that is listed,
    /// or how their link ended. In any order; others are left out.
    async fn unlinked_reasons(
        &self,
        organization: OrganizationId,
        pair: PairId,
        ids: &[HubSpotId],
    ) -> Result<Vec<(HubSpotId, String)>>;
    /// Puts the records into the outbox that have no link, wait nowhere, and have nothing listed that would say why: no
    /// failure and no link that ended. Looks at `limit` records without a link at most, in the order they were made, and
    /// returns which it put in, and where to go on. Fenced by the lease.
    async fn enqueue_lost(
        &self,
        organization: OrganizationId,
        lease: Lease,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<RecordId>>;
    /// Keeps what an audit found, tells of it in the audit log, and forgets all but the last [`PAIR_AUDITS_KEPT`] of the pair.
    /// Fenced by the lease.
    async fn put_pair_audit(
        &self,
        organization: OrganizationId,
        lease: Lease,
        audit: &PairAudit,
        event: NewEvent,
    ) -> Result<()>;
    /// The audits of a pair, newest first.
    async fn pair_audits(
        &self,
        organization: OrganizationId,
        pair: PairId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<PairAudit>>;
}

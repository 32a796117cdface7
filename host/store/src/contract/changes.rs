//! The change feed: which records changed, in order.
//!
//! A record stands where its last change was made, once: whoever reads on from a position sees every record that changed
//! after it, as it is now, and what changed in between two reads comes as one change. So the feed is never longer than there
//! are records, and reading it from the start copies them all.

use async_trait::async_trait;
use partneros_domain::{OrganizationId, Timestamp};

use crate::{Record, Result};

/// A record's last change.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The position behind it, to read on from.
    pub position: String,
    /// The record as it is; without values when it was deleted.
    pub record: Record,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

/// The change feed.
#[async_trait]
pub trait Changes: Send + Sync {
    /// The changes after a position, from the start without one, in the order they were made.
    async fn changes(
        &self,
        organization: OrganizationId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Change>>;
}

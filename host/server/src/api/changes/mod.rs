//! The change feed: which records changed, in order, whether people, integrators or the sync changed them.
//!
//! A record stands where its last change was made. Whoever keeps the cursor of the last change that was dealt with sees
//! every later one, at least once.

pub mod list;
pub mod stream;

use partneros_domain::{RecordId, Timestamp};
use partneros_store::Change;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::records::RecordView;
use crate::api::words;

/// A record's last change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Change)]
pub struct ChangeView {
    /// Where to read on once this change was dealt with.
    cursor: String,
    /// What was done. Version 1 of a record is the one it was made with.
    #[schema(value_type = words::ChangeKind)]
    kind: ChangeKind,
    /// The PartnerOS object.
    object: String,
    /// The record.
    #[schema(value_type = uuid::Uuid)]
    record_id: RecordId,
    /// The record's version after the change.
    version: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The record as it is now; null once it was deleted.
    record: Option<RecordView>,
}

/// What was done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Made or changed.
    Changed,
    /// Deleted.
    Deleted,
}

impl From<Change> for ChangeView {
    fn from(change: Change) -> Self {
        let Change {
            position,
            record,
            deleted_at,
        } = change;
        Self {
            cursor: position,
            kind: if deleted_at.is_some() {
                ChangeKind::Deleted
            } else {
                ChangeKind::Changed
            },
            object: record.object.clone(),
            record_id: record.id,
            version: record.version,
            at: deleted_at.unwrap_or(record.updated_at),
            record: deleted_at.is_none().then(|| record.into()),
        }
    }
}

//! Records: what people and integrators edit. The sync carries the edits to HubSpot and back.
//!
//! A record's version is its entity tag: what `ETag` says goes into `If-Match` to change only what was read.

pub mod batch;
pub mod create;
pub mod delete;
mod fields;
pub mod get;
pub mod list;
pub mod update;

use axum::response::{IntoResponse, Response};
use partneros_domain::{Fields, RecordId, Timestamp};
use partneros_store::Record;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::condition::tagged;

/// A record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Record)]
pub struct RecordView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    pub id: RecordId,
    /// The PartnerOS object.
    pub object: String,
    /// Counts changes, from 1.
    pub version: i64,
    /// The values by field name. A field without a value is left out.
    #[schema(value_type = Object)]
    pub fields: Fields,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The last change, by people or by the sync.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// One record, with its version as the entity tag.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordBody {
    record: RecordView,
}

impl From<Record> for RecordView {
    fn from(record: Record) -> Self {
        Self {
            id: record.id,
            object: record.object,
            version: record.version,
            fields: record.fields,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

impl From<Record> for RecordBody {
    fn from(record: Record) -> Self {
        Self {
            record: record.into(),
        }
    }
}

impl IntoResponse for RecordBody {
    fn into_response(self) -> Response {
        tagged(self.record.version, &self)
    }
}

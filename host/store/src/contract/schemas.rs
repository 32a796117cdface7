//! The discovered schemas of a portal.

use async_trait::async_trait;
use partneros_domain::{ConnectionId, ObjectSchema, OrganizationId, Timestamp};

use crate::Result;

/// One discovered object type.
#[derive(Debug, Clone, PartialEq)]
pub struct CachedSchema {
    /// The object and its properties.
    pub schema: ObjectSchema,
    /// Whether it is one of the portal's own object types.
    pub custom: bool,
    /// When it was read.
    pub fetched_at: Timestamp,
}

/// Discovered schemas.
#[async_trait]
pub trait Schemas: Send + Sync {
    /// Replaces all schemas of a connection and sets its `last_sync_at`.
    async fn replace_schemas(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
        schemas: &[CachedSchema],
        at: Timestamp,
    ) -> Result<()>;
    /// All schemas of a connection by name.
    async fn schemas(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
    ) -> Result<Vec<CachedSchema>>;
    /// When the oldest schema of a connection was read; none when none was.
    async fn schemas_read_at(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
    ) -> Result<Option<Timestamp>>;
    /// The schema of one object type.
    async fn schema(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
        object: &str,
    ) -> Result<CachedSchema>;
}

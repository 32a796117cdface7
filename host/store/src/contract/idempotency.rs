//! Requests that a caller may repeat without their effect being repeated.
//!
//! Invariant: a key is taken before the request does anything, and is free again only if the request is known to have changed
//! nothing. Whatever ends in between, a crash for one, leaves the key taken: that the effect is there is not known then, and a
//! second one would be a duplicate.

use async_trait::async_trait;
use partneros_domain::{OrganizationId, Timestamp};

use crate::Result;

/// A key that a caller gave a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestKey {
    /// SHA-256 of the key and of the operation that it is for.
    pub hash: [u8; 32],
    /// SHA-256 of what was asked for.
    pub fingerprint: [u8; 32],
}

/// An answer that can be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The version of what the answer shows, as in `ETag`.
    pub entity_tag: Option<String>,
    /// The JSON body.
    pub body: Vec<u8>,
}

/// What became of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It was free, and is the caller's now.
    Now,
    /// The same request was answered before.
    Answered(KeptAnswer),
    /// The same request is under way, or was cut off.
    Unfinished,
    /// Another request has it.
    Other,
}

/// Keys of requests and their answers.
#[async_trait]
pub trait Idempotency: Send + Sync {
    /// Takes a key, and forgets those that were taken at `forget_until` or before.
    async fn take_key(
        &self,
        organization: OrganizationId,
        key: RequestKey,
        at: Timestamp,
        forget_until: Timestamp,
    ) -> Result<Taken>;
    /// Keeps the answer to the request that took the key.
    async fn keep_answer(
        &self,
        organization: OrganizationId,
        key: RequestKey,
        answer: KeptAnswer,
    ) -> Result<()>;
    /// Frees the key of a request that changed nothing.
    async fn free_key(&self, organization: OrganizationId, key: RequestKey) -> Result<()>;
}

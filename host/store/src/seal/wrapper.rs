//! What keeps data keys: a key ring, or a key management service.

use std::fmt;

use async_trait::async_trait;
use partneros_domain::OrganizationId;

use super::aead::KeyBytes;
use crate::{Error, Result};

/// Wraps data keys under keys of its own, which have names. [`crate::KeyRing`] is one; a client of a key management
/// service may be another.
///
/// Names are at most a few hundred bytes and no secret: they are stored beside what is wrapped, and shown.
#[async_trait]
pub trait KeyWrapper: Send + Sync + fmt::Debug {
    /// The name of the key that data keys are wrapped under from now on.
    async fn current(&self) -> Result<String>;

    /// Wraps a data key under the current key. The context is authenticated along.
    async fn wrap_key(&self, context: WrapContext, key: &KeyBytes) -> Result<WrappedKey>;

    /// Unwraps a data key in the same context.
    async fn unwrap_key(
        &self,
        context: WrapContext,
        wrapped: &WrappedKey,
    ) -> std::result::Result<KeyBytes, UnwrapError>;
}

/// Which data key is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WrapContext {
    /// The organization whose it is.
    pub organization: OrganizationId,
    /// Which of the organization's, from 1.
    pub number: u32,
}

/// A data key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// The name of the key that it is wrapped under.
    pub under: String,
    /// The wrapped bytes.
    pub bytes: Vec<u8>,
}

/// Why a data key is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum UnwrapError {
    /// There is no key of the name that it is wrapped under.
    #[error("failed to find key `{0}`")]
    KeyMissing(String),
    /// The wrapped bytes were changed, or moved from elsewhere.
    #[error("failed to unwrap a data key: it was changed or moved")]
    Changed,
    /// The wrapper did not get to it.
    #[error(transparent)]
    Failed(Error),
}

impl WrapContext {
    /// What is authenticated along with a data key.
    pub(super) fn bound(self) -> Vec<u8> {
        let mut bound = b"partneros data key".to_vec();
        bound.extend_from_slice(self.organization.0.as_bytes());
        bound.extend_from_slice(&self.number.to_be_bytes());
        bound
    }
}

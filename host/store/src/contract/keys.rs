//! The keys that secrets are sealed under: which are in use, how they change, and how an organization's are erased.

use async_trait::async_trait;
use partneros_domain::OrganizationId;

use crate::{Error, Result};

/// How much is under a wrapping key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The wrapping key's name.
    pub key: String,
    /// How many data keys are under it.
    pub data_keys: u64,
    /// How many secrets an older version sealed under it directly, which could not be sealed anew.
    pub secrets: u64,
}

/// What changing keys came to.
#[derive(Debug, Default)]
pub struct Rekeyed {
    /// How many data keys were wrapped anew, or made.
    pub data_keys: u64,
    /// How many secrets were sealed anew.
    pub secrets: u64,
    /// How many data keys were removed, since nothing is under them any more.
    pub removed: u64,
    /// What could not be opened, and was left as it is.
    pub unopened: Vec<Unopened>,
}

/// A data key or a secret that did not open.
#[derive(Debug)]
pub struct Unopened {
    /// Whose it is.
    pub organization: OrganizationId,
    /// Which, why, and what to do about it.
    pub error: Error,
}

/// What erasing an organization left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// Whether the write-ahead log was emptied. While another process reads it may not be; it is at its next checkpoint.
    pub log_emptied: bool,
}

/// Keys.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The wrapping keys that anything is under, by name.
    async fn key_uses(&self) -> Result<Vec<KeyUse>>;
    /// Wraps every data key anew that is not under the current wrapping key. Can be interrupted and begun again.
    async fn rewrap_data_keys(&self) -> Result<Rekeyed>;
    /// Gives every organization a new data key, seals its secrets under that, and removes the data keys that nothing is
    /// under any more. Can be interrupted and begun again.
    async fn renew_data_keys(&self) -> Result<Rekeyed>;
    /// Retires those of the wrapping keys that nothing is under, and returns them: nothing is wrapped under a retired
    /// key from then on, by any process.
    async fn retire_keys(&self, names: &[String]) -> Result<Vec<String>>;
    /// Removes an organization with its data keys and everything that is its own, in one step, and overwrites what was
    /// removed. Accounts of people stay.
    async fn erase_organization(&self, organization: OrganizationId) -> Result<Erased>;
}

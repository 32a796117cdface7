//! Plugins: uploaded components under a name, what is bound to run where, and the keys whose signatures count.
//!
//! A version is immutable and named by the sha256 of its component. Which versions run is a [`Binding`] of a scope; the
//! narrowest scope that has one wins. A version is `active` while it is a part of what some binding runs, whatever
//! changes bindings.

use std::fmt;

use async_trait::async_trait;
use partneros_domain::{ConnectionId, Digest, OrganizationId, PairId, Timestamp};
use serde_json::Value as Json;

use crate::{Page, Result};

/// How a version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// Uploaded and checked, not bound so far.
    Staged,
    /// A part of what a binding runs.
    Active,
    /// Was bound before and is no longer.
    Retired,
    /// Must not be bound until it is released.
    Quarantined,
}

/// A version to keep. `Debug` shows the size in place of the component.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPluginVersion {
    /// The sha256 of the component.
    pub digest: Digest,
    /// The name that it is a version of; a plugin of that name is made if there is none.
    pub plugin: String,
    /// The component.
    pub bytes: Vec<u8>,
    /// The world it implements.
    pub world: String,
    /// The version of the contract it was built for.
    pub contract: String,
    /// What the checks found.
    pub report: Json,
    /// The name of the trusted key whose signature came with it.
    pub signed_by: Option<String>,
    /// Now.
    pub at: Timestamp,
}

impl fmt::Debug for NewPluginVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPluginVersion")
            .field("digest", &self.digest)
            .field("plugin", &self.plugin)
            .field("size_bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// A version, without its component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginVersion {
    /// The sha256 of the component.
    pub digest: Digest,
    /// The plugin's name.
    pub plugin: String,
    /// Counts the plugin's versions, from 1; not given twice while the plugin exists.
    pub number: i64,
    /// How it is.
    pub state: VersionState,
    /// The world it implements.
    pub world: String,
    /// The version of the contract it was built for.
    pub contract: String,
    /// The size of the component.
    pub size_bytes: u64,
    /// What the checks found at upload.
    pub report: Json,
    /// The name of the trusted key whose signature came with it.
    pub signed_by: Option<String>,
    /// Why it is quarantined.
    pub reason: Option<String>,
    /// Since when it is quarantined.
    pub quarantined_at: Option<Timestamp>,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// A plugin as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginEntry {
    /// The name, unique within the organization.
    pub name: String,
    /// How many versions it has; at least one.
    pub versions: u64,
    /// The newest version.
    pub latest: Digest,
    /// The versions that are active, newest first.
    pub active: Vec<Digest>,
    /// When its first version was uploaded.
    pub created_at: Timestamp,
}

/// Where a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BindingScope {
    /// Every pair for which no narrower scope is bound.
    Organization,
    /// The pairs of a connection that are not bound themselves.
    Connection(ConnectionId),
    /// One pair.
    Pair(PairId),
}

impl fmt::Display for BindingScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization => f.write_str("organization"),
            Self::Connection(id) => write!(f, "connection {id}"),
            Self::Pair(id) => write!(f, "pair {id}"),
        }
    }
}

/// What runs: layers, the topmost first, then the mapper. Empty is the default mapper; a last part that is a layer
/// stands on the default mapper.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct MapperParts(pub Vec<Digest>);

impl MapperParts {
    /// Whether this is the default mapper alone.
    pub fn is_default(&self) -> bool {
        self.0.is_empty()
    }
}

/// What is tried beside a binding's parts, to take their place.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// What is tried.
    pub parts: MapperParts,
    /// Since when.
    pub started_at: Timestamp,
    /// After how many rows it takes over by itself; `None`: a person decides.
    pub promote_after_rows: Option<u64>,
    /// How many rows of a thousand may differ for it to take over by itself.
    pub differing_max_permille: u32,
}

/// What runs in a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Where it holds.
    pub scope: BindingScope,
    /// What runs.
    pub parts: MapperParts,
    /// What ran before, to go back to.
    pub previous: Option<MapperParts>,
    /// What is tried beside it.
    pub candidate: Option<Candidate>,
    /// How many batches failed in a row, up to the newest.
    pub failures: u32,
    /// Grows with each change of the parts, also across [`Plugins::unbind`].
    pub version: i64,
    /// When it was bound last.
    pub at: Timestamp,
}

impl Binding {
    /// Whether the version is a part of what runs, ran before or is tried.
    pub fn names(&self, digest: Digest) -> bool {
        let candidate = self.candidate.as_ref().map(|candidate| &candidate.parts);
        [Some(&self.parts), self.previous.as_ref(), candidate]
            .into_iter()
            .flatten()
            .any(|parts| parts.0.contains(&digest))
    }
}

/// A key whose signature under a component counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// Whose it is, unique within the organization.
    pub name: String,
    /// The Ed25519 public key.
    pub public_key: [u8; 32],
    /// When it was added.
    pub created_at: Timestamp,
}

/// Plugins, bindings and trusted keys.
#[async_trait]
pub trait Plugins: Send + Sync {
    /// Keeps a version, staged, with the plugin's next number. The same component under the same name again returns
    /// the version there is, as it is; under another name it is a conflict, and so is a digest that is not the
    /// component's.
    async fn put_plugin_version(
        &self,
        organization: OrganizationId,
        new: NewPluginVersion,
    ) -> Result<PluginVersion>;
    /// The plugins in the order they were first uploaded, at most `limit`, after the cursor of an earlier page.
    async fn plugins(
        &self,
        organization: OrganizationId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<PluginEntry>>;
    /// The versions of a plugin, newest first.
    async fn plugin_versions(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Vec<PluginVersion>>;
    /// One version.
    async fn plugin_version(
        &self,
        organization: OrganizationId,
        digest: Digest,
    ) -> Result<PluginVersion>;
    /// The component of a version.
    async fn plugin_bytes(&self, organization: OrganizationId, digest: Digest) -> Result<Vec<u8>>;
    /// Removes a version with its logs; a plugin goes with its last version. What was used of it stays known. A
    /// version that a binding runs, ran before or tries, or that a mapping names, is a conflict.
    async fn delete_plugin_version(
        &self,
        organization: OrganizationId,
        digest: Digest,
    ) -> Result<()>;
    /// Quarantines a version until it is released. Bindings stay as they are; a further quarantine replaces the reason
    /// and the time.
    async fn quarantine_version(
        &self,
        organization: OrganizationId,
        digest: Digest,
        reason: &str,
        at: Timestamp,
    ) -> Result<()>;
    /// Ends a quarantine: the version is staged, or active if a binding still runs it. Another is left as it is.
    async fn release_version(&self, organization: OrganizationId, digest: Digest) -> Result<()>;
    /// All bindings: the organization's, then connections', then pairs', each in the order they were made.
    async fn bindings(&self, organization: OrganizationId) -> Result<Vec<Binding>>;
    /// The scope's own binding.
    async fn binding(
        &self,
        organization: OrganizationId,
        scope: BindingScope,
    ) -> Result<Option<Binding>>;
    /// Binds the parts to the scope. What ran there before becomes `previous`, a candidate of the same parts ends, and
    /// failures are counted anew. The same parts again keep `previous` and the version.
    ///
    /// A part that is quarantined is a conflict; one that the organization does not have is not found. Whoever decided on
    /// a binding names it as `seen`: another version or candidate is a conflict.
    async fn bind(
        &self,
        organization: OrganizationId,
        scope: BindingScope,
        seen: Option<Binding>,
        parts: MapperParts,
        at: Timestamp,
    ) -> Result<Binding>;
    /// Swaps the parts and `previous`, as [`Self::bind`] would. Without one, or with one that has a quarantined part, a
    /// conflict.
    async fn roll_back(
        &self,
        organization: OrganizationId,
        scope: BindingScope,
        seen: Option<Binding>,
        at: Timestamp,
    ) -> Result<Binding>;
    /// Removes the scope's binding, so that it follows the wider one again. Without one, nothing happens.
    async fn unbind(&self, organization: OrganizationId, scope: BindingScope) -> Result<()>;
    /// Sets or ends what is tried in the scope. A scope without a binding is bound to what runs there now; ending what
    /// is tried there is not found. Parts are refused as in [`Self::bind`].
    async fn set_candidate(
        &self,
        organization: OrganizationId,
        scope: BindingScope,
        candidate: Option<Candidate>,
    ) -> Result<Binding>;
    /// Counts a batch that failed, or ends the count, and returns it: the failed batches in a row. An outcome of
    /// another version than the binding's is ignored; without a binding the count is 0.
    async fn note_plugin_outcome(
        &self,
        organization: OrganizationId,
        scope: BindingScope,
        version: i64,
        failed: bool,
    ) -> Result<u32>;
    /// The binding that holds for a pair: its own, else its connection's, else the organization's.
    async fn effective_binding(
        &self,
        organization: OrganizationId,
        pair: PairId,
    ) -> Result<Option<Binding>>;
    /// Adds a key; a name or a key that is there is a conflict.
    async fn put_trusted_key(&self, organization: OrganizationId, key: TrustedKey) -> Result<()>;
    /// The keys by name.
    async fn trusted_keys(&self, organization: OrganizationId) -> Result<Vec<TrustedKey>>;
    /// Removes a key. What was signed with it stays.
    async fn delete_trusted_key(&self, organization: OrganizationId, name: &str) -> Result<()>;
}

//! Plugins: uploaded components, what is bound to run where, and what they did.
//!
//! A version is named by the sha256 of its component and never changes. What runs changes only by a binding, so that going
//! back is as quick as going ahead; every change is in the audit log.

mod accept;
pub mod bind;
pub mod bindings;
pub mod delete;
pub mod get;
pub mod key_add;
pub mod key_delete;
pub mod keys;
pub mod list;
pub mod logs;
pub mod promote;
pub mod pull;
#[cfg(test)]
mod pull_tests;
pub mod quarantine;
pub mod release;
pub mod roll_back;
pub mod shadow;
pub mod shadow_report;
mod signature;
#[cfg(test)]
mod tests;
pub mod unbind;
pub mod upload;
pub mod usage;
pub mod versions;

use axum::http::StatusCode;
use partneros_domain::{ConnectionId, Digest, PairId, Timestamp};
use partneros_store::{Binding, BindingScope, MapperParts, PluginVersion, VersionState};
use partneros_sync::Chosen;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::api::words;
use crate::problem::Problem;

/// A version of a plugin.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PluginVersion)]
pub struct VersionView {
    /// The sha256 of the component, in hex: the version's name.
    #[schema(value_type = String)]
    sha256: Digest,
    /// The plugin.
    plugin: String,
    /// Counts the plugin's versions, from 1.
    number: i64,
    /// How it is.
    #[schema(value_type = words::VersionState)]
    state: VersionState,
    /// The world that it implements.
    world: String,
    /// The version of the contract that it implements.
    contract: String,
    /// The size of the component.
    size_bytes: u64,
    /// The trusted key whose signature came with it; null for none.
    signed_by: Option<String>,
    /// Why it is quarantined; null when it is not.
    reason: Option<String>,
    /// When it was uploaded.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<&PluginVersion> for VersionView {
    fn from(version: &PluginVersion) -> Self {
        Self {
            sha256: version.digest,
            plugin: version.plugin.clone(),
            number: version.number,
            state: version.state,
            world: version.world.clone(),
            contract: version.contract.clone(),
            size_bytes: version.size_bytes,
            signed_by: version.signed_by.clone(),
            reason: version.reason.clone(),
            created_at: version.created_at,
        }
    }
}

/// A version with what the checks found when it was uploaded.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionBody {
    version: VersionView,
    /// What the checks found.
    #[schema(value_type = Object)]
    report: Json,
}

impl From<PluginVersion> for VersionBody {
    fn from(version: PluginVersion) -> Self {
        Self {
            version: (&version).into(),
            report: version.report,
        }
    }
}

/// Where something is bound: the narrowest scope that has a binding counts for a pair.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ScopeView {
    /// Every pair for which nothing narrower is bound.
    Organization,
    /// The pairs of a connection.
    Connection(ConnectionId),
    /// One pair.
    Pair(PairId),
}

/// The form that [`ScopeView`] has in the `OpenAPI` document.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[schema(as = BindingScope, rename_all = "camelCase")]
pub enum ScopeForm {
    /// Every pair for which nothing narrower is bound.
    Organization,
    /// The pairs of a connection, by its id.
    Connection(uuid::Uuid),
    /// One pair, by its id.
    Pair(uuid::Uuid),
}

impl From<ScopeView> for BindingScope {
    fn from(scope: ScopeView) -> Self {
        match scope {
            ScopeView::Organization => Self::Organization,
            ScopeView::Connection(id) => Self::Connection(id),
            ScopeView::Pair(id) => Self::Pair(id),
        }
    }
}

impl From<BindingScope> for ScopeView {
    fn from(scope: BindingScope) -> Self {
        match scope {
            BindingScope::Organization => Self::Organization,
            BindingScope::Connection(id) => Self::Connection(id),
            BindingScope::Pair(id) => Self::Pair(id),
        }
    }
}

/// Names a scope.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InScope {
    /// Where: `"organization"`, `{"connection": id}` or `{"pair": id}`.
    #[schema(value_type = ScopeForm)]
    scope: ScopeView,
}

/// What runs in a scope.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Binding)]
pub struct BindingView {
    /// Where: `"organization"`, `{"connection": id}` or `{"pair": id}`.
    #[schema(value_type = ScopeForm)]
    scope: ScopeView,
    /// Versions by sha256: layers, the topmost first, then the mapper; empty is the default mapper, on which a last layer
    /// stands too.
    #[schema(value_type = Vec<String>)]
    parts: MapperParts,
    /// What ran before; null when nothing was bound.
    #[schema(value_type = Option<Vec<String>>)]
    previous: Option<MapperParts>,
    /// What is tried beside it; null for nothing.
    candidate: Option<CandidateView>,
    /// How many batches failed in a row.
    failures: u32,
    /// Grows with each change.
    version: i64,
    /// When it was bound last.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// What is tried beside what runs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PluginCandidate)]
pub struct CandidateView {
    /// Versions by sha256, as in a binding.
    #[schema(value_type = Vec<String>)]
    parts: MapperParts,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// After how many records it takes over by itself; null: a person decides.
    promote_after_rows: Option<u64>,
    /// How many of a thousand values may differ for that.
    differing_max_permille: u32,
}

/// A binding under its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct BindingBody {
    binding: BindingView,
    /// The sha256 of what runs: the version's own, or that of the composition of the parts.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
}

impl From<Binding> for BindingView {
    fn from(binding: Binding) -> Self {
        Self {
            scope: binding.scope.into(),
            parts: binding.parts,
            previous: binding.previous,
            candidate: binding.candidate.map(|candidate| CandidateView {
                parts: candidate.parts,
                started_at: candidate.started_at,
                promote_after_rows: candidate.promote_after_rows,
                differing_max_permille: candidate.differing_max_permille,
            }),
            failures: binding.failures,
            version: binding.version,
            at: binding.at,
        }
    }
}

impl From<Chosen> for BindingBody {
    fn from(chosen: Chosen) -> Self {
        Self {
            binding: chosen.binding.into(),
            digest: Some(chosen.digest),
        }
    }
}

/// A change that what is bound does not allow.
#[derive(Debug, thiserror::Error)]
#[error("failed because {0}")]
struct Refused(String);

/// Conflicts of the store, in the store's words.
fn refused(error: partneros_sync::Error) -> Problem {
    match error {
        partneros_sync::Error::Store(error @ partneros_store::Error::Conflict { .. }) => {
            of_conflict(error)
        }
        error => error.into(),
    }
}

fn of_conflict(error: partneros_store::Error) -> Problem {
    match error {
        partneros_store::Error::Conflict { .. } => {
            let refused = Refused(error.to_string());
            Problem::new(StatusCode::CONFLICT, "plugin_conflict", &refused)
        }
        error => error.into(),
    }
}

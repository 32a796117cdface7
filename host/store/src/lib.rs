//! Storage: the contract that the rest of the host is written against, and the engine that keeps it in an embedded
//! SQLite file.
//!
//! [`Store`] is the contract, one trait an aggregate. Every method takes the organization first and never shows or
//! touches another's rows: what belongs to somebody else does not exist. `conformance` holds the tests that any engine
//! must pass.
//!
//! Invariant: one method is one transaction. A page of synced rows and the cursor behind it go through
//! [`SyncState::commit`] together, or not at all.

#[cfg(feature = "conformance")]
pub mod conformance;
mod contract;
mod error;
mod seal;
mod sqlite;

pub use contract::alerts::{Alert, AlertId, AlertState, Alerts, Mark, NewAlert, Severity};
pub use contract::audit::{Act, Audit, AuditEvent, EventFilter, EventId, NewEvent};
pub use contract::brakes::{
    Brake, BrakeDecision, BrakeKey, BrakeLimit, BrakeSample, BrakeVerdict, Brakes, NotedChange,
    Tripped, Watched,
};
pub use contract::changes::{Change, Changes};
pub use contract::condition::Condition;
pub use contract::connections::{
    Access, Connection, ConnectionStatus, Connections, Credential, Forgotten, NewConnection,
    OAuthState, OtherPortal, TokenSet,
};
pub use contract::former_links::{
    ChangedLink, Detached, FormerLink, FormerLinks, LinkChange, LinkCommit, LinkStep, Parting,
    Rounds,
};
pub use contract::health::{Health, LAG_HOURS_KEPT, LagHour, PairLags, RunStats};
pub use contract::held::{HeldQuery, HeldValue, SoughtValues};
pub use contract::idempotency::{Idempotency, KeptAnswer, RequestKey, Taken};
pub use contract::journals::{
    ASSOCIATED_OBJECTS_MAX, HINTED_OBJECTS_MAX, HintedObject, JournalHint, JournalLease,
    JournalState, JournalStep, JournaledObject, Journals, Sign,
};
pub use contract::keys::{Erased, KeyUse, Keys, Rekeyed, Unopened};
pub use contract::members::{Invitation, Joining, Member, Members, NewInvitation, User};
pub use contract::organizations::{
    ApiToken, NewApiToken, Organization, Organizations, TokenHolder,
};
pub use contract::pair_audits::{
    AuditFigures, AuditSample, AuditedLink, PAIR_AUDITS_KEPT, PairAudit, PairAudits,
};
pub use contract::pairs::{DuePair, MappingSet, PairPatch, PairSetup, Pairs};
pub use contract::plugin_activity::{PluginActivity, PluginCallLog, PluginUsage};
pub use contract::plugins::{
    Binding, BindingScope, Candidate, MapperParts, NewPluginVersion, PluginEntry, PluginVersion,
    Plugins, TrustedKey, VersionState,
};
pub use contract::records::{NewRecord, Page, Record, RecordChange, RecordPatch, Records};
pub use contract::runs::{
    Counts, NewRun, NextAudit, Run, RunEnd, RunKind, RunOutcome, RunTrigger, Runs,
};
pub use contract::schemas::{CachedSchema, Schemas};
pub use contract::sessions::{ActiveOrganization, NewSession, Session, Sessions};
pub use contract::sync::{
    Commit, Committed, ConflictEntry, Cursor, DeletedRecord, Effect, FailureEntry, FailureStage,
    Ground, Lease, Link, LinkedRecord, NewConflict, NewFailure, OBJECT_MISSING, OutboxEffect,
    OutboxEntry, RecordEffect, SyncState, TUG_OF_WAR, Unlinked,
};
pub use contract::webhooks::{
    Attempt, ClaimedDelivery, Delivery, DeliveryState, DisabledReason, NewWebhook,
    WEBHOOK_PENDING_MAX, Webhook, WebhookId, WebhookPatch, Webhooks,
};
pub use error::{Error, SealProblem};
pub use seal::{
    KeyBytes, KeyRing, KeyWrapper, RingEdit, RingKeyInfo, UnwrapError, WrapContext, WrappedKey,
};
pub use sqlite::{
    DATABASE_VERSION, DatabaseSummary, Options, Sqlite, Steps, Threads, back_up, check_database,
    check_writable, restore,
};

/// The result of a storage operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that a storage engine keeps.
pub trait Store:
    Organizations
    + Members
    + Sessions
    + Connections
    + Schemas
    + Pairs
    + Records
    + SyncState
    + FormerLinks
    + Brakes
    + PairAudits
    + Runs
    + Plugins
    + PluginActivity
    + Audit
    + Alerts
    + Webhooks
    + Changes
    + Health
    + Idempotency
    + Journals
    + Keys
    + Condition
    + std::fmt::Debug
{
}

impl<T> Store for T where
    T: Organizations
        + Members
        + Sessions
        + Connections
        + Schemas
        + Pairs
        + Records
        + SyncState
        + FormerLinks
        + Brakes
        + PairAudits
        + Runs
        + Plugins
        + PluginActivity
        + Audit
        + Alerts
        + Webhooks
        + Changes
        + Health
        + Idempotency
        + Journals
        + Keys
        + Condition
        + std::fmt::Debug
{
}

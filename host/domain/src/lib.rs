//! The words of the sync and the rules that hold between them: objects, fields, values, mappings, links and the
//! three-way decision.
//!
//! Everything here is pure: no I/O, no async, no clock, no randomness. Time arrives as a [`Timestamp`], identifiers
//! are made by the caller. What crosses the plugin boundary ([`plan`], [`Column`]) is defined here too, so that the
//! runtime and the sync engine share it without knowing one another.

mod alert;
mod base;
mod column;
mod decide;
mod digest;
mod drift;
mod event;
mod fields;
mod id;
mod lag;
mod mapping;
pub mod object;
mod pair;
pub mod plan;
mod role;
mod schema;
mod suggestion;
mod time;
mod tug;
mod value;

pub use alert::AlertKind;
pub use base::{Agreed, Base, Sent, hubspot_changed, partneros_changed, rule_digest};
pub use column::{Column, ColumnKind};
pub use decide::{ConflictRule, Decision, Facts, Side, decide};
pub use digest::{Digest, InvalidDigest};
pub use drift::{ChoiceDrift, Drift, Retyped};
pub use event::EventType;
pub use fields::{FieldName, Fields, Named, Properties};
pub use id::{
    ConnectionId, HubSpotId, InvalidId, InvitationId, MemberId, OrganizationId, PairId, RecordId,
    RunId, TokenId, UserId,
};
pub use lag::{LagHistogram, Lags, Stages};
pub use mapping::{
    ConflictPolicy, Direction, FieldMapping, MappingError, MappingState, Mappings,
    OPTIONS_BYTES_MAX, RulePlugin,
};
pub use pair::{DeletePolicy, MatchKey, ObjectPair, PairState, PluginFailurePolicy, Thresholds};
pub use role::{InvalidRole, Permission, Role};
pub use schema::{ChoiceOption, DataType, FieldSchema, ObjectSchema};
pub use suggestion::{Candidate, Description, Reason, Suggestion};
pub use time::{InvalidTimestamp, Timestamp};
pub use tug::Tug;
pub use value::{InvalidValue, Value};

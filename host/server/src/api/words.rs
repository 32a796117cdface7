//! The enumerated values of the wire, named for the `OpenAPI` document.
//!
//! The types here stand for those of the domain and the store, which know nothing of `OpenAPI`. A test holds each list
//! against what serde accepts, so that the two cannot drift apart.

use partneros_domain as domain;
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::{ObjectBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = [$($word:literal),+];)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name;

            impl $name {
                #[cfg(test)]
                const ALL: &[&str] = &[$($word),+];
            }

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    ObjectBuilder::new()
                        .schema_type(SchemaType::Type(Type::String))
                        .enum_values(Some([$($word),+]))
                        .into()
                }
            }

            impl ToSchema for $name {}
        )*
    };
}

words! {
    /// What a connection gets in with: a person's consent to the host's app, or the token of a private app.
    Access = ["oauth", "private_app"];
    /// What was done to a record.
    ChangeKind = ["changed", "deleted"];
    /// What a member or a token is in an organization, the most powerful last.
    Role = ["viewer", "member", "admin", "owner"];
    /// Where values may flow.
    Direction = ["bidirectional", "partneros_to_hubspot", "hubspot_to_partneros"];
    /// Whose value stays when both sides changed.
    ConflictPolicy = ["partneros_wins", "crm_wins", "newest_wins"];
    /// How far a mapping has come.
    MappingState = ["auto_mapped", "suggested", "confirmed", "unmapped", "ignored"];
    /// Whether a pair syncs.
    PairState = ["draft", "active", "paused", "braked"];
    /// What happens when a plugin fails on a batch.
    PluginFailurePolicy = ["park_record", "skip_field", "last_good_version"];
    /// What becomes of the other side when a record or its HubSpot object is deleted: it stays, or is deleted too.
    DeletePolicy = ["unlink", "mirror"];
    /// What somebody decided about a mass change that the brake has stopped.
    BrakeVerdict = ["approved", "discarded"];
    /// Why a record has its HubSpot object no more: it is in HubSpot's archive, is not to be found, was merged into another, or
    /// was archived with the record.
    Parting = ["archived", "missing", "merged", "deleted"];
    /// How a version of a plugin is.
    VersionState = ["staged", "active", "retired", "quarantined"];
    /// What became of a message to a webhook.
    DeliveryState = ["pending", "delivered", "dead"];
    /// Why the host disabled a webhook.
    DisabledReason = ["failing", "queue_full"];
    /// How far an alert has come.
    AlertState = ["open", "acknowledged", "resolved"];
    /// How urgent an alert is.
    Severity = ["critical", "warning"];
    /// The type of a field.
    DataType = ["text", "integer", "number", "boolean", "date", "datetime", "choice", "multi-choice", "reference"];
    /// How a connection is.
    ConnectionStatus = ["active", "error", "disconnected", "reauth_required"];
    /// What a run covers.
    RunKind = ["first", "incremental", "full", "audit"];
    /// What set a run off.
    RunTrigger = ["schedule", "manual"];
    /// How a run ended, or that it has not.
    RunOutcome = ["running", "succeeded", "failed", "interrupted"];
    /// One of the two sides.
    Side = ["partneros", "hubspot"];
    /// Why a conflict was settled as it was.
    ConflictRule = ["policy", "newest", "direction", "discarded"];
    /// Where a failure happened.
    FailureStage = ["pull", "push"];
}

/// The types of audit events. There are ever more, so the schema names them and takes any text.
#[derive(Debug)]
pub struct EventType;

impl PartialSchema for EventType {
    fn schema() -> RefOr<Schema> {
        let rows = domain::EventType::ALL.iter();
        let rows = rows.map(|event| format!("| `{event}` | {} |\n", event.meaning()));
        growing("What was done", "| type | meaning |\n| --- | --- |\n", rows)
    }
}

impl ToSchema for EventType {}

/// The kinds of alerts, of which there are ever more too.
#[derive(Debug)]
pub struct AlertKind;

impl PartialSchema for AlertKind {
    fn schema() -> RefOr<Schema> {
        let rows = domain::AlertKind::ALL.iter();
        let rows =
            rows.map(|kind| format!("| `{kind}` | {} | {} |\n", kind.title(), kind.meaning()));
        let head = "| kind | title | meaning |\n| --- | --- | --- |\n";
        growing("What needs a person", head, rows)
    }
}

impl ToSchema for AlertKind {}

/// A text with a table of what it may be today.
fn growing(what: &str, head: &str, rows: impl Iterator<Item = String>) -> RefOr<Schema> {
    let rows: String = rows.collect();
    let text = format!("{what}. Other versions of this host may know others.\n\n{head}{rows}");
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .description(Some(text))
        .into()
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;

    /// Serde lists what it accepts in the error about a word that it does not.
    fn assert_same<T: DeserializeOwned>(words: &[&str]) {
        let error = serde_json::from_str::<T>("\"?\"")
            .map(|_| ())
            .unwrap_err()
            .to_string();
        let expected = error.split_once("expected").unwrap().1;
        let known: Vec<_> = expected.split('`').skip(1).step_by(2).collect();
        assert_eq!(known, words);
    }

    #[test]
    fn the_words_are_those_that_are_read_and_written() {
        assert_same::<crate::api::changes::ChangeKind>(ChangeKind::ALL);
        assert_same::<partneros_domain::Role>(Role::ALL);
        assert_same::<partneros_domain::Direction>(Direction::ALL);
        assert_same::<partneros_domain::ConflictPolicy>(ConflictPolicy::ALL);
        assert_same::<partneros_domain::MappingState>(MappingState::ALL);
        assert_same::<partneros_domain::PairState>(PairState::ALL);
        assert_same::<partneros_domain::PluginFailurePolicy>(PluginFailurePolicy::ALL);
        assert_same::<partneros_domain::DeletePolicy>(DeletePolicy::ALL);
        assert_same::<partneros_store::Parting>(Parting::ALL);
        assert_same::<partneros_store::BrakeVerdict>(BrakeVerdict::ALL);
        assert_same::<partneros_store::VersionState>(VersionState::ALL);
        assert_same::<partneros_store::DeliveryState>(DeliveryState::ALL);
        assert_same::<partneros_store::DisabledReason>(DisabledReason::ALL);
        assert_same::<partneros_store::AlertState>(AlertState::ALL);
        assert_same::<partneros_store::Severity>(Severity::ALL);
        assert_same::<partneros_domain::DataType>(DataType::ALL);
        assert_same::<partneros_store::Access>(Access::ALL);
        assert_same::<partneros_store::ConnectionStatus>(ConnectionStatus::ALL);
        assert_same::<partneros_store::RunKind>(RunKind::ALL);
        assert_same::<partneros_store::RunTrigger>(RunTrigger::ALL);
        assert_same::<partneros_store::RunOutcome>(RunOutcome::ALL);
        assert_same::<partneros_domain::Side>(Side::ALL);
        assert_same::<partneros_domain::ConflictRule>(ConflictRule::ALL);
        assert_same::<partneros_store::FailureStage>(FailureStage::ALL);
    }
}

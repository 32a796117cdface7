//! What can stop the engine as a whole. What concerns single records is a failure in the store instead.

use partneros_domain::{Digest, FieldName, MappingError};
use partneros_runtime::{CallError, ComposeError, InvalidPlan, LoadError};

use crate::bundle::BundledPlugin;

/// An engine operation that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error("failed to use the store")]
    Store(#[from] partneros_store::Error),
    /// The schema could not be read.
    #[error("failed to read the portal's schema")]
    Discover(#[source] partneros_hubspot::Error),
    /// A page of changes could not be read.
    #[error("failed to pull from HubSpot")]
    Pull(#[source] partneros_hubspot::Error),
    /// A batch of changes could not be written.
    #[error("failed to push to HubSpot")]
    Push(#[source] partneros_hubspot::Error),
    /// HubSpot's change journal could not be read.
    #[error("failed to read HubSpot's change journal")]
    Journal(#[source] partneros_hubspot::Error),
    /// HubSpot's change journal cannot be read, once more within hours.
    #[error("failed to read HubSpot's change journal without missing entries again: {0}")]
    JournalUnreadable(String),
    /// Another process reads the journal by now.
    #[error("failed to go on with HubSpot's change journal: another process has taken over")]
    JournalTaken,
    /// The portal could not be prepared for syncing.
    #[error("failed to create property `partneros_record_id` on HubSpot object `{object}`")]
    Prepare {
        /// The object type.
        object: String,
        /// HubSpot's answer.
        #[source]
        source: partneros_hubspot::Error,
    },
    /// The property exists, but was made by somebody else in a way that cannot identify objects.
    #[error(
        "failed to use property `partneros_record_id` of HubSpot object `{0}`: it is not unique; delete it in HubSpot, then try again"
    )]
    KeyNotUnique(String),
    /// An admin changed the pair while it was synced.
    #[error("failed because the pair was changed meanwhile; the next run obeys its new settings")]
    Superseded,
    /// The connection's portal is not to be had.
    #[error("failed to reach the connection's portal: {0}")]
    NotConnected(String),
    /// The mapper component failed for a whole batch.
    #[error("failed to run the mapper")]
    Mapper(#[from] CallError),
    /// The mapper component could not be loaded.
    #[error("failed to load the mapper")]
    Load(#[from] LoadError),
    /// The parts of a mapper do not fit together.
    #[error("failed to compose the mapper")]
    Compose(#[source] ComposeError),
    /// A version that is bound, or to be bound, is out of use.
    #[error(
        "failed because version {digest} of plugin `{plugin}` is quarantined: {reason}; bind another version, or release it"
    )]
    Quarantined {
        /// The plugin.
        plugin: String,
        /// The version.
        digest: Digest,
        /// Why.
        reason: String,
    },
    /// More layers than can be bound.
    #[error("failed to bind {layers} layers over a mapper: {layers_max} are allowed")]
    TooManyLayers {
        /// How many there are.
        layers: usize,
        /// The limit.
        layers_max: usize,
    },
    /// What is to be bound does not suggest and transform.
    #[error(
        "failed to bind a component of world `{0}` as a mapper: it must export `suggest` and `transform`; name a `transformer` in single rules instead"
    )]
    NoMapper(String),
    /// There is no candidate to take over.
    #[error("failed to promote: nothing is tried in this scope; start a shadow first")]
    NoCandidate,
    /// A bundle is of another object than the pair.
    #[error("failed to use the bundle: it is of object `{bundled}`, and the pair of `{own}`")]
    OtherObject {
        /// The bundle's.
        bundled: String,
        /// The pair's.
        own: String,
    },
    /// A bundle has more fixtures than are tried.
    #[error("failed to use the bundle: it has {fixtures} fixtures, {fixtures_max} are allowed")]
    TooManyFixtures {
        /// How many there are.
        fixtures: usize,
        /// The limit.
        fixtures_max: usize,
    },
    /// A bundle needs plugins that are not to be had.
    #[error(
        "failed to use the bundle: the organization has no version {} that may run; upload what is missing first",
        digests(.0)
    )]
    MissingPlugins(Vec<BundledPlugin>),
    /// Fixtures of a bundle come out differently.
    #[error(
        "failed to use the bundle: {0} values of its fixtures come out differently here; compare it, and accept the differences if they are right"
    )]
    FixturesDiffer(usize),
    /// A rule names a plugin that is not to be had.
    #[error("failed to find plugin `{0}`, which a mapping names")]
    UnknownPlugin(String),
    /// A sample record that cannot be read.
    #[error("failed to read sample value `{name}`: {problem}")]
    InvalidSample {
        /// The field or property.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// The mapper's plan cannot be made of the mappings.
    #[error("failed to prepare the mapper's plan")]
    InvalidPlan(#[source] InvalidPlan),
    /// HubSpot no longer has a property that is mapped.
    #[error("failed because HubSpot no longer has the properties {}", names(.0))]
    SchemaChanged(Vec<FieldName>),
    /// The mappings cannot be used; each problem names its field.
    #[error("failed to use the mappings: {}", list(.0))]
    Mappings(Vec<MappingProblem>),
    /// The PartnerOS or HubSpot object is not known.
    #[error("failed to find {side} object `{name}`")]
    UnknownObject {
        /// Whose object.
        side: &'static str,
        /// Its name.
        name: String,
    },
    /// The PartnerOS object has no such field.
    #[error("failed to find field `{field}` in PartnerOS object `{object}`")]
    UnknownField {
        /// The object.
        object: String,
        /// The field.
        field: String,
    },
    /// Another worker holds the pair.
    #[error("failed because a sync of this pair is under way")]
    Busy,
    /// The pair is not active.
    #[error("failed because the pair is not active; activate it first")]
    NotActive,
    /// The brake has stopped the pair.
    #[error(
        "failed because too much was about to change at once; approve or discard the change first"
    )]
    Braked,
    /// HubSpot listed objects in another order than by id, so that an audit cannot tell whether it saw all.
    #[error("failed to audit HubSpot object `{0}`: HubSpot did not list it in order of id")]
    ListOutOfOrder(String),
    /// Records were edited again and again while they were synced.
    #[error("failed to settle {0} records that keep being edited; the next run tries again")]
    Raced(usize),
    /// The host is shutting down.
    #[error("failed because the host is shutting down; the next run goes on from here")]
    Interrupted,
    /// A blocking task was lost.
    #[error("failed to finish a computation")]
    Task(#[from] tokio::task::JoinError),
}

impl Error {
    /// HubSpot's error, if that is the cause.
    pub fn hubspot(&self) -> Option<&partneros_hubspot::Error> {
        match self {
            Self::Discover(error)
            | Self::Pull(error)
            | Self::Push(error)
            | Self::Journal(error) => Some(error),
            Self::Prepare { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// What is wrong with one mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingProblem {
    /// The PartnerOS field.
    pub field: Option<String>,
    /// A stable code.
    pub code: String,
    /// What is wrong and what to change.
    pub message: String,
}

impl From<&MappingError> for MappingProblem {
    fn from(error: &MappingError) -> Self {
        let (field, code) = match error {
            MappingError::UnknownField { field, .. } => (Some(field), "unknown_field"),
            MappingError::UnknownProperty { .. } => (None, "unknown_property"),
            MappingError::MissingProperty { field } => (Some(field), "missing_property"),
            MappingError::PropertyTaken { .. } => (None, "property_taken"),
            MappingError::ReadOnlyProperty { field, .. } => (Some(field), "read_only_property"),
            MappingError::ReadOnlyField { field } => (Some(field), "read_only_field"),
            MappingError::NoDirection { field } => (Some(field), "no_direction"),
            MappingError::InvalidOptions { field } => (Some(field), "invalid_options"),
        };
        Self {
            field: field.cloned(),
            code: code.to_owned(),
            message: error.to_string(),
        }
    }
}

fn names(names: &[FieldName]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn list(problems: &[MappingProblem]) -> String {
    let messages: Vec<_> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    messages.join("; ")
}

fn digests(plugins: &[BundledPlugin]) -> String {
    let named: Vec<_> = plugins
        .iter()
        .map(|BundledPlugin { digest, plugin }| format!("{digest} of plugin `{plugin}`"))
        .collect();
    named.join(", nor ")
}

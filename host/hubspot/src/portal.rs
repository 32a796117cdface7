//! What the sync needs of a HubSpot portal, as a trait.
//!
//! [`crate::Client`] implements it over HTTP for one connection; the simulator implements it over its state. Rows are
//! columnar from the start: a page of search results is parsed straight into the columns that a plugin receives.
//!
//! Invariant: in a [`Rows`] all columns and lists have the same length, and "no value" (HubSpot's null and "") is `None`.

use async_trait::async_trait;
use partneros_domain::{FieldName, HubSpotId, Timestamp};

use crate::budget::RateLimit;
use crate::error::Error;
use crate::model::{AccountInfo, CustomSchema, NewProperty, Owner, Pipeline, Property};

/// The most objects HubSpot takes or returns in a batch call.
pub const BATCH_MAX: usize = 100;
/// The most objects HubSpot returns with the history of properties.
pub const HISTORY_BATCH_MAX: usize = 50;
/// The most results HubSpot returns for a search.
pub const SEARCH_PAGE_MAX: usize = 200;

/// Whom a call serves; under a tight budget the first goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A person waits for the answer.
    Interactive,
    /// Local edits on their way out.
    Push,
    /// The regular poll.
    Poll,
    /// A first or full sync, or an audit.
    Backfill,
}

/// Objects as columns: row `i` of every list is the same object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// The objects' ids.
    pub ids: Vec<HubSpotId>,
    /// When HubSpot says each was last modified.
    pub updated_at: Vec<Timestamp>,
    /// Whether each is archived.
    pub archived: Vec<bool>,
    /// One column for each requested property, in the order of the request.
    pub columns: Vec<Vec<Option<String>>>,
    /// For each column, whether no row of this answer had the property at all, not even as null. HubSpot leaves out
    /// properties that are not defined (any more); that must not be taken for "cleared".
    pub absent: Vec<bool>,
}

impl Rows {
    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// Where in the order of modification a search starts.
///
/// Searches never page by offset: results that are modified meanwhile would shift the offsets of those behind them, and
/// HubSpot refuses offsets beyond 10,000. Each page starts where the last one ended instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Modified at or after this instant, in order of modification.
    Since(Timestamp),
    /// Modified at or after an instant with an id above `after`, in order of id: for when the order of modification cannot
    /// be followed, because what search finds was modified again since its index last knew.
    ById {
        /// The instant.
        since: Timestamp,
        /// The last id seen, if any.
        after: Option<HubSpotId>,
    },
    /// Modified at exactly this instant with an id above `after`, in order of id: drains an instant that holds more
    /// objects than a page.
    Within {
        /// The instant.
        at: Timestamp,
        /// The last id seen, if any.
        after: Option<HubSpotId>,
    },
}

/// A search for modified objects.
#[derive(Debug, Clone)]
pub struct Search<'a> {
    /// The object type, such as `companies`.
    pub object: &'a str,
    /// The properties wanted, in the order of the columns to return.
    pub properties: &'a [FieldName],
    /// Where to start.
    pub window: Window,
    /// How many results at most, up to [`SEARCH_PAGE_MAX`].
    pub limit: usize,
    /// Whom it serves.
    pub priority: Priority,
}

/// The results of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchPage {
    /// How many objects HubSpot says match.
    pub total: u64,
    /// The objects.
    pub rows: Rows,
}

/// A page of all objects of a type, live or archived.
#[derive(Debug, Clone, Copy)]
pub struct List<'a> {
    /// The object type, such as `companies`.
    pub object: &'a str,
    /// The properties wanted, in the order of the columns to return.
    pub properties: &'a [FieldName],
    /// Whether the archived objects are listed, or the live ones.
    pub archived: bool,
    /// The cursor that the page before gave; none for the first.
    pub after: Option<&'a str>,
    /// Whom it serves.
    pub priority: Priority,
}

/// Objects read by id.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadBatch {
    /// Those found, in HubSpot's order. A merged id comes back as the object it was merged into, with that object's id.
    pub rows: Rows,
    /// The ids that were not found.
    pub missing: Vec<HubSpotId>,
}

/// A value that a property has or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyVersion {
    /// The value; none when it was cleared.
    pub value: Option<String>,
    /// When it was written.
    pub at: Timestamp,
    /// What wrote it, in HubSpot's words: `INTEGRATION`, `CRM_UI`, `AUTOMATION_PLATFORM` and many more.
    pub source_type: String,
    /// Which one of its kind, such as the number of an app, if HubSpot says.
    pub source_id: Option<String>,
    /// Its name, if HubSpot says.
    pub source_label: Option<String>,
}

/// What properties of an object held over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectHistory {
    /// The object.
    pub id: HubSpotId,
    /// The versions of each property that was asked for, in the order of the request, the newest first. HubSpot keeps a
    /// few, depending on the object type.
    pub versions: Vec<Vec<PropertyVersion>>,
}

/// A change to one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The object.
    pub id: HubSpotId,
    /// What to set. `None` clears the property.
    pub properties: Vec<(FieldName, Option<String>)>,
}

/// An object to create, or to update when one with this key exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upsert {
    /// The value of the unique property that identifies the object.
    pub key: String,
    /// What to set. `None` clears the property.
    pub properties: Vec<(FieldName, Option<String>)>,
}

/// What became of one row of a batch write, in the order of the input.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// Written.
    Done(WrittenObject),
    /// Refused; the others of the batch may have gone through.
    Refused(RowError),
}

/// An object as HubSpot says it is after a write.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenObject {
    /// The object's id.
    pub id: HubSpotId,
    /// Its new modification time.
    pub updated_at: Timestamp,
    /// Whether the write created it. Always `false` for an update.
    pub created: bool,
    /// The properties in the answer: those written and some that HubSpot computes, not the whole object.
    pub properties: partneros_domain::Properties,
}

/// Why HubSpot refused one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// HubSpot's category, such as `VALIDATION_ERROR` or `OBJECT_NOT_FOUND`.
    pub category: String,
    /// HubSpot's message.
    pub message: String,
    /// What is wrong with which property, as far as HubSpot says.
    pub properties: Vec<PropertyError>,
    /// HubSpot's id of the failed call, for its support.
    pub correlation_id: Option<String>,
}

/// Why HubSpot refused a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyError {
    /// The property, when HubSpot names it.
    pub property: Option<FieldName>,
    /// HubSpot's code, such as `INVALID_OPTION` or `PROPERTY_DOESNT_EXIST`.
    pub code: String,
    /// HubSpot's message.
    pub message: String,
}

/// One authorised portal.
///
/// Implementations keep to the portal's rate limits, wait and retry what is worth retrying, and return an error only
/// when that did not help. Every method is safe to repeat.
#[async_trait]
pub trait Portal: Send + Sync {
    /// What HubSpot last said is left of the app's limits; none before it said anything.
    fn rate_limit_remaining(&self) -> Option<RateLimit> {
        None
    }

    /// Searches objects by modification time.
    async fn search(&self, search: Search<'_>) -> Result<SearchPage, Error>;

    /// Reads up to [`BATCH_MAX`] objects by id.
    async fn read_batch(
        &self,
        object: &str,
        properties: &[FieldName],
        ids: &[HubSpotId],
        priority: Priority,
    ) -> Result<ReadBatch, Error>;

    /// Reads what properties of up to [`HISTORY_BATCH_MAX`] objects held over time. Objects that are not found are left out;
    /// a merged id comes back as what it was merged into.
    async fn read_history(
        &self,
        object: &str,
        properties: &[FieldName],
        ids: &[HubSpotId],
        priority: Priority,
    ) -> Result<Vec<ObjectHistory>, Error>;

    /// Reads up to [`BATCH_MAX`] objects by a unique property; keys that no object has are left out.
    async fn read_by_key(
        &self,
        object: &str,
        properties: &[FieldName],
        key_property: &FieldName,
        keys: &[String],
        priority: Priority,
    ) -> Result<Rows, Error>;

    /// Updates up to [`BATCH_MAX`] objects. A batch that HubSpot refuses as a whole because of single rows is split
    /// until those rows are found.
    async fn update_batch(
        &self,
        object: &str,
        updates: &[Update],
        priority: Priority,
    ) -> Result<Vec<Written>, Error>;

    /// Creates or updates up to [`BATCH_MAX`] objects by a unique property; split as [`Self::update_batch`].
    async fn upsert_batch(
        &self,
        object: &str,
        key_property: &FieldName,
        upserts: &[Upsert],
        priority: Priority,
    ) -> Result<Vec<Written>, Error>;

    /// Archives up to [`BATCH_MAX`] objects; ids that are unknown or archived already are ignored.
    async fn archive_batch(
        &self,
        object: &str,
        ids: &[HubSpotId],
        priority: Priority,
    ) -> Result<(), Error>;

    /// Lists a page of up to [`BATCH_MAX`] objects in order of id, and the cursor of the next page. Unlike a search it shows
    /// what is there, not what an index knew a while ago.
    async fn list(&self, list: List<'_>) -> Result<(Rows, Option<String>), Error>;

    /// The properties of an object type.
    async fn properties(&self, object: &str) -> Result<Vec<Property>, Error>;

    /// Creates a property. One that exists already under this name is returned as it is.
    async fn create_property(
        &self,
        object: &str,
        property: &NewProperty,
    ) -> Result<Property, Error>;

    /// The custom object types; none where the portal's tier or the granted scopes have none.
    async fn custom_schemas(&self) -> Result<Vec<CustomSchema>, Error>;

    /// The pipelines of an object type.
    async fn pipelines(&self, object: &str) -> Result<Vec<Pipeline>, Error>;

    /// The people that records can belong to.
    async fn owners(&self) -> Result<Vec<Owner>, Error>;

    /// What the portal says of itself.
    async fn account_info(&self) -> Result<AccountInfo, Error>;
}

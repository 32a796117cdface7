//! What the app under test has written, so that a test can say "and nothing else".
//!
//! Only the app's own writes are listed, never a person's or HubSpot's. The list is bounded, the counters are not.

use std::collections::{BTreeMap, VecDeque};

use partneros_domain::Timestamp;
use serde::Serialize;

/// Writes kept in the list; older ones stay in the counters only.
pub const WRITES_LISTED_MAX: usize = 10_000;

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteKind {
    /// A new record.
    Create,
    /// A record changed.
    Update,
    /// A record was written and has the values it had before.
    UnchangedUpdate,
    /// A record was archived.
    Archive,
    /// Two records became one.
    Merge,
    /// A property definition was made, changed or archived.
    Property,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Write {
    /// When.
    pub at: Timestamp,
    /// The type's plural name.
    pub object_type: String,
    /// The record; 0 for a property definition.
    pub id: u64,
    /// What it did.
    pub kind: WriteKind,
    /// The properties that were sent.
    pub properties: Vec<String>,
}

/// Counters of one object type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// New records.
    pub creates: u64,
    /// Changed records.
    pub updates: u64,
    /// Writes that changed nothing.
    pub unchanged_updates: u64,
    /// Archived records.
    pub archives: u64,
    /// Merges.
    pub merges: u64,
    /// Property definitions made, changed or archived.
    pub properties: u64,
}

impl Counts {
    /// Writes of every kind.
    pub const fn total(&self) -> u64 {
        self.creates
            + self.updates
            + self.unchanged_updates
            + self.archives
            + self.merges
            + self.properties
    }
}

/// All writes of the app.
#[derive(Debug, Clone, Default)]
pub struct WriteLog {
    writes: VecDeque<Write>,
    counts: BTreeMap<String, Counts>,
}

impl WriteLog {
    /// The newest writes, oldest first.
    pub fn list(&self) -> impl Iterator<Item = &Write> {
        self.writes.iter()
    }

    /// The counters by object type.
    pub fn counts(&self) -> &BTreeMap<String, Counts> {
        &self.counts
    }

    /// The counters of one type, by its plural name.
    pub fn of(&self, object_type: &str) -> Counts {
        self.counts.get(object_type).copied().unwrap_or_default()
    }

    /// Writes of every kind to every type.
    pub fn total(&self) -> u64 {
        self.counts.values().map(Counts::total).sum()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn record(&mut self, write: Write) {
        let counts = self.counts.entry(write.object_type.clone()).or_default();
        let counter = match write.kind {
            WriteKind::Create => &mut counts.creates,
            WriteKind::Update => &mut counts.updates,
            WriteKind::UnchangedUpdate => &mut counts.unchanged_updates,
            WriteKind::Archive => &mut counts.archives,
            WriteKind::Merge => &mut counts.merges,
            WriteKind::Property => &mut counts.properties,
        };
        *counter += 1;
        if self.writes.len() == WRITES_LISTED_MAX {
            self.writes.pop_front();
        }
        self.writes.push_back(write);
    }
}

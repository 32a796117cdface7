//! The object types of a portal, their records, and the indexes over them.
//!
//! A type owns three things that must agree: the records, the unique values of live records, and what search can see.
//! Records change only through [`ObjectType::insert`], [`ObjectType::change`] and [`ObjectType::remove`], which keep
//! them in step.

use std::collections::{BTreeMap, HashMap};

use partneros_domain::Timestamp;

use super::index::SearchIndex;
use super::property::Registry;
use super::record::{PropertyIx, Record};

/// A type's position in its portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeIx(pub usize);

/// Which of HubSpot's objects a type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `0-1`.
    Contacts,
    /// `0-2`.
    Companies,
    /// `0-3`.
    Deals,
    /// `2-…`, defined by the customer.
    Custom,
}

/// One object type.
#[derive(Debug, Clone)]
pub struct ObjectType {
    /// Which it is.
    pub kind: Kind,
    /// Such as `0-2`.
    pub type_id: String,
    /// Such as `companies`; a custom object's fully qualified name.
    pub name: String,
    /// Such as `company`.
    pub singular: String,
    /// Its properties.
    pub registry: Registry,
    /// The records, archived ones too, by id.
    pub records: BTreeMap<u64, Record>,
    /// Old ids and the record each was merged into.
    pub merged: HashMap<u64, u64>,
    /// What search sees.
    pub index: SearchIndex,
    unique: HashMap<(PropertyIx, String), u64>,
}

/// When what was written becomes visible to search.
#[derive(Debug, Clone, Copy)]
pub struct Lag {
    /// For a new record.
    pub create_ms: i64,
    /// For a changed one.
    pub update_ms: i64,
}

impl ObjectType {
    /// A type without records.
    pub fn new(kind: Kind, type_id: &str, name: &str, singular: &str, registry: Registry) -> Self {
        Self {
            kind,
            type_id: type_id.to_owned(),
            name: name.to_owned(),
            singular: singular.to_owned(),
            registry,
            records: BTreeMap::new(),
            merged: HashMap::new(),
            index: SearchIndex::default(),
            unique: HashMap::new(),
        }
    }

    /// The property that holds the modification time.
    pub const fn modified_property(&self) -> &'static str {
        match self.kind {
            Kind::Contacts => "lastmodifieddate",
            Kind::Companies | Kind::Deals | Kind::Custom => "hs_lastmodifieddate",
        }
    }

    /// The property that holds the creation time.
    pub const fn created_property(&self) -> &'static str {
        match self.kind {
            Kind::Custom => "hs_createdate",
            Kind::Contacts | Kind::Companies | Kind::Deals => "createdate",
        }
    }

    /// What is returned when no property is asked for.
    pub const fn default_properties(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Contacts => &["firstname", "lastname", "email"],
            Kind::Companies => &["name", "domain"],
            Kind::Deals => &["dealname", "amount", "closedate", "pipeline", "dealstage"],
            Kind::Custom => &[],
        }
    }

    /// Such as `COMPANY`, as messages name it.
    pub fn capitals(&self) -> String {
        self.singular.to_uppercase()
    }

    /// The live record with `id`, or the one it was merged into.
    pub fn live(&self, id: u64) -> Option<&Record> {
        let id = self.merged.get(&id).copied().unwrap_or(id);
        self.records
            .get(&id)
            .filter(|record| record.archived.is_none())
    }

    /// The archived record with `id`, or the live one.
    pub fn find(&self, id: u64, archived: bool) -> Option<&Record> {
        if archived {
            return self
                .records
                .get(&id)
                .filter(|record| record.archived.is_some());
        }
        self.live(id)
    }

    /// The live record with a unique value. Values compare without regard to case.
    pub fn holder(&self, property: PropertyIx, value: &str) -> Option<u64> {
        self.unique.get(&(property, value.to_lowercase())).copied()
    }

    /// Adds a record.
    pub fn insert(&mut self, record: Record, now: Timestamp, lag: Lag) {
        self.claim(&record);
        self.index.put(
            None,
            &record,
            now.plus_millis(lag.create_ms),
            lag.create_ms > 0,
        );
        self.records.insert(record.id, record);
    }

    /// Changes a live record in place; returns what `change` returns, or `None` when there is no such record.
    pub fn change<T>(
        &mut self,
        id: u64,
        now: Timestamp,
        lag: Lag,
        change: impl FnOnce(&mut Record) -> T,
    ) -> Option<T> {
        let before = self.records.get(&id)?.clone();
        self.release(&before);
        let record = self.records.get_mut(&id)?;
        let outcome = change(record);
        let after = record.clone();
        self.claim(&after);
        if after.archived.is_some() {
            self.index.remove(id, before.modified);
        } else if before.archived.is_some() {
            self.index.put(
                None,
                &after,
                now.plus_millis(lag.create_ms),
                lag.create_ms > 0,
            );
        } else {
            let due = now.plus_millis(lag.update_ms);
            self.index
                .put(Some(&before), &after, due, lag.update_ms > 0);
        }
        Some(outcome)
    }

    /// Removes a record for good.
    pub fn remove(&mut self, id: u64) -> Option<Record> {
        let record = self.records.remove(&id)?;
        self.release(&record);
        self.index.remove(id, record.modified);
        Some(record)
    }

    /// Enters the unique values of a live record.
    fn claim(&mut self, record: &Record) {
        if record.archived.is_some() {
            return;
        }
        for (property, value) in record.values() {
            if self.registry.get(property).unique && !value.is_empty() {
                self.unique
                    .insert((property, value.to_lowercase()), record.id);
            }
        }
    }

    fn release(&mut self, record: &Record) {
        for (property, value) in record.values() {
            if self.registry.get(property).unique && !value.is_empty() {
                let key = (property, value.to_lowercase());
                if self.unique.get(&key) == Some(&record.id) {
                    self.unique.remove(&key);
                }
            }
        }
    }
}

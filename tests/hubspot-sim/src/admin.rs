//! What a person in HubSpot, or HubSpot itself, does to the portal while the app is not looking.
//!
//! For tests in Rust these are methods of [`Sim`]; over HTTP the same stand under `/__sim`. They pass through the same
//! checks as the app's calls, except that a person may archive HubSpot's own properties and edit options at will.

use partneros_domain::Timestamp;

use crate::errors::ApiError;
use crate::faults::ArmedFault;
use crate::state::definitions::{NewProperty, PropertyChange};
use crate::state::journal::Action;
use crate::state::merge::MergeRequest;
use crate::state::objects::{NewRecord, Show};
use crate::state::property::Choice;
use crate::state::record::Source;
use crate::state::view::Text;
use crate::state::{Call, RecordView, Sim, Values};

impl Sim {
    /// A person creates a record.
    pub fn person_creates(
        &mut self,
        object_type: &str,
        values: impl Into<Values>,
        now: Timestamp,
    ) -> Result<RecordView, ApiError> {
        let new = NewRecord {
            properties: values.into(),
            ..NewRecord::default()
        };
        self.create(&Call::person(now), object_type, &new)
    }

    /// A person sets properties of a record; "" clears.
    pub fn person_sets(
        &mut self,
        object_type: &str,
        id: u64,
        values: impl Into<Values>,
        now: Timestamp,
    ) -> Result<RecordView, ApiError> {
        self.update(
            &Call::person(now),
            object_type,
            &id.to_string(),
            None,
            &values.into(),
        )
    }

    /// A workflow sets properties of a record; "" clears.
    pub fn workflow_sets(
        &mut self,
        object_type: &str,
        id: u64,
        values: impl Into<Values>,
        now: Timestamp,
    ) -> Result<RecordView, ApiError> {
        self.update(
            &Call::workflow(now),
            object_type,
            &id.to_string(),
            None,
            &values.into(),
        )
    }

    /// HubSpot changes a value without moving the modified date, so that no search shows it as modified.
    pub fn changes_silently(
        &mut self,
        object_type: &str,
        id: u64,
        (property, value): (&str, &str),
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let ix = self.resolve(object_type)?;
        let lag = self.lag(Source::Enrichment);
        let object_type = &mut self.types[ix.0];
        let found = object_type.registry.find(property);
        let property = found.map(|(property, _)| property);
        let changed = property.and_then(|property| {
            let values = [(property, value.to_owned())];
            object_type.change(id, now, lag, |record| {
                record.apply(&values, now, Source::Enrichment)
            })
        });
        changed
            .map(drop)
            .ok_or_else(|| ApiError::no_such_record(id))
    }

    /// A person looks at properties of a live record.
    pub fn person_reads(
        &mut self,
        object_type: &str,
        id: u64,
        properties: &[&str],
        now: Timestamp,
    ) -> Result<RecordView, ApiError> {
        let show = Show {
            properties: properties.iter().map(|name| (*name).to_owned()).collect(),
            ..Show::default()
        };
        self.read(
            &Call::person(now),
            object_type,
            &id.to_string(),
            None,
            false,
            &show,
        )
    }

    /// A person archives a record.
    pub fn person_archives(
        &mut self,
        object_type: &str,
        id: u64,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        self.archive(&Call::person(now), object_type, &id.to_string())
    }

    /// A person brings an archived record back. Its modified date moves.
    pub fn person_restores(
        &mut self,
        object_type: &str,
        id: u64,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        self.settle(now);
        let ix = self.resolve(object_type)?;
        let call = Call::person(now);
        let lag = self.lag(call.source);
        let archived = self
            .object_type(ix)
            .records
            .get(&id)
            .is_some_and(|record| record.archived.is_some());
        if !archived {
            return Err(ApiError::no_such_record(id));
        }
        self.types[ix.0].change(id, now, lag, |record| {
            record.archived = None;
            record.modified = now;
        });
        self.journal_event(now, (ix, id), Action::Restore, &[]);
        Ok(())
    }

    /// A person merges two records; the values of `primary` win. Returns what is left, whose id may be new.
    pub fn person_merges(
        &mut self,
        object_type: &str,
        primary: u64,
        other: u64,
        now: Timestamp,
    ) -> Result<RecordView, ApiError> {
        let request = MergeRequest {
            primary_object_id: Text(primary.to_string()),
            object_id_to_merge: Text(other.to_string()),
        };
        self.merge(&Call::person(now), object_type, &request)
    }

    /// A person makes a property.
    pub fn person_adds_property(
        &mut self,
        object_type: &str,
        new: &NewProperty,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        self.create_property(&Call::person(now), object_type, new)
            .map(drop)
    }

    /// A person archives a property, one of HubSpot's own too.
    pub fn person_removes_property(
        &mut self,
        object_type: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        self.archive_property(&Call::person(now), object_type, name)
    }

    /// A person replaces the options of a property; values that records hold stay as they are.
    pub fn person_sets_options(
        &mut self,
        object_type: &str,
        name: &str,
        options: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let options = options
            .iter()
            .enumerate()
            .map(|(order, (value, label))| Choice {
                label: (*label).to_owned(),
                value: (*value).to_owned(),
                description: String::new(),
                display_order: order as i32,
                hidden: false,
            });
        let change = PropertyChange {
            options: Some(options.collect()),
            ..PropertyChange::default()
        };
        self.update_property(&Call::person(now), object_type, name, &change)
            .map(drop)
    }

    /// The ids of the live records of a type, ascending.
    pub fn live_ids(&self, object_type: &str) -> Result<Vec<u64>, ApiError> {
        let ix = self.resolve(object_type)?;
        let records = self.object_type(ix).records.values();
        Ok(records
            .filter(|record| record.archived.is_none())
            .map(|record| record.id)
            .collect())
    }

    /// Lets a fault wait for the app's next calls.
    pub fn arm_fault(&mut self, fault: ArmedFault) {
        self.faults.arm(fault);
    }
}

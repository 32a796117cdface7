//! Merging two records into one.
//!
//! A merge of A and B leaves a record whose id may be a new one; reads of A and B lead to it, search shows only it.
//! Values of A win where both have one.

use serde::Deserialize;

use super::call::{Access, Call};
use super::journal::Action;
use super::object_type::TypeIx;
use super::objects::Show;
use super::record::{PropertyIx, Record};
use super::sim::Sim;
use super::view::{RecordView, Text};
use super::write_log::WriteKind;
use crate::config::MergeMode;
use crate::errors::ApiError;

/// Records that may end up in one.
const IDENTITIES_MAX: usize = 250;

/// The body of a merge.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MergeRequest {
    /// The record whose values win.
    pub primary_object_id: Text,
    /// The other.
    pub object_id_to_merge: Text,
}

impl Sim {
    /// Merges two live records.
    pub fn merge(
        &mut self,
        call: &Call,
        object_type: &str,
        request: &MergeRequest,
    ) -> Result<RecordView, ApiError> {
        self.settle(call.now);
        let ix = self.resolve(object_type)?;
        call.require_objects(self.object_type(ix).kind, Access::Write)?;
        let find = |text: &Text| {
            let id = text
                .0
                .parse::<u64>()
                .map_err(|_| ApiError::not_numeric(&text.0))?;
            self.object_type(ix)
                .live(id)
                .cloned()
                .ok_or_else(|| ApiError::no_such_record(id))
        };
        let primary = find(&request.primary_object_id)?;
        let other = find(&request.object_id_to_merge)?;
        if primary.id == other.id {
            return Err(ApiError::validation("Cannot merge a record with itself"));
        }
        let gone = self.identities(ix, &primary, &other);
        if gone.len() > IDENTITIES_MAX {
            return Err(ApiError::plain(
                414,
                format!("Cannot have more than {IDENTITIES_MAX} identities on a profile"),
            ));
        }
        let merged = self.join(call, ix, &primary, &other, &gone);
        let id = merged.id;
        let lag = self.lag(call.source);
        for old in [primary.id, other.id] {
            self.types[ix.0].remove(old);
        }
        let stale = self.types[ix.0].merged.values_mut();
        stale
            .filter(|to| **to == primary.id || **to == other.id)
            .for_each(|to| *to = id);
        for old in [primary.id, other.id].into_iter().filter(|old| *old != id) {
            self.types[ix.0].merged.insert(old, id);
            self.associations
                .transfer((ix, old), (ix, id), self.types.len());
        }
        self.types[ix.0].insert(merged, call.now, lag);
        self.log(call, ix, id, WriteKind::Merge, Vec::new());
        let merged: Vec<_> = [primary.id, other.id]
            .into_iter()
            .filter(|old| *old != id)
            .collect();
        self.journal_event(call.now, (ix, id), Action::Merge, &merged);
        let projection = self.projection(ix, &Show::default())?;
        let record = self
            .object_type(ix)
            .live(id)
            .ok_or_else(|| ApiError::no_such_record(id))?;
        Ok(self.view(ix, record, &projection))
    }

    /// Every id that the merged record will have had.
    fn identities(&self, ix: TypeIx, primary: &Record, other: &Record) -> Vec<String> {
        let earlier = |record: &Record| -> Vec<String> {
            let value = self.value_named(self.object_type(ix), record, "hs_merged_object_ids");
            value
                .map(|ids| ids.split(';').map(str::to_owned).collect())
                .unwrap_or_default()
        };
        let mut ids = vec![primary.id.to_string(), other.id.to_string()];
        ids.extend(earlier(primary));
        ids.extend(earlier(other));
        ids.retain(|id| !id.is_empty());
        ids
    }

    fn join(
        &mut self,
        call: &Call,
        ix: TypeIx,
        primary: &Record,
        other: &Record,
        gone: &[String],
    ) -> Record {
        let mut merged = primary.clone();
        if self.config.merge == MergeMode::NewId {
            merged.id = self.fresh_id(ix);
        }
        let held =
            |property: PropertyIx| primary.get(property).is_some_and(|value| !value.is_empty());
        let mut changes: Vec<(PropertyIx, String)> = other
            .values()
            .filter(|(property, value)| !held(*property) && !value.is_empty())
            .map(|(property, value)| (property, value.to_owned()))
            .collect();
        if let Some((property, _)) = self.object_type(ix).registry.find("hs_merged_object_ids") {
            let own = merged.id.to_string();
            let ids: Vec<&str> = gone
                .iter()
                .map(String::as_str)
                .filter(|id| *id != own)
                .collect();
            changes.retain(|change| change.0 != property);
            changes.push((property, ids.join(";")));
        }
        merged.apply(&changes, call.now, call.source);
        merged.modified = call.now;
        merged
    }
}

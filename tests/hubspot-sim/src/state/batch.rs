//! Batches: read, create, update, upsert and archive up to 100 records in one call.
//!
//! A value that does not fit fails the whole batch and nothing is written. Unknown ids fail their rows only. A batch
//! create fails row by row when every row carries its own trace id.

use std::collections::HashSet;

use serde::Deserialize;

use super::call::{Access, Call};
use super::object_type::TypeIx;
use super::objects::{HISTORY_PAGE_MAX, NewRecord, Show};
use super::record::PropertyIx;
use super::sim::Sim;
use super::view::{BatchReply, RecordView, Text, Values};
use super::write::{Claims, Prepared};
use crate::errors::ApiError;

/// Rows in a batch.
pub const BATCH_MAX: usize = 100;

/// The body of a batch call: rows.
#[derive(Debug, Clone, Deserialize)]
pub struct Batch<T> {
    /// The rows.
    pub inputs: Vec<T>,
}

/// The body of a batch read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BatchRead {
    /// The records.
    pub inputs: Vec<RecordRef>,
    /// Properties by name; none means the type's defaults.
    pub properties: Vec<String>,
    /// Properties whose versions are wanted.
    pub properties_with_history: Vec<String>,
    /// The unique property that the ids are values of.
    pub id_property: Option<String>,
}

/// A record by id.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RecordRef {
    /// The id, or a unique value.
    pub id: Text,
}

/// A row of a batch update or upsert.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RecordChange {
    /// The id, or a unique value.
    pub id: Text,
    /// The unique property that the id is a value of.
    pub id_property: Option<String>,
    /// What to write.
    pub properties: Values,
    /// The sender's mark on the row.
    pub object_write_trace_id: Option<String>,
}

impl Sim {
    /// Reads records by id or by a unique value.
    pub fn batch_read(
        &mut self,
        call: &Call,
        object_type: &str,
        read: &BatchRead,
        archived: bool,
    ) -> Result<BatchReply, ApiError> {
        let ix = self.begin(call, object_type, Access::Read)?;
        let most = if read.properties_with_history.is_empty() {
            BATCH_MAX
        } else {
            HISTORY_PAGE_MAX
        };
        check_size(read.inputs.len(), most)?;
        check_distinct(read.inputs.iter().map(|row| row.id.0.as_str()))?;
        let show = Show {
            properties: read.properties.clone(),
            history: read.properties_with_history.clone(),
            associations: Vec::new(),
        };
        let projection = self.projection(ix, &show)?;
        let mut reply = BatchReply {
            at: call.now,
            ..BatchReply::default()
        };
        let mut missing = Vec::new();
        for row in &read.inputs {
            let id = match self.locate(ix, &row.id.0, read.id_property.as_deref(), "read") {
                Err(error) if error.status == 400 => return Err(error),
                located => located.ok(),
            };
            let object_type = self.object_type(ix);
            // Unverified: a merged id answers with the record it was merged into, as a single read does.
            let found = id.and_then(|id| object_type.find(id, archived));
            match found {
                Some(record) => reply.results.push(self.view(ix, record, &projection)),
                None => missing.push(row.id.0.clone()),
            }
        }
        self.report_missing(ix, missing, &mut reply);
        Ok(reply)
    }

    /// Creates records.
    pub fn batch_create(
        &mut self,
        call: &Call,
        object_type: &str,
        rows: &[NewRecord],
    ) -> Result<BatchReply, ApiError> {
        let ix = self.begin(call, object_type, Access::Write)?;
        check_size(rows.len(), BATCH_MAX)?;
        let traces: HashSet<_> = rows
            .iter()
            .filter_map(|row| row.object_write_trace_id.as_deref())
            .collect();
        let row_by_row = !rows.is_empty() && traces.len() == rows.len();
        let mut reply = BatchReply {
            at: call.now,
            ..BatchReply::default()
        };
        let mut claims = Claims::default();
        let mut prepared = Vec::with_capacity(rows.len());
        for (nth, row) in rows.iter().enumerate() {
            let checked = self.prepare_create(call, ix, row).and_then(|row| {
                self.claim(ix, nth, &row, &mut claims)?;
                Ok(row)
            });
            match checked {
                Ok(row) => prepared.push(row),
                Err(error) if row_by_row => {
                    let trace = row.object_write_trace_id.iter().cloned().collect();
                    reply.errors.push(error.with("objectWriteTraceId", trace));
                }
                Err(error) => return Err(hide_existing(error)),
            }
        }
        reply.results = prepared
            .into_iter()
            .map(|row| self.apply_create(call, ix, row))
            .collect();
        Ok(reply)
    }

    /// Changes records.
    pub fn batch_update(
        &mut self,
        call: &Call,
        object_type: &str,
        rows: &[RecordChange],
    ) -> Result<BatchReply, ApiError> {
        let ix = self.begin(call, object_type, Access::Write)?;
        check_size(rows.len(), BATCH_MAX)?;
        check_distinct(rows.iter().map(|row| row.id.0.as_str()))?;
        let mut claims = Claims::default();
        let mut prepared = Vec::with_capacity(rows.len());
        let mut missing = Vec::new();
        for (nth, row) in rows.iter().enumerate() {
            let id = match self.locate(ix, &row.id.0, row.id_property.as_deref(), "update") {
                Err(error) if error.status == 400 => return Err(error),
                located => located.ok(),
            };
            // A merged id is not accepted here, other than by a single update.
            let live = id.filter(|id| {
                self.object_type(ix)
                    .live(*id)
                    .is_some_and(|record| record.id == *id)
            });
            let Some(id) = live else {
                missing.push(row.id.0.clone());
                continue;
            };
            let checked = self.prepare_update(call, ix, id, &row.properties)?;
            self.claim(ix, nth, &checked, &mut claims)?;
            prepared.push((id, traced(checked, row)));
        }
        let mut reply = BatchReply {
            at: call.now,
            ..BatchReply::default()
        };
        reply.results = prepared
            .into_iter()
            .map(|(id, row)| self.apply_update(call, ix, id, row))
            .collect();
        self.report_missing(ix, missing, &mut reply);
        Ok(reply)
    }

    /// Creates or changes records by a unique value.
    pub fn batch_upsert(
        &mut self,
        call: &Call,
        object_type: &str,
        rows: &[RecordChange],
    ) -> Result<BatchReply, ApiError> {
        let ix = self.begin(call, object_type, Access::Write)?;
        check_size(rows.len(), BATCH_MAX)?;
        check_distinct(rows.iter().map(|row| row.id.0.as_str()))?;
        let mut claims = Claims::default();
        let mut prepared = Vec::with_capacity(rows.len());
        for (nth, row) in rows.iter().enumerate() {
            let name = row.id_property.as_deref().unwrap_or("hs_object_id");
            let key = self.unique_property(ix, name, "update/upsert")?;
            let checked = self.prepare_upsert(call, ix, key, name, row)?;
            self.claim(ix, nth, &checked.1, &mut claims)?;
            prepared.push(checked);
        }
        let mut reply = BatchReply {
            at: call.now,
            ..BatchReply::default()
        };
        for (id, row) in prepared {
            let view = match id {
                Some(id) => self.apply_update(call, ix, id, row),
                None => self.apply_create(call, ix, row),
            };
            reply.results.push(RecordView {
                new: Some(id.is_none()),
                ..view
            });
        }
        Ok(reply)
    }

    /// Archives records; unknown ids are ignored.
    // Unverified: no source says what an unknown id does.
    pub fn batch_archive(
        &mut self,
        call: &Call,
        object_type: &str,
        rows: &[RecordRef],
    ) -> Result<(), ApiError> {
        let ix = self.begin(call, object_type, Access::Write)?;
        check_size(rows.len(), BATCH_MAX)?;
        for id in rows.iter().filter_map(|row| row.id.0.parse().ok()) {
            self.archive_one(call, ix, id);
        }
        Ok(())
    }

    fn begin(
        &mut self,
        call: &Call,
        object_type: &str,
        access: Access,
    ) -> Result<TypeIx, ApiError> {
        self.settle(call.now);
        let ix = self.resolve(object_type)?;
        call.require_objects(self.object_type(ix).kind, access)?;
        Ok(ix)
    }

    fn prepare_upsert(
        &self,
        call: &Call,
        ix: TypeIx,
        key: PropertyIx,
        name: &str,
        row: &RecordChange,
    ) -> Result<(Option<u64>, Prepared), ApiError> {
        if row.id.0.is_empty() {
            return Err(ApiError::validation("id must not be empty"));
        }
        if let Some(id) = self.object_type(ix).holder(key, &row.id.0) {
            let checked = self.prepare_update(call, ix, id, &row.properties)?;
            return Ok((Some(id), traced(checked, row)));
        }
        let mut properties = row.properties.clone();
        if properties.get(name).is_none() {
            properties.0.push((name.to_owned(), row.id.0.clone()));
        }
        let new = NewRecord {
            properties,
            ..NewRecord::default()
        };
        Ok((None, traced(self.prepare_create(call, ix, &new)?, row)))
    }

    fn report_missing(&self, ix: TypeIx, missing: Vec<String>, reply: &mut BatchReply) {
        if !missing.is_empty() {
            let kind = self.object_type(ix).capitals();
            reply.errors.push(ApiError::missing_rows(&kind, missing));
        }
    }
}

fn traced(mut prepared: Prepared, row: &RecordChange) -> Prepared {
    prepared.trace_id.clone_from(&row.object_write_trace_id);
    prepared
}

fn check_size(rows: usize, most: usize) -> Result<(), ApiError> {
    if rows > most {
        return Err(ApiError::validation(format!(
            "Maximum number of inputs allowed is {most}, but got {rows}"
        )));
    }
    Ok(())
}

fn check_distinct<'a>(ids: impl Iterator<Item = &'a str>) -> Result<(), ApiError> {
    let mut seen = HashSet::new();
    let mut twice: Vec<String> = Vec::new();
    for id in ids {
        if !seen.insert(id) && !twice.iter().any(|have| have == id) {
            twice.push(id.to_owned());
        }
    }
    if twice.is_empty() {
        return Ok(());
    }
    let listed = twice.join(", ");
    Err(ApiError::validation(format!(
        "Duplicate IDs found in batch input: [{listed}]. IDs must be unique"
    ))
    .with("ids", twice))
}

/// A batch without trace ids does not say which record is in the way.
fn hide_existing(error: ApiError) -> ApiError {
    if error.status == 409 {
        ApiError::new(409, "CONFLICT", "Contact already exists")
    } else {
        error
    }
}

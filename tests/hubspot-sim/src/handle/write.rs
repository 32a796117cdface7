//! Batch writes whose good rows go through: a batch that is refused as a whole is sent again row by row.

use partneros_domain::FieldName;
use partneros_hubspot::{Error, Update, Upsert, Written, WrittenObject};

use super::convert;
use crate::state::batch::RecordChange;
use crate::state::view::Text;
use crate::state::{BatchReply, RecordView, Values};

/// The row of an update.
pub(super) fn update_row(update: &Update) -> RecordChange {
    RecordChange {
        id: Text(update.id.to_string()),
        properties: values(&update.properties),
        ..RecordChange::default()
    }
}

/// The row of an upsert.
pub(super) fn upsert_row(upsert: &Upsert, key_property: &FieldName) -> RecordChange {
    RecordChange {
        id: Text(upsert.key.clone()),
        id_property: Some(key_property.as_str().to_owned()),
        properties: values(&upsert.properties),
        ..RecordChange::default()
    }
}

/// Sends all rows, or each on its own when the batch is refused because of some of them.
pub(super) fn row_by_row_if_refused(
    rows: &[RecordChange],
    send: impl Fn(&[RecordChange]) -> Result<BatchReply, Error>,
) -> Result<Vec<Written>, Error> {
    // Each row carries its position, which the answer repeats.
    let marked: Vec<RecordChange> = rows
        .iter()
        .enumerate()
        .map(|(nth, row)| RecordChange {
            object_write_trace_id: Some(nth.to_string()),
            ..row.clone()
        })
        .collect();
    if marked.is_empty() {
        return Ok(Vec::new());
    }
    match send(&marked) {
        Ok(reply) => Ok(marked.iter().map(|row| outcome(row, &reply)).collect()),
        Err(Error::Validation(_) | Error::Conflict(_)) => {
            marked.iter().map(|row| send_one(row, &send)).collect()
        }
        Err(error) => Err(error),
    }
}

fn send_one(
    row: &RecordChange,
    send: &impl Fn(&[RecordChange]) -> Result<BatchReply, Error>,
) -> Result<Written, Error> {
    match send(std::slice::from_ref(row)) {
        Ok(reply) => Ok(outcome(row, &reply)),
        Err(Error::Validation(refusal) | Error::Conflict(refusal)) => {
            Ok(Written::Refused(convert::row_error(refusal)))
        }
        Err(error) => Err(error),
    }
}

fn outcome(row: &RecordChange, reply: &BatchReply) -> Written {
    let mut records = reply.results.iter();
    if let Some(record) = records.find(|record| record.trace_id == row.object_write_trace_id) {
        return Written::Done(written(record));
    }
    // A row without a result is one of those that the errors name.
    let error = reply
        .errors
        .first()
        .map(convert::refusal)
        .unwrap_or_default();
    Written::Refused(convert::row_error(error))
}

fn written(record: &RecordView) -> WrittenObject {
    let properties = record.properties.iter().map(|(name, value)| {
        (
            FieldName::from(name.as_ref()),
            value.clone().filter(|value| !value.is_empty()),
        )
    });
    WrittenObject {
        id: convert::id(record.id),
        updated_at: record.updated,
        created: record.new.unwrap_or(false),
        properties: properties.collect(),
    }
}

fn values(properties: &[(FieldName, Option<String>)]) -> Values {
    let pair = |(name, value): &(FieldName, Option<String>)| {
        (name.as_str().to_owned(), value.clone().unwrap_or_default())
    };
    Values(properties.iter().map(pair).collect())
}

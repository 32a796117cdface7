//! Batch writes whose good rows go through although others are bad.
//!
//! HubSpot reports bad rows in two ways. Some come back as error rows beside the results (HTTP 207). Others make it refuse
//! the whole batch (400, 409), and then nothing of it was written: the batch is split along what the answer says, or
//! else in halves, until every row is written or refused on its own. Rows are updates and upserts, so sending one again
//! is harmless.
//!
//! Invariant: every input row ends with exactly one outcome, at its own place.

use std::collections::HashSet;

use partneros_domain::{FieldName, HubSpotId, Properties};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::call::Call;
use crate::client::Client;
use crate::error::{Error, Refusal};
use crate::http::invalid;
use crate::portal::{
    BATCH_MAX, Priority, PropertyError, RowError, Update, Upsert, Written, WrittenObject,
};
use crate::read::{Input, distinct};
use crate::refusal::{Envelope, Failure};
use crate::scalar::{Id, Instant, Text};

/// Codes that condemn every row that sets the property, whatever the value.
const PROPERTY_CODES: [&str; 2] = ["PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"];
/// How messages start that concern the request and no row in particular.
const REQUEST_MESSAGES: [&str; 2] = [
    "Unable to perform update/upsert by non-unique",
    "Invalid input JSON",
];

pub(crate) async fn update_batch(
    client: &Client,
    object: &str,
    updates: &[Update],
    priority: Priority,
) -> Result<Vec<Written>, Error> {
    let rows = updates.iter().map(|update| Row {
        key: update.id.to_string(),
        properties: &update.properties,
    });
    let batch = Batch {
        client,
        url: client.paths().objects(object, &["batch", "update"]),
        key_property: None,
        rows: rows.collect(),
        priority,
    };
    batch.write().await
}

pub(crate) async fn upsert_batch(
    client: &Client,
    object: &str,
    key_property: &FieldName,
    upserts: &[Upsert],
    priority: Priority,
) -> Result<Vec<Written>, Error> {
    let rows = upserts.iter().map(|upsert| Row {
        key: upsert.key.clone(),
        properties: &upsert.properties,
    });
    let batch = Batch {
        client,
        url: client.paths().objects(object, &["batch", "upsert"]),
        key_property: Some(key_property),
        rows: rows.collect(),
        priority,
    };
    batch.write().await
}

pub(crate) async fn archive_batch(
    client: &Client,
    object: &str,
    ids: &[HubSpotId],
    priority: Priority,
) -> Result<(), Error> {
    #[derive(Serialize)]
    struct Body {
        inputs: Vec<Input>,
    }

    let url = client.paths().objects(object, &["batch", "archive"]);
    let mut parts: Vec<Vec<HubSpotId>> =
        distinct(ids).chunks(BATCH_MAX).map(<[_]>::to_vec).collect();
    while let Some(part) = parts.pop() {
        let inputs = part.iter().map(|id| Input { id: *id }).collect();
        let call = Call::post(url.clone(), &Body { inputs }, priority)?;
        match client
            .caller()
            .call(&call, |_| Ok(()))
            .await
            .map_err(Error::from)
        {
            Ok(()) => {}
            // One unknown id must not keep the others of its batch from being archived.
            Err(Error::NotFound(refusal)) if refusal.category == "OBJECT_NOT_FOUND" => {
                if part.len() > 1 {
                    let (left, right) = part.split_at(part.len() / 2);
                    parts.extend([right.to_vec(), left.to_vec()]);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A row to write.
struct Row<'a> {
    /// The object's id, or the value of the key property.
    key: String,
    properties: &'a [(FieldName, Option<String>)],
}

/// A batch to write.
struct Batch<'a> {
    client: &'a Client,
    url: Url,
    /// `None` writes by id.
    key_property: Option<&'a FieldName>,
    rows: Vec<Row<'a>>,
    priority: Priority,
}

/// Indices of rows that go into a call together.
type Part = Vec<usize>;

impl Batch<'_> {
    async fn write(&self) -> Result<Vec<Written>, Error> {
        let mut outcomes: Vec<Option<Written>> = self.rows.iter().map(|_| None).collect();
        let mut parts = self.parts();
        parts.reverse();
        while let Some(part) = parts.pop() {
            match self.send(&part).await {
                Ok(answer) => parts.extend(self.settle(&part, answer, &mut outcomes)?),
                Err(failure) => parts.extend(self.split(part, failure, &mut outcomes)?),
            }
        }
        outcomes
            .into_iter()
            .map(|outcome| outcome.ok_or_else(|| self.no_outcome()))
            .collect()
    }

    /// The rows in calls of at most [`BATCH_MAX`]. HubSpot refuses batches that name an object twice, so the second row of
    /// a key goes into a later call, which also keeps their order.
    fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut left: Part = (0..self.rows.len()).collect();
        while !left.is_empty() {
            let mut keys = HashSet::new();
            let (now, later): (Part, Part) = left
                .into_iter()
                .partition(|row| keys.insert(self.rows[*row].key.as_str()));
            parts.extend(now.chunks(BATCH_MAX).map(<[_]>::to_vec));
            left = later;
        }
        parts
    }

    async fn send(&self, part: &[usize]) -> Result<Answer, Failure> {
        let inputs = part.iter().map(|&row| InputRow {
            id: &self.rows[row].key,
            id_property: self.key_property,
            properties: Values(self.rows[row].properties),
            object_write_trace_id: trace(row),
        });
        let body = Body {
            inputs: inputs.collect(),
        };
        let call = Call::post(self.url.clone(), &body, self.priority)?;
        let read = |body: &[u8]| serde_json::from_slice(body);
        self.client.caller().call(&call, read).await
    }

    /// Notes the outcomes that an answer holds and returns what to send again because it holds none.
    fn settle(
        &self,
        part: &[usize],
        answer: Answer,
        outcomes: &mut [Option<Written>],
    ) -> Result<Vec<Part>, Error> {
        for object in answer.results {
            if let Some(row) = self.row_of(part, &object) {
                outcomes[row] = Some(Written::Done(object.into_written()));
            }
        }
        for error in answer.errors.unwrap_or_default() {
            let envelope = Envelope::read(&error);
            let rows = match part {
                [only] => vec![*only],
                _ => self.named(part, &envelope.named),
            };
            let error = envelope.into_row_error();
            for row in rows {
                outcomes[row].get_or_insert_with(|| Written::Refused(error.clone()));
            }
        }
        let left: Part = part
            .iter()
            .copied()
            .filter(|row| outcomes[*row].is_none())
            .collect();
        if left.is_empty() {
            Ok(Vec::new())
        } else if left.len() < part.len() {
            Ok(vec![left])
        } else if part.len() == 1 {
            Err(self.no_outcome())
        } else {
            Ok(halves(part))
        }
    }

    /// Finds the smaller parts of a batch that was refused as a whole.
    fn split(
        &self,
        part: Part,
        failure: Failure,
        outcomes: &mut [Option<Written>],
    ) -> Result<Vec<Part>, Error> {
        let refusal = rows_at_fault(failure.error)?;
        if let [only] = part[..] {
            outcomes[only] = Some(Written::Refused(row_error(refusal)));
            return Ok(Vec::new());
        }
        let (condemned, clear) = self.condemned(&part, &refusal);
        if !condemned.is_empty() {
            for (row, error) in condemned {
                outcomes[row] = Some(Written::Refused(error));
            }
            return Ok(if clear.is_empty() {
                Vec::new()
            } else {
                vec![clear]
            });
        }
        let mut suspects = self.named(&part, &failure.named);
        if suspects.is_empty() {
            suspects = self.suspects(&part, &refusal.properties);
        }
        if suspects.is_empty() || suspects.len() == part.len() {
            return Ok(halves(&part));
        }
        let clear = part
            .into_iter()
            .filter(|row| !suspects.contains(row))
            .collect();
        Ok(vec![suspects, clear])
    }

    /// Rows that set a property which cannot be set, each with its errors, and the other rows.
    fn condemned(&self, part: &[usize], refusal: &Refusal) -> (Vec<(usize, RowError)>, Part) {
        let mut condemned = Vec::new();
        let mut clear = Part::new();
        for &row in part {
            let properties: Vec<PropertyError> = refusal
                .properties
                .iter()
                .filter(|error| PROPERTY_CODES.contains(&error.code.as_str()))
                .filter(|error| {
                    error
                        .property
                        .as_ref()
                        .is_some_and(|name| self.sets(row, name))
                })
                .cloned()
                .collect();
            match properties.first() {
                None => clear.push(row),
                Some(first) => {
                    let error = RowError {
                        category: refusal.category.clone(),
                        message: first.message.clone(),
                        correlation_id: refusal.correlation_id.clone(),
                        properties,
                    };
                    condemned.push((row, error));
                }
            }
        }
        (condemned, clear)
    }

    /// Rows that set a property of which HubSpot refused a value: those whose value the message repeats, or else all.
    fn suspects(&self, part: &[usize], errors: &[PropertyError]) -> Part {
        let chosen = |fits: &dyn Fn(&PropertyError, &str) -> bool| -> Part {
            let is_suspect = |row: &usize| {
                self.rows[*row].properties.iter().any(|(name, value)| {
                    let value = value.as_deref().unwrap_or_default();
                    errors
                        .iter()
                        .any(|error| error.property.as_ref() == Some(name) && fits(error, value))
                })
            };
            part.iter().copied().filter(is_suspect).collect()
        };
        let quoted = chosen(&|error, value| !value.is_empty() && error.message.contains(value));
        if quoted.is_empty() {
            chosen(&|_, _| true)
        } else {
            quoted
        }
    }

    /// Rows that HubSpot names by id or by write trace.
    fn named(&self, part: &[usize], names: &[String]) -> Part {
        let is_named = |row: &usize| {
            let trace = trace(*row);
            names
                .iter()
                .any(|name| *name == trace || *name == self.rows[*row].key)
        };
        part.iter().copied().filter(is_named).collect()
    }

    fn row_of(&self, part: &[usize], object: &ObjectRow) -> Option<usize> {
        if let [only] = part {
            return Some(*only);
        }
        let find = |fits: &dyn Fn(usize) -> bool| part.iter().copied().find(|row| fits(*row));
        let echoed = object.object_write_trace_id.as_deref();
        if let Some(row) = echoed.and_then(|echoed| find(&|row| trace(row) == echoed)) {
            return Some(row);
        }
        let key = match self.key_property {
            None => object.id.0.to_string(),
            Some(name) => object.properties.get(name.as_str())?.clone()?,
        };
        // HubSpot lowercases some keys, such as addresses.
        find(&|row| self.rows[row].key == key)
            .or_else(|| find(&|row| self.rows[row].key.eq_ignore_ascii_case(&key)))
    }

    fn sets(&self, row: usize, name: &FieldName) -> bool {
        self.rows[row].properties.iter().any(|(set, _)| set == name)
    }

    fn no_outcome(&self) -> Error {
        invalid(
            &self.url,
            "it says of a row neither success nor failure".to_owned(),
        )
    }
}

/// The write trace of a row, which HubSpot echoes. Its form keeps it apart from ids.
fn trace(row: usize) -> String {
    format!("row-{row}")
}

/// The refusal, if it may be due to single rows; any other error ends the batch.
fn rows_at_fault(error: Error) -> Result<Refusal, Error> {
    match error {
        Error::Validation(refusal)
            if REQUEST_MESSAGES
                .iter()
                .any(|start| refusal.message.starts_with(start)) =>
        {
            Err(Error::Validation(refusal))
        }
        Error::Validation(refusal) | Error::Conflict(refusal) => Ok(refusal),
        Error::NotFound(refusal) if refusal.category == "OBJECT_NOT_FOUND" => Ok(refusal),
        error => Err(error),
    }
}

fn row_error(refusal: Refusal) -> RowError {
    RowError {
        category: refusal.category,
        message: refusal.message,
        properties: refusal.properties,
        correlation_id: refusal.correlation_id,
    }
}

fn halves(part: &[usize]) -> Vec<Part> {
    let (left, right) = part.split_at(part.len() / 2);
    vec![right.to_vec(), left.to_vec()]
}

#[derive(Serialize)]
struct Body<'a> {
    inputs: Vec<InputRow<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InputRow<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_property: Option<&'a FieldName>,
    properties: Values<'a>,
    object_write_trace_id: String,
}

/// Values by name. "No value" is written as "", the documented way to clear a property.
struct Values<'a>(&'a [(FieldName, Option<String>)]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value.as_deref().unwrap_or_default())?;
        }
        map.end()
    }
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<ObjectRow>,
    #[serde(default)]
    errors: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectRow {
    id: Id,
    updated_at: Instant,
    #[serde(default, deserialize_with = "properties")]
    properties: Properties,
    #[serde(default)]
    new: Option<bool>,
    #[serde(default)]
    object_write_trace_id: Option<String>,
}

impl ObjectRow {
    fn into_written(self) -> WrittenObject {
        WrittenObject {
            id: self.id.0,
            updated_at: self.updated_at.0,
            created: self.new.unwrap_or(false),
            properties: self.properties,
        }
    }
}

fn properties<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Properties, D::Error> {
    struct Entries;

    impl<'de> Visitor<'de> for Entries {
        type Value = Properties;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object of property values")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Properties, A::Error> {
            let mut entries = Vec::new();
            while let Some((name, Text(value))) = map.next_entry::<FieldName, Text>()? {
                entries.push((name, value));
            }
            Ok(entries.into_iter().collect())
        }
    }

    deserializer.deserialize_map(Entries)
}

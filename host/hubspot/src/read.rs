//! Reads objects by id and lists all of a type.

use std::collections::HashMap;
use std::collections::HashSet;

use partneros_domain::{FieldName, HubSpotId};
use serde::Serialize;

use crate::call::Call;
use crate::client::Client;
use crate::error::{Error, Refusal};
use crate::http::invalid;
use crate::portal::{BATCH_MAX, List, Priority, ReadBatch, Rows};
use crate::refusal::Envelope;
use crate::rows::{self, Page};

/// How long the property names in an address may be together. HubSpot's front refuses addresses of about 8 kB with 414;
/// longer lists are read in a second call that takes them in its body.
const QUERY_BYTES_MAX: usize = 4_000;

#[derive(Serialize)]
struct ReadBody<'a> {
    inputs: Vec<Input>,
    properties: &'a [FieldName],
}

#[derive(Serialize)]
pub(crate) struct Input {
    pub(crate) id: HubSpotId,
}

pub(crate) async fn read_batch(
    client: &Client,
    object: &str,
    properties: &[FieldName],
    ids: &[HubSpotId],
    priority: Priority,
) -> Result<ReadBatch, Error> {
    let mut batch = ReadBatch {
        rows: Rows {
            columns: vec![Vec::new(); properties.len()],
            absent: vec![true; properties.len()],
            ..Rows::default()
        },
        missing: Vec::new(),
    };
    for chunk in distinct(ids).chunks(BATCH_MAX) {
        let page = read_chunk(client, object, properties, chunk, false, priority).await?;
        batch.missing.extend(missing(&page, chunk)?);
        append(&mut batch.rows, page.rows);
    }
    Ok(batch)
}

pub(crate) async fn read_by_key(
    client: &Client,
    object: &str,
    properties: &[FieldName],
    key_property: &FieldName,
    keys: &[String],
    priority: Priority,
) -> Result<Rows, Error> {
    #[derive(Serialize)]
    struct Key<'a> {
        id: &'a str,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct ByKey<'a> {
        id_property: &'a FieldName,
        inputs: Vec<Key<'a>>,
        properties: &'a [FieldName],
    }

    let body = ByKey {
        id_property: key_property,
        inputs: keys.iter().map(|key| Key { id: key }).collect(),
        properties,
    };
    let url = client.paths().objects(object, &["batch", "read"]);
    let call = Call::post(url, &body, priority)?;
    let read = |body: &[u8]| rows::parse(body, properties, keys.len());
    let page = client.caller().call(&call, read).await?;
    for row in &page.errors {
        not_found_only(row)?;
    }
    Ok(page.rows)
}

pub(crate) async fn list(client: &Client, list: List<'_>) -> Result<(Rows, Option<String>), Error> {
    let properties = list.properties;
    let in_query = properties
        .iter()
        .map(|name| name.as_str().len() + 3)
        .sum::<usize>()
        <= QUERY_BYTES_MAX;
    let listed: &[FieldName] = if in_query { properties } else { &[] };
    let mut url = client.paths().objects(list.object, &[]);
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("limit", &BATCH_MAX.to_string());
        if list.archived {
            query.append_pair("archived", "true");
        }
        if !listed.is_empty() {
            let names: Vec<_> = listed.iter().map(FieldName::as_str).collect();
            query.append_pair("properties", &names.join(","));
        }
        if let Some(after) = list.after {
            query.append_pair("after", after);
        }
    }
    let call = Call::get(url.clone(), list.priority);
    let read = |body: &[u8]| rows::parse(body, listed, BATCH_MAX);
    let page = client.caller().call(&call, read).await?;
    let next = next_cursor(&url, list.after, page.after)?;
    if in_query || page.rows.is_empty() {
        let mut rows = page.rows;
        rows.columns.resize_with(properties.len(), Vec::new);
        rows.absent.resize(properties.len(), true);
        return Ok((rows, next));
    }
    let ids = &page.rows.ids;
    let full = read_chunk(
        client,
        list.object,
        properties,
        ids,
        list.archived,
        list.priority,
    )
    .await?;
    Ok((in_order_of(ids, full.rows), next))
}

async fn read_chunk(
    client: &Client,
    object: &str,
    properties: &[FieldName],
    ids: &[HubSpotId],
    archived: bool,
    priority: Priority,
) -> Result<Page, Error> {
    let mut url = client.paths().objects(object, &["batch", "read"]);
    if archived {
        url.set_query(Some("archived=true"));
    }
    let body = ReadBody {
        inputs: ids.iter().map(|id| Input { id: *id }).collect(),
        properties,
    };
    let call = Call::post(url, &body, priority)?;
    let read = |body: &[u8]| rows::parse(body, properties, ids.len());
    Ok(client.caller().call(&call, read).await?)
}

/// Which of the requested ids do not exist. HubSpot names them in error rows. A merged id may come back as the object it
/// was merged into, under another id; as long as none did, an id without any answer is missing too.
fn missing(page: &Page, requested: &[HubSpotId]) -> Result<Vec<HubSpotId>, Error> {
    let requested: HashSet<_> = requested.iter().copied().collect();
    let mut missing = HashSet::new();
    for row in &page.errors {
        let envelope = not_found_only(row)?;
        let ids = envelope.named.iter().filter_map(|id| id.parse().ok());
        missing.extend(ids.filter(|id| requested.contains(id)));
    }
    let returned: HashSet<_> = page.rows.ids.iter().copied().collect();
    if returned.is_subset(&requested) {
        missing.extend(requested.difference(&returned));
    }
    let mut missing: Vec<_> = missing.into_iter().collect();
    missing.sort_unstable();
    Ok(missing)
}

/// The error of a row that was not found; any other error of a row is one of the call.
pub(crate) fn not_found_only(row: &serde_json::Value) -> Result<Envelope, Error> {
    let envelope = Envelope::read(row);
    if envelope.category == "OBJECT_NOT_FOUND" {
        return Ok(envelope);
    }
    Err(Error::Refused(Refusal {
        status: 207,
        category: envelope.category,
        message: envelope.message,
        correlation_id: envelope.correlation_id,
        properties: envelope.properties,
    }))
}

/// The ids, each once, in the order given; HubSpot refuses a batch with repeated ones.
pub(crate) fn distinct(ids: &[HubSpotId]) -> Vec<HubSpotId> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.iter().copied().filter(|id| seen.insert(*id)).collect()
}

fn append(rows: &mut Rows, more: Rows) {
    rows.ids.extend(more.ids);
    rows.updated_at.extend(more.updated_at);
    rows.archived.extend(more.archived);
    for (column, more) in rows.columns.iter_mut().zip(more.columns) {
        column.extend(more);
    }
    for (absent, more) in rows.absent.iter_mut().zip(more.absent) {
        *absent &= more;
    }
}

/// The rows in the order of `ids`, without those that are not among them.
fn in_order_of(ids: &[HubSpotId], mut rows: Rows) -> Rows {
    let at: HashMap<_, _> = rows
        .ids
        .iter()
        .enumerate()
        .map(|(at, id)| (*id, at))
        .collect();
    let order: Vec<usize> = ids.iter().filter_map(|id| at.get(id).copied()).collect();
    let columns = rows
        .columns
        .iter_mut()
        .map(|column| order.iter().map(|at| column[*at].take()).collect())
        .collect();
    Rows {
        ids: order.iter().map(|at| rows.ids[*at]).collect(),
        updated_at: order.iter().map(|at| rows.updated_at[*at]).collect(),
        archived: order.iter().map(|at| rows.archived[*at]).collect(),
        columns,
        absent: rows.absent,
    }
}

/// A cursor that leads back to where it came from would page forever.
pub(crate) fn next_cursor(
    url: &url::Url,
    after: Option<&str>,
    next: Option<String>,
) -> Result<Option<String>, Error> {
    match next {
        Some(next) if after == Some(next.as_str()) => Err(invalid(
            url,
            "the cursor of the next page is the page's own".to_owned(),
        )),
        next => Ok(next),
    }
}

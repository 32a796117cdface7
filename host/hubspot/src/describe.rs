//! Reads HubSpot's descriptions of a portal, and creates properties.
//!
//! These are small, rare and loosely shaped: nulls are dropped before decoding, so that a null counts as a missing field.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::http::invalid;
use crate::model::{AccountInfo, CustomSchema, NewProperty, Owner, Pipeline, Property};
use crate::portal::Priority;
use crate::read::next_cursor;

/// How many owners are asked for at a time.
const OWNERS_PAGE: usize = 100;
/// How many pages of owners are read: 100,000 people. When hit: [`Error::InvalidResponse`].
const OWNER_PAGES_MAX: usize = 1_000;

#[derive(Deserialize)]
struct List<T> {
    results: Vec<T>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    #[serde(default)]
    next: Option<Next>,
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    after: Option<String>,
}

pub(crate) async fn properties(client: &Client, object: &str) -> Result<Vec<Property>, Error> {
    let url = client.paths().properties(object, &[]);
    let list: List<Property> = get(client, url).await?;
    Ok(list.results)
}

pub(crate) async fn create_property(
    client: &Client,
    object: &str,
    property: &NewProperty,
) -> Result<Property, Error> {
    let url = client.paths().properties(object, &[]);
    let call = Call::post(url, property, Priority::Interactive)?;
    match client.caller().call(&call, loose).await {
        Ok(created) => Ok(created),
        Err(failure) if matches!(failure.error, Error::Conflict(_)) => {
            let name = property.name.as_str();
            get(client, client.paths().properties(object, &[name])).await
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Custom objects are an Enterprise feature behind optional scopes: without either HubSpot answers 403, or an empty list.
pub(crate) async fn custom_schemas(client: &Client) -> Result<Vec<CustomSchema>, Error> {
    match get::<List<CustomSchema>>(client, client.paths().schemas()).await {
        Ok(list) => Ok(list.results),
        Err(error) if error.status() == Some(403) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

pub(crate) async fn pipelines(client: &Client, object: &str) -> Result<Vec<Pipeline>, Error> {
    let list: List<Pipeline> = get(client, client.paths().pipelines(object)).await?;
    Ok(list.results)
}

pub(crate) async fn owners(client: &Client) -> Result<Vec<Owner>, Error> {
    let mut owners = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..OWNER_PAGES_MAX {
        let mut url = client.paths().owners();
        url.query_pairs_mut()
            .append_pair("limit", &OWNERS_PAGE.to_string())
            .extend_pairs(after.as_deref().map(|after| ("after", after)));
        let page: List<Owner> = get(client, url.clone()).await?;
        owners.extend(page.results);
        let next = page
            .paging
            .and_then(|paging| paging.next)
            .and_then(|next| next.after);
        after = next_cursor(&url, after.as_deref(), next)?;
        if after.is_none() {
            return Ok(owners);
        }
    }
    let url = client.paths().owners();
    Err(invalid(
        &url,
        format!("more than {OWNER_PAGES_MAX} pages of owners"),
    ))
}

pub(crate) async fn account_info(client: &Client) -> Result<AccountInfo, Error> {
    get(client, client.paths().account_info()).await
}

async fn get<T: DeserializeOwned>(client: &Client, url: url::Url) -> Result<T, Error> {
    let call = Call::get(url, Priority::Interactive);
    Ok(client.caller().call(&call, loose).await?)
}

/// Decodes a body, taking null for missing.
fn loose<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    let mut value: Value = serde_json::from_slice(body)?;
    drop_nulls(&mut value);
    serde_json::from_value(value)
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

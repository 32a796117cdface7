//! Searches for what was modified, by keyset and never by offset.

use partneros_domain::FieldName;
use serde::Serialize;

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::portal::{SEARCH_PAGE_MAX, Search, SearchPage, Window};
use crate::rows;

/// The property that holds an object's modification time. Filtering contacts by the other objects' property finds
/// nothing and is no error.
pub fn modified_property(object: &str) -> &'static str {
    let contacts = ["contacts", "contact", "0-1"];
    if contacts
        .iter()
        .any(|name| object.eq_ignore_ascii_case(name))
    {
        "lastmodifieddate"
    } else {
        "hs_lastmodifieddate"
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    filter_groups: [Filters; 1],
    sorts: [Sort; 1],
    properties: &'a [FieldName],
    limit: usize,
}

#[derive(Serialize)]
struct Filters {
    filters: Vec<Filter>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    property_name: &'static str,
    operator: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sort {
    property_name: &'static str,
    direction: &'static str,
}

pub(crate) async fn search(client: &Client, search: &Search<'_>) -> Result<SearchPage, Error> {
    let limit = search.limit.clamp(1, SEARCH_PAGE_MAX);
    let url = client.paths().objects(search.object, &["search"]);
    let call = Call::post(url, &body(search, limit), search.priority)?.metered_as_search();
    let read = |body: &[u8]| rows::parse(body, search.properties, limit);
    let page = client.caller().call(&call, read).await?;
    let total = page.total.unwrap_or(page.rows.len() as u64);
    Ok(SearchPage {
        total,
        rows: page.rows,
    })
}

fn body<'a>(search: &Search<'a>, limit: usize) -> Body<'a> {
    let modified = modified_property(search.object);
    let filter = |property_name, operator, value| Filter {
        property_name,
        operator,
        value,
    };
    let (operator, at, after, sorted_by) = match search.window {
        Window::Since(at) => ("GTE", at, None, modified),
        Window::ById { since, after } => ("GTE", since, after, "hs_object_id"),
        Window::Within { at, after } => ("EQ", at, after, "hs_object_id"),
    };
    let mut filters = vec![filter(modified, operator, at.as_millis().to_string())];
    filters.extend(after.map(|id| filter("hs_object_id", "GT", id.to_string())));
    Body {
        filter_groups: [Filters { filters }],
        sorts: [Sort {
            property_name: sorted_by,
            direction: "ASCENDING",
        }],
        properties: search.properties,
        limit,
    }
}

//! A portal that can only be searched, and costs next to nothing: all companies stand in one piece of memory in order of
//! modification, so a page is a slice of it.
//!
//! It understands the one search that a pull makes (modified at or after an instant, oldest first), whatever the
//! properties asked for, and keeps to no limit.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;

use crate::companies::{self, FIRST_MODIFIED};

/// The companies in order.
#[derive(Debug)]
pub struct Pages {
    /// All companies, separated by commas.
    text: Vec<u8>,
    /// Where each company starts, and where one after the last would.
    starts: Vec<usize>,
}

impl Pages {
    /// Renders so many companies.
    pub fn render(companies: usize) -> Self {
        let mut text = Vec::new();
        let mut starts = Vec::with_capacity(companies + 1);
        for number in 0..companies {
            starts.push(text.len());
            text.extend_from_slice(companies::json(number).as_bytes());
            text.push(b',');
        }
        starts.push(text.len());
        Self { text, starts }
    }

    /// The answer to a search.
    fn page(&self, search: &Search) -> Option<Vec<u8>> {
        let [Group { filters }] = search.filter_groups.as_slice() else {
            return None;
        };
        let [filter] = filters.as_slice() else {
            return None;
        };
        if filter.operator != "GTE" {
            return None;
        }
        let since = filter.value.parse::<i64>().ok()? - FIRST_MODIFIED.as_millis();
        let count = self.starts.len() - 1;
        let first = usize::try_from(since).unwrap_or(0).min(count);
        let end = (first + search.limit).min(count);
        let results = &self.text[self.starts[first]..self.starts[end]];
        let results = results.strip_suffix(b",").unwrap_or(results);
        let mut body = Vec::with_capacity(results.len() + 128);
        body.extend_from_slice(format!(r#"{{"total":{},"results":["#, count - first).as_bytes());
        body.extend_from_slice(results);
        body.push(b']');
        if end < count {
            let after = end - first;
            body.extend_from_slice(
                format!(r#","paging":{{"next":{{"after":"{after}"}}}}"#).as_bytes(),
            );
        }
        body.push(b'}');
        Some(body)
    }

    /// The portal as an HTTP service.
    pub fn router(self) -> Router {
        Router::new()
            .route("/crm/v3/objects/companies/search", post(answer))
            .with_state(Arc::new(self))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Search {
    filter_groups: Vec<Group>,
    limit: usize,
}

#[derive(Debug, Deserialize)]
struct Group {
    filters: Vec<Filter>,
}

#[derive(Debug, Deserialize)]
struct Filter {
    operator: String,
    value: String,
}

async fn answer(State(pages): State<Arc<Pages>>, body: Bytes) -> Response {
    let search = serde_json::from_slice(&body).ok();
    match search.and_then(|search| pages.page(&search)) {
        Some(page) => ([(header::CONTENT_TYPE, "application/json")], page).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(pages: &Pages, since: i64, limit: usize) -> Vec<String> {
        let search = Search {
            filter_groups: vec![Group {
                filters: vec![Filter {
                    operator: "GTE".to_owned(),
                    value: since.to_string(),
                }],
            }],
            limit,
        };
        let body = pages.page(&search).unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let results = answer["results"].as_array().unwrap().iter();
        results
            .map(|company| company["properties"]["name"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_page_starts_at_its_instant_and_the_last_is_short() {
        let pages = Pages::render(7);
        let first = FIRST_MODIFIED.as_millis();
        assert_eq!(page(&pages, 0, 3).len(), 3);
        assert_eq!(page(&pages, first + 2, 3), page(&pages, 0, 5)[2..]);
        assert_eq!(page(&pages, first + 5, 3).len(), 2);
        assert!(page(&pages, first + 7, 3).is_empty());
    }
}

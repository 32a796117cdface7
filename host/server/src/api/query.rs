//! Query parameters, and the pages of a list.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::problem::Problem;
use crate::state::{ApiLimits, AppState};

/// The parameters of a query.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

/// Which part of a list is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Where to go on: `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many entries at most; 100 unless given, and up to 500.
    limit: Option<usize>,
}

/// A query that cannot be used.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to read the query: {0}")]
    Unreadable(String),
    #[error("failed to list: `limit` takes a whole number from 1 to {max}, got `{got}`")]
    Limit { max: usize, got: usize },
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_query", &error)
    }
}

impl Paging {
    /// The part that a query with more parameters asks for.
    pub const fn new(cursor: Option<String>, limit: Option<usize>) -> Self {
        Self { cursor, limit }
    }

    /// The cursor and the limit, checked.
    pub fn within(&self, limits: &ApiLimits) -> Result<(Option<&str>, usize), Problem> {
        let limit = self.limit.unwrap_or(limits.page_entries_default);
        if limit == 0 || limit > limits.page_entries_max {
            return Err(Error::Limit {
                max: limits.page_entries_max,
                got: limit,
            }
            .into());
        }
        Ok((self.cursor.as_deref(), limit))
    }
}

impl<T: DeserializeOwned> FromRequestParts<AppState> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => {
                let source = std::error::Error::source(&rejection);
                let text = source.map_or_else(|| rejection.to_string(), ToString::to_string);
                Err(Error::Unreadable(text).into())
            }
        }
    }
}

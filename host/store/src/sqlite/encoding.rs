//! Values as they stand in the tables: words for enums, JSON for what is nested, milliseconds for time.

use std::fmt::Display;

use partneros_domain::Timestamp;
use rusqlite::{Row, RowIndex};
use serde::Serialize;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{Deserialize, DeserializeOwned, IntoDeserializer as _};

use super::fault::Outcome;
use crate::{Error, Result};

/// Which stored value is read, for the error when it does not parse.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
}

impl Cell {
    pub(super) const fn new(table: &'static str, column: &'static str) -> Self {
        Self { table, column }
    }

    /// Reads JSON.
    pub(super) fn json<T: DeserializeOwned>(
        self,
        row: &Row<'_>,
        at: impl RowIndex,
        id: impl Display + Copy,
    ) -> Outcome<T> {
        let text = row.get_ref(at)?.as_str().map_err(rusqlite::Error::from)?;
        serde_json::from_str(text).map_err(|error| self.inconsistent(id, error).into())
    }

    /// Reads the word of an enum, as its serde name.
    pub(super) fn word<T>(
        self,
        row: &Row<'_>,
        at: impl RowIndex,
        id: impl Display + Copy,
    ) -> Outcome<T>
    where
        T: for<'de> Deserialize<'de>,
    {
        let text = row.get_ref(at)?.as_str().map_err(rusqlite::Error::from)?;
        let deserializer: StrDeserializer<'_, WordError> = text.into_deserializer();
        T::deserialize(deserializer).map_err(|error| self.inconsistent(id, error).into())
    }

    pub(super) fn inconsistent(
        self,
        id: impl Display + Copy,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Error {
        Error::Inconsistent {
            table: self.table,
            column: self.column,
            row: id.to_string(),
            source: Some(Box::new(source)),
        }
    }
}

/// The JSON that is stored for a value.
pub(super) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Engine {
        operation: "encode a value",
        source: Box::new(error),
    })
}

/// The word that is stored for a variant: its serde name.
pub(super) fn word(variant: &impl Serialize) -> Result<String> {
    let quoted = json(variant)?;
    Ok(quoted.trim_matches('"').to_owned())
}

/// Reads a time.
pub(super) fn time(row: &Row<'_>, at: impl RowIndex) -> rusqlite::Result<Timestamp> {
    row.get(at).map(Timestamp)
}

/// Reads a time that may be missing.
pub(super) fn time_if_any(row: &Row<'_>, at: impl RowIndex) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(at)?.map(Timestamp))
}

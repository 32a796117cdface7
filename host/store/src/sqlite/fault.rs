//! How SQLite's errors become the contract's.

use std::fmt::Display;

use rusqlite::ErrorCode;

use crate::Error;

/// Why work on a connection failed: a refusal of the contract, or SQLite.
#[derive(Debug)]
pub(super) enum Fault {
    Store(Error),
    Sql(rusqlite::Error),
}

/// The result of work on a connection.
pub(super) type Outcome<T> = std::result::Result<T, Fault>;

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Fault {
    /// The contract's error, where `operation` completes "failed to ...".
    pub(super) fn during(self, operation: &'static str) -> Error {
        match self {
            Self::Store(error) => error,
            Self::Sql(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => Error::DiskFull,
                Some(ErrorCode::ReadOnly) => Error::ReadOnly,
                Some(ErrorCode::DatabaseCorrupt) => Error::Damaged(error.to_string()),
                Some(ErrorCode::SystemIoFailure) => Error::DiskFailed(error.to_string()),
                _ => Error::Engine {
                    operation,
                    source: Box::new(error),
                },
            },
        }
    }
}

/// The refusal of a row that is not there, or is another organization's.
pub(super) fn not_found(kind: &'static str, id: impl Display + Copy) -> Error {
    Error::NotFound {
        kind,
        id: id.to_string(),
    }
}

/// The refusal of a change to a row that is otherwise than it was thought to be.
pub(super) fn conflict(kind: &'static str, id: impl Display + Copy, problem: &str) -> Error {
    Error::Conflict {
        kind,
        id: id.to_string(),
        problem: problem.to_owned(),
    }
}

/// Turns a broken unique constraint into the refusal, and leaves other outcomes as they are.
pub(super) fn unless_taken<T>(
    outcome: rusqlite::Result<T>,
    refusal: impl FnOnce() -> Error,
) -> Outcome<T> {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    outcome.map_err(|error| match error.sqlite_error() {
        Some(code)
            if [SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE]
                .contains(&code.extended_code) =>
        {
            Fault::Store(refusal())
        }
        _ => Fault::Sql(error),
    })
}

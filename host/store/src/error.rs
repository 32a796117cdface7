//! What can go wrong in storage.

/// A storage operation that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such row, or another organization's.
    #[error("failed to find {kind} `{id}`")]
    NotFound {
        /// What was looked for, such as `record`.
        kind: &'static str,
        /// Its id or name.
        id: String,
    },
    /// The row changed since it was read, or exists already.
    #[error("failed because {kind} `{id}` {problem}")]
    Conflict {
        /// What conflicts, such as `object pair`.
        kind: &'static str,
        /// Its id or name.
        id: String,
        /// What conflicts, to be read after the id: "has changed since it was read".
        problem: String,
    },
    /// Another worker took over the pair; what this one wanted to write was not written.
    #[error("failed because the lease on object pair `{0}` was lost")]
    LeaseLost(partneros_domain::PairId),
    /// A stored value does not parse.
    #[error("failed to read `{table}.{column}` of row `{row}`: the stored value is inconsistent")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's id.
        row: String,
        /// What is wrong with it.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A secret could not be opened: wrong key, or moved or edited ciphertext.
    #[error(
        "failed to open the sealed `{column}` of `{row}`: wrong key, or the stored value was changed"
    )]
    Sealed {
        /// The column.
        column: &'static str,
        /// The row's id.
        row: String,
    },
    /// The key file or variable cannot be used.
    #[error("failed to load the sealing key: {0}")]
    Key(String),
    /// The database is from a newer version of this program.
    #[error(
        "failed to open the database: its version {found} is newer than this program's {known}; upgrade the program"
    )]
    TooNew {
        /// The version found.
        found: i64,
        /// The newest version known.
        known: i64,
    },
    /// A copy of the database that cannot be relied on.
    #[error("failed because the database is damaged: {0}")]
    Damaged(String),
    /// The disk is full.
    #[error("failed to write: the disk is full")]
    DiskFull,
    /// The engine failed at this operation.
    #[error("failed to {operation}")]
    Engine {
        /// What was tried.
        operation: &'static str,
        /// The engine's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

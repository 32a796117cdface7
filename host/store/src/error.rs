//! What can go wrong in storage.

use partneros_domain::Side;

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
    /// Another organization has the portal.
    #[error("failed because HubSpot portal `{0}` is connected by another organization")]
    PortalTaken(i64),
    /// The organization has other portals, and nobody said what becomes of them.
    #[error(
        "failed because HubSpot portal `{portal_id}` is not one that the organization has connected"
    )]
    OtherPortal {
        /// The portal that was to be connected.
        portal_id: i64,
        /// What the organization has: connections that work or have pairs, oldest first.
        connected: Vec<(partneros_domain::ConnectionId, i64)>,
    },
    /// Another worker took over the pair; what this one wanted to write was not written.
    #[error("failed because the lease on object pair `{0}` was lost")]
    LeaseLost(partneros_domain::PairId),
    /// More would change at once than may; nothing of it was written.
    #[error("failed because {}", tripped(.0))]
    Braked(Vec<crate::Tripped>),
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
    /// A secret, or the data key that it is sealed under, could not be opened.
    #[error("failed to open the sealed `{table}.{column}` of row `{row}`: {problem}")]
    Sealed {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's id.
        row: String,
        /// Why, and what to do about it.
        problem: SealProblem,
    },
    /// The key ring cannot be used as it is.
    #[error("failed to use the key ring: {0}")]
    Key(String),
    /// A key that is no longer in the ring would have been sealed under.
    #[error(
        "failed to seal under key `{0}`: it was taken out of the ring by `partneros keys prune`; start this process again with the ring that is in use, or run `partneros keys rotate`"
    )]
    KeyRetired(String),
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
    /// The database, or a copy of it, cannot be relied on.
    #[error("failed because the database is damaged: {0}; a backup is to be restored")]
    Damaged(String),
    /// The disk is full.
    #[error("failed to write: the disk is full; free some of it")]
    DiskFull,
    /// The database's file, or its folder, is not to be written.
    #[error(
        "failed to write: the database is read-only; give the host's user write access to its file, to those beside it (`-wal`, `-shm`) and to their folder"
    )]
    ReadOnly,
    /// The disk fails.
    #[error("failed to use the disk: {0}")]
    DiskFailed(String),
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

impl Error {
    /// Whether nothing can be written for now, whatever it is.
    pub fn is_disk_trouble(&self) -> bool {
        matches!(
            self,
            Self::Damaged(_) | Self::DiskFull | Self::ReadOnly | Self::DiskFailed(_)
        )
    }
}

/// What would change, for people.
fn tripped(tripped: &[crate::Tripped]) -> String {
    let told = tripped.iter().map(|tripped| {
        let what = match (&tripped.key.field, tripped.key.side) {
            (Some(field), Side::PartnerOs) => format!("`{field}` of records"),
            (Some(field), Side::HubSpot) => format!("the property of `{field}` of objects"),
            (None, Side::PartnerOs) => "records".to_owned(),
            (None, Side::HubSpot) => "objects".to_owned(),
        };
        let done = match (&tripped.key.field, tripped.blanked) {
            (None, _) => "be deleted".to_owned(),
            (Some(_), 0) => "change".to_owned(),
            (Some(_), blanked) => format!("change ({blanked} would have no value any more)"),
        };
        format!(
            "{what} would {done}: {} of {} linked ones, where {} may at a time",
            tripped.records, tripped.links, tripped.allowed
        )
    });
    told.collect::<Vec<_>>().join("; ")
}

/// Why a sealed value does not open. It never says anything of the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealProblem {
    /// The value is not what was sealed for this place.
    #[error("the stored value was changed, or moved from elsewhere; {remedy}")]
    Changed {
        /// What a person does about it.
        remedy: &'static str,
    },
    /// The wrapping key is not to be had.
    #[error(
        "it is under key `{0}`, which is not in the key ring; put that key back, from its backup (`partneros keys list` tells which are in use)"
    )]
    KeyMissing(String),
    /// The data key is gone.
    #[error("it is under data key {number} of its organization, which is gone; {remedy}")]
    DataKeyGone {
        /// Which data key.
        number: u32,
        /// What a person does about it.
        remedy: &'static str,
    },
    /// The value was not sealed anew when the database was opened.
    #[error(
        "it is sealed in an old form, under key `{key}`; put that key back into the key ring and start again, or {remedy}"
    )]
    OldForm {
        /// The wrapping key.
        key: String,
        /// What else a person does about it.
        remedy: &'static str,
    },
}

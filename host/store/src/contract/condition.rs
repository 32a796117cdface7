//! Whether the database can be used at all.

/// The condition of the database.
pub trait Condition: Send + Sync {
    /// What kept the last use from being done that the disk, or the database's file, failed, see
    /// [`crate::Error::is_disk_trouble`]; none once something was written again.
    fn trouble(&self) -> Option<String>;
}

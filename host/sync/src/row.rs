//! One row of a page of HubSpot objects.

use partneros_domain::{HubSpotId, Timestamp};
use partneros_hubspot::Rows;

/// A view of one object in [`Rows`].
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    rows: &'a Rows,
    at: usize,
    /// The object.
    pub id: HubSpotId,
    /// When HubSpot says it was last modified.
    pub updated_at: Timestamp,
}

impl<'a> Row<'a> {
    /// The row at a position, which must be below [`Rows::len`].
    pub fn new(rows: &'a Rows, at: usize) -> Self {
        Self {
            rows,
            at,
            id: rows.ids[at],
            updated_at: rows.updated_at[at],
        }
    }

    /// The value in a column; null and "" are `None`.
    pub fn value(&self, column: usize) -> Option<&'a str> {
        self.rows.columns.get(column)?.get(self.at)?.as_deref()
    }
}

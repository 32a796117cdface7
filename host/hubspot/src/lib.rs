//! A typed client for HubSpot's CRM API, and the [`Portal`] trait that the sync engine is written against.

mod error;
pub mod model;
mod portal;

pub use error::{Error, Refusal};
pub use portal::{
    BATCH_MAX, Portal, Priority, PropertyError, ReadBatch, RowError, Rows, SEARCH_PAGE_MAX, Search,
    SearchPage, Update, Upsert, Window, Written, WrittenObject,
};

//! Exact decimal numbers, dates and text, as mappers read and write them.
//!
//! What two plugins would otherwise each write: it knows neither the WIT types nor HubSpot's
//! schemas, has no dependencies, and never panics on any text.

pub mod date;
pub mod date_format;
pub mod decimal;
pub mod text;

//! A typed client for HubSpot's CRM API, and the [`Portal`] trait that the sync engine is written against.
//!
//! [`Client`] is one connection over HTTP: it keeps to the portal's [`Budget`], retries what is worth retrying, renews a
//! refused token once, and sorts every other failure into an [`Error`] that says what to do about it. [`OAuth`] gets the
//! tokens; storing them, and refreshing a connection once at a time, is for whoever implements [`AccessTokens`].
//!
//! It knows nothing of mappings, records or storage, and reads no clock and no environment.
//!
//! Invariant: tokens leave only in requests to the configured addresses; no error, event or `Debug` output holds one.

// A refusal says much and is rare; boxing it would burden every match on it.
#![allow(clippy::result_large_err)]

mod access;
mod budget;
mod call;
mod client;
mod describe;
mod error;
mod history;
mod http;
mod instant;
mod journal;
pub mod model;
mod oauth;
mod paths;
mod portal;
mod read;
mod refusal;
mod retry;
mod rows;
mod scalar;
mod search;
mod window;
mod write;

pub use access::{AccessTokens, StaticToken};
pub use budget::{AppKind, Budget, RateLimit, SEARCHES_PER_SECOND};
pub use client::{Client, ClientConfig};
pub use error::{Error, Refusal};
pub use http::{Http, HttpConfig, Wire};
pub use journal::{
    FILE_BYTES_MAX, FILE_EVENTS_MAX, JOURNAL_SCOPES, JournalAction, JournalClient, JournalConfig,
    JournalEntry, JournalEvent, JournalFile, JournalObject, JournalPlace, Subscription,
};
pub use oauth::{
    AUTHORIZE_BASE, Introspection, OAuth, OAuthConfig, TokenKind, Tokens, required_scopes,
};
pub use paths::{API_BASE, ApiVersion, UnknownVersion};
pub use portal::{
    BATCH_MAX, HISTORY_BATCH_MAX, List, ObjectHistory, Portal, Priority, PropertyError,
    PropertyVersion, ReadBatch, RowError, Rows, SEARCH_PAGE_MAX, Search, SearchPage, Update,
    Upsert, Window, Written, WrittenObject,
};
pub use retry::RetryConfig;
pub use search::modified_property;

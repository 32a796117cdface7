//! The portal as a state machine: no I/O, no clock, no global randomness.
//!
//! [`Sim`] owns everything; each file adds the operations of one API family to it. An operation takes a [`Call`], which
//! carries the time and the granted scopes, and returns what the answer shows or an [`crate::ApiError`].

mod account;
pub mod associations;
pub mod batch;
pub mod calculated;
pub mod call;
mod catalog;
pub mod definitions;
mod enrichment;
pub mod filter;
pub mod index;
pub mod journal;
pub mod linking;
pub mod merge;
pub mod object_type;
pub mod objects;
pub mod ordered;
pub mod owners;
pub mod pipelines;
pub mod property;
pub mod record;
pub mod schemas;
pub mod search;
pub mod sim;
pub mod values;
pub mod version;
pub mod view;
mod write;
pub mod write_log;

pub use call::{Access, Call};
pub use object_type::{Kind, ObjectType, TypeIx};
pub use record::{Record, Source};
pub use sim::{Admission, Sim};
pub use version::ApiVersion;
pub use view::{BatchReply, RecordView, Values};
pub use write_log::{Counts, Write, WriteKind, WriteLog};

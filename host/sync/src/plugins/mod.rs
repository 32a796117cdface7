//! Which plugins map a pair's records, and what becomes of them: choosing, calling, comparing, falling back.
//!
//! A pair runs the mapper that is bound to it, to its connection or to its organization, and the host's own where nothing
//! is bound; single rules may name another plugin. A pass resolves all of it once, into a [`Mapper`].
//!
//! Invariants: a plugin's failure costs what it failed on and never the rest, unless it does not work at all; a candidate
//! has no effect; what runs changes only by a binding, and each change is in the audit log.

mod activity;
mod binding;
mod carry;
mod catalog;
mod isolate;
mod mapper;
mod proof;
mod resolve;
mod samples;
mod settle;
mod shadow;
mod split;
mod tryout;

pub use binding::Chosen;
pub use catalog::{BuiltIn, Plugins};
pub use mapper::{FailedRow, Mapper, Outcome};
pub use proof::{Example, Proof};
pub use shadow::{Both, FieldDifference, Sample, ShadowReport};
pub use split::SplitPlan;
pub use tryout::{Tryout, TryoutRow};

pub(crate) use carry::{Carried, Carrier, Texts};
pub(crate) use isolate::{PLUGIN_FAILED, plugin_failed};
pub(crate) use resolve::{
    for_pass as resolve_for_pass, mapper as resolve, of_parts as resolve_parts,
};
pub(crate) use samples::generated;
pub(crate) use settle::Settled;

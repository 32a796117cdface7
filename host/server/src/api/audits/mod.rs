//! Audits of pairs: whether both sides hold the same, as a whole. What was done by whom is the audit log's, in
//! [`crate::api::audit`].

pub mod list;
pub mod start;

//! What was done, and what needs a person: the audit log and the alerts.

pub mod alerts;
pub mod events;

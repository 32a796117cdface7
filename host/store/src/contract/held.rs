//! Which values HubSpot holds of linked records, as far as both sides agreed on them.

use partneros_domain::{FieldName, RecordId};

/// Where in a pair's links to look for values, and for which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldQuery {
    /// The field whose mapping agreed.
    pub field: FieldName,
    /// The rule that it agreed under, as `rule_digest` gives it.
    pub rule: u32,
    /// Which of the rule's properties it is, from 0.
    pub place: usize,
    /// Whether a value is a list of several, with `;` between them.
    pub several: bool,
    /// Which values to look for.
    pub sought: SoughtValues,
    /// How many values are returned at most.
    pub values_max: usize,
    /// How many records are named of each at most.
    pub records_max: usize,
}

/// Which values are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SoughtValues {
    /// One of these.
    These(Vec<String>),
    /// Any but these.
    OthersThan(Vec<String>),
}

/// A value that records hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldValue {
    /// The value, as HubSpot sends it.
    pub value: String,
    /// How many records hold it.
    pub count: u64,
    /// The first of them, in the order they were made.
    pub records: Vec<RecordId>,
}

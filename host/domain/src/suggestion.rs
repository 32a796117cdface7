//! What a mapper says of itself and proposes. Mirrors interfaces `describe` and `suggest` of the WIT contract.

use serde::{Deserialize, Serialize};

/// Who a plugin says it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// A short name in kebab case.
    pub name: String,
    /// The plugin's own version.
    pub version: String,
    /// One sentence for the person who chooses a plugin.
    pub summary: String,
    /// A JSON Schema of a rule's options, or empty.
    pub options_schema: String,
}

/// Why a candidate was proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A stable code in kebab case.
    pub code: String,
    /// A sentence for the reviewer.
    pub message: String,
}

/// One HubSpot property that may hold a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The property's name.
    pub property: String,
    /// From 0 (a guess) to 1 (certain).
    pub confidence: f64,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// The candidates for one field, best first; none when nothing matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suggestion {
    /// The PartnerOS field.
    pub field: String,
    /// Best first.
    pub candidates: Vec<Candidate>,
}

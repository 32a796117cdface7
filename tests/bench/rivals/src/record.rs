//! What is mapped, and what it becomes.

use serde::{Deserialize, Serialize};

/// A company of a portal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Company {
    pub name: Option<String>,
    pub city: Option<String>,
    pub tier: Option<String>,
    pub since: Option<String>,
    pub contact: Option<String>,
}

/// A record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Partner {
    pub name: Option<String>,
    pub city: Option<String>,
    pub tier: Option<String>,
    pub since: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
}

//! Whether and how often the journal is read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the reader of HubSpot's change journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JournalSettings {
    /// Whether HubSpot's change journal is read, which tells of deletions, merges and restores within seconds, and of what is
    /// counted of associations with the next poll. Default no: the app needs the scopes `developer.webhooks_journal.read`,
    /// `developer.webhooks_journal.subscriptions.read` and `developer.webhooks_journal.subscriptions.write` for it, and no other
    /// host may use the app.
    pub enabled: bool,
    /// How often it is asked for what is new. Default 15,000. A call takes nothing from a portal's limits; at least 1,000.
    pub interval_ms: u64,
}

impl JournalSettings {
    /// What is wrong with the first setting that is outside of its limits, by its key.
    pub fn problem(self) -> Option<String> {
        let (value, least) = (self.interval_ms, 1_000);
        (value < least).then(|| {
            format!("`hubspot.journal.interval_ms` is {value}; it must be at least {least}")
        })
    }
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            interval_ms: 15_000,
        }
    }
}

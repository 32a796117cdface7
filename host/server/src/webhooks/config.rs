//! Where messages may go, and how they are sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebhooksConfig {
    /// Whether messages may go to addresses that are not public: private, loopback, link-local and the like. Default no: the
    /// organizations' admins choose where messages go, and this host may reach what they must not.
    pub allow_private: bool,
    /// Whether messages may go without TLS. Default no: what happens in an organization is nobody else's business.
    pub allow_http: bool,
    /// How many webhooks an organization may have. Default 10. Beyond it: 409 `too_many_webhooks`.
    pub webhooks_max: usize,
    /// How long an attempt may take, from the look-up of the host to the answer's status. Default 15,000. Longer counts as a
    /// failure, and the message is sent again.
    pub timeout_ms: u32,
    /// How many webhooks are served at a time, each with one message. Default 256; further ones wait for their turn, those
    /// first that were served longest ago.
    pub concurrent_max: usize,
    /// After how many days of nothing but failures a webhook is disabled, with an alert. Default 5.
    pub disable_after_days: u32,
    /// How long the secret before a rotation signs as well. Default 86,400,000 (a day).
    pub secret_overlap_ms: u32,
    /// For how many days messages that arrived or were given up are listed. Default 30.
    pub kept_days: u32,
}

impl Default for WebhooksConfig {
    fn default() -> Self {
        Self {
            allow_private: false,
            allow_http: false,
            webhooks_max: 10,
            timeout_ms: 15_000,
            concurrent_max: 256,
            disable_after_days: 5,
            secret_overlap_ms: 86_400_000,
            kept_days: 30,
        }
    }
}

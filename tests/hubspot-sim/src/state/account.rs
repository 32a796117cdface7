//! What the account says of itself: money, time zone, where it lives, what it has used.

use serde_json::{Value, json};

use super::call::Call;
use super::sim::{Sim, UTC_OFFSET_MS};
use super::version::ApiVersion;

impl Sim {
    /// The account's details. Any live token may see them; one with schema scopes alone was seen to.
    pub fn account_details(&self, call: &Call) -> Value {
        let mut details = json!({
            "portalId": self.config.hub_id,
            "accountType": "STANDARD",
            "timeZone": "US/Eastern",
            "companyCurrency": "USD",
            "additionalCurrencies": ["EUR", "GBP", "CAD"],
            "utcOffset": "-05:00",
            "utcOffsetMilliseconds": UTC_OFFSET_MS,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        });
        if call.version == ApiVersion::Dated202609 {
            details["portalName"] = "Simulated portal".into();
        }
        details
    }

    /// Calls counted today, as private apps see them.
    pub fn daily_usage(&self, call: &Call) -> Value {
        json!({ "results": [{
            "name": "private-apps-api-calls-daily",
            "usageLimit": self.config.limits.daily,
            "currentUsage": self.limiter.used_today(),
            "collectedAt": call.now,
            "fetchStatus": "SUCCESS",
        }] })
    }
}

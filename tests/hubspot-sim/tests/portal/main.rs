//! The portal as its users meet it: rule by rule, over HTTP, behind the engine's trait, and by HubSpot's own client.

mod batches;
mod handle;
mod http;
mod journal;
mod life;
mod rules;
mod sdk;
mod search;

use std::sync::Arc;

use hubspot_sim::{ApiVersion, Call, Config, Sim};
use partneros_domain::Timestamp;
use serde_json::Value;

/// When every test begins.
const NOW: Timestamp = Timestamp(1_795_000_000_000);

/// Everything the product asks for.
const ALL_SCOPES: &[&str] = &[
    "oauth",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.owners.read",
    "crm.objects.custom.read",
    "crm.objects.custom.write",
    "crm.schemas.companies.read",
    "crm.schemas.companies.write",
    "crm.schemas.custom.read",
    "crm.schemas.custom.write",
    "crm.schemas.deals.read",
    "crm.schemas.deals.write",
];

fn portal() -> Sim {
    Sim::new(Config::default(), NOW)
}

/// A call by the app, `ms` after the beginning.
fn app(ms: i64) -> Call {
    let scopes: Arc<[String]> = ALL_SCOPES.iter().map(|scope| (*scope).to_owned()).collect();
    Call::integration(NOW.plus_millis(ms), ApiVersion::V3, scopes)
}

/// A request body from JSON.
fn body<T: serde::de::DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).expect("the test's own body is valid")
}

/// An error as its body would be, without the correlation id.
fn refusal(error: &hubspot_sim::ApiError) -> (u16, Value) {
    (
        error.status,
        serde_json::to_value(error).expect("errors serialise"),
    )
}

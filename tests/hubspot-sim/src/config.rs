//! What a simulated portal is: its tier, the app that connects to it, its limits, its delays and its quirks.
//!
//! Everything that HubSpot may do one way or another is a field here, with the friendliest setting as default, so
//! that a test says in one place which HubSpot it runs against. The state machine reads it and never changes it.

use serde::{Deserialize, Serialize};

use crate::faults::FaultPlan;
use crate::state::search::SEARCH_RESULTS_MAX;

/// Everything that shapes a simulated portal.
#[derive(Debug, Clone)]
pub struct Config {
    /// Seeds every identifier, token and random fault; equal seeds and equal calls give equal bytes.
    pub seed: u64,
    /// The portal's number, HubSpot's `hub_id`.
    pub hub_id: u64,
    /// What the customer pays for; custom objects exist on [`Tier::Enterprise`] only.
    pub tier: Tier,
    /// The integration that connects over OAuth.
    pub app: App,
    /// A static bearer token that is accepted with every scope, as a private app's is.
    pub private_app_token: Option<String>,
    /// Request budgets; [`Limits::OFF`] by default.
    pub limits: Limits,
    /// How long a new record stays invisible to search, in milliseconds.
    pub create_lag_ms: i64,
    /// How long search goes on matching the old values of a changed record, in milliseconds.
    pub update_lag_ms: i64,
    /// How many results of a search can be paged to; HubSpot's wall.
    pub search_results_max: usize,
    /// When set, this many milliseconds after a record's creation HubSpot fills in a property by itself and bumps the
    /// modified date.
    pub enrichment_delay_ms: Option<i64>,
    /// What a refresh returns as the refresh token.
    pub refresh: RefreshMode,
    /// What the person at the consent page does.
    pub consent: Consent,
    /// Which id a merge leaves behind.
    pub merge: MergeMode,
    /// Whether writing a value that is already there moves the modified date.
    // Unverified: recordings only show that any property write moves it, so the noisier behaviour is the default.
    pub unchanged_writes_bump: bool,
    /// Random faults, drawn from the seed.
    pub faults: FaultPlan,
    /// Companies to seed.
    pub companies: usize,
    /// Deals to seed.
    pub deals: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            hub_id: 48_212_345,
            tier: Tier::Enterprise,
            app: App::default(),
            private_app_token: None,
            limits: Limits::OFF,
            create_lag_ms: 0,
            update_lag_ms: 0,
            search_results_max: SEARCH_RESULTS_MAX,
            enrichment_delay_ms: None,
            refresh: RefreshMode::Same,
            consent: Consent::Approve,
            merge: MergeMode::NewId,
            unchanged_writes_bump: true,
            faults: FaultPlan::default(),
            companies: 0,
            deals: 0,
        }
    }
}

/// The integration as HubSpot knows it.
#[derive(Debug, Clone)]
pub struct App {
    /// HubSpot's number for the app; the `sourceId` of what it writes.
    pub app_id: u64,
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: String,
    /// Registered redirect addresses; empty accepts any.
    pub redirect_uris: Vec<String>,
}

impl Default for App {
    fn default() -> Self {
        Self {
            app_id: 3_141_592,
            client_id: "sim-client-id".to_owned(),
            client_secret: "sim-client-secret".to_owned(),
            redirect_uris: Vec::new(),
        }
    }
}

/// HubSpot's price tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Tier {
    /// Free tools.
    Free,
    /// Starter.
    Starter,
    /// Professional.
    Professional,
    /// Enterprise, the only one with custom objects.
    Enterprise,
}

/// Request budgets. `None` turns a budget off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Searches per rolling second for the whole account.
    pub search_per_second: Option<u32>,
    /// Other calls per rolling ten seconds for the app.
    pub burst_per_10s: Option<u32>,
    /// Calls per portal day.
    pub daily: Option<u64>,
}

impl Limits {
    /// No budget at all.
    pub const OFF: Self = Self {
        search_per_second: None,
        burst_per_10s: None,
        daily: None,
    };

    /// What a marketplace app with OAuth gets: 5 searches a second and 110 other calls in ten seconds.
    pub const MARKETPLACE: Self = Self {
        search_per_second: Some(5),
        burst_per_10s: Some(110),
        daily: None,
    };

    /// What a private app gets on `tier`, the daily budget of the account included.
    pub const fn private_app(tier: Tier) -> Self {
        let (burst, daily) = match tier {
            Tier::Free | Tier::Starter => (100, 250_000),
            Tier::Professional => (190, 625_000),
            Tier::Enterprise => (190, 1_000_000),
        };
        Self {
            search_per_second: Some(5),
            burst_per_10s: Some(burst),
            daily: Some(daily),
        }
    }
}

/// What the token endpoint returns as `refresh_token` when a token is refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RefreshMode {
    /// The same value, which stays valid.
    Same,
    /// A new value; the old one dies.
    Rotate,
    /// None at all; the old one stays valid.
    Missing,
}

/// What happens at the consent page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Consent {
    /// The person agrees at once.
    Approve,
    /// The person declines; the app is called back with `error=access_denied`.
    Deny,
}

/// Which id is left after merging A and B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MergeMode {
    /// A new id C; both old ids lead to it.
    NewId,
    /// The primary's id; the other leads to it.
    KeepPrimary,
}

//! The command line, written to be read with `--help`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::Parser;
use hubspot_sim::{Config, Consent, FaultPlan, Limits, MergeMode, RefreshMode, Tier};

const ABOUT: &str = "\
A simulated HubSpot portal: CRM objects, search, properties, pipelines, owners, associations, OAuth, rate limits and \
faults, behind the paths of versions v3, 2026-03 and 2026-09. Everything is in memory and follows from the seed.

Point a client at the printed address, for the API and for the consent page (/oauth/authorize, which agrees at once).";

const OTHER_SIDE: &str = "\
What people do in HubSpot is under /__sim:
  POST   /__sim/objects/companies          {\"properties\": {\"name\": \"Acme\"}}
  GET    /__sim/objects/companies/ID       every value the record has
  PATCH  /__sim/objects/companies/ID       {\"properties\": {\"name\": \"Acme Inc.\"}}
  DELETE /__sim/objects/companies/ID       archive; POST .../ID/restore brings it back
  POST   /__sim/objects/companies/merge    {\"primaryObjectId\": \"1\", \"objectIdToMerge\": \"2\"}
  POST   /__sim/properties/companies       a property definition, as for the API
  PUT    /__sim/properties/companies/NAME  {\"options\": [{\"value\": \"a\", \"label\": \"A\"}]}; DELETE archives
  GET    /__sim/writes                     what the app has written, with counters; DELETE resets
  POST   /__sim/faults                     {\"path\": \"/search\", \"times\": 3, \"fault\": {\"kind\": \"bad_gateway\"}}
  POST   /__sim/clock/advance              {\"ms\": 60000}
  POST   /__sim/tokens/expire              every access token is as good as 30 minutes old
  POST   /__sim/install                    {\"scopes\": [\"crm.objects.deals.read\"]}: tokens without a browser
  DELETE /__sim/install                    the app is removed, every token dies

Kinds of fault: rate_limited (retry_after_s), locked, migrating (retry_after_s), bad_gateway, server_error,
cut_off_body, lost_response, latency (ms).";

/// A simulated HubSpot portal.
#[derive(Debug, Parser)]
#[command(name = "hubspot-sim", version, long_about = ABOUT, after_long_help = OTHER_SIDE)]
pub struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 7171)]
    port: u16,
    /// Seeds records, ids, tokens and random faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Companies to begin with.
    #[arg(long, default_value_t = 100)]
    companies: usize,
    /// Deals to begin with; nine in ten belong to a company.
    #[arg(long, default_value_t = 200)]
    deals: usize,
    /// The customer's subscription; custom objects exist on enterprise only.
    #[arg(long, value_enum, default_value_t = Tier::Enterprise)]
    tier: Tier,
    /// A bearer token that is accepted with every scope, as a private app's is.
    #[arg(long, value_name = "TOKEN")]
    private_app_token: Option<String>,
    /// Enforce 5 searches a second and 110 other calls in 10 seconds, as for a marketplace app.
    #[arg(long)]
    limits: bool,
    /// Other calls in 10 seconds, with `--limits`: 100, 110, 190 or 250 in HubSpot.
    #[arg(long, value_name = "CALLS", requires = "limits")]
    burst: Option<u32>,
    /// Calls a day, with `--limits`; none by default, as for OAuth apps.
    #[arg(long, value_name = "CALLS", requires = "limits")]
    daily: Option<u64>,
    /// Milliseconds until a new record shows in search; 500 to 30000 in HubSpot.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    create_lag: u32,
    /// Milliseconds until search matches a record's new values; 0 to 1000 in HubSpot.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    update_lag: u32,
    /// Milliseconds after a creation when HubSpot fills in a property by itself and moves the modified date.
    #[arg(long, value_name = "MS")]
    enrichment: Option<u32>,
    /// What a token refresh returns as the refresh token.
    #[arg(long, value_enum, default_value_t = RefreshMode::Same)]
    refresh: RefreshMode,
    /// What the person at the consent page does.
    #[arg(long, value_enum, default_value_t = Consent::Approve)]
    consent: Consent,
    /// Which id a merge leaves.
    #[arg(long, value_enum, default_value_t = MergeMode::NewId)]
    merge: MergeMode,
    /// Chance per call, for each of seven kinds of fault: 429 without and with Retry-After, 423, a 502 page, 500, a body
    /// cut off, an answer lost after the call was applied. At most 0.14.
    #[arg(long, value_name = "CHANCE", default_value_t = 0.0, value_parser = chance)]
    faults: f64,
}

impl Arguments {
    /// The address to listen on.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((self.host, self.port))
    }

    /// The portal that the flags describe.
    pub fn config(&self) -> Config {
        let limits = if self.limits {
            let marketplace = Limits::MARKETPLACE;
            Limits {
                burst_per_10s: self.burst.or(marketplace.burst_per_10s),
                daily: self.daily,
                ..marketplace
            }
        } else {
            Limits::OFF
        };
        Config {
            seed: self.seed,
            companies: self.companies,
            deals: self.deals,
            tier: self.tier,
            private_app_token: self.private_app_token.clone(),
            limits,
            create_lag_ms: self.create_lag.into(),
            update_lag_ms: self.update_lag.into(),
            enrichment_delay_ms: self.enrichment.map(i64::from),
            refresh: self.refresh,
            consent: self.consent,
            merge: self.merge,
            faults: if self.faults > 0.0 {
                FaultPlan::uniform(self.faults)
            } else {
                FaultPlan::default()
            },
            ..Config::default()
        }
    }
}

fn chance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(chance) if (0.0..=0.14).contains(&chance) => Ok(chance),
        _ => Err("expected a number from 0 to 0.14".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn flags_are_consistent_and_reach_the_configuration() {
        Arguments::command().debug_assert();
        let arguments = Arguments::parse_from([
            "hubspot-sim",
            "--limits",
            "--burst",
            "190",
            "--faults",
            "0.1",
        ]);
        let config = arguments.config();
        assert_eq!(config.limits.burst_per_10s, Some(190));
        assert_eq!(config.faults.rates.len(), 7);
        assert!(Arguments::try_parse_from(["hubspot-sim", "--faults", "0.2"]).is_err());
    }
}

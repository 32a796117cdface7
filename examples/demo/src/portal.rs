//! The simulated HubSpot portal: what people do there, and what it holds in the end.
//!
//! The host reaches it over HTTP only. What is here stands for the people at HubSpot's own pages, and for the judge who
//! looks at both sides afterwards.

use std::net::SocketAddr;

use anyhow::{Context as _, anyhow};
use hubspot_sim::{App, Clock, Config, Limits, Server, Values};

use crate::options::Options;

/// A running portal.
#[derive(Debug)]
pub struct Portal {
    server: Server,
}

/// The values of one object, in the order the properties were asked for. A cleared value is none.
#[derive(Debug)]
pub struct Row {
    /// HubSpot's id.
    pub id: u64,
    /// The values.
    pub values: Vec<Option<String>>,
}

impl Portal {
    /// Starts a portal whose app may send people back to `redirect`.
    pub fn start(options: &Options, redirect: String) -> anyhow::Result<Self> {
        let limits = if options.hubspot_limits {
            Limits::MARKETPLACE
        } else {
            Limits::OFF
        };
        let config = Config {
            seed: options.seed,
            companies: options.companies as usize,
            deals: options.deals as usize,
            limits,
            app: App {
                redirect_uris: vec![redirect],
                ..App::default()
            },
            ..Config::default()
        };
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::listen(config, Clock::real(), address)?;
        Ok(Self { server })
    }

    /// The address of its API and consent page.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The app's id and secret.
    pub fn app(&self) -> (String, String) {
        let app = self.server.sim().config.app.clone();
        (app.client_id, app.client_secret)
    }

    /// A person sets properties of an object; an empty text clears.
    pub fn person_sets(
        &self,
        object: &str,
        id: u64,
        values: &[(&str, &str)],
    ) -> anyhow::Result<()> {
        let now = self.server.now();
        let set = self
            .server
            .sim()
            .person_sets(object, id, owned(values), now);
        set.map(drop)
            .map_err(|error| anyhow!("HubSpot refused an edit: {}", error.message))
    }

    /// A person makes an object. Returns its id.
    pub fn person_creates(&self, object: &str, values: &[(&str, &str)]) -> anyhow::Result<u64> {
        let now = self.server.now();
        let made = self.server.sim().person_creates(object, owned(values), now);
        let made = made.map_err(|error| anyhow!("HubSpot refused an object: {}", error.message))?;
        Ok(made.id)
    }

    /// What the portal shows of one property.
    pub fn value(&self, object: &str, id: u64, property: &str) -> anyhow::Result<Option<String>> {
        let mut rows = self.read(object, &[id], &[property])?;
        Ok(rows.pop().and_then(|mut row| row.values.pop()).flatten())
    }

    /// What the portal shows of these properties of every live object.
    pub fn rows(&self, object: &str, properties: &[&str]) -> anyhow::Result<Vec<Row>> {
        self.read(object, &self.ids(object)?, properties)
    }

    /// The ids of all live objects.
    pub fn ids(&self, object: &str) -> anyhow::Result<Vec<u64>> {
        let ids = self.server.sim().live_ids(object);
        ids.map_err(|error| anyhow!("the portal has no `{object}`: {}", error.message))
    }

    /// How many writes the app has made so far, of whatever kind.
    pub fn writes(&self) -> u64 {
        self.server.sim().writes.total()
    }

    fn read(&self, object: &str, ids: &[u64], properties: &[&str]) -> anyhow::Result<Vec<Row>> {
        let now = self.server.now();
        let mut sim = self.server.sim();
        let mut rows = Vec::with_capacity(ids.len());
        for &id in ids {
            let view = sim.person_reads(object, id, properties, now);
            let view = view.map_err(|error| anyhow!("{}", error.message));
            let view = view.with_context(|| format!("failed to read {object} {id}"))?;
            let value = |name: &&str| view.property(name).filter(|text| !text.is_empty());
            let values = properties
                .iter()
                .map(|name| value(name).map(ToOwned::to_owned));
            rows.push(Row {
                id,
                values: values.collect(),
            });
        }
        Ok(rows)
    }
}

fn owned(values: &[(&str, &str)]) -> Values {
    let pairs = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Values(pairs.collect())
}

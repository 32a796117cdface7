//! The stage: a portal, and a host on a database of its own, in this process but reached over HTTP.
//!
//! While the story is told the host runs nothing by itself, so that every round is asked for and the outcome is the same
//! each time. [`Stage::restart`] stops the host, as a deployment would, and starts it again on what it left behind.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use partneros_domain::{OrganizationId, Role};
use partneros_server::config::Config;
use partneros_server::environment::SystemEnvironment;
use partneros_server::host::{CALLBACK_PATH, Host};
use partneros_server::token::{self, Wanted};
use partneros_store::{KeyRing, Options as StoreOptions, Organization, Organizations as _, Sqlite};
use partneros_sync::{Engine, Environment as _};
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::files;
use crate::options::Options;
use crate::portal::Portal;

/// Where the host listens unless told otherwise.
const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// How many pairs sync at a time once the host works by itself.
const WORKERS: usize = 8;

/// Portal and host.
#[derive(Debug)]
pub struct Stage {
    /// The portal.
    pub portal: Portal,
    /// The host, as an integrator sees it.
    pub api: Api,
    /// Who the integrator works for.
    pub organization: OrganizationId,
    address: SocketAddr,
    config: Config,
    running: Option<Running>,
}

/// Who decides when pairs sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Whoever asks the API.
    Asked,
    /// The host's own schedule too.
    Scheduled,
}

/// A host that serves.
#[derive(Debug)]
struct Running {
    store: Arc<Sqlite>,
    engine: Engine,
    stop: CancellationToken,
    serving: JoinHandle<anyhow::Result<()>>,
}

impl Stage {
    /// Starts portal and host, and makes an organization with a token.
    pub async fn set(options: &Options, data_dir: &Path) -> anyhow::Result<Self> {
        let listener = listen(options.listen).await?;
        let address = listener.local_addr()?;
        let base = format!("http://{}", reachable(address));
        let portal = Portal::start(options, format!("{base}/{CALLBACK_PATH}"))?;
        let mut config = files::configure(options, data_dir, &base, address, &portal)?;
        config.sync.workers = 0;
        let running = Running::start(&config, listener).await?;
        let organization = Organization {
            id: OrganizationId(SystemEnvironment.new_id()),
            name: "demo".to_owned(),
            created_at: SystemEnvironment.now(),
        };
        running.store.create_organization(&organization).await?;
        let store = running.store.as_ref();
        let wanted = Wanted {
            name: "demo".parse()?,
            member: None,
            role: Role::Admin,
            expires_at: None,
        };
        let made = token::create(store, organization.id, wanted, &SystemEnvironment).await?;
        let api = Api::new(base, made.secret.expose_secret().to_owned())?;
        Ok(Self {
            portal,
            api,
            organization: organization.id,
            address,
            config,
            running: Some(running),
        })
    }

    /// The host's store, for those who judge it.
    pub fn store(&self) -> anyhow::Result<&Sqlite> {
        Ok(self.running()?.store.as_ref())
    }

    /// The host's engine, for those who judge it.
    pub fn engine(&self) -> anyhow::Result<&Engine> {
        Ok(&self.running()?.engine)
    }

    /// Stops the host and starts it again, on the same database and address.
    pub async fn restart(&mut self, pace: Pace) -> anyhow::Result<()> {
        self.stop().await?;
        self.config.sync.workers = if pace == Pace::Scheduled { WORKERS } else { 0 };
        let listener = TcpListener::bind(self.address).await;
        let listener =
            listener.with_context(|| format!("failed to listen on {} again", self.address))?;
        self.running = Some(Running::start(&self.config, listener).await?);
        Ok(())
    }

    /// Stops the host and waits until it has.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        match self.running.take() {
            Some(running) => running.stop().await,
            None => Ok(()),
        }
    }

    fn running(&self) -> anyhow::Result<&Running> {
        self.running.as_ref().context("the host is not running")
    }
}

impl Running {
    async fn start(config: &Config, listener: TcpListener) -> anyhow::Result<Self> {
        let ring = KeyRing::load_or_create(&config.data_dir.join("key"))?;
        let file = config.data_dir.join("partneros.db");
        let store = Arc::new(Sqlite::open(&file, ring, StoreOptions::default())?);
        let stop = CancellationToken::new();
        let environment = Arc::new(SystemEnvironment);
        let host = Host::new(config, store.clone(), environment, stop.clone()).await?;
        let engine = host.engine().clone();
        let serving = tokio::spawn(async move { host.serve(listener).await });
        Ok(Self {
            store,
            engine,
            stop,
            serving,
        })
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.serving.await??;
        Ok(self.store.close().await?)
    }
}

async fn listen(wanted: Option<SocketAddr>) -> anyhow::Result<TcpListener> {
    if let Some(address) = wanted {
        let listener = TcpListener::bind(address).await;
        return listener.with_context(|| format!("failed to listen on {address}"));
    }
    match TcpListener::bind(ADDRESS).await {
        Ok(listener) => Ok(listener),
        Err(_) => Ok(TcpListener::bind((ADDRESS.ip(), 0)).await?),
    }
}

/// The address under which this machine reaches a listener.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        return SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
    }
    address
}

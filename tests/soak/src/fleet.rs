//! The portals, each connected by an organization of its own.

use anyhow::Context as _;
use hubspot_sim::{Config, FaultPlan, Server};
use partneros_domain::{OrganizationId, PairId, PairState, Timestamp};
use partneros_store::{
    Access, Connections as _, NewConnection, Organization, Organizations as _, OtherPortal,
    Pairs as _, TokenSet,
};
use partneros_sync::Environment as _;
use secrecy::SecretString;

use crate::Arguments;
use crate::host::{Host, SystemEnvironment, TOKEN};
use crate::mapping;

/// For how long a new object does not show in search.
const CREATE_LAG_MS: i64 = 3_000;
/// For how long search goes by the old values of a changed one.
const UPDATE_LAG_MS: i64 = 1_000;

/// A portal and who has connected it.
#[derive(Debug)]
pub struct Member {
    /// The portal.
    pub portal: Server,
    /// The organization.
    pub organization: OrganizationId,
    /// Its pair.
    pub pair: PairId,
}

/// The host with its portals.
#[derive(Debug)]
pub struct Fleet {
    /// The host.
    pub host: Host,
    /// The portals.
    pub members: Vec<Member>,
}

impl Fleet {
    /// Starts portals and host, and connects them.
    pub async fn start(arguments: &Arguments) -> anyhow::Result<Self> {
        let mut portals = Vec::new();
        for number in 1..=arguments.connections {
            let config = Config {
                seed: arguments.seed.wrapping_mul(10_007).wrapping_add(number),
                hub_id: number,
                private_app_token: Some(TOKEN.to_owned()),
                create_lag_ms: CREATE_LAG_MS,
                update_lag_ms: UPDATE_LAG_MS,
                companies: arguments.companies,
                faults: faults(arguments.fault_percent),
                ..Config::default()
            };
            let portal = Server::start(config).context("failed to start a portal")?;
            portals.push((OrganizationId(SystemEnvironment.new_id()), portal));
        }
        let host = Host::start(portals.iter().map(|(id, portal)| (*id, portal)))?;
        let mut members = Vec::with_capacity(portals.len());
        for (at, (organization, portal)) in portals.into_iter().enumerate() {
            let portal_id = i64::try_from(at + 1)?;
            let pair = connect(&host, organization, portal_id).await?;
            members.push(Member {
                portal,
                organization,
                pair,
            });
        }
        Ok(Self { host, members })
    }

    /// The pairs.
    pub fn pairs(&self) -> Vec<(OrganizationId, PairId)> {
        let pair = |member: &Member| (member.organization, member.pair);
        self.members.iter().map(pair).collect()
    }

    /// HubSpot works from now on.
    pub fn end_faults(&self) {
        for member in &self.members {
            member.portal.sim().faults.set_plan(FaultPlan::default());
        }
    }
}

/// Each kind of trouble as often as any other.
fn faults(percent: f64) -> FaultPlan {
    let all = FaultPlan::uniform(0.0).rates.len() as f64;
    FaultPlan::uniform(percent / 100.0 / all)
}

async fn connect(
    host: &Host,
    organization: OrganizationId,
    portal_id: i64,
) -> anyhow::Result<PairId> {
    let (store, now) = (&host.store, SystemEnvironment.now());
    let made = Organization {
        id: organization,
        name: format!("organization {portal_id}"),
        created_at: now,
    };
    store.create_organization(&made).await?;
    let connection = NewConnection {
        id: partneros_domain::ConnectionId(SystemEnvironment.new_id()),
        portal_id,
        access: Access::PrivateApp,
        scopes: Vec::new(),
        tokens: TokenSet {
            access: SecretString::from(TOKEN),
            access_expires_at: None,
            refresh: None,
            refresh_previous: None,
            generation: 0,
        },
        other_portal: OtherPortal::Refuse,
        at: now,
    };
    let connection = store.put_connection(organization, connection).await?.id;
    discover(host, organization, connection).await?;
    let pair = PairId(SystemEnvironment.new_id());
    let new = mapping::pair(pair, connection, Timestamp(now.0));
    store.create_pair(organization, &new).await?;
    let engine = &host.engine;
    let mappings = mapping::mappings();
    engine
        .save_mappings(organization, pair, 0, &mappings)
        .await?;
    let active = store.set_pair_state(organization, pair, PairState::Active, now);
    active.await?;
    Ok(pair)
}

/// Discovers the schema, which the portal's faults may need more than one attempt for.
async fn discover(
    host: &Host,
    organization: OrganizationId,
    connection: partneros_domain::ConnectionId,
) -> anyhow::Result<()> {
    let mut last = None;
    for _ in 0..5 {
        match host.engine.discover(organization, connection).await {
            Ok(_) => return Ok(()),
            Err(error) => last = Some(error),
        }
    }
    last.map_or(Ok(()), |error| Err(error.into()))
}

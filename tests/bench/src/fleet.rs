//! A host with many connected portals in which nothing changes: what it costs to keep looking.
//!
//! Every portal is polled once a minute and every pair watched, as in any host; the portals are one simulator under many
//! connections, in a process of its own.

use std::time::Duration;

use anyhow::ensure;
use partneros_domain::{OrganizationId, PairId};
use partneros_hubspot::{AppKind, RetryConfig};
use partneros_store::{Organization, Organizations as _, RunOutcome, Runs as _};
use partneros_sync::Environment as _;

use crate::environment::SystemEnvironment;
use crate::host::{Host, PortalAt};
use crate::task::{Place, Report, measured};

/// How long the host polls before it is measured, so that what became due meanwhile is done.
const SETTLE: Duration = Duration::from_secs(90);
/// How long it is measured: each pair is polled twice.
const MEASURED: Duration = Duration::from_mins(2);
/// How long ago every pair must have been polled at the end: once a minute, and some time for those before.
const POLLED_MS: i64 = 75_000;

/// Connects so many portals, then does nothing but keep up with them.
pub async fn keep_up(place: Place, connections: usize) -> anyhow::Result<Report> {
    let portal = PortalAt {
        url: place.portal.clone(),
        app: Some(AppKind::Marketplace),
        attempts_max: RetryConfig::default().attempts_max,
    };
    let first = Host::start(&place.directory, portal).await?;
    let mut pairs = Vec::with_capacity(connections);
    for number in 0..connections {
        let host = Host {
            organization: make_organization(&first, number).await?,
            engine: first.engine.clone(),
            store: first.store.clone(),
        };
        let portal_id = i64::try_from(number + 1)?;
        let connection = host.connect(portal_id).await?;
        host.assume_schema(connection).await?;
        let pair = host.make_pair(connection).await?;
        host.activate_quietly(pair).await?;
        host.run(pair).await?;
        pairs.push((host.organization, pair));
        if (number + 1) % 1_000 == 0 {
            eprintln!("fleet: {} portals are connected", number + 1);
        }
    }
    let engine = first.engine.clone();
    let schedule = tokio::spawn(async move { engine.schedule().await });
    tokio::time::sleep(SETTLE).await;
    let wait = async {
        tokio::time::sleep(MEASURED).await;
        Ok(())
    };
    let ((), report) = measured(wait).await?;
    schedule.abort();
    ensure_polled(&first, &pairs).await?;
    Ok(report)
}

async fn make_organization(host: &Host, number: usize) -> anyhow::Result<OrganizationId> {
    let organization = Organization {
        id: OrganizationId(SystemEnvironment.new_id()),
        name: format!("organization {number}"),
        created_at: SystemEnvironment.now(),
    };
    host.store.create_organization(&organization).await?;
    Ok(organization.id)
}

/// A host that does not keep up costs little, and is none to measure.
async fn ensure_polled(host: &Host, pairs: &[(OrganizationId, PairId)]) -> anyhow::Result<()> {
    let since = SystemEnvironment.now().plus_millis(-POLLED_MS);
    let mut late = 0;
    for &(organization, pair) in pairs {
        let runs = host.store.runs(organization, pair, None, 2).await?.items;
        let is_polled = runs
            .iter()
            .any(|run| run.outcome == RunOutcome::Succeeded && run.started_at >= since);
        late += usize::from(!is_polled);
    }
    ensure!(
        late * 100 <= pairs.len(),
        "{late} of {} pairs were not polled within {} s",
        pairs.len(),
        POLLED_MS / 1_000
    );
    Ok(())
}

//! What the host does while it is measured.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;
use partneros_domain::{FieldName, PairId, Value};
use partneros_hubspot::{AppKind, RetryConfig};
use partneros_store::{PairAudits as _, RecordChange, Records as _, SyncState as _};
use partneros_sync::Environment as _;

use crate::environment::SystemEnvironment;
use crate::host::{Host, PortalAt};
use crate::task::{Place, Report, measured};

/// How many records are edited in one transaction.
const EDITS_MAX: usize = 500;

/// Pulls all companies of a portal that can only be searched.
pub async fn pull(place: Place) -> anyhow::Result<Report> {
    let host = Host::start(&place.directory, without_limits(&place)).await?;
    let connection = host.connect(1).await?;
    host.assume_schema(connection).await?;
    let pair = host.make_pair(connection).await?;
    host.activate_quietly(pair).await?;
    let (run, report) = measured(host.run(pair)).await?;
    ensure_pulled(&host, pair, run.counts.records_created, place.companies).await?;
    Ok(report)
}

/// Pulls all companies, then looks at each again; only the second look counts.
pub async fn reconcile(place: Place) -> anyhow::Result<Report> {
    let host = Host::start(&place.directory, without_limits(&place)).await?;
    let connection = host.connect(1).await?;
    host.assume_schema(connection).await?;
    let pair = host.make_pair(connection).await?;
    host.activate_quietly(pair).await?;
    let run = host.run(pair).await?;
    ensure_pulled(&host, pair, run.counts.records_created, place.companies).await?;
    let (run, report) = measured(host.run_full(pair)).await?;
    ensure!(
        run.counts.unchanged == place.companies as u64,
        "not every object was looked at: {:?}",
        run.counts
    );
    Ok(report)
}

/// Goes on where a process was killed in the middle of a first pull, until the next page is committed.
pub async fn resume(place: Place) -> anyhow::Result<Report> {
    let resumed = async {
        let (host, pair) = Host::again(&place.directory, without_limits(&place)).await?;
        let before = host.store.count_links(host.organization, pair).await?;
        let going_on = host.clone();
        let run = tokio::spawn(async move { going_on.run(pair).await });
        while host.store.count_links(host.organization, pair).await? == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        anyhow::Ok((host, pair, before, run))
    };
    let ((host, pair, before, run), report) = measured(resumed).await?;
    run.await??;
    let links = host.store.count_links(host.organization, pair).await?;
    ensure!(
        before > 0 && before < links && links == place.companies as u64,
        "{before} links were there after the kill, and {links} at the end"
    );
    Ok(report)
}

/// Pulls all companies of the simulator within a marketplace app's limits.
///
/// A call gets a single attempt, so one answer that a limit is exceeded fails the measurement.
pub async fn pull_within_limits(place: Place) -> anyhow::Result<Report> {
    let portal = PortalAt {
        url: place.portal.clone(),
        app: Some(AppKind::Marketplace),
        attempts_max: 1,
    };
    let host = Host::start(&place.directory, portal).await?;
    let pair = paired(&host).await?;
    let (run, report) = measured(host.run(pair)).await?;
    ensure_pulled(&host, pair, run.counts.records_created, place.companies).await?;
    Ok(report)
}

/// Pushes an edit of every record to the simulator.
pub async fn push(place: Place) -> anyhow::Result<Report> {
    let host = Host::start(&place.directory, without_limits(&place)).await?;
    let pair = paired(&host).await?;
    let run = host.run(pair).await?;
    ensure_pulled(&host, pair, run.counts.records_created, place.companies).await?;
    edit_all(&host).await?;
    let (run, report) = measured(host.run(pair)).await?;
    ensure!(
        run.counts.hubspot_updated == place.companies as u64,
        "not every edit was pushed: {:?}",
        run.counts
    );
    Ok(report)
}

/// Compares all companies of the simulator with their records, which agree.
pub async fn audit(place: Place) -> anyhow::Result<Report> {
    let host = Host::start(&place.directory, without_limits(&place)).await?;
    let pair = paired(&host).await?;
    let run = host.run(pair).await?;
    ensure_pulled(&host, pair, run.counts.records_created, place.companies).await?;
    let (run, report) = measured(host.audit(pair)).await?;
    let audits = host.store.pair_audits(host.organization, pair, None, 1);
    let audits = audits.await?.items;
    let companies = place.companies as u64;
    let figures = audits.first().map(|audit| audit.figures);
    ensure!(
        figures.is_some_and(|found| {
            found.objects == companies && found.links == companies && found.differing == 0
        }),
        "run {} found other than {companies} companies that agree: {figures:?}",
        run.id
    );
    Ok(report)
}

/// Assembles a host whose mapper has answered once.
pub async fn idle(directory: PathBuf) -> anyhow::Result<Report> {
    let work = async {
        let portal = PortalAt {
            url: "http://127.0.0.1:9/".parse()?,
            app: None,
            attempts_max: 1,
        };
        let host = Host::start(Path::new(&directory), portal).await?;
        host.engine.parts().plugins.default_mapper().describe()?;
        anyhow::Ok(host)
    };
    // The host lives until its memory was read.
    let (_host, report) = measured(work).await?;
    Ok(report)
}

fn without_limits(place: &Place) -> PortalAt {
    PortalAt {
        url: place.portal.clone(),
        app: None,
        attempts_max: RetryConfig::default().attempts_max,
    }
}

/// The measured pair with the simulator, discovered and active.
async fn paired(host: &Host) -> anyhow::Result<PairId> {
    let connection = host.connect(1).await?;
    host.engine.discover(host.organization, connection).await?;
    let pair = host.make_pair(connection).await?;
    host.engine.activate(host.organization, pair).await?;
    Ok(pair)
}

async fn ensure_pulled(
    host: &Host,
    pair: PairId,
    created: u64,
    companies: usize,
) -> anyhow::Result<()> {
    let links = host.store.count_links(host.organization, pair).await?;
    ensure!(
        created == companies as u64 && links == created,
        "{created} records and {links} links were made of {companies} companies"
    );
    Ok(())
}

/// Someone changes the city and the headcount of every record.
async fn edit_all(host: &Host) -> anyhow::Result<()> {
    let mut after: Option<String> = None;
    loop {
        let page = host
            .store
            .records(host.organization, "partners", after.as_deref(), EDITS_MAX)
            .await?;
        let changes = page.items.iter().enumerate().map(|(at, record)| {
            let edits: [(FieldName, Option<Value>); 2] = [
                ("city".into(), Some(Value::Text(format!("Oslo {at}")))),
                ("employees".into(), Some(Value::Integer(30_000 + at as i64))),
            ];
            RecordChange {
                id: record.id,
                fields: edits.into_iter().collect(),
            }
        });
        let now = SystemEnvironment.now();
        host.store
            .upsert_records(host.organization, "partners", changes.collect(), now)
            .await?;
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

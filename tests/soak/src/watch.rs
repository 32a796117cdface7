//! What the host uses and what waits, told each minute.

use std::time::Duration;

use partneros_domain::{OrganizationId, PairId};
use partneros_store::{Health as _, SyncState as _};

use crate::host::Host;

/// Tells each minute, until it is aborted.
pub async fn each_minute(host: Host, pairs: Vec<(OrganizationId, PairId)>) {
    let mut tick = tokio::time::interval(Duration::from_mins(1));
    loop {
        tick.tick().await;
        if let Err(error) = tell(&host, &pairs).await {
            eprintln!("soak: could not look: {error:#}");
        }
    }
}

/// Tells what the host uses and what waits.
pub async fn tell(host: &Host, pairs: &[(OrganizationId, PairId)]) -> anyhow::Result<()> {
    let (mut waiting, mut parked) = (0, 0);
    for &(organization, pair) in pairs {
        waiting += host.store.count_outbox(organization, pair).await?;
        parked += host.store.count_failures(organization, pair).await?;
    }
    println!(
        "rss_mib {:.0} database_mib {:.1} waiting {waiting} parked {parked} cpu_s {:.0}",
        memory_mib()?,
        host.file_bytes() as f64 / f64::from(1 << 20),
        cpu_seconds()?
    );
    Ok(())
}

/// Resident memory of this process, the portals included; Linux only.
fn memory_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kib.map(|kib| kib / 1024.0)
        .ok_or_else(|| anyhow::anyhow!("the process's status has no memory"))
}

/// Processor time of this process so far, the portals included; Linux only.
fn cpu_seconds() -> anyhow::Result<f64> {
    /// The kernel's unit of time for processes, everywhere that Linux runs today.
    const TICKS_PER_S: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name, which comes second, may hold spaces; nothing after it does.
    let numbers = stat.rsplit(')').next().unwrap_or_default();
    let ticks = numbers.split_whitespace().skip(11).take(2);
    let ticks = ticks.map(|text| text.parse::<f64>().unwrap_or(0.0));
    Ok(ticks.sum::<f64>() / TICKS_PER_S)
}

//! The measurements: which programs run, how often, and how figures follow from what they used.

use std::time::Duration;

use anyhow::Context as _;

use crate::child::{self, Server};
use crate::task::{Place, Report, Task};
use crate::{hostile, languages, mapper, reads, rivals, simulated, transform, upload};

/// How many companies are pulled from the portal that can only be searched, or audited in the simulator.
const PULLED: usize = 100_000;
/// When a pull of them is killed: in the middle, on machines that are up to twice as fast or slow.
const KILLED_AFTER: Duration = Duration::from_millis(1_500);
/// How many records are pushed to the simulator, or pulled from it within limits.
const SIMULATED: usize = 20_000;
/// How many portals are connected to see what it costs to keep up with them.
const CONNECTIONS: usize = 10_000;
/// How many plugins are loaded to see what one takes.
const PLUGINS: usize = 100;
/// What five searches a second of 200 records bring.
const BUDGET_PER_S: f64 = 1_000.0;

/// One measurement, which gives one or more figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measurement {
    /// A first pull by the host and by the minimal program, in turns.
    Pull,
    /// A second look at everything.
    Reconcile,
    /// A pull that was killed, and goes on.
    Resume,
    /// Schedules of the simulation.
    Simulate,
    /// A push to the simulator.
    Push,
    /// An audit of everything in the simulator.
    Audit,
    /// The component, the native functions and the component under a layer, in turns.
    Transform,
    /// The example mapper in each language, in turns.
    Languages,
    /// The example mapper and other engines with its mapping, in turns.
    Rivals,
    /// Fresh instances.
    Instantiate,
    /// The way of each example mapper into a host.
    Upload,
    /// Records read over the API, and the same answers from a bare server, in turns.
    Reads,
    /// A host at rest.
    Idle,
    /// A host with many connected portals in which nothing changes.
    Fleet,
    /// Processes with and without many plugins.
    Plugins,
    /// A mapper beside hostile guests and alone, in turns.
    Hostile,
    /// A pull within HubSpot's limits.
    SearchBudget,
}

/// Names and values of figures.
pub type Values = Vec<(&'static str, f64)>;

impl Measurement {
    /// Takes the measurement, the noisy ones so many times.
    pub fn take(self, rounds: u32) -> anyhow::Result<Values> {
        match self {
            Self::Pull => pull(rounds),
            Self::Reconcile => reconcile(rounds),
            Self::Resume => resume(rounds),
            Self::Simulate => simulated::measure(rounds),
            Self::Push => push(rounds),
            Self::Audit => audit(rounds),
            Self::Transform => transform::measure(),
            Self::Languages => languages::measure(),
            Self::Rivals => rivals::measure(),
            Self::Instantiate => mapper::instantiate(),
            Self::Upload => upload::measure(rounds),
            Self::Reads => reads::measure(rounds),
            Self::Idle => idle(),
            Self::Fleet => fleet(),
            Self::Plugins => plugins(),
            Self::Hostile => hostile(),
            Self::SearchBudget => search_budget(),
        }
    }
}

fn pull(rounds: u32) -> anyhow::Result<Values> {
    let portal = Server::start(&Task::ServePages { companies: PULLED })?;
    let mut by_host = Vec::new();
    let mut by_hand = Vec::new();
    for round in 1..=rounds {
        let host = in_fresh_directory(&portal, PULLED, Task::Pull)?;
        let hand = in_fresh_directory(&portal, PULLED, Task::PullByHand)?;
        tell(&format!("pull {round}/{rounds}, host"), &host, PULLED);
        tell(&format!("pull {round}/{rounds}, by hand"), &hand, PULLED);
        by_host.push(host);
        by_hand.push(hand);
    }
    let seconds = median(&by_host, |report| report.seconds);
    let cpu_seconds = median(&by_host, |report| report.cpu_seconds);
    let hand_cpu_seconds = median(&by_hand, |report| report.cpu_seconds);
    eprintln!(
        "pull: by CPU time alone the host does {:.2} x the minimal program's work",
        hand_cpu_seconds / cpu_seconds
    );
    Ok(vec![
        ("pull_records_per_s", PULLED as f64 / seconds),
        (
            "pull_cpu_s_per_100k",
            cpu_seconds * 100_000.0 / PULLED as f64,
        ),
        (
            "pull_vs_handwritten",
            median(&by_hand, |report| report.seconds) / seconds,
        ),
        (
            "rss_mib_pull_100k",
            median(&by_host, |report| report.rss_mib_peak),
        ),
    ])
}

fn reconcile(rounds: u32) -> anyhow::Result<Values> {
    let portal = Server::start(&Task::ServePages { companies: PULLED })?;
    let mut reports = Vec::new();
    for round in 1..=rounds {
        let report = in_fresh_directory(&portal, PULLED, Task::Reconcile)?;
        tell(&format!("reconcile {round}/{rounds}"), &report, PULLED);
        reports.push(report);
    }
    let cpu_seconds = median(&reports, |report| report.cpu_seconds);
    Ok(vec![(
        "reconcile_ns_per_record",
        cpu_seconds * 1e9 / PULLED as f64,
    )])
}

fn resume(rounds: u32) -> anyhow::Result<Values> {
    let portal = Server::start(&Task::ServePages { companies: PULLED })?;
    let mut reports = Vec::new();
    for round in 1..=rounds {
        let directory = tempfile::tempdir().context("failed to make a directory for a database")?;
        let place = Place {
            portal: portal.url.clone(),
            directory: directory.path().to_owned(),
            companies: PULLED,
        };
        child::kill_after(&Task::Pull(place.clone()), KILLED_AFTER)?;
        let report: Report = child::measure(&Task::Resume(place))?;
        eprintln!("resume {round}/{rounds}: {:.0} ms", report.seconds * 1e3);
        reports.push(report);
    }
    let seconds = median(&reports, |report| report.seconds);
    Ok(vec![("resume_after_kill_ms", seconds * 1e3)])
}

fn push(rounds: u32) -> anyhow::Result<Values> {
    let mut reports = Vec::new();
    for round in 1..=rounds {
        // A push leaves traces in the portal, so each round has its own.
        let portal = Server::start(&Task::ServeSimulator {
            companies: SIMULATED,
            limits: false,
        })?;
        let report = in_fresh_directory(&portal, SIMULATED, Task::Push)?;
        tell(&format!("push {round}/{rounds}"), &report, SIMULATED);
        reports.push(report);
    }
    let seconds = median(&reports, |report| report.seconds);
    Ok(vec![("push_records_per_s", SIMULATED as f64 / seconds)])
}

fn audit(rounds: u32) -> anyhow::Result<Values> {
    let portal = Server::start(&Task::ServeSimulator {
        companies: PULLED,
        limits: false,
    })?;
    let mut reports = Vec::new();
    for round in 1..=rounds {
        let report = in_fresh_directory(&portal, PULLED, Task::Audit)?;
        tell(&format!("audit {round}/{rounds}"), &report, PULLED);
        reports.push(report);
    }
    let seconds = median(&reports, |report| report.seconds);
    Ok(vec![("audit_records_per_s", PULLED as f64 / seconds)])
}

fn idle() -> anyhow::Result<Values> {
    let directory = tempfile::tempdir()?;
    let report: Report = child::measure(&Task::Idle(directory.path().to_owned()))?;
    Ok(vec![("rss_mib_idle", report.rss_mib)])
}

fn fleet() -> anyhow::Result<Values> {
    let portal = Server::start(&Task::ServeSimulator {
        companies: 1,
        limits: false,
    })?;
    eprintln!(
        "fleet: connecting {CONNECTIONS} portals and keeping up with them takes some minutes"
    );
    let report = in_fresh_directory(&portal, 1, |place| Task::KeepUp {
        place,
        connections: CONNECTIONS,
    })?;
    Ok(vec![
        (
            "idle_cpu_percent_10k_connections",
            report.cpu_seconds / report.seconds * 100.0,
        ),
        ("rss_mib_10k_connections", report.rss_mib),
    ])
}

fn plugins() -> anyhow::Result<Values> {
    let with = |count| {
        let directory = tempfile::tempdir()?;
        let report: Report = child::measure(&Task::LoadPlugins {
            count,
            directory: directory.path().to_owned(),
        })?;
        anyhow::Ok(report.rss_mib)
    };
    eprintln!("plugins: compiling {PLUGINS} plugins");
    let (without, with) = (with(0)?, with(PLUGINS)?);
    eprintln!("plugins: {with:.0} MiB with {PLUGINS}, {without:.0} MiB without");
    let each = (with - without) / PLUGINS as f64;
    Ok(vec![("plugins_rss_mib_per_100_idle", each * 100.0)])
}

fn hostile() -> anyhow::Result<Values> {
    let latencies: hostile::Latencies = child::measure(&Task::Hostile)?;
    let (alone, beside) = (latencies.alone_ms_p99, latencies.beside_ms_p99);
    eprintln!("hostile: the 99th percentile is {alone:.2} ms alone, {beside:.2} ms beside them");
    Ok(vec![("hostile_p99_ratio", beside / alone)])
}

fn search_budget() -> anyhow::Result<Values> {
    let portal = Server::start(&Task::ServeSimulator {
        companies: SIMULATED,
        limits: true,
    })?;
    eprintln!("search budget: pulling {SIMULATED} records takes about 20 s");
    let report = in_fresh_directory(&portal, SIMULATED, Task::PullWithinLimits)
        .context("a pull within HubSpot's limits failed; did the portal answer 429?")?;
    tell("search budget", &report, SIMULATED);
    Ok(vec![
        (
            "search_budget_used",
            SIMULATED as f64 / report.seconds / BUDGET_PER_S,
        ),
        ("search_cpu_share", report.cpu_seconds / report.seconds),
    ])
}

fn in_fresh_directory(
    portal: &Server,
    companies: usize,
    task: impl FnOnce(Place) -> Task,
) -> anyhow::Result<Report> {
    let directory = tempfile::tempdir().context("failed to make a directory for a database")?;
    child::measure(&task(Place {
        portal: portal.url.clone(),
        directory: directory.path().to_owned(),
        companies,
    }))
}

fn tell(what: &str, report: &Report, records: usize) {
    eprintln!(
        "{what}: {:.0} records/s, {:.2} s, {:.2} CPU s, at most {:.0} MiB",
        records as f64 / report.seconds,
        report.seconds,
        report.cpu_seconds,
        report.rss_mib_peak
    );
}

fn median(reports: &[Report], value: impl Fn(&Report) -> f64) -> f64 {
    middle(reports.iter().map(value).collect())
}

/// The middle one of several values, the higher one of an even number; 0 of none.
pub fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_does_not_move_the_middle() {
        assert_eq!(middle(vec![9.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(middle(Vec::new()).to_bits(), 0.0_f64.to_bits());
    }
}

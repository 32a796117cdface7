//! A soak: one host, many connected portals, people who edit both sides at random, and a HubSpot that fails now and then.
//!
//! Meanwhile memory, the size of the database and what waits are told each minute. At the end the portals stop failing,
//! nobody edits any more, and both sides must come to hold the same: nothing twice, nothing missing, and each value the last
//! that somebody gave it on one of the sides.

mod fleet;
mod host;
mod mapping;
mod traffic;
mod verdict;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::fleet::Fleet;
use crate::traffic::Traffic;

/// Keeps a host busy and sees what is left of it.
#[derive(Debug, Parser)]
#[command(name = "partneros-soak")]
struct Arguments {
    /// For how long people edit.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// How many portals are connected.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    connections: u64,
    /// How many companies each portal has at first.
    #[arg(long, default_value_t = 100)]
    companies: usize,
    /// How many edits are made in a second, on all sides together.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    edits_per_s: u64,
    /// How many in a hundred calls of HubSpot fail: refused, broken off, or answered by nothing although they were carried
    /// out.
    #[arg(long, default_value_t = 1.0)]
    fault_percent: f64,
    /// Seeds the edits and the faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let fleet = Fleet::start(&arguments).await?;
    eprintln!("soak: {} portals are connected", arguments.connections);
    let engine = fleet.host.engine.clone();
    let schedule = tokio::spawn(async move { engine.schedule().await });
    let mut traffic = Traffic::new(arguments.seed, arguments.edits_per_s);
    let until = tokio::time::Instant::now() + Duration::from_secs(arguments.minutes * 60);
    let watching = tokio::spawn(watch::each_minute(fleet.host.clone(), fleet.pairs()));
    traffic.run(&fleet, until).await?;
    eprintln!("soak: {traffic}; nobody edits any more");
    fleet.end_faults();
    let found = verdict::wait_for_agreement(&fleet, &traffic).await;
    watching.abort();
    watch::tell(&fleet.host, &fleet.pairs()).await?;
    fleet.host.stop.cancel();
    schedule.await?;
    let found = found?;
    for difference in found.iter().take(20) {
        println!("{difference}");
    }
    println!("differences {}", found.len());
    Ok(if found.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

//! The parts of a measurement that have a process of their own.
//!
//! A server prints its address and serves until its standard input ends, so that it never outlives the measurement. A
//! measured program prints a [`Report`] and ends.

use std::future::Future;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use hubspot_sim::{Config, Limits, Server};
use partneros_runtime::CompilerConfig;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::host::TOKEN;
use crate::pages::Pages;
use crate::process::{cpu_seconds, memory};
use crate::{fleet, handwritten, hostile, plugins, served, sync};

/// Where a measured program finds its portal and puts its database.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Place {
    /// The portal's address.
    pub portal: Url,
    /// An empty directory.
    pub directory: PathBuf,
    /// How many companies the portal has.
    pub companies: usize,
}

/// What to do, and with what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Task {
    /// Be a portal that can only be searched.
    ServePages { companies: usize },
    /// Be a simulated portal, with a marketplace app's limits or none.
    ServeSimulator { companies: usize, limits: bool },
    /// Pull all companies with the host.
    Pull(Place),
    /// Pull all companies, and look at each again; only that counts.
    Reconcile(Place),
    /// Go on with a pull that was killed.
    Resume(Place),
    /// Pull all companies with the minimal program.
    PullByHand(Place),
    /// Pull all companies with the host, within the simulator's limits.
    PullWithinLimits(Place),
    /// Pull all companies, edit each and push them; only the push counts.
    Push(Place),
    /// Pull all companies and audit the pair; only the audit counts.
    Audit(Place),
    /// Connect the portal so many times, and keep up with it while nothing changes.
    KeepUp { place: Place, connections: usize },
    /// Assemble the host and do nothing.
    Idle(PathBuf),
    /// Be a host, as the `partneros` binary is, with its data in this directory and so many records.
    ServeHost { directory: PathBuf, records: usize },
    /// Give the answers that are in this directory.
    ServeAnswers(PathBuf),
    /// Compile a component for a host.
    Compile,
    /// Load so many plugins that differ and do nothing.
    LoadPlugins { count: usize, directory: PathBuf },
    /// Call a mapper alone and beside hostile guests.
    Hostile,
}

/// What a measured program used.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Report {
    /// Time on the clock.
    pub seconds: f64,
    /// CPU time of all threads.
    pub cpu_seconds: f64,
    /// Memory at the end, and at most.
    pub rss_mib: f64,
    pub rss_mib_peak: f64,
}

impl Task {
    /// Does it, as the whole of a process.
    pub fn perform(self) -> anyhow::Result<ExitCode> {
        match self {
            // How this one ended is for the host to see.
            Self::Compile => return Ok(partneros_runtime::compile_child_main()),
            Self::ServePages { companies } => serve_pages(companies),
            Self::ServeSimulator { companies, limits } => serve_simulator(companies, limits),
            Self::Pull(place) => report(sync::pull(place)),
            Self::Reconcile(place) => report(sync::reconcile(place)),
            Self::Resume(place) => report(sync::resume(place)),
            Self::PullByHand(place) => report(handwritten::pull(place)),
            Self::PullWithinLimits(place) => report(sync::pull_within_limits(place)),
            Self::Push(place) => report(sync::push(place)),
            Self::Audit(place) => report(sync::audit(place)),
            Self::KeepUp { place, connections } => report(fleet::keep_up(place, connections)),
            Self::Idle(directory) => report(sync::idle(directory)),
            Self::ServeHost { directory, records } => served::host(&directory, records),
            Self::ServeAnswers(directory) => served::answers(&directory),
            Self::LoadPlugins { count, directory } => report(plugins::load(count, directory)),
            Self::Hostile => print(&hostile::measure()?),
        }?;
        Ok(ExitCode::SUCCESS)
    }

    /// How a runtime has components compiled: by this program, as the `partneros` binary does it by itself.
    pub fn compiler() -> anyhow::Result<CompilerConfig> {
        let program = std::env::current_exe().context("failed to find this program's file")?;
        Ok(CompilerConfig {
            program: Some(program),
            arguments: vec!["--task".to_owned(), serde_json::to_string(&Self::Compile)?],
            ..CompilerConfig::default()
        })
    }
}

/// Measures a piece of work.
pub async fn measured<T>(
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<(T, Report)> {
    let (began, cpu_before) = (Instant::now(), cpu_seconds());
    let value = work.await?;
    let seconds = began.elapsed().as_secs_f64();
    let memory = memory()?;
    let report = Report {
        seconds,
        cpu_seconds: cpu_seconds() - cpu_before,
        rss_mib: memory.now_mib,
        rss_mib_peak: memory.peak_mib,
    };
    Ok((value, report))
}

fn report(work: impl Future<Output = anyhow::Result<Report>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("failed to start the async runtime")?;
    print(&runtime.block_on(work)?)
}

/// Answers the measuring process.
fn print(answer: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(answer)?);
    Ok(())
}

fn serve_pages(companies: usize) -> anyhow::Result<()> {
    let router = Pages::render(companies).router();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the async runtime")?;
    std::thread::spawn(exit_at_end_of_input);
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        axum::serve(listener, router).await?;
        Ok(())
    })
}

fn serve_simulator(companies: usize, limits: bool) -> anyhow::Result<()> {
    let config = Config {
        companies,
        limits: if limits {
            Limits::MARKETPLACE
        } else {
            Limits::OFF
        },
        private_app_token: Some(TOKEN.to_owned()),
        ..Config::default()
    };
    let server = Server::start(config).context("failed to start the simulator")?;
    println!("{}", server.url());
    exit_at_end_of_input();
    Ok(())
}

/// Waits for the measuring process to let go of us.
pub fn exit_at_end_of_input() {
    let mut rest = Vec::new();
    // An input that cannot be read has ended as well.
    let _ = std::io::stdin().read_to_end(&mut rest);
    std::process::exit(0);
}

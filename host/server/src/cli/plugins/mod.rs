//! `partneros plugins`: making, trying, shipping and managing plugins.
//!
//! The harness is the host: whatever runs here runs in [`partneros_runtime`] under the limits of the section `runtime`
//! of the configuration, as it would in production. Two groups of commands: those on files, which need no host, and
//! those that talk to a host by its API.
//!
//! Results go to standard output; progress, logs and hints to standard error. The exit code is 1 when something is wrong
//! with the plugin.

mod bundle;
mod call;
mod check;
mod component;
mod dev;
mod difference;
mod form;
mod golden;
mod host;
mod layout;
mod manage;
mod new;
mod pull;
mod push;
mod records;
mod report;
mod run;
mod sign;
mod table;
mod template;
mod test;
mod watch;

use clap::Subcommand;

use crate::config::{Config, ConfigError};

#[derive(Debug, Subcommand)]
pub(super) enum Plugins {
    New(new::New),
    Check(check::Check),
    Run(run::Run),
    Test(test::Test),
    Dev(dev::Dev),
    Keygen(sign::Keygen),
    Sign(sign::Sign),
    Push(push::Push),
    Pull(pull::Pull),
    List(manage::List),
    Activate(manage::Activate),
    Rollback(manage::Rollback),
    Logs(manage::Logs),
    Export(bundle::Export),
    Import(bundle::Import),
}

impl Plugins {
    /// Does what was asked for; `config` is only read by the commands that run components.
    pub(super) async fn run(
        self,
        config: impl FnOnce() -> Result<Config, ConfigError>,
    ) -> anyhow::Result<()> {
        match self {
            Self::New(command) => command.run(),
            Self::Check(command) => command.run(config()?).await,
            Self::Run(command) => command.run(config()?).await,
            Self::Test(command) => command.run(config()?).await,
            Self::Dev(command) => command.run(config()?).await,
            Self::Keygen(command) => command.run(),
            Self::Sign(command) => command.run(),
            Self::Push(command) => command.run().await,
            Self::Pull(command) => command.run().await,
            Self::List(command) => command.run().await,
            Self::Activate(command) => command.run().await,
            Self::Rollback(command) => command.run().await,
            Self::Logs(command) => command.run().await,
            Self::Export(command) => command.run().await,
            Self::Import(command) => command.run().await,
        }
    }
}

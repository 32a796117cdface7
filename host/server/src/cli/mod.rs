//! The command line. Each command has a file; what they share, the configuration, is read here.

mod backup;
mod compiler;
mod config;
mod doctor;
mod init;
mod keys;
mod organizations;
mod password;
mod plugins;
mod serve;
mod tokens;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use url::Url;

use crate::config::{Config, ConfigError, Overrides};

/// Keeps partner and deal records in sync, both ways, with HubSpot portals.
///
/// A first start:
///
///   partneros init --organization acme --email you@acme.example
///   partneros serve
///
/// Settings come from `partneros.toml`, then from variables such as
/// `PARTNEROS_HUBSPOT__CLIENT_ID`, then from flags; the later ones count.
#[derive(Debug, Parser)]
#[command(name = "partneros", version, verbatim_doc_comment)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Global {
    /// The configuration file [default: `partneros.toml`, if there is one].
    #[arg(long, global = true, env = "PARTNEROS_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the database, the key ring and compiled plugins are kept [default: `.partneros`].
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the host: the API, and the sync of every active object pair.
    Serve(Serve),
    /// Makes an organization and its first owner.
    Init(init::Init),
    /// Sets the password of somebody who forgot theirs, and signs them out everywhere.
    Password(password::Password),
    /// Makes, lists and erases organizations.
    #[command(subcommand)]
    Organizations(organizations::Organizations),
    /// Lists and changes the keys that secrets are sealed under, also while a host runs.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Makes, lists and deletes API tokens.
    #[command(subcommand)]
    Tokens(tokens::Tokens),
    /// Makes, checks, runs, tests and ships plugins.
    #[command(subcommand)]
    Plugins(plugins::Plugins),
    /// Looks at configuration, key, database, clock and HubSpot, and says what to do. Changes nothing.
    Doctor(doctor::Doctor),
    /// Copies the database to a file while the host runs, and checks the copy.
    Backup(backup::Backup),
    /// Puts a backup in the database's place. The host must not run.
    Restore(backup::Restore),
    /// Shows what can be configured.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Compiles a component, for another process of this program.
    #[command(name = compiler::COMMAND, hide = true)]
    CompileComponent,
}

#[derive(Debug, Args)]
struct Serve {
    /// The address to listen on [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The address under which people and HubSpot reach this host [default: <http://localhost:8080>].
    #[arg(long, value_name = "URL")]
    public_url: Option<Url>,
}

impl Cli {
    /// Whether this process is the one that compiles. It must do nothing else: its limits are set first.
    pub fn compiles(&self) -> bool {
        matches!(self.command, Command::CompileComponent)
    }

    /// Does what was asked for.
    pub async fn run(self) -> anyhow::Result<()> {
        let global = self.global;
        match self.command {
            Command::Serve(flags) => {
                let config = global.config(flags.listen, flags.public_url)?;
                serve::run(config).await
            }
            Command::Init(command) => command.run(&global.config(None, None)?).await,
            Command::Password(command) => command.run(&global.config(None, None)?).await,
            Command::Organizations(command) => command.run(&global.config(None, None)?).await,
            Command::Keys(command) => command.run(&global.config(None, None)?).await,
            Command::Tokens(command) => command.run(&global.config(None, None)?).await,
            Command::Plugins(command) => command.run(|| global.config(None, None)).await,
            Command::Doctor(command) => command.run(&global.config(None, None)?).await,
            Command::Backup(command) => command.run(&global.config(None, None)?).await,
            Command::Restore(command) => command.run(&global.config(None, None)?).await,
            Command::Config(command) => {
                command.run();
                Ok(())
            }
            Command::CompileComponent => anyhow::bail!("only a host starts this command"),
        }
    }
}

impl Global {
    fn config(
        self,
        listen: Option<SocketAddr>,
        public_url: Option<Url>,
    ) -> Result<Config, ConfigError> {
        let overrides = Overrides {
            listen,
            public_url,
            data_dir: self.data_dir,
        };
        Config::load(self.config, &overrides)
    }
}

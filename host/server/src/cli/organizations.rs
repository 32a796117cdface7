//! `partneros organizations`: tenants of this host.

use std::io::Write as _;

use anyhow::Context as _;
use clap::Subcommand;
use partneros_domain::OrganizationId;
use partneros_store::{Keys as _, Organization, Organizations as _};
use partneros_sync::Environment as _;

use crate::config::Config;
use crate::environment::SystemEnvironment;
use crate::storage;

#[derive(Debug, Subcommand)]
pub(super) enum Organizations {
    /// Makes an organization.
    Create {
        /// Its name, unique in this host.
        name: String,
    },
    /// Lists all organizations.
    List,
    /// Removes an organization, its data key and everything that is its own, for good.
    ///
    /// A running host ends what it does for the organization. Accounts of people stay, and so does the app in HubSpot: disconnect
    /// the portals first, or uninstall it there. What backups still hold is told at the end.
    Erase {
        /// Its name.
        name: String,
        /// Do not ask for the name again.
        #[arg(long)]
        yes: bool,
    },
}

/// What an erased organization leaves elsewhere.
const LEFT: &str = "\
Backups from before still have its rows. Its tokens are sealed in them, but whoever has a backup and a key ring of the same
time can open them; its records are not sealed at all. So delete those backups, or let them expire.";

impl Organizations {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let store = storage::open(config)?;
        match self {
            Self::Create { name } => {
                let organization = Organization {
                    id: OrganizationId(SystemEnvironment.new_id()),
                    name,
                    created_at: SystemEnvironment.now(),
                };
                store.create_organization(&organization).await?;
                println!(
                    "organization `{}` has the id {}",
                    organization.name, organization.id
                );
                println!(
                    "next: partneros init --organization {name} --email ADDRESS makes its first owner, \
                     partneros tokens create --organization {name} a token",
                    name = organization.name
                );
            }
            Self::Erase { name, yes } => {
                let organization = store.organization_by_name(&name).await?;
                if !yes {
                    confirm(&name)?;
                }
                let erased = store.erase_organization(organization.id).await?;
                println!("erased organization `{name}` with its data key");
                if !erased.log_emptied {
                    eprintln!(
                        "the write-ahead log beside the database may still have its rows, since another process reads; it is \
                         emptied when the host stops"
                    );
                }
                println!("{LEFT}");
            }
            Self::List => {
                for organization in store.organizations().await? {
                    println!(
                        "{}  {}  {}",
                        organization.id, organization.created_at, organization.name
                    );
                }
            }
        }
        Ok(())
    }
}

/// Asks for the name of what is about to go.
fn confirm(name: &str) -> anyhow::Result<()> {
    eprint!("This removes organization `{name}` for good. Type its name to go on: ");
    std::io::stderr().flush().context("failed to ask")?;
    let mut typed = String::new();
    std::io::stdin()
        .read_line(&mut typed)
        .context("failed to read the answer")?;
    if typed.trim_end_matches(['\r', '\n']) != name {
        anyhow::bail!("nothing was erased: that is not its name (`--yes` does not ask)");
    }
    Ok(())
}

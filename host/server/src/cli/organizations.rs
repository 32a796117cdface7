//! `partneros organizations`: tenants of this host.

use clap::Subcommand;
use partneros_domain::OrganizationId;
use partneros_store::{Organization, Organizations as _};
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
}

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

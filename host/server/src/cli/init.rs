//! `partneros init`: an organization and its first owner. Everybody else is invited by the owner.

use anyhow::ensure;
use clap::Args;
use partneros_domain::{MemberId, OrganizationId, UserId};
use partneros_store::{
    Error, Joining, Members as _, Organization, Organizations as _, Sqlite, User,
};
use partneros_sync::Environment as _;

use super::password::PasswordSource;
use crate::auth::Email;
use crate::config::Config;
use crate::environment::SystemEnvironment;
use crate::storage;

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The organization's name. It may exist, as long as it has no members.
    #[arg(long)]
    organization: String,
    /// The owner's email address. Who has an account on this host keeps its password.
    #[arg(long)]
    email: Email,
    #[command(flatten)]
    password: PasswordSource,
}

impl Init {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let store = storage::open(config)?;
        let email = self.email.as_str();
        let found = found(&store, &self.organization).await?;
        // Asked for before anything is made: whoever gives up at it leaves nothing half done.
        let joining = self.joining(&store, config).await?;
        let organization = match found {
            Some(found) => found,
            None => make(&store, &self.organization).await?,
        };
        let id = MemberId(SystemEnvironment.new_id());
        let now = SystemEnvironment.now();
        store
            .create_first_owner(organization.id, id, joining, now)
            .await?;
        let (name, url) = (&organization.name, config.public_url.as_str());
        println!("organization `{name}` belongs to {email}");
        println!("next:");
        println!("  partneros serve");
        println!(
            "  sign in: POST {}/api/auth/sign-in/email, {{\"email\", \"password\"}}",
            url.trim_end_matches('/')
        );
        println!("  invite others: POST /api/invitations, {{\"email\", \"role\"}}");
        println!("  for programs: partneros tokens create --organization {name}");
        Ok(())
    }

    async fn joining(&self, store: &Sqlite, config: &Config) -> anyhow::Result<Joining> {
        let email = self.email.as_str();
        if let Some(user) = store.user_by_email(email).await? {
            eprintln!("{email} has an account on this host, and keeps its password");
            return Ok(Joining::Known(user.id));
        }
        let hash = self.password.hash(email, config).await?;
        Ok(Joining::New(User {
            id: UserId(SystemEnvironment.new_id()),
            email: email.to_owned(),
            password_hash: hash,
        }))
    }
}

/// The organization of that name, if there is one; then it has no members yet.
async fn found(store: &Sqlite, name: &str) -> anyhow::Result<Option<Organization>> {
    let organization = match store.organization_by_name(name).await {
        Err(Error::NotFound { .. }) => return Ok(None),
        found => found?,
    };
    let members = store.members(organization.id).await?;
    ensure!(
        members.is_empty(),
        "organization `{name}` has members already; its owners and admins invite others"
    );
    Ok(Some(organization))
}

async fn make(store: &Sqlite, name: &str) -> anyhow::Result<Organization> {
    let organization = Organization {
        id: OrganizationId(SystemEnvironment.new_id()),
        name: name.to_owned(),
        created_at: SystemEnvironment.now(),
    };
    store.create_organization(&organization).await?;
    Ok(organization)
}

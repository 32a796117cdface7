//! `partneros tokens`: API tokens. A token is shown once, when it is made; only its hash is kept.

use clap::Subcommand;
use partneros_domain::TokenId;
use partneros_store::Organizations as _;

use crate::config::Config;
use crate::environment::SystemEnvironment;
use crate::{storage, token};

#[derive(Debug, Subcommand)]
pub(super) enum Tokens {
    /// Makes a token for an organization and prints it, alone on the last line.
    Create {
        /// The organization's name.
        #[arg(long)]
        organization: String,
        /// What the token is for.
        #[arg(long, default_value = "cli")]
        name: String,
    },
    /// Lists an organization's tokens.
    List {
        /// The organization's name.
        #[arg(long)]
        organization: String,
    },
    /// Deletes a token, which stops working at once.
    Delete {
        /// The organization's name.
        #[arg(long)]
        organization: String,
        /// The token's id, as `tokens list` shows it.
        id: TokenId,
    },
}

impl Tokens {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let store = storage::open(config)?;
        match self {
            Self::Create { organization, name } => {
                let organization = store.organization_by_name(&organization).await?;
                let secret =
                    token::create(&store, organization.id, &name, &SystemEnvironment).await?;
                eprintln!(
                    "token `{name}` of `{}`; it is not shown again:",
                    organization.name
                );
                println!("{secret}");
            }
            Self::List { organization } => {
                let organization = store.organization_by_name(&organization).await?;
                for token in store.tokens(organization.id).await? {
                    println!("{}  {}  {}", token.id, token.created_at, token.name);
                }
            }
            Self::Delete { organization, id } => {
                let organization = store.organization_by_name(&organization).await?;
                store.delete_token(organization.id, id).await?;
                println!("deleted {id}");
            }
        }
        Ok(())
    }
}

//! `partneros tokens`: API tokens. A token is shown once, when it is made; only its hash is kept.

use anyhow::{Context as _, ensure};
use clap::Subcommand;
use jiff::{SignedDuration, Span, SpanRelativeTo};
use partneros_domain::{Role, Timestamp, TokenId};
use partneros_store::{ApiToken, Organizations as _};
use partneros_sync::Environment as _;
use secrecy::ExposeSecret as _;

use crate::config::Config;
use crate::environment::SystemEnvironment;
use crate::storage;
use crate::token::{self, LIFETIME_DAYS_MAX, LIFETIME_MS_MAX, Name, Wanted};

#[derive(Debug, Subcommand)]
pub(super) enum Tokens {
    /// Makes a token for an organization and prints it, alone on the last line.
    Create {
        /// The organization's name.
        #[arg(long)]
        organization: String,
        /// What the token is for; the audit log names whoever uses it by this.
        #[arg(long, default_value = "cli")]
        name: Name,
        /// What the token may do: `viewer`, `member`, `admin` or `owner`.
        #[arg(long, default_value = "admin")]
        role: Role,
        /// How long the token works, such as `12h`, `90d` or `1w`; for ever unless given.
        #[arg(long, value_name = "TIME", value_parser = expires_in)]
        expires_in: Option<SignedDuration>,
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
            Self::Create {
                organization,
                name,
                role,
                expires_in,
            } => {
                let organization = store.organization_by_name(&organization).await?;
                let now = SystemEnvironment.now();
                let wanted = Wanted {
                    name: name.clone(),
                    member: None,
                    role,
                    expires_at: expires_in.map(|time| now.plus_millis(time.as_millis() as i64)),
                };
                let expires = until(wanted.expires_at);
                let made =
                    token::create(&store, organization.id, wanted, &SystemEnvironment).await?;
                eprintln!(
                    "token `{}` of `{}`, role {role}, {expires}; it is not shown again:",
                    name.as_str(),
                    organization.name
                );
                println!("{}", made.secret.expose_secret());
            }
            Self::List { organization } => {
                let organization = store.organization_by_name(&organization).await?;
                for token in store.tokens(organization.id).await? {
                    println!("{}", line(&token));
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

fn line(token: &ApiToken) -> String {
    let used = match token.used_at {
        Some(at) => format!("used {at}"),
        None => "not used yet".to_owned(),
    };
    let member = token.member.as_ref().map(|member| format!("  of {member}"));
    format!(
        "{}  {}  {:6}  {}  {used}  {}{}",
        token.id,
        token.created_at,
        token.role,
        until(token.expires_at),
        token.name,
        member.unwrap_or_default()
    )
}

fn until(expires_at: Option<Timestamp>) -> String {
    match expires_at {
        Some(at) => format!("expires {at}"),
        None => "never expires".to_owned(),
    }
}

/// A time in the words of people, with days of 24 hours.
fn expires_in(text: &str) -> anyhow::Result<SignedDuration> {
    let span: Span = text
        .parse()
        .with_context(|| format!("`{text}` is no time such as `90d`"))?;
    let time = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .with_context(|| format!("give `{text}` in weeks, days or hours"))?;
    let sound = (1..=i128::from(LIFETIME_MS_MAX)).contains(&time.as_millis());
    ensure!(
        sound,
        "it must be more than nothing and at most {LIFETIME_DAYS_MAX}d"
    );
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_people_write_it() {
        for (text, hours) in [("12h", 12), ("90d", 90 * 24), ("1w", 7 * 24), ("1 day", 24)] {
            let time = expires_in(text).unwrap();
            assert_eq!(time, SignedDuration::from_hours(hours), "{text}");
        }
        for text in ["", "90", "-1d", "0h", "3651d", "1 month", "tomorrow"] {
            assert!(expires_in(text).is_err(), "{text}");
        }
    }
}

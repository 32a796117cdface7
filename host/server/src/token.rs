//! API tokens: how they look, what they may be named and how they are hashed.
//!
//! A token has 256 random bits, so a plain SHA-256 is as good as a slow hash and can be looked up by index.

use partneros_domain::{MemberId, OrganizationId, Role, Timestamp, TokenId};
use partneros_store::{NewApiToken, Store};
use partneros_sync::{Environment, SYSTEM};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest, Sha256};

/// What every token begins with, so that people and secret scanners recognise one.
pub const PREFIX: &str = "pos_";
/// The longest name, in characters.
pub const NAME_CHARS_MAX: usize = 100;

/// How long a token that expires works at most, in days.
pub const LIFETIME_DAYS_MAX: i64 = 3_650;
/// The same in milliseconds.
pub const LIFETIME_MS_MAX: i64 = LIFETIME_DAYS_MAX * 24 * 3_600_000;

/// A token to make.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What it is for, as the audit log will name whoever uses it.
    pub name: Name,
    /// Whose it is; none for one of the organization's own.
    pub member: Option<MemberId>,
    /// What it may do.
    pub role: Role,
    /// When it stops working, if ever.
    pub expires_at: Option<Timestamp>,
}

/// A token that was made.
#[derive(Debug)]
pub struct Made {
    /// The id.
    pub id: TokenId,
    /// The token itself, to be shown to its holder once.
    pub secret: SecretString,
}

/// The name of a token. In the audit log it stands where a member's address or `system` may stand, so it is neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

/// A name that a token cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a token's name has 1 to {NAME_CHARS_MAX} characters, no `@` and no control character, and is not `{SYSTEM}`"
)]
pub struct InvalidName;

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim();
        let chars = text.chars().count();
        let sound = (1..=NAME_CHARS_MAX).contains(&chars)
            && !text.chars().any(|char| char == '@' || char.is_control())
            && text != SYSTEM;
        sound.then(|| Self(text.to_owned())).ok_or(InvalidName)
    }
}

/// Makes a token and keeps its hash.
pub async fn create(
    store: &dyn Store,
    organization: OrganizationId,
    wanted: Wanted,
    environment: &dyn Environment,
) -> Result<Made, partneros_store::Error> {
    let mut random = [0; 32];
    environment.random(&mut random);
    let secret = SecretString::from(format!("{PREFIX}{}", hex::encode(random)));
    let new = NewApiToken {
        id: TokenId(environment.new_id()),
        name: wanted.name.0,
        hash: hash(secret.expose_secret()),
        member: wanted.member,
        role: wanted.role,
        created_at: environment.now(),
        expires_at: wanted.expires_at,
    };
    store.create_token(organization, &new).await?;
    Ok(Made { id: new.id, secret })
}

/// The hash under which a token is kept.
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_taken_for_somebody_else() {
        let long = "ä".repeat(NAME_CHARS_MAX);
        for name in ["ci", " nightly export ", &long] {
            assert_eq!(name.parse::<Name>().unwrap().as_str(), name.trim());
        }
        let longer = "ä".repeat(NAME_CHARS_MAX + 1);
        for name in [
            "",
            " ",
            "ann@acme.example",
            "system",
            " system",
            "a\nb",
            &longer,
        ] {
            assert_eq!(name.parse::<Name>(), Err(InvalidName), "{name:?}");
        }
    }
}

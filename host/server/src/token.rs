//! API tokens: how they look and how they are hashed.
//!
//! A token has 256 random bits, so a plain SHA-256 is as good as a slow hash and can be looked up by index.

use partneros_domain::{OrganizationId, Role, TokenId};
use partneros_store::{NewApiToken, Store};
use partneros_sync::Environment;
use sha2::{Digest, Sha256};

/// What every token begins with, so that people and secret scanners recognise one.
pub const PREFIX: &str = "pos_";

/// Makes a token and keeps its hash. What is returned is shown to its holder once.
pub async fn create(
    store: &dyn Store,
    organization: OrganizationId,
    name: &str,
    environment: &dyn Environment,
) -> Result<String, partneros_store::Error> {
    let mut random = [0; 32];
    environment.random(&mut random);
    let token = format!("{PREFIX}{}", hex::encode(random));
    let new = NewApiToken {
        id: TokenId(environment.new_id()),
        name: name.to_owned(),
        hash: hash(&token),
        member: None,
        role: Role::Admin,
        created_at: environment.now(),
        expires_at: None,
    };
    store.create_token(organization, &new).await?;
    Ok(token)
}

/// The hash under which a token is kept.
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

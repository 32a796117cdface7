//! Where a client gets its access token from.
//!
//! The client never keeps a token: it asks before each attempt, and after a refused one asks for a replacement once.
//! Whoever implements [`AccessTokens`] sees to it that concurrent renewals of one connection become a single refresh.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::error::Error;

/// The access tokens of one connection.
#[async_trait]
pub trait AccessTokens: Send + Sync {
    /// A token that should work now.
    async fn access_token(&self) -> Result<SecretString, Error>;

    /// A token in place of `refused`, which HubSpot answered with 401. Called at most once a call; where another task
    /// has already replaced `refused`, the newer token is returned without another refresh.
    async fn renewed(&self, refused: &SecretString) -> Result<SecretString, Error>;
}

/// A token that never changes, as private apps have. Refused once, it is refused for good.
#[derive(Debug, Clone)]
pub struct StaticToken(SecretString);

impl StaticToken {
    /// Wraps the token.
    pub fn new(token: impl Into<String>) -> Self {
        Self(SecretString::from(token.into()))
    }
}

#[async_trait]
impl AccessTokens for StaticToken {
    async fn access_token(&self) -> Result<SecretString, Error> {
        Ok(self.0.clone())
    }

    /// Returns the same token: the second 401 that follows is the answer the caller sees.
    async fn renewed(&self, _refused: &SecretString) -> Result<SecretString, Error> {
        Ok(self.0.clone())
    }
}

//! Who calls, and what they may do.
//!
//! A caller shows an API token, or the cookie of a session that began with a password. A handler names the permission
//! that it needs in its signature, as [`Permitted`]; the `OpenAPI` document takes it from there ([`access`]), so that the
//! two cannot differ. What each role may do is the domain's table.
//!
//! Invariants: a handler learns its organization from [`Permitted`] and from nowhere else. Passwords and tokens appear in
//! no log and no answer but the one that hands a token over, and only their hashes are kept.

pub mod access;
mod attempts;
mod authentication;
mod caller;
mod config;
mod email;
mod password;
mod peer;
pub mod permission;
mod permitted;
mod rate;
pub mod session;

use partneros_sync::Environment;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::pages;

pub use attempts::Attempts;
pub use authentication::{authenticate, note};
pub use caller::Caller;
pub use config::AuthConfig;
pub use email::Email;
pub use password::{InvalidCost, NewPassword, Passwords};
pub use peer::Peer;
pub use permitted::{Permitted, within_reach};
pub use rate::RateLimits;
pub use session::{SameOrigin, SignedIn};

/// What signing in needs, for the whole host.
#[derive(Debug)]
pub struct Auth {
    /// What is configured.
    pub config: AuthConfig,
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    /// Counts attempts.
    pub attempts: Attempts,
    public_url: Url,
    origin: String,
}

impl Auth {
    /// Ready for a host at this address.
    pub fn new(
        config: AuthConfig,
        public_url: Url,
        environment: &dyn Environment,
    ) -> Result<Self, InvalidCost> {
        Ok(Self {
            passwords: Passwords::new(&config, environment)?,
            attempts: Attempts::new(config),
            origin: public_url.origin().ascii_serialization(),
            config,
            public_url,
        })
    }

    /// What browsers call the site that this host's pages belong to.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether browsers reach this host over TLS only.
    pub fn is_secure(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// The link of an invitation. Its token stands where browsers send it nowhere.
    pub fn invitation_link(&self, token: &SecretString) -> SecretString {
        let base = self.public_url.as_str().trim_end_matches('/');
        let token = token.expose_secret();
        format!("{base}{}#token={token}", pages::INVITATION).into()
    }
}

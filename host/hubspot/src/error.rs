//! What can go wrong between this host and HubSpot, sorted by what to do about it.

use std::time::Duration;

/// What HubSpot said when it refused a call. Every part may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// HubSpot's category, such as `VALIDATION_ERROR`; empty when the body named none.
    pub category: String,
    /// HubSpot's message, or the start of a body that was no JSON.
    pub message: String,
    /// HubSpot's id of the call, for its support.
    pub correlation_id: Option<String>,
    /// What is wrong with which property.
    pub properties: Vec<crate::portal::PropertyError>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        if !self.category.is_empty() {
            write!(f, " {}", self.category)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        match &self.correlation_id {
            Some(id) => write!(f, " (HubSpot correlation id {id})"),
            None => Ok(()),
        }
    }
}

/// A call that failed after the retries it was worth.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The access was revoked or the refresh token died: a person must reconnect.
    #[error("failed to authenticate with HubSpot; reconnect the portal: {0}")]
    ReauthRequired(Refusal),
    /// The access token was refused (HTTP 401) and could not be replaced.
    #[error("failed to authenticate with HubSpot: {0}")]
    Unauthorized(Refusal),
    /// The app lacks a scope (HTTP 403).
    #[error("failed for want of a scope ({}): {refusal}", scopes.join(", "))]
    MissingScopes {
        /// The scopes that HubSpot names.
        scopes: Vec<String>,
        /// The answer.
        refusal: Refusal,
    },
    /// HubSpot does not know the object, the property or the type (HTTP 404).
    #[error("failed to find it in HubSpot: {0}")]
    NotFound(Refusal),
    /// HubSpot refused the content (HTTP 400).
    #[error("failed HubSpot's validation: {0}")]
    Validation(Refusal),
    /// It exists already (HTTP 409).
    #[error("failed because it exists already: {0}")]
    Conflict(Refusal),
    /// A rate limit held for longer than the client may wait (HTTP 429).
    #[error("failed to get a place within HubSpot's rate limit `{policy}`: {refusal}")]
    RateLimited {
        /// `TEN_SECONDLY_ROLLING`, `SECONDLY`, `DAILY`, or what HubSpot calls it.
        policy: String,
        /// When it may work again, as far as known.
        retry_after: Option<Duration>,
        /// The answer.
        refusal: Refusal,
    },
    /// The portal is locked or moves house (HTTP 423, 477).
    #[error("failed because the portal is locked for the moment: {refusal}")]
    Locked {
        /// When it may work again, as far as known.
        retry_after: Option<Duration>,
        /// The answer.
        refusal: Refusal,
    },
    /// HubSpot failed (HTTP 5xx).
    #[error("failed inside HubSpot: {0}")]
    Unavailable(Refusal),
    /// Any other status.
    #[error("failed with an answer that is not understood: {0}")]
    Refused(Refusal),
    /// No answer: connection, TLS, timeout. Whether a write took effect is unknown.
    #[error("failed to reach HubSpot at `{url}`")]
    Transport {
        /// The address without its query.
        url: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An answer that could not be read: cut off, too long, or not the documented shape.
    #[error("failed to read HubSpot's answer from `{url}`: {problem}")]
    InvalidResponse {
        /// The address without its query.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The connection's tokens could not be read or stored on our side.
    #[error("failed to get an access token")]
    Tokens(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The caller gave up or the host is shutting down.
    #[error("failed because the call was cancelled")]
    Cancelled,
}

impl Error {
    /// Whether the same call may work later without anyone doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::Locked { .. }
                | Self::Unavailable(_)
                | Self::Transport { .. }
                | Self::InvalidResponse { .. }
                | Self::Cancelled
        )
    }

    /// Whether the portal's calls of the day are used up.
    pub fn is_daily_limit(&self) -> bool {
        matches!(self, Self::RateLimited { policy, .. } if policy.contains("DAILY"))
    }

    /// The HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::ReauthRequired(refusal)
            | Self::Unauthorized(refusal)
            | Self::NotFound(refusal)
            | Self::Validation(refusal)
            | Self::Conflict(refusal)
            | Self::Unavailable(refusal)
            | Self::Refused(refusal)
            | Self::MissingScopes { refusal, .. }
            | Self::RateLimited { refusal, .. }
            | Self::Locked { refusal, .. } => Some(refusal.status),
            Self::Transport { .. }
            | Self::InvalidResponse { .. }
            | Self::Tokens(_)
            | Self::Cancelled => None,
        }
    }
}

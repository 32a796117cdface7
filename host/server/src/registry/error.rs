//! What goes wrong with a pull.
//!
//! Invariant: an address in a message is a host; paths and queries may be signed, and a body may repeat what was sent.

use axum::http::StatusCode;

use crate::problem::Problem;

/// A plugin that is not pulled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The reference is not one.
    #[error(
        "failed to read the reference: it must look like `registry.example.com/acme/mapper:1.2` or `registry.example.com/acme/mapper@sha256:…`; {0}"
    )]
    Reference(String),
    /// The digest is not one.
    #[error("failed to read the digest `{0}`: it must be `sha256:` and 64 hexadecimal digits")]
    Digest(String),
    /// Nothing says which bytes are meant.
    #[error(
        "failed to pull `{0}`: a tag may move, so pin what you mean: append `@sha256:` and the manifest's digest to the reference, or give the component's sha256 as `digest`"
    )]
    NotPinned(String),
    /// There are no registries.
    #[error(
        "failed to pull: pulling is off on this host; whoever runs it can list registries in `plugins.registries`"
    )]
    Off,
    /// The registry is none of those listed.
    #[error("failed to pull from `{0}`: it is not listed in `plugins.registries` of this host")]
    NotListed(String),
    /// The registry leads elsewhere.
    #[error(
        "failed to pull from `{registry}`: it leads to `{elsewhere}`, which is not listed as its `{setting}` in `plugins.registries`"
    )]
    LedAway {
        /// The registry.
        registry: String,
        /// Where it leads.
        elsewhere: String,
        /// What would allow it.
        setting: &'static str,
    },
    /// There is no answer.
    #[error("failed to get an answer from `{host}`; try again in a while")]
    Unreachable {
        /// Who does not answer.
        host: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// It takes too long.
    #[error("failed to pull within `plugins.pull_ms_max` = {0} ms; try again in a while")]
    TooSlow(u32),
    /// The registry is not well.
    #[error(
        "failed to get an answer of use from `{host}`: it answered {status}; try again in a while"
    )]
    Unavailable {
        /// Who.
        host: String,
        /// With what.
        status: StatusCode,
    },
    /// The registry does not let this host read it.
    #[error(
        "failed to pull from `{host}`: it answered {status}; whoever runs this host can give `username` and a password for it in `plugins.registries`, and they must be allowed to read the repository"
    )]
    Unauthorized {
        /// Who.
        host: String,
        /// With what.
        status: StatusCode,
    },
    /// There is no such thing.
    #[error("failed to find {what} at `{host}`: it answered {status}")]
    Missing {
        /// What.
        what: String,
        /// Where.
        host: String,
        /// With what.
        status: StatusCode,
    },
    /// The answer makes no sense.
    #[error("failed to understand `{host}`: {reason}")]
    Protocol {
        /// Who.
        host: String,
        /// Why.
        reason: &'static str,
    },
    /// The manifest is not that of a component.
    #[error("failed to use the manifest: {0}")]
    Manifest(String),
    /// The bytes are others.
    #[error(
        "failed to pull {what}: its sha256 is `{actual}`, not `{expected}`; the tag was moved, or the registry sent other bytes"
    )]
    Mismatch {
        /// Of what.
        what: &'static str,
        /// What was meant.
        expected: String,
        /// What is there.
        actual: String,
    },
    /// The component is too long.
    #[error(
        "failed to pull the component: it is longer than `runtime.upload.component_bytes_max` = {0} bytes"
    )]
    TooLong(usize),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match &error {
            Error::Reference(_) => (StatusCode::BAD_REQUEST, "invalid_reference"),
            Error::Digest(_) => (StatusCode::BAD_REQUEST, "invalid_digest"),
            Error::NotPinned(_) => (StatusCode::BAD_REQUEST, "digest_required"),
            Error::Off => (StatusCode::CONFLICT, "pulling_off"),
            Error::NotListed(_) | Error::LedAway { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "registry_not_listed")
            }
            Error::Unauthorized { .. } | Error::Missing { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "registry_refused")
            }
            Error::Protocol { .. } | Error::Manifest(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid_artifact")
            }
            Error::Mismatch { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "digest_mismatch"),
            Error::TooLong(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Error::Unreachable { .. } | Error::TooSlow(_) | Error::Unavailable { .. } => {
                (StatusCode::SERVICE_UNAVAILABLE, "registry_unavailable")
            }
        };
        let problem = Self::new(status, code, &error);
        match std::error::Error::source(&error) {
            Some(_) => problem.caused_by(partneros_sync::describe(&error)),
            None => problem,
        }
    }
}

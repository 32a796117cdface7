//! Who calls, when, and under which version: the part of a request that every operation needs.

use std::sync::Arc;

use partneros_domain::Timestamp;

use super::object_type::Kind;
use super::record::Source;
use super::version::ApiVersion;
use crate::errors::ApiError;

/// One call, after its token was accepted.
#[derive(Debug, Clone)]
pub struct Call {
    /// When it arrives.
    pub now: Timestamp,
    /// The version its path names.
    pub version: ApiVersion,
    /// On whose behalf values are written.
    pub source: Source,
    scopes: Option<Arc<[String]>>,
}

/// What a call wants to do with objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Look.
    Read,
    /// Change.
    Write,
}

impl Call {
    /// A call by the app with the scopes that its token was granted.
    pub fn integration(now: Timestamp, version: ApiVersion, scopes: Arc<[String]>) -> Self {
        Self {
            now,
            version,
            source: Source::Integration,
            scopes: Some(scopes),
        }
    }

    /// A call by a private app, which holds every scope.
    pub fn private_app(now: Timestamp, version: ApiVersion) -> Self {
        Self {
            now,
            version,
            source: Source::Integration,
            scopes: None,
        }
    }

    /// What a person does in HubSpot's pages.
    pub fn person(now: Timestamp) -> Self {
        Self {
            now,
            version: ApiVersion::V3,
            source: Source::Person,
            scopes: None,
        }
    }

    /// What a workflow does in HubSpot.
    pub fn workflow(now: Timestamp) -> Self {
        Self {
            now,
            version: ApiVersion::V3,
            source: Source::Workflow,
            scopes: None,
        }
    }

    /// What an import writes.
    pub fn import(now: Timestamp) -> Self {
        Self {
            now,
            version: ApiVersion::V3,
            source: Source::Import,
            scopes: None,
        }
    }

    /// Fails unless one of `scopes` was granted.
    pub fn require_any(&self, scopes: &[String]) -> Result<(), ApiError> {
        match &self.scopes {
            Some(granted) if !scopes.iter().any(|scope| granted.contains(scope)) => {
                Err(ApiError::missing_scopes(scopes))
            }
            _ => Ok(()),
        }
    }

    /// Fails unless the records of `kind` may be accessed so.
    pub fn require_objects(&self, kind: Kind, access: Access) -> Result<(), ApiError> {
        self.require_any(&[objects_scope(kind, access)])
    }

    /// Fails unless the property definitions of `kind` may be accessed so.
    pub fn require_properties(&self, kind: Kind, access: Access) -> Result<(), ApiError> {
        let schemas = |verb| format!("crm.schemas.{}.{verb}", scope_part(kind));
        match access {
            Access::Write => self.require_any(&[schemas("write")]),
            Access::Read => self.require_any(&[
                schemas("read"),
                objects_scope(kind, Access::Read),
                objects_scope(kind, Access::Write),
            ]),
        }
    }
}

fn objects_scope(kind: Kind, access: Access) -> String {
    let verb = match access {
        Access::Read => "read",
        Access::Write => "write",
    };
    format!("crm.objects.{}.{verb}", scope_part(kind))
}

const fn scope_part(kind: Kind) -> &'static str {
    match kind {
        Kind::Contacts => "contacts",
        Kind::Companies => "companies",
        Kind::Deals => "deals",
        Kind::Custom => "custom",
    }
}

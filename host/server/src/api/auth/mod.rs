//! Signing in and out, and one's own account.
//!
//! A session begins with a password and works in one organization at a time, the active one. Its token is in a cookie
//! that scripts cannot read; a change needs `csrfToken` besides.

pub mod active_organization;
#[cfg(test)]
pub mod fixture;
pub mod password;
pub mod session;
pub mod sign_in;
pub mod sign_out;
pub mod sign_out_everywhere;

use axum::http::StatusCode;
use partneros_domain::{OrganizationId, Role, Timestamp};
use partneros_store::{Organization, Session};
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{handed_over, words};
use crate::problem::Problem;
use crate::state::AppState;

/// A session, as the person whose it is sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub struct SessionView {
    /// Whose it is.
    email: String,
    /// The person's organizations, by name.
    organizations: Vec<OrganizationView>,
    /// The organization that the session works in; null until one is chosen.
    #[schema(value_type = Option<uuid::Uuid>)]
    active_organization: Option<OrganizationId>,
    /// For the header `x-csrf-token` of requests that change something.
    #[serde(serialize_with = "handed_over")]
    #[schema(value_type = String)]
    csrf_token: SecretString,
    /// When it ends even if it is used.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// An organization, and what a person is in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MemberOrganization)]
pub struct OrganizationView {
    /// The organization.
    #[schema(value_type = uuid::Uuid)]
    id: OrganizationId,
    /// Its name.
    name: String,
    /// What the person is in it.
    #[schema(value_type = words::Role)]
    role: Role,
}

/// A session under its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionBody {
    session: SessionView,
}

/// A password that is not the account's.
#[derive(Debug, thiserror::Error)]
pub enum WrongPassword {
    /// Of somebody who signs in: the account is not told.
    #[error("failed to sign in: the address or the password is wrong")]
    SignIn,
    /// Of somebody who is known to have the account.
    #[error("failed because the password is not that of the account `{0}`")]
    Of(String),
}

impl From<WrongPassword> for Problem {
    fn from(error: WrongPassword) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_credentials", &error)
    }
}

impl From<(Organization, Role)> for OrganizationView {
    fn from((organization, role): (Organization, Role)) -> Self {
        Self {
            id: organization.id,
            name: organization.name,
            role,
        }
    }
}

/// The session as its person sees it.
async fn body(
    state: &AppState,
    session: Session,
    csrf_token: SecretString,
) -> Result<SessionBody, Problem> {
    let organizations = state.store.organizations_of_user(session.user_id).await?;
    Ok(SessionBody {
        session: SessionView {
            email: session.email,
            organizations: organizations
                .into_iter()
                .map(OrganizationView::from)
                .collect(),
            active_organization: session.active.map(|active| active.organization_id),
            csrf_token,
            expires_at: session.expires_at,
        },
    })
}

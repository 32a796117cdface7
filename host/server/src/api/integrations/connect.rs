//! `POST /api/integrations/hubspot/connect`: begins a connect flow.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use partneros_store::OAuthState;
use serde::Serialize;
use utoipa::ToSchema;

use super::connection::PortalChoice;
use super::state_hash;
use crate::api::body::Body;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Where to go.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Authorization {
    /// The address to open in the browser of the person who connects. Works for ten minutes, once.
    #[schema(value_type = String, format = "uri")]
    authorize_url: url::Url,
}

/// A host without a HubSpot app.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed to connect: this host has no HubSpot app; set `hubspot.client_id` and `hubspot.client_secret`"
)]
pub(super) struct NotConfigured;

impl From<NotConfigured> for Problem {
    fn from(error: NotConfigured) -> Self {
        Self::new(StatusCode::CONFLICT, "not_configured", &error)
    }
}

/// Begins to connect a portal: says where to send the person who consents. What a session begins ends in that session's
/// browser. Consent to the portal of before goes on where it was; consent to another one is refused, unless the body says
/// what becomes of the one there is.
#[utoipa::path(post, path = "/api/integrations/hubspot/connect", tag = "integrations", operation_id = "connectHubspot",
    request_body = Option<PortalChoice>,
    responses(
        (status = 200, description = "Where to go.", body = Authorization),
        (status = 400, description = "`invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`: `insteadOf` names no connection.", body = ErrorBody),
        (status = 409, description = "`not_configured`: the host has no HubSpot app.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageConnections>,
    choice: Option<Body<PortalChoice>>,
) -> Result<Json<Authorization>, Problem> {
    let choice = choice.map(|Body(choice)| choice).unwrap_or_default();
    let other_portal = choice.checked()?;
    let flow = state.connect.as_ref().ok_or(NotConfigured)?;
    let mut random = [0; 32];
    state.environment.random(&mut random);
    let secret = URL_SAFE_NO_PAD.encode(random);
    let now = state.environment.now();
    let waiting = OAuthState {
        hash: state_hash(&secret),
        organization_id: caller.organization,
        begun_with: caller.credential,
        other_portal,
        expires_at: now.plus_millis(i64::from(state.limits.connect_ms_max)),
    };
    state.store.put_oauth_state(&waiting, now).await?;
    Ok(Json(Authorization {
        authorize_url: flow.authorize_url(&secret),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn every_flow_has_a_state_of_its_own() {
        let api = TestApi::new().await;
        let mut states = Vec::new();
        for _ in 0..2 {
            let path = "/api/integrations/hubspot/connect";
            let answer = api.acme().post(path, json!({})).await.expect(200);
            let url: url::Url = answer["authorizeUrl"].as_str().unwrap().parse().unwrap();
            let state = url
                .query_pairs()
                .find(|(name, _)| name == "state")
                .unwrap()
                .1
                .into_owned();
            assert_eq!(state.len(), 43);
            states.push(state);
        }
        assert_ne!(states[0], states[1]);
    }

    #[tokio::test]
    async fn a_host_without_an_app_says_so() {
        let mut api = TestApi::new().await;
        api.serve(|state| state.connect = None);
        let path = "/api/integrations/hubspot/connect";
        api.acme()
            .post(path, json!({}))
            .await
            .refused(409, "not_configured");
    }
}

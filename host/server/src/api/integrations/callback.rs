//! `GET /api/integrations/hubspot/callback`: where HubSpot sends a person back to.
//!
//! A browser comes here, so it is sent on to the page of integrations; a program that asks for JSON gets JSON. The caller
//! has no token: the state it brings says for which organization the flow was begun.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use partneros_domain::{ConnectionId, OrganizationId};
use partneros_store::{Connection, NewConnection, TokenSet};
use partneros_sync::describe;
use secrecy::SecretString;
use serde::Deserialize;
use url::form_urlencoded;
use utoipa::IntoParams;

use super::connect::NotConfigured;
use super::{IntegrationBody, discovery, state_hash, view};
use crate::api::query::Query;
use crate::pages::INTEGRATIONS;
use crate::problem::{ErrorBody, Problem};
use crate::state::{AppState, ConnectError, ConnectFlow, Granted};

/// Who is named in the audit log: the state does not say who began the flow.
const ACTOR: &str = "api";
/// How much of what HubSpot says is repeated, in characters.
const SAID_CHARS_MAX: usize = 200;

/// What HubSpot sends along. Anything else in the query is ignored, since HubSpot may add to it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CallbackQuery {
    /// The state of the flow.
    state: Option<String>,
    /// What is exchanged for tokens.
    #[param(value_type = Option<String>)]
    code: Option<SecretString>,
    /// Why the person was sent back without a code.
    error: Option<String>,
    /// The same in words.
    error_description: Option<String>,
}

/// A flow that led to no connection.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to connect: the flow is unknown, used or expired; begin again")]
    State,
    #[error("failed to connect: consent was not given; HubSpot says `{0}`")]
    Denied(String),
    #[error("failed to connect: HubSpot sent neither a code nor an error; begin again")]
    NoCode,
    #[error("{}; begin again", describe(.0))]
    Exchange(#[source] ConnectError),
    #[error(
        "failed to connect: HubSpot portal `{0}` is connected by another organization of this host"
    )]
    Taken(i64),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let refused = |code| Self::new(StatusCode::BAD_REQUEST, code, &error);
        match &error {
            Error::State => refused("invalid_state"),
            Error::Denied(_) => refused("consent_denied"),
            Error::NoCode => refused("missing_code"),
            Error::Exchange(ConnectError::Exchange(source)) if source.is_transient() => {
                let message = "failed to get an answer of use from HubSpot; begin again in a while";
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "hubspot_unavailable",
                    &message,
                )
                .caused_by(describe(source))
            }
            Error::Exchange(_) => refused("exchange_refused"),
            Error::Taken(_) => Self::new(StatusCode::CONFLICT, "portal_taken", &error),
        }
    }
}

/// Ends a connect flow: stores the connection and starts schema discovery.
#[utoipa::path(get, path = "/api/integrations/hubspot/callback", tag = "integrations", operation_id = "hubspotCallback",
    params(CallbackQuery),
    responses(
        (status = 200, description = "The connection, for `Accept: application/json`.", body = IntegrationBody),
        (status = 303, description = "To the page of integrations, with `connected` or with `error` and `message`."),
        (status = 400, description = "`invalid_state`, `consent_denied`, `missing_code` or `exchange_refused`.", body = ErrorBody),
        (status = 409, description = "`portal_taken` or `not_configured`.", body = ErrorBody),
        (status = 503, description = "`hubspot_unavailable`, `busy` or `stopping`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(query): Query<CallbackQuery>,
) -> Response {
    // A task of its own, since this GET changes something and a code works once.
    let ended = state.jobs.see_through(end(state.clone(), query)).await;
    let ended = ended.unwrap_or_else(|error| Err(Problem::internal(error.to_string())));
    if wants_json(&headers) {
        return ended.map(Json).into_response();
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    match ended {
        Ok(body) => query.append_pair("connected", &body.integration.id.to_string()),
        Err(problem) if problem.status() == StatusCode::INTERNAL_SERVER_ERROR => {
            return problem.into_response();
        }
        Err(problem) => query
            .append_pair("error", problem.code())
            .append_pair("message", problem.message()),
    };
    Redirect::to(&format!("{INTEGRATIONS}?{}", query.finish())).into_response()
}

async fn end(state: AppState, query: CallbackQuery) -> Result<IntegrationBody, Problem> {
    let flow = state.connect.clone().ok_or(NotConfigured)?;
    let discovery = state.jobs.slot()?;
    let hash = state_hash(&query.state.ok_or(Error::State)?);
    let now = state.environment.now();
    let waiting = state
        .store
        .take_oauth_state(&hash, now)
        .await?
        .ok_or(Error::State)?;
    if let Some(error) = query.error {
        return Err(Error::Denied(said(&error, query.error_description.as_deref())).into());
    }
    let code = query.code.ok_or(Error::NoCode)?;
    let organization = waiting.organization_id;
    let connection = connect(&state, flow.as_ref(), organization, &code).await?;
    let id = connection.id;
    tracing::info!(connection.id = %id, portal.id = connection.portal_id, "portal connected");
    let integration = view(state.store.as_ref(), organization, connection).await?;
    discovery.run(discovery::discover_unattended(state, organization, id));
    Ok(IntegrationBody { integration })
}

/// Exchanges the code and stores what it grants.
async fn connect(
    state: &AppState,
    flow: &dyn ConnectFlow,
    organization: OrganizationId,
    code: &SecretString,
) -> Result<Connection, Problem> {
    // The time before the exchange: a token is then never taken for fresher than it is.
    let asked_at = state.environment.now();
    let granted = flow.exchange(code).await.map_err(Error::Exchange)?;
    let Granted {
        portal_id,
        scopes,
        access,
        expires_in,
        refresh,
    } = granted;
    let lifetime_ms = i64::try_from(expires_in.as_millis()).unwrap_or(i64::MAX);
    let new = NewConnection {
        id: ConnectionId(state.environment.new_id()),
        portal_id,
        scopes,
        tokens: TokenSet {
            access,
            access_expires_at: asked_at.plus_millis(lifetime_ms),
            refresh,
            refresh_previous: None,
            generation: 0,
        },
        at: state.environment.now(),
    };
    let connection = match state.store.put_connection(organization, new).await {
        Ok(connection) => connection,
        Err(partneros_store::Error::Conflict { .. }) => return Err(Error::Taken(portal_id).into()),
        Err(error) => return Err(error.into()),
    };
    state.engine.parts().portals.forget(connection.id);
    state
        .engine
        .reconnected(organization, ACTOR, connection.id, portal_id)
        .await?;
    Ok(connection)
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("application/json"))
}

/// HubSpot's reason, short and on one line.
fn said(error: &str, description: Option<&str>) -> String {
    let text = match description {
        Some(description) => format!("{error}: {description}"),
        None => error.to_owned(),
    };
    text.chars()
        .filter(|char| !char.is_control())
        .take(SAID_CHARS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use partneros_store::Connections as _;
    use secrecy::ExposeSecret as _;
    use serde_json::json;

    use crate::api::fixture::{Answer, TestApi};

    const JSON: &[(&str, &str)] = &[("accept", "application/json")];

    async fn begin(api: &TestApi) -> String {
        let answer = api
            .acme()
            .post("/api/integrations/hubspot/connect", json!({}))
            .await;
        let answer = answer.expect(200);
        let url: url::Url = answer["authorizeUrl"].as_str().unwrap().parse().unwrap();
        url.query_pairs()
            .find(|(name, _)| name == "state")
            .unwrap()
            .1
            .into_owned()
    }

    async fn back(api: &TestApi, query: &str, headers: &[(&str, &str)]) -> Answer {
        let path = format!("/api/integrations/hubspot/callback?{query}");
        api.anyone().send(Method::GET, &path, headers, None).await
    }

    async fn connections(api: &TestApi) -> usize {
        api.store
            .connections(api.acme().organization)
            .await
            .unwrap()
            .len()
    }

    #[tokio::test]
    async fn consent_makes_an_active_connection_and_discovers_its_schema() {
        let api = TestApi::new().await;
        api.portals.open();
        let state = begin(&api).await;
        let answer = back(&api, &format!("code=good&state={state}"), JSON)
            .await
            .expect(200);
        let integration = &answer["integration"];
        assert_eq!(integration["status"], "active");
        assert_eq!(integration["portalId"], 4_711);
        let id = integration["id"].as_str().unwrap();
        let tokens = api
            .store
            .connection_tokens(api.acme().organization, id.parse().unwrap());
        assert_eq!(tokens.await.unwrap().access.expose_secret(), "access-good");
        api.state.jobs.finish().await;
        let status = api
            .acme()
            .get(&format!("/api/integrations/{id}/status"))
            .await
            .expect(200);
        assert_eq!(status["schemaStats"], json!({"objects": 2, "fields": 2}));
    }

    #[tokio::test]
    async fn a_browser_is_sent_on_to_the_page() {
        let api = TestApi::new().await;
        let state = begin(&api).await;
        let answer = back(
            &api,
            &format!("code=good&state={state}"),
            &[("accept", "text/html")],
        )
        .await;
        assert_eq!(answer.status, 303);
        assert!(
            answer
                .header("location")
                .starts_with("/settings/integrations?connected=")
        );
        let again = back(&api, &format!("code=good&state={state}"), &[]).await;
        let location = again.header("location").to_owned();
        assert!(
            location.starts_with("/settings/integrations?error=invalid_state&message="),
            "{location}"
        );
    }

    #[tokio::test]
    async fn a_state_works_once_and_not_for_long() {
        let api = TestApi::new().await;
        let state = begin(&api).await;
        let query = format!("code=good&state={state}");
        back(&api, &query, JSON).await.expect(200);
        back(&api, &query, JSON).await.refused(400, "invalid_state");
        back(&api, "code=good&state=guessed", JSON)
            .await
            .refused(400, "invalid_state");
        back(&api, "code=good", JSON)
            .await
            .refused(400, "invalid_state");
        let late = begin(&api).await;
        api.environment.wait_ms(600_000);
        back(&api, &format!("code=good&state={late}"), JSON)
            .await
            .refused(400, "invalid_state");
        assert_eq!(connections(&api).await, 1);
    }

    #[tokio::test]
    async fn a_flow_that_fails_leaves_no_connection() {
        let api = TestApi::new().await;
        let cases = [
            (
                "error=access_denied&error_description=No%20thanks",
                400,
                "consent_denied",
            ),
            ("", 400, "missing_code"),
            ("code=used", 400, "exchange_refused"),
            ("code=portalless", 400, "exchange_refused"),
            ("code=outage", 503, "hubspot_unavailable"),
        ];
        for (query, status, code) in cases {
            let state = begin(&api).await;
            let query = format!("{query}&state={state}");
            let message = back(&api, &query, JSON).await.refused(status, code);
            assert!(!message.contains(&state), "{message}");
            back(&api, &query, JSON).await.refused(400, "invalid_state");
        }
        assert_eq!(connections(&api).await, 0);
    }

    #[tokio::test]
    async fn a_portal_belongs_to_one_organization() {
        let api = TestApi::new().await;
        api.connection().await;
        let answer = api
            .other()
            .post("/api/integrations/hubspot/connect", json!({}))
            .await;
        let answer = answer.expect(200);
        let url: url::Url = answer["authorizeUrl"].as_str().unwrap().parse().unwrap();
        let query = format!("code=good&{}", url.query().unwrap());
        back(&api, &query, JSON).await.refused(409, "portal_taken");
        assert_eq!(
            api.store
                .connections(api.other().organization)
                .await
                .unwrap(),
            []
        );
    }

    #[tokio::test]
    async fn connecting_again_keeps_the_connection() {
        let api = TestApi::new().await;
        let id = api.connection().await.to_string();
        api.acme()
            .delete(&format!("/api/integrations/{id}"))
            .await
            .expect(200);
        let state = begin(&api).await;
        let answer = back(&api, &format!("code=good&state={state}"), JSON)
            .await
            .expect(200);
        assert_eq!(answer["integration"]["id"], id);
        assert_eq!(answer["integration"]["status"], "active");
    }
}

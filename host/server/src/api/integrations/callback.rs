//! `GET /api/integrations/hubspot/callback`: where HubSpot sends a person back to.
//!
//! A browser comes here, so it is sent on to the page of integrations; a program that asks for JSON gets JSON. The state
//! that it brings says for which organization the flow was begun, and with what. Invariant: a flow ends for whoever began
//! it, as far as that can be told: a session's in its own browser, a token's in no browser of somebody else's. Otherwise one
//! could make another connect their portal to a strange organization, or a strange portal to theirs.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use partneros_domain::{ConnectionId, Permission};
use partneros_store::{Access, Credential, NewConnection, OAuthState, TokenSet};
use partneros_sync::describe;
use secrecy::SecretString;
use serde::Deserialize;
use url::form_urlencoded;
use utoipa::IntoParams;

use super::connect::NotConfigured;
use super::{IntegrationBody, connection, state_hash};
use crate::api::query::Query;
use crate::auth::session;
use crate::pages::INTEGRATIONS;
use crate::problem::{ErrorBody, Problem};
use crate::state::{AppState, ConnectError, ConnectFlow, Granted};
use crate::token;

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
    #[error(
        "failed to connect: the flow was begun by somebody else, or by somebody who may not connect portals any more; \
         begin again"
    )]
    Stranger,
    #[error("failed to connect: consent was not given; HubSpot says `{0}`")]
    Denied(String),
    #[error("failed to connect: HubSpot sent neither a code nor an error; begin again")]
    NoCode,
    #[error("{}; begin again", describe(.0))]
    Exchange(#[source] ConnectError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let refused = |code| Self::new(StatusCode::BAD_REQUEST, code, &error);
        match &error {
            Error::State | Error::Stranger => refused("invalid_state"),
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
        (status = 409, description = "`portal_taken`, `other_portal`, `conflict` or `not_configured`.", body = ErrorBody),
        (status = 503, description = "`hubspot_unavailable`, `busy` or `stopping`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(query): Query<CallbackQuery>,
) -> Response {
    let shown = session::cookie(&headers).map(token::hash);
    // A task of its own, since this GET changes something and a code works once.
    let ended = state
        .jobs
        .see_through(end(state.clone(), query, shown))
        .await;
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

async fn end(
    state: AppState,
    query: CallbackQuery,
    shown: Option<[u8; 32]>,
) -> Result<IntegrationBody, Problem> {
    let flow = state.connect.clone().ok_or(NotConfigured)?;
    let discovery = state.jobs.slot()?;
    let hash = state_hash(&query.state.ok_or(Error::State)?);
    let now = state.environment.now();
    let waiting = state
        .store
        .take_oauth_state(&hash, now)
        .await?
        .ok_or(Error::State)?;
    let actor = beginner(&state, &waiting, shown).await?;
    if let Some(error) = query.error {
        return Err(Error::Denied(said(&error, query.error_description.as_deref())).into());
    }
    let code = query.code.ok_or(Error::NoCode)?;
    let organization = waiting.organization_id;
    let new = granted(&state, flow.as_ref(), &waiting, &code).await?;
    connection::begin(&state, organization, &actor, new, discovery).await
}

/// Who began the flow, as the audit log names them, if they are the one who is back and still may connect portals. `shown`
/// is the session that the browser shows.
async fn beginner(
    state: &AppState,
    flow: &OAuthState,
    shown: Option<[u8; 32]>,
) -> Result<String, Problem> {
    let now = state.environment.now();
    let here = match shown {
        Some(hash) => state.store.session(&hash, now).await?,
        None => None,
    };
    if let Some(here) = &here {
        let organizations = state.store.organizations_of_user(here.user_id).await?;
        let may = organizations.iter().any(|(organization, role)| {
            organization.id == flow.organization_id && role.may(Permission::ManageConnections)
        });
        if !may {
            return Err(Error::Stranger.into());
        }
    }
    match flow.begun_with {
        Credential::Session(hash) if shown == Some(hash) => Ok(here.ok_or(Error::Stranger)?.email),
        Credential::Session(_) => Err(Error::Stranger.into()),
        Credential::Token(hash) => {
            let holder = state.store.token_holder(&hash, now).await?;
            let holder = holder.filter(|holder| holder.role.may(Permission::ManageConnections));
            Ok(holder.ok_or(Error::Stranger)?.name)
        }
    }
}

/// Exchanges the code for what it grants.
async fn granted(
    state: &AppState,
    flow: &dyn ConnectFlow,
    waiting: &OAuthState,
    code: &SecretString,
) -> Result<NewConnection, Error> {
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
    Ok(NewConnection {
        id: ConnectionId(state.environment.new_id()),
        portal_id,
        access: Access::OAuth,
        scopes,
        tokens: TokenSet {
            access,
            access_expires_at: Some(asked_at.plus_millis(lifetime_ms)),
            refresh,
            refresh_previous: None,
            generation: 0,
        },
        other_portal: waiting.other_portal,
        at: state.environment.now(),
    })
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
    use partneros_domain::Role;
    use partneros_store::{Connections as _, Organizations as _};
    use secrecy::ExposeSecret as _;
    use serde_json::json;

    use crate::api::fixture::{Answer, Client, TestApi};

    const JSON: &[(&str, &str)] = &[("accept", "application/json")];

    async fn begin(api: &TestApi) -> String {
        begin_as(&api.acme()).await
    }

    async fn begin_as(client: &Client<'_>) -> String {
        let answer = client
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
        back_as(&api.anyone(), query, headers).await
    }

    async fn back_as(client: &Client<'_>, query: &str, headers: &[(&str, &str)]) -> Answer {
        let path = format!("/api/integrations/hubspot/callback?{query}");
        client.send(Method::GET, &path, headers, None).await
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
    async fn a_flow_ends_in_the_browser_that_began_it() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Admin).await;
        let again = api.sign_in("admin@acme.example").await;
        let bob = api.session(Role::Owner).await;
        for other in [api.anyone(), again, bob] {
            let query = format!("code=good&state={}", begin_as(&ann).await);
            let answer = back_as(&other, &query, JSON).await;
            answer.refused(400, "invalid_state");
            let late = back_as(&ann, &query, JSON).await;
            late.refused(400, "invalid_state");
        }
        assert_eq!(connections(&api).await, 0);
        let query = format!("code=good&state={}", begin_as(&ann).await);
        back_as(&ann, &query, JSON).await.expect(200);
        let events = ann.get("/api/audit-events?type=connection.").await;
        let event = events.expect(200)["events"][0].clone();
        assert_eq!(event["type"], "connection.connected");
        assert_eq!(event["actor"], "admin@acme.example");
    }

    #[tokio::test]
    async fn a_tokens_flow_ends_in_no_browser_of_somebody_elses() {
        let api = TestApi::new().await;
        let viewer = api.session(Role::Viewer).await;
        api.joins_other("eve@other.example", Role::Owner).await;
        let eve = api.sign_in("eve@other.example").await;
        for other in [viewer, eve] {
            let query = format!("code=good&state={}", begin(&api).await);
            let answer = back_as(&other, &query, JSON).await;
            answer.refused(400, "invalid_state");
        }
        let admin = api.session(Role::Admin).await;
        let query = format!("code=good&state={}", begin(&api).await);
        back_as(&admin, &query, JSON).await.expect(200);
        let events = admin.get("/api/audit-events?type=connection.").await;
        let event = events.expect(200)["events"][0].clone();
        assert_eq!(event["actor"], "a test's admin");
    }

    #[tokio::test]
    async fn whoever_may_not_connect_any_more_ends_no_flow() {
        let api = TestApi::new().await;
        let state = begin(&api).await;
        let acme = api.acme();
        let tokens = api.store.tokens(acme.organization).await.unwrap();
        api.store
            .delete_token(acme.organization, tokens[0].id)
            .await
            .unwrap();
        let query = format!("code=good&state={state}");
        back(&api, &query, JSON).await.refused(400, "invalid_state");

        let owner = api.session(Role::Owner).await;
        let bob = api.person("bob@acme.example", Role::Admin).await;
        let seen = api.sign_in("bob@acme.example").await;
        let query = format!("code=good&state={}", begin_as(&seen).await);
        let path = format!("/api/members/{}", bob.id);
        owner
            .patch(&path, json!({"role": "member"}))
            .await
            .expect(200);
        let answer = back_as(&seen, &query, JSON).await;
        answer.refused(400, "invalid_state");
        assert_eq!(connections(&api).await, 0);
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

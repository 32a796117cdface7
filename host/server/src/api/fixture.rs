//! The API under test: the real router over a database in memory, two organizations, a clock that stands still, and a
//! portal whose schema can be read and nothing else.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request};
use axum::response::Response;
use partneros_domain::{
    AlertKind, ChoiceOption, ConnectionId, DataType, FieldSchema, ObjectSchema, OrganizationId,
    Role, Timestamp,
};
use partneros_runtime::{Runtime, RuntimeConfig};
use partneros_store::{
    Access, AlertId, Alerts as _, CachedSchema, Connections as _, KeyRing, NewAlert, NewConnection,
    Options, Organization, Organizations as _, OtherPortal, Schemas as _, Severity, Sqlite,
    TokenSet,
};
use partneros_sync::{
    AlertSettings, AuditSettings, Engine, Environment, Parts, Plugins, SyncSettings,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::integrations::fixture::{TestConnect, TestPortals};
use crate::auth::{Auth, AuthConfig, RateLimits};
use crate::registry::{PluginsConfig, Registries};
use crate::router::router;
use crate::state::{ApiLimits, AppState, Jobs};
use crate::token::{self, Wanted};
use crate::webhooks::WebhooksConfig;

/// 2026-11-23T09:00:00.000Z.
const START: Timestamp = Timestamp(1_795_424_400_000);

/// The API under test.
pub struct TestApi {
    pub state: AppState,
    pub store: Arc<Sqlite>,
    pub environment: Arc<TestEnvironment>,
    pub portals: Arc<TestPortals>,
    router: Router,
    acme: Tenant,
    other: Tenant,
}

/// An organization and its token.
#[derive(Clone)]
struct Tenant {
    id: OrganizationId,
    token: String,
}

/// Someone who calls the API.
#[derive(Clone)]
pub struct Client<'a> {
    api: &'a TestApi,
    headers: Vec<(&'static str, String)>,
    peer: Option<SocketAddr>,
    pub organization: OrganizationId,
}

/// What the API answered.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub json: Json,
    what: String,
}

/// A clock that is set by hand, and bytes that count up.
#[derive(Debug)]
pub struct TestEnvironment {
    now: AtomicI64,
    drawn: AtomicU64,
}

impl TestEnvironment {
    pub fn wait_ms(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Environment for TestEnvironment {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::Relaxed))
    }

    fn random(&self, bytes: &mut [u8]) {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for (byte, value) in bytes.iter_mut().rev().zip(drawn.into_iter().rev()) {
            *byte = value;
        }
    }
}

impl TestApi {
    pub async fn new() -> Self {
        // The sweeps ask faster than people do.
        let limits = ApiLimits {
            requests_per_second_max: 0,
            ..ApiLimits::default()
        };
        Self::with_limits(limits).await
    }

    pub async fn with_limits(limits: ApiLimits) -> Self {
        let environment = Arc::new(TestEnvironment {
            now: AtomicI64::new(START.0),
            drawn: AtomicU64::new(1),
        });
        let ring = KeyRing::ephemeral().unwrap();
        let store = Arc::new(Sqlite::in_memory(ring, Options::default()).unwrap());
        let portals = Arc::new(TestPortals::default());
        let parts = Parts {
            store: store.clone(),
            portals: portals.clone(),
            plugins: plugins(),
            environment: environment.clone(),
            settings: SyncSettings::default(),
            audit: AuditSettings::default(),
            alerts: AlertSettings::default(),
        };
        let state = AppState {
            engine: Engine::new(parts, CancellationToken::new()),
            store: store.clone(),
            environment: environment.clone(),
            connect: Some(Arc::new(TestConnect)),
            jobs: Jobs::new(limits.jobs_max),
            uploads: Jobs::new(limits.uploads_max),
            trials: Jobs::new(limits.trials_max),
            streams: Jobs::new(limits.streams_max),
            stop: CancellationToken::new(),
            auth: Arc::new(auth(cheap(), &environment)),
            registries: Arc::new(Registries::new(&PluginsConfig::default()).unwrap()),
            rates: Arc::new(RateLimits::new(limits.requests_per_second_max)),
            metrics: None,
            webhooks: WebhooksConfig::default(),
            limits,
        };
        let acme = tenant(&store, environment.as_ref(), "acme").await;
        let other = tenant(&store, environment.as_ref(), "other").await;
        let router = router(state.clone());
        Self {
            state,
            store,
            environment,
            portals,
            router,
            acme,
            other,
        }
    }

    /// The same API with a state of the test's own.
    pub fn serve(&mut self, change: impl FnOnce(&mut AppState)) {
        change(&mut self.state);
        self.router = router(self.state.clone());
    }

    /// The same API with other settings for signing in.
    pub fn configure_auth(&mut self, change: impl FnOnce(&mut AuthConfig)) {
        let mut config = self.state.auth.config;
        change(&mut config);
        self.state.auth = Arc::new(auth(config, &self.environment));
        self.router = router(self.state.clone());
    }

    pub fn acme(&self) -> Client<'_> {
        self.stranger(&self.acme.token)
    }

    pub fn other(&self) -> Client<'_> {
        Client {
            organization: self.other.id,
            ..self.stranger(&self.other.token)
        }
    }

    /// Acme's token.
    pub fn token(&self) -> String {
        self.acme.token.clone()
    }

    /// Someone without a token.
    pub fn anyone(&self) -> Client<'_> {
        self.client(Vec::new())
    }

    /// Someone of Acme with this role.
    pub async fn with_role(&self, role: Role) -> Client<'_> {
        self.with_token(role, None).await
    }

    /// Someone of Acme with a token that expires.
    pub async fn with_token(&self, role: Role, expires_at: Option<Timestamp>) -> Client<'_> {
        let id = self.acme.id;
        let token = token(&self.store, &self.environment, id, role, expires_at).await;
        self.stranger(&token)
    }

    /// Someone with a token that nobody was given.
    pub fn stranger(&self, token: &str) -> Client<'_> {
        self.client(vec![("authorization", format!("Bearer {token}"))])
    }

    /// Someone who sends these headers along.
    pub fn client(&self, headers: Vec<(&'static str, String)>) -> Client<'_> {
        Client {
            api: self,
            headers,
            peer: None,
            organization: self.acme.id,
        }
    }

    /// A connection of Acme's with a discovered schema, put in place without OAuth.
    pub async fn connection(&self) -> ConnectionId {
        let now = self.environment.now();
        let new = NewConnection {
            id: ConnectionId(self.environment.new_id()),
            portal_id: 4_711,
            access: Access::OAuth,
            scopes: vec!["oauth".to_owned()],
            tokens: TokenSet {
                access: "access".to_owned().into(),
                access_expires_at: Some(now),
                refresh: Some("refresh".to_owned().into()),
                refresh_previous: None,
                generation: 0,
            },
            other_portal: OtherPortal::Refuse,
            at: now,
        };
        let id = self
            .store
            .put_connection(self.acme.id, new)
            .await
            .unwrap()
            .id;
        let schemas = [companies(), deals()].map(|schema| CachedSchema {
            schema,
            custom: false,
            fetched_at: now,
        });
        self.store
            .replace_schemas(self.acme.id, id, &schemas, now)
            .await
            .unwrap();
        id
    }

    /// A draft of Acme's for partners and companies, one way, so that activating it writes nothing to HubSpot.
    pub async fn pair(&self) -> String {
        let connection = self.connection().await;
        let pair = json!({
            "object": "partners", "hubspotObject": "companies", "direction": "hubspot_to_partneros",
            "matchKey": {"field": "domain", "property": "domain"},
        });
        let path = format!("/api/integrations/{connection}/pairs");
        let answer = self.acme().post(&path, pair).await.expect(200);
        answer["pair"]["id"].as_str().unwrap().to_owned()
    }

    /// A version that Acme has uploaded.
    pub async fn version(&self) -> String {
        let headers = [("content-type", "application/wasm")];
        let path = "/api/plugins?name=shouter";
        let component = test_guests::UPPERCASE.to_vec();
        let sent = self.acme();
        let answer = sent.send_bytes(Method::POST, path, &headers, component);
        let answer = answer.await.expect(200);
        answer["version"]["sha256"].as_str().unwrap().to_owned()
    }

    /// An alert of Acme's.
    pub async fn alert(&self, kind: AlertKind, subject: &str) -> String {
        let alert = NewAlert {
            id: AlertId(self.environment.new_id()),
            kind,
            severity: Severity::Warning,
            subject: subject.to_owned(),
            message: format!("{}: look after it", kind.title()),
            actor: "system".to_owned(),
            at: self.environment.now(),
        };
        let alert = self.store.open_alert(self.acme.id, alert).await.unwrap();
        alert.id.to_string()
    }

    /// A webhook of Acme's, and a message to it that waits.
    pub async fn webhook(&self) -> (String, String) {
        let body = json!({"url": "https://acme.example/hook", "types": ["alert."]});
        let made = self.acme().post("/api/webhooks", body).await.expect(200);
        let id = made["webhook"]["id"].as_str().unwrap().to_owned();
        let path = format!("/api/webhooks/{id}/test");
        let told = self.acme().post(&path, json!({})).await.expect(202);
        let delivery = told["delivery"]["id"].as_str().unwrap().to_owned();
        (id, delivery)
    }

    /// The same pair, with every suggestion confirmed and active.
    pub async fn active_pair(&self) -> String {
        let pair = self.pair().await;
        let acme = self.acme();
        acme.post(&format!("/api/pairs/{pair}/suggestions"), json!({}))
            .await
            .expect(200);
        acme.post(&format!("/api/pairs/{pair}/mappings/confirm"), json!({}))
            .await
            .expect(200);
        acme.post(&format!("/api/pairs/{pair}/activate"), json!({}))
            .await
            .expect(200);
        pair
    }
}

impl Client<'_> {
    /// The same from this address.
    pub fn from(mut self, address: &str) -> Self {
        self.peer = Some(SocketAddr::new(address.parse().unwrap(), 4_711));
        self
    }

    /// The same with a header.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The same without a header.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(kept, _)| *kept != name);
        self
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: Json) -> Answer {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Json) -> Answer {
        self.send(Method::PUT, path, &[], Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Json) -> Answer {
        self.send(Method::PATCH, path, &[], Some(body)).await
    }

    pub async fn patch_if(&self, path: &str, condition: &str, body: Json) -> Answer {
        self.send(Method::PATCH, path, &[("if-match", condition)], Some(body))
            .await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Json>,
    ) -> Answer {
        let mut all = headers.to_vec();
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        let text = body.map(|body| body.to_string()).unwrap_or_default();
        self.send_text(method, path, &all, text).await
    }

    pub async fn send_text(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        self.send_bytes(method, path, headers, body.into_bytes())
            .await
    }

    pub async fn send_bytes(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let what = format!("{method} {path}");
        let response = self.respond(method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let json = serde_json::from_slice(&body).unwrap_or(Json::Null);
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            json,
            what,
        }
    }

    /// The response, of which nothing was read.
    pub async fn respond(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(peer) = self.peer {
            request = request.extension(ConnectInfo(peer));
        }
        let request = request.body(Body::from(body)).unwrap();
        self.api.router.clone().oneshot(request).await.unwrap()
    }

    /// Makes a partner and returns its id.
    pub async fn make_partner(&self, name: &str) -> String {
        let body = json!({"fields": {"name": name}});
        let record = self.post("/api/records/partners", body).await.expect(200);
        record["record"]["id"].as_str().unwrap().to_owned()
    }
}

impl Answer {
    /// The body of an answer with this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Json {
        assert_eq!(self.status, status, "{}: {}", self.what, self.json);
        self.json
    }

    /// Checks that it is this refusal, in the form of every refusal, and returns its message.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{}: {}", self.what, self.json);
        assert_eq!(self.json["code"], code, "{}: {}", self.what, self.json);
        let message = self.json["error"].as_str().unwrap().to_owned();
        assert!(message.ends_with(['.', '!', '?']), "{message}");
        message
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no `{name}`"))
            .to_str()
            .unwrap()
    }

    pub fn details(&self) -> impl Iterator<Item = &Json> {
        self.json["details"].as_array().into_iter().flatten()
    }
}

async fn tenant(store: &Arc<Sqlite>, environment: &TestEnvironment, name: &str) -> Tenant {
    let id = OrganizationId(environment.new_id());
    let organization = Organization {
        id,
        name: name.to_owned(),
        created_at: environment.now(),
    };
    store.create_organization(&organization).await.unwrap();
    let token = token(store, environment, id, Role::Admin, None).await;
    Tenant { id, token }
}

async fn token(
    store: &Sqlite,
    environment: &TestEnvironment,
    organization: OrganizationId,
    role: Role,
    expires_at: Option<Timestamp>,
) -> String {
    let wanted = Wanted {
        name: format!("a test's {role}").parse().unwrap(),
        member: None,
        role,
        expires_at,
    };
    let made = token::create(store, organization, wanted, environment).await;
    made.unwrap().secret.expose_secret().to_owned()
}

fn auth(config: AuthConfig, environment: &TestEnvironment) -> Auth {
    let url = "http://localhost:8080".parse().unwrap();
    Auth::new(config, url, environment).unwrap()
}

/// Hashing that takes no time.
fn cheap() -> AuthConfig {
    AuthConfig {
        hash_memory_kib: 8,
        hash_passes: 1,
        ..AuthConfig::default()
    }
}

/// The default mapper, compiled once for all tests.
fn plugins() -> Plugins {
    static PLUGINS: OnceLock<Plugins> = OnceLock::new();
    let load = || {
        let runtime = Runtime::new(RuntimeConfig::default()).unwrap();
        Plugins::new(runtime, crate::host::BUILT_IN).unwrap()
    };
    PLUGINS.get_or_init(load).clone()
}

/// Companies with a few properties, one of them read-only.
pub fn companies() -> ObjectSchema {
    let text = |name: &str, label: &str| FieldSchema::new(name, label, DataType::Text);
    let mut created = FieldSchema::new("createdate", "Create date", DataType::Datetime);
    created.read_only = true;
    let mut industry = FieldSchema::new("industry", "Industry", DataType::Choice);
    industry.choices = vec![ChoiceOption {
        value: "SOFTWARE".into(),
        label: "Software".into(),
    }];
    ObjectSchema {
        name: "companies".into(),
        label: "Companies".into(),
        fields: vec![
            text("name", "Company name"),
            text("domain", "Company domain name"),
            text("city", "City"),
            text("country", "Country/Region"),
            FieldSchema::new("numberofemployees", "Number of employees", DataType::Number),
            industry,
            created,
        ],
    }
}

/// Deals with two properties.
pub fn deals() -> ObjectSchema {
    ObjectSchema {
        name: "deals".into(),
        label: "Deals".into(),
        fields: vec![
            FieldSchema::new("dealname", "Deal name", DataType::Text),
            FieldSchema::new("amount", "Amount", DataType::Number),
        ],
    }
}

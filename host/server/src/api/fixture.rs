//! The API under test: the real router over a database in memory, two organizations, a clock that stands still, and a
//! portal whose schema can be read and nothing else.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, header};
use axum::response::Response;
use partneros_domain::{
    AlertKind, Base, ChoiceOption, ConflictRule, ConnectionId, DataType, FieldSchema, HubSpotId,
    ObjectSchema, OrganizationId, RunId, Side, Timestamp,
};
use partneros_runtime::{Runtime, RuntimeConfig};
use partneros_store::{
    AlertId, Alerts as _, CachedSchema, Commit, Connections as _, Counts, Effect, FailureStage,
    Link, NewAlert, NewConflict, NewConnection, NewFailure, NewRun, Options, Organization,
    Organizations as _, OutboxEffect, RecordEffect, RunKind, RunTrigger, Runs as _, Schemas as _,
    SealingKey, Severity, Sqlite, SyncState as _, TokenSet,
};
use partneros_sync::{
    AlertSettings, AuditSettings, Engine, Environment, Parts, Plugins, SyncSettings,
};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::integrations::fixture::{TestConnect, TestPortals};
use crate::registry::{PluginsConfig, Registries};
use crate::router::router;
use crate::state::{ApiLimits, AppState, Jobs};
use crate::token;
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
    acme: Member,
    other: Member,
}

/// An organization and its token.
#[derive(Clone)]
struct Member {
    id: OrganizationId,
    token: String,
}

/// Someone who calls the API.
pub struct Client<'a> {
    api: &'a TestApi,
    token: Option<String>,
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
        Self::with_limits(ApiLimits::default()).await
    }

    pub async fn with_limits(limits: ApiLimits) -> Self {
        let environment = Arc::new(TestEnvironment {
            now: AtomicI64::new(START.0),
            drawn: AtomicU64::new(1),
        });
        let key = SealingKey::ephemeral().unwrap();
        let store = Arc::new(Sqlite::in_memory(key, Options::default()).unwrap());
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
            registries: Arc::new(Registries::new(&PluginsConfig::default()).unwrap()),
            webhooks: WebhooksConfig::default(),
            limits,
        };
        let acme = member(&store, environment.as_ref(), "acme").await;
        let other = member(&store, environment.as_ref(), "other").await;
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

    pub fn acme(&self) -> Client<'_> {
        self.member(&self.acme)
    }

    pub fn other(&self) -> Client<'_> {
        self.member(&self.other)
    }

    /// Acme's token.
    pub fn token(&self) -> String {
        self.acme.token.clone()
    }

    /// Someone without a token.
    pub fn anyone(&self) -> Client<'_> {
        Client {
            api: self,
            token: None,
            organization: self.acme.id,
        }
    }

    /// Someone with a token that nobody was given.
    pub fn stranger(&self, token: &str) -> Client<'_> {
        Client {
            api: self,
            token: Some(token.to_owned()),
            organization: self.acme.id,
        }
    }

    fn member(&self, member: &Member) -> Client<'_> {
        Client {
            api: self,
            token: Some(member.token.clone()),
            organization: member.id,
        }
    }

    /// A connection of Acme's with a discovered schema, put in place without OAuth.
    pub async fn connection(&self) -> ConnectionId {
        let now = self.environment.now();
        let new = NewConnection {
            id: ConnectionId(self.environment.new_id()),
            portal_id: 4_711,
            scopes: vec!["oauth".to_owned()],
            tokens: TokenSet {
                access: "access".to_owned().into(),
                access_expires_at: now,
                refresh: None,
                refresh_previous: None,
                generation: 0,
            },
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

    /// Syncs the pair, waits until the run has ended and returns its id.
    pub async fn run_to_its_end(&self, pair: &str) -> String {
        let answer = self
            .acme()
            .post(&format!("/api/pairs/{pair}/sync"), json!({}))
            .await;
        let id = answer.expect(202)["run"]["id"].as_str().unwrap().to_owned();
        while self.acme().get(&format!("/api/runs/{id}")).await.json["run"]["outcome"] == "running"
            || self.is_leased(pair).await
        {
            tokio::task::yield_now().await;
        }
        id
    }

    async fn is_leased(&self, pair: &str) -> bool {
        let (now, pair) = (self.environment.now(), pair.parse().unwrap());
        match self
            .store
            .acquire_lease(self.acme.id, pair, now, now.plus_millis(1))
            .await
            .unwrap()
        {
            Some(lease) => {
                self.store.release_lease(self.acme.id, lease).await.unwrap();
                false
            }
            None => true,
        }
    }

    /// Writes what a run would about a new record that is linked to HubSpot object 77, and returns the record's id.
    pub async fn settle(&self, pair: &str, settled: Settled) -> String {
        let record = self.acme().make_partner("Acme").await;
        let (id, pair, now) = (
            record.parse().unwrap(),
            pair.parse().unwrap(),
            self.environment.now(),
        );
        let lease = self
            .store
            .acquire_lease(self.acme.id, pair, now, now.plus_millis(1))
            .await;
        let lease = lease.unwrap().unwrap();
        let run_id = RunId(self.environment.new_id());
        let run = NewRun {
            id: run_id,
            pair_id: pair,
            kind: RunKind::First,
            trigger: RunTrigger::Manual,
            started_at: now,
        };
        self.store.start_run(self.acme.id, &run).await.unwrap();
        let effect = Effect {
            record_id: id,
            record: RecordEffect::Keep { version: 1 },
            link: Some(Link {
                hubspot_id: HubSpotId(77),
                base: Base::default(),
                hubspot_updated_at: now,
            }),
            outbox: OutboxEffect::Settle,
            failures: settled.failures(),
            stage: FailureStage::Push,
            conflicts: settled.conflicts(),
        };
        let commit = Commit {
            lease,
            run_id,
            at: now,
            effects: vec![effect],
            rejected: Vec::new(),
            parked: None,
            cursor: None,
            counts: Counts::default(),
        };
        self.store.commit(self.acme.id, commit).await.unwrap();
        self.store.release_lease(self.acme.id, lease).await.unwrap();
        record
    }
}

/// What a run writes about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// A conflict that HubSpot won.
    Conflict,
    /// A value that HubSpot refused.
    Failure,
}

impl Settled {
    fn conflicts(self) -> Vec<NewConflict> {
        let conflict = NewConflict {
            field: "city".into(),
            property: "city".into(),
            partneros_value: json!("Oslo"),
            hubspot_value: Some("Rome".to_owned()),
            winner: Side::HubSpot,
            rule: ConflictRule::Policy,
        };
        if self == Self::Conflict {
            vec![conflict]
        } else {
            Vec::new()
        }
    }

    fn failures(self) -> Vec<NewFailure> {
        let failure = NewFailure {
            field: Some("city".into()),
            property: Some("city".into()),
            code: "INVALID_OPTION".to_owned(),
            message: "Oslo was not one of the options".to_owned(),
            hint: "add the option in HubSpot".to_owned(),
        };
        if self == Self::Failure {
            vec![failure]
        } else {
            Vec::new()
        }
    }
}

impl Client<'_> {
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
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
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

async fn member(store: &Arc<Sqlite>, environment: &TestEnvironment, name: &str) -> Member {
    let id = OrganizationId(environment.new_id());
    let organization = Organization {
        id,
        name: name.to_owned(),
        created_at: environment.now(),
    };
    store.create_organization(&organization).await.unwrap();
    let token = token::create(store.as_ref(), id, "test", environment)
        .await
        .unwrap();
    Member { id, token }
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

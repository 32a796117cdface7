//! The API with what delivers its messages, and a receiver that listens on this machine and answers as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::serve::ListenerExt as _;
use partneros_domain::AlertKind;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::resolver::{Lookup, SystemLookup};
use super::{Deliveries, WebhooksConfig};
use crate::api::fixture::TestApi;

/// How long a test waits for messages.
const DEADLINE: Duration = Duration::from_secs(20);

/// What a receiver on this machine needs.
pub(super) const OPEN: WebhooksConfig = WebhooksConfig {
    allow_private: true,
    allow_http: true,
    webhooks_max: 10,
    timeout_ms: 3_000,
    concurrent_max: 256,
    disable_after_days: 5,
    secret_overlap_ms: 86_400_000,
    kept_days: 30,
};

/// The API, what delivers its messages, and whoever receives them.
pub(super) struct Scene {
    pub(super) api: TestApi,
    pub(super) deliveries: Deliveries,
    pub(super) receiver: Receiver,
}

impl Scene {
    pub(super) async fn new(answers: Answers) -> Self {
        Self::with(answers, OPEN, Arc::new(SystemLookup)).await
    }

    pub(super) async fn with(
        answers: Answers,
        config: WebhooksConfig,
        lookup: Arc<dyn Lookup>,
    ) -> Self {
        let mut api = TestApi::new().await;
        api.serve(|state| state.webhooks = config);
        let (store, environment) = (api.state.store.clone(), api.state.environment.clone());
        let deliveries = Deliveries::with_lookup(config, store, environment, lookup).unwrap();
        let receiver = Receiver::start(answers).await;
        Self {
            api,
            deliveries,
            receiver,
        }
    }

    /// A webhook that is told of alerts, at this URL; returns its id and its secret.
    pub(super) async fn webhook_at(&self, url: &str) -> (String, String) {
        let body = json!({"url": url, "types": ["alert."]});
        let made = self
            .api
            .acme()
            .post("/api/webhooks", body)
            .await
            .expect(200);
        let text = |json: &Json| json.as_str().unwrap().to_owned();
        (text(&made["webhook"]["id"]), text(&made["secret"]))
    }

    /// The same, at the receiver.
    pub(super) async fn webhook(&self) -> (String, String) {
        self.webhook_at(&self.receiver.url("/hook?of=acme")).await
    }

    pub(super) async fn deliver(&self) -> usize {
        self.deliveries.deliver_due().await.unwrap()
    }

    pub(super) fn wait_ms(&self, millis: i64) {
        self.api.environment.wait_ms(millis);
    }

    pub(super) async fn messages(&self, webhook: &str, query: &str) -> Vec<Json> {
        let path = format!("/api/webhooks/{webhook}/deliveries?{query}");
        let page = self.api.acme().get(&path).await.expect(200);
        page["deliveries"].as_array().unwrap().clone()
    }

    /// The only message of a webhook.
    pub(super) async fn message(&self, webhook: &str) -> Json {
        let mut all = self.messages(webhook, "").await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    pub(super) async fn trouble(&self) -> String {
        self.api.alert(AlertKind::TokenRevoked, "a portal").await
    }
}

/// How a receiver answers: each answer once, in order, and then always with a status.
#[derive(Debug)]
pub(super) struct Answers {
    next: VecDeque<String>,
    then: StatusCode,
}

/// A message as it was received.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Whoever receives messages.
#[derive(Debug)]
pub(super) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    answers: Mutex<Answers>,
    received: Mutex<Vec<Received>>,
    arrived: Notify,
    connections: AtomicUsize,
}

impl Answers {
    pub(super) fn all(status: u16) -> Self {
        Self {
            next: VecDeque::new(),
            then: StatusCode::from_u16(status).unwrap(),
        }
    }

    /// A status, `hang` for none, or `endless` for an answer that does not end; then 500.
    pub(super) fn these(answers: &[&str]) -> Self {
        Self {
            next: answers.iter().map(ToString::to_string).collect(),
            then: StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl Received {
    #[track_caller]
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        let value = value.unwrap_or_else(|| panic!("no `{name}`"));
        value.to_str().unwrap()
    }
}

impl Receiver {
    pub(super) async fn start(answers: Answers) -> Self {
        let shared = Arc::new(Shared {
            answers: Mutex::new(answers),
            received: Mutex::default(),
            arrived: Notify::new(),
            connections: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counted = Arc::clone(&shared);
        let listener = listener.tap_io(move |_| {
            counted.connections.fetch_add(1, Ordering::Relaxed);
        });
        let app = Router::new().fallback(take).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, shared }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn named_url(&self, host: &str) -> String {
        format!("http://{host}:{}/hook", self.address.port())
    }

    /// From now on it answers with these first.
    pub(super) fn answer(&self, answers: &[&str]) {
        self.shared.answers.lock().unwrap().next =
            answers.iter().map(ToString::to_string).collect();
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    pub(super) async fn waits_for(&self, messages: usize) {
        let all_here = async {
            loop {
                let arrived = self.shared.arrived.notified();
                if self.received().len() >= messages {
                    return;
                }
                arrived.await;
            }
        };
        let in_time = tokio::time::timeout(DEADLINE, all_here).await;
        in_time.unwrap_or_else(|_| panic!("{messages} messages did not arrive"));
    }
}

async fn take(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let path = parts.uri.path_and_query().unwrap().to_string();
    shared.received.lock().unwrap().push(Received {
        method: parts.method.to_string(),
        path,
        headers: parts.headers,
        body,
    });
    shared.arrived.notify_waiters();
    let answer = {
        let mut answers = shared.answers.lock().unwrap();
        let then = answers.then.as_str().to_owned();
        answers.next.pop_front().unwrap_or(then)
    };
    match answer.as_str() {
        "hang" => std::future::pending().await,
        "endless" => {
            let chunk = Ok::<_, std::convert::Infallible>(Bytes::from_static(&[0; 4_096]));
            let endless = futures::stream::repeat_with(move || chunk.clone());
            Body::from_stream(endless).into_response()
        }
        status => {
            let status: u16 = status.parse().unwrap();
            let status = StatusCode::from_u16(status).unwrap();
            if status.is_redirection() {
                return (status, [(header::LOCATION, "/elsewhere")]).into_response();
            }
            status.into_response()
        }
    }
}

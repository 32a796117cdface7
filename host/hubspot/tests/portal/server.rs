//! A server that answers by script, and a client set up for it with waits of a few milliseconds.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::response::IntoResponse;
use partneros_hubspot::{Client, ClientConfig, HttpConfig, RetryConfig, StaticToken};
use serde_json::Value;
use url::Url;

/// The access token that [`Server::client`] sends.
pub const TOKEN: &str = "pat-na1-0123456789";

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the request's body is JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// What the server does with a request.
pub enum Reply {
    Answer(Response<Body>),
    Never,
}

/// An answer with a JSON body.
pub fn json(status: u16, body: &Value) -> Reply {
    with_headers(status, &[], body)
}

/// An answer with headers and a JSON body.
pub fn with_headers(status: u16, headers: &[(&str, &str)], body: &Value) -> Reply {
    let mut response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Reply::Answer(response.body(Body::from(body.to_string())).unwrap())
}

/// An answer with an HTML body.
pub fn html(status: u16, body: &str) -> Reply {
    let response = Response::builder()
        .status(status)
        .header("content-type", "text/html");
    Reply::Answer(response.body(Body::from(body.to_owned())).unwrap())
}

type Script = dyn Fn(&Request, usize) -> Reply + Send + Sync;

#[derive(Clone)]
struct Stage {
    script: Arc<Script>,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// A running server.
pub struct Server {
    pub base: Url,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts a server; `script` gets each request and how many came before it.
    pub async fn start(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stage = Stage {
            script: Arc::new(script),
            requests: requests.clone(),
        };
        let router = axum::Router::new().fallback(answer).with_state(stage);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            base: base.parse().unwrap(),
            requests,
        }
    }

    /// Starts a server that answers the same to everything.
    pub async fn always(status: u16, body: Value) -> Self {
        Self::start(move |_, _| json(status, &body)).await
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub fn config(&self) -> ClientConfig {
        config(self.base.clone())
    }

    pub fn client(&self) -> Client {
        Client::new(self.config(), Arc::new(StaticToken::new(TOKEN))).unwrap()
    }
}

/// A configuration without rate limits whose waits are too short to notice.
pub fn config(api_base: Url) -> ClientConfig {
    ClientConfig {
        api_base,
        http: HttpConfig {
            request_timeout: Duration::from_secs(20),
            ..HttpConfig::default()
        },
        budget: None,
        retry: retry(),
        ..ClientConfig::default()
    }
}

pub fn retry() -> RetryConfig {
    RetryConfig {
        attempts_max: 3,
        retry_time_max: Duration::from_secs(30),
        ten_secondly: Duration::from_millis(4),
        secondly: Duration::from_millis(3),
        locked: Duration::from_millis(2),
        failed: Duration::from_millis(1),
    }
}

async fn answer(State(stage): State<Stage>, request: axum::extract::Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
    let request = Request {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let before = {
        let mut requests = stage.requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    match (stage.script)(&request, before) {
        Reply::Answer(response) => response.into_response(),
        Reply::Never => pending().await,
    }
}

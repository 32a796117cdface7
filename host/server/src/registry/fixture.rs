//! A small registry on a port of its own: keeps what is pushed, answers what is asked for, and remembers what that was.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use partneros_domain::Digest;
use serde_json::{Value as Json, json};

use super::{PluginsConfig, Registries, RegistryConfig, named};

/// The user that [`Guard::Basic`] and the token service let in, with this password.
pub const USER: &str = "robot";
pub const PASSWORD: &str = "correct horse";
const TOKEN: &str = "granted-token";

/// A registry that runs until the test ends.
pub struct TestRegistry {
    address: SocketAddr,
    shelf: Shelf,
}

type Shelf = Arc<Mutex<Content>>;

/// What a registry holds, and how it behaves.
#[derive(Default)]
pub struct Content {
    /// By tag and by digest.
    pub manifests: BTreeMap<String, Vec<u8>>,
    /// By digest.
    pub blobs: BTreeMap<String, Vec<u8>>,
    /// Who is let in.
    pub guard: Guard,
    /// Where blobs are instead.
    pub blobs_at: Option<String>,
    /// Whether blobs come without a length.
    pub is_streaming: bool,
    /// Whether it takes requests and never answers.
    pub is_stuck: bool,
    /// What it answers to everything.
    pub status: Option<StatusCode>,
    asked: Vec<Asked>,
}

/// Who is let in.
#[derive(Default)]
pub enum Guard {
    /// Everybody.
    #[default]
    Open,
    /// Who has the password.
    Basic,
    /// Who has a token from this realm.
    Token(String),
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub what: String,
    pub authorization: Option<String>,
}

impl TestRegistry {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shelf = Shelf::default();
        let router = Router::new().fallback(answer).with_state(shelf.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shelf }
    }

    /// `host:port`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    pub fn change(&self, change: impl FnOnce(&mut Content)) {
        change(&mut self.content());
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.shelf.lock().unwrap()
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.content().asked)
    }

    /// Puts an artifact of this component under a tag and returns the digest of its manifest.
    pub fn put(&self, tag: &str, component: &[u8]) -> Digest {
        self.put_with(tag, component, |_| {})
    }

    /// The same with a change to the manifest.
    pub fn put_with(&self, tag: &str, component: &[u8], change: impl FnOnce(&mut Json)) -> Digest {
        let digest = named(&Digest::of(component));
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.wasm.config.v0+json",
                "digest": named(&Digest::of(b"{}")),
                "size": 2,
            },
            "layers": [{"mediaType": "application/wasm", "digest": digest, "size": component.len()}],
        });
        change(&mut manifest);
        let manifest = manifest.to_string().into_bytes();
        let of_manifest = Digest::of(&manifest);
        let mut content = self.content();
        content.blobs.insert(digest, component.to_vec());
        content
            .manifests
            .insert(named(&of_manifest), manifest.clone());
        content.manifests.insert(tag.to_owned(), manifest);
        of_manifest
    }

    /// `host:port/acme/mapper:tag`.
    pub fn reference(&self, tag: &str) -> String {
        format!("{}/acme/mapper:{tag}", self.host())
    }

    /// `host:port/acme/mapper@sha256:…`.
    pub fn pinned(&self, manifest: Digest) -> String {
        format!("{}/acme/mapper@{}", self.host(), named(&manifest))
    }

    /// An entry of the configuration.
    pub fn listed(&self) -> RegistryConfig {
        RegistryConfig {
            host: self.host().try_into().unwrap(),
            plain_http: true,
            token_host: None,
            blob_hosts: Vec::new(),
            username: None,
            password_env: None,
            password_file: None,
        }
    }
}

/// Registries of which only these are listed.
pub fn registries(listed: Vec<RegistryConfig>) -> Registries {
    let config = PluginsConfig {
        registries: listed,
        ..PluginsConfig::default()
    };
    Registries::new(&config).unwrap()
}

async fn answer(
    State(shelf): State<Shelf>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let is_stuck = {
        let mut content = shelf.lock().unwrap();
        let authorization = headers.get(header::AUTHORIZATION);
        content.asked.push(Asked {
            what: format!("{method} {uri}"),
            authorization: authorization.map(|value| value.to_str().unwrap().to_owned()),
        });
        content.is_stuck
    };
    if is_stuck {
        std::future::pending::<()>().await;
    }
    let mut content = shelf.lock().unwrap();
    if let Some(status) = content.status {
        return status.into_response();
    }
    let authorization = headers.get(header::AUTHORIZATION);
    let authorization = authorization.map(|value| value.to_str().unwrap());
    match method {
        Method::GET => content.get(&uri, authorization),
        _ => content.push(&uri, body.to_vec()),
    }
}

fn basic() -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}"))
    )
}

impl Content {
    fn get(&self, uri: &Uri, authorization: Option<&str>) -> Response {
        if uri.path() == "/token" {
            let is_known = authorization == Some(&basic());
            let granted = axum::Json(json!({"token": TOKEN}));
            return if is_known {
                granted.into_response()
            } else {
                StatusCode::UNAUTHORIZED.into_response()
            };
        }
        if let Some(refusal) = self.refusal(authorization) {
            return refusal;
        }
        let (rest, name) = uri.path().rsplit_once('/').unwrap();
        if rest.ends_with("/manifests") {
            return found(self.manifests.get(name))
                .map_or_else(StatusCode::into_response, IntoResponse::into_response);
        }
        if let Some(elsewhere) = &self.blobs_at {
            let location = [(header::LOCATION, elsewhere.clone())];
            return (StatusCode::TEMPORARY_REDIRECT, location).into_response();
        }
        match found(self.blobs.get(name)) {
            Ok(bytes) if self.is_streaming => {
                let chunks: Vec<_> = bytes.chunks(1_000).map(<[u8]>::to_vec).collect();
                let chunks = chunks.into_iter().map(Ok::<_, std::io::Error>);
                Body::from_stream(futures::stream::iter(chunks)).into_response()
            }
            Ok(bytes) => bytes.into_response(),
            Err(status) => status.into_response(),
        }
    }

    fn refusal(&self, authorization: Option<&str>) -> Option<Response> {
        let (wanted, challenge) = match &self.guard {
            Guard::Open => return None,
            Guard::Basic => (basic(), "Basic realm=\"registry\"".to_owned()),
            Guard::Token(realm) => (
                format!("Bearer {TOKEN}"),
                format!("Bearer realm=\"{realm}\",service=\"registry\",scope=\"anything\""),
            ),
        };
        if authorization == Some(&wanted) {
            return None;
        }
        let challenge = [(header::WWW_AUTHENTICATE, challenge)];
        Some((StatusCode::UNAUTHORIZED, challenge).into_response())
    }

    /// The part of the protocol that a client pushes with, each blob in one piece.
    fn push(&mut self, uri: &Uri, body: Vec<u8>) -> Response {
        let location = [(header::LOCATION, uri.path().to_owned())];
        if uri.path().ends_with("/blobs/uploads/") && uri.query().is_none() {
            return (StatusCode::ACCEPTED, location).into_response();
        }
        let digest = named(&Digest::of(&body));
        if let Some((_, tag)) = uri.path().split_once("/manifests/") {
            self.manifests.insert(digest, body.clone());
            self.manifests.insert(tag.to_owned(), body);
        } else {
            self.blobs.insert(digest, body);
        }
        (StatusCode::CREATED, location).into_response()
    }
}

fn found(bytes: Option<&Vec<u8>>) -> Result<Vec<u8>, StatusCode> {
    bytes.cloned().ok_or(StatusCode::NOT_FOUND)
}

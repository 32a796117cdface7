//! The requests of one pull: to whom they may go, and with which credentials.

use axum::http::StatusCode;
use http_auth::parser::ChallengeParser;
use reqwest::{RequestBuilder, Response, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::Registry;
use super::config::Address;
use super::error::Error;

/// How many redirects are followed. Registries need one, to where they keep their blobs.
const REDIRECTS_MAX: usize = 3;
/// The longest answer of a token service; a token has a few kilobytes.
const TOKEN_BYTES_MAX: usize = 64 << 10;

/// A repository of a registry.
pub(super) struct Session<'a> {
    client: &'a reqwest::Client,
    registry: &'a Registry,
    base: Url,
    repository: &'a str,
    access: Option<Access>,
}

/// What lets this host read the repository.
enum Access {
    Basic,
    Bearer(SecretString),
}

/// What a registry asks for.
enum Challenge {
    Basic,
    Bearer {
        realm: String,
        service: Option<String>,
    },
}

/// What a token service grants, under either of its names.
#[derive(Deserialize)]
struct Granted {
    token: Option<SecretString>,
    access_token: Option<SecretString>,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        client: &'a reqwest::Client,
        registry: &'a Registry,
        base: Url,
        repository: &'a str,
    ) -> Self {
        Self {
            client,
            registry,
            base,
            repository,
            access: None,
        }
    }

    /// Asks for `manifests` or `blobs` of the repository by name, and for access first where that is wanted.
    pub(super) async fn get(
        &mut self,
        kind: &str,
        name: &str,
        accept: &str,
    ) -> Result<Response, Error> {
        let url = self.url(kind, name);
        let mut response = self.follow(url.clone(), accept).await?;
        let wanted = response.status() == StatusCode::UNAUTHORIZED && self.access.is_none();
        if wanted && self.is_registry(response.url()) {
            self.access = Some(self.access(&response).await?);
            response = self.follow(url, accept).await?;
        }
        checked(response, &format!("`{name}` of `{}`", self.repository))
    }

    fn url(&self, kind: &str, name: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("v2");
            path.extend(self.repository.split('/'));
            path.push(kind).push(name);
        }
        url
    }

    async fn follow(&self, mut url: Url, accept: &str) -> Result<Response, Error> {
        for _ in 0..=REDIRECTS_MAX {
            let request = self.client.get(url.clone());
            let request = request.header(header::ACCEPT, accept);
            let request = match &self.access {
                Some(access) if self.is_registry(&url) => self.with(request, access),
                _ => request,
            };
            let response = send(request, &url).await?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            url = self.redirected(&response)?;
        }
        Err(self.senseless("it redirects too many times"))
    }

    fn redirected(&self, response: &Response) -> Result<Url, Error> {
        let location = response.headers().get(header::LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        let url = location.and_then(|location| response.url().join(location).ok());
        let url = url.ok_or_else(|| self.senseless("it redirects to nowhere"))?;
        self.admitted(url, &self.registry.config.blob_hosts, "blob_hosts")
    }

    /// A URL that requests may go to: at the registry, or at one of these addresses.
    fn admitted(&self, url: Url, others: &[Address], setting: &'static str) -> Result<Url, Error> {
        let is_as_safe = url.scheme() == "https" || url.scheme() == self.base.scheme();
        let is_listed = others.iter().any(|other| other.is_of(&url));
        if self.is_registry(&url) || (is_as_safe && is_listed) {
            return Ok(url);
        }
        Err(Error::LedAway {
            registry: host(&self.base),
            elsewhere: url.origin().ascii_serialization(),
            setting,
        })
    }

    fn is_registry(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    fn with(&self, request: RequestBuilder, access: &Access) -> RequestBuilder {
        match access {
            Access::Basic => self.with_password(request),
            Access::Bearer(token) => request.bearer_auth(token.expose_secret()),
        }
    }

    fn with_password(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.registry.credentials {
            Some(credentials) => {
                let password = credentials.password.expose_secret();
                request.basic_auth(&credentials.username, Some(password))
            }
            None => request,
        }
    }

    /// Does what the registry's challenge asks for.
    async fn access(&self, refused: &Response) -> Result<Access, Error> {
        match challenge(refused) {
            Some(Challenge::Bearer { realm, service }) => self.token(&realm, service).await,
            Some(Challenge::Basic) if self.registry.credentials.is_some() => Ok(Access::Basic),
            _ => Err(Error::Unauthorized {
                host: host(&self.base),
                status: refused.status(),
            }),
        }
    }

    async fn token(&self, realm: &str, service: Option<String>) -> Result<Access, Error> {
        let realm = Url::parse(realm).map_err(|_| self.senseless("it names no token service"))?;
        let token_host = self.registry.config.token_host.as_slice();
        let mut url = self.admitted(realm, token_host, "token_host")?;
        let scope = format!("repository:{}:pull", self.repository);
        url.query_pairs_mut().append_pair("scope", &scope);
        if let Some(service) = service {
            url.query_pairs_mut().append_pair("service", &service);
        }
        let request = self.with_password(self.client.get(url.clone()));
        let response = checked(send(request, &url).await?, "a token")?;
        let bytes = body(response, TOKEN_BYTES_MAX).await?.unwrap_or_default();
        let granted: Option<Granted> = serde_json::from_slice(&bytes).ok();
        let token = granted.and_then(|granted| granted.token.or(granted.access_token));
        let token = token.ok_or_else(|| self.senseless("its token service grants no token"))?;
        Ok(Access::Bearer(token))
    }

    fn senseless(&self, reason: &'static str) -> Error {
        Error::Protocol {
            host: host(&self.base),
            reason,
        }
    }
}

/// The first challenge that can be met.
fn challenge(refused: &Response) -> Option<Challenge> {
    let texts = refused.headers().get_all(header::WWW_AUTHENTICATE);
    for text in texts.iter().filter_map(|value| value.to_str().ok()) {
        for challenge in ChallengeParser::new(text).map_while(Result::ok) {
            let said = |name: &str| {
                let mut all = challenge.params.iter();
                let found = all.find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.to_unescaped())
            };
            if challenge.scheme.eq_ignore_ascii_case("basic") {
                return Some(Challenge::Basic);
            }
            if challenge.scheme.eq_ignore_ascii_case("bearer") {
                return Some(Challenge::Bearer {
                    realm: said("realm").unwrap_or_default(),
                    service: said("service"),
                });
            }
        }
    }
    None
}

/// Reads a body to its end; none when it is longer than that.
pub(super) async fn body(
    mut response: Response,
    bytes_max: usize,
) -> Result<Option<Vec<u8>>, Error> {
    let at = response.url().clone();
    if response.content_length().unwrap_or(0) > bytes_max as u64 {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = (response.chunk().await).map_err(|error| unreachable(&at, error))? {
        if bytes.len() + chunk.len() > bytes_max {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

async fn send(request: RequestBuilder, url: &Url) -> Result<Response, Error> {
    let sent = request.send().await;
    sent.map_err(|error| unreachable(url, error))
}

fn unreachable(url: &Url, error: reqwest::Error) -> Error {
    Error::Unreachable {
        host: host(url),
        source: error.without_url(),
    }
}

/// An answer that has what was asked for.
fn checked(response: Response, what: &str) -> Result<Response, Error> {
    let (status, host) = (response.status(), host(response.url()));
    match status {
        StatusCode::OK => Ok(response),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err(Error::Unauthorized { host, status })
        }
        StatusCode::TOO_MANY_REQUESTS => Err(Error::Unavailable { host, status }),
        _ if status.is_server_error() => Err(Error::Unavailable { host, status }),
        _ => Err(Error::Missing {
            what: what.to_owned(),
            host,
            status,
        }),
    }
}

/// A host as references name it.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

//! The host's API as an integrator uses it: JSON over HTTP with a bearer token.

use anyhow::Context as _;
use reqwest::{Client, Method, Response, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

/// The most entries that the host puts on a page.
const PAGE_ENTRIES: usize = 500;

/// A client with a token.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    base: String,
    token: String,
}

/// A refusal by the host.
#[derive(Debug, thiserror::Error)]
#[error("the host answered {what} with {status}: {body}")]
pub struct Refused {
    what: String,
    status: u16,
    body: Json,
}

impl Refused {
    /// The code by which programs tell refusals apart.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// A record of the host.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    /// The id.
    pub id: String,
    /// Counts changes.
    pub version: i64,
    /// The values by field name; a field without a value is left out.
    pub fields: Map<String, Json>,
}

impl Api {
    /// A client of the host at `base`, without a slash at the end.
    pub fn new(base: String, token: String) -> anyhow::Result<Self> {
        // Another part of the process may have chosen a provider first; then that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // As a browser does, the client follows redirects; as a program does, it asks for JSON.
        let client = Client::builder().build()?;
        Ok(Self {
            client,
            base,
            token,
        })
    }

    /// The bearer token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The host's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> anyhow::Result<Json> {
        self.send(Method::GET, path, None).await
    }

    /// Makes, or does.
    pub async fn post(&self, path: &str, body: &Json) -> anyhow::Result<Json> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Changes.
    pub async fn patch(&self, path: &str, body: &Json) -> anyhow::Result<Json> {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// Every entry of a list, page by page.
    pub async fn list<T: DeserializeOwned>(&self, path: &str, key: &str) -> anyhow::Result<Vec<T>> {
        let mut entries = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut page = self
                .get(&format!("{path}?limit={PAGE_ENTRIES}{cursor}"))
                .await?;
            let read: Vec<T> = serde_json::from_value(page[key].take())
                .with_context(|| format!("failed to read `{key}` of {path}"))?;
            entries.extend(read);
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(entries),
            }
        }
    }

    /// Every record of an object.
    pub async fn records(&self, object: &str) -> anyhow::Result<Vec<Record>> {
        self.list(&format!("/api/records/{object}"), "records")
            .await
    }

    /// One record.
    pub async fn record(&self, object: &str, id: &str) -> anyhow::Result<Record> {
        let mut body = self.get(&format!("/api/records/{object}/{id}")).await?;
        Ok(serde_json::from_value(body["record"].take())?)
    }

    /// Makes a record. Returns its id.
    pub async fn make(&self, object: &str, fields: Json) -> anyhow::Result<String> {
        let body = serde_json::json!({ "fields": fields });
        let made = self.post(&format!("/api/records/{object}"), &body).await?;
        text(&made, "/record/id")
    }

    /// Changes a record; null clears a field.
    pub async fn edit(&self, object: &str, id: &str, fields: Json) -> anyhow::Result<()> {
        let body = serde_json::json!({ "fields": fields });
        self.patch(&format!("/api/records/{object}/{id}"), &body)
            .await
            .map(drop)
    }

    /// Opens an address as a browser does, following redirects until one answers, and reads the JSON there.
    pub async fn follow(&self, address: &str) -> anyhow::Result<Json> {
        let request = self
            .client
            .get(address)
            .header(header::ACCEPT, "application/json");
        read("GET", address, request.send().await?).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Json>) -> anyhow::Result<Json> {
        let address = format!("{}{path}", self.base);
        let mut request = self
            .client
            .request(method.clone(), &address)
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        read(method.as_str(), path, request.send().await?).await
    }
}

/// The text at a JSON pointer.
pub fn text(json: &Json, pointer: &str) -> anyhow::Result<String> {
    let found = json
        .pointer(pointer)
        .and_then(Json::as_str)
        .map(ToOwned::to_owned);
    found.with_context(|| format!("the answer has no text at `{pointer}`: {json}"))
}

async fn read(method: &str, path: &str, response: Response) -> anyhow::Result<Json> {
    let (what, status) = (format!("{method} {path}"), response.status());
    let body: Json = response
        .json()
        .await
        .with_context(|| format!("{what}: {status}"))?;
    if !status.is_success() {
        return Err(Refused {
            what,
            status: status.as_u16(),
            body,
        }
        .into());
    }
    Ok(body)
}

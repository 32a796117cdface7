//! One HTTP exchange: a request out, a whole answer back, within limits.
//!
//! It neither retries nor judges a status. TLS is rustls with the ring provider, redirects are not followed (a token must
//! not travel to another host), and an address never enters an error with its query. A simulation puts a [`Wire`] where
//! the network is, and keeps everything above it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::HeaderMap;
use url::Url;

use crate::error::Error;

/// Limits on a single exchange.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// How long a connection may take. Default 10 s: longer means that the network is down, and the retries tell. When
    /// hit: [`Error::Transport`], after the retries.
    pub connect_timeout: Duration,
    /// How long an exchange may take from the request's first byte to the answer's last. Default 60 s: HubSpot's own
    /// front gives up at 100 s, and a usual page takes one. When hit: [`Error::Transport`], after the retries.
    pub request_timeout: Duration,
    /// How long an answer may be. Default 64 MiB: a page of 200 objects is a few hundred kilobytes, unless texts near
    /// HubSpot's 65,536 characters fill it. When hit: the connection is dropped, [`Error::InvalidResponse`].
    pub body_bytes_max: usize,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_mins(1),
            body_bytes_max: 64 << 20,
        }
    }
}

/// What carries requests instead of the network.
#[async_trait]
pub trait Wire: Send + Sync + fmt::Debug {
    /// Carries a request and brings the whole answer. An error is one of the transport: nobody knows whether the request
    /// was taken.
    async fn carry(
        &self,
        request: ::http::Request<Bytes>,
    ) -> Result<::http::Response<Bytes>, Box<dyn StdError + Send + Sync>>;
}

/// A pool of connections. Clones share it; a host needs one.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    wire: Option<Arc<dyn Wire>>,
    body_bytes_max: usize,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Http {
    /// Opens a pool.
    ///
    /// Fails with [`Error::Transport`] where the system's root certificates cannot be loaded.
    pub fn new(config: &HttpConfig) -> Result<Self, Error> {
        // Another part of the process may have chosen a provider first; then that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(concat!("partneros/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.connect_timeout)
            .timeout(config.request_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|source| Error::Transport {
                url: "any address".to_owned(),
                source: Box::new(source),
            })?;
        Ok(Self {
            client,
            wire: None,
            body_bytes_max: config.body_bytes_max,
        })
    }

    /// The same, with `wire` in place of the network. Its timeouts are the wire's own.
    #[must_use]
    pub fn over(self, wire: Arc<dyn Wire>) -> Self {
        Self {
            wire: Some(wire),
            ..self
        }
    }

    /// The same, with shorter answers at most.
    pub(crate) fn bounded(&self, body_bytes_max: usize) -> Self {
        Self {
            body_bytes_max: self.body_bytes_max.min(body_bytes_max),
            ..self.clone()
        }
    }

    /// Starts a request.
    pub(crate) fn request(&self, method: reqwest::Method, url: Url) -> reqwest::RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a request and reads the answer to its end.
    pub(crate) async fn send(
        &self,
        request: reqwest::RequestBuilder,
        url: &Url,
    ) -> Result<Answer, Error> {
        if let Some(wire) = &self.wire {
            return over_wire(wire.as_ref(), request, url).await;
        }
        let mut response = request
            .send()
            .await
            .map_err(|error| transport(url, error))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let body = self.read(&mut response, url).await?;
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    /// Reads the body. One that arrives in a single piece is not copied.
    async fn read(&self, response: &mut reqwest::Response, url: &Url) -> Result<Bytes, Error> {
        let too_long = || invalid(url, format!("longer than {} bytes", self.body_bytes_max));
        let expected = response.content_length().unwrap_or(0);
        if expected > self.body_bytes_max as u64 {
            return Err(too_long());
        }
        let Some(first) = chunk(response, url).await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = chunk(response, url).await? else {
            return if first.len() > self.body_bytes_max {
                Err(too_long())
            } else {
                Ok(first)
            };
        };
        let mut body = Vec::with_capacity((expected as usize).max(first.len() + second.len()));
        body.extend_from_slice(&first);
        let mut next = Some(second);
        while let Some(piece) = next {
            if body.len() + piece.len() > self.body_bytes_max {
                return Err(too_long());
            }
            body.extend_from_slice(&piece);
            next = chunk(response, url).await?;
        }
        Ok(body.into())
    }
}

async fn over_wire(
    wire: &dyn Wire,
    request: reqwest::RequestBuilder,
    url: &Url,
) -> Result<Answer, Error> {
    let request = request.build().map_err(|error| transport(url, error))?;
    let request = ::http::Request::<reqwest::Body>::try_from(request)
        .map_err(|error| transport(url, error))?;
    // The bodies of this client are in memory, never streams.
    let whole = |body: reqwest::Body| body.as_bytes().map(Bytes::copy_from_slice);
    let request = request.map(|body| whole(body).unwrap_or_default());
    let response = wire
        .carry(request)
        .await
        .map_err(|source| Error::Transport {
            url: without_query(url),
            source,
        })?;
    let (head, body) = response.into_parts();
    Ok(Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
    })
}

async fn chunk(response: &mut reqwest::Response, url: &Url) -> Result<Option<Bytes>, Error> {
    response.chunk().await.map_err(|error| {
        if error.is_timeout() {
            transport(url, error)
        } else {
            invalid(url, "cut off before its end".to_owned())
        }
    })
}

fn transport(url: &Url, error: reqwest::Error) -> Error {
    Error::Transport {
        url: without_query(url),
        source: Box::new(error.without_url()),
    }
}

/// An answer that could not be read.
pub(crate) fn invalid(url: &Url, problem: String) -> Error {
    Error::InvalidResponse {
        url: without_query(url),
        problem,
    }
}

fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

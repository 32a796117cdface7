//! Plugins from OCI registries: one manifest, one layer, both held to the digests that were asked for.
//!
//! A caller of the API names the registry, so this is where the host could be led to addresses that only it can reach.
//! Therefore it speaks the protocol itself, in three requests at most: `oci-client` follows redirects and token services to
//! any address, credentials included, and reads a manifest of any length.
//!
//! Invariant: requests go to listed addresses only, credentials to the registry and its token service only, and bytes count
//! only when their sha256 is the one that was pinned.

mod config;
mod error;
#[cfg(test)]
pub(crate) mod fixture;
mod manifest;
mod pin;
mod session;
#[cfg(test)]
mod tests;

use std::time::Duration;

use partneros_domain::Digest;
use url::Url;

use self::config::Credentials;
pub use self::config::{Address, InvalidAddress, PluginsConfig, RegistryConfig, SetupError};
pub use self::error::Error;
pub use self::manifest::SIGNATURE;
pub use self::pin::{Pin, named};
use self::session::{Session, body};

/// How long a connection may take; longer means that there is no registry.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The registries that plugins may be pulled from.
#[derive(Debug)]
pub struct Registries {
    listed: Vec<Registry>,
    client: reqwest::Client,
    pull_ms_max: u32,
    manifest_bytes_max: usize,
}

/// A registry with its credentials.
#[derive(Debug)]
struct Registry {
    config: RegistryConfig,
    credentials: Option<Credentials>,
}

/// A component as the registry has it.
#[derive(Debug)]
pub struct Pulled {
    /// The component.
    pub component: Vec<u8>,
    /// The digest of the manifest that names it.
    pub manifest: Digest,
    /// The signature that the manifest carries, in base64; nobody has checked it.
    pub signature: Option<String>,
}

impl Registries {
    /// Reads the credentials; opens no connection.
    pub fn new(config: &PluginsConfig) -> Result<Self, SetupError> {
        let registry = |config: &RegistryConfig| {
            let credentials = config.credentials()?;
            Ok(Registry {
                config: config.clone(),
                credentials,
            })
        };
        let listed: Result<_, SetupError> = config.registries.iter().map(registry).collect();
        // Another part of the process may have chosen a provider first; then that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(concat!("partneros/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            // Followed by hand, to listed addresses.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(SetupError::Connections)?;
        Ok(Self {
            listed: listed?,
            client,
            pull_ms_max: config.pull_ms_max,
            manifest_bytes_max: config.manifest_bytes_max,
        })
    }

    /// Fetches a component of at most so many bytes, and checks every digest on the way.
    pub async fn pull(&self, pin: &Pin, component_bytes_max: usize) -> Result<Pulled, Error> {
        if self.listed.is_empty() {
            return Err(Error::Off);
        }
        let session = self.session(pin)?;
        let limit = Duration::from_millis(self.pull_ms_max.into());
        let fetched = self.fetch(session, pin, component_bytes_max);
        let in_time = tokio::time::timeout(limit, fetched).await;
        in_time.map_err(|_| Error::TooSlow(self.pull_ms_max))?
    }

    fn session<'a>(&'a self, pin: &'a Pin) -> Result<Session<'a>, Error> {
        let name = pin.reference.registry();
        let not_listed = || Error::NotListed(name.to_owned());
        for registry in &self.listed {
            let scheme = if registry.config.plain_http {
                "http"
            } else {
                "https"
            };
            let at = |host: &str| Url::parse(&format!("{scheme}://{host}/"));
            if at(name).is_ok_and(|url| registry.config.host.is_of(&url)) {
                // What is called `docker.io` is elsewhere.
                let base = at(pin.reference.resolve_registry()).map_err(|_| not_listed())?;
                let repository = pin.reference.repository();
                return Ok(Session::new(&self.client, registry, base, repository));
            }
        }
        Err(not_listed())
    }

    async fn fetch(
        &self,
        mut session: Session<'_>,
        pin: &Pin,
        component_bytes_max: usize,
    ) -> Result<Pulled, Error> {
        let name = pin.manifest_name();
        let found = session.get("manifests", &name, manifest::ACCEPTED).await?;
        let bytes = body(found, self.manifest_bytes_max).await?.ok_or_else(|| {
            let max = self.manifest_bytes_max;
            Error::Manifest(format!(
                "it is longer than `plugins.manifest_bytes_max` = {max} bytes"
            ))
        })?;
        let manifest = Digest::of(&bytes);
        hold("the manifest", pin.manifest, manifest)?;
        let artifact = manifest::read(&bytes)?;
        // Before the download: a tag that was moved costs nothing.
        hold("the component", pin.component, artifact.component)?;
        if artifact.bytes > component_bytes_max as u64 {
            return Err(Error::TooLong(component_bytes_max));
        }
        let layer = named(&artifact.component);
        let found = session.get("blobs", &layer, "*/*").await?;
        let component = body(found, component_bytes_max).await?;
        let component = component.ok_or(Error::TooLong(component_bytes_max))?;
        let actual = Digest::of(&component);
        hold("the component", Some(artifact.component), actual)?;
        Ok(Pulled {
            component,
            manifest,
            signature: artifact.signature,
        })
    }
}

/// Bytes are what was meant, or they are not taken.
fn hold(what: &'static str, expected: Option<Digest>, actual: Digest) -> Result<(), Error> {
    match expected.filter(|expected| *expected != actual) {
        None => Ok(()),
        Some(expected) => Err(Error::Mismatch {
            what,
            expected: named(&expected),
            actual: named(&actual),
        }),
    }
}

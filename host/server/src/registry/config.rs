//! Which registries plugins may be pulled from, and how far a pull may go.

use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

/// Where plugins come from, apart from uploads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PluginsConfig {
    /// The registries that plugins may be pulled from. Default none, which turns pulling off: 409 `pulling_off`. A reference to
    /// another registry is refused without a request, so that nobody has this host look around in its own network: 422
    /// `registry_not_listed`.
    pub registries: Vec<RegistryConfig>,
    /// How long the requests of a pull may take in all. Default 60,000: 40 MiB at 6 Mbit/s. It holds a place of
    /// `api.uploads_max` meanwhile. Then: 503 `registry_unavailable`.
    pub pull_ms_max: u32,
    /// The longest manifest. Default 64 KiB; with a layer and a few annotations it has one. Beyond it: 422
    /// `invalid_artifact`.
    pub manifest_bytes_max: usize,
}

impl Default for PluginsConfig {
    fn default() -> Self {
        Self {
            registries: Vec::new(),
            pull_ms_max: 60_000,
            manifest_bytes_max: 64 << 10,
        }
    }
}

/// A registry that plugins may be pulled from. Every organization of this host may pull whatever these credentials can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistryConfig {
    /// The registry as references name it: `ghcr.io`, `registry.example.com:5000`.
    pub host: Address,
    /// Without TLS, for a registry on this machine. Default false.
    #[serde(default)]
    pub plain_http: bool,
    /// Where this registry has its token service, if elsewhere, such as `auth.docker.io`. The credentials are sent there.
    #[serde(default)]
    pub token_host: Option<Address>,
    /// Where this registry may send a download, such as `pkg-containers.githubusercontent.com`. No credentials are sent there.
    /// Default none: a redirect to another address ends the pull with 422 `registry_not_listed`.
    #[serde(default)]
    pub blob_hosts: Vec<Address>,
    /// The user, where the registry wants one.
    #[serde(default)]
    pub username: Option<String>,
    /// The environment variable that holds the password or access token.
    #[serde(default)]
    pub password_env: Option<String>,
    /// The file that holds it, instead.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
}

/// Credentials that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// They are not complete.
    #[error(
        "failed to read the configuration: the registry `{0}` needs `username` and one of `password_env` and `password_file`, or none of them"
    )]
    Incomplete(Address),
    /// There is no such variable.
    #[error(
        "failed to read the configuration: `password_env` of the registry `{0}` names `{1}`, which is not set"
    )]
    NoVariable(Address, String),
    /// The file cannot be read.
    #[error("failed to read `password_file` of the registry `{host}`")]
    NoFile {
        /// The registry.
        host: Address,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There are no connections to be had.
    #[error("failed to open connections to registries")]
    Connections(#[source] reqwest::Error),
}

/// A user and the password.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: SecretString,
}

impl RegistryConfig {
    /// Reads the password from where it is.
    pub(super) fn credentials(&self) -> Result<Option<Credentials>, SetupError> {
        let (username, password) = match (&self.username, &self.password_env, &self.password_file) {
            (None, None, None) => return Ok(None),
            (Some(username), Some(name), None) => {
                let password = std::env::var(name);
                let missing = |_| SetupError::NoVariable(self.host.clone(), name.clone());
                (username, password.map_err(missing)?)
            }
            (Some(username), None, Some(file)) => {
                let unreadable = |source| SetupError::NoFile {
                    host: self.host.clone(),
                    source,
                };
                let text = std::fs::read_to_string(file).map_err(unreadable)?;
                (username, text.trim_end().to_owned())
            }
            _ => return Err(SetupError::Incomplete(self.host.clone())),
        };
        Ok(Some(Credentials {
            username: username.clone(),
            password: password.into(),
        }))
    }
}

/// A host, and the port where it is not the usual one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Address {
    host: String,
    port: Option<u16>,
}

/// A text that is no [`Address`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` must be a host, or a host and a port, such as `registry.example.com:5000`")]
pub struct InvalidAddress(String);

impl Address {
    /// Whether requests to this URL go there.
    pub(super) fn is_of(&self, url: &Url) -> bool {
        let usual = if url.scheme() == "http" { 80 } else { 443 };
        let is_host = |host: &str| host.eq_ignore_ascii_case(&self.host);
        url.host_str().is_some_and(is_host)
            && url.port_or_known_default() == Some(self.port.unwrap_or(usual))
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        // A scheme of no usual port, so that none is taken away.
        let url = Url::parse(&format!("oci://{text}")).ok();
        let bare = url.filter(|url| {
            let named = url.username().is_empty() && url.password().is_none();
            named && url.path().is_empty() && url.query().is_none() && url.fragment().is_none()
        });
        let host = bare.as_ref().and_then(Url::host_str);
        match host.filter(|host| !host.is_empty()) {
            Some(host) => Ok(Self {
                host: host.to_ascii_lowercase(),
                port: bare.as_ref().and_then(Url::port),
            }),
            None => Err(InvalidAddress(text)),
        }
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.host)?;
        match self.port {
            Some(port) => write!(formatter, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn address(text: &str) -> Result<Address, InvalidAddress> {
        text.to_owned().try_into()
    }

    #[test]
    fn an_address_is_a_host_and_maybe_a_port() {
        for text in ["ghcr.io", "localhost:5000", "host:443", "[::1]:80"] {
            assert_eq!(address(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            ":80",
            "https://ghcr.io",
            "ghcr.io/",
            "ghcr.io/acme",
            "user@ghcr.io",
            "ghcr.io?x",
            "a b",
            "host:99999",
        ] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_is_that_of_its_own_port_alone() {
        let is_of = |address_: &str, url: &str| {
            let url = Url::parse(url).unwrap();
            address(address_).unwrap().is_of(&url)
        };
        assert!(is_of("GHCR.io", "https://ghcr.io/v2/"));
        assert!(is_of("ghcr.io:443", "https://ghcr.io/v2/"));
        assert!(is_of("ghcr.io", "http://ghcr.io/v2/"));
        assert!(is_of("localhost:5000", "http://localhost:5000/v2/"));
        assert!(!is_of("ghcr.io", "https://ghcr.io:8443/v2/"));
        assert!(!is_of("ghcr.io:443", "http://ghcr.io/v2/"));
        assert!(!is_of("ghcr.io", "https://ghcr.io.example.com/v2/"));
        assert!(!is_of("ghcr.io", "https://x.ghcr.io/v2/"));
    }

    #[test]
    fn credentials_are_complete_or_not_there() {
        let config = |toml: &str| -> RegistryConfig {
            let text = format!("host = \"ghcr.io\"\n{toml}");
            figment::Figment::from(
                <figment::providers::Toml as figment::providers::Format>::string(&text),
            )
            .extract()
            .unwrap()
        };
        assert!(config("").credentials().unwrap().is_none());
        for toml in [
            "username = \"x\"",
            "password_env = \"HOME\"",
            "username = \"x\"\npassword_env = \"HOME\"\npassword_file = \"y\"",
            "username = \"x\"\npassword_env = \"PARTNEROS_TEST_NO_SUCH_VARIABLE\"",
            "username = \"x\"\npassword_file = \"no/such/file\"",
        ] {
            assert!(config(toml).credentials().is_err(), "{toml}");
        }
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("password");
        std::fs::write(&file, "hunter2\n").unwrap();
        let toml = format!("username = \"x\"\npassword_file = {file:?}");
        let credentials = config(&toml).credentials().unwrap().unwrap();
        assert_eq!(credentials.password.expose_secret(), "hunter2");
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }
}

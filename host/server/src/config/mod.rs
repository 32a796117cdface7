//! Configuration: from a TOML file, then the environment, then flags, each stronger than the one before.
//!
//! In the environment a key is `PARTNEROS_` and its path with two underscores between the parts, such as
//! `PARTNEROS_HUBSPOT__CLIENT_ID`. Unknown keys are errors, so that a typing mistake is no silent default.

mod reference;

use std::net::SocketAddr;
use std::path::PathBuf;

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use partneros_hubspot::{ApiVersion, AppKind};
use partneros_runtime::RuntimeConfig;
use partneros_sync::{AlertSettings, AuditSettings, JournalSettings, SyncSettings};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

pub use reference::reference;

use crate::auth::AuthConfig;
use crate::metrics::MetricsConfig;
use crate::registry::PluginsConfig;
use crate::state::ApiLimits;
use crate::telemetry::OtelConfig;
use crate::webhooks::WebhooksConfig;

/// The configuration file that is read when none is named.
pub const DEFAULT_FILE: &str = "partneros.toml";
/// What environment variables begin with.
pub const ENVIRONMENT_PREFIX: &str = "PARTNEROS_";

/// A configuration that cannot be used; the message names the key.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the configuration: {0}")]
pub struct ConfigError(String);

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address to listen on. Default `127.0.0.1:8080`: reachable from this machine only.
    pub listen: SocketAddr,
    /// The address under which people and HubSpot reach this host; HubSpot sends people back to
    /// `{public_url}/api/integrations/hubspot/callback`. Default `http://localhost:8080`.
    pub public_url: Url,
    /// Where the database, the key ring and compiled plugins are kept. Default `.partneros`.
    pub data_dir: PathBuf,
    /// The current sealing key, 32 bytes in base64 or hex, instead of the file `key` in the data directory.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub sealing_key: Option<SecretString>,
    /// Sealing keys that were current before and may still be in use, with spaces, commas or line ends between them.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub sealing_keys_old: Option<SecretString>,
    /// How logs are written.
    pub log: LogConfig,
    /// Metrics for Prometheus.
    #[serde(default)]
    pub metrics: MetricsConfig,
    /// Traces for an OpenTelemetry collector.
    #[serde(default)]
    pub otel: OtelConfig,
    /// The HubSpot app.
    pub hubspot: HubSpotConfig,
    /// How people sign in.
    pub auth: AuthConfig,
    /// Limits on what callers of the API send.
    pub api: ApiLimits,
    /// The sync engine.
    pub sync: SyncSettings,
    /// The audit log.
    pub audit: AuditSettings,
    /// When alerts open.
    pub alerts: AlertSettings,
    /// Where messages to webhooks may go, and how they are sent.
    pub webhooks: WebhooksConfig,
    /// The plugin runtime.
    pub runtime: RuntimeConfig,
    /// The registries that plugins may be pulled from. Default none.
    pub plugins: PluginsConfig,
}

/// How logs are written.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// `text` for people, `json` for machines. Default `text`.
    pub format: LogFormat,
    /// What is logged, in the syntax of `RUST_LOG`. Default `info`.
    pub filter: String,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// The HubSpot app that this host is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HubSpotConfig {
    /// The app's client id. Without it no portal can be connected.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The app's client secret.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub client_secret: Option<SecretString>,
    /// Where HubSpot's API is. Default `https://api.hubapi.com`.
    pub api_base: Url,
    /// Where people authorise the app. Default `https://app.hubspot.com`.
    pub authorize_base: Url,
    /// The version of the CRM API: `v3`, `2026-03` or `2026-09`. Default `v3`.
    #[serde(deserialize_with = "api_version")]
    #[schemars(with = "String")]
    pub version: ApiVersion,
    /// The version of the token endpoints. Default `2026-03`.
    #[serde(deserialize_with = "api_version")]
    #[schemars(with = "String")]
    pub oauth_version: ApiVersion,
    /// How the app is distributed, which decides its rate limit: `marketplace` (110 calls in ten seconds), `private`
    /// (100), `private-professional` (190), `private-increased` (250), or `unlimited` for a simulator. Default
    /// `marketplace`.
    pub app: App,
    /// HubSpot's change journal.
    pub journal: JournalSettings,
}

impl HubSpotConfig {
    /// What is wrong with the first setting that cannot be used, by its key.
    fn problem(&self) -> Option<String> {
        let has_app = self.client_id.is_some() && self.client_secret.is_some();
        if self.journal.enabled && !has_app {
            let problem =
                "`hubspot.journal.enabled` needs `hubspot.client_id` and `hubspot.client_secret`";
            return Some(problem.to_owned());
        }
        self.journal.problem()
    }
}

/// How the HubSpot app is distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum App {
    /// On the marketplace, listed or not.
    Marketplace,
    /// Privately, on a Free or Starter portal.
    Private,
    /// Privately, on a Professional or Enterprise portal.
    PrivateProfessional,
    /// Privately, with the API limit increase.
    PrivateIncreased,
    /// No limits: for a simulator that has none.
    Unlimited,
}

impl App {
    /// The kind of app that the client keeps to, if any.
    pub const fn kind(self) -> Option<AppKind> {
        match self {
            Self::Marketplace => Some(AppKind::Marketplace),
            Self::Private => Some(AppKind::Private),
            Self::PrivateProfessional => Some(AppKind::PrivateProfessional),
            Self::PrivateIncreased => Some(AppKind::PrivateIncreased),
            Self::Unlimited => None,
        }
    }
}

/// What flags set; `None` leaves it to the environment, the file and the defaults.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Overrides {
    /// See [`Config::listen`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// See [`Config::public_url`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<Url>,
    /// See [`Config::data_dir`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
}

impl Config {
    /// Reads the configuration. A file that is named must exist; the default one need not.
    pub fn load(file: Option<PathBuf>, overrides: &Overrides) -> Result<Self, ConfigError> {
        if let Some(file) = file.as_ref().filter(|file| !file.is_file()) {
            return Err(ConfigError(format!(
                "there is no file `{}`",
                file.display()
            )));
        }
        let file = file.unwrap_or_else(|| DEFAULT_FILE.into());
        let mut sources = Figment::new().merge(Serialized::defaults(defaults()));
        if file.is_file() {
            sources = sources.merge(Toml::file_exact(file));
        }
        let config: Self = sources
            // The command line reads these itself: the file, and the host that others are asked of.
            .merge(
                Env::prefixed(ENVIRONMENT_PREFIX)
                    .ignore(&["config", "url", "token"])
                    .split("__"),
            )
            .merge(Serialized::defaults(overrides))
            .extract()
            .map_err(|error| ConfigError(error.to_string()))?;
        let problem = config.sync.problem();
        match problem.or_else(|| config.hubspot.problem()) {
            Some(problem) => Err(ConfigError(problem)),
            None => Ok(config),
        }
    }
}

fn api_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ApiVersion, D::Error> {
    String::deserialize(deserializer)?
        .parse()
        .map_err(serde::de::Error::custom)
}

/// The defaults as a document, so that every source speaks the same language.
fn defaults() -> serde_json::Value {
    serde_json::json!({
        "listen": "127.0.0.1:8080",
        "public_url": "http://localhost:8080",
        "data_dir": ".partneros",
        "log": { "format": "text", "filter": "info" },
        "hubspot": {
            "api_base": partneros_hubspot::API_BASE,
            "authorize_base": partneros_hubspot::AUTHORIZE_BASE,
            "version": "v3",
            "oauth_version": "2026-03",
            "app": "marketplace",
            "journal": JournalSettings::default(),
        },
        "auth": AuthConfig::default(),
        "api": ApiLimits::default(),
        "sync": SyncSettings::default(),
        "audit": AuditSettings::default(),
        "alerts": AlertSettings::default(),
        "webhooks": WebhooksConfig::default(),
        "runtime": RuntimeConfig::default(),
        "plugins": PluginsConfig::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(toml: &str) -> Result<Config, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("partneros.toml");
        std::fs::write(&file, toml).unwrap();
        Config::load(Some(file), &Overrides::default())
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        let config = load("").unwrap();
        assert_eq!(config.listen.port(), 8080);
        assert_eq!(config.hubspot.app.kind(), Some(AppKind::Marketplace));
        assert_eq!(config.auth, AuthConfig::default());
        assert_eq!(config.sync, SyncSettings::default());
        assert_eq!(config.audit.retention_days, 400);
        assert_eq!(config.alerts, AlertSettings::default());
        assert_eq!(config.webhooks, WebhooksConfig::default());
        assert!(!config.webhooks.allow_private && !config.webhooks.allow_http);
        assert_eq!(config.runtime, RuntimeConfig::default());
    }

    #[test]
    fn flags_are_stronger_than_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("partneros.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\n[sync]\nworkers = 2\n").unwrap();
        let flags = Overrides {
            listen: "127.0.0.1:2".parse().ok(),
            ..Overrides::default()
        };
        let config = Config::load(Some(file), &flags).unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.sync.workers, 2);
        assert_eq!(config.sync.poll_interval_ms, 60_000);
    }

    #[test]
    fn a_mistyped_key_is_named() {
        let error = load("[sync]\nwokers = 2\n").unwrap_err().to_string();
        assert!(error.contains("wokers"), "{error}");
        let error = load("listen = \"nowhere\"\n").unwrap_err().to_string();
        assert!(error.contains("listen"), "{error}");
    }

    #[test]
    fn a_setting_beyond_its_limits_is_named() {
        for (toml, key) in [
            ("[sync]\nworkers = 0\n", "sync.workers"),
            ("[sync]\npage_rows = 201\n", "sync.page_rows"),
            (
                "[hubspot.journal]\ninterval_ms = 999\n",
                "hubspot.journal.interval_ms",
            ),
            (
                "[hubspot]\nclient_id = \"a\"\njournal.enabled = true\n",
                "hubspot.client_secret",
            ),
            (
                "[sync.brake]\nwindow_ms = 86400001\n",
                "sync.brake.window_ms",
            ),
            (
                "[sync.brake]\nshare_percent = 0\n",
                "sync.brake.share_percent",
            ),
        ] {
            let error = load(toml).unwrap_err().to_string();
            assert!(error.contains(key), "{toml}: {error}");
        }
        load("[sync.brake]\nwindow_ms = 86400000\n").unwrap();
    }

    #[test]
    fn registries_are_listed_with_what_they_need() {
        let config = load(
            "[[plugins.registries]]\nhost = \"ghcr.io\"\nblob_hosts = [\"pkg-containers.githubusercontent.com\"]\n",
        );
        let config = config.unwrap().plugins;
        assert_eq!(config.registries[0].host.to_string(), "ghcr.io");
        assert!(!config.registries[0].plain_http);
        assert_eq!(config.manifest_bytes_max, 64 << 10);
        let error = load("[[plugins.registries]]\nhost = \"https://ghcr.io\"\n");
        let error = error.unwrap_err().to_string();
        assert!(error.contains("must be a host"), "{error}");
        let error = load("[[plugins.registries]]\nhost = \"ghcr.io\"\npassword = \"x\"\n");
        assert!(error.unwrap_err().to_string().contains("password_env"));
    }

    #[test]
    fn a_named_file_must_exist() {
        assert!(Config::load(Some("no/such/file.toml".into()), &Overrides::default()).is_err());
    }
}

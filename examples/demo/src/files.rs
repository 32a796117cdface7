//! The host's files: its data directory, and the configuration in it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use partneros_server::config::{Config, Overrides};

use crate::options::Options;
use crate::portal::Portal;

/// How often pairs are polled once the host works by itself.
const POLL_INTERVAL_MS: u64 = 5_000;

/// Where the host keeps its files: the directory that was named, or a temporary one that goes with this value.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    temporary: Option<tempfile::TempDir>,
}

impl DataDir {
    /// Makes the directory. One that holds something is refused: its organization may exist already.
    pub fn open(named: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = named else {
            let temporary = tempfile::Builder::new()
                .prefix("partneros-demo-")
                .tempdir()?;
            return Ok(Self {
                path: temporary.path().to_owned(),
                temporary: Some(temporary),
            });
        };
        let failed = || format!("failed to make the data directory `{}`", path.display());
        std::fs::create_dir_all(path).with_context(failed)?;
        let empty = std::fs::read_dir(path)
            .with_context(failed)?
            .next()
            .is_none();
        ensure!(
            empty,
            "the data directory `{}` is not empty; name another",
            path.display()
        );
        Ok(Self {
            path: path.to_owned(),
            temporary: None,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves a temporary directory in place, for whoever wants to know what went wrong.
    pub fn keep(mut self) -> PathBuf {
        if let Some(temporary) = self.temporary.take() {
            return temporary.keep();
        }
        self.path
    }
}

/// Writes the host's configuration file and reads it as the host would.
pub fn configure(
    options: &Options,
    data_dir: &Path,
    base: &str,
    address: SocketAddr,
    portal: &Portal,
) -> anyhow::Result<Config> {
    let file = data_dir.join("partneros.toml");
    let (client_id, client_secret) = portal.app();
    let app = if options.hubspot_limits {
        "marketplace"
    } else {
        "unlimited"
    };
    // Texts of JSON are texts of TOML.
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let lines = [
        "# Written by the demo. The portal it names lives only as long as the demo does."
            .to_owned(),
        format!("listen = {}", text(&address.to_string())),
        format!("public_url = {}", text(base)),
        format!("data_dir = {}", text(&data_dir.to_string_lossy())),
        String::new(),
        "[hubspot]".to_owned(),
        format!("client_id = {}", text(&client_id)),
        format!("client_secret = {}", text(&client_secret)),
        format!("api_base = {}", text(&portal.url())),
        format!("authorize_base = {}", text(&portal.url())),
        format!("app = {}", text(app)),
        String::new(),
        "[sync]".to_owned(),
        format!("poll_interval_ms = {POLL_INTERVAL_MS}"),
        String::new(),
        "# The demo looks at thousands of records, each with a request of its own.".to_owned(),
        "[api]".to_owned(),
        "requests_per_second_max = 0".to_owned(),
        String::new(),
    ];
    std::fs::write(&file, lines.join("\n"))
        .with_context(|| format!("failed to write `{}`", file.display()))?;
    let config = Config::load(Some(file), &Overrides::default())?;
    ensure!(
        config.hubspot.api_base.as_str().trim_end_matches('/') == portal.url()
            && config.data_dir == data_dir,
        "environment variables that begin with `PARTNEROS_` change the demo's configuration; unset them"
    );
    Ok(config)
}

//! `partneros doctor`: looks at everything that a host needs, changes nothing, and says what to do about what it found.
//!
//! Invariant: a check that cannot be made is a finding, never the end of the examination.

mod files;
mod hubspot;
mod webhooks;

use std::fmt;

use serde::Serialize;

use crate::config::Config;
use crate::storage;

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, such as `database`.
    pub check: &'static str,
    /// Whether it is as it should be.
    pub verdict: Verdict,
    /// What was seen, and what to do about it.
    pub message: String,
}

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is.
    Ok,
    /// The host runs, and something about it should be changed.
    Warning,
    /// The host, or a part of it, does not work.
    Failure,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        })
    }
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Verdict::Ok, message)
    }

    fn warning(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Verdict::Warning, message)
    }

    fn failure(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Verdict::Failure, message)
    }

    fn new(check: &'static str, verdict: Verdict, message: impl Into<String>) -> Self {
        Self {
            check,
            verdict,
            message: message.into(),
        }
    }
}

/// Looks at everything, in the order in which a host needs it.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![public_address(config)];
    findings.push(files::data_directory(config));
    findings.push(files::sealing_key(config));
    findings.push(files::disk(config));
    let (database, is_current) = files::database(config).await;
    findings.push(database);
    findings.push(hubspot::app(config));
    findings.extend(hubspot::reach(config).await);
    findings.extend(hubspot::journal(config).await);
    // Opening an older database would migrate it.
    if is_current {
        match storage::open(config) {
            Ok(store) => {
                findings.extend(hubspot::connections(&store).await);
                findings.extend(webhooks::targets(config, &store).await);
            }
            Err(error) => findings.push(Finding::failure("store", format!("{error:#}"))),
        }
    }
    findings
}

/// People sign in and HubSpot sends codes back at this address.
fn public_address(config: &Config) -> Finding {
    const CHECK: &str = "public address";
    let url = &config.public_url;
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        "https" => Finding::ok(CHECK, url.as_str()),
        _ if is_local => Finding::ok(CHECK, format!("{url}, which only this machine reaches")),
        _ => Finding::warning(
            CHECK,
            format!(
                "{url} is not encrypted: put TLS in front and set `public_url` to an https address"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Overrides;

    #[tokio::test]
    async fn a_machine_without_a_host_is_examined_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let overrides = Overrides {
            data_dir: Some(folder.path().join("data")),
            ..Overrides::default()
        };
        let mut config = Config::load(None, &overrides).unwrap();
        config.hubspot.api_base = "http://127.0.0.1:1".parse().unwrap();
        let findings = examine(&config).await;
        let verdict = |check| {
            let finding = findings.iter().find(|finding| finding.check == check);
            finding.map(|finding| finding.verdict)
        };
        assert_eq!(verdict("data directory"), Some(Verdict::Warning));
        assert_eq!(verdict("HubSpot app"), Some(Verdict::Warning));
        assert_eq!(verdict("HubSpot"), Some(Verdict::Failure));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_address_without_tls_is_for_this_machine_only() {
        let mut config = Config::load(None, &Overrides::default()).unwrap();
        for (url, verdict) in [
            ("https://sync.example.com", Verdict::Ok),
            ("http://localhost:8080", Verdict::Ok),
            ("http://sync.example.com", Verdict::Warning),
        ] {
            config.public_url = url.parse().unwrap();
            assert_eq!(public_address(&config).verdict, verdict, "{url}");
        }
    }
}

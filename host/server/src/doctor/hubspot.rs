//! What the host needs of HubSpot: an app, a way there, the same time, and portals that let it in.

use std::time::Duration;

use jiff::fmt::rfc2822;
use partneros_hubspot::{Http, HttpConfig, JournalPlace, required_scopes};
use partneros_store::{
    Access, Connection, ConnectionStatus, Connections as _, Organizations as _, Sqlite,
};
use partneros_sync::{Environment as _, describe, journal_refusal};
use tokio_util::sync::CancellationToken;

use super::Finding;
use crate::config::Config;
use crate::environment::SystemEnvironment;
use crate::host;

/// How long HubSpot may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How far the clocks may be apart; a `Date` header alone is up to a second old.
const CLOCK_OFFSET_MS_WARN: u64 = 5_000;
/// From here on changes may be looked for in the wrong minute, and token times are wrong.
const CLOCK_OFFSET_MS_MAX: u64 = 60_000;

pub(super) fn app(config: &Config) -> Finding {
    const CHECK: &str = "HubSpot app";
    match (&config.hubspot.client_id, &config.hubspot.client_secret) {
        (Some(id), Some(_)) => Finding::ok(CHECK, format!("client id {id}")),
        (None, None) => Finding::warning(
            CHECK,
            "none is configured, so portals are connected by the tokens of private apps only: set `hubspot.client_id` and `hubspot.client_secret`",
        ),
        _ => Finding::failure(
            CHECK,
            "`hubspot.client_id` and `hubspot.client_secret` belong together: one is missing",
        ),
    }
}

/// Whether HubSpot answers, and whether its clock and this machine's agree.
pub(super) async fn reach(config: &Config) -> Vec<Finding> {
    const CHECK: &str = "HubSpot";
    let address = &config.hubspot.api_base;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .timeout(ANSWER_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .build();
    let answer = match client {
        Ok(client) => client.get(address.clone()).send().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) => {
            let date = answer.headers().get("date");
            let date = date.and_then(|date| date.to_str().ok());
            vec![
                Finding::ok(CHECK, format!("{address} answers")),
                clock(date, SystemEnvironment.now().as_millis()),
            ]
        }
        Err(error) => {
            let message = format!(
                "{address} does not answer ({}): check the network, a proxy, or `hubspot.api_base`",
                describe(&error)
            );
            vec![Finding::failure(CHECK, message)]
        }
    }
}

fn clock(date: Option<&str>, now_ms: i64) -> Finding {
    const CHECK: &str = "clock";
    let theirs = date.and_then(|date| rfc2822::parse(&date.replace("GMT", "+0000")).ok());
    let Some(theirs) = theirs else {
        return Finding::warning(CHECK, "HubSpot's answer has no date to compare with");
    };
    let offset_ms = now_ms.abs_diff(theirs.timestamp().as_millisecond());
    let message = format!("{offset_ms} ms from HubSpot's");
    if offset_ms <= CLOCK_OFFSET_MS_WARN {
        Finding::ok(CHECK, message)
    } else if offset_ms <= CLOCK_OFFSET_MS_MAX {
        Finding::warning(CHECK, format!("{message}: synchronise it (NTP)"))
    } else {
        Finding::failure(
            CHECK,
            format!("{message}: synchronise it (NTP), changes are looked for at the wrong times"),
        )
    }
}

/// Whether HubSpot shows the change journal, where it is turned on.
pub(super) async fn journal(config: &Config) -> Option<Finding> {
    const CHECK: &str = "change journal";
    let http = Http::new(&HttpConfig::default()).ok()?;
    let oauth = host::oauth(config, &http).ok()??;
    let stop = CancellationToken::new();
    let client = host::journal_client(config, &http, &oauth, &SystemEnvironment, &stop)?;
    // Each takes a scope of its own; a subscription is only tried by making it.
    let look = async {
        client.entry(JournalPlace::Latest).await?;
        client.subscriptions().await
    };
    Some(match tokio::time::timeout(ANSWER_MAX, look).await {
        Ok(Ok(listed)) => Finding::ok(CHECK, format!("{} subscriptions", listed.len())),
        Ok(Err(error)) => Finding::failure(CHECK, journal_refusal(&error)),
        Err(_) => Finding::failure(CHECK, "HubSpot does not answer in time: try again later"),
    })
}

/// Whether each connection's secrets open and its portal granted what a sync needs.
pub(super) async fn connections(store: &Sqlite) -> Vec<Finding> {
    const CHECK: &str = "connections";
    match every(store).await {
        Ok(findings) if findings.is_empty() => vec![Finding::ok(CHECK, "none yet")],
        Ok(findings) => findings,
        Err(error) => vec![Finding::failure(CHECK, describe(&error))],
    }
}

async fn every(store: &Sqlite) -> Result<Vec<Finding>, partneros_store::Error> {
    let mut findings = Vec::new();
    for organization in store.organizations().await? {
        for connection in store.connections(organization.id).await? {
            if connection.status != ConnectionStatus::Disconnected {
                findings.push(portal(store, &organization.name, &connection).await);
            }
        }
    }
    Ok(findings)
}

async fn portal(store: &Sqlite, organization: &str, connection: &Connection) -> Finding {
    const CHECK: &str = "connection";
    let name = format!("portal {} of `{organization}`", connection.portal_id);
    let tokens = store.connection_tokens(connection.organization_id, connection.id);
    if let Err(error) = tokens.await {
        return Finding::failure(CHECK, format!("{name}: {}", describe(&error)));
    }
    let missing: Vec<_> = required_scopes()
        .into_iter()
        // What a private app's token may do is not known before it is used.
        .filter(|scope| connection.access == Access::OAuth && !connection.scopes.contains(scope))
        .collect();
    match connection.status {
        ConnectionStatus::ReauthRequired => {
            Finding::failure(CHECK, format!("{name} was revoked: reconnect HubSpot"))
        }
        _ if !missing.is_empty() => Finding::failure(
            CHECK,
            format!(
                "{name} lacks scopes, so reconnect HubSpot: {}",
                missing.join(" ")
            ),
        ),
        ConnectionStatus::Error => {
            let problem = connection
                .last_error_message
                .as_deref()
                .unwrap_or("no message");
            Finding::warning(CHECK, format!("{name}: the last sync failed: {problem}"))
        }
        _ => Finding::ok(CHECK, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn clocks_that_are_apart_are_noticed() {
        let date = Some("Thu, 26 Nov 2026 02:00:00 GMT");
        let theirs = 1_795_658_400_000;
        for (offset, verdict) in [
            (0, Verdict::Ok),
            (-4_000, Verdict::Ok),
            (30_000, Verdict::Warning),
            (-90_000, Verdict::Failure),
        ] {
            assert_eq!(clock(date, theirs + offset).verdict, verdict, "{offset}");
        }
        assert_eq!(clock(None, theirs).verdict, Verdict::Warning);
    }
}

//! Whether somebody is there where messages to webhooks go.
//!
//! An endpoint is its organization's own, so whatever is wrong with one is a warning: the host works.

use partneros_store::{DisabledReason, Organizations as _, Sqlite, Webhook, Webhooks as _};
use tokio::task::JoinSet;
use url::Url;

use super::Finding;
use crate::config::Config;
use crate::webhooks::Probe;

const CHECK: &str = "webhook";
/// How many connections are tried at a time.
const CONCURRENT_MAX: usize = 16;
/// How many webhooks are tried; those of the first organizations. The findings say when there are more.
const TRIED_MAX: usize = 1_000;

/// Tries the connection to each webhook that is enabled.
pub(super) async fn targets(config: &Config, store: &Sqlite) -> Vec<Finding> {
    match every(config, store).await {
        Ok(findings) if findings.is_empty() => vec![Finding::ok("webhooks", "none yet")],
        Ok(findings) => findings,
        Err(error) => vec![Finding::failure("webhooks", format!("{error:#}"))],
    }
}

async fn every(config: &Config, store: &Sqlite) -> anyhow::Result<Vec<Finding>> {
    let probe = Probe::new(config.webhooks)?;
    let mut findings = Vec::new();
    let mut enabled = Vec::new();
    for organization in store.organizations().await? {
        for webhook in store.webhooks(organization.id).await? {
            let name = name(&organization.name, &webhook);
            match (webhook.disabled_at, webhook.disabled_reason) {
                (None, _) => enabled.push((name, webhook.url)),
                (Some(at), Some(reason)) => {
                    findings.push(disabled(&name, &at.to_string(), reason));
                }
                // A person wanted it so.
                (Some(_), None) => {}
            }
        }
    }
    let left_out = enabled.len().saturating_sub(TRIED_MAX);
    enabled.truncate(TRIED_MAX);
    findings.extend(try_all(&probe, enabled).await?);
    if left_out > 0 {
        let message = format!("{left_out} further ones were not tried");
        findings.push(Finding::warning("webhooks", message));
    }
    Ok(findings)
}

async fn try_all(probe: &Probe, targets: Vec<(String, String)>) -> anyhow::Result<Vec<Finding>> {
    let mut tried = vec![None; targets.len()];
    let mut under_way = JoinSet::new();
    for (index, (name, url)) in targets.into_iter().enumerate() {
        if under_way.len() == CONCURRENT_MAX
            && let Some(done) = under_way.join_next().await
        {
            let (index, finding) = done?;
            tried[index] = Some(finding);
        }
        let probe = probe.clone();
        under_way.spawn(async move {
            let finding = match probe.reach(&url).await {
                Ok(status) => Finding::ok(CHECK, format!("{name} answers (HTTP {status} to HEAD)")),
                Err(problem) => Finding::warning(CHECK, format!("{name}: {problem}")),
            };
            (index, finding)
        });
    }
    while let Some(done) = under_way.join_next().await {
        let (index, finding) = done?;
        tried[index] = Some(finding);
    }
    Ok(tried.into_iter().flatten().collect())
}

fn disabled(name: &str, at: &str, reason: DisabledReason) -> Finding {
    let why = match reason {
        DisabledReason::Failing => "nothing arrived there for days",
        DisabledReason::QueueFull => "more messages waited than may",
    };
    Finding::warning(
        CHECK,
        format!("{name} was disabled at {at}, because {why}; its organization enables it again"),
    )
}

/// Which webhook it is. Of its URL no more than the origin is told, since the rest may be as good as a password.
fn name(organization: &str, webhook: &Webhook) -> String {
    let origin = Url::parse(&webhook.url).map_or_else(
        |_| "no URL".to_owned(),
        |url| url.origin().ascii_serialization(),
    );
    format!("{origin} of `{organization}` ({})", webhook.id)
}

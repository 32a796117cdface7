//! What every component goes through before it is a version, wherever it comes from: the signature where the organization
//! trusts keys, the inspection, the store and the audit log.

use axum::http::StatusCode;
use partneros_domain::{Digest, EventType};
use partneros_runtime::Inspection;
use partneros_store::{NewPluginVersion, PluginVersion};
use serde_json::{Value as Json, json};

use super::{of_conflict, signature};
use crate::auth::Caller;
use crate::problem::{Detail, Problem};
use crate::state::{AppState, Slot};

/// A component to be taken.
#[derive(Debug)]
pub struct Offer {
    /// Of which plugin it is a version; the name is checked.
    pub plugin: String,
    /// The component.
    pub component: Vec<u8>,
    /// The signature that the caller sent with it.
    pub signature: Option<String>,
    /// The signature that it came with, which is looked at only where keys are trusted and the caller sent none.
    pub enclosed_signature: Option<String>,
    /// What the audit log is told besides: an object.
    pub origin: Json,
}

/// A component that is not taken.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to accept the component: each detail names a place and what to change")]
    Rejected,
    #[error("failed to check the component now: {0}; try again in a while")]
    NotNow(String),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match error {
            Error::Rejected => (StatusCode::UNPROCESSABLE_ENTITY, "plugin_rejected"),
            Error::NotNow(_) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        };
        Self::new(status, code, &error)
    }
}

/// Checks a component and stores it as a version, staged. The place is given back when the checks are done.
pub async fn accept(
    state: &AppState,
    caller: &Caller,
    offer: Offer,
    slot: Slot,
) -> Result<PluginVersion, Problem> {
    let organization = caller.organization;
    let component = offer.component;
    let keys = state.store.trusted_keys(organization).await?;
    let enclosed = offer.enclosed_signature.filter(|_| !keys.is_empty());
    let signature = offer.signature.or(enclosed);
    let signed_by = signature::signer(&keys, signature.as_deref(), &component)?;
    let plugins = state.engine.parts().plugins.clone();
    let inspect = move || {
        let report = plugins
            .runtime()
            .inspect(&component, Some(plugins.default_component()));
        (component, report)
    };
    let (component, report) = tokio::task::spawn_blocking(inspect)
        .await
        .map_err(|error| Problem::internal(format!("the inspection was lost: {error}")))?;
    drop(slot);
    judge(&report)?;
    let new = NewPluginVersion {
        digest: Digest::of(&component),
        plugin: offer.plugin,
        bytes: component,
        world: report
            .world
            .map(|world| world.to_string())
            .unwrap_or_default(),
        contract: report.contract.clone().unwrap_or_default(),
        report: serde_json::to_value(&report).unwrap_or_default(),
        signed_by,
        at: state.environment.now(),
    };
    let version = state.store.put_plugin_version(organization, new).await;
    let version = version.map_err(of_conflict)?;
    note(state, caller, &version, offer.origin).await?;
    Ok(version)
}

async fn note(
    state: &AppState,
    caller: &Caller,
    version: &PluginVersion,
    origin: Json,
) -> Result<(), Problem> {
    let mut metadata =
        json!({"plugin": version.plugin, "number": version.number, "signedBy": version.signed_by});
    if let (Json::Object(metadata), Json::Object(origin)) = (&mut metadata, origin) {
        metadata.extend(origin);
    }
    let subject = version.digest.to_string();
    state
        .engine
        .note(
            caller.organization,
            &caller.actor,
            EventType::PluginUploaded,
            &subject,
            metadata,
        )
        .await?;
    Ok(())
}

/// A refused component is answered with everything that is wrong with it.
fn judge(report: &Inspection) -> Result<(), Problem> {
    if report.accepted() {
        return Ok(());
    }
    if let Some(problem) = report
        .problems
        .iter()
        .find(|problem| problem.code == "not-now")
    {
        return Err(Error::NotNow(problem.message.clone()).into());
    }
    let problems = report.problems.iter().map(|problem| {
        let message = format!("`{}` {}", problem.place, problem.message);
        Detail::of_field(&problem.place, &problem.code, &message)
    });
    let findings = report.findings.iter().map(|finding| {
        let message = format!(
            "`{}` ({}): {}",
            finding.function, finding.place, finding.message
        );
        Detail::of_field(&finding.function, &finding.code, &message)
    });
    let details: Vec<_> = problems.chain(findings).collect();
    Err(Problem::from(Error::Rejected).with_details(details))
}

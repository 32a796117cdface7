//! What runs and token refreshes leave in the audit log, and the alert about a portal that no longer lets us in.
//!
//! A run that found nothing to do leaves no event; the list of runs has it.

use partneros_domain::{AlertKind, ConnectionId, EventType, OrganizationId};
use partneros_store::{EventId, NewEvent, Run, RunOutcome, Severity, Store};
use serde_json::{Map, Value as Json, json};

use crate::engine::{Begun, Engine, describe};
use crate::environment::Environment;
use crate::error::Error;

/// Who does what nobody asked for just now.
pub const SYSTEM: &str = "system";

impl Engine {
    /// Writes down what a run did, one event for each way that it moved something, or failed to.
    pub(crate) async fn note_run(
        &self,
        begun: &Begun,
        run: &Run,
        result: &Result<(), Error>,
    ) -> Result<(), Error> {
        let (counts, failed) = (&run.counts, run.outcome == RunOutcome::Failed);
        let fails_to_push = matches!(result, Err(Error::Push(_)));
        let pulled = counts.pulled > counts.unchanged || (failed && !fails_to_push);
        let pushed = counts.pushed > 0 || (failed && fails_to_push);
        for (event, happened, own) in [
            (EventType::SyncPull, pulled, failed && !fails_to_push),
            (EventType::SyncPush, pushed, failed && fails_to_push),
        ] {
            if !happened {
                continue;
            }
            let mut metadata = self.run_metadata(begun, run).await;
            if let (true, Err(error)) = (own, result) {
                metadata.insert("error".to_owned(), json!(describe(error)));
                let status = error.hubspot().and_then(partneros_hubspot::Error::status);
                metadata.insert("httpStatus".to_owned(), json!(status));
            }
            let subject = format!("pair {}", run.pair_id);
            self.note(
                begun.organization(),
                SYSTEM,
                event,
                &subject,
                metadata.into(),
            )
            .await?;
        }
        Ok(())
    }

    async fn run_metadata(&self, begun: &Begun, run: &Run) -> Map<String, Json> {
        let portals = &self.parts().portals;
        let portal = portals
            .portal(begun.organization(), begun.connection())
            .await;
        let remaining = portal.ok().and_then(|portal| portal.rate_limit_remaining());
        let ended_at = run.finished_at.unwrap_or(run.started_at);
        let json = json!({
            "runId": run.id,
            "connectionId": begun.connection(),
            "counts": run.counts,
            "durationMs": ended_at.millis_since(run.started_at),
            "rateLimitRemaining": remaining.map(|limit| limit.remaining),
        });
        match json {
            Json::Object(metadata) => metadata,
            _ => Map::new(),
        }
    }

    /// Says that a connection's portal no longer lets us in, until someone connects it again.
    pub(crate) async fn alert_revoked(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
        reason: &str,
    ) -> Result<(), Error> {
        let (kind, subject) = (AlertKind::TokenRevoked, connection.to_string());
        let message =
            format!("Token revoked: {reason}; nothing syncs until HubSpot is reconnected");
        self.alert(organization, kind, Severity::Critical, subject, message)
            .await
    }

    /// A connection was made or renewed, which answers the alert. `metadata` says more of it.
    pub async fn reconnected(
        &self,
        organization: OrganizationId,
        actor: &str,
        connection: ConnectionId,
        metadata: Json,
    ) -> Result<(), Error> {
        let (event, subject) = (EventType::ConnectionConnected, connection.to_string());
        self.answer(organization, actor, AlertKind::TokenRevoked, &subject)
            .await?;
        self.note(organization, actor, event, &subject, metadata)
            .await
    }

    /// A connection was ended, which leaves nothing to alert about its access. `metadata` says what HubSpot was told.
    pub async fn disconnected(
        &self,
        organization: OrganizationId,
        actor: &str,
        connection: ConnectionId,
        metadata: Json,
    ) -> Result<(), Error> {
        let (event, subject) = (EventType::ConnectionDisconnected, connection.to_string());
        for kind in [AlertKind::TokenRevoked, AlertKind::RateLimitLow] {
            self.answer(organization, actor, kind, &subject).await?;
        }
        self.note(organization, actor, event, &subject, metadata)
            .await
    }
}

/// Counts what a run did.
pub(crate) fn record(run: &Run) {
    let outcome = match run.outcome {
        RunOutcome::Running => "running",
        RunOutcome::Succeeded => "succeeded",
        RunOutcome::Failed => "failed",
        RunOutcome::Interrupted => "interrupted",
    };
    metrics::counter!("partneros_sync_runs_total", "outcome" => outcome).increment(1);
    let duration_ms = run
        .finished_at
        .unwrap_or(run.started_at)
        .millis_since(run.started_at);
    metrics::histogram!("partneros_sync_run_duration_seconds").record(duration_ms as f64 / 1e3);
    let counts = &run.counts;
    for (effect, count) in [
        ("pulled", counts.pulled),
        ("unchanged", counts.unchanged),
        ("record_created", counts.records_created),
        ("record_updated", counts.records_updated),
        ("matched", counts.matched),
        ("pushed", counts.pushed),
        ("hubspot_created", counts.hubspot_created),
        ("hubspot_updated", counts.hubspot_updated),
        ("unlinked", counts.unlinked),
        ("relinked", counts.relinked),
        ("record_deleted", counts.records_deleted),
        ("hubspot_archived", counts.hubspot_archived),
        ("conflict", counts.conflicts),
        ("failed", counts.failed),
    ] {
        metrics::counter!("partneros_sync_records_total", "effect" => effect).increment(count);
    }
}

/// Writes an event about a connection's tokens. That it cannot be written stops nothing: the tokens are what counts.
pub(crate) async fn note_tokens(
    store: &dyn Store,
    environment: &dyn Environment,
    (organization, connection): (OrganizationId, ConnectionId),
    event: EventType,
    metadata: Json,
) {
    let event = NewEvent {
        id: EventId(environment.new_id()),
        at: environment.now(),
        actor: SYSTEM.to_owned(),
        event,
        subject: connection.to_string(),
        metadata,
    };
    if let Err(error) = store.append_event(organization, event).await {
        tracing::warn!(connection.id = %connection, error = describe(&error), "an event was not written");
    }
}

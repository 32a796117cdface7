//! `GET /api/integrations/{connectionId}/health`: how well a connection's pairs sync.

use axum::Json;
use axum::extract::State;
use partneros_domain::{
    LagHistogram, Lags, ObjectPair, OrganizationId, PairId, PairState, Timestamp,
};
use partneros_store::{LagHour, PairLags, PluginUsage};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::path::{ConnectionPath, Path};
use crate::api::words;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// The time that figures are about.
const WINDOW_MS: i64 = 24 * 3_600_000;
const DAY_MS: i64 = 24 * 3_600_000;

/// A connection's health under its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthBody {
    health: Health,
}

/// How well a connection's pairs sync. Figures without a time are of the last 24 hours.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IntegrationHealth)]
pub struct Health {
    /// What HubSpot last said is left of the app's calls; null before it said anything, or when the portal is not to be had.
    rate_limit: Option<RateLimitView>,
    /// The pairs.
    pairs: Vec<PairHealth>,
}

/// What is left of HubSpot's limits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RateLimit)]
pub struct RateLimitView {
    /// Calls in ten seconds.
    max: usize,
    /// Of those, left.
    remaining: usize,
    /// Calls in a day; null when HubSpot does not say.
    daily_max: Option<u64>,
    /// Of those, left.
    daily_remaining: Option<u64>,
}

/// How well a pair syncs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PairHealth {
    /// The pair.
    #[schema(value_type = uuid::Uuid)]
    pair_id: PairId,
    /// The PartnerOS object.
    object: String,
    /// The HubSpot object type.
    hubspot_object: String,
    /// Whether it syncs.
    #[schema(value_type = words::PairState)]
    state: PairState,
    /// When a run last succeeded, ever; null for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_success_at: Option<Timestamp>,
    /// As of when an audit last showed that nothing is missing: what was there by then is on both sides, on its way, or listed
    /// as unsettled; null before the first.
    #[schema(value_type = Option<String>, format = DateTime)]
    complete_as_of: Option<Timestamp>,
    /// Differences that this audit left, see the pair's audits; null before the first.
    unsettled: Option<u64>,
    /// Runs that ended.
    runs: u64,
    /// Of those, failed ones.
    failed_runs: u64,
    /// Failed runs by runs, from 0 to 1.
    error_rate: f64,
    /// Records that wait to be pushed now.
    backlog: u64,
    /// Values and records that cannot be synced now.
    parked: u64,
    /// Conflicts that were settled.
    conflicts: u64,
    /// Objects that were pulled.
    pulled: u64,
    /// Records that were pushed.
    pushed: u64,
    /// How far the pair is behind now, in milliseconds: how long the edit waits that has waited longest to be pushed, or how
    /// long ago a run last succeeded, whichever is longer. Null while the pair does not sync, or never has.
    lag_now: Option<u64>,
    /// From a change in HubSpot to its commit here.
    pull_lag: Lag,
    /// The stages of that way.
    pull_stages: StagesView,
    /// From an edit here to HubSpot's answer that it has it.
    push_lag: Lag,
    /// The stages of that way.
    push_stages: StagesView,
    /// What plugins took for the pair today and yesterday, in UTC.
    plugins: PluginsView,
    /// The lags by hour, oldest first; hours in which nothing arrived are left out.
    hours: Vec<HourView>,
}

/// How long changes took, in milliseconds; null when none arrived. Told within a tenth.
#[derive(Debug, Serialize, ToSchema)]
pub struct Lag {
    /// Changes.
    count: u64,
    /// Half of them took no longer.
    p50: Option<u64>,
    /// 95 of a hundred took no longer.
    p95: Option<u64>,
    /// 99 of a hundred took no longer.
    p99: Option<u64>,
}

/// Where on their way changes spent their time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LagStages)]
pub struct StagesView {
    /// Until the change was seen: HubSpot's index, settling and polling. An edit here is seen as it is made, so to HubSpot
    /// there are none.
    detection: Lag,
    /// From then until its batch was taken up.
    queue: Lag,
    /// While its batch was transformed by the mapper and decided about.
    transform: Lag,
    /// From then until the other side had it for good.
    write: Lag,
}

/// What plugins took.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PluginTotals)]
pub struct PluginsView {
    /// Calls.
    calls: u64,
    /// Of those, failed ones.
    failed_calls: u64,
    /// Fuel.
    fuel: u64,
    /// Time in calls, in microseconds.
    duration_us: u64,
}

/// The lags of an hour.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LagHour)]
pub struct HourView {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// From HubSpot.
    pull_lag: Lag,
    /// The stages of that way.
    pull_stages: StagesView,
    /// To HubSpot.
    push_lag: Lag,
    /// The stages of that way.
    push_stages: StagesView,
}

impl From<&LagHour> for HourView {
    fn from(hour: &LagHour) -> Self {
        let PairLags { pull, push } = &hour.lags;
        Self {
            at: hour.at,
            pull_lag: (&pull.total).into(),
            pull_stages: pull.into(),
            push_lag: (&push.total).into(),
            push_stages: push.into(),
        }
    }
}

impl From<&Lags> for StagesView {
    fn from(lags: &Lags) -> Self {
        Self {
            detection: (&lags.detection).into(),
            queue: (&lags.queue).into(),
            transform: (&lags.transform).into(),
            write: (&lags.write).into(),
        }
    }
}

impl From<&LagHistogram> for Lag {
    fn from(lags: &LagHistogram) -> Self {
        Self {
            count: lags.total(),
            p50: lags.percentile(50),
            p95: lags.percentile(95),
            p99: lags.percentile(99),
        }
    }
}

impl PluginsView {
    fn add(mut self, usage: &PluginUsage) -> Self {
        self.calls += usage.calls;
        self.failed_calls += usage.failed_calls;
        self.fuel = self.fuel.saturating_add(usage.fuel);
        self.duration_us = self.duration_us.saturating_add(usage.duration_us);
        self
    }
}

/// Tells how well a connection's pairs sync: lag, backlog, errors, conflicts, what is parked, and what plugins took.
#[utoipa::path(get, path = "/api/integrations/{connectionId}/health", tag = "integrations", operation_id = "getIntegrationHealth",
    params(ConnectionPath),
    responses(
        (status = 200, description = "The health of each pair.", body = HealthBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<ConnectionPath>,
) -> Result<Json<HealthBody>, Problem> {
    let (organization, id) = (caller.organization, path.connection_id);
    state.store.connection(organization, id).await?;
    let now = state.environment.now();
    let mut pairs = Vec::new();
    for pair in state.store.pairs(organization, id).await? {
        pairs.push(of_pair(&state, organization, pair, now).await?);
    }
    let portal = state.engine.parts().portals.portal(organization, id).await;
    let seen = portal.ok().and_then(|portal| portal.rate_limit_remaining());
    let rate_limit = seen.map(|limit| RateLimitView {
        max: limit.max,
        remaining: limit.remaining,
        daily_max: limit.daily_max,
        daily_remaining: limit.daily_remaining,
    });
    Ok(Json(HealthBody {
        health: Health { rate_limit, pairs },
    }))
}

async fn of_pair(
    state: &AppState,
    organization: OrganizationId,
    pair: ObjectPair,
    now: Timestamp,
) -> Result<PairHealth, Problem> {
    let (store, since) = (&state.store, now.plus_millis(-WINDOW_MS));
    let ended = store.run_stats(organization, pair.id, since).await?;
    let hours = store.lags(organization, pair.id, since).await?;
    let today = now.0.div_euclid(DAY_MS);
    let usage = store
        .plugin_usage(organization, Some(pair.id), today - 1)
        .await?;
    let mut lags = PairLags::default();
    for hour in &hours {
        lags.merge(&hour.lags);
    }
    let waiting = store.waiting_since(organization, pair.id).await?;
    let audits = store.pair_audits(organization, pair.id, None, 1).await?;
    let audit = audits.items.first();
    Ok(PairHealth {
        complete_as_of: audit.map(|audit| audit.as_of),
        unsettled: audit.map(|audit| audit.figures.unsettled),
        pair_id: pair.id,
        state: pair.state,
        last_success_at: ended.last_success_at,
        runs: ended.runs,
        failed_runs: ended.failed_runs,
        error_rate: ended.failed_runs as f64 / ended.runs.max(1) as f64,
        backlog: store.count_outbox(organization, pair.id).await?,
        parked: store.count_failures(organization, pair.id).await?,
        conflicts: ended.conflicts,
        pulled: ended.pulled,
        pushed: ended.pushed,
        lag_now: lag_now(pair.state, waiting, ended.last_success_at, now),
        pull_lag: (&lags.pull.total).into(),
        pull_stages: (&lags.pull).into(),
        push_lag: (&lags.push.total).into(),
        push_stages: (&lags.push).into(),
        plugins: usage.iter().fold(PluginsView::default(), PluginsView::add),
        hours: hours.iter().map(HourView::from).collect(),
        object: pair.object,
        hubspot_object: pair.hubspot_object,
    })
}

/// How long ago the oldest edit that waits was made, or a run last succeeded, whichever is longer, in milliseconds.
fn lag_now(
    state: PairState,
    waiting_since: Option<Timestamp>,
    last_success_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<u64> {
    let success = last_success_at.filter(|_| state == PairState::Active)?;
    let since = waiting_since.map_or(success, |waiting| waiting.min(success));
    Some(u64::try_from(now.millis_since(since)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn every_pair_is_shown_with_its_figures() {
        let api = TestApi::new().await;
        let pair = api.active_pair().await;
        api.run_to_its_end(&pair).await;
        let id = api.connection().await;
        let health = api
            .acme()
            .get(&format!("/api/integrations/{id}/health"))
            .await
            .expect(200);
        let shown = &health["health"]["pairs"][0];
        assert_eq!(shown["pairId"], pair.as_str());
        assert_eq!(shown["runs"], 1);
        assert_eq!(shown["backlog"], 0);
        assert_eq!(shown["lagNow"], json!(null), "no run has succeeded");
        assert_eq!(shown["completeAsOf"], json!(null));
        let none = json!({"count": 0, "p50": null, "p95": null, "p99": null});
        assert_eq!(shown["pullLag"], none);
        assert_eq!(
            shown["pushStages"],
            json!({"detection": none, "queue": none, "transform": none, "write": none})
        );
    }

    #[test]
    fn the_lag_now_is_the_longer_wait() {
        let (now, at) = (Timestamp(100), |millis| Some(Timestamp(millis)));
        let active = |waiting, success| lag_now(PairState::Active, waiting, success, now);
        assert_eq!(active(None, at(90)), Some(10));
        assert_eq!(active(at(95), at(90)), Some(10));
        assert_eq!(active(at(40), at(90)), Some(60));
        assert_eq!(active(None, at(101)), Some(0), "a clock that was set back");
        assert_eq!(active(at(40), None), None);
        assert_eq!(lag_now(PairState::Paused, at(40), at(90), now), None);
    }

    #[tokio::test]
    async fn the_last_audit_tells_as_of_when_a_pair_is_complete() {
        let api = TestApi::new().await;
        let pair = api.active_pair().await;
        api.audited(&pair, 1).await;
        let id = api.connection().await;
        let health = api
            .acme()
            .get(&format!("/api/integrations/{id}/health"))
            .await
            .expect(200);
        let shown = &health["health"]["pairs"][0];
        assert_eq!(shown["completeAsOf"], "1970-01-01T00:00:00.001Z");
        assert_eq!(shown["unsettled"], 1);
    }
}

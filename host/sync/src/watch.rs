//! What is looked at by the minute: trouble that shows in how things are, and not in one event.
//!
//! So an alert that somebody resolved opens anew while its trouble goes on, and one whose trouble is gone resolves itself.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use partneros_domain::{
    AlertKind, FieldName, ObjectPair, OrganizationId, PairState, Timestamp,
};
use partneros_store::{
    Alert, AlertState, Connection, ConnectionStatus, PairLags, Parting, RunKind, RunOutcome, Severity,
    VersionState,
};

use crate::engine::{Engine, describe};
use crate::error::Error;
use crate::trail::SYSTEM;

/// How often everything is looked at.
const EVERY: Duration = Duration::from_mins(1);
/// The time that percentiles of lags are of.
const LAGS_MS: i64 = 3_600_000;
/// An alert about lag resolves itself at this share of the target, in percent, so that it does not come and go at it.
const CALM_PERCENT: u64 = 80;
/// HubSpot counts calls by the day, so an alert about them says nothing after one.
const DAY_MS: i64 = 24 * 3_600_000;
/// How many alerts are read at a time.
const PAGE: usize = 500;

/// The alerts of an organization that go on, by kind and subject.
type GoingOn = HashMap<(AlertKind, String), Alert>;

/// How late a pair's changes are.
#[derive(Debug, PartialEq, Eq)]
enum Lateness {
    /// Later than they should be, as the sentence says.
    Late(String),
    /// Neither late nor on time for sure.
    Unclear,
    /// On time.
    OnTime,
}

impl Engine {
    /// Keeps watch until the engine is stopped.
    pub(crate) async fn keep_watch_regularly(&self) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while self.stop.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = self.keep_watch().await {
                tracing::error!(error = %describe(&error), "alerts could not be brought up to date");
            }
        }
    }

    /// Opens and resolves the alerts of every organization by how things are. Those in which all is quiet, which are most, are
    /// not looked at one by one. An organization that cannot be looked at keeps nothing from the others.
    pub async fn keep_watch(&self) -> Result<(), Error> {
        let now = self.parts().environment.now();
        let succeeded_since = match i64::try_from(self.parts().alerts.lag_target_ms) {
            Ok(0) | Err(_) => Timestamp::ZERO,
            Ok(target_ms) => now.plus_millis(-target_ms),
        };
        let store = &self.parts().store;
        let unquiet = store.unquiet_organizations(succeeded_since, now.plus_millis(-LAGS_MS));
        for organization in unquiet.await? {
            if self.stop.is_cancelled() {
                break;
            }
            if let Err(error) = self.watch(organization).await {
                tracing::error!(organization.id = %organization, error = %describe(&error), "alerts could not be brought up to date");
            }
        }
        Ok(())
    }

    async fn watch(&self, organization: OrganizationId) -> Result<(), Error> {
        let going_on = self.going_on(organization).await?;
        let (mut late_or_unclear, mut tugs) = (HashSet::new(), HashSet::new());
        for connection in self.parts().store.connections(organization).await? {
            self.watch_access(organization, &connection, &going_on)
                .await?;
            if connection.status == ConnectionStatus::Disconnected {
                continue;
            }
            let pairs = self.parts().store.pairs(organization, connection.id);
            for pair in pairs.await? {
                if pair.state == PairState::Active {
                    late_or_unclear.extend(self.watch_lag(organization, &pair, &going_on).await?);
                }
                self.watch_merges(organization, &pair, &going_on).await?;
                self.watch_brake(organization, &pair, &going_on).await?;
                tugs.extend(self.watch_tugs(organization, &pair, &going_on).await?);
            }
        }
        self.watch_plugins(organization, &going_on).await?;
        let now = self.parts().environment.now();
        for (kind, subject) in going_on.keys() {
            let is_over = match kind {
                AlertKind::TugOfWar => !tugs.contains(subject),
                AlertKind::LagAboveTarget => !late_or_unclear.contains(subject),
                AlertKind::RateLimitLow => {
                    let alert = &going_on[&(*kind, subject.clone())];
                    now.millis_since(alert.opened_at) > DAY_MS
                }
                _ => false,
            };
            if is_over {
                self.answer(organization, SYSTEM, *kind, subject).await?;
            }
        }
        Ok(())
    }

    async fn going_on(&self, organization: OrganizationId) -> Result<GoingOn, Error> {
        let store = &self.parts().store;
        let (mut going_on, mut after) = (GoingOn::new(), None::<String>);
        loop {
            let states = AlertState::UNRESOLVED;
            let page = store.alerts(organization, &states, after.as_deref(), PAGE);
            let page = page.await?;
            let by_trouble = |alert: Alert| ((alert.kind, alert.subject.clone()), alert);
            going_on.extend(page.items.into_iter().map(by_trouble));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(going_on),
            }
        }
    }

    /// Whether HubSpot lets us in shows in the connection's status.
    async fn watch_access(
        &self,
        organization: OrganizationId,
        connection: &Connection,
        going_on: &GoingOn,
    ) -> Result<(), Error> {
        let (kind, subject) = (AlertKind::TokenRevoked, connection.id.to_string());
        let is_known = going_on.contains_key(&(kind, subject.clone()));
        let is_out = connection.status == ConnectionStatus::ReauthRequired;
        match (is_out, is_known) {
            (true, false) => {
                let reason = connection.last_error_message.as_deref();
                let reason = reason.unwrap_or("HubSpot no longer takes the refresh token");
                self.alert_revoked(organization, connection.id, reason)
                    .await
            }
            (false, true) => self.answer(organization, SYSTEM, kind, &subject).await,
            _ => Ok(()),
        }
    }

    /// Opens the alert about a pair whose changes are late. Returns the subject unless they are on time.
    async fn watch_lag(
        &self,
        organization: OrganizationId,
        pair: &ObjectPair,
        going_on: &GoingOn,
    ) -> Result<Option<String>, Error> {
        let (kind, subject) = (AlertKind::LagAboveTarget, format!("pair {}", pair.id));
        match self.lateness(organization, pair).await? {
            Lateness::OnTime => return Ok(None),
            Lateness::Unclear => {}
            Lateness::Late(reason) => {
                if !going_on.contains_key(&(kind, subject.clone())) {
                    let (severity, own) = (Severity::Warning, subject.clone());
                    self.alert(organization, kind, severity, own, reason)
                        .await?;
                }
            }
        }
        Ok(Some(subject))
    }

    /// A braked pair waits for somebody, whatever became of the alert.
    async fn watch_brake(
        &self,
        organization: OrganizationId,
        pair: &ObjectPair,
        going_on: &GoingOn,
    ) -> Result<(), Error> {
        let (kind, subject) = (AlertKind::SyncBraked, format!("pair {}", pair.id));
        let is_known = going_on.contains_key(&(kind, subject.clone()));
        match (pair.state == PairState::Braked, is_known) {
            (true, false) => {
                let reason = "a run was about to change too much at once";
                self.alert_braked(organization, pair.id, reason).await
            }
            (false, true) => self.answer(organization, SYSTEM, kind, &subject).await,
            _ => Ok(()),
        }
    }

    /// Records that a merge left without an object are for people to look at.
    async fn watch_merges(
        &self,
        organization: OrganizationId,
        pair: &ObjectPair,
        going_on: &GoingOn,
    ) -> Result<(), Error> {
        let (kind, subject) = (AlertKind::MergeLeftRecords, format!("pair {}", pair.id));
        let is_known = going_on.contains_key(&(kind, subject.clone()));
        let left = self
            .parts()
            .store
            .count_detached(organization, pair.id, Some(Parting::Merged))
            .await?;
        match (left, is_known) {
            (0, true) => self.answer(organization, SYSTEM, kind, &subject).await,
            (0, false) | (_, true) => Ok(()),
            (left, false) => {
                let message = format!(
                    "Records left by merges: {left} records of `{}` are kept without a HubSpot object, since theirs was merged into another record's; delete them, or release them to have new objects made",
                    pair.object
                );
                self.alert(organization, kind, Severity::Warning, subject, message)
                    .await
            }
        }
    }

    /// Opens an alert for each field that something in HubSpot rewrites after us. Returns the subjects.
    async fn watch_tugs(
        &self,
        organization: OrganizationId,
        pair: &ObjectPair,
        going_on: &GoingOn,
    ) -> Result<Vec<String>, Error> {
        let mut subjects = Vec::new();
        for (failure, records) in self.parts().store.tugs(organization, pair.id).await? {
            let field = failure.field.as_ref().map_or("", FieldName::as_str);
            let (kind, subject) = (AlertKind::TugOfWar, format!("pair {} {field}", pair.id));
            if !going_on.contains_key(&(kind, subject.clone())) {
                let message = format!(
                    "Tug of war: of `{}`, {} ({records} records so far); {}",
                    pair.hubspot_object, failure.message, failure.hint
                );
                let severity = Severity::Warning;
                self.alert(organization, kind, severity, subject.clone(), message)
                    .await?;
            }
            subjects.push(subject);
        }
        Ok(subjects)
    }

    async fn lateness(
        &self,
        organization: OrganizationId,
        pair: &ObjectPair,
    ) -> Result<Lateness, Error> {
        let (store, now) = (&self.parts().store, self.parts().environment.now());
        let target_ms = self.parts().alerts.lag_target_ms;
        if target_ms == 0 {
            return Ok(Lateness::OnTime);
        }
        let newest = store.runs(organization, pair.id, None, 1).await?.items;
        let is_catching_up = newest.first().is_some_and(|run| {
            run.outcome == RunOutcome::Running && run.kind != RunKind::Incremental
        });
        if is_catching_up {
            return Ok(Lateness::Unclear);
        }
        let mut lags = PairLags::default();
        let since = now.plus_millis(-LAGS_MS);
        for hour in store.lags(organization, pair.id, since).await? {
            lags.merge(&hour.lags);
        }
        let waiting = store.waiting_since(organization, pair.id).await?;
        let stalled = self.stalled_since(organization, pair, target_ms, now);
        let age = |since: Option<Timestamp>| {
            let age = since.map(|since| now.millis_since(since));
            age.and_then(|age| u64::try_from(age).ok())
        };
        Ok(worst(
            [
                (
                    lags.pull.total.percentile(95),
                    "95 of 100 changes took up to {} from HubSpot in the last hour",
                ),
                (
                    lags.push.total.percentile(95),
                    "95 of 100 changes took up to {} to HubSpot in the last hour",
                ),
                (
                    age(waiting),
                    "a change has waited for {} to be sent to HubSpot",
                ),
                (age(stalled.await?), "no run has succeeded for {}"),
            ],
            target_ms,
        ))
    }

    /// Since when no run of a pair has succeeded, if runs fail and that is longer ago than the target.
    async fn stalled_since(
        &self,
        organization: OrganizationId,
        pair: &ObjectPair,
        target_ms: u64,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        let target_ms = i64::try_from(target_ms).unwrap_or(i64::MAX);
        let since = now.plus_millis(-target_ms);
        let stats = self
            .parts()
            .store
            .run_stats(organization, pair.id, since)
            .await?;
        let succeeded_at = stats.last_success_at.unwrap_or(pair.created_at);
        Ok((stats.failed_runs > 0 && succeeded_at < since).then_some(succeeded_at))
    }

    /// A quarantined version that is bound still stops its pairs.
    async fn watch_plugins(
        &self,
        organization: OrganizationId,
        going_on: &GoingOn,
    ) -> Result<(), Error> {
        let (store, kind) = (&self.parts().store, AlertKind::PluginQuarantined);
        for binding in store.bindings(organization).await? {
            for digest in &binding.parts.0 {
                let subject = digest.to_string();
                if going_on.contains_key(&(kind, subject.clone())) {
                    continue;
                }
                let version = store.plugin_version(organization, *digest).await?;
                if version.state == VersionState::Quarantined {
                    let message = format!(
                        "Plugin quarantined: version {digest} is bound to {} all the same, so its pairs stop; bind another version, or release it",
                        binding.scope
                    );
                    self.alert(organization, kind, Severity::Critical, subject, message)
                        .await?;
                }
            }
        }
        Ok(())
    }
}

/// What these times, with a sentence each, say together.
fn worst(times: [(Option<u64>, &str); 4], target_ms: u64) -> Lateness {
    let known = times
        .iter()
        .filter_map(|(ms, text)| ms.map(|ms| (ms, *text)));
    let Some((worst_ms, text)) = known.max_by_key(|(ms, _)| *ms) else {
        return Lateness::OnTime;
    };
    if worst_ms > target_ms {
        let reason = text.replace("{}", &minutes(worst_ms));
        let target = minutes(target_ms);
        return Lateness::Late(format!(
            "Lag above target: {reason}, and the target is {target}; the pair's runs and failures show why"
        ));
    }
    if worst_ms.saturating_mul(100) > target_ms.saturating_mul(CALM_PERCENT) {
        Lateness::Unclear
    } else {
        Lateness::OnTime
    }
}

/// A time as people say it.
fn minutes(ms: u64) -> String {
    match ms.div_ceil(60_000) {
        minutes @ 0..120 => format!("{minutes} min"),
        minutes => format!("{} h", minutes.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    fn lateness(times: [Option<u64>; 4]) -> Lateness {
        let texts = ["pull {}", "push {}", "waiting {}", "stalled {}"];
        let mut texts = texts.into_iter();
        worst(times.map(|time| (time, texts.next().unwrap())), 15 * MINUTE)
    }

    #[test]
    fn the_worst_of_all_counts() {
        assert_eq!(lateness([None; 4]), Lateness::OnTime);
        let times = [Some(16 * MINUTE), None, Some(200 * MINUTE), Some(MINUTE)];
        let Lateness::Late(message) = lateness(times) else {
            panic!("it is late");
        };
        assert!(message.starts_with("Lag above target: waiting 4 h, and the target is 15 min"));
    }

    #[test]
    fn what_is_hardly_better_is_not_on_time() {
        let of = |ms| lateness([Some(ms), None, None, None]);
        assert!(matches!(of(15 * MINUTE + 1), Lateness::Late(_)));
        assert_eq!(of(15 * MINUTE), Lateness::Unclear);
        assert_eq!(of(12 * MINUTE + 1), Lateness::Unclear);
        assert_eq!(of(12 * MINUTE), Lateness::OnTime);
    }
}

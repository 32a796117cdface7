//! Reads HubSpot's change journal, which tells of deletions, merges, restores and associations sooner than search and the rounds
//! do.
//!
//! One process reads the journal of the host's app at a time, by a lease. What an entry says is kept as hints for the next
//! run of the pairs that it is about, in one transaction with the position behind it; the run looks the objects up
//! (`presence::hinted`).
//!
//! Invariant: nothing depends on the journal. Whatever it leaves out, search, the rounds and audits find as if there were none,
//! and whatever it says is a reason to look, no more.

mod settings;
mod subscriptions;
mod trouble;

use std::time::Duration;

use partneros_domain::Timestamp;
use partneros_hubspot::{
    JournalAction, JournalClient, JournalEntry, JournalEvent, JournalFile, JournalObject,
    JournalPlace,
};
use partneros_store::{JournalHint, JournalState, JournalStep, Sign};
use tokio::sync::Mutex;

pub use settings::JournalSettings;
pub use trouble::journal_refusal;

use self::subscriptions::Subscribed;
use crate::engine::{Engine, describe};
use crate::error::Error;

/// For how long a position is sure to lead on: HubSpot keeps entries for 3 days, less some hours for clocks and for reading
/// what there is.
const KEPT_MS: i64 = 60 * 3_600_000;
/// How long after entries were missed no others may be: each time means an audit of every pair.
const GAP_REST_MS: i64 = 6 * 3_600_000;
/// How many entries are taken before the lease is given back and subscriptions are looked at again.
const ENTRIES_A_ROUND: usize = 1_000;
/// The longest wait after failures.
const BACKOFF_MS_MAX: u64 = 600_000;

/// Reads the journal of the host's app.
#[derive(Debug)]
pub struct JournalReader {
    engine: Engine,
    client: JournalClient,
    /// The app's client id.
    app: String,
    settings: JournalSettings,
    /// What was subscribed to last.
    subscribed: Mutex<Option<Subscribed>>,
    /// Whether it is known that no alert about the journal goes on.
    is_calm: Mutex<bool>,
}

/// How far this process has come, and until when it may go on.
#[derive(Debug)]
struct Reading {
    state: JournalState,
    until: Timestamp,
}

/// What comes next in the journal.
struct Next {
    /// None: nothing, for now.
    entry: Option<JournalEntry>,
    /// Whether the position led nowhere, so that it must not stay.
    is_lost: bool,
    /// Whether entries before were missed.
    is_gap: bool,
}

impl JournalReader {
    /// A reader of the journal of the app with this client id.
    pub fn new(
        engine: Engine,
        client: JournalClient,
        app: String,
        settings: JournalSettings,
    ) -> Self {
        Self {
            engine,
            client,
            app,
            settings,
            subscribed: Mutex::default(),
            is_calm: Mutex::default(),
        }
    }

    /// Reads the journal regularly until the engine is stopped, less often while that fails.
    pub async fn run(&self) {
        let mut failures = 0;
        loop {
            failures = match self.read().await {
                Ok(()) => 0,
                Err(_) if self.engine.stop.is_cancelled() => return,
                Err(error) => {
                    tracing::warn!(error = %describe(&error), "HubSpot's change journal could not be read");
                    failures + 1
                }
            };
            let wait = tokio::time::sleep(self.settings.wait(failures));
            if self.engine.stop.run_until_cancelled(wait).await.is_none() {
                return;
            }
        }
    }

    /// Brings the subscriptions in line with the pairs, and reads the journal to its end. Does nothing while another process
    /// reads it.
    pub async fn read(&self) -> Result<(), Error> {
        let parts = self.engine.parts();
        let (now, until) = (parts.environment.now(), parts.lease_until());
        let leased = parts.store.lease_journal(&self.app, now, until).await?;
        let Some(state) = leased else {
            return Ok(());
        };
        let lease = state.lease.clone();
        let outcome = self.read_on(Reading { state, until }).await;
        let complete_at = outcome.as_ref().ok().copied().flatten();
        parts.store.release_journal(lease, complete_at).await?;
        self.note(outcome.as_ref().err()).await?;
        outcome.map(drop)
    }

    /// Reads from a position on. Returns when nothing was left to read.
    async fn read_on(&self, mut reading: Reading) -> Result<Option<Timestamp>, Error> {
        self.subscribe(&mut reading).await?;
        for _ in 0..ENTRIES_A_ROUND {
            self.stay(&mut reading).await?;
            let now = self.engine.parts().environment.now();
            let next = self.next(&reading.state, now).await?;
            let Some(entry) = next.entry else {
                if next.is_lost {
                    self.step(&mut reading, None, Vec::new(), next.is_gap)
                        .await?;
                }
                return Ok(Some(now));
            };
            let file = self.client.file(&entry).await.map_err(Error::Journal)?;
            let (hints, is_missed) = match file {
                JournalFile::Read { events, skipped } => {
                    count(events.len(), skipped);
                    (events.iter().flat_map(hints).collect(), false)
                }
                JournalFile::Unreadable(problem) => {
                    may_miss(&reading.state, now, &problem)?;
                    tracing::warn!(
                        problem,
                        "an entry of HubSpot's change journal is passed over"
                    );
                    (Vec::new(), true)
                }
            };
            let is_gap = next.is_gap || is_missed;
            self.step(&mut reading, Some(entry.offset), hints, is_gap)
                .await?;
        }
        Ok(None)
    }

    async fn next(&self, state: &JournalState, now: Timestamp) -> Result<Next, Error> {
        let entry = async |place| self.client.entry(place).await;
        let found = match &state.position {
            None => entry(JournalPlace::Earliest).await,
            Some(position) => match entry(JournalPlace::After(position)).await {
                Err(error) if is_unknown(&error) => return self.find_way(state, now).await,
                found => found,
            },
        };
        Ok(Next {
            entry: found.map_err(Error::Journal)?,
            is_lost: false,
            is_gap: false,
        })
    }

    /// Goes on from a position that HubSpot does not know, or no longer. If everything was read lately, what came since is
    /// still kept, and nothing is missed by beginning at the earliest entry, since hints may come twice.
    async fn find_way(&self, state: &JournalState, now: Timestamp) -> Result<Next, Error> {
        let was_complete = state.complete_at;
        let is_kept = was_complete.is_some_and(|at| now.millis_since(at) < KEPT_MS);
        let place = if is_kept {
            JournalPlace::Earliest
        } else {
            may_miss(state, now, "its position is unknown to HubSpot")?;
            JournalPlace::Latest
        };
        tracing::warn!(
            is_gap = !is_kept,
            "HubSpot's change journal does not go on from where it was read to"
        );
        Ok(Next {
            entry: self.client.entry(place).await.map_err(Error::Journal)?,
            is_lost: true,
            is_gap: !is_kept,
        })
    }

    async fn step(
        &self,
        reading: &mut Reading,
        position: Option<String>,
        hints: Vec<JournalHint>,
        is_gap: bool,
    ) -> Result<(), Error> {
        let parts = self.engine.parts();
        let at = parts.environment.now();
        let step = JournalStep {
            lease: reading.state.lease.clone(),
            at,
            until: parts.lease_until(),
            position: position.clone(),
            hints,
            is_gap,
        };
        reading.until = step.until;
        reading.state.position = position;
        if is_gap {
            reading.state.gap_at = Some(at);
        }
        if parts.store.take_journal_step(step).await? {
            return Ok(());
        }
        Err(Error::JournalTaken)
    }

    /// Makes sure of the lease, and ends reading if the host is shutting down.
    async fn stay(&self, reading: &mut Reading) -> Result<(), Error> {
        if self.engine.stop.is_cancelled() {
            return Err(Error::Interrupted);
        }
        if reading.until < self.engine.parts().lease_renewed_before() {
            let position = reading.state.position.clone();
            self.step(reading, position, Vec::new(), false).await?;
        }
        Ok(())
    }
}

/// Fails if entries were missed not long ago: then it is no accident, and pairs would be audited all the time.
fn may_miss(state: &JournalState, now: Timestamp, problem: &str) -> Result<(), Error> {
    let rests = state
        .gap_at
        .is_some_and(|at| now.millis_since(at) < GAP_REST_MS);
    if rests {
        return Err(Error::JournalUnreadable(problem.to_owned()));
    }
    Ok(())
}

/// What an event is a hint at. All objects of a merge are looked up, known or not: which of them it names as what is left is
/// not sure, and what is left may have an id that nobody knows yet. An association is one of both ends. What else is named with a
/// deletion was not deleted itself.
fn hints(event: &JournalEvent) -> Vec<JournalHint> {
    let is_merge = event.action == JournalAction::Merge;
    let hint = |object: &JournalObject| JournalHint {
        portal_id: event.portal_id,
        hubspot_object: subscriptions::object_of(&object.object_type_id).to_owned(),
        hubspot_id: object.object_id,
        sign: match event.action {
            JournalAction::Delete => Sign::Gone,
            JournalAction::Merge | JournalAction::Restore => Sign::Changed,
            JournalAction::Associate | JournalAction::Dissociate => Sign::Associated,
        },
        if_known: !is_merge,
    };
    let own = hint(&event.object);
    let others = event.others.iter().map(|other| {
        let hint = hint(other);
        let sign = match hint.sign {
            Sign::Gone => Sign::Changed,
            sign => sign,
        };
        JournalHint { sign, ..hint }
    });
    std::iter::once(own).chain(others).collect()
}

/// Whether HubSpot does not know a position. Unverified which of these it answers.
fn is_unknown(error: &partneros_hubspot::Error) -> bool {
    matches!(error.status(), Some(400 | 404 | 410))
}

fn count(taken: usize, skipped: usize) {
    const EVENTS: &str = "partneros_hubspot_journal_events_total";
    metrics::counter!(EVENTS, "outcome" => "taken").increment(taken as u64);
    metrics::counter!(EVENTS, "outcome" => "skipped").increment(skipped as u64);
}

impl JournalSettings {
    /// How long to wait after so many failures in a row.
    fn wait(self, failures: u32) -> Duration {
        let longest_ms = BACKOFF_MS_MAX.max(self.interval_ms);
        let wait_ms = self.interval_ms.saturating_mul(1 << failures.min(16));
        Duration::from_millis(wait_ms.min(longest_ms))
    }
}

#[cfg(test)]
mod tests {
    use partneros_domain::HubSpotId;

    use super::*;

    fn object(object_type_id: &str, id: i64) -> JournalObject {
        JournalObject {
            object_type_id: object_type_id.to_owned(),
            object_id: HubSpotId(id),
        }
    }

    fn event(action: JournalAction) -> JournalEvent {
        JournalEvent {
            portal_id: 7,
            object: object("0-2", 1),
            action,
            others: vec![object("0-3", 2)],
        }
    }

    #[test]
    fn only_a_deletion_says_that_something_is_gone() {
        let hinted = |action| {
            let hint = hints(&event(action)).remove(0);
            assert_eq!(hint.hubspot_object, "companies");
            (hint.sign, hint.if_known)
        };
        let beside = hints(&event(JournalAction::Delete)).remove(1);
        assert_eq!(beside.sign, Sign::Changed);
        assert_eq!(hinted(JournalAction::Delete), (Sign::Gone, true));
        assert_eq!(hinted(JournalAction::Restore), (Sign::Changed, true));
        assert_eq!(hinted(JournalAction::Merge), (Sign::Changed, false));
        assert_eq!(hints(&event(JournalAction::Merge)).len(), 2);
        assert_eq!(hinted(JournalAction::Dissociate), (Sign::Associated, true));
        let end = &hints(&event(JournalAction::Associate))[1];
        assert_eq!(
            (end.hubspot_object.as_str(), end.hubspot_id),
            ("deals", HubSpotId(2))
        );
    }

    #[test]
    fn waits_grow_with_failures_up_to_a_limit() {
        let settings = JournalSettings::default();
        let wait_ms = |failures| settings.wait(failures).as_millis();
        assert_eq!(wait_ms(0), 15_000);
        assert_eq!(wait_ms(2), 60_000);
        assert_eq!(wait_ms(60), 600_000);
    }
}

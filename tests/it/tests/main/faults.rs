//! What scenarios let go wrong at will: calls that are refused, answers that get lost, and an answer slow enough for
//! something to happen meanwhile.
//!
//! Nothing here sleeps for its own sake: what waits, waits for a condition, and gives up with a message.

use std::time::Duration;

use hubspot_sim::{ArmedFault, Fault};
use partneros_it::{TestHost, TestOrganization, TestPair};
use partneros_store::{Run, RunOutcome, Runs as _};

/// How late a slow answer is. Long enough for a change to be saved meanwhile on a busy machine; [`during_search`] fails
/// if it was not.
const SLOW_MS: u64 = 1_000;
/// When waiting for a condition is given up.
const PATIENCE: Duration = Duration::from_secs(20);
const GLANCE: Duration = Duration::from_millis(2);

/// HubSpot refuses all calls to paths like this, for longer than a run waits.
pub fn refuse(host: &TestHost, path: &str) {
    refuse_after(host, path, 0);
}

/// HubSpot answers so many calls to paths like this, and refuses all others, for longer than a run waits.
pub fn refuse_after(host: &TestHost, path: &str, answered: u32) {
    let fault = Fault::Migrating {
        retry_after_s: 3_600,
    };
    arm(host, path, answered, 1_000, fault);
}

/// HubSpot obeys all calls to paths like this, but none of its answers arrives.
pub fn lose_answers(host: &TestHost, path: &str) {
    arm(host, path, 0, 100, Fault::LostResponse);
}

/// HubSpot answers so many calls to paths like this, and is slow to answer all others.
pub fn slow_after(host: &TestHost, path: &str, answered: u32) {
    arm(host, path, answered, 1_000, Fault::Latency { ms: SLOW_MS });
}

/// The trouble is over.
pub fn end(host: &TestHost) {
    host.sim.sim().faults.disarm();
}

/// Runs the pair, and makes the change while HubSpot is slow to answer a search, the one after `skipped` others. The run
/// may end as it likes.
pub async fn during_search(
    host: &TestHost,
    acme: &TestOrganization<'_>,
    pair: &TestPair<'_>,
    skipped: u32,
    change: impl Future<Output = ()>,
) -> Run {
    let calls = || host.sim.sim().limiter.used_today();
    let before = calls();
    arm(host, "search", skipped, 1, Fault::Latency { ms: SLOW_MS });
    let meanwhile = async {
        let met = || calls() > before + u64::from(skipped);
        eventually("the slow search is asked", async || met()).await;
        change.await;
        let outcome = latest_run(host, acme, pair).await.outcome;
        assert_eq!(
            outcome,
            RunOutcome::Running,
            "the pass ended before the change was made"
        );
    };
    let (run, ()) = tokio::join!(pair.try_sync(), meanwhile);
    run
}

/// The newest run of a pair, under way or ended.
pub async fn latest_run(host: &TestHost, acme: &TestOrganization<'_>, pair: &TestPair<'_>) -> Run {
    let page = host.store.runs(acme.id, pair.id, None, 1).await.unwrap();
    page.items.into_iter().next().expect("the pair has run")
}

/// Waits until the condition holds.
pub async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(GLANCE).await;
        }
    };
    let outcome = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(outcome.is_ok(), "waited in vain until {what}");
}

fn arm(host: &TestHost, path: &str, skip: u32, times: u32, fault: Fault) {
    host.sim.sim().arm_fault(ArmedFault {
        path: path.to_owned(),
        skip,
        times,
        fault,
    });
}

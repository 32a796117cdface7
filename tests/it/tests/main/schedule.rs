//! What the schedule runs, and when.

use hubspot_sim::Config;
use partneros_domain::Direction;
use partneros_it::TestHost;
use partneros_store::{ConnectionStatus, Connections as _, SyncState as _};

use crate::faults;

const HOUR_MS: i64 = 3_600_000;

fn portal() -> Config {
    Config {
        companies: 3,
        deals: 2,
        ..Config::default()
    }
}

#[tokio::test]
async fn a_failing_portal_is_tried_again_and_recovers() {
    let host = TestHost::start(portal());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let status = async || {
        let connection = host.store.connection(acme.id, acme.connection).await;
        connection.unwrap().status
    };
    faults::refuse(&host, "search");
    host.wait_ms(1_000);
    assert_eq!(host.engine.run_due().await.unwrap(), 1);
    assert_eq!(status().await, ConnectionStatus::Error);

    faults::end(&host);
    host.wait_ms(HOUR_MS);
    let due = host.engine.run_due().await.unwrap();
    assert_eq!(due, 1, "a pair whose portal failed must stay due");
    assert_eq!(status().await, ConnectionStatus::Active);
    assert_eq!(pair.versions().await.len(), 3);
}

#[tokio::test]
async fn a_pair_that_a_worker_holds_keeps_no_other_pair_waiting() {
    let host = TestHost::start(portal());
    let acme = host.organization("acme").await;
    let held = acme.pair("partners", "companies").await;
    host.wait_ms(1_000);
    let now = host.now();
    host.store
        .acquire_lease(acme.id, held.id, now, now.plus_millis(HOUR_MS))
        .await
        .unwrap()
        .expect("nobody holds the pair");
    let other = acme.draft("deals", "deals", Direction::Bidirectional).await;
    other.confirm_all().await;
    other.activate().await;
    host.wait_ms(1_000);
    let due = host.engine.run_due().await.unwrap();
    assert_eq!(due, 1, "only the pair that nobody holds is due");
    assert_eq!(other.versions().await.len(), 2);
    assert_eq!(held.versions().await.len(), 0);
}

#[tokio::test]
async fn a_poll_that_finds_nothing_hardly_uses_the_database() {
    let host = TestHost::start(portal());
    let acme = host.organization("acme").await;
    acme.pair("partners", "companies").await.sync().await;
    host.wait_ms(HOUR_MS);
    host.engine.run_due().await.unwrap();
    host.wait_ms(60_000);
    host.uses.take();
    assert_eq!(host.engine.run_due().await.unwrap(), 1);
    let uses = host.uses.take();
    let writes = ["take the lease", "start a run", "finish a run"];
    let is_write = |used: &&&str| writes.iter().any(|write| used.starts_with(write));
    assert_eq!(uses.iter().filter(is_write).count(), 3, "{uses:?}");
    assert!(uses.len() <= 32, "{}: {uses:?}", uses.len());
}

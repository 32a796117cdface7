//! Access tokens expire, rotate and are revoked.

use hubspot_sim::{Config, RefreshMode};
use partneros_it::TestHost;
use partneros_store::{ConnectionStatus, Connections as _, RunOutcome};
use serde_json::json;

const HOUR_MS: i64 = 3_600_000;

#[tokio::test]
async fn an_expired_token_is_renewed_whatever_the_refresh_returns() {
    for refresh in [RefreshMode::Same, RefreshMode::Rotate, RefreshMode::Missing] {
        let host = TestHost::start(Config {
            companies: 2,
            refresh,
            ..Config::default()
        });
        let acme = host.organization("acme").await;
        let pair = acme.pair("partners", "companies").await;
        for _ in 0..3 {
            host.wait_ms(HOUR_MS);
            pair.sync().await;
        }
        assert_eq!(pair.failures().await, [], "{refresh:?}");
    }
}

#[tokio::test]
async fn a_token_that_dies_early_is_renewed_after_the_401() {
    let host = TestHost::start(Config {
        companies: 2,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let now = host.now();
    host.sim.sim().grants.expire_access(now);
    pair.sync().await;
}

#[tokio::test]
async fn an_uninstalled_app_needs_a_person_and_loses_nothing() {
    let host = TestHost::start(Config {
        companies: 2,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let id = host.sim.sim().live_ids("companies").unwrap()[0];
    let record = pair.record_of(id).await;
    acme.edits("partners", record, json!({ "city": "Bern" }))
        .await;
    host.sim.sim().uninstall();
    let run = pair.try_sync().await;
    assert_eq!(run.outcome, RunOutcome::Failed);
    let connection = host
        .store
        .connection(acme.id, acme.connection)
        .await
        .unwrap();
    assert_eq!(connection.status, ConnectionStatus::ReauthRequired);
    assert!(connection.last_error_message.is_some());
    assert_eq!(acme.value("partners", record, "city").await, json!("Bern"));
}

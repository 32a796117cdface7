//! Access tokens expire, rotate and are revoked.

use hubspot_sim::{ArmedFault, Config, Fault, RefreshMode};
use partneros_it::TestHost;
use partneros_store::{
    AlertState, Alerts as _, Audit as _, ConnectionStatus, Connections as _, EventFilter,
    RunOutcome, Severity,
};
use secrecy::ExposeSecret as _;
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
        let events = host
            .store
            .events(acme.id, &EventFilter::named("token."), None, 10)
            .await;
        let events = events.unwrap().items;
        assert_eq!(events.len(), 3, "{events:?}");
        let rotated = matches!(refresh, RefreshMode::Rotate);
        assert_eq!(events[0].event, "token.refreshed");
        assert_eq!(events[0].metadata["rotated"], rotated);
        assert_eq!(
            host.store
                .alerts(acme.id, &AlertState::UNRESOLVED, None, 10)
                .await
                .unwrap()
                .items,
            []
        );
    }
}

#[tokio::test]
async fn a_run_that_moved_something_is_in_the_audit_log_and_a_quiet_one_is_not() {
    let host = TestHost::start(Config {
        companies: 2,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let run = pair.sync().await;
    let events = async || {
        let page = host
            .store
            .events(acme.id, &EventFilter::named("sync."), None, 10)
            .await;
        page.unwrap().items
    };
    let first = events().await;
    let pull = first
        .iter()
        .find(|event| event.event == "sync.pull")
        .unwrap();
    assert_eq!(pull.subject, format!("pair {}", pair.id));
    assert_eq!(pull.metadata["runId"], json!(run.id));
    assert_eq!(pull.metadata["counts"]["pulled"], 2);
    assert!(pull.metadata["durationMs"].is_i64());
    for _ in 0..5 {
        pair.sync().await;
    }
    let settled = events().await.len();
    pair.sync().await;
    assert_eq!(events().await.len(), settled);
    let id = host.sim.sim().live_ids("companies").unwrap()[0];
    let record = pair.record_of(id).await;
    acme.edits("partners", record, json!({"city": "Bern"}))
        .await;
    pair.sync().await;
    let pushed = &events().await[0];
    assert_eq!(pushed.event, "sync.push");
    assert_eq!(pushed.metadata["counts"]["hubspotUpdated"], 1);
    // The portal of this test has no budget, so nothing is known of it.
    let remaining = pushed.metadata.get("rateLimitRemaining");
    assert_eq!(remaining, Some(&json!(null)));
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
    let alerts = host
        .store
        .alerts(acme.id, &AlertState::UNRESOLVED, None, 10)
        .await
        .unwrap();
    let alert = &alerts.items[0];
    assert_eq!(
        (alert.kind.name(), alert.severity),
        ("token.revoked", Severity::Critical)
    );
    assert!(
        alert.message.starts_with("Token revoked"),
        "{}",
        alert.message
    );
    let events = host
        .store
        .events(acme.id, &EventFilter::default(), None, 10)
        .await
        .unwrap()
        .items;
    let failed: Vec<_> = events
        .iter()
        .filter(|event| event.metadata.get("error").is_some())
        .collect();
    assert!(
        failed
            .iter()
            .any(|event| event.event == "token.refresh_failed"),
        "{events:?}"
    );
    let sync = failed
        .iter()
        .find(|event| event.event.starts_with("sync."))
        .unwrap();
    assert!(sync.metadata["httpStatus"].is_u64(), "{sync:?}");
    let answered = host
        .engine
        .reconnected(acme.id, "test", acme.connection, json!({}))
        .await;
    answered.unwrap();
    assert_eq!(
        host.store
            .alerts(acme.id, &AlertState::UNRESOLVED, None, 10)
            .await
            .unwrap()
            .items,
        []
    );
}

#[tokio::test]
async fn a_token_granted_for_a_connection_that_ended_meanwhile_is_revoked() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let stored = host.store.connection_tokens(acme.id, acme.connection).await;
    let refresh = stored.unwrap().refresh.unwrap();
    let is_known = || {
        let now = host.now();
        let token = refresh.expose_secret();
        host.sim.sim().describe(token, now).is_some()
    };
    let portals = &host.engine.parts().portals;
    let portal = portals.portal(acme.id, acme.connection).await.unwrap();
    let now = host.now();
    host.sim.sim().grants.expire_access(now);
    host.sim.sim().arm_fault(ArmedFault {
        path: "oauth".to_owned(),
        skip: 0,
        times: 1,
        fault: Fault::Latency { ms: 2_000 },
    });
    host.uses.take();
    let asking = tokio::spawn(async move { portal.account_info().await });
    while !host.uses.take().contains(&"read a connection's tokens") {
        tokio::task::yield_now().await;
    }
    acme.ends().await;
    assert!(is_known(), "nobody has told HubSpot yet");
    assert!(asking.await.unwrap().is_err());
    assert!(!is_known());
}

//! Tokens that do not open stop their connection, say why, and stop nothing else.

use hubspot_sim::Config;
use partneros_it::TestHost;
use partneros_store::{ConnectionStatus, Connections as _, RunOutcome};

const HOUR_MS: i64 = 3_600_000;

#[tokio::test]
async fn a_connection_with_swapped_tokens_shows_an_error_until_they_are_right_again() {
    let host = TestHost::start(Config {
        companies: 2,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let swap = "UPDATE connections SET access_token = refresh_token, refresh_token = access_token";
    host.sql().execute(swap, []).unwrap();

    // The token in memory has expired by then.
    host.wait_ms(HOUR_MS);
    assert_eq!(host.engine.run_due().await.unwrap(), 1);
    let connection = || host.store.connection(acme.id, acme.connection);
    let broken = connection().await.unwrap();
    assert_eq!(broken.status, ConnectionStatus::Error);
    let told = broken.last_error_message.unwrap();
    let row = acme.connection.to_string();
    for part in [
        "`connections.access_token`",
        &row,
        "connect the portal again",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let run = pair.try_sync().await;
    assert_eq!(run.outcome, RunOutcome::Failed);
    assert!(run.error.unwrap().contains("`connections.access_token`"));

    host.sql().execute(swap, []).unwrap();
    pair.sync().await;
    assert_eq!(connection().await.unwrap().status, ConnectionStatus::Active);
}

#[tokio::test]
async fn a_database_that_is_busy_is_no_trouble_of_the_connection() {
    let host = TestHost::start(Config {
        companies: 2,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    // Reading the tokens fails, and nothing else.
    let rename = "ALTER TABLE data_keys RENAME TO away";
    host.sql().execute_batch(rename).unwrap();
    host.wait_ms(HOUR_MS);
    let run = pair.try_sync().await;
    assert_eq!(run.outcome, RunOutcome::Failed);
    let connection = host.store.connection(acme.id, acme.connection).await;
    assert_eq!(connection.unwrap().status, ConnectionStatus::Active);
    let back = "ALTER TABLE away RENAME TO data_keys";
    host.sql().execute_batch(back).unwrap();
    pair.sync().await;
}

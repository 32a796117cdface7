//! Mappers that fail at work: the run says so, nothing is half-done, and a good mapper goes on from there.

use std::sync::OnceLock;

use hubspot_sim::Config;
use partneros_it::{TestHost, plugins_of};
use partneros_runtime::{Runtime, RuntimeConfig};
use partneros_store::{RunOutcome, SyncState as _};
use partneros_sync::{Plugins, SyncSettings};

fn guest(bytes: &'static [u8]) -> Plugins {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| Runtime::new(RuntimeConfig::default()).unwrap());
    plugins_of(runtime.clone(), bytes)
}

#[tokio::test]
async fn a_mapper_that_fails_stops_the_run_before_anything_is_written() {
    for (name, bytes) in [
        ("loops", test_guests::LOOPS),
        ("eats memory", test_guests::EATS_MEMORY),
        ("wrong length", test_guests::RETURNS_WRONG_LENGTH),
        ("wrong type", test_guests::RETURNS_WRONG_TYPE),
    ] {
        let config = Config {
            companies: 3,
            ..Config::default()
        };
        let host = TestHost::start_with(config, SyncSettings::default(), guest(bytes));
        let acme = host.organization("acme").await;
        let pair = acme
            .mapped_by_hand("partners", "companies", &[("name", "name")])
            .await;
        host.writes();
        let run = pair.try_sync().await;
        assert_eq!(run.outcome, RunOutcome::Failed, "{name}");
        assert!(
            run.error.is_some_and(|error| error.contains("mapper")),
            "{name}"
        );
        assert_eq!(host.writes(), 0, "{name}");
        let links = host.store.count_links(acme.id, pair.id).await.unwrap();
        assert_eq!(links, 0, "{name}");
        assert_eq!(
            host.store.cursor(acme.id, pair.id).await.unwrap(),
            None,
            "{name}"
        );
    }
}

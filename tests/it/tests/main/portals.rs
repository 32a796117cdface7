//! A connection that is made again: to the same portal, and to another one in its place.
//!
//! The simulator becomes another portal by another id; what was there before is then taken for what that portal has, so
//! that its objects have the same ids as those of the portal before.

use hubspot_sim::Config;
use partneros_domain::PairState;
use partneros_it::{TestHost, TestOrganization};
use partneros_store::{
    ConnectionStatus, Connections as _, Error, OtherPortal, Pairs as _, RunOutcome, RunTrigger,
    SyncState as _,
};
use serde_json::json;

const FIRST: u64 = 4_711;
const SECOND: u64 = 4_712;
/// Longer than HubSpot's index may lag.
const SETTLED_MS: i64 = 600_000;

fn host() -> TestHost {
    TestHost::start(Config {
        hub_id: FIRST,
        ..Config::default()
    })
}

fn becomes(host: &TestHost, portal: u64) {
    host.sim.sim().config.hub_id = portal;
}

fn companies(host: &TestHost) -> usize {
    host.sim.sim().live_ids("companies").unwrap().len()
}

fn globex(host: &TestHost) -> u64 {
    let values = [("name", "Globex"), ("domain", "globex.example")];
    host.person_creates("companies", &values)
}

#[tokio::test]
async fn the_same_portal_goes_on_where_it_was() {
    let host = host();
    let id = globex(&host);
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let record = pair.record_of(id).await;
    host.wait_ms(SETTLED_MS);
    pair.sync().await;
    let cursor = host.store.cursor(acme.id, pair.id).await.unwrap();
    acme.ends().await;
    // What both sides do meanwhile is not lost.
    acme.edits("partners", record, json!({"city": "Bern"}))
        .await;
    host.person_sets("companies", id, &[("phone", "+41 31 000 00 00")]);
    let again = acme.consents(OtherPortal::Refuse).await.unwrap();
    assert_eq!(again.connection, acme.connection);
    assert_eq!(host.store.cursor(acme.id, pair.id).await.unwrap(), cursor);
    pair.sync().await;
    assert_eq!(pair.record_of(id).await, record);
    assert_eq!(
        host.hubspot_value("companies", id, "city").as_deref(),
        Some("Bern")
    );
    assert_eq!(
        acme.value("partners", record, "phone").await,
        json!("+41 31 000 00 00")
    );
    assert_eq!(companies(&host), 1);
}

#[tokio::test]
async fn another_portal_is_met_anew_and_the_first_one_is_found_again() {
    let host = host();
    let id = globex(&host);
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let record = pair.record_of(id).await;

    becomes(&host, SECOND);
    let refused = acme.consents(OtherPortal::Refuse).await;
    assert!(
        matches!(
            refused,
            Err(Error::OtherPortal {
                portal_id: 4_712,
                ..
            })
        ),
        "{refused:?}"
    );
    // There the same id is another company's.
    let other = [("name", "Umbrella"), ("domain", "umbrella.example")];
    host.person_sets("companies", id, &other);
    let instead = OtherPortal::InsteadOf(acme.connection);
    let moved = acme.consents(instead).await.unwrap();
    let found = host.store.pair(acme.id, pair.id).await.unwrap();
    assert_eq!(
        (found.connection_id, found.state),
        (moved.connection, PairState::Paused)
    );
    pair.activate().await;
    pair.sync().await;
    assert_eq!(
        acme.value("partners", record, "name").await,
        json!("Globex")
    );
    let umbrella = pair.record_of(id).await;
    assert_ne!(umbrella, record);
    let made = pair.object_of(record).await;
    assert_eq!(
        host.hubspot_value("companies", made, "name").as_deref(),
        Some("Globex")
    );
    assert_eq!(companies(&host), 2);

    // The way back finds by record id and key what was linked there.
    becomes(&host, FIRST);
    let back = moved
        .consents(OtherPortal::InsteadOf(moved.connection))
        .await
        .unwrap();
    assert_eq!(back.connection, acme.connection);
    pair.activate().await;
    pair.sync().await;
    host.wait_ms(SETTLED_MS);
    pair.sync().await;
    assert_eq!(companies(&host), 2, "nothing was made twice");
    assert_eq!(pair.object_of(record).await, made);
    assert_eq!(pair.record_of(id).await, umbrella);
}

#[tokio::test]
async fn a_run_under_way_writes_nothing_of_its_portal_to_another() {
    let host = host();
    let id = globex(&host);
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let record = pair.record_of(id).await;
    acme.edits("partners", record, json!({"city": "Bern"}))
        .await;
    let begun = host
        .engine
        .begin(acme.id, pair.id, RunTrigger::Manual, false)
        .await
        .unwrap();
    // Held as by a run that has its client already.
    let portals = &host.engine.parts().portals;
    let held = portals.portal(acme.id, acme.connection).await.unwrap();
    becomes(&host, SECOND);
    let moved = move_pairs(&acme).await;
    host.writes();
    let run = host.engine.carry_out(begun).await.unwrap();
    assert_eq!(run.outcome, RunOutcome::Interrupted, "{:?}", run.error);
    assert_eq!(host.writes(), 0);
    assert_eq!(host.hubspot_value("companies", id, "city"), None);
    // Once it needs a token, it gets that of no other portal.
    let now = host.now();
    host.sim.sim().grants.expire_access(now);
    let refused = held.account_info().await;
    assert!(
        matches!(refused, Err(partneros_hubspot::Error::Tokens(_))),
        "{refused:?}"
    );
    let status = host.store.connection(acme.id, moved.connection).await;
    assert_eq!(status.unwrap().status, ConnectionStatus::Active);
}

/// What the API does: the pairs move, then the connection that they leave is ended.
async fn move_pairs<'a>(acme: &TestOrganization<'a>) -> TestOrganization<'a> {
    let instead = OtherPortal::InsteadOf(acme.connection);
    let moved = acme.consents(instead).await.unwrap();
    acme.ends().await;
    moved
}

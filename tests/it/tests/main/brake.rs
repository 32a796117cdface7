//! The brake: what would change too much at once is stopped before it is written, and waits for a person.

use hubspot_sim::{Config, Values};
use partneros_domain::{AlertKind, ConflictRule, DeletePolicy, Direction, PairState, Side};
use partneros_it::{TestHost, TestOrganization, TestPair};
use partneros_store::{
    Brake, BrakeVerdict, Brakes as _, Pairs as _, RunOutcome, RunTrigger, Severity,
};
use partneros_sync::Error;
use serde_json::json;

const OBJECTS: usize = 200;
/// What may change at a time: 30 of a hundred.
const ALLOWED: usize = 60;
const HOUR_MS: i64 = 3_600_000;

const FIELDS: [(&str, &str); 3] = [("name", "name"), ("city", "city"), ("phone", "phone")];

/// A pair of so many linked records, each in Bern, that has synced before.
async fn synced<'a>(host: &TestHost, acme: &TestOrganization<'a>) -> TestPair<'a> {
    let now = host.now();
    for number in 0..OBJECTS {
        let values = [
            ("name", format!("Company {number}")),
            ("city", "Bern".to_owned()),
        ];
        let values = values.map(|(name, value)| (name.to_owned(), value));
        let made = host
            .sim
            .sim()
            .person_creates("companies", Values(values.into()), now);
        made.expect("HubSpot takes the object");
    }
    let pair = acme.mapped_by_hand("partners", "companies", &FIELDS).await;
    pair.activate().await;
    assert_eq!(pair.sync().await.counts.records_created, OBJECTS as u64);
    pair
}

/// Somebody's import sets a property of many objects at once.
fn imports(host: &TestHost, ids: &[u64], property: &str, value: &str) {
    host.wait_ms(1_000);
    let now = host.now();
    for id in ids {
        let values = Values(vec![(property.to_owned(), value.to_owned())]);
        let set = host.sim.sim().person_sets("companies", *id, values, now);
        set.expect("HubSpot takes the value");
    }
}

async fn brakes(acme: &TestOrganization<'_>, host: &TestHost, pair: &TestPair<'_>) -> Vec<Brake> {
    host.store.brakes(acme.id, pair.id).await.unwrap()
}

async fn state(acme: &TestOrganization<'_>, host: &TestHost, pair: &TestPair<'_>) -> PairState {
    host.store.pair(acme.id, pair.id).await.unwrap().state
}

async fn decides(
    acme: &TestOrganization<'_>,
    host: &TestHost,
    pair: &TestPair<'_>,
    verdict: BrakeVerdict,
) {
    let decided = host
        .engine
        .decide_brake(acme.id, "ann", pair.id, verdict)
        .await;
    assert_ne!(decided.unwrap(), []);
}

/// How many records have this city.
async fn records_in(acme: &TestOrganization<'_>, pair: &TestPair<'_>, city: Option<&str>) -> usize {
    let mut found = 0;
    for id in pair.versions().await.into_keys() {
        found += usize::from(acme.value("partners", id, "city").await == json!(city));
    }
    found
}

/// How many objects have this city.
fn objects_in(host: &TestHost, city: Option<&str>) -> usize {
    let ids = host.live_ids("companies");
    let held = |id: &&u64| host.hubspot_value("companies", **id, "city").as_deref() == city;
    ids.iter().filter(held).count()
}

async fn assert_quiet(host: &TestHost, pair: &TestPair<'_>) {
    host.writes();
    let before = pair.versions().await;
    for _ in 0..2 {
        pair.sync().await;
    }
    assert_eq!(host.writes(), 0);
    assert_eq!(pair.versions().await, before);
}

#[tokio::test]
async fn a_mass_blanking_stops_before_anything_is_written_and_goes_on_when_approved() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = synced(&host, &acme).await;
    imports(&host, &host.live_ids("companies"), "city", "");
    let run = pair.try_sync().await;
    assert_eq!(run.outcome, RunOutcome::Failed);
    let error = run.error.unwrap();
    assert!(error.contains("`city` of records"), "{error}");
    assert_eq!(records_in(&acme, &pair, Some("Bern")).await, OBJECTS);
    assert_eq!(state(&acme, &host, &pair).await, PairState::Braked);
    let stopped = brakes(&acme, &host, &pair).await;
    assert_eq!(stopped.len(), 1);
    assert_eq!(stopped[0].key.side, Side::PartnerOs);
    assert_eq!((stopped[0].records, stopped[0].blanked), (200, 200));
    assert_eq!((stopped[0].allowed, stopped[0].links), (60, 200));
    assert_eq!(stopped[0].samples.len(), 5);
    let alert = |alerts: &[partneros_store::Alert]| {
        let braked = alerts
            .iter()
            .find(|alert| alert.kind == AlertKind::SyncBraked);
        braked.cloned()
    };
    let shown = alert(&acme.alerts().await).expect("an alert");
    assert_eq!(shown.severity, Severity::Critical);
    assert!(shown.message.contains("200 of 200"), "{}", shown.message);
    // It waits, and is not due either.
    let run = host
        .engine
        .run(acme.id, pair.id, RunTrigger::Manual, false)
        .await;
    assert!(matches!(run, Err(Error::Braked)), "{run:?}");
    host.wait_ms(HOUR_MS);
    assert_eq!(host.engine.run_due().await.unwrap(), 0);

    decides(&acme, &host, &pair, BrakeVerdict::Approved).await;
    assert_eq!(alert(&acme.alerts().await), None);
    pair.sync().await;
    assert_eq!(records_in(&acme, &pair, None).await, OBJECTS);
    assert_eq!(brakes(&acme, &host, &pair).await, []);
    assert_quiet(&host, &pair).await;
    // What was approved was that change, not all that come after it.
    imports(&host, &host.live_ids("companies"), "city", "Chur");
    pair.sync().await;
    imports(&host, &host.live_ids("companies"), "city", "Thun");
    assert_eq!(pair.try_sync().await.outcome, RunOutcome::Failed);
    assert_eq!(records_in(&acme, &pair, Some("Chur")).await, OBJECTS);
    let told = ["pair.braked", "pair.brake_approved", "pair.braked"];
    assert_eq!(acme.events("pair.brake").await, told);
}

#[tokio::test]
async fn a_change_that_arrives_bit_by_bit_is_one_change() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = synced(&host, &acme).await;
    let ids = host.live_ids("companies");
    let mut stopped = false;
    for chunk in ids.chunks(25) {
        imports(&host, chunk, "city", "Chur");
        stopped |= pair.try_sync_unless_braked().await;
    }
    assert!(stopped);
    let written = records_in(&acme, &pair, Some("Chur")).await;
    assert_eq!(written, 50, "the third part would have been the 75th");
    // In an hour it is another change.
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = synced(&host, &acme).await;
    for chunk in host.live_ids("companies").chunks(ALLOWED) {
        imports(&host, chunk, "city", "Chur");
        pair.sync().await;
        host.wait_ms(HOUR_MS);
    }
    assert_eq!(records_in(&acme, &pair, Some("Chur")).await, OBJECTS);
}

#[tokio::test]
async fn discarded_changes_of_hubspot_are_listed_and_hubspot_gets_its_values_back() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = synced(&host, &acme).await;
    let ids = host.live_ids("companies");
    imports(&host, &ids[..150], "city", "");
    imports(&host, &ids[150..], "city", "Chur");
    // What is not stopped goes on beside.
    imports(&host, &ids[..20], "phone", "031 000");
    assert_eq!(pair.try_sync().await.outcome, RunOutcome::Failed);
    decides(&acme, &host, &pair, BrakeVerdict::Discarded).await;
    pair.sync().await;
    assert_eq!(state(&acme, &host, &pair).await, PairState::Active);
    assert_eq!(records_in(&acme, &pair, Some("Bern")).await, OBJECTS);
    assert_eq!(objects_in(&host, Some("Bern")), OBJECTS);
    let conflicts = pair.conflicts().await;
    assert_eq!(conflicts.len(), OBJECTS);
    let is_kept = |conflict: &partneros_store::ConflictEntry| {
        let conflict = &conflict.conflict;
        (conflict.rule, conflict.winner) == (ConflictRule::Discarded, Side::PartnerOs)
            && [None, Some("Chur")].contains(&conflict.hubspot_value.as_deref())
    };
    assert!(conflicts.iter().all(is_kept), "{:?}", conflicts[0]);
    assert_quiet(&host, &pair).await;
    pair.assert_agreement().await;
}

#[tokio::test]
async fn a_mass_change_here_does_not_reach_hubspot_and_is_taken_back_when_discarded() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = synced(&host, &acme).await;
    for id in pair.versions().await.into_keys() {
        acme.edits("partners", id, json!({ "city": null })).await;
    }
    assert_eq!(pair.try_sync().await.outcome, RunOutcome::Failed);
    let stopped = brakes(&acme, &host, &pair).await;
    assert_eq!(stopped[0].key.side, Side::HubSpot);
    let written = objects_in(&host, None);
    assert!(written <= ALLOWED, "{written} objects were blanked");
    decides(&acme, &host, &pair, BrakeVerdict::Discarded).await;
    pair.sync().await;
    assert_eq!(objects_in(&host, Some("Bern")), OBJECTS - written);
    assert_eq!(
        records_in(&acme, &pair, Some("Bern")).await,
        OBJECTS - written
    );
    let conflicts = pair.conflicts().await;
    assert_eq!(conflicts.len(), OBJECTS - written);
    let kept = &conflicts[0].conflict;
    assert_eq!(
        (kept.rule, kept.winner),
        (ConflictRule::Discarded, Side::HubSpot)
    );
    assert_quiet(&host, &pair).await;
    pair.assert_agreement().await;
}

#[tokio::test]
async fn a_mass_change_here_goes_on_when_approved() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = synced(&host, &acme).await;
    for id in pair.versions().await.into_keys() {
        acme.edits("partners", id, json!({ "city": "Chur" })).await;
    }
    assert_eq!(pair.try_sync().await.outcome, RunOutcome::Failed);
    decides(&acme, &host, &pair, BrakeVerdict::Approved).await;
    pair.sync().await;
    assert_eq!(objects_in(&host, Some("Chur")), OBJECTS);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn what_is_discarded_where_values_flow_one_way_stays_on_both_sides() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = synced(&host, &acme).await;
    pair.map("city", |mapping| {
        mapping.direction = Some(Direction::HubSpotToPartnerOs);
    })
    .await;
    pair.sync().await;
    imports(&host, &host.live_ids("companies"), "city", "");
    assert_eq!(pair.try_sync().await.outcome, RunOutcome::Failed);
    decides(&acme, &host, &pair, BrakeVerdict::Discarded).await;
    pair.sync().await;
    assert_eq!(records_in(&acme, &pair, Some("Bern")).await, OBJECTS);
    assert_eq!(objects_in(&host, None), OBJECTS);
    assert_eq!(pair.conflicts().await.len(), OBJECTS, "listed");
    assert_quiet(&host, &pair).await;
    // The next value flows again.
    imports(&host, &host.live_ids("companies")[..10], "city", "Chur");
    pair.sync().await;
    assert_eq!(records_in(&acme, &pair, Some("Chur")).await, 10);
}

#[tokio::test]
async fn a_mass_deletion_in_hubspot_keeps_the_records_unless_it_is_approved() {
    for verdict in [BrakeVerdict::Approved, BrakeVerdict::Discarded] {
        let host = TestHost::start(Config::default());
        let acme = host.organization("acme").await;
        let pair = synced(&host, &acme).await;
        pair.deletes_by(DeletePolicy::Mirror).await;
        let ids = host.live_ids("companies");
        let now = host.now();
        for id in &ids[..150] {
            let archived = host.sim.sim().person_archives("companies", *id, now);
            archived.unwrap();
        }
        host.wait_ms(900_000);
        assert_eq!(pair.try_sync().await.outcome, RunOutcome::Failed);
        let left = pair.versions().await.len();
        assert!(left >= OBJECTS - ALLOWED, "{left} records are left");
        let stopped = brakes(&acme, &host, &pair).await;
        assert_eq!(
            (stopped[0].key.side, &stopped[0].key.field),
            (Side::PartnerOs, &None)
        );
        decides(&acme, &host, &pair, verdict).await;
        pair.sync().await;
        match verdict {
            BrakeVerdict::Approved => assert_eq!(pair.versions().await.len(), 50),
            BrakeVerdict::Discarded => {
                assert_eq!(pair.versions().await.len(), left);
                assert_eq!(pair.detached().await.len(), left - 50);
            }
        }
        pair.assert_agreement().await;
    }
}

#[tokio::test]
async fn a_mass_deletion_here_archives_nothing_and_is_taken_back_when_discarded() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = synced(&host, &acme).await;
    pair.deletes_by(DeletePolicy::Mirror).await;
    let before = pair.versions().await;
    for id in before.keys().take(150) {
        acme.deletes("partners", *id).await;
    }
    assert_eq!(pair.try_sync().await.outcome, RunOutcome::Failed);
    let archived = OBJECTS - host.live_ids("companies").len();
    assert!(archived <= ALLOWED, "{archived} objects were archived");
    decides(&acme, &host, &pair, BrakeVerdict::Discarded).await;
    pair.sync().await;
    assert_eq!(pair.versions().await.len(), OBJECTS - archived);
    assert_eq!(host.live_ids("companies").len(), OBJECTS - archived);
    assert_quiet(&host, &pair).await;
    pair.assert_agreement().await;
}

#[tokio::test]
async fn filling_creating_and_busy_records_are_no_mass_change() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = synced(&host, &acme).await;
    let ids = host.live_ids("companies");
    imports(&host, &ids, "phone", "031 000");
    pair.sync().await;
    for number in 0..100 {
        acme.creates("partners", json!({ "name": format!("New {number}") }))
            .await;
    }
    pair.sync().await;
    // A few records that change all the time count once.
    for round in 0..20 {
        imports(&host, &ids[..10], "city", &format!("City {round}"));
        pair.sync().await;
    }
    assert_eq!(brakes(&acme, &host, &pair).await, []);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn a_braked_pair_that_is_paused_waits_all_the_same() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = synced(&host, &acme).await;
    imports(&host, &host.live_ids("companies"), "city", "");
    assert_eq!(pair.try_sync().await.outcome, RunOutcome::Failed);
    host.store
        .set_pair_state(acme.id, pair.id, PairState::Paused, host.now())
        .await
        .unwrap();
    let started = host.engine.activate(acme.id, pair.id).await;
    assert!(matches!(started, Err(Error::Braked)), "{started:?}");
    decides(&acme, &host, &pair, BrakeVerdict::Approved).await;
    assert_eq!(state(&acme, &host, &pair).await, PairState::Paused);
    pair.activate().await;
    pair.sync().await;
    assert_eq!(records_in(&acme, &pair, None).await, OBJECTS);
}

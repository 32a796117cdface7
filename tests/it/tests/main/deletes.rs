//! Objects that are archived, restored or erased in HubSpot: the record is kept, nothing is made anew behind people's backs,
//! and one look is not enough to believe it.

use hubspot_sim::Config;
use partneros_domain::{AlertKind, Direction, MappingState, RecordId};
use partneros_it::{TestHost, TestOrganization, TestPair};
use partneros_store::{Act, EventId, FormerLinks as _, Parting, RunOutcome};
use serde_json::json;

use crate::faults;

/// A portal with so many companies.
pub fn companies(count: usize) -> Config {
    Config {
        companies: count,
        ..Config::default()
    }
}

/// An object of the portal and its record, after a first sync.
pub async fn synced(host: &TestHost, pair: &TestPair<'_>) -> (u64, RecordId) {
    pair.sync().await;
    let id = host.live_ids("companies")[0];
    (id, pair.record_of(id).await)
}

/// An active pair that reads what HubSpot counts of a company's contacts.
pub async fn counting<'a>(acme: &'a TestOrganization<'a>) -> TestPair<'a> {
    let pair = acme
        .draft("partners", "companies", Direction::HubSpotToPartnerOs)
        .await;
    for (field, property) in [("name", "name"), ("employees", "num_associated_contacts")] {
        pair.map(field, |mapping| {
            mapping.property = Some(property.into());
            mapping.state = MappingState::Confirmed;
        })
        .await;
    }
    pair.activate().await;
    pair
}

/// What a person does who wants an object made anew.
async fn releases(host: &TestHost, acme: &TestOrganization<'_>, pair: &TestPair<'_>, id: RecordId) {
    let act = Act {
        event: EventId(host.engine.parts().environment.new_id()),
        at: host.now(),
        actor: "ann".to_owned(),
    };
    let released = host.store.release_record(acme.id, pair.id, id, act).await;
    assert!(released.unwrap());
}

#[tokio::test]
async fn an_archived_object_leaves_its_record_which_is_linked_again_when_it_is_restored() {
    let host = TestHost::start(companies(3));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    host.person_archives("companies", id);
    let run = pair.sync_after_a_while().await;
    assert_eq!(run.counts.unlinked, 1);
    assert_eq!(pair.find_record_of(id).await, None);
    assert!(acme.find_record("partners", record).await.is_some());
    let detached = pair.detached().await;
    assert_eq!(detached.len(), 1);
    assert_eq!(
        (detached[0].record_id, detached[0].parting),
        (record, Parting::Archived)
    );
    assert_eq!(acme.events("record.").await, ["record.unlinked"]);

    // An edit of ours waits and is listed; it makes no new object.
    acme.edits("partners", record, json!({ "city": "Bern" }))
        .await;
    for _ in 0..2 {
        pair.sync_after_a_while().await;
    }
    let failures = pair.failures().await;
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0].failure.code, "hubspot_object_missing");
    assert_eq!(host.live_ids("companies").len(), 2);

    host.person_restores("companies", id);
    host.person_sets("companies", id, &[("phone", "031 000")]);
    for _ in 0..2 {
        pair.sync().await;
    }
    assert_eq!(pair.record_of(id).await, record, "the same record");
    assert_eq!(
        host.hubspot_value("companies", id, "city").as_deref(),
        Some("Bern")
    );
    assert_eq!(
        acme.value("partners", record, "phone").await,
        json!("031 000")
    );
    assert_eq!(pair.failures().await, []);
    assert_eq!(pair.detached().await, []);
    assert_eq!(pair.versions().await.len(), 3);
    let told = ["record.unlinked", "record.relinked"];
    assert_eq!(acme.events("record.").await, told);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn a_look_that_failed_ends_no_link() {
    let host = TestHost::start(companies(3));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    host.person_archives("companies", id);
    host.wait_ms(900_000);
    // The archive lists the object, but nobody can say that it is not there.
    faults::refuse(&host, "batch/read");
    assert_eq!(pair.try_sync().await.outcome, RunOutcome::Failed);
    assert_eq!(pair.record_of(id).await, record);
    faults::end(&host);
    // It is back before the second look.
    host.person_restores("companies", id);
    assert_eq!(pair.sync().await.counts.unlinked, 0);
    assert_eq!(pair.record_of(id).await, record);
}

#[tokio::test]
async fn an_erased_object_is_missed_twice_before_its_link_ends() {
    let host = TestHost::start(companies(2));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    host.hubspot_erases("companies", id);
    acme.edits("partners", record, json!({ "city": "Bern" }))
        .await;
    pair.sync().await;
    assert_eq!(pair.record_of(id).await, record, "missed once");
    assert_eq!(pair.failures().await.len(), 1, "the edit waits");
    pair.sync().await;
    assert_eq!(pair.record_of(id).await, record, "too soon");
    host.wait_ms(120_000);
    assert_eq!(pair.sync().await.counts.unlinked, 1);
    assert_eq!(pair.detached().await[0].parting, Parting::Missing);
    for _ in 0..2 {
        pair.sync_after_a_while().await;
    }
    assert_eq!(host.live_ids("companies").len(), 1, "nothing is made anew");
    // Only when somebody says so.
    releases(&host, &acme, &pair, record).await;
    for _ in 0..2 {
        pair.sync().await;
    }
    assert_eq!(host.live_ids("companies").len(), 2);
    assert_eq!(pair.failures().await, []);
    assert_eq!(pair.detached().await, []);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn a_restored_object_is_found_though_search_does_not_show_it() {
    let host = TestHost::start(Config {
        create_lag_ms: 100_000_000,
        ..companies(2)
    });
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    host.person_archives("companies", id);
    pair.sync_after_a_while().await;
    assert_eq!(pair.detached().await.len(), 1);
    host.person_restores("companies", id);
    pair.sync().await;
    assert_eq!(pair.detached().await.len(), 1, "search does not show it");
    pair.sync_after_a_while().await;
    assert_eq!(pair.record_of(id).await, record);
}

#[tokio::test]
async fn a_detached_record_finds_a_new_object_by_the_match_key() {
    let host = TestHost::start(Config::default());
    let values = [("name", "Globex"), ("domain", "globex.example")];
    let id = host.person_creates("companies", &values);
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let record = pair.record_of(id).await;
    host.person_archives("companies", id);
    pair.sync_after_a_while().await;
    let again = host.person_creates("companies", &values);
    pair.sync().await;
    assert_eq!(pair.record_of(again).await, record);
    // What is restored after that is an object of its own.
    host.person_restores("companies", id);
    for _ in 0..2 {
        pair.sync().await;
    }
    assert_ne!(pair.record_of(id).await, record);
    assert_eq!(pair.versions().await.len(), 2);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn an_object_whose_record_was_deleted_meanwhile_stays_alone() {
    let host = TestHost::start(companies(2));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    host.person_archives("companies", id);
    pair.sync_after_a_while().await;
    acme.deletes("partners", record).await;
    host.person_restores("companies", id);
    for _ in 0..2 {
        pair.sync_after_a_while().await;
    }
    assert_eq!(pair.versions().await.len(), 1, "the record came back");
    assert_eq!(host.live_ids("companies").len(), 2);
}

#[tokio::test]
async fn what_hubspot_calculates_arrives_in_time_although_nothing_was_modified() {
    let host = TestHost::start(companies(2));
    let acme = host.organization("acme").await;
    let pair = counting(&acme).await;
    let (id, record) = synced(&host, &pair).await;
    assert_eq!(acme.value("partners", record, "employees").await, json!(0));
    let contact = host.person_creates("contacts", &[("email", "ann@globex.example")]);
    host.person_associates(("companies", id), ("contacts", contact));
    host.wait_ms(300_000);
    pair.sync().await;
    assert_eq!(acme.value("partners", record, "employees").await, json!(0));
    host.wait_ms(21_600_000);
    pair.sync().await;
    assert_eq!(acme.value("partners", record, "employees").await, json!(1));
    assert_eq!(host.writes(), 0);
    let alerts = acme.alerts().await;
    assert!(
        alerts
            .iter()
            .all(|alert| alert.kind != AlertKind::MergeLeftRecords)
    );
}

//! The main job: connect, map, first sync, edits on both sides under each policy, quiet.

use hubspot_sim::Config;
use partneros_domain::{ConflictPolicy, FieldName};
use partneros_it::TestHost;
use serde_json::json;

fn portal(companies: usize, deals: usize) -> Config {
    Config {
        companies,
        deals,
        ..Config::default()
    }
}

#[tokio::test]
async fn first_sync_brings_every_company_in_once_and_writes_nothing_back() {
    let host = TestHost::start(portal(450, 0));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    host.writes();

    let run = pair.sync().await;
    assert_eq!(
        run.counts.records_created,
        450,
        "{:?} {:?}",
        run.counts,
        pair.failures().await
    );
    assert_eq!(host.writes(), 0);
    pair.assert_agreement().await;

    let second = pair.sync().await;
    assert_eq!(second.counts.records_created, 0);
    assert_eq!(second.counts.records_updated, 0);
    assert_eq!(host.writes(), 0);
}

#[tokio::test]
async fn one_sided_edits_travel_each_way_and_come_to_rest() {
    let host = TestHost::start(portal(5, 0));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let ids = host.sim.sim().live_ids("companies").unwrap();
    let (first, second) = (ids[0], ids[1]);

    host.person_sets("companies", first, &[("city", "Bern")]);
    let record = pair.record_of(second).await;
    acme.edits("partners", record, json!({ "city": "Graz" }))
        .await;
    host.writes();
    pair.sync().await;

    assert_eq!(
        acme.value("partners", pair.record_of(first).await, "city")
            .await,
        json!("Bern")
    );
    assert_eq!(
        host.hubspot_value("companies", second, "city").as_deref(),
        Some("Graz")
    );
    assert_eq!(host.writes(), 1);
    pair.sync().await;
    pair.sync().await;
    assert_eq!(host.writes(), 0);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn a_cleared_value_is_cleared_on_the_other_side() {
    let host = TestHost::start(portal(3, 0));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let ids = host.sim.sim().live_ids("companies").unwrap();
    host.person_sets("companies", ids[0], &[("city", "Bern")]);
    host.person_sets("companies", ids[1], &[("city", "Graz")]);
    pair.sync().await;

    host.person_sets("companies", ids[0], &[("city", "")]);
    acme.edits(
        "partners",
        pair.record_of(ids[1]).await,
        json!({ "city": null }),
    )
    .await;
    pair.sync().await;
    assert_eq!(
        acme.value("partners", pair.record_of(ids[0]).await, "city")
            .await,
        json!(null)
    );
    assert_eq!(host.hubspot_value("companies", ids[1], "city"), None);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn both_sides_changed_is_settled_by_the_policy_and_kept_as_a_conflict() {
    let cases = [
        (ConflictPolicy::PartnerOsWins, true, "Ours"),
        (ConflictPolicy::CrmWins, true, "Theirs"),
        (ConflictPolicy::NewestWins, true, "Ours"),
        (ConflictPolicy::NewestWins, false, "Theirs"),
    ];
    for (policy, ours_last, winner) in cases {
        let host = TestHost::start(portal(2, 0));
        let acme = host.organization("acme").await;
        let pair = acme.pair("partners", "companies").await;
        pair.policy("city", policy).await;
        pair.sync().await;
        let id = host.sim.sim().live_ids("companies").unwrap()[0];
        let record = pair.record_of(id).await;
        if ours_last {
            host.person_sets("companies", id, &[("city", "Theirs")]);
            acme.edits("partners", record, json!({ "city": "Ours" }))
                .await;
        } else {
            acme.edits("partners", record, json!({ "city": "Ours" }))
                .await;
            host.person_sets("companies", id, &[("city", "Theirs")]);
        }
        let run = pair.sync().await;
        assert_eq!(run.counts.conflicts, 1, "{policy:?}");
        assert_eq!(
            acme.value("partners", record, "city").await,
            json!(winner),
            "{policy:?}"
        );
        assert_eq!(
            host.hubspot_value("companies", id, "city").as_deref(),
            Some(winner),
            "{policy:?}"
        );
        let conflicts = pair.conflicts().await;
        assert_eq!(conflicts.len(), 1);
        assert_eq!(conflicts[0].conflict.partneros_value, json!("Ours"));
        assert_eq!(
            conflicts[0].conflict.hubspot_value.as_deref(),
            Some("Theirs")
        );
        host.writes();
        pair.sync().await;
        assert_eq!(host.writes(), 0, "{policy:?}");
        assert_eq!(pair.conflicts().await.len(), 1, "{policy:?}");
        pair.assert_agreement().await;
    }
}

#[tokio::test]
async fn the_same_edit_on_both_sides_is_no_conflict_and_no_write() {
    let host = TestHost::start(portal(2, 0));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let id = host.sim.sim().live_ids("companies").unwrap()[0];
    let record = pair.record_of(id).await;
    host.person_sets("companies", id, &[("city", "Bern")]);
    acme.edits("partners", record, json!({ "city": "Bern" }))
        .await;
    host.writes();
    let run = pair.sync().await;
    assert_eq!(run.counts.conflicts, 0);
    assert_eq!(host.writes(), 0);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn new_records_become_objects_once() {
    let host = TestHost::start(portal(0, 0));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let record = acme
        .creates(
            "partners",
            json!({ "name": "Globex", "domain": "globex.example" }),
        )
        .await;
    host.writes();
    let run = pair.sync().await;
    assert_eq!(run.counts.hubspot_created, 1, "{:?}", pair.failures().await);
    let id = pair.object_of(record.id).await;
    assert_eq!(
        host.hubspot_value("companies", id, "name").as_deref(),
        Some("Globex")
    );
    pair.sync().await;
    pair.sync().await;
    assert_eq!(host.sim.sim().live_ids("companies").unwrap().len(), 1);
    assert_eq!(host.writes(), 1);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn existing_records_find_their_objects_before_any_is_made() {
    let host = TestHost::start(portal(0, 0));
    let id = host.person_creates(
        "companies",
        &[("name", "Globex Corp"), ("domain", "globex.example")],
    );
    let acme = host.organization("acme").await;
    let record = acme
        .creates(
            "partners",
            json!({ "name": "Globex Corp", "domain": "Globex.example " }),
        )
        .await;
    let pair = acme.pair("partners", "companies").await;
    let run = pair.sync().await;
    assert_eq!(run.counts.matched, 1);
    assert_eq!(run.counts.records_created, 0);
    assert_eq!(pair.record_of(id).await, record.id);
    assert_eq!(host.sim.sim().live_ids("companies").unwrap(), [id]);
    pair.sync().await;
    host.writes();
    pair.sync().await;
    assert_eq!(host.writes(), 0);
}

#[tokio::test]
async fn a_match_key_that_several_records_share_makes_no_duplicates() {
    let host = TestHost::start(portal(0, 0));
    host.person_creates(
        "companies",
        &[("name", "Globex"), ("domain", "globex.example")],
    );
    let acme = host.organization("acme").await;
    for name in ["Globex East", "Globex West"] {
        acme.creates(
            "partners",
            json!({ "name": name, "domain": "globex.example" }),
        )
        .await;
    }
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    assert_eq!(host.sim.sim().live_ids("companies").unwrap().len(), 1);
    let codes: Vec<_> = pair
        .failures()
        .await
        .into_iter()
        .map(|entry| entry.failure.code)
        .collect();
    assert_eq!(codes, ["ambiguous_match"; 3]);
}

#[tokio::test]
async fn a_value_that_hubspot_refuses_is_parked_and_the_rest_goes_through() {
    let host = TestHost::start(portal(0, 2));
    let acme = host.organization("acme").await;
    let pair = acme.pair("deals", "deals").await;
    pair.sync().await;
    let id = host.sim.sim().live_ids("deals").unwrap()[0];
    let record = pair.record_of(id).await;
    let before = host.hubspot_value("deals", id, "dealstage");
    acme.edits(
        "deals",
        record,
        json!({ "stage": "no-such-stage", "name": "Renamed" }),
    )
    .await;
    let run = pair.sync().await;
    assert_eq!(
        host.hubspot_value("deals", id, "dealname").as_deref(),
        Some("Renamed")
    );
    assert_eq!(host.hubspot_value("deals", id, "dealstage"), before);
    assert_eq!(run.counts.failed, 1);
    let failures = pair.failures().await;
    assert_eq!(failures.len(), 1);
    assert_eq!(
        failures[0].failure.field.as_ref().map(FieldName::as_str),
        Some("stage")
    );
    host.writes();
    pair.sync().await;
    assert_eq!(host.writes(), 0);

    acme.edits("deals", record, json!({ "stage": "closedwon" }))
        .await;
    pair.sync().await;
    assert_eq!(
        host.hubspot_value("deals", id, "dealstage").as_deref(),
        Some("closedwon")
    );
    assert!(pair.failures().await.is_empty());
    pair.assert_agreement().await;
}

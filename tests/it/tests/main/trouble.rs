//! What HubSpot and the network do at the wrong moment.

use hubspot_sim::{ArmedFault, Config, Fault, FaultPlan};
use partneros_it::TestHost;
use partneros_store::RunOutcome;
use serde_json::json;

fn arm(host: &TestHost, path: &str, times: u32, fault: Fault) {
    host.sim.sim().arm_fault(ArmedFault {
        path: path.to_owned(),
        skip: 0,
        times,
        fault,
    });
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_makes_no_duplicate() {
    for fault in [Fault::LostResponse, Fault::CutOffBody] {
        let host = TestHost::start(Config::default());
        let acme = host.organization("acme").await;
        let pair = acme.pair("partners", "companies").await;
        for number in 0..5 {
            acme.creates("partners", json!({ "name": format!("Partner {number}") }))
                .await;
        }
        arm(&host, "batch/upsert", 1, fault);
        pair.sync().await;
        pair.sync().await;
        assert_eq!(
            host.sim.sim().live_ids("companies").unwrap().len(),
            5,
            "{fault:?}"
        );
        pair.assert_agreement().await;
    }
}

#[tokio::test]
async fn a_create_that_was_never_answered_is_found_again_by_the_next_pull() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let record = acme.creates("partners", json!({ "name": "Globex" })).await;
    arm(&host, "batch/upsert", 100, Fault::LostResponse);
    let run = pair.try_sync().await;
    assert_eq!(run.outcome, RunOutcome::Failed);
    assert_eq!(host.sim.sim().live_ids("companies").unwrap().len(), 1);

    host.sim.sim().faults.disarm();
    let run = pair.sync().await;
    assert_eq!(run.counts.matched, 1);
    assert_eq!(run.counts.records_created, 0);
    let id = pair.object_of(record.id).await;
    assert_eq!(host.sim.sim().live_ids("companies").unwrap(), [id]);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn passing_trouble_is_waited_out() {
    let host = TestHost::start(Config {
        companies: 30,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    arm(&host, "search", 1, Fault::BadGateway);
    pair.sync().await;
    let id = host.sim.sim().live_ids("companies").unwrap()[0];
    let record = pair.record_of(id).await;
    acme.edits("partners", record, json!({ "city": "Bern" }))
        .await;
    arm(&host, "batch/update", 1, Fault::ServerError);
    pair.sync().await;
    assert_eq!(
        host.hubspot_value("companies", id, "city").as_deref(),
        Some("Bern")
    );
    pair.assert_agreement().await;
}

#[tokio::test]
async fn a_failed_run_says_why_and_the_next_one_goes_on() {
    let host = TestHost::start(Config {
        companies: 3,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    arm(
        &host,
        "search",
        1_000,
        Fault::Migrating {
            retry_after_s: 3_600,
        },
    );
    let run = pair.try_sync().await;
    assert_eq!(run.outcome, RunOutcome::Failed);
    assert!(run.error.unwrap_or_default().contains("477"));
    assert_eq!(run.counts.records_created, 0);
    host.sim.sim().faults.disarm();
    assert_eq!(pair.sync().await.counts.records_created, 3);
}

#[tokio::test]
async fn a_late_index_hides_nothing_for_good() {
    let config = Config {
        companies: 3,
        create_lag_ms: 30_000,
        ..Config::default()
    };
    let host = TestHost::start(config);
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    host.wait_ms(60_000);
    pair.sync().await;
    let late = host.person_creates("companies", &[("name", "Late"), ("domain", "late.example")]);
    let ids = host.sim.sim().live_ids("companies").unwrap();
    let early = ids.into_iter().find(|id| *id != late).unwrap();
    // The edit is newer than the object that search does not show yet.
    host.person_sets("companies", early, &[("city", "Bern")]);
    pair.sync().await;
    host.wait_ms(40_000);
    assert_eq!(pair.sync().await.counts.records_created, 1);
    assert_eq!(
        acme.value("partners", pair.record_of(late).await, "name")
            .await,
        json!("Late")
    );
}

#[tokio::test]
async fn more_objects_than_a_page_in_one_millisecond_are_all_met() {
    let host = TestHost::start(Config::default());
    let now = host.now();
    for number in 0..650 {
        let values = [("name".to_owned(), format!("Company {number}"))];
        let values = hubspot_sim::Values(values.into());
        host.sim
            .sim()
            .person_creates("companies", values, now)
            .unwrap();
    }
    host.person_creates("companies", &[("name", "After")]);
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    host.wait_ms(600_000);
    assert_eq!(pair.sync().await.counts.records_created, 651);
    assert_eq!(pair.sync().await.counts.records_created, 0);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn hubspots_own_touches_cause_no_writes() {
    let config = Config {
        companies: 5,
        enrichment_delay_ms: Some(2_000),
        ..Config::default()
    };
    let host = TestHost::start(config);
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    acme.creates(
        "partners",
        json!({ "name": "Globex", "domain": "globex.example" }),
    )
    .await;
    pair.sync().await;
    host.wait_ms(5_000);
    host.writes();
    for _ in 0..3 {
        pair.sync().await;
    }
    assert_eq!(host.writes(), 0);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn steady_trouble_of_every_kind_ends_in_agreement() {
    let config = Config {
        companies: 40,
        seed: 11,
        ..Config::default()
    };
    let host = TestHost::start(config);
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    host.sim.sim().faults.set_plan(FaultPlan {
        rates: vec![
            (Fault::BadGateway, 0.08),
            (Fault::ServerError, 0.08),
            (Fault::CutOffBody, 0.08),
            (Fault::LostResponse, 0.08),
        ],
    });
    for round in 0..6 {
        let ids = host.sim.sim().live_ids("companies").unwrap();
        if let Some(id) = ids.get(round * 3) {
            let city = format!("City {round}");
            host.person_sets("companies", *id, &[("city", city.as_str())]);
        }
        acme.creates("partners", json!({ "name": format!("New {round}") }))
            .await;
        pair.try_sync().await;
    }
    host.sim.sim().faults.set_plan(FaultPlan::default());
    pair.sync().await;
    pair.sync().await;
    assert_eq!(host.sim.sim().live_ids("companies").unwrap().len(), 46);
    host.writes();
    pair.sync().await;
    assert_eq!(host.writes(), 0);
    pair.assert_agreement().await;
}

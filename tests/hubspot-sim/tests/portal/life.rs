//! What becomes of records over time: archive, restore, merge, enrichment, index lag.

use hubspot_sim::state::batch::{BatchRead, RecordChange};
use hubspot_sim::state::objects::Show;
use hubspot_sim::state::search::SearchRequest;
use hubspot_sim::{Config, MergeMode, Sim, Values};
use serde_json::json;

use crate::{NOW, app, body, portal};

fn found(sim: &mut Sim, ms: i64, name: &str) -> Vec<u64> {
    let filter = json!({ "propertyName": "name", "operator": "EQ", "value": name });
    let request: SearchRequest = body(json!({ "filters": [filter] }));
    sim.search(&app(ms), "companies", &request)
        .unwrap()
        .records
        .iter()
        .map(|record| record.id)
        .collect()
}

#[test]
fn archived_records_leave_reads_and_search_and_are_listed_apart() {
    let mut sim = portal();
    let id = sim
        .person_creates("companies", [("name", "A")], NOW)
        .unwrap()
        .id;
    sim.archive(&app(5), "companies", &id.to_string()).unwrap();
    sim.archive(&app(6), "companies", &id.to_string()).unwrap();
    assert_eq!(sim.writes.of("companies").archives, 1);
    assert!(found(&mut sim, 7, "A").is_empty());
    assert_eq!(
        sim.person_reads("companies", id, &[], NOW)
            .unwrap_err()
            .status,
        404
    );
    let archived = sim
        .list(&app(8), "companies", None, None, true, &Show::default())
        .unwrap();
    assert_eq!(archived.records[0].archived, Some(NOW.plus_millis(5)));
    assert!(
        sim.list(&app(8), "companies", None, None, false, &Show::default())
            .unwrap()
            .records
            .is_empty()
    );
    sim.person_restores("companies", id, NOW.plus_millis(9))
        .unwrap();
    assert_eq!(found(&mut sim, 9, "A"), [id]);
}

#[test]
fn lists_page_in_order_of_id() {
    let mut sim = Sim::new(
        Config {
            companies: 25,
            ..Config::default()
        },
        NOW,
    );
    let (mut after, mut ids) = (None::<String>, Vec::new());
    loop {
        let page = sim
            .list(
                &app(0),
                "companies",
                Some(10),
                after.as_deref(),
                false,
                &Show::default(),
            )
            .unwrap();
        ids.extend(page.records.iter().map(|record| record.id));
        after = page.after.map(|id| id.to_string());
        if after.is_none() {
            break;
        }
    }
    assert_eq!(ids.len(), 25);
    assert!(ids.is_sorted());
    assert_eq!(
        sim.list(
            &app(0),
            "companies",
            Some(101),
            None,
            false,
            &Show::default()
        )
        .unwrap_err()
        .status,
        400
    );
}

#[test]
fn a_merge_leaves_a_new_record_that_both_old_ids_lead_to() {
    let mut sim = portal();
    let a = sim
        .person_creates("companies", [("name", "A"), ("city", "")], NOW)
        .unwrap()
        .id;
    let b = sim
        .person_creates("companies", [("name", "B"), ("city", "Lyon")], NOW)
        .unwrap()
        .id;
    let merged = sim
        .person_merges("companies", a, b, NOW.plus_millis(3))
        .unwrap();
    assert!(merged.id != a && merged.id != b);
    let wanted = ["name", "city", "hs_merged_object_ids"];
    for id in [a, b, merged.id] {
        let read = sim
            .person_reads("companies", id, &wanted, NOW.plus_millis(4))
            .unwrap();
        assert_eq!(
            (read.id, read.property("name"), read.property("city")),
            (merged.id, Some("A"), Some("Lyon"))
        );
        assert_eq!(
            read.property("hs_merged_object_ids"),
            Some(format!("{a};{b}").as_str())
        );
    }
    assert_eq!(found(&mut sim, 5, "A"), [merged.id]);
    assert!(found(&mut sim, 5, "B").is_empty());
    let rename = Values::from([("name", "C")]);
    assert_eq!(
        sim.update(&app(6), "companies", &a.to_string(), None, &rename)
            .unwrap()
            .id,
        merged.id
    );
    let row = RecordChange {
        id: body(json!(b.to_string())),
        properties: rename,
        ..RecordChange::default()
    };
    assert_eq!(
        sim.batch_update(&app(7), "companies", &[row])
            .unwrap()
            .status(200),
        207
    );
    let read: BatchRead = body(json!({ "inputs": [{ "id": b.to_string() }] }));
    assert_eq!(
        sim.batch_read(&app(8), "companies", &read, false)
            .unwrap()
            .results[0]
            .id,
        merged.id
    );
    let d = sim
        .person_creates("companies", [("name", "D")], NOW)
        .unwrap()
        .id;
    let again = sim
        .person_merges("companies", merged.id, d, NOW.plus_millis(9))
        .unwrap()
        .id;
    assert_eq!(
        sim.person_reads("companies", a, &[], NOW.plus_millis(10))
            .unwrap()
            .id,
        again
    );
}

#[test]
fn a_merge_may_keep_the_primary_id() {
    let mut sim = Sim::new(
        Config {
            merge: MergeMode::KeepPrimary,
            ..Config::default()
        },
        NOW,
    );
    let a = sim
        .person_creates("companies", [("name", "A")], NOW)
        .unwrap()
        .id;
    let b = sim
        .person_creates("companies", [("name", "B")], NOW)
        .unwrap()
        .id;
    assert_eq!(
        sim.person_merges("companies", a, b, NOW.plus_millis(3))
            .unwrap()
            .id,
        a
    );
    let read = sim
        .person_reads(
            "companies",
            b,
            &["hs_merged_object_ids"],
            NOW.plus_millis(4),
        )
        .unwrap();
    assert_eq!(
        (read.id, read.property("hs_merged_object_ids")),
        (a, Some(b.to_string().as_str()))
    );
}

#[test]
fn search_lags_behind_the_store_and_returns_records_as_they_are() {
    let mut sim = Sim::new(
        Config {
            create_lag_ms: 1_000,
            update_lag_ms: 200,
            ..Config::default()
        },
        NOW,
    );
    let id = sim
        .person_creates("companies", [("name", "Old")], NOW)
        .unwrap()
        .id;
    assert!(found(&mut sim, 999, "Old").is_empty());
    assert_eq!(found(&mut sim, 1_000, "Old"), [id]);
    sim.person_sets("companies", id, [("name", "New")], NOW.plus_millis(2_000))
        .unwrap();
    assert_eq!(found(&mut sim, 2_100, "Old"), [id]);
    let filter = json!({ "propertyName": "name", "operator": "EQ", "value": "old" });
    let request: SearchRequest = body(json!({ "filters": [filter], "properties": ["name"] }));
    let hit = sim
        .search(&app(2_100), "companies", &request)
        .unwrap()
        .records
        .remove(0);
    assert_eq!(
        (hit.property("name"), hit.updated),
        (Some("New"), NOW.plus_millis(2_000))
    );
    assert!(found(&mut sim, 2_200, "Old").is_empty());
    assert_eq!(found(&mut sim, 2_200, "New"), [id]);
}

#[test]
fn hubspot_enriches_a_record_by_itself_and_moves_its_date() {
    let mut sim = Sim::new(
        Config {
            enrichment_delay_ms: Some(1_900),
            ..Config::default()
        },
        NOW,
    );
    let id = sim
        .person_creates("companies", [("name", "A")], NOW)
        .unwrap()
        .id;
    let read = |sim: &mut Sim, ms| {
        let read = sim
            .person_reads("companies", id, &["hs_is_enriched"], NOW.plus_millis(ms))
            .unwrap();
        (
            read.property("hs_is_enriched").map(str::to_owned),
            read.updated,
        )
    };
    assert_eq!(read(&mut sim, 1_899), (None, NOW));
    assert_eq!(
        read(&mut sim, 60_000),
        (Some("true".to_owned()), NOW.plus_millis(1_900))
    );
}

#[test]
fn equal_seeds_make_equal_portals_and_ids_say_nothing_of_age() {
    let portal = |seed| {
        let mut sim = Sim::new(
            Config {
                seed,
                companies: 300,
                deals: 300,
                ..Config::default()
            },
            NOW,
        );
        let all: SearchRequest =
            body(json!({ "limit": 200, "properties": ["name", "domain", "dealname", "amount"] }));
        let page = |sim: &mut Sim, object_type| {
            serde_json::to_string(&sim.search(&app(0), object_type, &all).unwrap()).unwrap()
        };
        (page(&mut sim, "companies"), page(&mut sim, "deals"))
    };
    assert_eq!(portal(5), portal(5));
    assert_ne!(portal(5), portal(6));
    let mut sim = Sim::new(
        Config {
            companies: 300,
            ..Config::default()
        },
        NOW,
    );
    let by_age: SearchRequest = body(json!({ "limit": 200 }));
    let page = sim.search(&app(0), "companies", &by_age).unwrap().records;
    assert!(page.is_sorted_by_key(|record| record.created));
    assert!(!page.is_sorted_by_key(|record| record.id));
}

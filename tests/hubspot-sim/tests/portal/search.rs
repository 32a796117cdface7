//! Which records a search finds, in which order, and where it stops.

use std::collections::BTreeSet;

use hubspot_sim::state::search::SearchRequest;
use hubspot_sim::{Config, Sim};
use partneros_domain::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{NOW, app, body, portal, refusal};

/// A portal with companies at chosen milliseconds after the beginning.
fn companies_at(times: &[i64]) -> Sim {
    let mut sim = portal();
    for (nth, ms) in times.iter().enumerate() {
        let employees = (nth * 7 % 50).to_string();
        let values = [("name", "Co"), ("numberofemployees", employees.as_str())];
        sim.person_creates("companies", values, NOW.plus_millis(*ms))
            .unwrap();
    }
    sim
}

fn search(sim: &mut Sim, request: Value) -> (usize, Vec<(Timestamp, u64)>, Option<usize>) {
    let request: SearchRequest = body(request);
    let page = sim.search(&app(1_000_000), "companies", &request).unwrap();
    let rows = page
        .records
        .iter()
        .map(|record| (record.updated, record.id))
        .collect();
    (page.total, rows, page.after)
}

fn modified(operator: &str, value: i64) -> Value {
    let at = NOW.plus_millis(value).as_millis().to_string();
    json!({ "propertyName": "hs_lastmodifieddate", "operator": operator, "value": at })
}

fn by_modified(direction: &str) -> Value {
    json!([{ "propertyName": "hs_lastmodifieddate", "direction": direction }])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Windows answered from the index agree with a plain walk over all records, also when another filter or another
    /// order keeps the index from answering alone.
    #[test]
    fn windows_agree_with_a_plain_walk(
        times in proptest::collection::vec(0_i64..60, 0..80),
        low in 0_i64..60,
        width in 0_i64..40,
        offset in 0_usize..40,
        descending in any::<bool>(),
        extra in any::<bool>(),
        minimum in 0_u32..50,
    ) {
        let mut sim = companies_at(&times);
        let mut filters = vec![modified("GTE", low), modified("LT", low + width)];
        if extra {
            filters.push(json!({ "propertyName": "numberofemployees", "operator": "GTE", "value": minimum }));
        }
        let direction = if descending { "DESCENDING" } else { "ASCENDING" };
        let (total, rows, after) = search(&mut sim, json!({
            "filterGroups": [{ "filters": filters }],
            "sorts": by_modified(direction),
            "limit": 10,
            "after": offset.to_string(),
        }));
        let mut expected: Vec<(Timestamp, u64)> = Vec::new();
        let ix = sim.resolve("companies").unwrap();
        for record in sim.object_type(ix).records.values() {
            let at = record.modified.millis_since(NOW);
            let employees = sim.value_named(sim.object_type(ix), record, "numberofemployees").unwrap();
            if at >= low && at < low + width && (!extra || employees.parse::<u32>().unwrap() >= minimum) {
                expected.push((record.modified, record.id));
            }
        }
        expected.sort_unstable();
        if descending {
            expected.reverse();
        }
        prop_assert_eq!(total, expected.len());
        let page: Vec<_> = expected.iter().copied().skip(offset).take(10).collect();
        prop_assert_eq!(after, (offset + page.len() < total).then_some(offset + page.len()));
        prop_assert_eq!(rows, page);
    }

    /// A cursor by time, drained by id where one instant holds more than a page, sees every record exactly once.
    #[test]
    fn a_keyset_walk_sees_each_record_once(times in proptest::collection::vec(0_i64..6, 0..70), limit in 1_usize..9) {
        let mut sim = companies_at(&times);
        let mut seen = BTreeSet::new();
        for at in 0..6 {
            let mut last = 0_u64;
            loop {
                let id = json!({ "propertyName": "hs_object_id", "operator": "GT", "value": last.to_string() });
                let (_, rows, _) = search(&mut sim, json!({
                    "filterGroups": [{ "filters": [modified("EQ", at), id] }],
                    "sorts": [{ "propertyName": "hs_object_id", "direction": "ASCENDING" }],
                    "limit": limit,
                }));
                prop_assert!(rows.is_sorted());
                let Some(row) = rows.last() else { break };
                last = row.1;
                for row in rows {
                    prop_assert!(seen.insert(row.1));
                }
            }
        }
        prop_assert_eq!(seen.len(), times.len());
    }
}

#[test]
fn groups_are_alternatives_and_bare_filters_are_one_more() {
    let mut sim = portal();
    for (name, city) in [("A", "Lyon"), ("B", "Bonn"), ("C", "Rome"), ("D", "Lyon")] {
        sim.person_creates("companies", [("name", name), ("city", city)], NOW)
            .unwrap();
    }
    let eq =
        |name: &str, value: &str| json!({ "propertyName": name, "operator": "EQ", "value": value });
    let total = |sim: &mut Sim, request: Value| search(sim, request).0;
    let both = json!({ "filterGroups": [{ "filters": [eq("city", "lyon"), eq("name", "a")] }] });
    assert_eq!(total(&mut sim, both), 1);
    let either = json!({ "filterGroups": [{ "filters": [eq("city", "lyon")] }, { "filters": [eq("name", "c")] }] });
    assert_eq!(total(&mut sim, either), 3);
    assert_eq!(
        total(&mut sim, json!({ "filters": [eq("city", "bonn")] })),
        1
    );
    assert_eq!(total(&mut sim, json!({ "query": "lyo" })), 0);
    assert_eq!(total(&mut sim, json!({ "query": "b" })), 1);
    assert_eq!(total(&mut sim, json!({})), 4);
}

#[test]
fn associated_records_are_found_by_the_pseudo_property() {
    let mut sim = Sim::new(
        Config {
            companies: 3,
            deals: 30,
            ..Config::default()
        },
        NOW,
    );
    let company = sim.live_ids("companies").unwrap()[0];
    let filter = json!({ "propertyName": "associations.companies", "operator": "EQ", "value": company.to_string() });
    let request: SearchRequest = body(json!({ "filters": [filter], "limit": 100 }));
    let deals = sim.search(&app(0), "deals", &request).unwrap();
    let listed = sim
        .list_associations(&app(0), "companies", &company.to_string(), "deals")
        .unwrap();
    assert!(deals.total > 0);
    assert_eq!(deals.total, listed["results"].as_array().unwrap().len());
}

#[test]
fn contacts_have_their_own_modified_property() {
    let mut sim = portal();
    sim.person_creates("contacts", [("email", "a@b.example")], NOW)
        .unwrap();
    let mut total = |name: &str| {
        let filter = json!({ "propertyName": name, "operator": "GTE", "value": "0" });
        let request: SearchRequest = body(json!({ "filters": [filter] }));
        sim.search(&app(1), "contacts", &request).unwrap().total
    };
    assert_eq!(
        (total("lastmodifieddate"), total("hs_lastmodifieddate")),
        (1, 0)
    );
}

#[test]
fn searches_beyond_hubspots_limits_are_refused() {
    let mut sim = portal();
    let filter = json!({ "propertyName": "name", "operator": "EQ", "value": "x" });
    let group = |filters: usize| json!({ "filters": vec![&filter; filters] });
    let long = json!({ "propertyName": "name", "operator": "EQ", "value": "x".repeat(3_000) });
    let cases = [
        json!({ "limit": 201 }),
        json!({ "after": "9900", "limit": 101 }),
        json!({ "after": "next" }),
        json!({ "filterGroups": vec![group(1); 6] }),
        json!({ "filterGroups": [group(7)] }),
        json!({ "filterGroups": vec![group(5); 4] }),
        json!({ "filters": [long] }),
        json!({ "sorts": [{ "propertyName": "name" }, { "propertyName": "city" }] }),
        json!({ "sorts": [{ "propertyName": "no_such" }] }),
        json!({ "filters": [{ "propertyName": "no_such", "operator": "EQ", "value": "x" }] }),
        json!({ "filters": [{ "propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "soon" }] }),
    ];
    let answers: Vec<Value> = cases
        .into_iter()
        .map(|case| {
            let request: SearchRequest = body(case);
            let (status, json) = refusal(&sim.search(&app(0), "companies", &request).unwrap_err());
            assert_eq!(
                (status, &json["category"]),
                (400, &json!("VALIDATION_ERROR"))
            );
            json["message"].clone()
        })
        .collect();
    insta::assert_json_snapshot!(answers);
    let widest: SearchRequest =
        body(json!({ "after": "9900", "limit": 100, "filterGroups": vec![group(3); 5] }));
    assert_eq!(sim.search(&app(0), "companies", &widest).unwrap().total, 0);
}

#[test]
fn unasked_properties_are_the_types_defaults() {
    let mut sim = portal();
    sim.person_creates(
        "companies",
        [("name", "A"), ("domain", "a.example"), ("city", "Lyon")],
        NOW,
    )
    .unwrap();
    let page = sim
        .search(&app(1), "companies", &SearchRequest::default())
        .unwrap();
    let names: Vec<&str> = page.records[0]
        .properties
        .iter()
        .map(|(name, _)| &**name)
        .collect();
    assert_eq!(
        names,
        [
            "name",
            "domain",
            "createdate",
            "hs_lastmodifieddate",
            "hs_object_id"
        ]
    );
}

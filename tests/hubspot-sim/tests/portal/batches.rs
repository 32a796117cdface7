//! What a batch does when all, some or none of its rows are good.

use hubspot_sim::state::batch::{BatchRead, RecordChange};
use hubspot_sim::state::objects::NewRecord;
use serde_json::{Value, json};

use crate::rules::define_key;
use crate::{NOW, app, body, portal, refusal};

fn rows(json: Value) -> Vec<RecordChange> {
    body(json)
}

#[test]
fn one_bad_value_fails_a_whole_update_and_nothing_is_written() {
    let mut sim = portal();
    let ids: Vec<String> = (0..2)
        .map(|_| {
            sim.person_creates("companies", [("name", "A")], NOW)
                .unwrap()
                .id
                .to_string()
        })
        .collect();
    let changes = rows(json!([
        { "id": ids[0], "properties": { "name": "B" } },
        { "id": ids[1], "properties": { "numberofemployees": "many" } },
    ]));
    let error = sim
        .batch_update(&app(1), "companies", &changes)
        .unwrap_err();
    assert_eq!((error.status, error.details.len()), (400, 1));
    assert_eq!(sim.writes.total(), 0);
}

#[test]
fn unknown_ids_fail_their_rows_only() {
    let mut sim = portal();
    let id = sim
        .person_creates("companies", [("name", "A")], NOW)
        .unwrap()
        .id
        .to_string();
    let changes = rows(json!([
        { "id": "1", "properties": { "name": "X" } },
        { "id": id, "properties": { "name": "B" }, "objectWriteTraceId": "t" },
        { "id": "2", "properties": { "name": "Y" } },
    ]));
    let reply = sim.batch_update(&app(1), "companies", &changes).unwrap();
    assert_eq!((reply.status(200), reply.results.len()), (207, 1));
    insta::assert_json_snapshot!(reply);
    let read: BatchRead =
        body(json!({ "inputs": [{ "id": "1" }, { "id": id }], "properties": ["name"] }));
    let reply = sim.batch_read(&app(2), "companies", &read, false).unwrap();
    assert_eq!(
        (reply.status(200), reply.results[0].property("name")),
        (207, Some("B"))
    );
    assert_eq!(
        reply.errors[0].context,
        [("ids".to_owned(), vec!["1".to_owned()])]
    );
}

#[test]
fn batches_are_bounded_and_name_an_id_once() {
    let mut sim = portal();
    let many: Vec<Value> = (0..101).map(|id| json!({ "id": id.to_string() })).collect();
    let read: BatchRead = body(json!({ "inputs": many }));
    assert_eq!(
        sim.batch_read(&app(0), "companies", &read, false)
            .unwrap_err()
            .status,
        400
    );
    let read: BatchRead = body(json!({ "inputs": many[..51], "propertiesWithHistory": ["name"] }));
    assert_eq!(
        sim.batch_read(&app(0), "companies", &read, false)
            .unwrap_err()
            .status,
        400
    );
    let twice = rows(json!([{ "id": "123456" }, { "id": "123456" }]));
    let (status, json) = refusal(&sim.batch_update(&app(0), "companies", &twice).unwrap_err());
    assert_eq!(status, 400);
    insta::assert_json_snapshot!(json);
}

#[test]
fn upsert_creates_then_updates_by_a_unique_property_only() {
    let mut sim = portal();
    define_key(&mut sim);
    let upsert = |name: &str| {
        rows(json!([
            { "id": "k1", "idProperty": "partneros_record_id", "properties": { "name": name } },
            { "id": "k2", "idProperty": "partneros_record_id", "properties": { "name": "Other" } },
        ]))
    };
    let first = sim
        .batch_upsert(&app(1), "companies", &upsert("A"))
        .unwrap();
    assert!(first.results.iter().all(|record| record.new == Some(true)));
    assert_eq!(first.results[0].property("partneros_record_id"), Some("k1"));
    let second = sim
        .batch_upsert(&app(2), "companies", &upsert("B"))
        .unwrap();
    assert_eq!(second.results[0].id, first.results[0].id);
    assert_eq!(
        (second.results[0].new, second.results[0].property("name")),
        (Some(false), Some("B"))
    );
    let counts = sim.writes.of("companies");
    assert_eq!(
        (counts.creates, counts.updates, counts.unchanged_updates),
        (2, 1, 1)
    );
    for name in ["domain", "name", "hs_object_id", "no_such"] {
        let row = rows(json!([{ "id": "x", "idProperty": name, "properties": { "name": "A" } }]));
        let error = sim.batch_upsert(&app(3), "companies", &row).unwrap_err();
        let start = format!("Unable to perform update/upsert by non-unique 0-2 property {name}");
        assert!(error.message.starts_with(&start), "{}", error.message);
    }
}

#[test]
fn two_rows_with_one_unique_value_fail_the_batch() {
    let mut sim = portal();
    define_key(&mut sim);
    let new: Vec<NewRecord> = body(json!([
        { "properties": { "name": "A", "partneros_record_id": "k" } },
        { "properties": { "name": "B", "partneros_record_id": "K" } },
    ]));
    let error = sim.batch_create(&app(1), "companies", &new).unwrap_err();
    assert_eq!(error.details[0].code, Some("CONFLICTING_UNIQUE_VALUE"));
    assert_eq!(sim.live_ids("companies").unwrap().len(), 0);
}

#[test]
fn create_fails_row_by_row_only_when_every_row_is_traced() {
    let mut sim = portal();
    let existing = sim
        .person_creates("contacts", [("email", "a@b.example")], NOW)
        .unwrap();
    let input = |traced: bool| -> Vec<NewRecord> {
        let trace = |nth: usize| {
            if traced {
                json!(nth.to_string())
            } else {
                Value::Null
            }
        };
        body(json!([
            { "properties": { "email": "a@b.example" }, "objectWriteTraceId": trace(0) },
            { "properties": { "email": "c@d.example" }, "objectWriteTraceId": trace(1) },
        ]))
    };
    let (status, json) = refusal(
        &sim.batch_create(&app(1), "contacts", &input(false))
            .unwrap_err(),
    );
    assert_eq!(
        (status, json["message"].as_str()),
        (409, Some("Contact already exists"))
    );
    assert_eq!(sim.live_ids("contacts").unwrap(), [existing.id]);
    let reply = sim.batch_create(&app(2), "contacts", &input(true)).unwrap();
    assert_eq!(
        (reply.status(201), reply.results.len(), reply.errors.len()),
        (207, 1, 1)
    );
    let row = serde_json::to_value(&reply.errors[0]).unwrap();
    assert_eq!(row["context"]["objectWriteTraceId"], json!(["0"]));
    assert_eq!(
        row["context"]["existingId"],
        json!([existing.id.to_string()])
    );
    assert_eq!(reply.results[0].trace_id.as_deref(), Some("1"));
}

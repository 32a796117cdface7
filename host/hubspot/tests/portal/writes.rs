//! Batch writes: partial failures, whole-batch refusals, matching of results.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use partneros_domain::{FieldName, HubSpotId, Timestamp};
use partneros_hubspot::{Error, Portal, Priority, Update, Upsert, Written};
use serde_json::{Value, json};

use crate::server::{Reply, Request, Server, html, json as reply};

fn update(id: i64, properties: &[(&str, Option<&str>)]) -> Update {
    Update {
        id: HubSpotId(id),
        properties: properties
            .iter()
            .map(|(name, value)| (FieldName::from(*name), value.map(str::to_owned)))
            .collect(),
    }
}

fn result(input: &Value) -> Value {
    json!({"id": input["id"], "properties": input["properties"], "createdAt": "2020-01-01T00:00:00.000Z",
        "updatedAt": "2024-09-11T13:27:39.356Z", "archived": false})
}

fn inputs(request: &Request) -> Vec<Value> {
    request.json()["inputs"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

/// `ok` or the codes and message of the refusal, by row.
fn outcomes(written: &[Written]) -> Vec<String> {
    let outcome = |written: &Written| match written {
        Written::Done(object) => format!("ok {}", object.id),
        Written::Refused(error) => {
            let codes: Vec<_> = error
                .properties
                .iter()
                .map(|error| error.code.as_str())
                .collect();
            format!("{} {}", error.category, codes.join(","))
        }
    };
    written.iter().map(outcome).collect()
}

/// A portal that refuses a whole batch for any bad value, and counts how often each object is written.
#[derive(Clone, Default)]
struct Strict {
    writes: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Strict {
    fn answer(&self, request: &Request) -> Reply {
        let inputs = inputs(request);
        let mut errors = Vec::new();
        for input in &inputs {
            for (name, value) in input["properties"].as_object().into_iter().flatten() {
                let value = value.as_str().unwrap_or_default();
                let problem = match (name.as_str(), value) {
                    ("gone", _) => Some((
                        "PROPERTY_DOESNT_EXIST",
                        "Property \"gone\" does not exist".to_owned(),
                    )),
                    ("amount", v) if !v.is_empty() && v.parse::<f64>().is_err() => {
                        Some(("INVALID_LONG", format!("{v} was not a valid long.")))
                    }
                    ("stage", v) if v.starts_with("bad") => Some((
                        "INVALID_OPTION",
                        "was not one of the allowed options".to_owned(),
                    )),
                    _ => None,
                };
                if let Some((code, message)) = problem {
                    errors.push(json!({"message": message, "code": code, "context": {"propertyName": [name]}}));
                }
            }
        }
        if !errors.is_empty() {
            let body = json!({"status": "error", "category": "VALIDATION_ERROR", "correlationId": "c-1",
                "message": "Property values were not valid", "errors": errors});
            return reply(400, &body);
        }
        let mut writes = self.writes.lock().unwrap();
        for input in &inputs {
            *writes
                .entry(input["id"].as_str().unwrap_or_default().to_owned())
                .or_default() += 1;
        }
        let results: Vec<_> = inputs.iter().rev().map(result).collect();
        reply(200, &json!({"status": "COMPLETE", "results": results}))
    }

    fn written_once(&self, ids: impl Iterator<Item = i64>) {
        let expected: BTreeMap<_, _> = ids.map(|id| (id.to_string(), 1)).collect();
        assert_eq!(*self.writes.lock().unwrap(), expected);
    }
}

async fn strict() -> (Strict, Server) {
    let strict = Strict::default();
    let portal = strict.clone();
    let server = Server::start(move |request, _| portal.answer(request)).await;
    (strict, server)
}

#[tokio::test]
async fn results_in_any_order_find_their_rows_and_clearing_is_an_empty_text() {
    let (_, server) = strict().await;
    let updates = [
        update(11, &[("name", Some("A")), ("city", None)]),
        update(12, &[("name", Some("B"))]),
    ];
    let written = server
        .client()
        .update_batch("companies", &updates, Priority::Push)
        .await
        .unwrap();
    let [Written::Done(first), Written::Done(second)] = &written[..] else {
        panic!("{written:?}");
    };
    assert_eq!(
        (first.id, second.id, first.created),
        (HubSpotId(11), HubSpotId(12), false)
    );
    assert_eq!(first.updated_at, Timestamp(1_726_061_259_356));
    assert_eq!(first.properties.get("name"), Some(&Some("A".to_owned())));
    assert_eq!(first.properties.get("city"), Some(&None));
    let request = server.requests().remove(0);
    assert_eq!(request.path, "/crm/v3/objects/companies/batch/update");
    assert_eq!(
        inputs(&request)[0],
        json!({"id": "11", "properties": {"name": "A", "city": ""}, "objectWriteTraceId": "row-0"})
    );
}

#[tokio::test]
async fn a_value_that_hubspot_quotes_is_found_without_bisecting() {
    let (strict, server) = strict().await;
    let updates: Vec<_> = (0..100)
        .map(|n| {
            update(
                1_000 + n,
                &[("amount", Some(if n == 37 { "1/1/1" } else { "15" }))],
            )
        })
        .collect();
    let written = server
        .client()
        .update_batch("deals", &updates, Priority::Push)
        .await
        .unwrap();
    for (n, outcome) in outcomes(&written).iter().enumerate() {
        let expected = if n == 37 {
            "VALIDATION_ERROR INVALID_LONG".to_owned()
        } else {
            format!("ok {}", 1_000 + n)
        };
        assert_eq!(*outcome, expected);
    }
    assert_eq!(server.requests().len(), 3);
    strict.written_once((1_000..1_100).filter(|id| *id != 1_037));
}

#[tokio::test]
async fn rows_that_set_a_property_which_is_gone_are_refused_without_another_call() {
    let (strict, server) = strict().await;
    let updates: Vec<_> = (0..100)
        .map(|n| update(n, &[(if n % 2 == 0 { "gone" } else { "name" }, Some("x"))]))
        .collect();
    let written = server
        .client()
        .update_batch("deals", &updates, Priority::Push)
        .await
        .unwrap();
    assert_eq!(server.requests().len(), 2);
    let Written::Refused(error) = &written[0] else {
        panic!("{written:?}");
    };
    assert_eq!(error.properties[0].property, Some("gone".into()));
    assert_eq!(error.correlation_id.as_deref(), Some("c-1"));
    strict.written_once((0..100).filter(|id| id % 2 == 1));
}

#[tokio::test]
async fn bad_rows_that_nothing_points_at_are_bisected() {
    let (strict, server) = strict().await;
    let bad = [3, 4, 77];
    let updates: Vec<_> = (0..100)
        .map(|n| {
            update(
                n,
                &[
                    ("stage", Some(if bad.contains(&n) { "bad" } else { "won" })),
                    ("amount", None),
                ],
            )
        })
        .collect();
    let written = server
        .client()
        .update_batch("deals", &updates, Priority::Push)
        .await
        .unwrap();
    for (n, outcome) in outcomes(&written).iter().enumerate() {
        assert_eq!(
            outcome.starts_with("VALIDATION_ERROR INVALID_OPTION"),
            bad.contains(&(n as i64)),
            "{n} {outcome}"
        );
    }
    strict.written_once((0..100).filter(|id| !bad.contains(id)));
    assert!(
        server.requests().len() < 40,
        "{} calls",
        server.requests().len()
    );
}

#[tokio::test]
async fn rows_in_errors_are_found_by_id_or_by_trace_and_the_silent_are_sent_again() {
    let server = Server::start(|request, before| {
        let inputs = inputs(request);
        if before > 0 {
            assert_eq!(inputs.len(), 1);
            return reply(200, &json!({"status": "COMPLETE", "results": [result(&inputs[0])]}));
        }
        let body = json!({"status": "COMPLETE", "results": [result(&inputs[3])], "numErrors": 2, "errors": [
            {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "Could not get some", "context": {"ids": ["50"]}},
            {"status": "error", "category": "VALIDATION_ERROR", "context": {"objectWriteTraceId": ["row-1"]},
             "message": "Property values were not valid: [{\"isValid\":false,\"message\":\"no\",\"error\":\"INVALID_OPTION\",\"name\":\"stage\"}]"},
        ]});
        reply(207, &body)
    })
    .await;
    let updates = [50, 51, 52, 53].map(|id| update(id, &[("stage", Some("x"))]));
    let written = server
        .client()
        .update_batch("deals", &updates, Priority::Push)
        .await
        .unwrap();
    assert_eq!(
        outcomes(&written),
        [
            "OBJECT_NOT_FOUND ",
            "VALIDATION_ERROR INVALID_OPTION",
            "ok 52",
            "ok 53"
        ]
    );
    assert_eq!(inputs(&server.requests()[1])[0]["id"], "52");
}

#[tokio::test]
async fn an_answer_without_outcomes_is_an_error_and_no_endless_loop() {
    let server = Server::always(200, json!({"status": "COMPLETE", "results": []})).await;
    let updates = [1, 2, 3].map(|id| update(id, &[("stage", Some("x"))]));
    let error = server
        .client()
        .update_batch("deals", &updates, Priority::Push)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::InvalidResponse { .. }), "{error}");
}

#[tokio::test]
async fn an_object_named_twice_is_written_in_two_calls_in_order() {
    let (_, server) = strict().await;
    let updates = [
        update(1, &[("name", Some("first"))]),
        update(2, &[("name", Some("other"))]),
        update(1, &[("name", Some("second"))]),
    ];
    let written = server
        .client()
        .update_batch("deals", &updates, Priority::Push)
        .await
        .unwrap();
    assert_eq!(outcomes(&written), ["ok 1", "ok 2", "ok 1"]);
    let sent: Vec<_> = server
        .requests()
        .iter()
        .map(|request| inputs(request).len())
        .collect();
    assert_eq!(sent, [2, 1]);
    assert_eq!(
        inputs(&server.requests()[1])[0]["properties"]["name"],
        "second"
    );
}

#[tokio::test]
async fn upserts_find_their_rows_by_trace_or_by_key() {
    for traced in [true, false] {
        let server = Server::start(move |request, _| {
            let results: Vec<_> = inputs(request)
                .iter()
                .rev()
                .map(|input| {
                    let key = input["id"].as_str().unwrap_or_default();
                    let mut result = json!({"id": format!("90{}", key.len()), "new": key == "aa",
                        "properties": {"ext": key.to_ascii_lowercase(), "name": input["properties"]["name"]},
                        "updatedAt": "2024-09-11T13:27:39.356Z"});
                    if traced {
                        result["objectWriteTraceId"] = input["objectWriteTraceId"].clone();
                    }
                    result
                })
                .collect();
            reply(200, &json!({"status": "COMPLETE", "results": results}))
        })
        .await;
        let upserts = ["aa", "BBB", "c"].map(|key| Upsert {
            key: key.to_owned(),
            properties: vec![("name".into(), Some("n".to_owned()))],
        });
        let written = server
            .client()
            .upsert_batch("companies", &"ext".into(), &upserts, Priority::Push)
            .await
            .unwrap();
        assert_eq!(outcomes(&written), ["ok 902", "ok 903", "ok 901"]);
        assert!(matches!(&written[0], Written::Done(object) if object.created));
        assert!(matches!(&written[1], Written::Done(object) if !object.created));
        let request = server.requests().remove(0);
        assert_eq!(request.path, "/crm/v3/objects/companies/batch/upsert");
        assert_eq!(
            inputs(&request)[1],
            json!({"id": "BBB", "idProperty": "ext", "properties": {"name": "n"}, "objectWriteTraceId": "row-1"})
        );
    }
}

#[tokio::test]
async fn a_key_that_is_not_unique_fails_the_batch_and_not_its_rows() {
    let body = json!({"status": "error", "category": "VALIDATION_ERROR",
        "message": "Unable to perform update/upsert by non-unique 0-2 property domain"});
    let server = Server::always(400, body).await;
    let upserts = ["a", "b"].map(|key| Upsert {
        key: key.to_owned(),
        properties: Vec::new(),
    });
    let outcome = server
        .client()
        .upsert_batch("companies", &"domain".into(), &upserts, Priority::Push)
        .await;
    assert!(matches!(outcome, Err(Error::Validation(_))));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_conflict_of_one_row_spares_the_others() {
    let server = Server::start(|request, _| {
        let inputs = inputs(request);
        if inputs
            .iter()
            .any(|input| input["properties"]["ext"] == "taken")
        {
            return reply(
                409,
                &json!({"status": "error", "category": "CONFLICT", "message": "already exists"}),
            );
        }
        let results: Vec<_> = inputs.iter().map(result).collect();
        reply(200, &json!({"status": "COMPLETE", "results": results}))
    })
    .await;
    let updates =
        [1, 2, 3, 4].map(|id| update(id, &[("ext", Some(if id == 3 { "taken" } else { "free" }))]));
    let written = server
        .client()
        .update_batch("deals", &updates, Priority::Push)
        .await
        .unwrap();
    assert_eq!(outcomes(&written), ["ok 1", "ok 2", "CONFLICT ", "ok 4"]);
}

#[tokio::test]
async fn archiving_ignores_what_is_gone() {
    let server = Server::start(|request, _| {
        if inputs(request).iter().any(|input| input["id"] == "2") {
            reply(404, &json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": "resource not found"}))
        } else {
            html(204, "")
        }
    })
    .await;
    let client = server.client();
    client
        .archive_batch("deals", &[1, 2, 3, 4, 2].map(HubSpotId), Priority::Push)
        .await
        .unwrap();
    let archived: Vec<_> = server
        .requests()
        .iter()
        .map(inputs)
        .filter(|inputs| inputs.iter().all(|input| input["id"] != "2"))
        .flatten()
        .map(|input| input["id"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(archived, ["1", "3", "4"]);

    let unknown =
        json!({"status": "error", "message": "Unable to infer object type from: butterflies"});
    let server = Server::always(400, unknown).await;
    let error = server
        .client()
        .archive_batch("butterflies", &[HubSpotId(1)], Priority::Push)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "{error}");
}

//! Search, batch read and the archived list.

use partneros_domain::{FieldName, HubSpotId, Timestamp};
use partneros_hubspot::{Error, List, Portal, Priority, Search, Window};
use serde_json::{Value, json};

use crate::server::{Server, json as reply};

fn names(names: &[&str]) -> Vec<FieldName> {
    names.iter().map(FieldName::from).collect()
}

fn object(id: &str, properties: &Value) -> Value {
    json!({"id": id, "properties": properties, "createdAt": "2020-01-01T00:00:00.000Z",
        "updatedAt": "2024-09-11T13:27:39.356Z", "archived": false})
}

async fn searched(object_type: &str, window: Window) -> (String, Value) {
    let server = Server::always(
        200,
        json!({"total": 12_000, "results": [object("7", &json!({"name": "Acme"}))]}),
    )
    .await;
    let properties = names(&["name", "city"]);
    let search = Search {
        object: object_type,
        properties: &properties,
        window,
        limit: 500,
        priority: Priority::Poll,
    };
    let page = server.client().search(search).await.unwrap();
    assert_eq!(
        (page.total, page.rows.ids.clone()),
        (12_000, vec![HubSpotId(7)])
    );
    assert_eq!(
        page.rows.columns,
        [vec![Some("Acme".to_owned())], vec![None]]
    );
    assert_eq!(page.rows.absent, [false, true]);
    let request = server.requests().remove(0);
    (request.path.clone(), request.json())
}

#[tokio::test]
async fn a_search_goes_by_modification_time() {
    let (path, body) = searched("companies", Window::Since(Timestamp(1_579_514_400_000))).await;
    assert_eq!(path, "/crm/v3/objects/companies/search");
    assert_eq!(
        body,
        json!({
            "filterGroups": [{"filters": [
                {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "1579514400000"},
            ]}],
            "sorts": [{"propertyName": "hs_lastmodifieddate", "direction": "ASCENDING"}],
            "properties": ["name", "city"],
            "limit": 200,
        })
    );
}

#[tokio::test]
async fn an_instant_is_drained_by_id_and_contacts_have_their_own_property() {
    let window = Window::Within {
        at: Timestamp(5),
        after: Some(HubSpotId(42)),
    };
    let (_, body) = searched("contacts", window).await;
    assert_eq!(
        body["filterGroups"],
        json!([{"filters": [
            {"propertyName": "lastmodifieddate", "operator": "EQ", "value": "5"},
            {"propertyName": "hs_object_id", "operator": "GT", "value": "42"},
        ]}])
    );
    assert_eq!(body["sorts"][0]["propertyName"], "hs_object_id");
    let window = Window::Within {
        at: Timestamp(5),
        after: None,
    };
    let (_, body) = searched("0-1", window).await;
    assert_eq!(
        body["filterGroups"][0]["filters"].as_array().map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn a_batch_read_tells_the_missing_from_the_merged() {
    let not_found = |ids: &[&str]| {
        json!({"status": "error", "category": "OBJECT_NOT_FOUND", "context": {"ids": ids},
            "message": "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid."})
    };
    let read = async |results: &[&str], errors: Value| {
        let results: Vec<_> = results
            .iter()
            .map(|id| object(id, &json!({"name": id})))
            .collect();
        let status = if errors == json!([]) { 200 } else { 207 };
        let body =
            json!({"status": "COMPLETE", "results": results, "numErrors": 1, "errors": errors});
        let server = Server::always(status, body).await;
        let ids = [1, 2, 3, 1].map(HubSpotId);
        let outcome = server
            .client()
            .read_batch("deals", &names(&["name"]), &ids, Priority::Push)
            .await;
        let request = server.requests().remove(0);
        assert_eq!(request.path, "/crm/v3/objects/deals/batch/read");
        assert_eq!(
            request.json(),
            json!({"inputs": [{"id": "1"}, {"id": "2"}, {"id": "3"}], "properties": ["name"]})
        );
        outcome.map(|batch| {
            (
                batch.rows.ids.iter().map(|id| id.0).collect::<Vec<_>>(),
                batch.missing.iter().map(|id| id.0).collect::<Vec<_>>(),
            )
        })
    };
    let out_of_order = read(&["3", "1"], json!([not_found(&["2"])])).await.unwrap();
    assert_eq!(out_of_order, (vec![3, 1], vec![2]));
    let silent = read(&["3", "1"], json!([])).await.unwrap();
    assert_eq!(silent, (vec![3, 1], vec![2]));
    let merged = read(&["9", "1"], json!([not_found(&["3"])])).await.unwrap();
    assert_eq!(merged, (vec![9, 1], vec![3]));
    let other = json!([{"category": "VALIDATION_ERROR", "message": "no"}]);
    assert!(matches!(read(&["1"], other).await, Err(Error::Refused(_))));
}

#[tokio::test]
async fn a_history_names_what_wrote_each_value() {
    let server = Server::start(|request, _| {
        let inputs = request.json()["inputs"].as_array().cloned();
        let inputs = inputs.unwrap_or_default();
        assert!(inputs.len() <= 50);
        let results: Vec<_> = inputs
            .iter()
            .map(|input| {
                let mut object = object("7", &json!({"hs_object_id": "7"}));
                object["id"] = input["id"].clone();
                object["propertiesWithHistory"] = json!({"city": [
                    {"value": "BERN", "timestamp": "2024-09-11T13:27:39.356Z",
                        "sourceType": "AUTOMATION_PLATFORM", "sourceId": "5", "sourceLabel": ""},
                    {"value": "", "timestamp": "2024-09-11T13:27:40Z", "sourceType": "CRM_UI"},
                ]});
                object
            })
            .collect();
        reply(200, &json!({"status": "COMPLETE", "results": results}))
    })
    .await;
    let ids: Vec<_> = (1..=51).map(HubSpotId).collect();
    let properties = names(&["city", "phone"]);
    let client = server.client();
    let histories = client.read_history("companies", &properties, &ids, Priority::Push);
    let histories = histories.await.unwrap();
    assert_eq!(histories.len(), 51);
    let [city, phone] = &histories[50].versions[..] else {
        panic!("one list for each property");
    };
    assert_eq!(phone, &[]);
    let told: Vec<_> = city
        .iter()
        .map(|version| (version.value.as_deref(), &*version.source_type))
        .collect();
    assert_eq!(
        told,
        [(None, "CRM_UI"), (Some("BERN"), "AUTOMATION_PLATFORM")]
    );
    assert_eq!(city[1].source_id.as_deref(), Some("5"));
    assert_eq!(city[1].source_label, None);
    let body = server.requests().remove(0).json();
    assert_eq!(body["propertiesWithHistory"], json!(["city", "phone"]));
    assert_eq!(body["properties"], json!(["hs_object_id"]));
}

#[tokio::test]
async fn more_ids_than_a_batch_takes_are_read_in_several() {
    let server = Server::start(|request, _| {
        let inputs = request.json()["inputs"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        assert!(inputs.len() <= 100);
        let results: Vec<_> = inputs
            .iter()
            .map(|input| object(input["id"].as_str().unwrap(), &json!({"name": "x"})))
            .collect();
        reply(200, &json!({"status": "COMPLETE", "results": results}))
    })
    .await;
    let ids: Vec<_> = (1..=250).map(HubSpotId).collect();
    let client = server.client();
    let batch = client
        .read_batch("deals", &names(&["name", "gone"]), &ids, Priority::Push)
        .await
        .unwrap();
    assert_eq!(batch.rows.ids, ids);
    assert_eq!(batch.rows.columns[0].len(), 250);
    assert_eq!(batch.rows.absent, [false, true]);
    assert_eq!(server.requests().len(), 3);
    let none = client
        .read_batch("deals", &names(&["name"]), &[], Priority::Push)
        .await
        .unwrap();
    assert_eq!((none.rows.columns.len(), server.requests().len()), (1, 3));
}

#[tokio::test]
async fn archived_objects_are_listed_by_page() {
    let server = Server::always(
        200,
        json!({"results": [{"id": "7", "properties": {"name": "Gone"}, "updatedAt": "2024-09-11T13:27:39Z", "archived": true}],
            "paging": {"next": {"after": "8", "link": "x"}}}),
    )
    .await;
    let client = server.client();
    let properties = names(&["name", "a"]);
    let list = List {
        object: "deals",
        properties: &properties,
        archived: true,
        after: Some("5"),
        priority: Priority::Poll,
    };
    let (rows, next) = client.list(list).await.unwrap();
    assert_eq!((rows.archived, next.as_deref()), (vec![true], Some("8")));
    let request = server.requests().remove(0);
    assert_eq!(request.path, "/crm/v3/objects/deals");
    assert_eq!(
        request.query,
        "limit=100&archived=true&properties=name%2Ca&after=5"
    );
    let after = Some("8");
    let stuck = client.list(List { after, ..list }).await.unwrap_err();
    assert!(matches!(stuck, Error::InvalidResponse { .. }), "{stuck}");
    let archived = false;
    client.list(List { archived, ..list }).await.unwrap();
    let request = server.requests().remove(2);
    assert_eq!(request.query, "limit=100&properties=name%2Ca&after=5");
}

#[tokio::test]
async fn names_too_many_for_an_address_are_read_in_a_second_call() {
    let server = Server::start(|request, _| {
        let results = match request.method.as_str() {
            "GET" => [
                object("1", &json!({})),
                object("2", &json!({})),
                object("3", &json!({})),
            ]
            .to_vec(),
            _ => [
                object("3", &json!({"p7": "three"})),
                object("1", &json!({"p7": "one"})),
            ]
            .to_vec(),
        };
        reply(200, &json!({"results": results}))
    })
    .await;
    let properties: Vec<_> = (0..1_000)
        .map(|n| FieldName::from(format!("p{n}")))
        .collect();
    let list = List {
        object: "deals",
        properties: &properties,
        archived: true,
        after: None,
        priority: Priority::Poll,
    };
    let (rows, next) = server.client().list(list).await.unwrap();
    assert_eq!((rows.ids, next), ([1, 3].map(HubSpotId).to_vec(), None));
    assert_eq!(
        rows.columns[7],
        [Some("one".to_owned()), Some("three".to_owned())]
    );
    assert_eq!((rows.absent[7], rows.absent[8]), (false, true));
    let requests = server.requests();
    assert_eq!(requests[0].query, "limit=100&archived=true");
    assert_eq!(requests[1].query, "archived=true");
}

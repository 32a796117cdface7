//! Properties, schemas, pipelines, owners.

use partneros_hubspot::model::NewProperty;
use partneros_hubspot::{Client, Error, Portal, StaticToken};
use serde_json::json;

use crate::server::{Server, TOKEN, json as reply};

fn unique_key() -> NewProperty {
    NewProperty {
        name: "partneros_record_id".into(),
        label: "PartnerOS record".to_owned(),
        description: String::new(),
        group_name: "dealinformation".to_owned(),
        kind: "string".to_owned(),
        field_type: "text".to_owned(),
        has_unique_value: true,
        hidden: false,
        form_field: false,
    }
}

#[tokio::test]
async fn loosely_shaped_properties_are_read() {
    let server = Server::always(
        200,
        json!({"results": [
            {"name": "dealstage", "label": "Deal Stage", "type": "enumeration", "fieldType": "radio", "options": [],
             "externalOptions": true, "modificationMetadata": {"archivable": true, "readOnlyValue": false}},
            {"name": "odd", "label": null, "type": "object_coordinates", "fieldType": "calculation_read_time",
             "options": [{"label": "A", "value": "a", "displayOrder": null}], "referencedObjectType": null, "calculated": true},
        ]}),
    )
    .await;
    let properties = server.client().properties("deals").await.unwrap();
    assert_eq!(server.requests()[0].path, "/crm/v3/properties/deals");
    assert!(properties[0].external_options && !properties[0].is_read_only());
    assert!(properties[1].is_read_only());
    assert_eq!(properties[1].options[0].value, "a");
}

#[tokio::test]
async fn creating_a_property_that_exists_returns_it() {
    let server = Server::start(|request, _| match request.method.as_str() {
        "POST" => reply(
            409,
            &json!({"status": "error", "category": "OBJECT_ALREADY_EXISTS", "message": "A property named 'x' already exists."}),
        ),
        _ => reply(200, &json!({"name": "partneros_record_id", "type": "string", "hasUniqueValue": true})),
    })
    .await;
    let property = server
        .client()
        .create_property("deals", &unique_key())
        .await
        .unwrap();
    assert!(property.has_unique_value);
    let requests = server.requests();
    assert_eq!(requests[0].json()["hasUniqueValue"], true);
    assert_eq!(requests[0].json()["type"], "string");
    assert_eq!(
        requests[1].path,
        "/crm/v3/properties/deals/partneros_record_id"
    );
}

#[tokio::test]
async fn a_portal_without_custom_objects_has_none() {
    let refused = json!({"status": "error", "category": "MISSING_SCOPES",
        "context": {"requiredGranularScopes": ["custom-object-read"]}});
    for (status, body) in [(403, refused), (200, json!({"results": []}))] {
        let server = Server::always(status, body).await;
        assert_eq!(server.client().custom_schemas().await.unwrap(), []);
    }
    let server = Server::always(
        200,
        json!({"results": [{"id": "1", "objectTypeId": "2-3465404", "name": "car", "fullyQualifiedName": "p1_car",
            "labels": {"singular": "Car", "plural": null}, "requiredProperties": ["vin"],
            "properties": [{"name": "vin"}], "archived": false}]}),
    )
    .await;
    let schemas = server.client().custom_schemas().await.unwrap();
    assert_eq!(schemas[0].object_type_id, "2-3465404");
    assert_eq!(server.requests()[0].path, "/crm-object-schemas/v3/schemas");
}

#[tokio::test]
async fn pipelines_have_stages() {
    let server = Server::always(
        200,
        json!({"results": [{"id": "default", "label": "Sales Pipeline", "displayOrder": 0, "stages": [
            {"id": "closedwon", "label": "Closed won", "displayOrder": 5, "metadata": {"isClosed": "true"}}]}]}),
    )
    .await;
    let pipelines = server.client().pipelines("deals").await.unwrap();
    assert_eq!(pipelines[0].stages[0].id, "closedwon");
}

#[tokio::test]
async fn owners_are_read_to_the_last_page_and_a_cursor_that_stands_still_ends_it() {
    let owner =
        |id: &str| json!({"id": id, "email": "a@example.com", "firstName": null, "userId": 1});
    let server = Server::start(move |request, _| {
        if request.query.contains("after=100") {
            reply(200, &json!({"results": [owner("2")]}))
        } else {
            reply(
                200,
                &json!({"results": [owner("1")], "paging": {"next": {"after": "100"}}}),
            )
        }
    })
    .await;
    let mut config = server.config();
    config.version = partneros_hubspot::ApiVersion::V2026_03;
    let client = Client::new(config, std::sync::Arc::new(StaticToken::new(TOKEN))).unwrap();
    let owners = client.owners().await.unwrap();
    assert_eq!([&owners[0].id, &owners[1].id], ["1", "2"]);
    assert_eq!(server.requests()[1].path, "/crm/owners/2026-03");

    let stuck = Server::always(
        200,
        json!({"results": [], "paging": {"next": {"after": "100"}}}),
    )
    .await;
    let error = stuck.client().owners().await.unwrap_err();
    assert!(matches!(error, Error::InvalidResponse { .. }), "{error}");
    assert_eq!(stuck.requests().len(), 2);
}

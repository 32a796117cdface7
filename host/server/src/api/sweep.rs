//! Sweeps over all routes, taken from the `OpenAPI` document, so that a new route cannot be forgotten: without a token,
//! and with another organization's ids.

use axum::http::Method;
use partneros_domain::AlertKind;
use serde_json::{Value as Json, json};

use super::fixture::{Answer, Client, TestApi};
use crate::openapi::PUBLIC;

/// A route of the document.
struct Operation {
    id: String,
    method: Method,
    path: String,
}

/// What Acme has, one of each.
struct Owned {
    connection: String,
    record: String,
    pair: String,
    run: String,
    version: String,
    alert: String,
    webhook: String,
    delivery: String,
}

fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(crate::router::document()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
            });
        }
    }
    operations
}

impl Operation {
    /// Whether the path names something of an organization's.
    fn is_owned(&self) -> bool {
        self.path.contains("Id}")
    }

    fn path(&self, owned: &Owned) -> String {
        self.path
            .replace("{connectionId}", &owned.connection)
            .replace("{recordId}", &owned.record)
            .replace("{pairId}", &owned.pair)
            .replace("{runId}", &owned.run)
            .replace("{versionId}", &owned.version)
            .replace("{alertId}", &owned.alert)
            .replace("{webhookId}", &owned.webhook)
            .replace("{deliveryId}", &owned.delivery)
            .replace("{object}", "partners")
            .replace("{field}", "name")
    }

    /// A body that the route takes, so that nothing but the id can be what is refused.
    fn body(&self) -> Option<Json> {
        let body = match self.id.as_str() {
            "createRecord" | "updateRecord" => json!({"fields": {"name": "Swept"}}),
            "upsertRecords" => json!({"records": []}),
            "createPair" => json!({"object": "deals", "hubspotObject": "deals"}),
            "updatePair" => json!({"conflictPolicy": "crm_wins"}),
            "updateMapping" => json!({"state": "ignored"}),
            "replaceMappings" => json!({"version": 2, "mappings": []}),
            "confirmMappings" | "startSync" => json!({}),
            "tryMapping" => json!({"direction": "to_partneros", "property": "name"}),
            "compareBundle" => json!({"bundle": bundle()}),
            "importBundle" => json!({"bundle": bundle(), "version": 2}),
            "createWebhook" => json!({"url": "https://acme.example/", "types": ["alert."]}),
            "updateWebhook" => json!({"enabled": true}),
            "quarantinePluginVersion" => json!({"reason": "swept"}),
            "pullPlugin" => {
                json!({"name": "swept", "reference": "registry.example.com/acme/mapper:1"})
            }
            _ => return None,
        };
        Some(body)
    }

    async fn send(&self, client: &Client<'_>, owned: &Owned) -> Answer {
        client
            .send(self.method.clone(), &self.path(owned), &[], self.body())
            .await
    }
}

/// A bundle that every pair of partners takes.
fn bundle() -> Json {
    json!({
        "format": 1, "object": "partners", "hubspotObject": "companies", "mappings": [], "mapper": [], "plugins": [],
        "fixtures": [], "defaultMapper": "0".repeat(64),
        "settings": {
            "direction": "bidirectional", "conflictPolicy": "newest_wins", "matchKey": null,
            "thresholds": {"autoMapped": 0.9, "suggested": 0.5}, "pluginFailurePolicy": "park_record",
        },
    })
}

async fn owned(api: &TestApi) -> Owned {
    let pair = api.active_pair().await;
    let shown = api
        .acme()
        .get(&format!("/api/pairs/{pair}"))
        .await
        .expect(200);
    let run = api.run_to_its_end(&pair).await;
    let (webhook, delivery) = api.webhook().await;
    Owned {
        connection: shown["pair"]["connectionId"].as_str().unwrap().to_owned(),
        record: api.acme().make_partner("Acme's").await,
        pair,
        run,
        version: api.version().await,
        alert: api.alert(AlertKind::TokenRevoked, "swept").await,
        webhook,
        delivery,
    }
}

#[tokio::test]
async fn no_route_answers_without_a_token_that_works() {
    let api = TestApi::new().await;
    let owned = owned(&api).await;
    let unknown = format!("pos_{}", "0".repeat(64));
    let callers = [
        api.anyone(),
        api.stranger(&unknown),
        api.stranger("x"),
        api.stranger(""),
    ];
    for operation in operations()
        .iter()
        .filter(|operation| !PUBLIC.contains(&operation.id.as_str()))
    {
        for caller in &callers {
            let answer = operation.send(caller, &owned).await;
            answer.refused(401, "unauthorized");
            assert!(
                answer.header("www-authenticate").starts_with("Bearer"),
                "{}",
                operation.id
            );
        }
    }
    for id in PUBLIC {
        assert!(
            operations().iter().any(|operation| operation.id == id),
            "{id} is no route"
        );
    }
}

#[tokio::test]
async fn what_belongs_to_another_organization_does_not_exist() {
    let api = TestApi::new().await;
    let owned = owned(&api).await;
    let before = everything(&api, &owned).await;
    let operations = operations();
    let swept = operations.iter().filter(|operation| operation.is_owned());
    assert!(swept.clone().count() >= 25);
    for operation in swept {
        operation
            .send(&api.other(), &owned)
            .await
            .refused(404, "not_found");
    }
    assert_eq!(
        everything(&api, &owned).await,
        before,
        "nothing of it was touched"
    );
}

/// The same requests by the owner, so that the sweep before proves something: none of them is refused for another reason.
#[tokio::test]
async fn the_owner_is_answered() {
    for operation in operations().iter().filter(|operation| operation.is_owned()) {
        let api = TestApi::new().await;
        let owned = owned(&api).await;
        api.portals.open();
        let answer = operation.send(&api.acme(), &owned).await;
        assert!(
            matches!(answer.status, 200 | 202),
            "{}: {} {}",
            operation.id,
            answer.status,
            answer.json
        );
    }
}

#[tokio::test]
async fn a_record_upserted_under_anothers_id_leaves_theirs_alone() {
    let api = TestApi::new().await;
    let id = api.acme().make_partner("Acme's").await;
    let batch = json!({"records": [{"id": id, "fields": {"name": "Other's"}}]});
    api.other()
        .post("/api/records/partners/batch", batch)
        .await
        .expect(200);
    let path = format!("/api/records/partners/{id}");
    assert_eq!(
        api.acme().get(&path).await.expect(200)["record"]["fields"]["name"],
        "Acme's"
    );
    assert_eq!(
        api.other().get(&path).await.expect(200)["record"]["fields"]["name"],
        "Other's"
    );
}

async fn everything(api: &TestApi, owned: &Owned) -> Vec<Json> {
    let mut all = Vec::new();
    for operation in operations()
        .iter()
        .filter(|operation| operation.method == Method::GET)
    {
        if operation.is_owned() {
            all.push(operation.send(&api.acme(), owned).await.expect(200));
        }
    }
    all
}

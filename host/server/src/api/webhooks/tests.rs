//! Webhooks over the API: made, changed, deleted, and refused.

use serde_json::{Value as Json, json};

use crate::api::fixture::{Client, TestApi};
use crate::webhooks::WebhooksConfig;

async fn make(client: &Client<'_>, url: &str, types: &[&str]) -> Json {
    let body = json!({"url": url, "types": types});
    client.post("/api/webhooks", body).await.expect(200)
}

/// What the audit log has of webhooks, newest first.
async fn noted(client: &Client<'_>) -> Vec<(String, Json)> {
    let page = client
        .get("/api/audit-events?type=webhook.")
        .await
        .expect(200);
    let events = page["events"].as_array().unwrap().iter();
    let noted = events.map(|event| {
        let name = event["type"].as_str().unwrap().to_owned();
        (name, event["metadata"].clone())
    });
    noted.collect()
}

#[tokio::test]
async fn a_webhook_is_made_shown_changed_and_deleted() {
    let api = TestApi::new().await;
    let acme = api.acme();
    let made = make(
        &acme,
        "https://hooks.acme.example/t0ken?k=1",
        &["alert.", "pair.created"],
    )
    .await;
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"), "{secret}");
    let webhook = &made["webhook"];
    assert_eq!(
        (&webhook["enabled"], &webhook["pending"]),
        (&json!(true), &json!(0))
    );
    let path = format!("/api/webhooks/{}", webhook["id"].as_str().unwrap());
    assert_eq!(
        acme.get(&path).await.expect(200),
        json!({"webhook": webhook})
    );
    let listed = acme.get("/api/webhooks").await.expect(200);
    assert_eq!(listed, json!({"webhooks": [webhook]}));
    assert_eq!(
        api.other().get("/api/webhooks").await.expect(200),
        json!({"webhooks": []})
    );
    let change = json!({"url": "https://hooks.acme.example/other", "enabled": false});
    let changed = acme.patch(&path, change).await.expect(200);
    assert_eq!(changed["webhook"]["enabled"], false);
    assert_eq!(changed["webhook"]["disabledReason"], Json::Null);
    acme.delete(&path).await.expect(200);
    acme.get(&path).await.refused(404, "not_found");
    let noted = noted(&acme).await;
    let origin = "https://hooks.acme.example";
    let types = json!(["alert.", "pair.created"]);
    assert_eq!(
        noted,
        [
            (
                "webhook.deleted".to_owned(),
                json!({"origin": origin, "types": types, "enabled": false})
            ),
            (
                "webhook.updated".to_owned(),
                json!({"changed": {"enabled": {"from": true, "to": false}, "url": "differs"}})
            ),
            (
                "webhook.created".to_owned(),
                json!({"origin": origin, "types": types, "enabled": true})
            ),
        ]
    );
}

#[tokio::test]
async fn every_problem_of_a_webhook_is_named() {
    let api = TestApi::new().await;
    let acme = api.acme();
    let body = json!({"url": "http://10.0.0.1/", "types": ["alert", "alert.", "%"]});
    let answer = acme.post("/api/webhooks", body).await;
    answer.refused(400, "invalid_webhook");
    insta::assert_json_snapshot!("invalid_webhook", answer.json);
    for types in [json!([]), json!(vec!["alert."; 51])] {
        let body = json!({"url": "https://acme.example/", "types": types});
        let answer = acme.post("/api/webhooks", body).await;
        answer.refused(400, "invalid_webhook");
        assert_eq!(answer.details().next().unwrap()["code"], "invalid_types");
    }
    let made = make(&acme, "https://acme.example/", &["alert."]).await;
    let path = format!("/api/webhooks/{}", made["webhook"]["id"].as_str().unwrap());
    for change in [json!({"url": "https://[::1]/"}), json!({"types": ["x."]})] {
        let answer = acme.patch(&path, change).await;
        answer.refused(400, "invalid_webhook");
    }
    let read = acme.get(&path).await.expect(200);
    assert_eq!(read["webhook"], made["webhook"]);
}

#[tokio::test]
async fn there_are_so_many_webhooks_and_no_more() {
    let mut api = TestApi::new().await;
    api.serve(|state| {
        state.webhooks = WebhooksConfig {
            webhooks_max: 2,
            ..WebhooksConfig::default()
        }
    });
    let acme = api.acme();
    for _ in 0..2 {
        make(&acme, "https://acme.example/", &["alert."]).await;
    }
    let body = json!({"url": "https://acme.example/", "types": ["alert."]});
    let answer = acme.post("/api/webhooks", body.clone()).await;
    answer.refused(409, "too_many_webhooks");
    api.other().post("/api/webhooks", body).await.expect(200);
}

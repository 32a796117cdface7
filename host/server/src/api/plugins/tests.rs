//! Plugins over the API: uploaded, bound, tried, taken back, and refused.

use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value as Json, json};

use crate::api::fixture::{Answer, Client, TestApi};

const WASM: (&str, &str) = ("content-type", "application/wasm");

async fn upload(client: &Client<'_>, name: &str, component: &[u8]) -> Answer {
    let path = format!("/api/plugins?name={name}");
    let bytes = component.to_vec();
    client.send_bytes(Method::POST, &path, &[WASM], bytes).await
}

/// Uploads a component that is accepted and returns its sha256.
async fn uploaded(client: &Client<'_>, name: &str, component: &[u8]) -> String {
    let answer = upload(client, name, component).await.expect(200);
    answer["version"]["sha256"].as_str().unwrap().to_owned()
}

async fn bind(client: &Client<'_>, parts: &[&str]) -> Answer {
    let body = json!({"scope": "organization", "parts": parts});
    client.post("/api/plugins/bindings", body).await
}

#[tokio::test]
async fn an_upload_is_staged_with_a_report() {
    let api = TestApi::new().await;
    let acme = api.acme();
    let answer = upload(&acme, "shouter", test_guests::UPPERCASE)
        .await
        .expect(200);
    let version = &answer["version"];
    assert_eq!(version["state"], "staged");
    assert_eq!(
        (&version["number"], &version["world"]),
        (&json!(1), &json!("mapper"))
    );
    let trials = answer["report"]["trials"].as_array().unwrap();
    assert!(
        trials.iter().any(|trial| trial["fuel"].as_u64() > Some(0)),
        "{trials:?}"
    );
    let again = upload(&acme, "shouter", test_guests::UPPERCASE)
        .await
        .expect(200);
    assert_eq!(again["version"], *version);
    let listed = acme.get("/api/plugins").await.expect(200);
    assert_eq!(listed["plugins"][0]["name"], "shouter");
    assert_eq!(listed["plugins"][0]["versions"], 1);
    let versions = acme.get("/api/plugins/shouter/versions").await.expect(200);
    assert_eq!(versions["versions"][0], *version);
}

#[tokio::test]
async fn a_form_is_taken_too() {
    let api = TestApi::new().await;
    let mut form =
        b"--cut\r\ncontent-disposition: form-data; name=\"component\"; filename=\"x.wasm\"\r\n\r\n"
            .to_vec();
    form.extend_from_slice(test_guests::UPPERCASE);
    form.extend_from_slice(b"\r\n--cut--\r\n");
    let kind = [("content-type", "multipart/form-data; boundary=cut")];
    let path = "/api/plugins?name=shouter";
    let acme = api.acme();
    acme.send_bytes(Method::POST, path, &kind, form)
        .await
        .expect(200);
    let other =
        b"--cut\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\nx\r\n--cut--\r\n".to_vec();
    let answer = acme.send_bytes(Method::POST, path, &kind, other).await;
    let message = answer.refused(400, "invalid_body");
    assert!(message.contains("`component`"), "{message}");
}

#[tokio::test]
async fn a_bad_component_is_refused_with_every_problem() {
    let api = TestApi::new().await;
    let acme = api.acme();
    let answer = upload(&acme, "bad", test_guests::OPENS_SOCKET).await;
    answer.refused(422, "plugin_rejected");
    assert_eq!(answer.json["details"][0]["code"], "unknown-import");
    let answer = upload(&acme, "bad", test_guests::TRAPS).await;
    answer.refused(422, "plugin_rejected");
    assert_eq!(answer.json["details"][0]["code"], "trapped");
    upload(&acme, "bad", b"not wasm")
        .await
        .refused(422, "plugin_rejected");
    upload(&acme, "Bad_Name", test_guests::UPPERCASE)
        .await
        .refused(400, "invalid_name");
    let listed = acme.get("/api/plugins").await.expect(200);
    assert_eq!(listed["plugins"], json!([]), "nothing was kept");
}

#[tokio::test]
async fn an_upload_that_is_too_long_is_not_read_to_its_end() {
    let api = TestApi::new().await;
    let max = api
        .state
        .engine
        .parts()
        .plugins
        .runtime()
        .component_bytes_max();
    let answer = upload(&api.acme(), "big", &vec![0; max + 1]).await;
    let message = answer.refused(413, "body_too_large");
    assert!(message.contains(&max.to_string()), "{message}");
}

#[tokio::test]
async fn a_version_is_bound_and_taken_back() {
    let api = TestApi::new().await;
    let acme = api.acme();
    let first = uploaded(&acme, "mapper", test_guests::UPPERCASE).await;
    let second = uploaded(&acme, "mapper", test_guests::REMEMBERS).await;
    bind(&acme, &[&first]).await.expect(200);
    let bound = bind(&acme, &[&second]).await.expect(200);
    assert_eq!(bound["binding"]["previous"], json!([first]));
    let delete = format!("/api/plugins/versions/{first}");
    acme.delete(&delete).await.refused(409, "plugin_conflict");
    let scope = json!({"scope": "organization"});
    let back = acme
        .post("/api/plugins/bindings/rollback", scope.clone())
        .await
        .expect(200);
    assert_eq!(back["binding"]["parts"], json!([first]));
    assert_eq!(back["digest"], json!(first));
    acme.post("/api/plugins/bindings/remove", scope)
        .await
        .expect(200);
    acme.delete(&delete).await.expect(200);
    acme.get(&delete).await.refused(404, "not_found");
    let events = acme.get("/api/audit-events?type=plugin.").await.expect(200);
    let types: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "plugin.deleted",
            "plugin.deactivated",
            "plugin.rolled_back",
            "plugin.activated",
            "plugin.activated",
            "plugin.uploaded",
            "plugin.uploaded"
        ]
    );
}

#[tokio::test]
async fn parts_that_do_not_fit_are_not_bound() {
    let api = TestApi::new().await;
    let acme = api.acme();
    let mapper = uploaded(&acme, "mapper", test_guests::UPPERCASE).await;
    let layer = uploaded(&acme, "layer", test_guests::LAYERS).await;
    let bound = bind(&acme, &[&layer]).await.expect(200);
    assert_ne!(
        bound["digest"],
        json!(layer),
        "it stands on the default mapper"
    );
    bind(&acme, &[&layer, &layer, &layer, &layer, &mapper])
        .await
        .expect(200);
    bind(&acme, &[&mapper, &layer])
        .await
        .refused(400, "invalid_parts");
    bind(&acme, &[layer.as_str(); 9])
        .await
        .refused(400, "invalid_parts");
    bind(&acme, &[layer.as_str(); 5])
        .await
        .refused(400, "invalid_parts");
    bind(&acme, &[&"0".repeat(64)])
        .await
        .refused(404, "not_found");
    let path = format!("/api/plugins/versions/{mapper}/quarantine");
    acme.post(&path, json!({"reason": "test"}))
        .await
        .expect(200);
    bind(&acme, &[&mapper])
        .await
        .refused(409, "plugin_quarantined");
    let path = format!("/api/plugins/versions/{mapper}/release");
    acme.post(&path, json!({})).await.expect(200);
    bind(&acme, &[&mapper]).await.expect(200);
    let scope = json!({"scope": "organization"});
    let promote = acme.post("/api/plugins/bindings/promote", scope).await;
    promote.refused(409, "no_candidate");
}

#[tokio::test]
async fn anothers_version_does_not_exist() {
    let api = TestApi::new().await;
    let version = uploaded(&api.acme(), "mapper", test_guests::UPPERCASE).await;
    let other = api.other();
    bind(&other, &[&version]).await.refused(404, "not_found");
    other
        .get(&format!("/api/plugins/versions/{version}"))
        .await
        .refused(404, "not_found");
    let own = uploaded(&other, "their-own", test_guests::UPPERCASE).await;
    assert_eq!(own, version, "the same component may be uploaded by both");
}

#[tokio::test]
async fn an_organization_that_trusts_keys_takes_signed_uploads_only() {
    let api = TestApi::new().await;
    let acme = api.acme();
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = BASE64_STANDARD.encode(key.verifying_key().as_bytes());
    let body = json!({"name": "ci", "publicKey": public});
    acme.post("/api/plugins/keys", body.clone())
        .await
        .expect(200);
    acme.post("/api/plugins/keys", body)
        .await
        .refused(409, "plugin_conflict");
    let weak = json!({"name": "weak", "publicKey": BASE64_STANDARD.encode([0; 32])});
    acme.post("/api/plugins/keys", weak)
        .await
        .refused(400, "invalid_key");
    let component = test_guests::UPPERCASE;
    upload(&acme, "mapper", component)
        .await
        .refused(422, "signature_required");
    let signed = |message: &[u8]| BASE64_STANDARD.encode(key.sign(message).to_bytes());
    let send = async |signature: String| {
        let headers = [WASM, ("partneros-signature", signature.as_str())];
        let path = "/api/plugins?name=mapper";
        acme.send_bytes(Method::POST, path, &headers, component.to_vec())
            .await
    };
    send(signed(b"other"))
        .await
        .refused(422, "signature_untrusted");
    send("!".to_owned())
        .await
        .refused(422, "signature_untrusted");
    let answer = send(signed(component)).await.expect(200);
    assert_eq!(answer["version"]["signedBy"], "ci");
    let keys = acme.get("/api/plugins/keys").await.expect(200);
    assert_eq!(keys["keys"][0]["publicKey"], public);
    acme.delete("/api/plugins/keys/ci").await.expect(200);
    upload(&acme, "mapper", test_guests::REMEMBERS)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_trial_is_set_up_and_ended() {
    let api = TestApi::new().await;
    let acme = api.acme();
    let pair = api.pair().await;
    let version = uploaded(&acme, "mapper", test_guests::UPPERCASE).await;
    let body =
        |parts: Json| json!({"scope": {"pair": pair}, "parts": parts, "promoteAfterRows": 10});
    let path = "/api/plugins/bindings/shadow";
    let begun = acme.post(path, body(json!([version]))).await.expect(200);
    let binding = &begun["binding"];
    assert_eq!(binding["candidate"]["promoteAfterRows"], 10);
    assert_eq!(
        (&binding["scope"], &binding["parts"]),
        (&json!({"pair": pair}), &json!([]))
    );
    let report = acme
        .get(&format!("/api/pairs/{pair}/shadow"))
        .await
        .expect(200);
    assert_eq!(report["report"], json!(null));
    let ended = acme.post(path, body(json!(null))).await.expect(200);
    assert_eq!(ended["binding"]["candidate"], json!(null));
}

#[tokio::test]
async fn the_playground_evaluates_an_expression() {
    let api = TestApi::new().await;
    let pair = api.pair().await;
    let path = format!("/api/pairs/{pair}/mappings/name/try");
    let body = json!({
        "direction": "to_partneros", "property": "name", "plugin": "expression",
        "options": {"toPartneros": "value.trim().upper()"},
        "samples": [{"name": " Globex "}, {"name": null}],
    });
    let tried = api.acme().post(&path, body).await.expect(200);
    assert_eq!(tried["problems"], json!([]), "{tried}");
    let outputs: Vec<_> = tried["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["output"])
        .collect();
    assert_eq!(outputs, [&json!("GLOBEX"), &json!(null)]);
    let many =
        json!({"direction": "to_partneros", "property": "name", "samples": vec![json!({}); 21]});
    let refused = api.acme().post(&path, many).await;
    refused.refused(400, "invalid_sample");
    let body = json!({
        "direction": "to_partneros", "property": "name", "plugin": "expression",
        "options": {"toPartneros": "value.trim("},
    });
    let tried = api.acme().post(&path, body).await.expect(200);
    assert_eq!(tried["problems"][0]["code"], "syntax-error");
}

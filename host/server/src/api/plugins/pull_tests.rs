//! Plugins from a registry: pinned, checked like an upload, and refused when the bytes are others.

use std::sync::Arc;

use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::secrets::RegistryAuth;
use partneros_domain::Digest;
use serde_json::{Value as Json, json};
use test_guests::{OPENS_SOCKET, REMEMBERS, UPPERCASE};

use crate::api::fixture::{Answer, TestApi};
use crate::registry::fixture::{TestRegistry, registries};
use crate::registry::{SIGNATURE, named};

const PATH: &str = "/api/plugins/pull";

/// A host that lists a registry.
async fn host() -> (TestApi, TestRegistry) {
    let registry = TestRegistry::start().await;
    let mut api = TestApi::new().await;
    api.serve(|state| state.registries = Arc::new(registries(vec![registry.listed()])));
    (api, registry)
}

async fn pull(api: &TestApi, reference: &str, digest: Option<String>) -> Answer {
    let body = json!({"name": "mapper", "reference": reference, "digest": digest});
    api.acme().post(PATH, body).await
}

fn sha256(component: &[u8]) -> String {
    Digest::of(component).to_string()
}

/// Checks that Acme has no plugin.
async fn nothing_is_kept(api: &TestApi) {
    let listed = api.acme().get("/api/plugins").await.expect(200);
    assert_eq!(listed["plugins"], json!([]));
}

#[tokio::test]
async fn what_is_pinned_by_its_manifest_is_a_version_to_be_bound() {
    let (api, registry) = host().await;
    let manifest = registry.put("1.2", UPPERCASE);
    let reference = registry.pinned(manifest);
    let pulled = pull(&api, &reference, None).await.expect(200);
    let version = &pulled["version"];
    assert_eq!(version["sha256"], sha256(UPPERCASE));
    assert_eq!(
        (&version["plugin"], &version["state"]),
        (&json!("mapper"), &json!("staged"))
    );
    assert_eq!(pulled["report"]["world"], "mapper");
    let acme = api.acme();
    let body = json!({"scope": "organization", "parts": [version["sha256"]]});
    let bound = acme.post("/api/plugins/bindings", body).await.expect(200);
    assert_eq!(bound["digest"], version["sha256"]);
    let events = acme
        .get("/api/audit-events?type=plugin.uploaded")
        .await
        .expect(200);
    let event = &events["events"][0];
    assert_eq!(event["subject"], version["sha256"]);
    assert_eq!(event["metadata"]["reference"], reference);
    assert_eq!(event["metadata"]["manifest"], named(&manifest));
}

#[tokio::test]
async fn what_is_pinned_by_its_component_is_pulled_by_its_tag() {
    let (api, registry) = host().await;
    registry.put_with("1.2", UPPERCASE, |manifest| {
        manifest["layers"][0]["mediaType"] = json!("application/vnd.wasm.content.layer.v1+wasm");
    });
    for digest in [sha256(UPPERCASE), format!("sha256:{}", sha256(UPPERCASE))] {
        let pulled = pull(&api, &registry.reference("1.2"), Some(digest))
            .await
            .expect(200);
        assert_eq!(pulled["version"]["sha256"], sha256(UPPERCASE));
        assert_eq!(
            pulled["version"]["number"], 1,
            "the same again changes nothing"
        );
    }
}

#[tokio::test]
async fn what_another_client_pushed_is_pulled() {
    let (api, registry) = host().await;
    let client = oci_client::Client::new(ClientConfig {
        protocol: ClientProtocol::Http,
        use_monolithic_push: true,
        ..ClientConfig::default()
    });
    let reference = registry.reference("2.0");
    let layer = ImageLayer::new(UPPERCASE.to_vec(), "application/wasm".to_owned(), None);
    let kind = "application/vnd.wasm.config.v0+json".to_owned();
    let config = Config::new(b"{}".to_vec(), kind, None);
    let anonymous = RegistryAuth::Anonymous;
    let to = reference.parse().unwrap();
    client
        .push(&to, &[layer], config, &anonymous, None)
        .await
        .unwrap();
    let (_, manifest) = client.pull_manifest(&to, &anonymous).await.unwrap();
    let pinned = format!("{reference}@{manifest}");
    let pulled = pull(&api, &pinned, Some(sha256(UPPERCASE)))
        .await
        .expect(200);
    assert_eq!(pulled["version"]["sha256"], sha256(UPPERCASE));
}

#[tokio::test]
async fn a_tag_that_was_moved_is_refused() {
    let (api, registry) = host().await;
    registry.put("1.2", UPPERCASE);
    registry.put("1.2", REMEMBERS);
    let answer = pull(&api, &registry.reference("1.2"), Some(sha256(UPPERCASE))).await;
    let message = answer.refused(422, "digest_mismatch");
    assert!(message.contains(&sha256(REMEMBERS)), "{message}");
    let asked = registry.asked();
    assert_eq!(
        asked.len(),
        1,
        "the other component is not even fetched: {asked:?}"
    );
    nothing_is_kept(&api).await;
}

#[tokio::test]
async fn other_bytes_than_the_digest_says_are_refused() {
    let (api, registry) = host().await;
    let manifest = registry.put("1.2", UPPERCASE);
    let layer = format!("sha256:{}", sha256(UPPERCASE));
    registry.change(|content| {
        content.blobs.insert(layer, REMEMBERS.to_vec());
    });
    let pinned = registry.pinned(manifest);
    pull(&api, &pinned, None)
        .await
        .refused(422, "digest_mismatch");
    let other = registry.put("1.3", REMEMBERS);
    registry.change(|content| {
        let swapped = content.manifests[&named(&other)].clone();
        content.manifests.insert(named(&manifest), swapped);
    });
    let message = pull(&api, &pinned, None)
        .await
        .refused(422, "digest_mismatch");
    assert!(message.contains("the manifest"), "{message}");
    let other = registry.pinned(other);
    let answer = pull(&api, &other, Some(sha256(UPPERCASE))).await;
    answer.refused(422, "digest_mismatch");
    nothing_is_kept(&api).await;
}

#[tokio::test]
async fn what_is_not_pinned_is_refused_and_told_how_to_be() {
    let (api, registry) = host().await;
    registry.put("1.2", UPPERCASE);
    let answer = pull(&api, &registry.reference("1.2"), None).await;
    let message = answer.refused(400, "digest_required");
    assert!(
        message.contains("@sha256:") && message.contains("`digest`"),
        "{message}"
    );
    let short = Some("sha256:ab".to_owned());
    let answer = pull(&api, &registry.reference("1.2"), short).await;
    answer.refused(400, "invalid_digest");
    let answer = pull(&api, "https://example.com/x", Some(sha256(UPPERCASE))).await;
    answer.refused(400, "invalid_reference");
    assert_eq!(registry.asked(), []);
}

#[tokio::test]
async fn a_component_that_is_too_long_is_not_fetched() {
    let (api, registry) = host().await;
    let max = (api.state.engine.parts().plugins.runtime()).component_bytes_max();
    let manifest = registry.put_with("1.2", UPPERCASE, |manifest| {
        manifest["layers"][0]["size"] = json!(max + 1);
    });
    let answer = pull(&api, &registry.pinned(manifest), None).await;
    let message = answer.refused(413, "body_too_large");
    assert!(message.contains(&max.to_string()), "{message}");
    assert_eq!(registry.asked().len(), 1);
}

#[tokio::test]
async fn a_host_that_lists_nothing_pulls_nothing() {
    let registry = TestRegistry::start().await;
    let manifest = registry.put("1.2", UPPERCASE);
    let api = TestApi::new().await;
    let answer = pull(&api, &registry.pinned(manifest), None).await;
    let message = answer.refused(409, "pulling_off");
    assert!(message.contains("`plugins.registries`"), "{message}");
    assert_eq!(registry.asked(), []);
}

#[tokio::test]
async fn what_is_pulled_is_checked_like_an_upload() {
    let (api, registry) = host().await;
    let manifest = registry.put("1.2", OPENS_SOCKET);
    let answer = pull(&api, &registry.pinned(manifest), None).await;
    answer.refused(422, "plugin_rejected");
    assert_eq!(answer.json["details"][0]["code"], "unknown-import");
    nothing_is_kept(&api).await;
}

#[tokio::test]
async fn an_organization_that_trusts_keys_pulls_what_they_signed() {
    let (api, registry) = host().await;
    let key = SigningKey::from_bytes(&[7; 32]);
    let signed = |bytes: &[u8]| BASE64_STANDARD.encode(key.sign(bytes).to_bytes());
    let with = |signature: String| {
        move |manifest: &mut Json| manifest["annotations"] = json!({ SIGNATURE: signature })
    };
    let wrong = registry.put_with("wrong", UPPERCASE, with(signed(b"other")));
    let right = registry.put_with("right", UPPERCASE, with(signed(UPPERCASE)));
    let without = registry.put("without", REMEMBERS);
    let reference = registry.pinned(wrong);
    let pulled = pull(&api, &reference, None).await.expect(200);
    assert_eq!(
        pulled["version"]["signedBy"],
        json!(null),
        "nobody is trusted yet"
    );
    let acme = api.acme();
    let delete = format!("/api/plugins/versions/{}", sha256(UPPERCASE));
    acme.delete(&delete).await.expect(200);
    let public = BASE64_STANDARD.encode(key.verifying_key().as_bytes());
    let body = json!({"name": "ci", "publicKey": public});
    acme.post("/api/plugins/keys", body).await.expect(200);
    let answer = pull(&api, &reference, None).await;
    answer.refused(422, "signature_untrusted");
    let answer = pull(&api, &registry.pinned(without), None).await;
    answer.refused(422, "signature_required");
    nothing_is_kept(&api).await;
    let pulled = pull(&api, &registry.pinned(right), None).await.expect(200);
    assert_eq!(pulled["version"]["signedBy"], "ci");
    let signature = signed(REMEMBERS);
    let headers = [("partneros-signature", signature.as_str())];
    let body = json!({"name": "mapper", "reference": registry.pinned(without)});
    let sent = acme.send(Method::POST, PATH, &headers, Some(body)).await;
    assert_eq!(sent.expect(200)["version"]["signedBy"], "ci");
}

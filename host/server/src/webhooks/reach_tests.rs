//! Where messages do not go: addresses that are not public, redirects, and whatever an answer has beyond its status.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use partneros_domain::AlertKind;
use partneros_store::{NewWebhook, WebhookId, Webhooks as _};
use partneros_sync::Environment as _;
use secrecy::SecretString;
use serde_json::{Value as Json, json};

use super::fixture::{Answers, OPEN, Scene};
use super::resolver::{Lookup, SystemLookup};
use super::{Probe, WebhooksConfig};

#[tokio::test]
async fn nothing_is_sent_to_an_address_that_is_not_public() {
    let guarded = WebhooksConfig {
        allow_private: false,
        ..OPEN
    };
    let scene = Scene::with(Answers::all(200), guarded, Arc::new(SystemLookup)).await;
    // Neither an address, which is refused at once ...
    let literal = scene.receiver.url("/");
    let body = json!({"url": literal, "types": ["alert."]});
    let answer = scene.api.acme().post("/api/webhooks", body).await;
    answer.refused(400, "invalid_webhook");
    // ... or, had the configuration allowed it then, when the message goes out ...
    let stored = NewWebhook {
        id: WebhookId(scene.api.environment.new_id()),
        url: literal,
        types: vec!["alert.".to_owned()],
        secret: SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        at: scene.api.environment.now(),
    };
    let organization = scene.api.acme().organization;
    let stored = scene.api.store.create_webhook(organization, stored, 9);
    let stored = stored.await.unwrap().id.to_string();
    // ... nor a name that leads to one.
    let (named, _) = scene
        .webhook_at(&scene.receiver.named_url("localhost"))
        .await;
    scene.trouble().await;
    assert_eq!(scene.deliver().await, 2);
    for id in [stored, named] {
        let failed = scene.message(&id).await;
        assert_eq!(
            failed["lastError"],
            "its host has an address that is not public, and `webhooks.allow_private` is not set"
        );
        assert_eq!(failed["lastStatus"], Json::Null);
    }
    assert_eq!(scene.receiver.received().len(), 0);
    assert_eq!(scene.receiver.connections(), 0);
}

/// A resolver with one name, which counts how often it is asked.
#[derive(Debug)]
struct TestLookup {
    addresses: Vec<IpAddr>,
    asked: AtomicUsize,
}

impl TestLookup {
    fn new(addresses: &[&str]) -> Arc<Self> {
        Arc::new(Self {
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            asked: AtomicUsize::new(0),
        })
    }
}

#[async_trait]
impl Lookup for TestLookup {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match host {
            "hooks.acme.example" => Ok(self.addresses.clone()),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        }
    }
}

#[tokio::test]
async fn one_address_that_is_not_public_is_enough() {
    let guarded = WebhooksConfig {
        allow_private: false,
        ..OPEN
    };
    for addresses in [
        &["8.8.8.8", "127.0.0.1"][..],
        &["::ffff:127.0.0.1"],
        &["169.254.169.254"],
        &["fd00:ec2::254"],
    ] {
        let lookup = TestLookup::new(addresses);
        let scene = Scene::with(Answers::all(200), guarded, lookup.clone()).await;
        let url = scene.receiver.named_url("hooks.acme.example");
        let (id, _) = scene.webhook_at(&url).await;
        scene.trouble().await;
        assert_eq!(scene.deliver().await, 1);
        let failed = scene.message(&id).await;
        let error = failed["lastError"].as_str().unwrap();
        assert!(error.contains("not public"), "{addresses:?}: {error}");
        assert_eq!(scene.receiver.connections(), 0);
        assert_eq!(lookup.asked.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn a_connection_goes_to_the_address_that_was_checked() {
    let lookup = TestLookup::new(&["127.0.0.1"]);
    let scene = Scene::with(Answers::all(200), OPEN, lookup.clone()).await;
    let url = scene.receiver.named_url("hooks.acme.example");
    let (id, _) = scene.webhook_at(&url).await;
    for attempts in 1..=2 {
        scene
            .api
            .alert(AlertKind::TokenRevoked, &attempts.to_string())
            .await;
        assert_eq!(scene.deliver().await, 1);
        // Each attempt looks up once, and there is nobody else who could know the name.
        assert_eq!(lookup.asked.load(Ordering::Relaxed), attempts);
        assert_eq!(scene.receiver.received().len(), attempts);
    }
    let [received, _] = scene.receiver.received().try_into().unwrap();
    assert!(received.header("host").starts_with("hooks.acme.example:"));
    let unknown = scene.receiver.named_url("elsewhere.example");
    let moved = json!({"url": unknown});
    scene
        .api
        .acme()
        .patch(&format!("/api/webhooks/{id}"), moved)
        .await
        .expect(200);
    scene.api.alert(AlertKind::TokenRevoked, "third").await;
    assert_eq!(scene.deliver().await, 1);
    let failed = &scene.messages(&id, "state=pending").await[0];
    assert_eq!(failed["lastError"], "its host was not found");
}

#[tokio::test]
async fn a_connection_is_tried_under_the_same_rules_and_tells_nothing() {
    let scene = Scene::new(Answers::these(&["405"])).await;
    let url = scene.receiver.url("/hook?of=acme");
    let probe = Probe::new(OPEN).unwrap();
    assert_eq!(probe.reach(&url).await, Ok(405));
    let [received] = scene.receiver.received().try_into().unwrap();
    assert_eq!(received.method, "HEAD");
    assert!(received.body.is_empty());
    assert!(
        !received
            .headers
            .keys()
            .any(|name| name.as_str().starts_with("webhook-"))
    );
    let unknown = scene.receiver.named_url("elsewhere.example");
    let lookup = TestLookup::new(&["127.0.0.1"]);
    let named = Probe::with_lookup(OPEN, lookup).unwrap();
    assert_eq!(
        named.reach(&unknown).await,
        Err("its host was not found".to_owned())
    );

    let guarded = WebhooksConfig {
        allow_private: false,
        ..OPEN
    };
    let connections = scene.receiver.connections();
    let lookup = TestLookup::new(&["8.8.8.8", "127.0.0.1"]);
    let probe = Probe::with_lookup(guarded, lookup).unwrap();
    for url in [url, scene.receiver.named_url("hooks.acme.example")] {
        let refused = probe.reach(&url).await.unwrap_err();
        assert!(refused.contains("not public"), "{refused}");
    }
    assert_eq!(scene.receiver.connections(), connections);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let scene = Scene::new(Answers::these(&["302", "307"])).await;
    let (id, _) = scene.webhook().await;
    scene.trouble().await;
    for status in ["302 Found", "307 Temporary Redirect"] {
        assert_eq!(scene.deliver().await, 1);
        let failed = scene.message(&id).await;
        let expected = format!("HTTP {status}: redirects are not followed");
        assert_eq!(failed["lastError"], expected);
        scene.wait_ms(6_000);
    }
    let received = scene.receiver.received();
    assert_eq!(received.len(), 2);
    assert!(received.iter().all(|r| r.path == "/hook?of=acme"));
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read() {
    let scene = Scene::new(Answers::these(&["endless"])).await;
    let (id, _) = scene.webhook().await;
    scene.trouble().await;
    let delivered = tokio::time::timeout(Duration::from_secs(20), scene.deliver()).await;
    assert_eq!(delivered.unwrap(), 1);
    assert_eq!(scene.message(&id).await["state"], "delivered");
}

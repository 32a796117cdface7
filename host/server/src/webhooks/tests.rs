//! Messages to a receiver that listens on this machine: signed, sent again, given up, and kept from where they must not go.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use partneros_domain::AlertKind;
use partneros_store::{ClaimedDelivery, NewWebhook, WebhookId, Webhooks as _};
use partneros_sync::Environment as _;
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::fixture::{Answers, Received, Receiver};
use super::resolver::{Lookup, SystemLookup};
use super::sender::Failure;
use super::{Deliveries, WebhooksConfig};
use crate::api::fixture::TestApi;
use crate::api::webhooks::WebhookMessage;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// What a receiver on this machine needs.
const OPEN: WebhooksConfig = WebhooksConfig {
    allow_private: true,
    allow_http: true,
    webhooks_max: 10,
    timeout_ms: 500,
    concurrent_max: 256,
    disable_after_days: 5,
    secret_overlap_ms: 86_400_000,
    kept_days: 30,
};

/// The API, what delivers its messages, and whoever receives them.
struct Scene {
    api: TestApi,
    deliveries: Deliveries,
    receiver: Receiver,
}

impl Scene {
    async fn new(answers: Answers) -> Self {
        Self::with(answers, OPEN, Arc::new(SystemLookup)).await
    }

    async fn with(answers: Answers, config: WebhooksConfig, lookup: Arc<dyn Lookup>) -> Self {
        let mut api = TestApi::new().await;
        api.serve(|state| state.webhooks = config);
        let (store, environment) = (api.state.store.clone(), api.state.environment.clone());
        let deliveries = Deliveries::with_lookup(config, store, environment, lookup).unwrap();
        let receiver = Receiver::start(answers).await;
        Self {
            api,
            deliveries,
            receiver,
        }
    }

    /// A webhook that is told of alerts, at this URL; returns its id and its secret.
    async fn webhook_at(&self, url: &str) -> (String, String) {
        let body = json!({"url": url, "types": ["alert."]});
        let made = self
            .api
            .acme()
            .post("/api/webhooks", body)
            .await
            .expect(200);
        let text = |json: &Json| json.as_str().unwrap().to_owned();
        (text(&made["webhook"]["id"]), text(&made["secret"]))
    }

    /// The same, at the receiver.
    async fn webhook(&self) -> (String, String) {
        self.webhook_at(&self.receiver.url("/hook?of=acme")).await
    }

    async fn deliver(&self) -> usize {
        self.deliveries.deliver_due().await.unwrap()
    }

    fn wait_ms(&self, millis: i64) {
        self.api.environment.wait_ms(millis);
    }

    async fn messages(&self, webhook: &str, query: &str) -> Vec<Json> {
        let path = format!("/api/webhooks/{webhook}/deliveries?{query}");
        let page = self.api.acme().get(&path).await.expect(200);
        page["deliveries"].as_array().unwrap().clone()
    }

    /// The only message of a webhook.
    async fn message(&self, webhook: &str) -> Json {
        let mut all = self.messages(webhook, "").await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    async fn trouble(&self) -> String {
        self.api.alert(AlertKind::TokenRevoked, "a portal").await
    }
}

/// HMAC-SHA256 by its definition, over what the specification signs.
fn signed_by(secret: &str, received: &Received) -> String {
    let bytes = secret.strip_prefix("whsec_").unwrap();
    let mut key = BASE64_STANDARD.decode(bytes).unwrap();
    assert!(key.len() <= 64);
    key.resize(64, 0);
    let keyed = |pad: u8| key.iter().map(|byte| byte ^ pad).collect::<Vec<_>>();
    let mut content = format!(
        "{}.{}.",
        received.header("webhook-id"),
        received.header("webhook-timestamp")
    )
    .into_bytes();
    content.extend(&received.body);
    let inner = Sha256::digest([keyed(0x36), content].concat());
    let outer = Sha256::digest([keyed(0x5c), inner.to_vec()].concat());
    format!("v1,{}", BASE64_STANDARD.encode(outer))
}

#[tokio::test]
async fn a_message_is_signed_and_says_what_happened() {
    let scene = Scene::new(Answers::all(200)).await;
    let (id, secret) = scene.webhook().await;
    let alert = scene.trouble().await;
    assert_eq!(scene.deliver().await, 1);
    let [received] = scene.receiver.received().try_into().unwrap();
    assert_eq!(
        (received.method.as_str(), received.path.as_str()),
        ("POST", "/hook?of=acme")
    );
    assert_eq!(received.header("content-type"), "application/json");
    let now = scene.api.environment.now().as_millis() / 1_000;
    assert_eq!(received.header("webhook-timestamp"), now.to_string());
    assert_eq!(
        received.header("webhook-signature"),
        signed_by(&secret, &received)
    );
    // The message is the audit event, and its metadata the alert, as the API shows them.
    let acme = scene.api.acme();
    let events = acme.get("/api/audit-events?type=alert.opened").await;
    let event = events.expect(200)["events"][0].clone();
    assert_eq!(received.header("webhook-id"), event["id"]);
    let message: WebhookMessage = serde_json::from_slice(&received.body).unwrap();
    assert_eq!(
        message.shown(),
        (
            json!({"type": event["type"], "timestamp": event["at"]}),
            json!({"id": event["id"], "actor": event["actor"], "subject": event["subject"],
                "metadata": event["metadata"]}),
            acme.organization
        )
    );
    let alerts = acme.get("/api/alerts").await.expect(200);
    assert_eq!(event["metadata"], alerts["alerts"][0]);
    assert_eq!(event["metadata"]["id"], alert.as_str());
    let delivered = scene.message(&id).await;
    assert_eq!(
        (&delivered["state"], &delivered["lastStatus"]),
        (&json!("delivered"), &json!(200))
    );
    assert_eq!(scene.deliver().await, 0);
}

#[tokio::test]
async fn both_secrets_sign_for_a_day() {
    let scene = Scene::new(Answers::all(204)).await;
    let (id, first) = scene.webhook().await;
    let acme = scene.api.acme();
    let rotated = acme
        .post(&format!("/api/webhooks/{id}/rotate-secret"), json!({}))
        .await
        .expect(200);
    let second = rotated["secret"].as_str().unwrap();
    assert_ne!(second, first);
    let test = async || {
        let path = format!("/api/webhooks/{id}/test");
        acme.post(&path, json!({})).await.expect(202);
        assert_eq!(scene.deliver().await, 1);
        scene.receiver.received().pop().unwrap()
    };
    let received = test().await;
    assert_eq!(
        received.header("webhook-signature"),
        format!(
            "{} {}",
            signed_by(second, &received),
            signed_by(&first, &received)
        )
    );
    scene.wait_ms(DAY_MS);
    let received = test().await;
    assert_eq!(
        received.header("webhook-signature"),
        signed_by(second, &received)
    );
}

#[tokio::test]
async fn what_does_not_arrive_is_sent_again() {
    let scene = Scene::new(Answers::these(&["500", "hang", "200"])).await;
    let (id, _) = scene.webhook().await;
    scene.trouble().await;
    assert_eq!(scene.deliver().await, 1);
    let failed = scene.message(&id).await;
    assert_eq!(
        (&failed["state"], &failed["lastStatus"]),
        (&json!("pending"), &json!(500))
    );
    assert_eq!(failed["lastError"], "HTTP 500 Internal Server Error");
    assert_eq!(scene.deliver().await, 0, "not before its time");
    scene.wait_ms(6_000);
    assert_eq!(scene.deliver().await, 1);
    let failed = scene.message(&id).await;
    assert_eq!(failed["lastError"], "no answer within 500 ms");
    assert_eq!(
        (&failed["attempts"], &failed["lastStatus"]),
        (&json!(2), &Json::Null)
    );
    scene.wait_ms(36_000);
    assert_eq!(scene.deliver().await, 1);
    assert_eq!(scene.message(&id).await["state"], "delivered");
    let received = scene.receiver.received();
    assert_eq!(received.len(), 3);
    let times: Vec<i64> = received
        .iter()
        .map(|received| received.header("webhook-timestamp").parse().unwrap())
        .collect();
    assert_eq!((times[1] - times[0], times[2] - times[1]), (6, 36));
    for again in &received[1..] {
        assert_eq!(again.header("webhook-id"), received[0].header("webhook-id"));
        assert_eq!(again.body, received[0].body);
    }
}

#[tokio::test]
async fn after_a_day_a_message_is_given_up_until_a_person_asks_for_it() {
    let scene = Scene::new(Answers::all(503)).await;
    let (id, _) = scene.webhook().await;
    scene.trouble().await;
    let began = scene.api.environment.now();
    while scene.messages(&id, "state=dead").await.is_empty() {
        let waiting = scene.message(&id).await;
        let due: partneros_domain::Timestamp =
            waiting["nextAttemptAt"].as_str().unwrap().parse().unwrap();
        scene.wait_ms(due.millis_since(scene.api.environment.now()));
        assert_eq!(scene.deliver().await, 1);
    }
    let took = scene.api.environment.now().millis_since(began);
    assert!((18 * HOUR_MS..29 * HOUR_MS).contains(&took), "{took}");
    let dead = scene.message(&id).await;
    assert_eq!(
        (&dead["attempts"], &dead["nextAttemptAt"]),
        (&json!(11), &Json::Null)
    );
    scene.wait_ms(7 * DAY_MS);
    assert_eq!(scene.deliver().await, 0);
    scene.receiver.answer(&["200"]);
    let path = format!(
        "/api/webhooks/{id}/deliveries/{}/retry",
        dead["id"].as_str().unwrap()
    );
    let acme = scene.api.acme();
    let again = acme.post(&path, json!({})).await.expect(200);
    assert_eq!(again["delivery"]["state"], "pending");
    assert_eq!(scene.deliver().await, 1);
    assert_eq!(scene.message(&id).await["state"], "delivered");
    acme.post(&path, json!({})).await.refused(409, "conflict");
    // What arrived is listed for a month.
    let stop = CancellationToken::new();
    scene.wait_ms(30 * DAY_MS);
    assert_eq!(scene.deliveries.keep_house(&stop).await.unwrap(), 0);
    scene.wait_ms(1);
    assert_eq!(scene.deliveries.keep_house(&stop).await.unwrap(), 1);
    assert_eq!(scene.messages(&id, "").await, Vec::<Json>::new());
}

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

#[tokio::test]
async fn a_crash_before_the_note_sends_again_under_the_same_id() {
    let scene = Scene::new(Answers::all(200)).await;
    let (id, secret) = scene.webhook().await;
    scene.trouble().await;
    let (organization, now) = (scene.api.acme().organization, scene.api.environment.now());
    let webhook = WebhookId(id.parse().unwrap());
    let until = now.plus_millis(1_000);
    let claimed = scene
        .api
        .store
        .claim_delivery(organization, webhook, now, until)
        .await
        .unwrap()
        .unwrap();
    // It arrives, and then whoever sent it is gone.
    let sent = scene.deliveries.0.sender.send(&claimed, now).await;
    assert_eq!(sent, Ok(200));
    assert_eq!(scene.deliver().await, 0, "it may be under way still");
    scene.wait_ms(1_000);
    assert_eq!(scene.deliver().await, 1);
    let [first, second] = scene.receiver.received().try_into().unwrap();
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
    assert_eq!(
        second.header("webhook-signature"),
        signed_by(&secret, &second)
    );
    let delivered = scene.message(&id).await;
    assert_eq!(
        (&delivered["state"], &delivered["attempts"]),
        (&json!("delivered"), &json!(2))
    );
}

#[tokio::test]
async fn nothing_is_sent_unsigned() {
    let scene = Scene::new(Answers::all(200)).await;
    let (id, _) = scene.webhook().await;
    scene.trouble().await;
    let (organization, now) = (scene.api.acme().organization, scene.api.environment.now());
    let webhook = WebhookId(id.parse().unwrap());
    let claimed = scene
        .api
        .store
        .claim_delivery(organization, webhook, now, now)
        .await
        .unwrap()
        .unwrap();
    for secrets in [
        Err(partneros_store::Error::DiskFull),
        Ok(vec![SecretString::from("whsec_?")]),
    ] {
        let claimed = ClaimedDelivery {
            url: claimed.url.clone(),
            body: claimed.body.clone(),
            secrets,
            ..claimed
        };
        let failed = scene.deliveries.0.sender.send(&claimed, now).await;
        let reason = "the webhook's secret cannot be used; rotate it".to_owned();
        let status = None;
        assert_eq!(failed, Err(Failure { status, reason }));
    }
    assert_eq!(scene.receiver.connections(), 0);
}

#[tokio::test]
async fn a_slow_receiver_holds_up_nobody_else() {
    let config = WebhooksConfig {
        timeout_ms: 3_000,
        ..OPEN
    };
    let scene = Scene::with(Answers::all(200), config, Arc::new(SystemLookup)).await;
    let slow = Receiver::start(Answers::these(&["hang"; 9])).await;
    let (slow_id, _) = scene.webhook_at(&slow.url("/slow")).await;
    scene.webhook().await;
    scene.api.alert(AlertKind::TokenRevoked, "first").await;
    scene.api.alert(AlertKind::TokenRevoked, "second").await;
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (deliveries, stop) = (scene.deliveries.clone(), stop.clone());
        async move { deliveries.run(&stop).await }
    });
    slow.waits_for(1).await;
    scene.receiver.waits_for(2).await;
    assert_eq!(slow.received().len(), 1, "one message at a time");
    // What happens later arrives while the slow one is asked still.
    scene.api.alert(AlertKind::TokenRevoked, "third").await;
    scene.receiver.waits_for(3).await;
    assert_eq!(slow.received().len(), 1);
    assert_eq!(scene.messages(&slow_id, "state=pending").await.len(), 3);
    stop.cancel();
    running.await.unwrap();
    let failed = scene.messages(&slow_id, "").await;
    assert_eq!(failed[2]["lastError"], "no answer within 3000 ms");
}

#[tokio::test]
async fn a_webhook_that_fails_for_days_is_disabled_with_an_alert() {
    let scene = Scene::new(Answers::all(500)).await;
    let (id, _) = scene.webhook().await;
    let acme = scene.api.acme();
    let fail = async |subject: &str| {
        scene.api.alert(AlertKind::TokenRevoked, subject).await;
        scene.deliver().await;
        scene.deliveries.watch().await.unwrap();
        acme.get(&format!("/api/webhooks/{id}")).await.expect(200)["webhook"].clone()
    };
    assert_eq!(fail("first").await["enabled"], true);
    scene.wait_ms(5 * DAY_MS - 1);
    let failing = fail("second").await;
    assert_eq!(
        (&failing["enabled"], &failing["failingSince"]),
        (&json!(true), &json!("2026-11-23T09:00:00.000Z"))
    );
    scene.wait_ms(1);
    let disabled = fail("third").await;
    assert_eq!(
        (&disabled["enabled"], &disabled["disabledReason"]),
        (&json!(false), &json!("failing"))
    );
    let alerts = acme.get("/api/alerts?state=open").await.expect(200);
    let alert = &alerts["alerts"][0];
    assert_eq!(
        (&alert["title"], &alert["subject"]),
        (&json!("Webhook disabled"), &json!(id))
    );
    let message = alert["message"].as_str().unwrap();
    let origin = scene.receiver.url("");
    assert!(
        message.contains(&format!("no message has reached {origin} since 2026-11-23")),
        "{message}"
    );
    assert!(!message.contains("/hook"), "{message}");
    // What waits goes on waiting, and nothing is added.
    scene.wait_ms(DAY_MS);
    assert_eq!(scene.deliver().await, 0);
    let waiting = disabled["pending"].as_u64().unwrap();
    assert_eq!(fail("fourth").await["pending"], waiting);
    let test = format!("/api/webhooks/{id}/test");
    acme.post(&test, json!({})).await.refused(409, "conflict");
    let enable = json!({"enabled": true});
    let path = format!("/api/webhooks/{id}");
    let enabled = acme.patch(&path, enable).await.expect(200);
    assert_eq!(enabled["webhook"]["failingSince"], Json::Null);
    scene.receiver.answer(&["200"; 9]);
    let resolved = acme.get("/api/alerts?state=resolved").await.expect(200);
    assert_eq!(resolved["alerts"][0]["resolvedBy"], "a test's admin");
    assert!(scene.deliver().await > 0);
    let mended = acme.get(&path).await.expect(200)["webhook"].clone();
    assert_eq!(mended["pending"], 0);
}

/// What is logged, whatever its level.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_secret_is_in_no_log_and_in_no_other_answer() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let scene = Scene::new(Answers::these(&["500", "hang", "302", "200"])).await;
    let (id, first) = scene.webhook().await;
    let acme = scene.api.acme();
    let path = format!("/api/webhooks/{id}");
    let rotated = acme
        .post(&format!("{path}/rotate-secret"), json!({}))
        .await
        .expect(200);
    let secrets = [first, rotated["secret"].as_str().unwrap().to_owned()];
    scene.trouble().await;
    for _ in 0..4 {
        scene.deliver().await;
        scene.wait_ms(3 * MINUTE_MS);
    }
    let updated = acme.patch(&path, json!({"types": ["pair."]})).await;
    let mut shown = updated.expect(200).to_string();
    for path in [
        "/api/webhooks",
        &path,
        &format!("{path}/deliveries"),
        "/api/audit-events",
        "/api/alerts",
    ] {
        shown += &acme.get(path).await.expect(200).to_string();
    }
    assert!(shown.contains("delivered") && shown.contains("webhook.secret_rotated"));
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("a message did not arrive"), "{logged}");
    let debugged = format!("{:?} {:?}", scene.api.state, scene.deliveries);
    for secret in secrets {
        let bytes = secret.strip_prefix("whsec_").unwrap();
        for text in [&shown, &logged, &debugged] {
            assert!(!text.contains(bytes), "{text}");
        }
    }
    // Nor is the URL logged, which may be as good as a password.
    let own = logged.lines().filter(|line| line.contains("partneros"));
    assert!(own.clone().count() > 0);
    for line in own {
        assert!(!line.contains("of=acme"), "{line}");
    }
}

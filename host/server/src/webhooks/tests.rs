//! Messages to a receiver that listens on this machine: signed, sent again, and given up.

use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use partneros_domain::AlertKind;
use partneros_store::{ClaimedDelivery, WebhookId, Webhooks as _};
use partneros_sync::Environment as _;
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::fixture::{Answers, Received, Receiver, Scene};
use super::sender::Failure;
use crate::api::webhooks::WebhookMessage;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

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
    assert_eq!(failed["lastError"], "no answer within 3000 ms");
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
    let scene = Scene::new(Answers::all(200)).await;
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
    // With one subscriber in the process, what another test's thread reaches first is not logged in this one either.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
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

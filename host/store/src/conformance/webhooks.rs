//! Webhooks and their messages.

use partneros_domain::{AlertKind, EventType};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value as Json, json};

use super::alerts::{act, alert};
use super::audit::event;
use super::world::{World, at, refused_as_conflict, refused_as_not_found};
use crate::{
    Attempt, ClaimedDelivery, Delivery, DeliveryState, DisabledReason, EventFilter, NewEvent,
    NewWebhook, Store, WEBHOOK_PENDING_MAX, Webhook, WebhookId, WebhookPatch,
};

/// Makes a webhook that wants these events.
pub(super) async fn webhook(world: &World<'_>, types: &[&str]) -> Webhook {
    let new = NewWebhook {
        id: WebhookId(world.uuid()),
        url: "https://acme.example/hook".to_owned(),
        types: types.iter().map(ToString::to_string).collect(),
        secret: SecretString::from("whsec_first"),
        at: at(0),
    };
    let made = world.store.create_webhook(world.organization, new, 99);
    made.await.unwrap()
}

async fn happens(world: &World<'_>, kind: EventType, millis: i64) -> NewEvent {
    let new = event(world, kind, millis);
    let (store, organization) = (world.store, world.organization);
    store.append_event(organization, new.clone()).await.unwrap();
    new
}

async fn messages(world: &World<'_>, id: WebhookId, state: Option<DeliveryState>) -> Vec<Delivery> {
    let page = world
        .store
        .deliveries(world.organization, id, state, None, 99);
    page.await.unwrap().items
}

async fn claim(world: &World<'_>, id: WebhookId, now: i64) -> Option<ClaimedDelivery> {
    let until = at(now + 10);
    world
        .store
        .claim_delivery(world.organization, id, at(now), until)
        .await
        .unwrap()
}

async fn settle(
    world: &World<'_>,
    id: WebhookId,
    claimed: &ClaimedDelivery,
    outcome: Attempt,
    now: i64,
) -> bool {
    let attempt = (claimed.event, claimed.attempt);
    world
        .store
        .settle_delivery(world.organization, id, attempt, outcome, at(now))
        .await
        .unwrap()
}

fn failed(retry_at: Option<i64>) -> Attempt {
    Attempt::Failed {
        status: Some(500),
        error: "HTTP 500".to_owned(),
        retry_at: retry_at.map(at),
    }
}

pub(super) async fn an_event_is_told_to_those_who_want_it(store: &dyn Store) {
    let world = World::new(store).await;
    let plugins = webhook(&world, &["plugin.", "pair.created"]).await;
    let all_alerts = webhook(&world, &["alert."]).await;
    let off = webhook(&world, &["plugin."]).await;
    let disable = WebhookPatch {
        enabled: Some(false),
        ..WebhookPatch::default()
    };
    let off = store
        .update_webhook(world.organization, off.id, disable, at(1))
        .await
        .unwrap();
    assert_eq!((off.disabled_at, off.disabled_reason), (Some(at(1)), None));
    let uploaded = happens(&world, EventType::PluginUploaded, 2).await;
    happens(&world, EventType::PairDeleted, 3).await;
    let created = happens(&world, EventType::PairCreated, 4).await;
    let told = messages(&world, plugins.id, None).await;
    let ids: Vec<_> = told.iter().map(|message| message.event).collect();
    assert_eq!(ids, [created.id, uploaded.id]);
    let expected = Delivery {
        event: created.id,
        event_type: "pair.created".to_owned(),
        state: DeliveryState::Pending,
        attempts: 0,
        created_at: at(4),
        due_at: Some(at(4)),
        tried_at: None,
        ended_at: None,
        status: None,
        error: None,
    };
    assert_eq!(told[0], expected);
    assert_eq!(messages(&world, off.id, None).await, []);
    // An alert tells of each of its steps.
    let opened = alert(&world, AlertKind::TokenRevoked, "portal", 5);
    let opened = store.open_alert(world.organization, opened).await.unwrap();
    let ended = act(&world, "ann", 6);
    store
        .resolve_alert(world.organization, opened.id, ended)
        .await
        .unwrap();
    let told = messages(&world, all_alerts.id, None).await;
    let types: Vec<_> = told.iter().map(|m| m.event_type.as_str()).collect();
    assert_eq!(types, ["alert.resolved", "alert.opened"]);
    // An event that is refused tells nobody.
    refused_as_conflict(
        store
            .append_event(world.organization, created.clone())
            .await,
    );
    assert_eq!(messages(&world, plugins.id, None).await.len(), 2);
    let claimed = claim(&world, plugins.id, 9).await.unwrap();
    assert_eq!((claimed.event, claimed.attempt), (uploaded.id, 1));
    assert_eq!(claimed.url, "https://acme.example/hook");
    assert_eq!(
        serde_json::from_str::<Json>(&claimed.body).unwrap(),
        json!({
            "type": "plugin.uploaded",
            "timestamp": at(2),
            "data": {
                "id": uploaded.id,
                "organizationId": world.organization,
                "actor": uploaded.actor,
                "subject": uploaded.subject,
                "metadata": uploaded.metadata,
            },
        })
    );
}

pub(super) async fn a_message_is_claimed_until_it_is_settled(store: &dyn Store) {
    let world = World::new(store).await;
    let id = webhook(&world, &["pair."]).await.id;
    let new = happens(&world, EventType::PairCreated, 1).await;
    let due = async |now| store.due_webhooks(at(now), 9).await.unwrap();
    assert_eq!(due(0).await, []);
    assert_eq!(due(1).await, [(world.organization, id)]);
    assert_eq!(due(1).await.len(), 1);
    let first = claim(&world, id, 1).await.unwrap();
    assert!(claim(&world, id, 10).await.is_none(), "it is being sent");
    assert_eq!(due(10).await, []);
    // Nobody settled it in time, so it is sent again, under the same id.
    let second = claim(&world, id, 11).await.unwrap();
    assert_eq!((second.event, second.attempt), (new.id, 2));
    assert_eq!(second.body, first.body);
    let arrived = Attempt::Delivered { status: 204 };
    assert!(!settle(&world, id, &first, arrived.clone(), 12).await);
    assert!(settle(&world, id, &second, failed(Some(30)), 13).await);
    let [message] = messages(&world, id, None).await.try_into().unwrap();
    assert_eq!(
        (message.state, message.attempts),
        (DeliveryState::Pending, 2)
    );
    assert_eq!(
        (message.tried_at, message.due_at),
        (Some(at(11)), Some(at(30)))
    );
    assert!(claim(&world, id, 29).await.is_none());
    let third = claim(&world, id, 30).await.unwrap();
    assert!(settle(&world, id, &third, arrived.clone(), 31).await);
    assert!(!settle(&world, id, &third, arrived, 32).await);
    let delivered = messages(&world, id, Some(DeliveryState::Delivered)).await;
    let [message] = delivered.try_into().unwrap();
    assert_eq!((message.event, message.attempts), (new.id, 3));
    assert_eq!((message.due_at, message.ended_at), (None, Some(at(31))));
    assert_eq!((message.status, message.error), (Some(204), None));
    assert_eq!(due(99).await, []);
    let read = store.webhook(world.organization, id).await.unwrap();
    assert_eq!((read.pending, read.dead), (0, 0));
    assert_eq!(
        (read.delivered_at, read.failing_since),
        (Some(at(31)), None)
    );
}

pub(super) async fn a_message_is_given_up_and_sent_again(store: &dyn Store) {
    let world = World::new(store).await;
    let id = webhook(&world, &["pair."]).await.id;
    let new = happens(&world, EventType::PairCreated, 1).await;
    let retry = async |now| {
        store
            .retry_delivery(world.organization, id, new.id, at(now))
            .await
    };
    let first = claim(&world, id, 1).await.unwrap();
    settle(&world, id, &first, failed(Some(500)), 2).await;
    // Whoever has mended the endpoint need not wait.
    assert_eq!(retry(3).await.unwrap().due_at, Some(at(3)));
    let second = claim(&world, id, 3).await.unwrap();
    assert!(settle(&world, id, &second, failed(None), 4).await);
    let dead = messages(&world, id, Some(DeliveryState::Dead)).await;
    let shown = (dead[0].status, dead[0].error.as_deref(), dead[0].ended_at);
    assert_eq!(shown, (Some(500), Some("HTTP 500"), Some(at(4))));
    let read = store.webhook(world.organization, id).await.unwrap();
    assert_eq!((read.dead, read.failing_since), (1, Some(at(2))));
    assert!(claim(&world, id, 900).await.is_none());
    let again = retry(5).await.unwrap();
    assert_eq!((again.state, again.attempts), (DeliveryState::Pending, 0));
    let third = claim(&world, id, 5).await.unwrap();
    assert!(settle(&world, id, &third, Attempt::Delivered { status: 200 }, 6).await);
    refused_as_conflict(retry(7).await);
    let read = store.webhook(world.organization, id).await.unwrap();
    assert_eq!((read.dead, read.failing_since), (0, None));
    let stray = crate::EventId(world.uuid());
    refused_as_not_found(
        store
            .retry_delivery(world.organization, id, stray, at(8))
            .await,
    );
    // What ended long ago is forgotten.
    assert_eq!(store.forget_deliveries(at(6), 9).await.unwrap(), 0);
    assert_eq!(store.forget_deliveries(at(7), 9).await.unwrap(), 1);
    assert_eq!(messages(&world, id, None).await, []);
}

pub(super) async fn the_secret_before_signs_for_a_while(store: &dyn Store) {
    let world = World::new(store).await;
    let id = webhook(&world, &["pair."]).await.id;
    let secrets = async |now| {
        happens(&world, EventType::PairUpdated, now).await;
        let claimed = claim(&world, id, now).await.unwrap();
        settle(
            &world,
            id,
            &claimed,
            Attempt::Delivered { status: 200 },
            now,
        )
        .await;
        assert!(!format!("{claimed:?}").contains("whsec_"));
        let secrets = claimed.secrets.as_ref().unwrap().iter();
        secrets
            .map(|secret| secret.expose_secret().to_owned())
            .collect::<Vec<_>>()
    };
    let rotate = async |secret: &str, until| {
        let secret = SecretString::from(secret);
        store
            .rotate_webhook_secret(world.organization, id, secret, at(until))
            .await
            .unwrap()
    };
    assert_eq!(secrets(1).await, ["whsec_first"]);
    let rotated = rotate("whsec_second", 20).await;
    assert_eq!(rotated.previous_secret_until, Some(at(20)));
    assert_eq!(secrets(19).await, ["whsec_second", "whsec_first"]);
    assert_eq!(secrets(20).await, ["whsec_second"]);
    rotate("whsec_third", 90).await;
    assert_eq!(secrets(30).await, ["whsec_third", "whsec_second"]);
}

pub(super) async fn a_broken_webhook_is_disabled_with_an_alert(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let id = webhook(&world, &["pair.", "alert."]).await.id;
    let watcher = webhook(&world, &["alert."]).await.id;
    let broken = async || store.broken_webhooks(100).await.unwrap();
    let fail = async |now| {
        happens(&world, EventType::PairUpdated, now).await;
        let claimed = claim(&world, id, now).await.unwrap();
        settle(&world, id, &claimed, failed(None), now).await;
    };
    fail(1).await;
    assert_eq!(broken().await, []);
    fail(100).await;
    assert_eq!(broken().await, []);
    fail(101).await;
    assert_eq!(
        broken().await,
        [(organization, id, DisabledReason::Failing)]
    );
    let disable = async || {
        let alert = alert(&world, AlertKind::WebhookDisabled, &id.to_string(), 102);
        let reason = DisabledReason::Failing;
        store.disable_webhook(organization, id, reason, alert).await
    };
    assert!(disable().await.unwrap());
    assert!(!disable().await.unwrap());
    assert_eq!(broken().await, []);
    let read = store.webhook(organization, id).await.unwrap();
    assert_eq!(read.disabled_reason, Some(DisabledReason::Failing));
    // The alert is told to the others.
    assert_eq!(messages(&world, watcher, None).await.len(), 1);
    assert_eq!(read.pending, 0);
    let test = event(&world, EventType::WebhookTested, 103);
    refused_as_conflict(store.tell_webhook(organization, id, test).await);
    let enable = WebhookPatch {
        enabled: Some(true),
        ..WebhookPatch::default()
    };
    let enabled = store
        .update_webhook(organization, id, enable, at(104))
        .await;
    let enabled = enabled.unwrap();
    assert_eq!((enabled.disabled_at, enabled.disabled_reason), (None, None));
    assert_eq!((enabled.failing_since, enabled.dead), (None, 3));
    fail(300).await;
    assert_eq!(broken().await, []);
}

pub(super) async fn a_full_queue_misses_events_and_says_so(store: &dyn Store) {
    let world = World::new(store).await;
    let id = webhook(&world, &["pair."]).await.id;
    for millis in 0..=i64::from(WEBHOOK_PENDING_MAX) {
        happens(&world, EventType::PairUpdated, millis).await;
    }
    let read = store.webhook(world.organization, id).await.unwrap();
    assert_eq!(
        (read.pending, read.missed),
        (u64::from(WEBHOOK_PENDING_MAX), 1)
    );
    let broken = store.broken_webhooks(100).await.unwrap();
    assert_eq!(
        broken,
        [(world.organization, id, DisabledReason::QueueFull)]
    );
    let test = event(&world, EventType::WebhookTested, 3);
    refused_as_conflict(store.tell_webhook(world.organization, id, test).await);
}

pub(super) async fn those_served_longest_ago_come_first(store: &dyn Store) {
    let world = World::new(store).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(webhook(&world, &["pair."]).await.id);
    }
    happens(&world, EventType::PairCreated, 1).await;
    happens(&world, EventType::PairUpdated, 2).await;
    let due = async || {
        let due = store.due_webhooks(at(9), 2).await.unwrap();
        due.into_iter().map(|(_, id)| id).collect::<Vec<_>>()
    };
    assert_eq!(due().await, ids[..2]);
    claim(&world, ids[0], 3).await.unwrap();
    assert_eq!(due().await, ids[1..]);
    claim(&world, ids[1], 4).await.unwrap();
    assert_eq!(due().await, [ids[2], ids[0]]);
}

pub(super) async fn webhooks_are_made_changed_and_deleted(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let first = webhook(&world, &["pair."]).await;
    let second = webhook(&world, &["alert."]).await;
    assert_eq!(
        store.webhooks(organization).await.unwrap(),
        [first.clone(), second.clone()]
    );
    let third = NewWebhook {
        id: WebhookId(world.uuid()),
        url: "https://acme.example/third".to_owned(),
        types: vec!["pair.".to_owned()],
        secret: SecretString::from("whsec_third"),
        at: at(1),
    };
    refused_as_conflict(store.create_webhook(organization, third.clone(), 2).await);
    store.create_webhook(organization, third, 3).await.unwrap();
    let patch = WebhookPatch {
        url: Some("https://acme.example/moved".to_owned()),
        types: Some(vec!["plugin.".to_owned()]),
        enabled: None,
    };
    let moved = store
        .update_webhook(organization, first.id, patch, at(2))
        .await
        .unwrap();
    let expected = Webhook {
        url: "https://acme.example/moved".to_owned(),
        types: vec!["plugin.".to_owned()],
        ..first.clone()
    };
    assert_eq!(moved, expected);
    happens(&world, EventType::PluginUploaded, 3).await;
    let tested = event(&world, EventType::WebhookTested, 4);
    let told = store.tell_webhook(organization, first.id, tested.clone());
    assert_eq!(told.await.unwrap().event, tested.id);
    assert_eq!(messages(&world, second.id, None).await, []);
    let page = store
        .deliveries(organization, first.id, None, None, 1)
        .await
        .unwrap();
    assert_eq!(page.items[0].event, tested.id);
    let rest = store
        .deliveries(organization, first.id, None, page.next.as_deref(), 1)
        .await
        .unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
    store.delete_webhook(organization, first.id).await.unwrap();
    refused_as_not_found(store.webhook(organization, first.id).await);
    refused_as_not_found(store.delete_webhook(organization, first.id).await);
    assert_eq!(store.due_webhooks(at(9), 9).await.unwrap(), []);
    let filter = EventFilter::named("webhook.tested");
    let events = store.events(organization, &filter, None, 9).await.unwrap();
    assert_eq!(events.items.len(), 1);
}

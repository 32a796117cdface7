//! Alerts.

use partneros_domain::AlertKind;

use super::world::{World, at, refused_as_conflict, refused_as_not_found};
use crate::{
    Act, Alert, AlertId, AlertState, EventFilter, EventId, Mark, NewAlert, Severity, Store,
};

const FAILING: AlertKind = AlertKind::PluginQuarantined;

pub(super) fn alert(world: &World<'_>, kind: AlertKind, subject: &str, millis: i64) -> NewAlert {
    NewAlert {
        id: AlertId(world.uuid()),
        kind,
        severity: Severity::Warning,
        subject: subject.to_owned(),
        message: format!("{subject} fails since {millis}"),
        actor: "system".to_owned(),
        at: at(millis),
    }
}

pub(super) fn act(world: &World<'_>, actor: &str, millis: i64) -> Act {
    Act {
        event: EventId(world.uuid()),
        at: at(millis),
        actor: actor.to_owned(),
    }
}

fn mark(by: &str, millis: i64) -> Mark {
    Mark {
        at: at(millis),
        by: by.to_owned(),
    }
}

async fn listed(world: &World<'_>, states: &[AlertState]) -> Vec<Alert> {
    let page = world
        .store
        .alerts(world.organization, states, None, 9)
        .await;
    page.unwrap().items
}

/// The types of the events about alerts with their actors, oldest first.
async fn told(world: &World<'_>) -> Vec<(String, String)> {
    let filter = EventFilter::named("alert.");
    let page = world
        .store
        .events(world.organization, &filter, None, 99)
        .await;
    let events = page.unwrap().items.into_iter().rev();
    events.map(|event| (event.event, event.actor)).collect()
}

pub(super) async fn one_alert_goes_on_for_the_same_trouble(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let open = async |new: &NewAlert| store.open_alert(organization, new.clone()).await.unwrap();
    let first = alert(&world, FAILING, "mapper", 1);
    let opened = open(&first).await;
    let expected = Alert {
        id: first.id,
        kind: first.kind,
        severity: Severity::Warning,
        subject: first.subject.clone(),
        message: first.message.clone(),
        opened_at: at(1),
        acknowledged: None,
        resolved: None,
    };
    assert_eq!(opened, expected);
    let worse = NewAlert {
        severity: Severity::Critical,
        ..alert(&world, FAILING, "mapper", 2)
    };
    let renewed = Alert {
        severity: Severity::Critical,
        message: worse.message.clone(),
        opened_at: at(2),
        ..expected
    };
    assert_eq!(open(&worse).await, renewed);
    assert_eq!(listed(&world, &[]).await, std::slice::from_ref(&renewed));
    // Another subject or kind is other trouble.
    let subject = open(&alert(&world, FAILING, "layer", 3)).await;
    let kind = open(&alert(&world, AlertKind::TokenRevoked, "mapper", 4)).await;
    let open = listed(&world, &[AlertState::Open]).await;
    assert_eq!(open, [kind, subject, renewed]);
    assert_eq!(told(&world).await.len(), 3, "a renewal is no news");
}

pub(super) async fn a_resolved_alert_stays_and_makes_room(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let resolve = async |kind, subject, millis| {
        let act = act(&world, "ann", millis);
        let resolved = store
            .resolve_trouble(organization, kind, subject, act)
            .await;
        resolved.unwrap()
    };
    let first = alert(&world, FAILING, "mapper", 1);
    let first = store.open_alert(organization, first).await.unwrap();
    assert!(!resolve(FAILING, "layer", 2).await);
    assert!(!resolve(AlertKind::TokenRevoked, "mapper", 2).await);
    assert!(resolve(FAILING, "mapper", 3).await);
    assert!(!resolve(FAILING, "mapper", 4).await);
    let resolved = Alert {
        resolved: Some(mark("ann", 3)),
        ..first.clone()
    };
    assert_eq!(listed(&world, &AlertState::UNRESOLVED).await, []);
    let last = store.last_alert(organization, FAILING, "mapper").await;
    assert_eq!(last.unwrap().as_ref(), Some(&resolved));
    let second = alert(&world, FAILING, "mapper", 5);
    let second = store.open_alert(organization, second).await.unwrap();
    assert_ne!(second.id, first.id);
    let last = store.last_alert(organization, FAILING, "mapper").await;
    assert_eq!(last.unwrap().as_ref(), Some(&second));
    let last = store.last_alert(organization, FAILING, "layer").await;
    assert_eq!(last.unwrap(), None);
    let page = store.alerts(organization, &[], None, 1).await.unwrap();
    assert_eq!(page.items, std::slice::from_ref(&second));
    let rest = store
        .alerts(organization, &[], page.next.as_deref(), 1)
        .await
        .unwrap();
    assert_eq!((rest.items, rest.next), (vec![resolved.clone()], None));
    assert_eq!(listed(&world, &[AlertState::Open]).await, [second]);
    refused_as_not_found(store.alerts(organization, &[], Some("e1"), 9).await);
    // It goes when it was kept for long enough, and trouble that goes on stays.
    assert_eq!(store.forget_alerts(at(3), 9).await.unwrap(), 0);
    assert_eq!(store.forget_alerts(at(4), 9).await.unwrap(), 1);
    assert_eq!(listed(&world, &[]).await.len(), 1);
}

pub(super) async fn a_person_acknowledges_and_resolves_an_alert(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let new = alert(&world, FAILING, "mapper", 1);
    let id = new.id;
    let opened = store.open_alert(organization, new).await.unwrap();
    let acknowledge = async |actor, millis| {
        let act = act(&world, actor, millis);
        store.acknowledge_alert(organization, id, act).await
    };
    let resolve = async |actor, millis| {
        let act = act(&world, actor, millis);
        store.resolve_alert(organization, id, act).await
    };
    let acknowledged = Alert {
        acknowledged: Some(mark("ann", 2)),
        ..opened
    };
    assert_eq!(acknowledge("ann", 2).await.unwrap(), acknowledged);
    assert_eq!(acknowledge("bob", 3).await.unwrap(), acknowledged);
    assert_eq!(acknowledged.state(), AlertState::Acknowledged);
    assert_eq!(listed(&world, &[AlertState::Open]).await, []);
    // The trouble goes on, and so does what Ann does about it.
    let renewal = alert(&world, FAILING, "mapper", 4);
    let renewed = store.open_alert(organization, renewal).await.unwrap();
    assert_eq!(
        (renewed.id, renewed.state()),
        (id, AlertState::Acknowledged)
    );
    assert_eq!(listed(&world, &[AlertState::Acknowledged]).await, [renewed]);
    let resolved = resolve("bob", 5).await.unwrap();
    assert_eq!(resolved.state(), AlertState::Resolved);
    assert_eq!(resolved.acknowledged, Some(mark("ann", 2)));
    assert_eq!(resolve("ann", 6).await.unwrap(), resolved);
    assert_eq!(resolved.resolved, Some(mark("bob", 5)));
    refused_as_conflict(acknowledge("ann", 7).await);
    let events = told(&world).await;
    let events: Vec<_> = events
        .iter()
        .map(|(event, actor)| (event.as_str(), actor.as_str()))
        .collect();
    assert_eq!(
        events,
        [
            ("alert.opened", "system"),
            ("alert.acknowledged", "ann"),
            ("alert.resolved", "bob")
        ]
    );
    let page = store
        .events(organization, &EventFilter::named("alert.resolved"), None, 9)
        .await;
    let event = page.unwrap().items.remove(0);
    assert_eq!(event.subject, "mapper");
    assert_eq!(event.metadata, resolved.metadata());
    assert_eq!(event.metadata["resolvedBy"], "bob");
}

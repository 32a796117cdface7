//! Audit events and alerts.

use serde_json::json;

use super::world::{World, at, refused_as_conflict, refused_as_not_found};
use crate::{Alert, AlertId, EventId, NewAlert, NewEvent, Severity, Store};

pub(super) fn event(world: &World<'_>, name: &str, millis: i64) -> NewEvent {
    NewEvent {
        id: EventId(world.uuid()),
        at: at(millis),
        actor: "token `ops`".to_owned(),
        event: name.to_owned(),
        subject: "mapper".to_owned(),
        metadata: json!({"number": millis}),
    }
}

pub(super) fn alert(world: &World<'_>, kind: &str, subject: &str, millis: i64) -> NewAlert {
    NewAlert {
        id: AlertId(world.uuid()),
        kind: kind.to_owned(),
        severity: Severity::Warning,
        subject: subject.to_owned(),
        message: format!("{subject} fails since {millis}"),
        at: at(millis),
    }
}

pub(super) async fn events_are_listed_newest_first_by_prefix(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let append = async |event: NewEvent| store.append_event(organization, event).await;
    let first = event(&world, "plugin.uploaded", 1);
    append(first.clone()).await.unwrap();
    for (name, millis) in [
        ("plugin.activated", 2),
        ("connection.created", 3),
        ("pluginless", 4),
        ("a plugin.", 5),
        ("plugin.rolled_back", 6),
    ] {
        append(event(&world, name, millis)).await.unwrap();
    }
    let mut again = event(&world, "plugin.uploaded", 7);
    again.id = first.id;
    refused_as_conflict(append(again).await);

    let names = async |prefix, after: Option<String>, limit| {
        let page = store
            .events(organization, prefix, after.as_deref(), limit)
            .await
            .unwrap();
        let names: Vec<_> = page.items.into_iter().map(|event| event.event).collect();
        (names, page.next)
    };
    let (all, next) = names(None, None, 9).await;
    assert_eq!((all.len(), next), (6, None));
    assert_eq!(all[0], "plugin.rolled_back");
    let (page, next) = names(Some("plugin."), None, 2).await;
    assert_eq!(page, ["plugin.rolled_back", "plugin.activated"]);
    let (page, next) = names(Some("plugin."), next, 2).await;
    assert_eq!((page, next), (vec!["plugin.uploaded".to_owned()], None));
    // A prefix is no pattern.
    for prefix in ["plugin%", "%", "Plugin.", "plugin.activated.not"] {
        assert_eq!(names(Some(prefix), None, 9).await.0, Vec::<String>::new());
    }
    let page = store.events(organization, Some("plugin.u"), None, 9).await;
    let [read] = page.unwrap().items.try_into().unwrap();
    assert_eq!((read.id, read.at), (first.id, first.at));
    assert_eq!((read.actor, read.subject), (first.actor, first.subject));
    assert_eq!(read.metadata, first.metadata);
    refused_as_not_found(store.events(organization, None, Some("r1"), 9).await);
}

pub(super) async fn one_alert_is_open_for_the_same_trouble(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let open = async |new: &NewAlert| store.open_alert(organization, new.clone()).await.unwrap();
    let first = alert(&world, "plugin.failing", "mapper", 1);
    let opened = open(&first).await;
    let expected = Alert {
        id: first.id,
        kind: first.kind.clone(),
        severity: Severity::Warning,
        subject: first.subject.clone(),
        message: first.message.clone(),
        opened_at: at(1),
        resolved_at: None,
    };
    assert_eq!(opened, expected);
    let worse = NewAlert {
        severity: Severity::Critical,
        ..alert(&world, "plugin.failing", "mapper", 2)
    };
    let renewed = Alert {
        severity: Severity::Critical,
        message: worse.message.clone(),
        opened_at: at(2),
        ..expected
    };
    assert_eq!(open(&worse).await, renewed);
    let page = store.alerts(organization, false, None, 9).await.unwrap();
    assert_eq!(page.items, std::slice::from_ref(&renewed));
    // Another subject or kind is other trouble.
    let subject = open(&alert(&world, "plugin.failing", "layer", 3)).await;
    let kind = open(&alert(&world, "plugin.slow", "mapper", 4)).await;
    let page = store.alerts(organization, true, None, 9).await.unwrap();
    assert_eq!(page.items, [kind, subject, renewed]);
}

pub(super) async fn a_resolved_alert_stays_and_makes_room(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let resolve = async |kind, subject, millis| {
        store
            .resolve_alert(organization, kind, subject, at(millis))
            .await
            .unwrap()
    };
    let first = alert(&world, "plugin.failing", "mapper", 1);
    let first = store.open_alert(organization, first).await.unwrap();
    assert!(!resolve("plugin.failing", "layer", 2).await);
    assert!(!resolve("plugin.slow", "mapper", 2).await);
    assert!(resolve("plugin.failing", "mapper", 3).await);
    assert!(!resolve("plugin.failing", "mapper", 4).await);
    let resolved = Alert {
        resolved_at: Some(at(3)),
        ..first.clone()
    };
    let open = store.alerts(organization, true, None, 9).await.unwrap();
    assert_eq!(open.items, []);
    let second = alert(&world, "plugin.failing", "mapper", 5);
    let second = store.open_alert(organization, second).await.unwrap();
    assert_ne!(second.id, first.id);
    let page = store.alerts(organization, false, None, 1).await.unwrap();
    assert_eq!(page.items, std::slice::from_ref(&second));
    let rest = store
        .alerts(organization, false, page.next.as_deref(), 1)
        .await
        .unwrap();
    assert_eq!((rest.items, rest.next), (vec![resolved], None));
    let open = store.alerts(organization, true, None, 9).await.unwrap();
    assert_eq!(open.items, [second]);
    refused_as_not_found(store.alerts(organization, true, Some("e1"), 9).await);
}

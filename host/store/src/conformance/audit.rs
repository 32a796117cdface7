//! Audit events.

use partneros_domain::EventType;
use serde_json::json;

use super::world::{World, at, refused_as_conflict, refused_as_not_found};
use crate::{EventFilter, EventId, NewEvent, Store};

pub(super) fn event(world: &World<'_>, event: EventType, millis: i64) -> NewEvent {
    NewEvent {
        id: EventId(world.uuid()),
        at: at(millis),
        actor: "token `ops`".to_owned(),
        event,
        subject: "mapper".to_owned(),
        metadata: json!({"number": millis}),
    }
}

/// The names of the events of a page, and where the next one begins.
async fn names(
    world: &World<'_>,
    filter: &EventFilter,
    after: Option<String>,
    limit: usize,
) -> (Vec<String>, Option<String>) {
    let organization = world.organization;
    let page = world
        .store
        .events(organization, filter, after.as_deref(), limit)
        .await
        .unwrap();
    let names = page.items.into_iter().map(|event| event.event).collect();
    (names, page.next)
}

pub(super) async fn events_are_listed_newest_first_by_prefix(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let append = async |event: NewEvent| store.append_event(organization, event).await;
    let first = event(&world, EventType::PluginUploaded, 1);
    append(first.clone()).await.unwrap();
    for (name, millis) in [
        (EventType::PluginActivated, 2),
        (EventType::ConnectionConnected, 3),
        (EventType::PairCreated, 4),
        (EventType::PluginRolledBack, 6),
    ] {
        append(event(&world, name, millis)).await.unwrap();
    }
    let mut again = event(&world, EventType::PluginUploaded, 7);
    again.id = first.id;
    refused_as_conflict(append(again).await);

    let all = EventFilter::default();
    let (everything, next) = names(&world, &all, None, 9).await;
    assert_eq!((everything.len(), next), (5, None));
    assert_eq!(everything[0], "plugin.rolled_back");
    let of_plugins = EventFilter::named("plugin.");
    let (page, next) = names(&world, &of_plugins, None, 2).await;
    assert_eq!(page, ["plugin.rolled_back", "plugin.activated"]);
    let (page, next) = names(&world, &of_plugins, next, 2).await;
    assert_eq!((page, next), (vec!["plugin.uploaded".to_owned()], None));
    // A prefix is no pattern.
    for prefix in ["plugin%", "%", "Plugin.", "plugin.activated.not"] {
        let filter = EventFilter::named(prefix);
        assert_eq!(
            names(&world, &filter, None, 9).await.0,
            Vec::<String>::new()
        );
    }
    let filter = EventFilter::named("plugin.u");
    let page = store.events(organization, &filter, None, 9).await;
    let [read] = page.unwrap().items.try_into().unwrap();
    assert_eq!((read.id, read.at), (first.id, first.at));
    assert_eq!((read.actor, read.subject), (first.actor, first.subject));
    assert_eq!(read.metadata, first.metadata);
    refused_as_not_found(store.events(organization, &all, Some("r1"), 9).await);
}

pub(super) async fn events_are_found_by_subject_and_time(store: &dyn Store) {
    let world = World::new(store).await;
    // Written down out of order, and two at the same time.
    for (subject, millis, name) in [
        ("a", 30, EventType::PairPaused),
        ("a", 10, EventType::PairCreated),
        ("b", 20, EventType::MappingUpdated),
        ("a", 20, EventType::PairActivated),
        ("ab", 40, EventType::PairDeleted),
    ] {
        let mut new = event(&world, name, millis);
        new.subject = subject.to_owned();
        store.append_event(world.organization, new).await.unwrap();
    }
    let filter = |subject: Option<&str>, from: Option<i64>, to: Option<i64>| EventFilter {
        prefix: None,
        subject: subject.map(ToOwned::to_owned),
        from: from.map(at),
        to: to.map(at),
    };
    let found = async |filter: EventFilter| {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = names(&world, &filter, after, 1).await;
            found.extend(page);
            match next {
                Some(next) => after = Some(next),
                None => return found,
            }
        }
    };
    let all = found(filter(None, None, None)).await;
    let in_order = [
        "pair.deleted",
        "pair.paused",
        "pair.activated",
        "mapping.updated",
        "pair.created",
    ];
    assert_eq!(all, in_order);
    let of_a = found(filter(Some("a"), None, None)).await;
    assert_eq!(of_a, ["pair.paused", "pair.activated", "pair.created"]);
    assert_eq!(
        found(filter(None, Some(20), Some(40))).await,
        in_order[1..4]
    );
    let narrow = found(filter(Some("a"), Some(11), Some(30))).await;
    assert_eq!(narrow, ["pair.activated"]);
    let named = EventFilter {
        prefix: Some("mapping.".to_owned()),
        ..filter(Some("b"), Some(20), Some(21))
    };
    assert_eq!(found(named).await, ["mapping.updated"]);
    for none in [
        filter(Some(""), None, None),
        filter(None, Some(41), None),
        filter(None, Some(30), Some(30)),
    ] {
        assert_eq!(found(none).await, Vec::<String>::new());
    }
}

pub(super) async fn old_events_are_forgotten_a_few_at_a_time(store: &dyn Store) {
    let ours = World::numbered(store, 1).await;
    let theirs = World::numbered(store, 2).await;
    for world in [&ours, &theirs] {
        for millis in [1, 2, 3] {
            let new = event(world, EventType::PairUpdated, millis);
            store.append_event(world.organization, new).await.unwrap();
        }
    }
    let mut forgotten = Vec::new();
    for _ in 0..3 {
        forgotten.push(store.forget_events(at(3), 3).await.unwrap());
    }
    assert_eq!(forgotten, [3, 1, 0]);
    for world in [&ours, &theirs] {
        let page = store
            .events(world.organization, &EventFilter::default(), None, 9)
            .await;
        let [kept] = page.unwrap().items.try_into().unwrap();
        assert_eq!(kept.at, at(3));
    }
    // The horizon stays where it was.
    assert_eq!(store.forget_events(at(1), 9).await.unwrap(), 0);
}

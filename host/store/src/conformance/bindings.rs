//! What is bound to run in which scope.

use partneros_domain::{ConnectionId, PairId};

use super::plugin_world::{candidate, new_version, parts};
use super::world::{World, at, new_connection, refused_as_conflict, refused_as_not_found};
use crate::{Binding, BindingScope, Candidate, MapperParts, Store};

const EVERYWHERE: BindingScope = BindingScope::Organization;

pub(super) async fn the_narrowest_binding_holds(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let connection = BindingScope::Connection(world.connection);
    let pair = BindingScope::Pair(world.pair);
    let mapper = world.version("mapper", "a").await;
    let layer = world.version("layer", "b").await;
    let holds = async || {
        let effective = store.effective_binding(organization, world.pair).await;
        effective
            .unwrap()
            .map(|binding| (binding.scope, binding.parts))
    };
    assert_eq!(holds().await, None);
    assert_eq!(store.bindings(organization).await.unwrap(), []);
    world.bind(EVERYWHERE, &[mapper]).await;
    assert_eq!(holds().await, Some((EVERYWHERE, parts(&[mapper]))));
    // Another connection's binding is nobody else's.
    let other = ConnectionId(world.uuid());
    store
        .put_connection(organization, new_connection(other, 77))
        .await
        .unwrap();
    world.bind(BindingScope::Connection(other), &[layer]).await;
    assert_eq!(holds().await, Some((EVERYWHERE, parts(&[mapper]))));
    // The pair's binding wins whenever it was made, also where it is the default mapper.
    world.bind(pair, &[]).await;
    world.bind(connection, &[layer, mapper]).await;
    assert_eq!(holds().await, Some((pair, MapperParts::default())));
    let scopes: Vec<_> = store
        .bindings(organization)
        .await
        .unwrap()
        .into_iter()
        .map(|binding| binding.scope)
        .collect();
    let in_order = [
        EVERYWHERE,
        BindingScope::Connection(other),
        connection,
        pair,
    ];
    assert_eq!(scopes, in_order);
    store.unbind(organization, pair).await.unwrap();
    assert_eq!(holds().await, Some((connection, parts(&[layer, mapper]))));
    assert_eq!(store.binding(organization, pair).await.unwrap(), None);
    store.unbind(organization, pair).await.unwrap();
    store.unbind(organization, connection).await.unwrap();
    assert_eq!(holds().await, Some((EVERYWHERE, parts(&[mapper]))));
}

pub(super) async fn a_binding_remembers_what_ran_before(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let (first, second) = (
        world.version("mapper", "a").await,
        world.version("mapper", "b").await,
    );
    let bind = async |digest, millis| {
        let bound = store
            .bind(organization, EVERYWHERE, None, parts(&[digest]), at(millis))
            .await
            .unwrap();
        let read = store.binding(organization, EVERYWHERE).await.unwrap();
        assert_eq!(read.as_ref(), Some(&bound));
        bound
    };
    let one = bind(first, 1).await;
    let expected = Binding {
        scope: EVERYWHERE,
        parts: parts(&[first]),
        previous: None,
        candidate: None,
        failures: 0,
        version: one.version,
        at: at(1),
    };
    assert_eq!(one, expected);
    refused_as_conflict(store.roll_back(organization, EVERYWHERE, None, at(2)).await);
    let two = bind(second, 3).await;
    assert_eq!(two.previous, Some(parts(&[first])));
    assert!(two.version > one.version);
    // Binding the same once more loses nothing.
    let same = bind(second, 4).await;
    assert_eq!(same, Binding { at: at(4), ..two });
    let back = store
        .roll_back(organization, EVERYWHERE, None, at(5))
        .await
        .unwrap();
    assert_eq!(back.parts, parts(&[first]));
    assert_eq!(back.previous, Some(parts(&[second])));
    assert_eq!((back.failures, back.at), (0, at(5)));
    assert!(back.version > same.version);
    let forth = store
        .roll_back(organization, EVERYWHERE, None, at(6))
        .await
        .unwrap();
    assert_eq!(forth.parts, parts(&[second]));
    assert!(forth.version > back.version);
}

pub(super) async fn what_was_decided_on_another_binding_is_a_conflict(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let first = world.version("mapper", "first").await;
    let second = world.version("mapper", "second").await;
    world.bind(EVERYWHERE, &[first]).await;
    let seen = world.bind(EVERYWHERE, &[second]).await;
    let tried = Some(candidate(&[first]));
    let now = store.set_candidate(organization, EVERYWHERE, tried).await;
    let now = now.unwrap();
    let (scope, stale) = (EVERYWHERE, Some(seen.clone()));
    let none = MapperParts::default();
    let bound = store.bind(organization, scope, stale.clone(), none.clone(), at(2));
    refused_as_conflict(bound.await);
    refused_as_conflict(store.roll_back(organization, scope, stale, at(2)).await);
    let elsewhere = BindingScope::Pair(world.pair);
    let bound = store.bind(organization, elsewhere, Some(seen), none.clone(), at(2));
    refused_as_conflict(bound.await);
    assert_eq!(
        store.bindings(organization).await.unwrap(),
        std::slice::from_ref(&now)
    );
    let back = store
        .roll_back(organization, scope, Some(now.clone()), at(2))
        .await;
    assert_eq!(back.as_ref().unwrap().parts, parts(&[first]));
    let bound = store.bind(organization, scope, Some(now), none.clone(), at(3));
    refused_as_conflict(bound.await);
    let bound = store
        .bind(organization, scope, back.ok(), none, at(3))
        .await;
    assert!(bound.unwrap().parts.is_default());
}

pub(super) async fn what_is_quarantined_or_unknown_is_not_bound(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let pair = BindingScope::Pair(world.pair);
    let bad = world.version("mapper", "bad").await;
    let good = world.version("mapper", "good").await;
    let unknown = new_version("mapper", "unknown", 1).digest;
    world.bind(EVERYWHERE, &[bad]).await;
    let before = world.bind(EVERYWHERE, &[good]).await;
    store
        .quarantine_version(organization, bad, "traps", at(1))
        .await
        .unwrap();
    let mix = parts(&[good, bad]);
    for scope in [EVERYWHERE, pair] {
        let refusal = store
            .bind(organization, scope, None, mix.clone(), at(2))
            .await;
        let told = refusal.as_ref().unwrap_err().to_string();
        assert!(told.contains(&bad.to_string()), "{told}");
        refused_as_conflict(refusal);
        let tried = Some(candidate(&[bad]));
        refused_as_conflict(store.set_candidate(organization, scope, tried).await);
        let stray = parts(&[unknown]);
        refused_as_not_found(store.bind(organization, scope, None, stray, at(2)).await);
        let tried = Some(candidate(&[unknown]));
        refused_as_not_found(store.set_candidate(organization, scope, tried).await);
    }
    refused_as_conflict(store.roll_back(organization, EVERYWHERE, None, at(2)).await);
    assert_eq!(store.bindings(organization).await.unwrap(), [before]);
    store.release_version(organization, bad).await.unwrap();
    let back = store.roll_back(organization, EVERYWHERE, None, at(3)).await;
    assert_eq!(back.unwrap().parts, parts(&[bad]));
}

pub(super) async fn a_candidate_is_tried_beside_what_runs(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let pair = BindingScope::Pair(world.pair);
    let (mapper, tried) = (
        world.version("mapper", "a").await,
        world.version("mapper", "b").await,
    );
    let wide = world.bind(EVERYWHERE, &[mapper]).await;
    refused_as_not_found(store.set_candidate(organization, pair, None).await);
    // A scope that followed a wider one is bound to what ran there anyhow.
    let candidate = Candidate {
        parts: parts(&[tried, mapper]),
        started_at: at(7),
        promote_after_rows: Some(500),
        differing_max_permille: 20,
    };
    let set = store
        .set_candidate(organization, pair, Some(candidate.clone()))
        .await
        .unwrap();
    assert_eq!((set.scope, &set.parts), (pair, &wide.parts));
    assert_eq!((&set.previous, set.at), (&None, at(7)));
    assert_eq!(set.candidate, Some(candidate.clone()));
    let read = store.binding(organization, pair).await.unwrap();
    assert_eq!(read, Some(set.clone()));
    // Other parts leave it; its own parts end it.
    let other = world.bind(pair, &[tried]).await;
    assert_eq!(other.candidate, Some(candidate.clone()));
    let promoted = world.bind(pair, &[tried, mapper]).await;
    assert_eq!(promoted.candidate, None);
    let again = store
        .set_candidate(organization, pair, Some(candidate))
        .await
        .unwrap();
    let ended = store.set_candidate(organization, pair, None).await.unwrap();
    assert_eq!((&ended.candidate, ended.version), (&None, again.version));
    assert_eq!(ended.previous, Some(parts(&[tried])));
}

pub(super) async fn a_candidate_of_an_unbound_organization_stands_beside_the_default(
    store: &dyn Store,
) {
    let world = World::new(store).await;
    let tried = world.version("mapper", "a").await;
    let set = store
        .set_candidate(world.organization, EVERYWHERE, Some(candidate(&[tried])))
        .await
        .unwrap();
    assert!(set.parts.is_default());
    let effective = store
        .effective_binding(world.organization, world.pair)
        .await
        .unwrap();
    assert_eq!(effective, Some(set));
}

pub(super) async fn failed_batches_are_counted_in_a_row(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let pair = BindingScope::Pair(world.pair);
    let (first, second) = (
        world.version("mapper", "a").await,
        world.version("mapper", "b").await,
    );
    let note = async |version, failed| {
        store
            .note_plugin_outcome(organization, pair, version, failed)
            .await
            .unwrap()
    };
    assert_eq!(note(1, true).await, 0);
    let bound = world.bind(pair, &[first]).await;
    assert_eq!(note(bound.version, true).await, 1);
    assert_eq!(note(bound.version, true).await, 2);
    // An outcome of what ran at another time counts for nothing.
    assert_eq!(note(bound.version + 1, true).await, 2);
    assert_eq!(note(bound.version - 1, false).await, 2);
    let read = store.binding(organization, pair).await.unwrap().unwrap();
    assert_eq!(read.failures, 2);
    assert_eq!(note(bound.version, false).await, 0);
    assert_eq!(note(bound.version, true).await, 1);
    let rebound = world.bind(pair, &[second]).await;
    assert_eq!(rebound.failures, 0);
    assert_eq!(note(bound.version, true).await, 0);
    assert_eq!(note(rebound.version, true).await, 1);
    // Nor after an unbinding.
    store.unbind(organization, pair).await.unwrap();
    let anew = world.bind(pair, &[first]).await;
    assert!(anew.version > rebound.version);
    assert_eq!(anew.previous, None);
    assert_eq!(note(rebound.version, true).await, 0);
}

pub(super) async fn a_binding_ends_with_its_pair(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let mapper = world.version("mapper", "a").await;
    let pair = BindingScope::Pair(world.pair);
    world.bind(pair, &[mapper]).await;
    // A connection that comes back finds its pairs as they were.
    store
        .disconnect(organization, world.connection, at(1))
        .await
        .unwrap();
    let kept = store.binding(organization, pair).await.unwrap();
    assert_eq!(kept.unwrap().parts, parts(&[mapper]));
    store.delete_pair(organization, world.pair).await.unwrap();
    assert_eq!(store.bindings(organization).await.unwrap(), []);
    refused_as_not_found(store.binding(organization, pair).await);
    store
        .delete_plugin_version(organization, mapper)
        .await
        .unwrap();
}

pub(super) async fn nothing_is_bound_to_what_does_not_exist(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let pair = PairId(world.uuid());
    for scope in [
        BindingScope::Connection(ConnectionId(world.uuid())),
        BindingScope::Pair(pair),
    ] {
        let none = MapperParts::default();
        refused_as_not_found(store.bind(organization, scope, None, none, at(1)).await);
        refused_as_not_found(store.binding(organization, scope).await);
        refused_as_not_found(store.roll_back(organization, scope, None, at(1)).await);
        refused_as_not_found(store.unbind(organization, scope).await);
        refused_as_not_found(store.set_candidate(organization, scope, None).await);
        refused_as_not_found(
            store
                .note_plugin_outcome(organization, scope, 1, true)
                .await,
        );
    }
    refused_as_not_found(store.effective_binding(organization, pair).await);
}

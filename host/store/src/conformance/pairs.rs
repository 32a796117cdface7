//! Object pairs.

use partneros_domain::{
    ConflictPolicy, ConnectionId, DeletePolicy, Direction, FieldMapping, Mappings, MatchKey,
    PairId, PairState, PluginFailurePolicy, Thresholds,
};

use super::plugin_world::{new_setup, new_version, parts};
use super::world::{
    OBJECT, World, at, due_pair, failure, keep, refused_as_conflict, refused_as_not_found,
};
use crate::{
    BindingScope, ConnectionStatus, Effect, MapperParts, MappingSet, PairPatch, PairSetup,
    RunOutcome, Store,
};

pub(super) async fn two_objects_are_paired_once(store: &dyn Store) {
    let world = World::new(store).await;
    let make = |hubspot| world.draft(PairId(world.uuid()), hubspot, Direction::Bidirectional);
    let mut contacts = make("contacts");
    contacts.plugin_failure_policy = PluginFailurePolicy::LastGoodVersion;
    contacts.delete_policy = DeletePolicy::Mirror;
    store
        .create_pair(world.organization, &contacts)
        .await
        .unwrap();
    refused_as_conflict(
        store
            .create_pair(world.organization, &make("contacts"))
            .await,
    );
    let mut homeless = make("deals");
    homeless.connection_id = ConnectionId(world.uuid());
    refused_as_not_found(store.create_pair(world.organization, &homeless).await);
    assert_eq!(
        store.pair(world.organization, contacts.id).await.unwrap(),
        contacts
    );
    let listed = store
        .pairs(world.organization, world.connection)
        .await
        .unwrap();
    let ids: Vec<_> = listed.iter().map(|pair| pair.id).collect();
    assert_eq!(ids, [world.pair, contacts.id]);
}

pub(super) async fn a_patch_changes_what_it_names(store: &dyn Store) {
    let world = World::new(store).await;
    let update = async |patch: PairPatch| {
        let updated = store
            .update_pair(world.organization, world.pair, &patch)
            .await
            .unwrap();
        let read = store.pair(world.organization, world.pair).await.unwrap();
        assert_eq!(updated, read);
        read
    };
    let before = store.pair(world.organization, world.pair).await.unwrap();
    assert_eq!(update(PairPatch::default()).await, before);
    let key = MatchKey {
        field: "domain".into(),
        property: "domain".into(),
    };
    let thresholds = Thresholds {
        auto_mapped: 0.9,
        suggested: 0.4,
    };
    let changed = update(PairPatch {
        direction: Some(Direction::HubSpotToPartnerOs),
        conflict_policy: Some(ConflictPolicy::CrmWins),
        match_key: Some(Some(key.clone())),
        thresholds: Some(thresholds),
        plugin_failure_policy: Some(PluginFailurePolicy::SkipField),
        delete_policy: Some(DeletePolicy::Mirror),
    })
    .await;
    assert_eq!(changed.direction, Direction::HubSpotToPartnerOs);
    assert_eq!(changed.conflict_policy, ConflictPolicy::CrmWins);
    assert_eq!(changed.match_key, Some(key));
    assert_eq!(changed.thresholds, thresholds);
    assert_eq!(
        changed.plugin_failure_policy,
        PluginFailurePolicy::SkipField
    );
    assert_eq!(changed.delete_policy, DeletePolicy::Mirror);
    assert_eq!(changed.state, before.state);
    let keyless = update(PairPatch {
        match_key: Some(None),
        ..PairPatch::default()
    })
    .await;
    assert_eq!(keyless.match_key, None);
    assert_eq!(
        keyless.plugin_failure_policy,
        PluginFailurePolicy::SkipField
    );
    assert_eq!(keyless.conflict_policy, ConflictPolicy::CrmWins);
}

pub(super) async fn mappings_are_replaced_by_version(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    assert_eq!(
        store.mappings(organization, pair).await.unwrap(),
        MappingSet::default()
    );
    let policy = ConflictPolicy::PartnerOsWins;
    let mappings = Mappings(vec![FieldMapping::unmapped("name".into(), policy)]);
    let version = store
        .put_mappings(organization, pair, 0, &mappings)
        .await
        .unwrap();
    assert_eq!(version, 1);
    let none = Mappings::default();
    refused_as_conflict(store.put_mappings(organization, pair, 0, &none).await);
    assert_eq!(
        store.mappings(organization, pair).await.unwrap(),
        MappingSet { version, mappings }
    );
    assert_eq!(
        store
            .put_mappings(organization, pair, 1, &none)
            .await
            .unwrap(),
        2
    );
}

pub(super) async fn a_setup_is_put_in_one_step_or_not_at_all(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    let record = world.pulled(7).await;
    let version = world.version("mapper", "one").await;
    let wide = world.bind(BindingScope::Organization, &[version]).await;
    let unchanged = async || {
        let kept = store.pair(organization, pair).await.unwrap();
        assert_eq!(
            kept.conflict_policy,
            world.draft(pair, "", kept.direction).conflict_policy
        );
        let kept = store.mappings(organization, pair).await.unwrap();
        assert_eq!(kept, MappingSet::default());
        assert_eq!(store.bindings(organization).await.unwrap().len(), 1);
        assert_eq!(world.waiting(pair, 9).await, []);
    };
    let seen = Some(wide);
    let setup = |replaces, mapper| PairSetup {
        seen: seen.clone(),
        mapper: Some(mapper),
        ..new_setup(replaces)
    };
    let none = MapperParts::default;
    refused_as_conflict(store.put_setup(organization, pair, setup(1, none())).await);
    unchanged().await;
    refused_as_conflict(store.put_setup(organization, pair, new_setup(0)).await);
    unchanged().await;
    let unknown = parts(&[new_version("mapper", "unknown", 0).digest]);
    refused_as_not_found(store.put_setup(organization, pair, setup(0, unknown)).await);
    unchanged().await;
    let done = store.put_setup(organization, pair, setup(0, none())).await;
    let (replaced, bound) = done.unwrap();
    assert_eq!(replaced, 1);
    let held = store.effective_binding(organization, pair).await.unwrap();
    assert_eq!(held, bound);
    assert!(bound.unwrap().parts.is_default());
    let now = store.pair(organization, pair).await.unwrap();
    assert_eq!(now.conflict_policy, ConflictPolicy::CrmWins);
    let now = store.mappings(organization, pair).await.unwrap();
    assert_eq!(now.mappings, new_setup(0).mappings);
    // Every record is looked at again.
    assert_eq!(world.cursor().await, None);
    assert_eq!(world.waiting(pair, 9).await, [(record, 0)]);
}

pub(super) async fn becoming_active_puts_unlinked_records_into_the_outbox(store: &dyn Store) {
    let world = World::new(store).await;
    let older = world.record("older", 1).await;
    world.pulled(7).await;
    let deleted = world.record("deleted", 2).await;
    world.delete(deleted.id).await;
    let newer = world.record("newer", 3).await;
    // For a further pair nothing is linked, for this one all but the pulled record is.
    let pushing = world
        .active_pair("contacts", Direction::PartnerOsToHubSpot)
        .await;
    assert_eq!(world.waiting(pushing, 0).await.len(), 3);
    let pulling = world
        .active_pair("deals", Direction::HubSpotToPartnerOs)
        .await;
    assert_eq!(world.waiting(pulling, 0).await, []);
    store
        .delete_pair(world.organization, pushing)
        .await
        .unwrap();
    let settle = |record| Effect {
        outbox: crate::OutboxEffect::Settle,
        link: None,
        ..keep(record, 0)
    };
    world.commit(vec![settle(&older), settle(&newer)]).await;
    assert_eq!(world.waiting(world.pair, 100).await, []);
    world.set_state(world.pair, PairState::Paused).await;
    world.set_state(world.pair, PairState::Active).await;
    assert_eq!(
        world.waiting(world.pair, 0).await,
        [(older.id, 0), (newer.id, 0)]
    );
}

pub(super) async fn what_is_edited_while_paused_waits(store: &dyn Store) {
    let world = World::new(store).await;
    let id = world.pulled(7).await;
    world.set_state(world.pair, PairState::Paused).await;
    world.edit(id, "edited", 30).await;
    world.set_state(world.pair, PairState::Active).await;
    assert_eq!(world.waiting(world.pair, 30).await, [(id, 0)]);
}

pub(super) async fn a_direction_that_begins_to_write_puts_records_into_the_outbox(
    store: &dyn Store,
) {
    let world = World::new(store).await;
    let direct = async |direction| {
        let patch = PairPatch {
            direction: Some(direction),
            ..PairPatch::default()
        };
        store
            .update_pair(world.organization, world.pair, &patch)
            .await
            .unwrap();
    };
    direct(Direction::HubSpotToPartnerOs).await;
    let id = world.pulled(7).await;
    let untouched = world.pulled(8).await;
    world.edit(id, "edited", 30).await;
    let unlinked = world.record("unlinked", 31).await.id;
    assert_eq!(world.waiting(world.pair, 100).await, []);
    direct(Direction::Bidirectional).await;
    let mut waiting = world.waiting(world.pair, 0).await;
    waiting.sort_unstable();
    let mut expected = [id, untouched, unlinked].map(|id| (id, 0));
    expected.sort_unstable();
    assert_eq!(waiting, expected);
}

pub(super) async fn due_pairs_come_longest_due_first(store: &dyn Store) {
    let world = World::new(store).await;
    let other = World::numbered(store, 2).await;
    let due = async |now, limit| store.due_pairs(at(now), limit).await.unwrap();
    let paused = world
        .active_pair("contacts", Direction::Bidirectional)
        .await;
    assert!(
        due(0, 9)
            .await
            .contains(&due_pair(world.organization, paused)),
        "becoming active is being due"
    );
    world.set_state(paused, PairState::Paused).await;
    for (world, when) in [(&world, 20), (&other, 10)] {
        let end = world.end(RunOutcome::Succeeded, when);
        let finished = store.finish_run(world.organization, world.lease, end);
        finished.await.unwrap();
    }
    let theirs = due_pair(other.organization, other.pair);
    let ours = due_pair(world.organization, world.pair);
    assert_eq!(due(9, 9).await, []);
    assert_eq!(due(10, 9).await, [theirs]);
    assert_eq!(due(20, 9).await, [theirs, ours]);
    assert_eq!(due(20, 1).await, [theirs]);
    // A failing portal is tried again; one without access is not.
    for (status, expected) in [
        (ConnectionStatus::Error, vec![theirs, ours]),
        (ConnectionStatus::ReauthRequired, vec![ours]),
    ] {
        store
            .set_connection_status(
                other.organization,
                other.connection,
                at(1),
                status,
                None,
                at(1),
            )
            .await
            .unwrap();
        assert_eq!(due(20, 9).await, expected, "{status:?}");
    }
    store
        .disconnect(world.organization, world.connection, at(1))
        .await
        .unwrap();
    assert_eq!(due(20, 9).await, []);
}

pub(super) async fn a_pair_that_somebody_syncs_is_not_due(store: &dyn Store) {
    let world = World::new(store).await;
    let other = World::numbered(store, 2).await;
    let organization = world.organization;
    let held = due_pair(organization, world.pair);
    let due = async |now, limit| store.due_pairs(at(now), limit).await.unwrap();
    assert_eq!(due(999, 9).await, [], "both leases hold until 1,000");
    // What is held takes no place of the limit from what is not.
    let end = other.end(RunOutcome::Succeeded, 2);
    let finished = store.finish_run(other.organization, other.lease, end);
    finished.await.unwrap();
    assert_eq!(
        due(999, 1).await,
        [due_pair(other.organization, other.pair)]
    );
    assert_eq!(due(1_000, 1).await, [held], "its worker is gone");
    let again = store
        .acquire_lease(organization, world.pair, at(1_000), at(2_000))
        .await
        .unwrap()
        .unwrap();
    assert!(!due(1_000, 9).await.contains(&held));
    store.release_lease(organization, again).await.unwrap();
    assert_eq!(due(1_000, 1).await, [held]);
}

pub(super) async fn a_deleted_pair_leaves_its_records(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    let id = world.pulled(7).await;
    let mut failing = world.creation(8);
    failing.failures = vec![failure("bad")];
    world.commit(vec![failing]).await;
    world.edit(id, "edited", 30).await;
    store.delete_pair(organization, pair).await.unwrap();
    refused_as_not_found(store.pair(organization, pair).await);
    refused_as_not_found(store.run(organization, world.run).await);
    refused_as_not_found(store.delete_pair(organization, pair).await);
    assert_eq!(store.count_records(organization, OBJECT).await.unwrap(), 2);
    // The same two objects can be paired anew and know nothing of the pair before.
    let again = world
        .active_pair("companies", Direction::Bidirectional)
        .await;
    assert_eq!(store.count_links(organization, again).await.unwrap(), 0);
    assert_eq!(store.cursor(organization, again).await.unwrap(), None);
    let failures = store.failures(organization, again, None, 9).await.unwrap();
    assert_eq!(failures.items, []);
    assert_eq!(world.waiting(again, 100).await.len(), 2);
}

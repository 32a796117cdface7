//! Plugins, their versions, and trusted keys.

use partneros_domain::{ConflictPolicy, FieldMapping, Mappings, RulePlugin};
use serde_json::json;

use super::plugin_world::{candidate, new_version};
use super::world::{World, at, refused_as_conflict, refused_as_not_found};
use crate::{BindingScope, PluginCallLog, Store, TrustedKey, VersionState};

const EVERYWHERE: BindingScope = BindingScope::Organization;

pub(super) async fn a_version_is_kept_as_it_was_uploaded(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let mut new = new_version("mapper", "first", 1);
    new.signed_by = Some("release".to_owned());
    let kept = store
        .put_plugin_version(organization, new.clone())
        .await
        .unwrap();
    assert_eq!(kept.digest, new.digest);
    assert_eq!((kept.plugin.as_str(), kept.number), ("mapper", 1));
    assert_eq!(kept.state, VersionState::Staged);
    assert_eq!((&kept.world, &kept.contract), (&new.world, &new.contract));
    assert_eq!(kept.size_bytes, 5);
    assert_eq!(kept.report, json!({"world": "mapper", "problems": []}));
    assert_eq!(kept.signed_by, new.signed_by);
    assert_eq!((&kept.reason, kept.quarantined_at), (&None, None));
    assert_eq!(kept.created_at, at(1));
    let read = store.plugin_version(organization, new.digest).await;
    assert_eq!(read.unwrap(), kept);
    let bytes = store.plugin_bytes(organization, new.digest).await;
    assert_eq!(bytes.unwrap(), b"first");

    let mut forged = new_version("mapper", "forged", 2);
    forged.bytes = b"other".to_vec();
    let digest = forged.digest;
    refused_as_conflict(store.put_plugin_version(organization, forged).await);
    refused_as_not_found(store.plugin_version(organization, digest).await);
    refused_as_not_found(store.plugin_bytes(organization, digest).await);
}

pub(super) async fn the_same_component_is_one_version_of_one_plugin(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let first = world.version("mapper", "first").await;
    store
        .quarantine_version(organization, first, "traps", at(2))
        .await
        .unwrap();
    let before = store.plugin_version(organization, first).await.unwrap();
    let again = store
        .put_plugin_version(organization, new_version("mapper", "first", 3))
        .await;
    assert_eq!(again.unwrap(), before);
    let elsewhere = new_version("other", "first", 3);
    refused_as_conflict(store.put_plugin_version(organization, elsewhere).await);
    refused_as_not_found(store.plugin_versions(organization, "other").await);
    let versions = store.plugin_versions(organization, "mapper").await.unwrap();
    assert_eq!(versions, [before]);
}

pub(super) async fn versions_are_numbered_within_their_plugin(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let numbers = async |name: &str| {
        let versions = store.plugin_versions(organization, name).await.unwrap();
        let numbers = versions.iter().map(|version| version.number);
        numbers.collect::<Vec<_>>()
    };
    world.version("mapper", "a").await;
    world.version("layer", "b").await;
    let newest = world.version("mapper", "c").await;
    assert_eq!(numbers("mapper").await, [2, 1]);
    assert_eq!(numbers("layer").await, [1]);
    store
        .delete_plugin_version(organization, newest)
        .await
        .unwrap();
    world.version("mapper", "d").await;
    assert_eq!(numbers("mapper").await, [3, 1]);
    refused_as_not_found(store.plugin_versions(organization, "nothing").await);
}

pub(super) async fn plugins_are_listed_with_what_is_active(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let empty = store.plugins(organization, None, 9).await.unwrap();
    assert_eq!((empty.items, empty.next), (Vec::new(), None));
    let first = world.version("mapper", "a").await;
    let second = world.version("mapper", "b").await;
    let third = world.version("mapper", "c").await;
    let layer = world.version("layer", "d").await;
    world.bind(EVERYWHERE, &[first]).await;
    world
        .bind(BindingScope::Pair(world.pair), &[layer, second])
        .await;
    let page = store.plugins(organization, None, 1).await.unwrap();
    let [mapper] = page.items.try_into().unwrap();
    assert_eq!((mapper.name.as_str(), mapper.versions), ("mapper", 3));
    assert_eq!((mapper.latest, mapper.created_at), (third, at(0)));
    assert_eq!(mapper.active, [second, first]);
    let rest = store.plugins(organization, page.next.as_deref(), 1).await;
    let rest = rest.unwrap();
    assert_eq!(rest.items[0].name, "layer");
    assert_eq!(rest.items[0].active, [layer]);
    assert_eq!(rest.next, None);
    refused_as_not_found(store.plugins(organization, Some("x1"), 1).await);
}

pub(super) async fn a_version_in_use_is_not_deleted(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let delete = async |digest| store.delete_plugin_version(organization, digest).await;
    let runs = world.version("mapper", "runs").await;
    let ran = world.version("mapper", "ran").await;
    let tried = world.version("mapper", "tried").await;
    let named = world.version("rule", "named").await;
    world.bind(EVERYWHERE, &[ran]).await;
    world.bind(EVERYWHERE, &[runs]).await;
    store
        .set_candidate(organization, EVERYWHERE, Some(candidate(&[tried])))
        .await
        .unwrap();
    let mut mapping = FieldMapping::unmapped("name".into(), ConflictPolicy::NewestWins);
    mapping.plugin = Some(RulePlugin::Version(named));
    let mappings = Mappings(vec![mapping]);
    store
        .put_mappings(organization, world.pair, 0, &mappings)
        .await
        .unwrap();
    for digest in [runs, ran, tried, named] {
        refused_as_conflict(delete(digest).await);
        assert!(store.plugin_bytes(organization, digest).await.is_ok());
    }
    store
        .set_candidate(organization, EVERYWHERE, None)
        .await
        .unwrap();
    delete(tried).await.unwrap();
    store
        .put_mappings(organization, world.pair, 1, &Mappings::default())
        .await
        .unwrap();
    delete(named).await.unwrap();
    store.unbind(organization, EVERYWHERE).await.unwrap();
    delete(runs).await.unwrap();
    delete(ran).await.unwrap();
}

pub(super) async fn a_plugin_goes_with_its_last_version(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let first = world.version("mapper", "a").await;
    let second = world.version("mapper", "b").await;
    let log = world.call_log(first, 1);
    store
        .record_plugin_activity(organization, vec![world.usage(first, 1)], vec![log], 9)
        .await
        .unwrap();
    store
        .delete_plugin_version(organization, first)
        .await
        .unwrap();
    refused_as_not_found(store.plugin_version(organization, first).await);
    refused_as_not_found(store.plugin_bytes(organization, first).await);
    refused_as_not_found(store.delete_plugin_version(organization, first).await);
    let logs = store.plugin_logs(organization, first, None, 9).await;
    assert_eq!(logs.unwrap().items, Vec::<PluginCallLog>::new());
    // The bill stays.
    let usage = store.plugin_usage(organization, None, 0).await.unwrap();
    assert_eq!(usage, [world.usage(first, 1)]);
    let page = store.plugins(organization, None, 9).await.unwrap();
    assert_eq!((page.items.len(), page.items[0].versions), (1, 1));
    store
        .delete_plugin_version(organization, second)
        .await
        .unwrap();
    let page = store.plugins(organization, None, 9).await.unwrap();
    assert_eq!(page.items, []);
    // The name and the component are free again.
    world.version("other", "a").await;
    world.version("mapper", "b").await;
}

pub(super) async fn a_quarantine_lasts_until_it_is_ended(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let read = async |digest| store.plugin_version(organization, digest).await.unwrap();
    let free = world.version("mapper", "free").await;
    let bound = world.version("mapper", "bound").await;
    world.bind(EVERYWHERE, &[bound]).await;
    for digest in [free, bound] {
        for (reason, millis) in [("traps", 5), ("traps again", 6)] {
            store
                .quarantine_version(organization, digest, reason, at(millis))
                .await
                .unwrap();
            let version = read(digest).await;
            assert_eq!(version.state, VersionState::Quarantined);
            assert_eq!(version.reason.as_deref(), Some(reason));
            assert_eq!(version.quarantined_at, Some(at(millis)));
        }
    }
    // Neither a binding that goes nor one that comes ends it.
    world.bind(BindingScope::Pair(world.pair), &[]).await;
    assert_eq!(read(bound).await.state, VersionState::Quarantined);
    assert!(store.plugin_bytes(organization, bound).await.is_ok());
    for (digest, state) in [(free, VersionState::Staged), (bound, VersionState::Active)] {
        for _ in 0..2 {
            store.release_version(organization, digest).await.unwrap();
            let version = read(digest).await;
            assert_eq!(version.state, state);
            assert_eq!((version.reason, version.quarantined_at), (None, None));
        }
    }
    let unknown = new_version("mapper", "unknown", 1).digest;
    refused_as_not_found(
        store
            .quarantine_version(organization, unknown, "", at(1))
            .await,
    );
    refused_as_not_found(store.release_version(organization, unknown).await);
}

pub(super) async fn the_state_follows_the_bindings(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let (first, second) = (
        world.version("mapper", "a").await,
        world.version("mapper", "b").await,
    );
    let never = world.version("mapper", "c").await;
    let states = async || {
        let versions = store.plugin_versions(organization, "mapper").await.unwrap();
        let mut states: Vec<_> = versions.iter().map(|version| version.state).collect();
        states.reverse();
        assert_eq!(states.pop(), Some(VersionState::Staged), "{never}");
        states
    };
    let (staged, active, retired) = (
        VersionState::Staged,
        VersionState::Active,
        VersionState::Retired,
    );
    let pair = BindingScope::Pair(world.pair);
    assert_eq!(states().await, [staged, staged]);
    world.bind(EVERYWHERE, &[first]).await;
    assert_eq!(states().await, [active, staged]);
    // What is only tried is not active, nor what ran before.
    store
        .set_candidate(organization, EVERYWHERE, Some(candidate(&[second])))
        .await
        .unwrap();
    assert_eq!(states().await, [active, staged]);
    world.bind(EVERYWHERE, &[second]).await;
    assert_eq!(states().await, [retired, active]);
    store
        .roll_back(organization, EVERYWHERE, None, at(9))
        .await
        .unwrap();
    assert_eq!(states().await, [active, retired]);
    // As long as one binding runs it.
    world.bind(pair, &[second, first]).await;
    store.unbind(organization, EVERYWHERE).await.unwrap();
    assert_eq!(states().await, [active, active]);
    store.delete_pair(organization, world.pair).await.unwrap();
    assert_eq!(states().await, [retired, retired]);
}

pub(super) async fn keys_are_trusted_by_name(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let key = |name: &str, byte| TrustedKey {
        name: name.to_owned(),
        public_key: [byte; 32],
        created_at: at(i64::from(byte)),
    };
    let put = async |key| store.put_trusted_key(organization, key).await;
    put(key("release", 1)).await.unwrap();
    put(key("builder", 2)).await.unwrap();
    refused_as_conflict(put(key("release", 3)).await);
    refused_as_conflict(put(key("another name", 1)).await);
    assert_eq!(
        store.trusted_keys(organization).await.unwrap(),
        [key("builder", 2), key("release", 1)]
    );
    store
        .delete_trusted_key(organization, "release")
        .await
        .unwrap();
    refused_as_not_found(store.delete_trusted_key(organization, "release").await);
    put(key("another name", 1)).await.unwrap();
}

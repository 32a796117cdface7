//! Usage, logs and shadow reports of plugins.

use partneros_domain::{Digest, Direction, PairId};
use serde_json::json;

use super::world::{World, refused_as_not_found};
use crate::{PluginCallLog, PluginUsage, Store};

pub(super) async fn usage_adds_up_by_day(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
    let other_pair = world
        .active_pair("contacts", Direction::Bidirectional)
        .await;
    let record = async |usage| {
        store
            .record_plugin_activity(organization, usage, vec![], 9)
            .await
    };
    let smaller = PluginUsage {
        calls: 3,
        failed_calls: 2,
        rows: 10,
        fuel: 1_000,
        duration_us: 50,
        memory_bytes_peak: 4,
        ..world.usage(one, 5)
    };
    let elsewhere = PluginUsage {
        pair: other_pair,
        ..world.usage(one, 5)
    };
    record(vec![world.usage(one, 6), world.usage(one, 5)])
        .await
        .unwrap();
    record(vec![
        smaller.clone(),
        elsewhere.clone(),
        world.usage(two, 7),
    ])
    .await
    .unwrap();

    let before = world.usage(one, 5);
    let sum = PluginUsage {
        calls: before.calls + 3,
        failed_calls: before.failed_calls + 2,
        rows: before.rows + 10,
        fuel: before.fuel + 1_000,
        duration_us: before.duration_us + 50,
        memory_bytes_peak: before.memory_bytes_peak,
        ..before
    };
    let list = async |pair, since| store.plugin_usage(organization, pair, since).await.unwrap();
    let later = [world.usage(one, 6), world.usage(two, 7)];
    assert_eq!(
        list(Some(world.pair), 0).await,
        [sum.clone(), later[0].clone(), later[1].clone()]
    );
    assert_eq!(list(Some(world.pair), 6).await, later);
    assert_eq!(list(None, 6).await, later);
    let all = list(None, 5).await;
    assert_eq!(all.len(), 4);
    assert!(all.contains(&sum) && all.contains(&elsewhere));
    assert_eq!(list(Some(other_pair), 0).await, [elsewhere]);

    // All of it or nothing.
    let stray = PluginUsage {
        pair: PairId(world.uuid()),
        ..world.usage(one, 8)
    };
    refused_as_not_found(record(vec![world.usage(one, 8), stray]).await);
    assert_eq!(list(None, 8).await, []);
}

pub(super) async fn the_newest_calls_of_each_version_are_kept(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let (busy, quiet) = (Digest::of(b"busy"), Digest::of(b"quiet"));
    let record = async |logs| {
        store
            .record_plugin_activity(organization, vec![], logs, 3)
            .await
            .unwrap();
    };
    let mut bare = world.call_log(quiet, 1);
    bare.pair = None;
    "out of fuel".clone_into(&mut bare.outcome);
    record(vec![bare.clone(), world.call_log(busy, 2)]).await;
    record((3..=6).map(|millis| world.call_log(busy, millis)).collect()).await;

    let page = store
        .plugin_logs(organization, busy, None, 2)
        .await
        .unwrap();
    assert_eq!(
        page.items,
        [world.call_log(busy, 6), world.call_log(busy, 5)]
    );
    let rest = store
        .plugin_logs(organization, busy, page.next.as_deref(), 2)
        .await
        .unwrap();
    assert_eq!(rest.items, [world.call_log(busy, 4)]);
    assert_eq!(rest.next, None);
    let page = store.plugin_logs(organization, quiet, None, 9).await;
    assert_eq!(page.unwrap().items, [bare]);
    let unknown = Digest::of(b"unknown");
    let page = store.plugin_logs(organization, unknown, None, 9).await;
    assert_eq!(page.unwrap().items, []);
    let foreign = Some("r1");
    refused_as_not_found(store.plugin_logs(organization, busy, foreign, 9).await);
}

pub(super) async fn a_shadow_report_replaces_the_one_before(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    let read = async || store.shadow_report(organization, pair).await.unwrap();
    assert_eq!(read().await, None);
    for rows in [1, 2] {
        let report = json!({"rows": rows, "samples": ["ä"]});
        store
            .put_shadow_report(organization, pair, report.clone())
            .await
            .unwrap();
        assert_eq!(read().await, Some(report));
    }
    for _ in 0..2 {
        store
            .delete_shadow_report(organization, pair)
            .await
            .unwrap();
        assert_eq!(read().await, None);
    }
}

pub(super) async fn what_is_known_of_a_pair_goes_with_it(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    let digest = Digest::of(b"one");
    let (usage, log) = (world.usage(digest, 5), world.call_log(digest, 1));
    store
        .record_plugin_activity(organization, vec![usage], vec![log.clone()], 9)
        .await
        .unwrap();
    store
        .put_shadow_report(organization, pair, json!({}))
        .await
        .unwrap();
    store.delete_pair(organization, pair).await.unwrap();
    let usage = store.plugin_usage(organization, None, 0).await.unwrap();
    assert_eq!(usage, []);
    refused_as_not_found(store.plugin_usage(organization, Some(pair), 0).await);
    refused_as_not_found(store.shadow_report(organization, pair).await);
    let logs = store.plugin_logs(organization, digest, None, 9).await;
    let bare = PluginCallLog { pair: None, ..log };
    assert_eq!(logs.unwrap().items, [bare]);
}

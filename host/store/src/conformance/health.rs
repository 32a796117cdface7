//! How well pairs sync.

use partneros_domain::RunId;

use super::world::{World, at, keep, link};
use crate::{
    Effect, LAG_HOURS_KEPT, Link, NewRun, OutboxEffect, RecordEffect, RunKind, RunOutcome,
    RunTrigger, Store,
};

const HOUR_MS: i64 = 3_600_000;

/// When the hour of this time began.
fn hour_of(millis: i64) -> i64 {
    let time = at(millis).0;
    time - time.rem_euclid(HOUR_MS)
}

async fn run(world: &mut World<'_>, kind: RunKind, now: i64) {
    let run = NewRun {
        id: RunId(world.uuid()),
        pair_id: world.pair,
        kind,
        trigger: RunTrigger::Schedule,
        started_at: at(now),
    };
    world.run = run.id;
    world
        .store
        .start_run(world.organization, &run)
        .await
        .unwrap();
}

/// Pulls an object that was modified at `modified`.
async fn pull(world: &World<'_>, hubspot_id: i64, modified: i64, now: i64) {
    let effect = Effect {
        link: Some(Link {
            hubspot_updated_at: at(modified),
            ..link(hubspot_id)
        }),
        ..world.creation(hubspot_id)
    };
    let commit = crate::Commit {
        at: at(now),
        ..world.batch(vec![effect])
    };
    let done = world.store.commit(world.organization, commit).await;
    assert_eq!(done.unwrap().raced, []);
}

pub(super) async fn lags_are_told_by_the_hour(store: &dyn Store) {
    let mut world = World::new(store).await;
    let day = 24 * HOUR_MS;
    run(&mut world, RunKind::First, day).await;
    pull(&world, 1, 0, day).await;
    run(&mut world, RunKind::Incremental, day).await;
    pull(&world, 2, day - 4_000, day).await;
    pull(&world, 3, day - 2_000, day + 1).await;
    let record = world.record("edited", day + HOUR_MS).await;
    let pushed = Effect {
        record: RecordEffect::Pushed {
            version: record.version,
        },
        ..keep(&record, 4)
    };
    let about_to_be = Effect {
        outbox: OutboxEffect::Leave,
        ..pushed.clone()
    };
    let commit = crate::Commit {
        at: at(day + HOUR_MS + 1_000),
        ..world.batch(vec![about_to_be])
    };
    store.commit(world.organization, commit).await.unwrap();
    let pushed = Effect {
        outbox: OutboxEffect::Settle,
        ..pushed
    };
    let commit = crate::Commit {
        at: at(day + HOUR_MS + 8_000),
        ..world.batch(vec![pushed])
    };
    store.commit(world.organization, commit).await.unwrap();
    let (organization, pair) = (world.organization, world.pair);
    let lags = store.lags(organization, pair, at(0)).await.unwrap();
    let shown: Vec<_> = lags
        .iter()
        .map(|hour| (hour.at.0, hour.pull.total(), hour.push.percentile(1)))
        .collect();
    let (first, second) = (hour_of(day), hour_of(day + HOUR_MS));
    assert_eq!(shown, [(first, 2, None), (second, 0, Some(8_192))]);
    let p99 = lags[0].pull.percentile(99).unwrap();
    assert!((4_000..4_400).contains(&p99), "{p99}");
    let later = store.lags(organization, pair, at(day + HOUR_MS)).await;
    assert_eq!(later.unwrap(), lags[1..]);
    // Hours that are long past go.
    let much_later = day + (LAG_HOURS_KEPT + 1) * HOUR_MS;
    pull(&world, 5, much_later, much_later).await;
    let kept = store.lags(organization, pair, at(0)).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|hour| hour.at.0).collect();
    assert_eq!(kept, [hour_of(much_later)]);
}

pub(super) async fn runs_are_summed_up(store: &dyn Store) {
    let mut world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    for (now, outcome) in [
        (1, RunOutcome::Succeeded),
        (20, RunOutcome::Failed),
        (30, RunOutcome::Succeeded),
        (40, RunOutcome::Interrupted),
    ] {
        run(&mut world, RunKind::Incremental, now).await;
        let (id, ended) = (world.run, at(now + 5));
        let finished = store
            .finish_run(organization, id, outcome, None, ended)
            .await;
        finished.unwrap();
    }
    run(&mut world, RunKind::Incremental, 50).await;
    let stats = store.run_stats(organization, pair, at(10)).await.unwrap();
    assert_eq!((stats.runs, stats.failed_runs), (3, 1));
    assert_eq!(stats.last_success_at, Some(at(35)));
    assert_eq!(store.count_failures(organization, pair).await.unwrap(), 0);
}

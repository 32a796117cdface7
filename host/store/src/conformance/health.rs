//! How well pairs sync.

use partneros_domain::{AlertKind, PairState, RunId};

use super::world::{World, at, keep, link};
use crate::{
    Act, AlertId, ConnectionStatus, Effect, EventId, LAG_HOURS_KEPT, Link, NewAlert, NewRun,
    OutboxEffect, RecordEffect, RunKind, RunOutcome, RunTrigger, Severity, Store,
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

pub(super) async fn old_runs_are_forgotten_but_not_the_last_success(store: &dyn Store) {
    let mut world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    for (now, outcome) in [
        (10, RunOutcome::Succeeded),
        (20, RunOutcome::Failed),
        (30, RunOutcome::Failed),
    ] {
        run(&mut world, RunKind::Incremental, now).await;
        let finished = store.finish_run(organization, world.run, outcome, None, at(now + 5));
        finished.await.unwrap();
    }
    // The scene's own run was cut off by the first of these.
    assert_eq!(store.forget_runs(at(10), 9).await.unwrap(), 0);
    assert_eq!(store.forget_runs(at(35), 1).await.unwrap(), 1);
    assert_eq!(store.forget_runs(at(35), 9).await.unwrap(), 2);
    assert_eq!(store.forget_runs(at(35), 9).await.unwrap(), 0);
    let left = store.runs(organization, pair, None, 9).await.unwrap().items;
    let left: Vec<_> = left.iter().map(|run| run.started_at).collect();
    assert_eq!(left, [at(30)]);
    let stats = store.run_stats(organization, pair, at(0)).await.unwrap();
    assert_eq!((stats.runs, stats.last_success_at), (1, Some(at(15))));
    // Who comes late neither ends the run again nor makes it a success.
    let late = store.finish_run(organization, world.run, RunOutcome::Succeeded, None, at(90));
    late.await.unwrap();
    let stats = store.run_stats(organization, pair, at(0)).await.unwrap();
    assert_eq!(stats.last_success_at, Some(at(15)));
}

pub(super) async fn what_is_quiet_is_not_looked_at(store: &dyn Store) {
    let day = 24 * HOUR_MS;
    let mut worlds = Vec::new();
    for seed in 1..=6 {
        let world = World::numbered(store, seed).await;
        let (organization, id) = (world.organization, world.run);
        let finished = store.finish_run(organization, id, RunOutcome::Succeeded, None, at(day));
        finished.await.unwrap();
        worlds.push(world);
    }
    let unquiet = async |succeeded_since, lags_since| {
        let found = store.unquiet_organizations(at(succeeded_since), at(lags_since));
        let found = found.await.unwrap();
        let is_found = |world: &World<'_>| found.contains(&world.organization);
        worlds.iter().map(is_found).collect::<Vec<_>>()
    };
    assert_eq!(unquiet(day, 0).await, [false; 6]);
    assert_eq!(unquiet(day + 1, 0).await, [true; 6]);
    let [lagging, edited, revoked, alarmed, paused, _] = &worlds[..] else {
        panic!("six organizations");
    };
    pull(lagging, 2, day - 4_000, day).await;
    edited.record("edited", day).await;
    let (status, message) = (ConnectionStatus::ReauthRequired, Some("no"));
    store
        .set_connection_status(
            revoked.organization,
            revoked.connection,
            status,
            message,
            at(day),
        )
        .await
        .unwrap();
    let alert = NewAlert {
        id: AlertId(alarmed.uuid()),
        kind: AlertKind::RateLimitLow,
        severity: Severity::Warning,
        subject: alarmed.connection.to_string(),
        message: "few calls are left".to_owned(),
        actor: "system".to_owned(),
        at: at(day),
    };
    store
        .open_alert(alarmed.organization, alert.clone())
        .await
        .unwrap();
    paused.set_state(paused.pair, PairState::Paused).await;
    let of_all = [true, true, true, true, false, false];
    assert_eq!(unquiet(day, day).await, of_all);
    assert_eq!(unquiet(day + 1, day).await[4..], [false, true]);
    let act = Act {
        event: EventId(alarmed.uuid()),
        at: at(day),
        actor: "system".to_owned(),
    };
    store
        .resolve_trouble(alarmed.organization, alert.kind, &alert.subject, act)
        .await
        .unwrap();
    // An hour later the lags are of no interest any more.
    let later = unquiet(day, day + HOUR_MS).await;
    assert_eq!(later, [false, true, true, false, false, false]);
}

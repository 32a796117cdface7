//! How well pairs sync.

use partneros_domain::{AlertKind, PairState, RunId, Stages};

use super::world::{World, at};
use crate::{
    Act, AlertId, ConnectionStatus, EventId, LAG_HOURS_KEPT, NewAlert, NewRun, PairLags, RunEnd,
    RunKind, RunOutcome, RunTrigger, Severity, Store,
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
    let until = at(now + 1_000);
    let lease = world
        .store
        .acquire_lease(world.organization, world.pair, at(now), until);
    if let Some(lease) = lease.await.unwrap() {
        world.lease = lease;
    }
    world
        .store
        .start_run(world.organization, &run)
        .await
        .unwrap();
}

/// Ends the run of the scene.
async fn finish(world: &World<'_>, outcome: RunOutcome, now: i64) {
    let end = world.end(outcome, now);
    let finished = world.store.finish_run(world.organization, world.lease, end);
    finished.await.unwrap();
}

/// A run that ends after it pulled one change and pushed others.
async fn carry(world: &mut World<'_>, pulled_ms: i64, pushed_ms: &[i64], now: i64) {
    run(world, RunKind::Incremental, now).await;
    let stages = Stages {
        seen_at: None,
        taken_up_at: at(now),
        transformed_at: at(now),
        written_at: at(now),
    };
    let mut lags = PairLags::default();
    lags.pull.add(&[at(now - pulled_ms)], stages);
    let edited_at: Vec<_> = pushed_ms.iter().map(|ms| at(now - ms)).collect();
    lags.push.add(&edited_at, stages);
    let end = RunEnd {
        lags,
        ..world.end(RunOutcome::Succeeded, now)
    };
    let finished = world.store.finish_run(world.organization, world.lease, end);
    finished.await.unwrap();
}

pub(super) async fn lags_are_told_by_the_hour(store: &dyn Store) {
    let mut world = World::new(store).await;
    let day = 24 * HOUR_MS;
    run(&mut world, RunKind::Incremental, day - HOUR_MS).await;
    finish(&world, RunOutcome::Succeeded, day - HOUR_MS).await;
    carry(&mut world, 2_000, &[], day).await;
    carry(&mut world, 4_000, &[8_000], day + 1).await;
    carry(&mut world, 1_000, &[1, 1], day + HOUR_MS).await;
    let (organization, pair) = (world.organization, world.pair);
    let hours = store.lags(organization, pair, at(0)).await.unwrap();
    let shown: Vec<_> = hours
        .iter()
        .map(|hour| {
            let PairLags { pull, push } = &hour.lags;
            (hour.at.0, pull.total.total(), push.queue.percentile(99))
        })
        .collect();
    let (first, second) = (hour_of(day), hour_of(day + HOUR_MS));
    assert_eq!(shown, [(first, 2, Some(8_192)), (second, 1, Some(1))]);
    let p99 = hours[0].lags.pull.total.percentile(99).unwrap();
    assert!((4_000..4_400).contains(&p99), "{p99}");
    let later = store.lags(organization, pair, at(day + HOUR_MS)).await;
    assert_eq!(later.unwrap(), hours[1..]);
    // Hours that are long past go.
    let much_later = day + (LAG_HOURS_KEPT + 1) * HOUR_MS;
    carry(&mut world, 0, &[], much_later).await;
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
        finish(&world, outcome, now + 5).await;
    }
    run(&mut world, RunKind::Incremental, 50).await;
    let stats = store.run_stats(organization, pair, at(10)).await.unwrap();
    assert_eq!((stats.runs, stats.failed_runs), (3, 1));
    assert_eq!(stats.last_success_at, Some(at(35)));
    let last = store.last_success(organization, pair).await.unwrap();
    assert_eq!(last, Some(at(35)));
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
        finish(&world, outcome, now + 5).await;
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
    finish(&world, RunOutcome::Succeeded, 90).await;
    let stats = store.run_stats(organization, pair, at(0)).await.unwrap();
    assert_eq!(stats.last_success_at, Some(at(15)));
}

/// In which of these organizations there may be trouble.
async fn unquiet(worlds: &[World<'_>], succeeded_since: i64, lags_since: i64) -> Vec<bool> {
    let store = worlds[0].store;
    let found = store.unquiet_organizations(at(succeeded_since), at(lags_since));
    let found = found.await.unwrap();
    let is_found = |world: &World<'_>| found.contains(&world.organization);
    worlds.iter().map(is_found).collect()
}

pub(super) async fn what_is_quiet_is_not_looked_at(store: &dyn Store) {
    let day = 24 * HOUR_MS;
    let mut worlds = Vec::new();
    for seed in 1..=6 {
        let world = World::numbered(store, seed).await;
        finish(&world, RunOutcome::Succeeded, day).await;
        worlds.push(world);
    }
    assert_eq!(unquiet(&worlds, day, 0).await, [false; 6]);
    assert_eq!(unquiet(&worlds, day + 1, 0).await, [true; 6]);
    carry(&mut worlds[0], 4_000, &[], day).await;
    let [_, edited, revoked, alarmed, paused, _] = &worlds[..] else {
        panic!("six organizations");
    };
    edited.record("edited", day).await;
    let (status, message) = (ConnectionStatus::ReauthRequired, Some("no"));
    store
        .set_connection_status(
            revoked.organization,
            revoked.connection,
            at(day),
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
    assert_eq!(unquiet(&worlds, day, day).await, of_all);
    assert_eq!(unquiet(&worlds, day + 1, day).await[4..], [false, true]);
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
    let later = unquiet(&worlds, day, day + HOUR_MS).await;
    assert_eq!(later, [false, true, true, false, false, false]);
}

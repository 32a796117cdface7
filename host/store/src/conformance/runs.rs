//! Runs.

use partneros_domain::RunId;

use super::world::{World, at, due_pair, refused_as_conflict, refused_as_not_found};
use crate::{Counts, DuePair, NextAudit, Run, RunEnd, RunKind, RunOutcome, RunTrigger, Store};

pub(super) async fn a_run_is_followed_to_its_end(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, id) = (world.organization, world.run);
    let begun = Run {
        id,
        pair_id: world.pair,
        kind: RunKind::Incremental,
        trigger: RunTrigger::Schedule,
        started_at: at(0),
        finished_at: None,
        outcome: RunOutcome::Running,
        counts: Counts::default(),
        error: None,
    };
    assert_eq!(store.run(organization, id).await.unwrap(), begun);
    refused_as_conflict(store.start_run(organization, &world.new_run(id, 1)).await);
    let failed = RunOutcome::Failed;
    let counts = Counts {
        pulled: 2,
        unchanged: 2,
        ..Counts::default()
    };
    let end = RunEnd {
        error: Some("portal is gone".to_owned()),
        counts,
        ..world.end(failed, 9)
    };
    let finished = store.finish_run(organization, world.lease, end).await;
    finished.unwrap();
    let ended = Run {
        finished_at: Some(at(9)),
        outcome: failed,
        error: Some("portal is gone".to_owned()),
        counts,
        ..begun
    };
    assert_eq!(store.run(organization, id).await.unwrap(), ended);
    let stray = RunId(world.uuid());
    refused_as_not_found(store.run(organization, stray).await);
    let end = RunEnd {
        id: stray,
        ..world.end(failed, 9)
    };
    refused_as_not_found(store.finish_run(organization, world.lease, end).await);
}

pub(super) async fn the_end_of_a_run_gives_its_lease_back(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    let end = RunEnd {
        next_run_at: at(70),
        ..world.end(RunOutcome::Succeeded, 9)
    };
    let finish = async |lease| store.finish_run(organization, lease, end.clone()).await;
    finish(world.lease).await.unwrap();
    assert_eq!(store.due_pairs(at(69), 9).await.unwrap(), []);
    let due = store.due_pairs(at(70), 9).await.unwrap();
    assert_eq!(due, [due_pair(organization, pair)]);
    // Who comes late takes nothing from the one that syncs now.
    let taken = store.acquire_lease(organization, pair, at(70), at(90));
    let taken = taken.await.unwrap().unwrap();
    finish(world.lease).await.unwrap();
    let renewed = store.renew_lease(organization, taken, at(95)).await;
    renewed.unwrap();
}

pub(super) async fn a_new_run_interrupts_the_one_before(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    let mut ids = vec![world.run];
    for started in [5, 6] {
        let id = RunId(world.uuid());
        ids.insert(0, id);
        let run = world.new_run(id, started);
        store.start_run(organization, &run).await.unwrap();
    }
    let first = store.run(organization, world.run).await.unwrap();
    assert_eq!(first.outcome, RunOutcome::Interrupted);
    assert_eq!(first.finished_at, Some(at(5)));
    // Its worker, should it still live, does not make it a success.
    let late = RunOutcome::Succeeded;
    let late = store.finish_run(organization, world.lease, world.end(late, 8));
    late.await.unwrap();
    assert_eq!(store.run(organization, world.run).await.unwrap(), first);

    let page = store.runs(organization, pair, None, 2).await.unwrap();
    let rest = store
        .runs(organization, pair, page.next.as_deref(), 2)
        .await
        .unwrap();
    assert_eq!(rest.next, None);
    let listed: Vec<_> = page
        .items
        .iter()
        .chain(&rest.items)
        .map(|run| run.id)
        .collect();
    assert_eq!(listed, ids);
}

pub(super) async fn an_audit_is_due_when_a_run_has_said(store: &dyn Store) {
    let world = World::new(store).await;
    let pair = due_pair(world.organization, world.pair);
    let mut lease = world.lease;
    for (said, now, audit) in [
        (NextAudit::AsBefore, 10, false),
        (NextAudit::UnlessSet(at(30)), 20, false),
        (NextAudit::UnlessSet(at(80)), 29, false),
        (NextAudit::AsBefore, 30, true),
        (NextAudit::At(at(90)), 40, false),
    ] {
        let run = world.new_run(RunId(world.uuid()), now);
        store.start_run(world.organization, &run).await.unwrap();
        let end = RunEnd {
            id: run.id,
            next_audit: said,
            ..world.end(RunOutcome::Succeeded, now)
        };
        let finished = store.finish_run(world.organization, lease, end);
        finished.await.unwrap();
        let due = store.due_pairs(at(now), 9).await.unwrap();
        assert_eq!(due, [DuePair { audit, ..pair }], "at {now}");
        let taken = store.acquire_lease(world.organization, world.pair, at(now), at(999));
        lease = taken.await.unwrap().unwrap();
    }
}

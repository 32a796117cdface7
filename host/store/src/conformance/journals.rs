//! HubSpot's change journal: who reads it, how far, and what pairs learn from it.

use partneros_domain::{Direction, HubSpotId, PairId, PairState};

use super::world::{World, at, due_pair};
use crate::{
    ASSOCIATED_OBJECTS_MAX, ConnectionStatus, HINTED_OBJECTS_MAX, HintedObject, JournalHint,
    JournalLease, JournalState, JournalStep, RunOutcome, Sign, Store,
};

const APP: &str = "client-1";

async fn lease(store: &dyn Store, now: i64, until: i64) -> Option<JournalState> {
    let leased = store.lease_journal(APP, at(now), at(until)).await;
    leased.unwrap()
}

/// Something that the journal says of an object of portal 1, which is the scene's.
fn hint(id: i64, sign: Sign) -> JournalHint {
    JournalHint {
        portal_id: 1,
        hubspot_object: "companies".to_owned(),
        hubspot_id: HubSpotId(id),
        sign,
        if_known: true,
    }
}

fn step(lease: &JournalLease, position: &str, hints: Vec<JournalHint>) -> JournalStep {
    JournalStep {
        lease: lease.clone(),
        at: at(100),
        until: at(1_000),
        position: Some(position.to_owned()),
        hints,
        is_gap: false,
    }
}

/// Takes a step for whoever reads the journal.
async fn take(store: &dyn Store, hints: Vec<JournalHint>) {
    let state = lease(store, 0, 1_000).await.unwrap();
    let step = step(&state.lease, "here", hints);
    assert!(store.take_journal_step(step).await.unwrap());
    store.release_journal(state.lease, None).await.unwrap();
}

impl World<'_> {
    async fn hinted(&self, pair: PairId) -> Vec<HintedObject> {
        let hinted = self.store.hinted_objects(self.organization, pair, 100);
        hinted.await.unwrap()
    }

    /// What was said last of each hinted object.
    async fn told(&self, pair: PairId) -> Vec<(i64, Sign)> {
        let hinted = self.hinted(pair).await.into_iter();
        hinted
            .map(|hinted| (hinted.hubspot_id.0, hinted.sign))
            .collect()
    }

    async fn hinted_ids(&self, pair: PairId) -> Vec<i64> {
        let hinted = self.hinted(pair).await.into_iter();
        hinted.map(|hinted| hinted.hubspot_id.0).collect()
    }

    /// Ends the scene's run, so that the pair is due no sooner than at 500.
    async fn rests(&self, outcome: RunOutcome) {
        let end = crate::RunEnd {
            next_run_at: at(500),
            ..self.end(outcome, 50)
        };
        let ended = self.store.finish_run(self.organization, self.lease, end);
        ended.await.unwrap();
    }
}

pub(super) async fn one_process_reads_a_journal(store: &dyn Store) {
    let first = lease(store, 0, 1_000).await.unwrap();
    assert_eq!((first.position, first.complete_at), (None, None));
    assert_eq!(lease(store, 999, 2_000).await, None);
    // Another app's is another journal.
    let other = store.lease_journal("client-2", at(0), at(1_000)).await;
    assert!(other.unwrap().is_some());

    assert!(
        store
            .take_journal_step(step(&first.lease, "one", vec![]))
            .await
            .unwrap()
    );
    store
        .release_journal(first.lease.clone(), Some(at(40)))
        .await
        .unwrap();
    let second = lease(store, 100, 1_100).await.unwrap();
    assert!(second.lease.epoch > first.lease.epoch);
    assert_eq!(second.position.as_deref(), Some("one"));
    assert_eq!((second.complete_at, second.gap_at), (Some(at(40)), None));

    // Who came late neither moves it nor ends the other's lease.
    let late = step(&first.lease, "late", vec![]);
    assert!(!store.take_journal_step(late).await.unwrap());
    store
        .release_journal(first.lease, Some(at(90)))
        .await
        .unwrap();
    assert_eq!(lease(store, 100, 1_100).await, None);
    store.release_journal(second.lease, None).await.unwrap();
    let third = lease(store, 100, 1_100).await.unwrap();
    assert_eq!(third.position.as_deref(), Some("one"));
    assert_eq!(third.complete_at, Some(at(40)));
    // A host that starts alone goes on at once.
    store.end_leases().await.unwrap();
    assert!(lease(store, 101, 1_100).await.is_some());
}

pub(super) async fn what_the_journal_says_of_linked_objects_makes_their_pair_due(
    store: &dyn Store,
) {
    let world = World::new(store).await;
    world.pulled(7).await;
    world.rests(RunOutcome::Succeeded).await;
    let due = async |now| store.due_pairs(at(now), 9).await.unwrap();
    let strange = JournalHint {
        portal_id: 2,
        ..hint(7, Sign::Gone)
    };
    take(store, vec![hint(8, Sign::Gone), strange]).await;
    assert_eq!(
        world.hinted_ids(world.pair).await,
        [0; 0],
        "nobody knows them"
    );
    assert_eq!(due(100).await, []);

    let merged = JournalHint {
        if_known: false,
        ..hint(9, Sign::Changed)
    };
    take(
        store,
        vec![hint(7, Sign::Changed), merged, hint(7, Sign::Gone)],
    )
    .await;
    let told = world.told(world.pair).await;
    assert_eq!(
        told,
        [(7, Sign::Gone), (9, Sign::Changed)],
        "the last word counts"
    );
    assert_eq!(due(99).await, []);
    assert_eq!(due(100).await, [due_pair(world.organization, world.pair)]);
}

pub(super) async fn an_association_hurries_nobody_and_hides_nothing(store: &dyn Store) {
    let world = World::new(store).await;
    world.pulled(7).await;
    world.pulled(8).await;
    world.rests(RunOutcome::Succeeded).await;
    let associated = |id| hint(id, Sign::Associated);
    take(store, vec![associated(7), associated(8), associated(9)]).await;
    assert_eq!(store.due_pairs(at(100), 9).await.unwrap(), []);
    take(
        store,
        vec![associated(7), hint(8, Sign::Gone), associated(8)],
    )
    .await;
    let told = world.told(world.pair).await;
    assert_eq!(
        told,
        [(8, Sign::Gone), (7, Sign::Associated)],
        "in order of weight"
    );
    assert_eq!(store.due_pairs(at(100), 9).await.unwrap().len(), 1);
}

pub(super) async fn associations_leave_room_for_what_matters(store: &dyn Store) {
    let world = World::new(store).await;
    world.rests(RunOutcome::Succeeded).await;
    let many = |ids: std::ops::Range<usize>, sign| {
        let hints = ids.map(|id| JournalHint {
            if_known: false,
            ..hint(id as i64, sign)
        });
        hints.collect::<Vec<_>>()
    };
    take(store, many(0..HINTED_OBJECTS_MAX, Sign::Associated)).await;
    assert_eq!(store.due_pairs(at(100), 9).await.unwrap(), []);
    // As many as have room, and those that are hinted need none.
    let rest = HINTED_OBJECTS_MAX - ASSOCIATED_OBJECTS_MAX;
    take(
        store,
        many(HINTED_OBJECTS_MAX..HINTED_OBJECTS_MAX + rest, Sign::Gone),
    )
    .await;
    take(store, many(0..ASSOCIATED_OBJECTS_MAX, Sign::Changed)).await;
    let due = store.due_pairs(at(100), 9).await.unwrap();
    assert!(!due[0].audit, "nothing was dropped");
    take(
        store,
        many(
            ASSOCIATED_OBJECTS_MAX..ASSOCIATED_OBJECTS_MAX + 1,
            Sign::Changed,
        ),
    )
    .await;
    let due = store.due_pairs(at(100), 9).await.unwrap();
    assert!(due[0].audit);
}

pub(super) async fn associations_told_during_a_run_wait_for_the_next(store: &dyn Store) {
    let world = World::new(store).await;
    world.pulled(7).await;
    take(store, vec![hint(7, Sign::Associated)]).await;
    world.rests(RunOutcome::Succeeded).await;
    assert_eq!(store.due_pairs(at(499), 9).await.unwrap(), []);
}

pub(super) async fn a_hint_is_forgotten_unless_something_was_said_since(store: &dyn Store) {
    let world = World::new(store).await;
    for id in [7, 8] {
        world.pulled(id).await;
    }
    take(store, vec![hint(7, Sign::Gone), hint(8, Sign::Gone)]).await;
    let is_hinted = async || {
        let rounds = store.rounds(world.organization, world.pair).await;
        rounds.unwrap().is_hinted
    };
    assert!(is_hinted().await);
    let looked_up = world.hinted(world.pair).await;
    take(store, vec![hint(8, Sign::Gone)]).await;
    let forget = store.forget_hints(world.organization, world.lease, &looked_up);
    forget.await.unwrap();
    assert_eq!(world.hinted_ids(world.pair).await, [8]);
    let lost = crate::Lease {
        epoch: world.lease.epoch + 1,
        ..world.lease
    };
    let rest = world.hinted(world.pair).await;
    assert!(
        store
            .forget_hints(world.organization, lost, &rest)
            .await
            .is_err()
    );
    assert_eq!(world.hinted_ids(world.pair).await, [8]);
    let forget = store.forget_hints(world.organization, world.lease, &rest);
    forget.await.unwrap();
    assert!(!is_hinted().await);
}

pub(super) async fn what_is_said_while_a_pair_runs_makes_it_due_again(store: &dyn Store) {
    let due = async |now| store.due_pairs(at(now), 9).await.unwrap().len();
    let world = World::new(store).await;
    world.pulled(7).await;
    take(store, vec![hint(7, Sign::Gone)]).await;
    world.rests(RunOutcome::Failed).await;
    assert_eq!(
        due(499).await,
        0,
        "a pair that fails is not run again and again"
    );
    let lease = store
        .acquire_lease(world.organization, world.pair, at(500), at(900))
        .await;
    let again = world.again(lease.unwrap().unwrap());
    let run = again.new_run(partneros_domain::RunId(again.uuid()), 500);
    store.start_run(world.organization, &run).await.unwrap();
    let end = crate::RunEnd {
        id: run.id,
        next_run_at: at(5_000),
        ..again.end(RunOutcome::Succeeded, 600)
    };
    store
        .finish_run(world.organization, again.lease, end)
        .await
        .unwrap();
    assert_eq!(due(600).await, 1);
}

pub(super) async fn a_gap_has_every_active_pair_audited(store: &dyn Store) {
    let world = World::new(store).await;
    let paused = world.active_pair("deals", Direction::Bidirectional).await;
    world.set_state(paused, PairState::Paused).await;
    world.rests(RunOutcome::Succeeded).await;
    let state = lease(store, 0, 1_000).await.unwrap();
    let gap = JournalStep {
        is_gap: true,
        ..step(&state.lease, "there", vec![])
    };
    assert!(store.take_journal_step(gap).await.unwrap());
    let due = store.due_pairs(at(100), 9).await.unwrap();
    let audited = crate::DuePair {
        audit: true,
        ..due_pair(world.organization, world.pair)
    };
    assert_eq!(due, [audited]);
    store.release_journal(state.lease, None).await.unwrap();
    assert_eq!(lease(store, 101, 200).await.unwrap().gap_at, Some(at(100)));
}

pub(super) async fn more_than_is_kept_has_the_pair_audited(store: &dyn Store) {
    let world = World::new(store).await;
    world.rests(RunOutcome::Succeeded).await;
    let many = (0..=HINTED_OBJECTS_MAX as i64).map(|id| JournalHint {
        if_known: false,
        ..hint(id, Sign::Changed)
    });
    let many: Vec<_> = many.collect();
    take(store, many[1..].to_vec()).await;
    let audits = async || store.due_pairs(at(100), 9).await.unwrap()[0].audit;
    assert!(!audits().await, "all of it is kept");
    take(store, many[..2].to_vec()).await;
    assert!(audits().await);
    assert_eq!(world.hinted(world.pair).await[0].hubspot_id, HubSpotId(1));
}

pub(super) async fn what_pairs_sync_over_the_app_is_listed(store: &dyn Store) {
    let world = World::new(store).await;
    let theirs = World::numbered(store, 2).await;
    let deals = world
        .active_pair("deals", Direction::HubSpotToPartnerOs)
        .await;
    let draft = world.draft(PairId(world.uuid()), "contacts", Direction::Bidirectional);
    store.create_pair(world.organization, &draft).await.unwrap();
    let listed = async || {
        let listed = store.journaled_objects().await.unwrap().into_iter();
        let told = listed.map(|of| (of.organization, of.portal_id, of.hubspot_object));
        told.collect::<Vec<_>>()
    };
    let (ours, others) = (world.organization, theirs.organization);
    let companies = || "companies".to_owned();
    assert_eq!(
        listed().await,
        [
            (ours, 1, companies()),
            (ours, 1, "deals".to_owned()),
            (others, 2, companies())
        ]
    );
    world.set_state(deals, PairState::Paused).await;
    let out = ConnectionStatus::ReauthRequired;
    store
        .set_connection_status(others, theirs.connection, at(1), out, None, at(1))
        .await
        .unwrap();
    assert_eq!(listed().await, [(ours, 1, companies())]);
}

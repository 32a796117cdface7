//! The brake: what is counted, what passes a limit, and what people decide.

use partneros_domain::{EventType, HubSpotId, PairState, RecordId, Side, Value};

use super::alerts::act;
use super::audit::event;
use super::world::{World, at, due_pair, effect, named};
use crate::{
    BrakeKey, BrakeLimit, BrakeVerdict, Commit, Cursor, Error, EventFilter, LinkStep, NotedChange,
    Parting, RecordEffect, Store, Tripped, Watched,
};

const LIMIT: BrakeLimit = BrakeLimit {
    since: partneros_domain::Timestamp(0),
    records_min: 2,
    share_percent: 0,
};

fn name() -> BrakeKey {
    BrakeKey {
        side: Side::PartnerOs,
        field: Some("name".into()),
    }
}

fn deletion(side: Side) -> BrakeKey {
    BrakeKey { side, field: None }
}

fn change(id: RecordId, key: BrakeKey) -> NotedChange {
    NotedChange {
        key,
        record_id: id,
        hubspot_id: HubSpotId(7),
        from: Some(Value::Text("old".to_owned())),
        to: None,
    }
}

fn watched(limit: BrakeLimit, ids: &[RecordId]) -> Watched {
    Watched {
        limit,
        changes: ids.iter().map(|id| change(*id, name())).collect(),
    }
}

#[track_caller]
fn tripped<T: std::fmt::Debug>(result: crate::Result<T>) -> Tripped {
    match result {
        Err(Error::Braked(mut tripped)) if tripped.len() == 1 => tripped.remove(0),
        other => panic!("expected `Braked`, got {other:?}"),
    }
}

impl World<'_> {
    async fn note(&self, limit: BrakeLimit, ids: &[RecordId], now: i64) -> crate::Result<()> {
        let watched = watched(limit, ids);
        self.store
            .note_changes(self.organization, self.lease, watched, at(now))
            .await
    }

    async fn some_pulled<const N: usize>(&self) -> [RecordId; N] {
        let mut ids = [RecordId(self.uuid()); N];
        for (nth, id) in ids.iter_mut().enumerate() {
            *id = self.pulled(nth as i64 + 1).await;
        }
        ids
    }

    async fn pull_brake(&self, tripped: Vec<Tripped>) {
        let event = event(self, EventType::PairBraked, 30);
        let pulled = self
            .store
            .pull_brake(self.organization, self.lease, self.run, tripped, event);
        pulled.await.unwrap();
    }

    async fn decide(&self, verdict: BrakeVerdict) -> Vec<BrakeKey> {
        let decided = self.store.decide_brakes(
            self.organization,
            self.pair,
            verdict,
            at(900),
            act(self, "ann", 40),
        );
        let decided = decided.await.unwrap().into_iter();
        decided.map(|brake| brake.key).collect()
    }
}

pub(super) async fn what_passes_the_limit_is_not_written(store: &dyn Store) {
    let world = World::new(store).await;
    let ids: [RecordId; 4] = world.some_pulled().await;
    let commit = |ids: &[RecordId], now| {
        let effects = ids.iter().map(|id| {
            let record = RecordEffect::Update {
                version: 1,
                fields: named("changed"),
            };
            effect(*id, record)
        });
        Commit {
            at: at(now),
            watched: Some(watched(LIMIT, ids)),
            cursor: Some(Cursor {
                modified_at: at(now),
                drained_to: None,
                mapping_version: 0,
            }),
            ..world.batch(effects.collect())
        }
    };
    store
        .commit(world.organization, commit(&ids[..2], 21))
        .await
        .unwrap();
    let stopped = store
        .commit(world.organization, commit(&ids[2..], 22))
        .await;
    let stopped = tripped(stopped);
    assert_eq!(stopped.key, name());
    assert_eq!((stopped.records, stopped.blanked), (4, 4));
    assert_eq!((stopped.allowed, stopped.links), (2, 4));
    let samples: Vec<_> = stopped.samples.iter().map(|s| s.record_id).collect();
    assert_eq!(samples, ids[2..]);
    assert_eq!(world.read(ids[2]).await.unwrap().version, 1);
    assert_eq!(world.cursor().await.unwrap().modified_at, at(21));
    // What races is not written, and does not count.
    let raced = store
        .commit(world.organization, commit(&ids[..2], 23))
        .await
        .unwrap();
    assert_eq!(raced.raced, ids[..2]);
}

pub(super) async fn a_record_counts_once_and_for_a_while(store: &dyn Store) {
    let world = World::new(store).await;
    let ids: [RecordId; 4] = world.some_pulled().await;
    for now in 1..9 {
        world.note(LIMIT, &ids[..2], now).await.unwrap();
    }
    let stopped = tripped(world.note(LIMIT, &ids[2..3], 9).await);
    assert_eq!(stopped.records, 3);
    let later = BrakeLimit {
        since: at(9),
        ..LIMIT
    };
    world.note(later, &ids[2..], 9).await.unwrap();
    // What changed before the window, and again within it, is one more; what is refused is not counted.
    for _ in 0..2 {
        let stopped = tripped(world.note(later, &ids[..2], 9).await);
        assert_eq!(stopped.records, 4);
        world.note(later, &ids[2..], 9).await.unwrap();
    }
    assert_eq!(store.forget_changes(at(9), 9).await.unwrap(), 2);
    world.note(LIMIT, &ids[2..], 10).await.unwrap();
    // Forgotten in the middle of a run, a change counts once when it is made again.
    assert_eq!(store.forget_changes(at(11), 9).await.unwrap(), 2);
    world.note(LIMIT, &ids[2..], 11).await.unwrap();
    let lost = crate::Lease {
        epoch: world.lease.epoch - 1,
        ..world.lease
    };
    let watched = watched(LIMIT, &ids[..1]);
    let noted = store
        .note_changes(world.organization, lost, watched, at(11))
        .await;
    assert!(matches!(noted, Err(Error::LeaseLost(_))), "{noted:?}");
}

pub(super) async fn a_share_of_the_linked_records_may_change(store: &dyn Store) {
    let world = World::new(store).await;
    let ids: [RecordId; 8] = world.some_pulled().await;
    let half = BrakeLimit {
        share_percent: 50,
        ..LIMIT
    };
    world.note(half, &ids[..4], 1).await.unwrap();
    let stopped = tripped(world.note(half, &ids[4..], 2).await);
    assert_eq!((stopped.allowed, stopped.links), (4, 8));
    // The deletion of records counts by those that were there.
    let end = |id| LinkStep::EndWithRecord {
        hubspot_id: HubSpotId(id),
        parting: Parting::Archived,
    };
    let mut commit = world.link_commit((1..=4).map(end).collect());
    commit.limit = Some(half);
    store
        .commit_links(world.organization, commit)
        .await
        .unwrap();
    let mut commit = world.link_commit(vec![end(5)]);
    commit.limit = Some(half);
    let stopped = tripped(store.commit_links(world.organization, commit).await);
    assert_eq!(stopped.key, deletion(Side::PartnerOs));
    assert_eq!((stopped.records, stopped.allowed), (5, 4));
    assert!(world.read(ids[4]).await.is_ok());
}

pub(super) async fn a_braked_pair_waits_until_somebody_decides(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    let ids: [RecordId; 3] = world.some_pulled().await;
    let stopped = tripped(world.note(LIMIT, &ids, 1).await);
    world.pull_brake(vec![stopped.clone()]).await;
    let state = async || store.pair(organization, pair).await.unwrap().state;
    assert_eq!(state().await, PairState::Braked);
    store
        .release_lease(organization, world.lease)
        .await
        .unwrap();
    assert_eq!(store.due_pairs(at(999), 9).await.unwrap(), []);
    let brakes = store.brakes(organization, pair).await.unwrap();
    assert_eq!(brakes.len(), 1);
    assert_eq!((&brakes[0].key, brakes[0].records), (&name(), 3));
    assert_eq!(brakes[0].run_id, world.run);
    assert_eq!(brakes[0].samples[0].from, stopped.samples[0].from);
    assert_eq!(brakes[0].decision, None);

    assert_eq!(world.decide(BrakeVerdict::Discarded).await, [name()]);
    assert_eq!(world.decide(BrakeVerdict::Approved).await, [], "once");
    assert_eq!(state().await, PairState::Active);
    let due = store.due_pairs(at(40), 9).await.unwrap();
    assert_eq!(due, [due_pair(organization, pair)]);
    let brakes = store.brakes(organization, pair).await.unwrap();
    let decision = brakes[0].decision.clone().unwrap();
    assert_eq!(decision.verdict, BrakeVerdict::Discarded);
    assert_eq!((decision.by.as_str(), decision.until), ("ann", at(900)));
    let filter = EventFilter::named("pair.brake");
    let events = store.events(organization, &filter, None, 9).await.unwrap();
    let events: Vec<_> = events.items.iter().map(|e| e.event.as_str()).collect();
    assert_eq!(events, ["pair.brake_discarded", "pair.braked"]);

    let lease = store
        .acquire_lease(organization, pair, at(1_001), at(2_000))
        .await;
    let again = world.again(lease.unwrap().unwrap());
    again.note(LIMIT, &ids[..2], 50).await.unwrap();
    store.end_brakes(organization, again.lease).await.unwrap();
    assert_eq!(store.brakes(organization, pair).await.unwrap(), []);
}

pub(super) async fn a_paused_pair_stays_paused_whatever_is_decided(store: &dyn Store) {
    let world = World::new(store).await;
    let ids: [RecordId; 3] = world.some_pulled().await;
    let stopped = tripped(world.note(LIMIT, &ids, 1).await);
    world.set_state(world.pair, PairState::Paused).await;
    world.pull_brake(vec![stopped]).await;
    world.decide(BrakeVerdict::Approved).await;
    let pair = store.pair(world.organization, world.pair).await.unwrap();
    assert_eq!(pair.state, PairState::Paused);
    // A decision that still holds is no brake; another change waits beside it.
    let other = Tripped {
        key: deletion(Side::HubSpot),
        records: 9,
        blanked: 0,
        allowed: 2,
        links: 3,
        samples: Vec::new(),
    };
    world.pull_brake(vec![other]).await;
    let brakes = store.brakes(world.organization, world.pair).await.unwrap();
    let decided: Vec<_> = brakes.iter().map(|b| b.decision.is_some()).collect();
    assert_eq!(decided, [false, true]);
    let keys: Vec<_> = brakes.into_iter().map(|brake| brake.key).collect();
    assert_eq!(keys, [deletion(Side::HubSpot), name()]);
}

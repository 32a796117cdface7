//! The outbox.

use partneros_domain::{Direction, HubSpotId, RecordId, Tug};

use super::world::{World, at, effect, failure, keep, link};
use crate::{
    Effect, FailureStage, LinkStep, OutboxEffect, Record, RecordEffect, Store, TUG_OF_WAR,
};

fn place(record: &Record, outbox: OutboxEffect) -> Effect {
    let version = record.version;
    Effect {
        outbox,
        ..effect(record.id, RecordEffect::Keep { version })
    }
}

pub(super) async fn the_longest_waiting_comes_first(store: &dyn Store) {
    let world = World::new(store).await;
    let first = world.record("first", 1).await;
    let second = world.record("second", 2).await;
    let third = world.record("third", 3).await;
    // An edit of what waits keeps its place.
    let first = world.edit(first.id, "edited", 4).await;
    assert_eq!(
        world.waiting(world.pair, 100).await,
        [(first.id, 0), (second.id, 0), (third.id, 0)]
    );
    // One that was settled and is edited begins to wait anew.
    world
        .commit(vec![place(&first, OutboxEffect::Settle)])
        .await;
    assert_eq!(
        world.waiting(world.pair, 100).await,
        [(second.id, 0), (third.id, 0)]
    );
    world.edit(first.id, "again", 30).await;
    assert_eq!(
        world.waiting(world.pair, 100).await,
        [(second.id, 0), (third.id, 0), (first.id, 0)]
    );
    let count = store.count_outbox(world.organization, world.pair).await;
    assert_eq!(count.unwrap(), 3);
    let since = async || {
        let since = store.waiting_since(world.organization, world.pair).await;
        since.unwrap()
    };
    assert_eq!(since().await, Some(at(2)));
    // Nothing changed, nothing waits longer.
    world
        .commit(vec![place(&second, OutboxEffect::Settle)])
        .await;
    world.edit(second.id, "second", 40).await;
    assert_eq!(
        world.waiting(world.pair, 100).await,
        [(third.id, 0), (first.id, 0)]
    );
    world.edit(third.id, "edited", 50).await;
    assert_eq!(since().await, Some(at(3)), "it has waited since then");
    for record in [third.id, first.id] {
        let read = world.read(record).await.unwrap();
        let refused = Effect {
            failures: vec![failure("refused")],
            stage: FailureStage::Push,
            ..place(&read, OutboxEffect::Settle)
        };
        world.commit(vec![refused]).await;
    }
    assert_eq!(since().await, None);
    world.edit(third.id, "later", 60).await;
    assert_eq!(since().await, Some(at(60)));
    // What was refused waits from when it is put in again, and what waits already has waited longer.
    let put = store.requeue(world.organization, world.pair, false, at(70));
    put.await.unwrap();
    let batch = store.outbox(world.organization, world.pair, at(100), None, 9);
    let mut waits: Vec<_> = batch
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.since)
        .collect();
    waits.sort_unstable();
    assert_eq!(waits, [at(60), at(70)]);
}

pub(super) async fn a_pass_goes_on_after_what_it_settled(store: &dyn Store) {
    let world = World::new(store).await;
    let mut records = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        records.push(world.record(name, 1).await);
    }
    let batch = async |after: Option<RecordId>| {
        let entries = store
            .outbox(world.organization, world.pair, at(100), after, 2)
            .await
            .unwrap();
        entries
            .into_iter()
            .map(|entry| entry.record)
            .collect::<Vec<_>>()
    };
    assert_eq!(batch(None).await, records[..2]);
    // The first is left in, the last of the batch is taken out: the next batch starts behind both.
    world
        .commit(vec![place(&records[1], OutboxEffect::Settle)])
        .await;
    assert_eq!(batch(Some(records[1].id)).await, records[2..4]);
    world.delete(records[3].id).await;
    assert_eq!(batch(Some(records[3].id)).await, records[4..]);
    assert_eq!(batch(Some(records[4].id)).await, []);
    assert_eq!(batch(None).await, [records[0].clone(), records[2].clone()]);
}

pub(super) async fn a_retry_waits_and_counts(store: &dyn Store) {
    let world = World::new(store).await;
    let record = world.record("a", 1).await;
    let retry = async |when| {
        world
            .commit(vec![place(&record, OutboxEffect::RetryAt(at(when)))])
            .await;
    };
    retry(200).await;
    assert_eq!(world.waiting(world.pair, 199).await, []);
    assert_eq!(world.waiting(world.pair, 200).await, [(record.id, 1)]);
    retry(300).await;
    assert_eq!(world.waiting(world.pair, 300).await, [(record.id, 2)]);
    let count = store.count_outbox(world.organization, world.pair).await;
    assert_eq!(count.unwrap(), 1, "what is not due yet waits as well");
    // New values are due at once and have not failed yet.
    world
        .commit(vec![place(&record, OutboxEffect::Enqueue)])
        .await;
    assert_eq!(world.waiting(world.pair, 20).await, [(record.id, 0)]);
    retry(400).await;
    world.edit(record.id, "b", 30).await;
    assert_eq!(world.waiting(world.pair, 30).await, [(record.id, 0)]);
}

pub(super) async fn every_pair_that_writes_hubspot_learns_of_an_edit(store: &dyn Store) {
    let world = World::new(store).await;
    let pushing = world
        .active_pair("contacts", Direction::PartnerOsToHubSpot)
        .await;
    let pulling = world
        .active_pair("deals", Direction::HubSpotToPartnerOs)
        .await;
    let record = world.record("a", 5).await;
    world.commit(vec![keep(&record, 7)]).await;
    for pair in [world.pair, pushing] {
        assert_eq!(world.waiting(pair, 5).await, [(record.id, 0)]);
        assert_eq!(world.waiting(pair, 4).await, []);
    }
    assert_eq!(world.waiting(pulling, 100).await, []);
    let entries = store
        .outbox(world.organization, world.pair, at(5), None, 9)
        .await
        .unwrap();
    assert_eq!(entries[0].record, record);
    assert_eq!(entries[0].link, Some(link(7)));
    let entries = store
        .outbox(world.organization, pushing, at(5), None, 9)
        .await
        .unwrap();
    assert_eq!(entries[0].link, None);
}

pub(super) async fn records_are_put_back(store: &dyn Store) {
    let world = World::new(store).await;
    let well = world.record("well", 1).await;
    let bad = world.record("bad", 1).await;
    let unreadable = world.record("unreadable", 1).await;
    let fail = |record, stage| Effect {
        failures: vec![failure("bad")],
        stage,
        ..place(record, OutboxEffect::Settle)
    };
    world
        .commit(vec![
            place(&well, OutboxEffect::Settle),
            fail(&bad, FailureStage::Push),
            fail(&unreadable, FailureStage::Pull),
        ])
        .await;
    let requeued = store.requeue(world.organization, world.pair, false, at(30));
    assert_eq!(requeued.await.unwrap(), 1);
    assert_eq!(world.waiting(world.pair, 30).await, [(bad.id, 0)]);
}

pub(super) async fn a_retry_ends_the_pauses_of_fields(store: &dyn Store) {
    let world = World::new(store).await;
    let paused = Tug {
        paused: Some("a workflow".to_owned()),
        ..Tug::default()
    };
    let mut records = Vec::new();
    for (name, object) in [("a", 7), ("b", 8), ("c", 9)] {
        let record = world.record(name, 1).await;
        let mut effect = Effect {
            outbox: OutboxEffect::Settle,
            failures: vec![failure(TUG_OF_WAR)],
            stage: FailureStage::Push,
            ..keep(&record, object)
        };
        if name == "c" {
            effect.failures.clear();
        } else {
            let base = &mut effect.link.as_mut().unwrap().base;
            base.set_tug(&"name".into(), 7, paused.clone());
        }
        world.commit(vec![effect]).await;
        records.push(record.id);
    }
    let tug = async |id| {
        let base = world.linked(id).await.unwrap().base;
        base.agreed(&"name".into(), 7).unwrap().tug.clone()
    };
    let listed = store.tugs(world.organization, world.pair).await.unwrap();
    assert_eq!(listed, [(failure(TUG_OF_WAR), 2)]);
    let requeue = async |pauses_end| {
        let requeued = store.requeue(world.organization, world.pair, pauses_end, at(30));
        requeued.await.unwrap()
    };
    assert_eq!(requeue(false).await, 2);
    assert_eq!(tug(records[0]).await, paused, "nobody asked for it");
    assert_eq!(requeue(true).await, 2);
    assert_eq!(tug(records[0]).await, Tug::default());
    assert_eq!(world.linked(records[1]).await, Some(link(8)));
}

pub(super) async fn what_is_sent_to_make_an_object_is_remembered(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    let (record, other) = (world.record("a", 1).await, world.record("b", 2).await);
    let ids = [record.id, other.id];
    let sent = async || store.sent_creates(organization, pair, &ids).await.unwrap();
    assert_eq!(sent().await, []);
    let base = link(7).base;
    let sending = |record: &Record| Effect {
        record: RecordEffect::Pushed {
            version: record.version,
        },
        ..place(record, OutboxEffect::Sending(base.clone()))
    };
    // An edit that comes first makes no difference: it is sent all the same.
    let edited = world.edit(record.id, "edited", 3).await;
    world.commit(vec![sending(&record)]).await;
    assert_eq!(sent().await, [(record.id, base.clone())]);
    assert_eq!(world.waiting(pair, 100).await.len(), 2, "they stay in");
    world.edit(record.id, "again", 4).await;
    assert_eq!(sent().await.len(), 1, "an edit does not forget it");
    assert_eq!(edited.id, record.id);

    // Of a record that is deleted before its object shows, it becomes what both sides agree on.
    world.mirrors().await;
    for id in ids {
        world.delete(id).await;
    }
    world.commit(vec![sending(&other)]).await;
    for (id, hubspot_id) in ids.into_iter().zip([7, 8]) {
        let hubspot_id = HubSpotId(hubspot_id);
        let doom = LinkStep::Doom {
            record_id: id,
            hubspot_id,
        };
        world.step(doom).await;
        world.step(LinkStep::Revive { hubspot_id }).await;
        let found = store.link_of_record(organization, pair, id).await.unwrap();
        assert_eq!(found.unwrap().base, base);
    }
}

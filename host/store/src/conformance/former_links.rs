//! Links that end and come back.

use partneros_domain::{DeletePolicy, EventType, HubSpotId, RecordId};

use super::alerts::act;
use super::world::{World, at, effect, failure, keep, link, named, refused_as_not_found};
use crate::{
    ChangedLink, Effect, Error, EventFilter, EventId, FailureStage, FormerLink, LinkChange,
    LinkCommit, LinkStep, OutboxEffect, PairPatch, Parting, RecordEffect, Rounds, Store,
};

const ARCHIVED: Parting = Parting::Archived;

fn end(id: i64) -> LinkStep {
    LinkStep::End {
        hubspot_id: HubSpotId(id),
        parting: ARCHIVED,
        merged_into: None,
    }
}

fn end_with_record(id: i64) -> LinkStep {
    LinkStep::EndWithRecord {
        hubspot_id: HubSpotId(id),
        parting: ARCHIVED,
    }
}

fn restore(id: i64) -> LinkStep {
    LinkStep::Restore {
        hubspot_id: HubSpotId(id),
    }
}

fn move_to(from: i64, to: i64) -> LinkStep {
    LinkStep::Move {
        from: HubSpotId(from),
        to: HubSpotId(to),
    }
}

impl World<'_> {
    pub(super) fn link_commit(&self, steps: Vec<LinkStep>) -> LinkCommit {
        LinkCommit {
            lease: self.lease,
            run_id: self.run,
            at: at(60),
            actor: "system".to_owned(),
            events: [(); LinkCommit::EVENTS_MAX].map(|()| EventId(self.uuid())),
            steps,
            limit: None,
        }
    }

    pub(super) async fn step(&self, step: LinkStep) -> Option<ChangedLink> {
        let commit = self.link_commit(vec![step]);
        let changes = self.store.commit_links(self.organization, commit).await;
        let mut changes = changes.unwrap();
        assert!(changes.len() <= 1, "{changes:?}");
        changes.pop()
    }

    async fn former(&self, id: i64) -> Option<FormerLink> {
        let ids = [HubSpotId(id)];
        let former = self
            .store
            .former_links(self.organization, self.pair, &ids)
            .await;
        former.unwrap().pop()
    }

    async fn detached(&self) -> Vec<(RecordId, i64)> {
        let page = self
            .store
            .detached_records(self.organization, self.pair, None, 9)
            .await;
        let listed = page.unwrap().items;
        let count = self
            .store
            .count_detached(self.organization, self.pair, None)
            .await;
        assert_eq!(count.unwrap(), listed.len() as u64);
        let listed = listed.iter();
        listed
            .map(|entry| (entry.record_id, entry.hubspot_id.0))
            .collect()
    }

    async fn doomed(&self) -> Vec<i64> {
        let doomed = self
            .store
            .doomed_objects(self.organization, self.pair, 9)
            .await;
        doomed.unwrap().into_iter().map(|id| id.0).collect()
    }

    async fn restorable(&self) -> Vec<i64> {
        let restorable = self
            .store
            .restorable_objects(self.organization, self.pair, at(60), None, 9)
            .await;
        restorable.unwrap().into_iter().map(|id| id.0).collect()
    }

    async fn events(&self, event: EventType) -> Vec<serde_json::Value> {
        let filter = EventFilter::named(event.name());
        let page = self.store.events(self.organization, &filter, None, 9).await;
        let events = page.unwrap().items.into_iter();
        events.map(|event| event.metadata).collect()
    }

    pub(super) async fn mirrors(&self) {
        let patch = PairPatch {
            delete_policy: Some(DeletePolicy::Mirror),
            ..PairPatch::default()
        };
        let updated = self.store.update_pair(self.organization, self.pair, &patch);
        updated.await.unwrap();
    }
}

/// The change that a step is to make.
fn changed(record_id: RecordId, hubspot_id: i64, change: LinkChange) -> ChangedLink {
    ChangedLink {
        record_id,
        hubspot_id: HubSpotId(hubspot_id),
        change,
    }
}

pub(super) async fn a_link_that_ends_is_remembered(store: &dyn Store) {
    let world = World::new(store).await;
    let id = world.pulled(7).await;
    assert_eq!(world.former(7).await, None);
    let unlinked = LinkChange::Unlinked(ARCHIVED);
    assert_eq!(world.step(end(7)).await, Some(changed(id, 7, unlinked)));
    assert_eq!(world.step(end(7)).await, None, "once");
    assert_eq!(world.linked(id).await, None);
    // A page that was decided before its link ended makes no second record of the object.
    let late = world.creation(7);
    let late_id = late.record_id;
    assert_eq!(world.commit(vec![late]).await.raced, [late_id]);
    assert!(world.read(late_id).await.is_err());
    let former = world.former(7).await.unwrap();
    assert_eq!((former.record_id, former.parting), (id, ARCHIVED));
    assert!(former.free && !former.doomed);
    assert_eq!(world.detached().await, [(id, 7)]);
    assert_eq!(world.restorable().await, [7]);
    world.edit(id, "edited", 70).await;
    let waiting = store
        .outbox(world.organization, world.pair, at(100), None, 9)
        .await;
    let waiting = waiting.unwrap();
    assert_eq!(waiting[0].detached_from, Some(HubSpotId(7)));
    assert_eq!(waiting[0].link, None);
    // The edit is given up for want of an object, and comes back with it.
    let given_up = Effect {
        outbox: OutboxEffect::Settle,
        failures: vec![failure("gone")],
        stage: FailureStage::Push,
        ..effect(id, RecordEffect::Keep { version: 2 })
    };
    world.commit(vec![given_up]).await;
    assert_eq!(world.waiting(world.pair, 100).await, []);

    let restored = world.step(restore(7)).await;
    assert_eq!(restored, Some(changed(id, 7, LinkChange::Restored)));
    assert_eq!(world.linked(id).await, Some(link(7)), "with its base");
    assert_eq!(world.former(7).await, None);
    assert_eq!(world.detached().await, []);
    assert_eq!(world.waiting(world.pair, 100).await, [(id, 0)]);
    let run = store.run(world.organization, world.run).await.unwrap();
    assert_eq!((run.counts.unlinked, run.counts.relinked), (1, 1));
    let told = world.events(EventType::RecordUnlinked).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["links"][0]["reason"], "archived");
    assert_eq!(world.events(EventType::RecordRelinked).await.len(), 1);
}

pub(super) async fn a_merged_object_leaves_its_link_to_one(store: &dyn Store) {
    let world = World::new(store).await;
    let (first, second) = (world.pulled(7).await, world.pulled(8).await);
    let left = LinkStep::End {
        hubspot_id: HubSpotId(8),
        parting: Parting::Merged,
        merged_into: Some(HubSpotId(9)),
    };
    let into = HubSpotId(9);
    let moved = world.step(move_to(7, 9)).await;
    assert_eq!(moved, Some(changed(first, 7, LinkChange::Moved(into))));
    assert_eq!(world.step(move_to(8, 9)).await, None, "it has a record");
    let ended = world.step(left).await;
    assert_eq!(ended, Some(changed(second, 8, LinkChange::Left(into))));
    let linked = world.linked(first).await.unwrap();
    assert_eq!((linked.hubspot_id, linked.base), (into, link(7).base));
    assert_eq!(world.waiting(world.pair, 100).await, []);
    for id in [7, 8] {
        let former = world.former(id).await.unwrap();
        assert_eq!(former.merged_into, Some(into));
        assert_eq!(world.step(restore(id)).await, None, "it cannot come back");
    }
    assert_eq!(world.restorable().await, [0; 0]);
    assert_eq!(world.detached().await, [(second, 8)]);
    let merged = store
        .count_detached(world.organization, world.pair, Some(Parting::Merged))
        .await;
    assert_eq!(merged.unwrap(), 1);
    assert_eq!(world.events(EventType::ObjectMerged).await.len(), 2);
    // An object that was archived first and is found merged later.
    let third = world.pulled(5).await;
    world.step(end(5)).await;
    let moved = world.step(move_to(5, 6)).await;
    assert_eq!(
        moved,
        Some(changed(third, 5, LinkChange::Moved(HubSpotId(6))))
    );
    assert_eq!(world.linked(third).await.unwrap().hubspot_id, HubSpotId(6));
}

pub(super) async fn a_record_is_deleted_with_its_object_and_comes_back(store: &dyn Store) {
    let world = World::new(store).await;
    let (id, edited) = (world.pulled(7).await, world.pulled(8).await);
    let before = world.read(id).await.unwrap();
    world.edit(edited, "edited", 30).await;
    let deleted = LinkChange::Deleted(ARCHIVED);
    assert_eq!(
        world.step(end_with_record(7)).await,
        Some(changed(id, 7, deleted))
    );
    // What nobody but the record knows is not deleted.
    let kept = LinkChange::Unlinked(ARCHIVED);
    let ended = world.step(end_with_record(8)).await;
    assert_eq!(ended, Some(changed(edited, 8, kept)));
    refused_as_not_found(world.read(id).await);
    assert_eq!(world.detached().await, [(edited, 8)]);

    let restored = world.step(restore(7)).await;
    assert_eq!(restored, Some(changed(id, 7, LinkChange::Restored)));
    let back = world.read(id).await.unwrap();
    assert_eq!(back.fields, before.fields);
    assert_eq!((back.version, back.edited_at), (3, at(7)));
    assert_eq!(world.linked(id).await, Some(link(7)));
    assert_eq!(world.doomed().await, [0; 0], "its object stays");
    let run = store.run(world.organization, world.run).await.unwrap();
    assert_eq!(run.counts.records_deleted, 1);
    assert_eq!(world.events(EventType::RecordDeleted).await.len(), 1);
}

pub(super) async fn values_of_deleted_records_are_forgotten_in_time(store: &dyn Store) {
    let world = World::new(store).await;
    let id = world.pulled(7).await;
    world.step(end_with_record(7)).await;
    assert_eq!(store.forget_deleted_values(at(60), 9).await.unwrap(), 0);
    assert_eq!(store.forget_deleted_values(at(61), 9).await.unwrap(), 1);
    assert_eq!(store.forget_deleted_values(at(61), 9).await.unwrap(), 0);
    assert!(!world.former(7).await.unwrap().free);
    let quiet = Some(changed(id, 7, LinkChange::Quiet));
    assert_eq!(world.step(restore(7)).await, quiet);
    refused_as_not_found(world.read(id).await);
    assert!(world.linked(id).await.is_some(), "the link is a tombstone");
}

pub(super) async fn a_mirroring_pair_archives_the_object_of_a_deleted_record(store: &dyn Store) {
    let world = World::new(store).await;
    let (id, spared) = (world.pulled(7).await, world.pulled(8).await);
    let before = world.read(id).await.unwrap();
    world.mirrors().await;
    world.delete(id).await;
    world.delete(spared).await;
    assert_eq!(world.linked(id).await, None);
    assert_eq!(world.doomed().await, [7, 8]);
    assert_eq!(world.restorable().await, [0; 0]);
    assert_eq!(world.step(restore(7)).await, None, "it is not archived yet");
    let archived = LinkStep::Archived {
        hubspot_id: HubSpotId(7),
    };
    let done = Some(changed(id, 7, LinkChange::Archived));
    assert_eq!(world.step(archived).await, done);
    assert_eq!(world.step(archived).await, None, "once");
    let spare = LinkStep::Spare {
        hubspot_id: HubSpotId(8),
    };
    let quiet = Some(changed(spared, 8, LinkChange::Quiet));
    assert_eq!(world.step(spare).await, quiet);
    assert_eq!(world.linked(spared).await, Some(link(8)), "a tombstone");
    assert_eq!(world.doomed().await, [0; 0]);
    let restored = world.step(restore(7)).await;
    assert_eq!(restored, Some(changed(id, 7, LinkChange::Restored)));
    assert_eq!(world.read(id).await.unwrap().fields, before.fields);
    assert_eq!(world.events(EventType::ObjectArchived).await.len(), 1);
}

pub(super) async fn a_deletion_can_be_taken_back_before_the_object_is_archived(store: &dyn Store) {
    let world = World::new(store).await;
    let id = world.pulled(7).await;
    let before = world.read(id).await.unwrap();
    world.mirrors().await;
    world.delete(id).await;
    let revive = LinkStep::Revive {
        hubspot_id: HubSpotId(7),
    };
    let restored = world.step(revive).await;
    assert_eq!(restored, Some(changed(id, 7, LinkChange::Restored)));
    assert_eq!(world.read(id).await.unwrap().fields, before.fields);
    assert_eq!(world.linked(id).await, Some(link(7)));
    assert_eq!(world.doomed().await, [0; 0]);
    assert_eq!(world.step(revive).await, None, "once");
}

pub(super) async fn what_is_pushed_of_a_record_deleted_meanwhile_is_archived(store: &dyn Store) {
    let world = World::new(store).await;
    let (made, known) = (
        world.record("made", 1).await,
        world.record("known", 2).await,
    );
    world.commit(vec![keep(&known, 8)]).await;
    world.mirrors().await;
    for record in [&made, &known] {
        world.delete(record.id).await;
    }
    assert_eq!(world.doomed().await, [8]);
    let pushed = |record: &crate::Record, id| Effect {
        link: Some(link(id)),
        outbox: OutboxEffect::Settle,
        stage: FailureStage::Push,
        ..effect(
            record.id,
            RecordEffect::Pushed {
                version: record.version,
            },
        )
    };
    let committed = world
        .commit(vec![pushed(&made, 7), pushed(&known, 8)])
        .await;
    assert_eq!(committed.raced, []);
    assert_eq!(world.doomed().await, [8, 7]);
    for (record, id) in [(made, 7), (known, 8)] {
        assert_eq!(world.linked(record.id).await, None);
        let archived = LinkStep::Archived {
            hubspot_id: HubSpotId(id),
        };
        world.step(archived).await;
        let restored = Some(changed(record.id, id, LinkChange::Restored));
        assert_eq!(world.step(restore(id)).await, restored);
        assert_eq!(world.read(record.id).await.unwrap().fields, record.fields);
    }
}

pub(super) async fn an_object_that_shows_after_its_record_was_deleted_is_archived(
    store: &dyn Store,
) {
    let world = World::new(store).await;
    let (record, lost) = (world.record("a", 1).await, world.record("b", 2).await);
    world.mirrors().await;
    for id in [record.id, lost.id] {
        world.delete(id).await;
    }
    assert!(is_unheard(&world, record.id).await);
    let doom = doom(record.id, 7);
    let quiet = Some(changed(record.id, 7, LinkChange::Quiet));
    assert_eq!(world.step(doom).await, quiet);
    assert_eq!(world.step(doom).await, None, "once");
    assert_eq!(world.doomed().await, [7]);
    assert!(!is_unheard(&world, record.id).await, "it is heard of");
    let archived = LinkStep::Archived {
        hubspot_id: HubSpotId(7),
    };
    world.step(archived).await;
    let restored = Some(changed(record.id, 7, LinkChange::Restored));
    assert_eq!(world.step(restore(7)).await, restored);
    assert_eq!(world.read(record.id).await.unwrap().fields, record.fields);
    // For how long an object may show late is as limited as how long a deletion can be taken back.
    assert_eq!(store.forget_deleted_values(at(99), 9).await.unwrap(), 1);
    assert!(!is_unheard(&world, lost.id).await);
}

pub(super) async fn an_object_that_shows_late_stays_where_deletions_are_not_mirrored(
    store: &dyn Store,
) {
    let world = World::new(store).await;
    let record = world.record("a", 1).await;
    world.delete(record.id).await;
    world.mirrors().await;
    assert!(!is_unheard(&world, record.id).await);
    assert_eq!(world.step(doom(record.id, 7)).await, None);
    assert_eq!(world.doomed().await, [0; 0]);
    let linked = world.pulled(8).await;
    world.delete(linked).await;
    assert!(!is_unheard(&world, linked).await, "its object is known");
}

fn doom(record_id: RecordId, hubspot_id: i64) -> LinkStep {
    LinkStep::Doom {
        record_id,
        hubspot_id: HubSpotId(hubspot_id),
    }
}

async fn is_unheard(world: &World<'_>, id: RecordId) -> bool {
    let (organization, pair) = (world.organization, world.pair);
    let deleted = world.store.deleted_records(organization, pair, &[id]).await;
    deleted.unwrap()[0].unheard
}

pub(super) async fn other_pairs_learn_of_a_record_that_goes_and_comes_back(store: &dyn Store) {
    use partneros_domain::Direction::Bidirectional;
    let world = World::new(store).await;
    let id = world.pulled(7).await;
    let contacts = world.active_pair("contacts", Bidirectional).await;
    let other = world.beside(contacts).await;
    let record = world.read(id).await.unwrap();
    other.commit(vec![keep(&record, 70)]).await;
    other.mirrors().await;
    world.step(end_with_record(7)).await;
    assert_eq!(
        other.doomed().await,
        [70],
        "for it, somebody deleted the record"
    );
    world.step(restore(7)).await;
    assert_eq!(other.doomed().await, [0; 0]);
    assert_eq!(other.linked(id).await, Some(link(70)));
}

pub(super) async fn objects_that_are_not_found_are_kept_account_of(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair, lease) = (world.organization, world.pair, world.lease);
    world.pulled(7).await;
    let ids = [7, 8].map(HubSpotId);
    let missing = async |until| {
        let missing = store
            .missing_objects(organization, pair, at(until), 9)
            .await;
        missing.unwrap()
    };
    store
        .note_missing(organization, lease, &ids, at(10))
        .await
        .unwrap();
    store
        .note_missing(organization, lease, &ids, at(20))
        .await
        .unwrap();
    assert_eq!(missing(9).await, []);
    assert_eq!(missing(10).await, ids, "the first time counts");
    store
        .note_found(organization, lease, &ids[1..])
        .await
        .unwrap();
    assert_eq!(missing(99).await, ids[..1]);
    world.step(end(7)).await;
    assert_eq!(missing(99).await, [], "its link has ended");
}

pub(super) async fn linked_objects_are_gone_through_in_rounds(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    for id in [9, 7, 8] {
        world.pulled(id).await;
    }
    let deleted = world.pulled(6).await;
    world.delete(deleted).await;
    let after = async |after: Option<i64>, limit| {
        let after = after.map(HubSpotId);
        let linked = store.linked_objects(organization, pair, after, limit).await;
        linked.unwrap()
    };
    assert_eq!(after(None, 2).await, [7, 8].map(HubSpotId));
    assert_eq!(after(Some(8), 2).await, [HubSpotId(9)]);
    let read = async || store.rounds(organization, pair).await.unwrap();
    assert_eq!(read().await, Rounds::default());
    let rounds = Rounds {
        archive_read_at: Some(at(1)),
        recheck_at: Some(at(2)),
        recheck_after: Some(HubSpotId(8)),
        is_hinted: false,
    };
    store
        .set_rounds(organization, world.lease, rounds)
        .await
        .unwrap();
    assert_eq!(read().await, rounds);
}

pub(super) async fn a_released_record_is_pushed_as_a_new_one(store: &dyn Store) {
    let world = World::new(store).await;
    let id = world.pulled(7).await;
    let release = async || {
        let act = act(&world, "ann", 80);
        let released = store.release_record(world.organization, world.pair, id, act);
        released.await.unwrap()
    };
    assert!(!release().await, "it has an object");
    world.step(end(7)).await;
    assert!(release().await);
    assert_eq!(world.detached().await, []);
    let waiting = store
        .outbox(world.organization, world.pair, at(100), None, 9)
        .await;
    assert_eq!(waiting.unwrap()[0].detached_from, None);
    assert_eq!(world.events(EventType::RecordReleased).await.len(), 1);
}

pub(super) async fn a_lost_lease_ends_no_link(store: &dyn Store) {
    let world = World::new(store).await;
    let id = world.pulled(7).await;
    let mut commit = world.link_commit(vec![end(7)]);
    commit.lease.epoch -= 1;
    let lost = store.commit_links(world.organization, commit.clone()).await;
    assert!(matches!(lost, Err(Error::LeaseLost(_))), "{lost:?}");
    let ids = [HubSpotId(7)];
    let (organization, lease) = (world.organization, commit.lease);
    let lost = store.note_missing(organization, lease, &ids, at(1)).await;
    assert!(matches!(lost, Err(Error::LeaseLost(_))), "{lost:?}");
    let lost = store.note_found(organization, lease, &ids).await;
    assert!(matches!(lost, Err(Error::LeaseLost(_))), "{lost:?}");
    let lost = store.forget_rejected(organization, lease, &ids).await;
    assert!(matches!(lost, Err(Error::LeaseLost(_))), "{lost:?}");
    let lost = store
        .set_rounds(organization, lease, Rounds::default())
        .await;
    assert!(matches!(lost, Err(Error::LeaseLost(_))), "{lost:?}");
    assert!(world.linked(id).await.is_some());
    // What failed on its way here ends with the link.
    let failing = Effect {
        failures: vec![failure("bad")],
        ..effect(
            id,
            RecordEffect::Update {
                version: 1,
                fields: named("failing"),
            },
        )
    };
    world.commit(vec![failing]).await;
    world.step(end(7)).await;
    assert_eq!(world.failure_codes().await, [""; 0]);
}

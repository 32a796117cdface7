//! Audits of pairs.

use partneros_domain::{EventType, HubSpotId, RecordId, RunId};

use super::audit::event;
use super::world::{World, at, effect, failure, refused_as_not_found};
use crate::{
    AuditFigures, AuditSample, AuditedLink, Commit, Effect, Error, EventFilter, FailureStage,
    LinkStep, PAIR_AUDITS_KEPT, PairAudit, Parting, RecordEffect, Store,
};

impl World<'_> {
    async fn range(&self, after: Option<i64>, through: Option<i64>) -> Vec<AuditedLink> {
        let (after, through) = (after.map(HubSpotId), through.map(HubSpotId));
        self.store
            .linked_range(self.organization, self.pair, after, through, 3)
            .await
            .unwrap()
    }

    async fn enqueue_lost(&self, after: Option<&str>) -> (Vec<RecordId>, Option<String>) {
        let found = self
            .store
            .enqueue_lost(self.organization, self.lease, after, 3, at(60))
            .await
            .unwrap();
        (found.items, found.next)
    }

    /// Notes that pushing a record failed.
    async fn fails(&self, id: RecordId, version: i64) {
        let failed = Effect {
            failures: vec![failure("refused")],
            stage: FailureStage::Push,
            ..effect(id, RecordEffect::Keep { version })
        };
        assert_eq!(self.commit(vec![failed]).await.raced, []);
    }

    fn audit(&self, nth: i64) -> PairAudit {
        PairAudit {
            run_id: RunId(self.uuid()),
            as_of: at(nth),
            finished_at: at(nth + 5),
            figures: AuditFigures {
                ranges: 1,
                objects: 2,
                links: 3,
                differing: 4,
                missing_in_hubspot: 5,
                missing_here: 6,
                waiting: 7,
                mended: 8,
                unsettled: 9,
            },
            samples: vec![AuditSample {
                record_id: None,
                hubspot_id: Some(HubSpotId(7)),
                reason: "required".to_owned(),
            }],
        }
    }

    async fn put_audit(&self, audit: &PairAudit) -> crate::Result<()> {
        let event = event(self, EventType::SyncAudited, 30);
        self.store
            .put_pair_audit(self.organization, self.lease, audit, event)
            .await
    }
}

fn ids(links: &[AuditedLink]) -> Vec<i64> {
    links.iter().map(|entry| entry.link.hubspot_id.0).collect()
}

pub(super) async fn a_range_of_links_tells_what_is_known_of_each(store: &dyn Store) {
    let world = World::new(store).await;
    let mut records = Vec::new();
    for id in [40, 10, 30, 20] {
        records.push(world.pulled(id).await);
    }
    assert_eq!(ids(&world.range(None, None).await), [10, 20, 30]);
    assert_eq!(ids(&world.range(Some(10), Some(30)).await), [20, 30]);
    assert_eq!(ids(&world.range(Some(30), None).await), [40]);
    assert!(world.range(Some(40), None).await.is_empty());
    let [last, first, third, second] = records[..] else {
        panic!("four records");
    };
    world.edit(first, "edited", 40).await;
    world.fails(third, 1).await;
    world.delete(second).await;
    let known = world.range(None, None).await.into_iter().map(|entry| {
        let name = entry.record.as_ref().map(|record| record.version);
        (entry.record_id, name, entry.waits, entry.failure)
    });
    let refused = Some("refused".to_owned());
    assert_eq!(
        known.collect::<Vec<_>>(),
        [
            (first, Some(2), true, None),
            (second, None, false, None),
            (third, Some(1), false, refused),
        ]
    );
    let link = world.linked(last).await.unwrap();
    assert_eq!(world.range(Some(39), None).await[0].link, link);
}

pub(super) async fn what_is_known_of_objects_without_a_record_is_told(store: &dyn Store) {
    let world = World::new(store).await;
    world.pulled(1).await;
    world.pulled(2).await;
    let rejected = Commit {
        rejected: vec![(HubSpotId(3), vec![failure("required")])],
        ..world.batch(Vec::new())
    };
    store.commit(world.organization, rejected).await.unwrap();
    world
        .step(LinkStep::End {
            hubspot_id: HubSpotId(2),
            parting: Parting::Archived,
            merged_into: None,
        })
        .await;
    let ids = [1, 2, 3, 4].map(HubSpotId);
    let reasons = store.unlinked_reasons(world.organization, world.pair, &ids);
    let expected = [(2, "archived"), (3, "required")];
    let expected = expected.map(|(id, reason)| (HubSpotId(id), reason.to_owned()));
    assert_eq!(reasons.await.unwrap(), expected);
}

pub(super) async fn lost_records_are_put_into_the_outbox(store: &dyn Store) {
    let world = World::new(store).await;
    world.pulled(1).await;
    let mut made = Vec::new();
    for name in ["waits", "fails", "lost", "lost too"] {
        made.push(world.record(name, 10).await.id);
    }
    let detached = world.pulled(2).await;
    world
        .step(LinkStep::End {
            hubspot_id: HubSpotId(2),
            parting: Parting::Missing,
            merged_into: None,
        })
        .await;
    let [waits, fails, lost, lost_too] = made[..] else {
        panic!("four records");
    };
    world.fails(fails, 1).await;
    for id in [fails, lost, lost_too] {
        let settled = Effect {
            outbox: crate::OutboxEffect::Settle,
            stage: FailureStage::Pull,
            ..effect(id, RecordEffect::Keep { version: 1 })
        };
        world.commit(vec![settled]).await;
    }
    let (found, next) = world.enqueue_lost(None).await;
    assert_eq!(found, [lost]);
    let (found, end) = world.enqueue_lost(next.as_deref()).await;
    assert_eq!((found, end), (vec![lost_too], None));
    let mut waiting = world.waiting(world.pair, 100).await;
    waiting.sort_unstable();
    let mut expected = [(waits, 0), (lost, 0), (lost_too, 0)];
    expected.sort_unstable();
    assert_eq!(waiting, expected);
    assert!(!waiting.contains(&(detached, 0)));
    assert_eq!(world.enqueue_lost(None).await.0, []);
}

pub(super) async fn the_last_audits_are_kept(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    let mut audits = Vec::new();
    for nth in 0..PAIR_AUDITS_KEPT as i64 + 2 {
        let audit = world.audit(nth);
        world.put_audit(&audit).await.unwrap();
        audits.insert(0, audit);
    }
    let first = store.pair_audits(organization, pair, None, 15).await;
    let first = first.unwrap();
    assert_eq!(first.items, audits[..15]);
    let rest = store.pair_audits(organization, pair, first.next.as_deref(), 15);
    let rest = rest.await.unwrap();
    assert_eq!(rest.items, audits[15..PAIR_AUDITS_KEPT]);
    assert_eq!(rest.next, None);
    let filter = EventFilter::named("sync.audited");
    let events = store.events(organization, &filter, None, 500).await;
    assert_eq!(events.unwrap().items.len(), audits.len());
    store.delete_pair(organization, pair).await.unwrap();
    refused_as_not_found(store.pair_audits(organization, pair, None, 1).await);
}

pub(super) async fn a_lost_lease_keeps_no_audit(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    let record = world.record("lost", 10).await;
    store
        .release_lease(organization, world.lease)
        .await
        .unwrap();
    let put = world.put_audit(&world.audit(1)).await;
    assert!(matches!(put, Err(Error::LeaseLost(_))), "{put:?}");
    let lost = store.enqueue_lost(organization, world.lease, None, 9, at(60));
    let lost = lost.await;
    assert!(matches!(lost, Err(Error::LeaseLost(_))), "{lost:?}");
    let kept = store.pair_audits(organization, pair, None, 9).await;
    assert_eq!(kept.unwrap().items, []);
    assert_eq!(world.waiting(pair, 100).await, [(record.id, 0)]);
}

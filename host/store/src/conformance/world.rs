//! The scene of the cases: an organization with a connected portal and an active pair, whose lease is held by a run.

use std::sync::atomic::{AtomicU64, Ordering};

use partneros_domain::{
    Agreed, Base, ConflictPolicy, ConnectionId, Direction, Fields, HubSpotId, Named, ObjectPair,
    OrganizationId, PairId, PairState, PluginFailurePolicy, RecordId, RunId, Thresholds, Timestamp,
    Tug, Value,
};
use secrecy::SecretString;
use uuid::Uuid;

use crate::{
    Access, Commit, Committed, Counts, Cursor, DuePair, Effect, Error, FailureStage, Lease, Link,
    NewConnection, NewFailure, NewRecord, NewRun, NextAudit, Organization, OtherPortal,
    OutboxEffect, PairLags, Record, RecordEffect, RecordPatch, Result, RunEnd, RunKind, RunOutcome,
    RunTrigger, Store, TokenSet,
};

/// The object of the scene's pair.
pub(super) const OBJECT: &str = "partners";

pub(super) struct World<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) organization: OrganizationId,
    pub(super) connection: ConnectionId,
    pub(super) pair: PairId,
    pub(super) lease: Lease,
    pub(super) run: RunId,
    seed: u64,
    ids: AtomicU64,
}

impl<'a> World<'a> {
    pub(super) async fn new(store: &'a dyn Store) -> Self {
        Self::numbered(store, 1).await
    }

    /// A further organization with everything that the first has, on portal `seed`.
    pub(super) async fn numbered(store: &'a dyn Store, seed: u64) -> Self {
        let pair = PairId(uuid(seed, 3));
        let mut world = Self {
            store,
            organization: OrganizationId(uuid(seed, 1)),
            connection: ConnectionId(uuid(seed, 2)),
            pair,
            lease: Lease {
                pair_id: pair,
                epoch: 0,
            },
            run: RunId(uuid(seed, 4)),
            seed,
            ids: AtomicU64::new(100),
        };
        let organization = Organization {
            id: world.organization,
            name: format!("organization {seed}"),
            created_at: at(0),
        };
        store.create_organization(&organization).await.unwrap();
        let connection = new_connection(world.connection, seed as i64);
        store
            .put_connection(world.organization, connection)
            .await
            .unwrap();
        let pair = world.draft(pair, "companies", Direction::Bidirectional);
        store.create_pair(world.organization, &pair).await.unwrap();
        world.set_state(pair.id, PairState::Active).await;
        world.lease = store
            .acquire_lease(world.organization, pair.id, at(0), at(1_000))
            .await
            .unwrap()
            .unwrap();
        store
            .start_run(world.organization, &world.new_run(world.run, 0))
            .await
            .unwrap();
        world
    }

    /// A UUID that no other call and no other organization gets.
    pub(super) fn uuid(&self) -> Uuid {
        uuid(self.seed, self.ids.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn record_id(&self) -> RecordId {
        RecordId(self.uuid())
    }

    pub(super) fn new_run(&self, id: RunId, started: i64) -> NewRun {
        NewRun {
            id,
            pair_id: self.pair,
            kind: RunKind::Incremental,
            trigger: RunTrigger::Schedule,
            started_at: at(started),
        }
    }

    /// The end of the scene's run; the pair is due again at once.
    pub(super) fn end(&self, outcome: RunOutcome, now: i64) -> RunEnd {
        RunEnd {
            id: self.run,
            outcome,
            error: None,
            at: at(now),
            next_run_at: at(now),
            next_audit: NextAudit::AsBefore,
            counts: Counts::default(),
            lags: PairLags::default(),
        }
    }

    pub(super) fn draft(&self, id: PairId, hubspot: &str, direction: Direction) -> ObjectPair {
        ObjectPair {
            id,
            connection_id: self.connection,
            object: OBJECT.to_owned(),
            hubspot_object: hubspot.to_owned(),
            direction,
            state: PairState::Draft,
            conflict_policy: ConflictPolicy::NewestWins,
            match_key: None,
            thresholds: Thresholds::default(),
            plugin_failure_policy: PluginFailurePolicy::default(),
            delete_policy: partneros_domain::DeletePolicy::default(),
            created_at: at(0),
        }
    }

    /// A further active pair of the same object.
    pub(super) async fn active_pair(&self, hubspot: &str, direction: Direction) -> PairId {
        let pair = self.draft(PairId(self.uuid()), hubspot, direction);
        self.store
            .create_pair(self.organization, &pair)
            .await
            .unwrap();
        self.set_state(pair.id, PairState::Active).await;
        pair.id
    }

    /// The same organization, seen from a further pair, which a run of its own syncs.
    pub(super) async fn beside(&self, pair: PairId) -> Self {
        let lease = self
            .store
            .acquire_lease(self.organization, pair, at(0), at(1_000))
            .await;
        let run = NewRun {
            pair_id: pair,
            ..self.new_run(RunId(self.uuid()), 0)
        };
        self.store.start_run(self.organization, &run).await.unwrap();
        Self {
            pair,
            lease: lease.unwrap().unwrap(),
            run: run.id,
            ids: AtomicU64::new(10_000),
            ..*self
        }
    }

    /// The same scene for whoever holds the lease now.
    pub(super) fn again(&self, lease: Lease) -> Self {
        Self {
            lease,
            ids: AtomicU64::new(20_000),
            ..*self
        }
    }

    pub(super) async fn set_state(&self, pair: PairId, state: PairState) {
        self.store
            .set_pair_state(self.organization, pair, state, at(0))
            .await
            .unwrap();
    }

    /// A record made by a person.
    pub(super) async fn record(&self, name: &str, now: i64) -> Record {
        let record = NewRecord {
            id: self.record_id(),
            fields: named(name),
        };
        self.store
            .create_record(self.organization, OBJECT, record, at(now))
            .await
            .unwrap()
    }

    /// An edit by a person.
    pub(super) async fn edit(&self, id: RecordId, name: &str, now: i64) -> Record {
        let patch = RecordPatch {
            fields: Named::from_iter([("name".into(), Some(Value::Text(name.to_owned())))]),
            expected_version: None,
        };
        self.store
            .update_record(self.organization, OBJECT, id, patch, at(now))
            .await
            .unwrap()
    }

    pub(super) async fn read(&self, id: RecordId) -> Result<Record> {
        self.store.record(self.organization, OBJECT, id).await
    }

    pub(super) async fn delete(&self, id: RecordId) {
        self.store
            .delete_record(self.organization, OBJECT, id, at(50))
            .await
            .unwrap();
    }

    /// A record made by the sync, linked to this HubSpot object.
    pub(super) async fn pulled(&self, hubspot_id: i64) -> RecordId {
        let effect = self.creation(hubspot_id);
        let id = effect.record_id;
        assert_eq!(self.commit(vec![effect]).await.raced, []);
        id
    }

    /// The effect that makes a record for this HubSpot object.
    pub(super) fn creation(&self, hubspot_id: i64) -> Effect {
        let fields = named(&format!("pulled {hubspot_id}"));
        let record = RecordEffect::Create { fields };
        Effect {
            link: Some(link(hubspot_id)),
            ..effect(self.record_id(), record)
        }
    }

    pub(super) fn batch(&self, effects: Vec<Effect>) -> Commit {
        Commit {
            lease: self.lease,
            run_id: self.run,
            at: at(20),
            effects,
            rejected: Vec::new(),
            parked: None,
            watched: None,
            cursor: None,
            counts: Counts::default(),
        }
    }

    pub(super) async fn commit(&self, effects: Vec<Effect>) -> Committed {
        self.store
            .commit(self.organization, self.batch(effects))
            .await
            .unwrap()
    }

    pub(super) async fn cursor(&self) -> Option<Cursor> {
        self.store
            .cursor(self.organization, self.pair)
            .await
            .unwrap()
    }

    /// What a pair's outbox holds that is due at `now`, with the attempts.
    pub(super) async fn waiting(&self, pair: PairId, now: i64) -> Vec<(RecordId, u32)> {
        self.store
            .outbox(self.organization, pair, at(now), None, 100)
            .await
            .unwrap()
            .into_iter()
            .map(|entry| (entry.record.id, entry.attempts))
            .collect()
    }

    pub(super) async fn linked(&self, id: RecordId) -> Option<Link> {
        self.store
            .link_of_record(self.organization, self.pair, id)
            .await
            .unwrap()
    }

    /// The codes of all failures, newest first.
    pub(super) async fn failure_codes(&self) -> Vec<String> {
        let page = self
            .store
            .failures(self.organization, self.pair, None, 100)
            .await
            .unwrap();
        page.items
            .into_iter()
            .map(|entry| entry.failure.code)
            .collect()
    }
}

pub(super) fn uuid(seed: u64, number: u64) -> Uuid {
    Uuid::from_u64_pair(seed, number)
}

pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp(1_700_000_000_000 + millis)
}

pub(super) fn named(name: &str) -> Fields {
    Fields::from_iter([("name".into(), Value::Text(name.to_owned()))])
}

pub(super) fn agreed(value: Option<&str>) -> Agreed {
    Agreed {
        rule: 7,
        partneros: vec![value.map(|text| Value::Text(text.to_owned()))],
        hubspot: vec![value.map(ToOwned::to_owned)],
        owed: false,
        sent: None,
        tug: Tug::default(),
    }
}

pub(super) fn link(hubspot_id: i64) -> Link {
    let base = Base::from_iter([
        ("name".into(), agreed(Some("Bern"))),
        ("city".into(), agreed(None)),
    ]);
    Link {
        hubspot_id: HubSpotId(hubspot_id),
        base,
        hubspot_updated_at: at(hubspot_id),
    }
}

/// An effect of the pull that leaves everything but the record as it is.
pub(super) fn effect(record_id: RecordId, record: RecordEffect) -> Effect {
    Effect {
        record_id,
        record,
        link: None,
        outbox: OutboxEffect::Leave,
        failures: Vec::new(),
        stage: FailureStage::Pull,
        conflicts: Vec::new(),
    }
}

/// An effect that links an existing record.
pub(super) fn keep(record: &Record, hubspot_id: i64) -> Effect {
    let version = record.version;
    Effect {
        link: Some(link(hubspot_id)),
        ..effect(record.id, RecordEffect::Keep { version })
    }
}

pub(super) fn failure(code: &str) -> NewFailure {
    NewFailure {
        field: Some("name".into()),
        property: None,
        code: code.to_owned(),
        message: "takes no such value".to_owned(),
        hint: "use another".to_owned(),
    }
}

/// A pair that is due, and not to be audited.
pub(super) fn due_pair(organization: OrganizationId, pair: PairId) -> DuePair {
    DuePair {
        organization,
        pair,
        audit: false,
    }
}

pub(super) fn tokens(access: &str) -> TokenSet {
    TokenSet {
        access: SecretString::from(access),
        access_expires_at: Some(at(900)),
        refresh: Some(SecretString::from(format!("{access} refresh"))),
        refresh_previous: None,
        generation: 1,
    }
}

pub(super) fn new_connection(id: ConnectionId, portal_id: i64) -> NewConnection {
    NewConnection {
        id,
        portal_id,
        access: Access::OAuth,
        scopes: vec!["crm.objects.companies.read".to_owned()],
        tokens: tokens("access"),
        other_portal: OtherPortal::Beside,
        at: at(0),
    }
}

/// Asserts that the result is `NotFound` and returns what was not found.
#[track_caller]
pub(super) fn refused_as_not_found<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    match result {
        Err(Error::NotFound { kind, .. }) => kind,
        other => panic!("expected `NotFound`, got {other:?}"),
    }
}

/// Asserts that the result is `Conflict`.
#[track_caller]
pub(super) fn refused_as_conflict<T: std::fmt::Debug>(result: Result<T>) {
    match result {
        Err(Error::Conflict { .. }) => {}
        other => panic!("expected `Conflict`, got {other:?}"),
    }
}

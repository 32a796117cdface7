//! Runs in tests of the API: one that comes to its end, and what one leaves about a record.

use partneros_domain::{Base, ConflictRule, EventType, HubSpotId, RunId, Side, Timestamp, Value};
use partneros_store::{
    AuditFigures, AuditSample, BrakeKey, Brakes as _, Commit, Counts, Effect, EventId,
    FailureStage, FormerLinks as _, Link, LinkCommit, LinkStep, NewConflict, NewEvent, NewFailure,
    NewRun, NotedChange, OutboxEffect, PairAudit, PairAudits as _, Parting, RecordEffect, RunKind,
    RunTrigger, Runs as _, SyncState as _, Tripped,
};
use partneros_sync::Environment as _;
use serde_json::json;

use crate::api::fixture::TestApi;

/// What a run writes about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// A conflict that HubSpot won.
    Conflict,
    /// A value that HubSpot refused.
    Failure,
}

impl Settled {
    fn conflicts(self) -> Vec<NewConflict> {
        let conflict = NewConflict {
            field: "city".into(),
            property: "city".into(),
            partneros_value: json!("Oslo"),
            hubspot_value: Some("Rome".to_owned()),
            winner: Side::HubSpot,
            rule: ConflictRule::Policy,
        };
        if self == Self::Conflict {
            vec![conflict]
        } else {
            Vec::new()
        }
    }

    fn failures(self) -> Vec<NewFailure> {
        let failure = NewFailure {
            field: Some("city".into()),
            property: Some("city".into()),
            code: "INVALID_OPTION".to_owned(),
            message: "Oslo was not one of the options".to_owned(),
            hint: "add the option in HubSpot".to_owned(),
        };
        if self == Self::Failure {
            vec![failure]
        } else {
            Vec::new()
        }
    }
}

impl TestApi {
    /// Syncs the pair, waits until the run has ended and returns its id.
    pub async fn run_to_its_end(&self, pair: &str) -> String {
        let answer = self
            .acme()
            .post(&format!("/api/pairs/{pair}/sync"), json!({}))
            .await;
        let id = answer.expect(202)["run"]["id"].as_str().unwrap().to_owned();
        while self.acme().get(&format!("/api/runs/{id}")).await.json["run"]["outcome"] == "running"
            || self.is_leased(pair).await
        {
            tokio::task::yield_now().await;
        }
        id
    }

    async fn is_leased(&self, pair: &str) -> bool {
        let (now, pair) = (self.environment.now(), pair.parse().unwrap());
        match self
            .store
            .acquire_lease(self.acme().organization, pair, now, now.plus_millis(1))
            .await
            .unwrap()
        {
            Some(lease) => {
                self.store
                    .release_lease(self.acme().organization, lease)
                    .await
                    .unwrap();
                false
            }
            None => true,
        }
    }

    /// Writes what a run would about a new record that is linked to HubSpot object 77, and returns the record's id.
    pub async fn settle(&self, pair: &str, settled: Settled) -> String {
        let record = self.acme().make_partner("Acme").await;
        let (id, pair, now) = (
            record.parse().unwrap(),
            pair.parse().unwrap(),
            self.environment.now(),
        );
        let lease = self
            .store
            .acquire_lease(self.acme().organization, pair, now, now.plus_millis(1))
            .await;
        let lease = lease.unwrap().unwrap();
        let run_id = RunId(self.environment.new_id());
        let run = NewRun {
            id: run_id,
            pair_id: pair,
            kind: RunKind::First,
            trigger: RunTrigger::Manual,
            started_at: now,
        };
        self.store
            .start_run(self.acme().organization, &run)
            .await
            .unwrap();
        let effect = Effect {
            record_id: id,
            record: RecordEffect::Keep { version: 1 },
            link: Some(Link {
                hubspot_id: HubSpotId(77),
                base: Base::default(),
                hubspot_updated_at: now,
            }),
            outbox: OutboxEffect::Settle,
            failures: settled.failures(),
            stage: FailureStage::Push,
            conflicts: settled.conflicts(),
        };
        let commit = Commit {
            lease,
            run_id,
            at: now,
            effects: vec![effect],
            rejected: Vec::new(),
            parked: None,
            watched: None,
            cursor: None,
            counts: Counts::default(),
        };
        self.store
            .commit(self.acme().organization, commit)
            .await
            .unwrap();
        self.store
            .release_lease(self.acme().organization, lease)
            .await
            .unwrap();
        record
    }

    /// Stops the pair with the brake, for 60 of 80 cities that would be blanked, that of a record with object number 77 among
    /// them.
    pub async fn brake(&self, pair: &str) -> String {
        let record = self.settle(pair, Settled::Conflict).await;
        let (organization, now) = (self.acme().organization, self.environment.now());
        let pair = pair.parse().unwrap();
        let lease = self
            .store
            .acquire_lease(organization, pair, now, now.plus_millis(1))
            .await;
        let lease = lease.unwrap().unwrap();
        let runs = self.store.runs(organization, pair, None, 1).await.unwrap();
        let key = BrakeKey {
            side: Side::PartnerOs,
            field: Some("city".into()),
        };
        let sample = NotedChange {
            key: key.clone(),
            record_id: record.parse().unwrap(),
            hubspot_id: HubSpotId(77),
            from: Some(Value::Text("Oslo".to_owned())),
            to: None,
        };
        let tripped = Tripped {
            key,
            records: 60,
            blanked: 60,
            allowed: 50,
            links: 80,
            samples: vec![sample],
        };
        let event = NewEvent {
            id: EventId(self.environment.new_id()),
            at: now,
            actor: "system".to_owned(),
            event: EventType::PairBraked,
            subject: "pair".to_owned(),
            metadata: json!({}),
        };
        let run = runs.items[0].id;
        self.store
            .pull_brake(organization, lease, run, vec![tripped], event)
            .await
            .unwrap();
        self.store.release_lease(organization, lease).await.unwrap();
        record
    }

    /// Writes down an audit of the pair as of so many milliseconds that left object 77 without a record, and returns its
    /// run's id.
    pub async fn audited(&self, pair: &str, as_of: i64) -> String {
        let (organization, now) = (self.acme().organization, self.environment.now());
        let pair = pair.parse().unwrap();
        let lease = self
            .store
            .acquire_lease(organization, pair, now, now.plus_millis(1))
            .await;
        let lease = lease.unwrap().unwrap();
        let audit = PairAudit {
            run_id: RunId(self.environment.new_id()),
            as_of: Timestamp(as_of),
            finished_at: now,
            figures: AuditFigures {
                ranges: 1,
                objects: 1,
                missing_here: 1,
                unsettled: 1,
                ..AuditFigures::default()
            },
            samples: vec![AuditSample {
                record_id: None,
                hubspot_id: Some(HubSpotId(77)),
                reason: "required".to_owned(),
            }],
        };
        let event = NewEvent {
            id: EventId(self.environment.new_id()),
            at: now,
            actor: "system".to_owned(),
            event: EventType::SyncAudited,
            subject: "pair".to_owned(),
            metadata: json!({}),
        };
        self.store
            .put_pair_audit(organization, lease, &audit, event)
            .await
            .unwrap();
        self.store.release_lease(organization, lease).await.unwrap();
        audit.run_id.to_string()
    }

    /// A record whose object, number 77, was archived.
    pub async fn detach(&self, pair: &str) -> String {
        let record = self.settle(pair, Settled::Conflict).await;
        let (organization, now) = (self.acme().organization, self.environment.now());
        let pair = pair.parse().unwrap();
        let lease = self
            .store
            .acquire_lease(organization, pair, now, now.plus_millis(1))
            .await;
        let runs = self.store.runs(organization, pair, None, 1).await.unwrap();
        let end = LinkStep::End {
            hubspot_id: HubSpotId(77),
            parting: Parting::Archived,
            merged_into: None,
        };
        let commit = LinkCommit {
            lease: lease.unwrap().unwrap(),
            run_id: runs.items[0].id,
            at: now,
            actor: "system".to_owned(),
            events: [(); LinkCommit::EVENTS_MAX].map(|()| EventId(self.environment.new_id())),
            steps: vec![end],
            limit: None,
        };
        let lease = commit.lease;
        self.store.commit_links(organization, commit).await.unwrap();
        self.store.release_lease(organization, lease).await.unwrap();
        record
    }
}

//! Random edits, deletions, restorations and merges on both sides, with random trouble; then peace. Whatever happened,
//! nothing exists twice, every record has one object or is listed as having none, both sides agree, and the writing stops.

use std::collections::{BTreeSet, HashSet};

use hubspot_sim::{Config, Fault, FaultPlan, MergeMode};
use partneros_domain::{DeletePolicy, RecordId};
use partneros_it::{TestHost, TestOrganization, TestPair};
use partneros_store::SyncState as _;
use proptest::prelude::*;
use serde_json::json;

use crate::random::cases;

/// Until the archive has been read again, and what was missed has been looked for again.
const LONG_MS: i64 = 900_000;

/// Until all objects are read again.
const RECHECK_MS: i64 = 21_600_000;

#[derive(Debug, Clone)]
enum Step {
    Theirs { object: usize, value: u8 },
    Ours { record: usize, value: u8 },
    TheirNew,
    OurNew,
    TheirArchive { object: usize },
    TheirRestore { object: usize },
    TheirErase { object: usize },
    TheirMerge { first: usize, second: usize },
    OurDelete { record: usize },
    Sync,
    LateSync,
    Trouble(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let nth = || 0..6usize;
    prop_oneof![
        3 => (nth(), 0..4u8).prop_map(|(object, value)| Step::Theirs { object, value }),
        3 => (nth(), 0..4u8).prop_map(|(record, value)| Step::Ours { record, value }),
        1 => Just(Step::TheirNew),
        1 => Just(Step::OurNew),
        2 => nth().prop_map(|object| Step::TheirArchive { object }),
        2 => nth().prop_map(|object| Step::TheirRestore { object }),
        1 => nth().prop_map(|object| Step::TheirErase { object }),
        2 => (nth(), nth()).prop_map(|(first, second)| Step::TheirMerge { first, second }),
        2 => nth().prop_map(|record| Step::OurDelete { record }),
        4 => Just(Step::Sync),
        2 => Just(Step::LateSync),
        1 => (0..12u8).prop_map(Step::Trouble),
    ]
}

struct Story<'a> {
    host: &'a TestHost,
    acme: TestOrganization<'a>,
    pair: TestPair<'a>,
    archived: Vec<u64>,
    deleted: HashSet<RecordId>,
    made: usize,
    ours: u64,
}

impl Story<'_> {
    fn object(&self, nth: usize) -> Option<u64> {
        let ids = self.host.live_ids("companies");
        ids.get(nth % ids.len().max(1)).copied()
    }

    async fn record(&self, nth: usize) -> Option<RecordId> {
        let ids: Vec<_> = self.pair.versions().await.into_keys().collect();
        ids.get(nth % ids.len().max(1)).copied()
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Theirs { object, value } => {
                if let Some(id) = self.object(*object) {
                    let city = format!("theirs {value}");
                    self.host.person_sets("companies", id, &[("city", &city)]);
                }
            }
            Step::Ours { record, value } => {
                if let Some(id) = self.record(*record).await {
                    let phone = format!("ours {value}");
                    self.acme
                        .edits("partners", id, json!({ "phone": phone }))
                        .await;
                }
            }
            Step::TheirNew => {
                self.made += 1;
                let name = format!("Theirs {}", self.made);
                self.host.person_creates("companies", &[("name", &name)]);
            }
            Step::OurNew => {
                self.made += 1;
                self.ours += 1;
                let name = format!("Ours {}", self.made);
                self.acme.creates("partners", json!({ "name": name })).await;
            }
            Step::TheirArchive { object } => {
                if let Some(id) = self.object(*object) {
                    self.host.person_archives("companies", id);
                    self.archived.push(id);
                }
            }
            Step::TheirRestore { object } => {
                let nth = object % self.archived.len().max(1);
                if nth < self.archived.len() {
                    let id = self.archived.remove(nth);
                    self.host.person_restores("companies", id);
                }
            }
            Step::TheirErase { object } => {
                if let Some(id) = self.object(*object) {
                    self.host.hubspot_erases("companies", id);
                }
            }
            Step::TheirMerge { first, second } => {
                let (first, second) = (self.object(*first), self.object(*second));
                if let (Some(first), Some(second)) = (first, second)
                    && first != second
                {
                    self.host.person_merges("companies", first, second);
                }
            }
            Step::OurDelete { record } => {
                if let Some(id) = self.record(*record).await {
                    self.acme.deletes("partners", id).await;
                    self.deleted.insert(id);
                }
            }
            Step::Sync => drop(self.pair.try_sync().await),
            Step::LateSync => {
                self.host.wait_ms(LONG_MS);
                self.pair.try_sync().await;
            }
            Step::Trouble(percent) => {
                let rate = f64::from(*percent) / 400.0;
                let kinds = [
                    Fault::BadGateway,
                    Fault::ServerError,
                    Fault::CutOffBody,
                    Fault::LostResponse,
                ];
                let rates = kinds.map(|kind| (kind, rate)).to_vec();
                self.host.sim.sim().faults.set_plan(FaultPlan { rates });
            }
        }
    }

    async fn assert_peace(&self) {
        self.host.sim.sim().faults.set_plan(FaultPlan::default());
        let mut created = 0;
        for _ in 0..4 {
            self.host.wait_ms(RECHECK_MS);
            created += self.pair.sync().await.counts.hubspot_created;
        }
        assert!(created <= self.ours, "made anew what was there");
        self.host.writes();
        let before = self.pair.versions().await;
        for _ in 0..2 {
            self.host.wait_ms(LONG_MS);
            self.pair.sync().await;
        }
        assert_eq!(self.host.writes(), 0, "still writing to HubSpot");
        assert_eq!(self.pair.versions().await, before, "still writing records");
        self.pair.assert_agreement().await;
        let detached = self.pair.detached().await;
        let detached: BTreeSet<_> = detached.iter().map(|entry| entry.record_id).collect();
        let mut linked = BTreeSet::new();
        let live = self.host.live_ids("companies");
        for id in live {
            let record = self.pair.find_record_of(id).await;
            let here = record.filter(|record| before.contains_key(record));
            if let Some(record) = here {
                assert!(linked.insert(record), "a record has two objects");
                continue;
            }
            // Somebody deleted its record here, and it stays alone.
            let property = "partneros_record_id";
            let made = || {
                let id = self.host.hubspot_value("companies", id, property)?;
                id.parse().ok()
            };
            let of = record.or_else(made);
            let alone = of.is_some_and(|record| self.deleted.contains(&record));
            assert!(alone, "object {id} has no record");
        }
        for record in before.keys() {
            let is_linked = linked.contains(record);
            assert!(
                is_linked != detached.contains(record),
                "{record} is in limbo"
            );
        }
        let waiting = self
            .host
            .store
            .count_outbox(self.acme.id, self.pair.id)
            .await;
        assert_eq!(waiting.unwrap(), 0, "something waits for ever");
    }
}

async fn run(steps: &[Step], policy: DeletePolicy, merge: MergeMode) {
    let host = TestHost::start(Config {
        merge,
        ..Config::default()
    });
    for number in 0..3 {
        let name = format!("Company {number}");
        host.person_creates("companies", &[("name", name.as_str())]);
    }
    let acme = host.organization("acme").await;
    let fields = [("name", "name"), ("city", "city"), ("phone", "phone")];
    let pair = acme.mapped_by_hand("partners", "companies", &fields).await;
    pair.activate().await;
    pair.deletes_by(policy).await;
    let mut story = Story {
        host: &host,
        acme,
        pair,
        archived: Vec::new(),
        deleted: HashSet::new(),
        made: 0,
        ours: 0,
    };
    for step in steps {
        story.step(step).await;
    }
    story.assert_peace().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(16), max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_goes_and_comes_back_exists_once(
        steps in proptest::collection::vec(step(), 1..40), mirror in any::<bool>(), keep in any::<bool>(),
    ) {
        let policy = if mirror { DeletePolicy::Mirror } else { DeletePolicy::Unlink };
        let merge = if keep { MergeMode::KeepPrimary } else { MergeMode::NewId };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(&steps, policy, merge));
    }
}

#[tokio::test]
async fn what_was_merged_into_what_comes_back_is_in_no_limbo() {
    let steps = [
        Step::OurNew,
        Step::TheirArchive { object: 1 },
        Step::TheirErase { object: 1 },
        Step::Sync,
        Step::TheirRestore { object: 0 },
        Step::Sync,
        Step::TheirMerge {
            first: 2,
            second: 4,
        },
        Step::Ours {
            record: 2,
            value: 0,
        },
        Step::TheirArchive { object: 1 },
        Step::LateSync,
        Step::TheirRestore { object: 0 },
        Step::TheirRestore { object: 0 },
        Step::Sync,
        Step::OurDelete { record: 1 },
    ];
    run(&steps, DeletePolicy::Mirror, MergeMode::KeepPrimary).await;
}

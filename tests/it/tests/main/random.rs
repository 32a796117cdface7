//! Random edits on both sides, random trouble, random syncs; then peace. Whatever happened, both sides must agree, every
//! value must be one that somebody wrote, nothing may exist twice, and the writing must stop.

use std::collections::{HashMap, HashSet};

use hubspot_sim::{Config, Fault, FaultPlan};
use partneros_domain::{ConflictPolicy, RecordId};
use partneros_it::{TestHost, TestOrganization, TestPair};
use proptest::prelude::*;
use serde_json::json;

const FIELDS: [(&str, &str); 3] = [
    ("city", "city"),
    ("phone", "phone"),
    ("description", "description"),
];

#[derive(Debug, Clone)]
enum Step {
    /// A person in HubSpot sets a property.
    Theirs {
        object: usize,
        field: usize,
        value: Option<u8>,
    },
    /// Someone edits a record.
    Ours {
        record: usize,
        field: usize,
        value: Option<u8>,
    },
    /// A new object on their side.
    TheirNew,
    /// A new record on ours.
    OurNew,
    /// A pass, which may fail.
    Sync,
    /// From now on, calls fail with this chance in percent.
    Trouble(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let value = || proptest::option::weighted(0.85, 0..6u8);
    prop_oneof![
        4 => (0..8usize, 0..3usize, value())
            .prop_map(|(object, field, value)| Step::Theirs { object, field, value }),
        4 => (0..8usize, 0..3usize, value())
            .prop_map(|(record, field, value)| Step::Ours { record, field, value }),
        1 => Just(Step::TheirNew),
        1 => Just(Step::OurNew),
        4 => Just(Step::Sync),
        1 => (0..15u8).prop_map(Step::Trouble),
    ]
}

/// What anybody wrote, by field and entity, so that a value from nowhere is noticed.
#[derive(Default)]
struct Written {
    by_object: HashMap<(u64, usize), HashSet<Option<String>>>,
    by_record: HashMap<(RecordId, usize), HashSet<Option<String>>>,
}

struct Story<'a> {
    host: &'a TestHost,
    acme: TestOrganization<'a>,
    pair: TestPair<'a>,
    written: Written,
    records: Vec<RecordId>,
    made: usize,
}

impl Story<'_> {
    async fn step(&mut self, step: &Step) {
        match step {
            Step::Theirs {
                object,
                field,
                value,
            } => {
                let ids = self.host.sim.sim().live_ids("companies").unwrap();
                let Some(id) = ids.get(object % ids.len().max(1)) else {
                    return;
                };
                let text = value.map(|value| format!("theirs {value}"));
                let sent = text.clone().unwrap_or_default();
                self.host
                    .person_sets("companies", *id, &[(FIELDS[*field].1, sent.as_str())]);
                self.written
                    .by_object
                    .entry((*id, *field))
                    .or_default()
                    .insert(text);
            }
            Step::Ours {
                record,
                field,
                value,
            } => {
                let Some(id) = self.records.get(record % self.records.len().max(1)) else {
                    return;
                };
                let text = value.map(|value| format!("ours {value}"));
                self.acme
                    .edits("partners", *id, json!({ (FIELDS[*field].0): text }))
                    .await;
                self.written
                    .by_record
                    .entry((*id, *field))
                    .or_default()
                    .insert(text);
            }
            Step::TheirNew => {
                self.made += 1;
                let name = format!("Theirs {}", self.made);
                self.host
                    .person_creates("companies", &[("name", name.as_str())]);
            }
            Step::OurNew => {
                self.made += 1;
                let name = format!("Ours {}", self.made);
                let record = self.acme.creates("partners", json!({ "name": name })).await;
                self.records.push(record.id);
            }
            Step::Sync => {
                self.pair.try_sync().await;
                self.meet().await;
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

    /// Learns of records that the sync made, so that later steps edit them too.
    async fn meet(&mut self) {
        let ids = self.host.sim.sim().live_ids("companies").unwrap();
        for id in ids {
            if let Some(record) = self.pair.find_record_of(id).await
                && !self.records.contains(&record)
            {
                self.records.push(record);
            }
        }
    }

    async fn assert_peace(&mut self) {
        self.host.sim.sim().faults.set_plan(FaultPlan::default());
        for _ in 0..3 {
            self.pair.sync().await;
        }
        self.host.writes();
        let before = self.pair.versions().await;
        self.pair.sync().await;
        assert_eq!(self.host.writes(), 0, "still writing to HubSpot");
        assert_eq!(self.pair.versions().await, before, "still writing records");
        self.pair.assert_agreement().await;
        self.meet().await;
        let objects = self.host.sim.sim().live_ids("companies").unwrap();
        assert_eq!(objects.len(), before.len(), "as many records as objects");
        for id in objects {
            let record = self.pair.record_of(id).await;
            for (at, (field, property)) in FIELDS.iter().enumerate() {
                let value = self.host.hubspot_value("companies", id, property);
                let theirs = self.written.by_object.get(&(id, at));
                let ours = self.written.by_record.get(&(record, at));
                let wrote =
                    |by: Option<&HashSet<_>>| by.is_some_and(|values| values.contains(&value));
                let untouched = theirs.is_none() && ours.is_none();
                assert!(
                    untouched || value.is_none() || wrote(theirs) || wrote(ours),
                    "{field}: {value:?}"
                );
            }
        }
    }
}

async fn run(steps: &[Step], policy: ConflictPolicy) {
    let host = TestHost::start(Config::default());
    for number in 0..3 {
        let name = format!("Company {number}");
        host.person_creates("companies", &[("name", name.as_str())]);
    }
    let acme = host.organization("acme").await;
    let pair = acme
        .mapped_by_hand(
            "partners",
            "companies",
            &[("name", "name"), FIELDS[0], FIELDS[1], FIELDS[2]],
        )
        .await;
    pair.activate().await;
    for (field, _) in FIELDS {
        pair.policy(field, policy).await;
    }
    let written = Written::default();
    let mut story = Story {
        host: &host,
        acme,
        pair,
        written,
        records: Vec::new(),
        made: 0,
    };
    for step in steps {
        story.step(step).await;
    }
    story.assert_peace().await;
}

/// A few in every run; `PROPTEST_CASES` asks for more.
pub fn cases(few: u32) -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(few)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(24), max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_ends_in_agreement(
        steps in proptest::collection::vec(step(), 1..40), policy in 0..3usize,
    ) {
        let policies = [ConflictPolicy::PartnerOsWins, ConflictPolicy::CrmWins, ConflictPolicy::NewestWins];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(&steps, policies[policy]));
    }
}

//! How fast commits are: `cargo run --release -p partneros-store --example commit_bench [records]`.
//!
//! Pulls made-up companies into a new file, 200 a commit, then changes each once, and prints records a second. What is
//! measured includes the JSON of fields and bases, as in a real pull.

use std::time::Instant;

use partneros_domain::{
    Agreed, Base, ConflictPolicy, ConnectionId, Direction, Fields, HubSpotId, ObjectPair,
    OrganizationId, PairId, PairState, PluginFailurePolicy, RecordId, RunId, Thresholds, Timestamp,
    Tug, Value,
};
use partneros_store::{
    Access, Commit, Connections as _, Counts, Cursor, Effect, FailureStage, KeyRing, Lease, Link,
    NewConnection, NewRun, Options, Organization, Organizations as _, OtherPortal, OutboxEffect,
    Pairs as _, RecordEffect, RunKind, RunTrigger, Runs as _, Sqlite, SyncState as _, TokenSet,
};
use uuid::Uuid;

const PAGE: u64 = 200;
const FIELDS: usize = 12;
const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(1));
const CONNECTION: ConnectionId = ConnectionId(Uuid::from_u128(2));
const PAIR: PairId = PairId(Uuid::from_u128(3));
const RUN: RunId = RunId(Uuid::from_u128(4));

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let records = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => 100_000,
    };
    let folder = tempfile::tempdir_in(".")?;
    let path = folder.path().join("bench.db");
    let store = Sqlite::open(&path, KeyRing::ephemeral()?, Options::default())?;
    let lease = prepare(&store).await?;
    for (name, version) in [("create", 0), ("update", 1), ("update", 2)] {
        measure(&store, lease, name, version, records).await?;
    }
    let start = Instant::now();
    for page in 0..records / PAGE {
        let ids: Vec<_> = (0..PAGE).map(|row| hubspot_id(page * PAGE + row)).collect();
        store.links_by_hubspot_id(ORGANIZATION, PAIR, &ids).await?;
    }
    report("read links", records, start);
    store.close().await?;
    println!("file: {} MiB", std::fs::metadata(&path)?.len() >> 20);
    Ok(())
}

async fn measure(
    store: &Sqlite,
    lease: Lease,
    name: &str,
    version: i64,
    records: u64,
) -> Result<(), Failure> {
    let mut spent = std::time::Duration::ZERO;
    for page in 0..records / PAGE {
        let rows = page * PAGE..(page + 1) * PAGE;
        let commit = Commit {
            lease,
            run_id: RUN,
            at: Timestamp(3),
            effects: rows.map(|row| effect(row, version)).collect(),
            rejected: Vec::new(),
            parked: None,
            watched: None,
            cursor: Some(Cursor {
                modified_at: Timestamp(page as i64),
                drained_to: None,
                mapping_version: 0,
            }),
            counts: Counts::default(),
        };
        let start = Instant::now();
        let committed = store.commit(ORGANIZATION, commit).await?;
        spent += start.elapsed();
        assert!(committed.raced.is_empty());
    }
    println!(
        "{name}: {:.0} records/s",
        records as f64 / spent.as_secs_f64()
    );
    Ok(())
}

fn report(name: &str, records: u64, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    println!("{name}: {:.0} records/s", records as f64 / seconds);
}

/// Ids arrive by modification time, which is no order of theirs.
fn hubspot_id(row: u64) -> HubSpotId {
    HubSpotId((row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 30) as i64)
}

fn record_id(row: u64) -> RecordId {
    let time = (0x0190_0000_0000_7000 + ((row / 50) << 16)) & !0xf000 | 0x7000;
    let random = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) & (u64::MAX >> 2) | (1 << 63);
    RecordId(Uuid::from_u64_pair(time, random))
}

fn effect(row: u64, version: i64) -> Effect {
    let mut base = Base::default();
    let mut fields = Fields::new();
    for field in 0..FIELDS {
        let text = format!("value {version} of field {field} of record {row}");
        let value = Value::Text(text.clone());
        let agreed = Agreed {
            rule: 7,
            partneros: vec![Some(value.clone())],
            hubspot: vec![Some(text)],
            owed: false,
            sent: None,
            tug: Tug::default(),
        };
        base.set(format!("field{field}").into(), agreed);
        fields.insert(format!("field{field}").into(), value);
    }
    Effect {
        record_id: record_id(row),
        record: if version == 0 {
            RecordEffect::Create { fields }
        } else {
            RecordEffect::Update { version, fields }
        },
        link: Some(Link {
            hubspot_id: hubspot_id(row),
            base,
            hubspot_updated_at: Timestamp(row as i64),
        }),
        outbox: OutboxEffect::Settle,
        failures: Vec::new(),
        stage: FailureStage::Pull,
        conflicts: Vec::new(),
    }
}

async fn prepare(store: &Sqlite) -> Result<Lease, Failure> {
    let at = Timestamp(1);
    let organization = Organization {
        id: ORGANIZATION,
        name: "bench".to_owned(),
        created_at: at,
    };
    store.create_organization(&organization).await?;
    let connection = NewConnection {
        id: CONNECTION,
        portal_id: 1,
        access: Access::PrivateApp,
        scopes: Vec::new(),
        tokens: TokenSet {
            access: "access".into(),
            access_expires_at: None,
            refresh: None,
            refresh_previous: None,
            generation: 1,
        },
        other_portal: OtherPortal::Refuse,
        at,
    };
    store.put_connection(ORGANIZATION, connection).await?;
    let pair = ObjectPair {
        id: PAIR,
        connection_id: CONNECTION,
        object: "partners".to_owned(),
        hubspot_object: "companies".to_owned(),
        direction: Direction::Bidirectional,
        state: PairState::Active,
        conflict_policy: ConflictPolicy::NewestWins,
        match_key: None,
        thresholds: Thresholds::default(),
        plugin_failure_policy: PluginFailurePolicy::default(),
        delete_policy: partneros_domain::DeletePolicy::default(),
        created_at: at,
    };
    store.create_pair(ORGANIZATION, &pair).await?;
    let run = NewRun {
        id: RUN,
        pair_id: PAIR,
        kind: RunKind::First,
        trigger: RunTrigger::Manual,
        started_at: at,
    };
    store.start_run(ORGANIZATION, &run).await?;
    let lease = store
        .acquire_lease(ORGANIZATION, PAIR, at, Timestamp(i64::MAX))
        .await?;
    Ok(lease.ok_or("the lease is taken")?)
}

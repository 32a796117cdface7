//! The brake: notes of changes, the limit on them, and what people decided.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use partneros_domain::{
    EventType, FieldName, OrganizationId, PairId, PairState, RecordId, RunId, Side, Timestamp,
};
use rusqlite::{Connection as Database, OptionalExtension as _, Row, params};
use serde_json::json;

use super::encoding::{Cell, json as encoded, time, time_if_any, word};
use super::fault::Outcome;
use super::scope::PairScope;
use super::{Sqlite, audit, commit, scope};
use crate::{
    Act, Brake, BrakeDecision, BrakeKey, BrakeLimit, BrakeSample, BrakeVerdict, Brakes, Error,
    Lease, NewEvent, NotedChange, Result, Tripped, Watched,
};

#[async_trait]
impl Brakes for Sqlite {
    async fn note_changes(
        &self,
        organization: OrganizationId,
        lease: Lease,
        watched: Watched,
        at: Timestamp,
    ) -> Result<()> {
        self.write("note changes", move |tx| {
            let pair = scope::pair(tx, organization, lease.pair_id)?;
            commit::check_lease(tx, pair.key, lease)?;
            note(tx, &pair, &watched, &HashMap::new(), at)
        })
        .await
    }

    async fn pull_brake(
        &self,
        organization: OrganizationId,
        lease: Lease,
        run: RunId,
        tripped: Vec<Tripped>,
        event: NewEvent,
    ) -> Result<()> {
        self.write("stop an object pair", move |tx| {
            let pair = scope::pair(tx, organization, lease.pair_id)?;
            commit::check_lease(tx, pair.key, lease)?;
            for tripped in &tripped {
                put(tx, pair.key, run, tripped, event.at)?;
            }
            if pair.state == PairState::Active {
                set_state(tx, pair.key, PairState::Braked, None)?;
            }
            audit::append(tx, pair.organization, &event)
        })
        .await
    }

    async fn brakes(&self, organization: OrganizationId, pair: PairId) -> Result<Vec<Brake>> {
        self.look_up("read a pair's brake", move |tx| {
            list(tx, scope::pair(tx, organization, pair)?.key)
        })
        .await
    }

    async fn decide_brakes(
        &self,
        organization: OrganizationId,
        pair: PairId,
        verdict: BrakeVerdict,
        until: Timestamp,
        act: Act,
    ) -> Result<Vec<Brake>> {
        self.write("decide about a pair's brake", move |tx| {
            let scope = scope::pair(tx, organization, pair)?;
            decide(tx, &scope, pair, (verdict, until), act)
        })
        .await
    }

    async fn end_brakes(&self, organization: OrganizationId, lease: Lease) -> Result<()> {
        self.write("end what was decided about a pair's brake", move |tx| {
            let pair = scope::pair(tx, organization, lease.pair_id)?.key;
            commit::check_lease(tx, pair, lease)?;
            tx.prepare_cached("DELETE FROM brakes WHERE pair = ?1 AND verdict IS NOT NULL")?
                .execute([pair])?;
            Ok(())
        })
        .await
    }

    async fn forget_changes(&self, before: Timestamp, at_most: usize) -> Result<usize> {
        self.write("forget noted changes", move |tx| {
            let forgotten = tx
                .prepare_cached(
                    "DELETE FROM recent_changes WHERE (pair, side, field, record) IN (
                         SELECT pair, side, field, record FROM recent_changes
                         WHERE at < ?1 LIMIT ?2)",
                )?
                .execute(params![before.0, at_most as i64])?;
            Ok(forgotten)
        })
        .await
    }
}

/// Notes changes, and fails if they pass a limit; the caller's transaction is undone then. `known` are keys of records
/// that were looked up already; a change of none that is there is left out.
pub(super) fn note(
    db: &Database,
    pair: &PairScope,
    watched: &Watched,
    known: &HashMap<RecordId, i64>,
    at: Timestamp,
) -> Outcome<()> {
    let mut by_key: BTreeMap<&BrakeKey, Vec<&NotedChange>> = BTreeMap::new();
    for change in &watched.changes {
        by_key.entry(&change.key).or_default().push(change);
    }
    let mut tripped = Vec::new();
    for (key, changes) in by_key {
        let (side, field) = columns(key)?;
        let mut insert = db.prepare_cached(
            "INSERT INTO recent_changes (pair, side, field, record, blanked, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET blanked = excluded.blanked, at = excluded.at",
        )?;
        for change in &changes {
            let record = match known.get(&change.record_id) {
                Some(record) => Some(*record),
                None => record_key(db, pair, change.record_id)?,
            };
            if let Some(record) = record {
                let blanks = change.to.is_none();
                insert.execute(params![pair.key, side, field, record, blanks, at.0])?;
            }
        }
        let limit = &watched.limit;
        let (records, blanked): (u64, u64) = db
            .prepare_cached(
                "SELECT count(*), coalesce(sum(blanked), 0) FROM recent_changes
                 WHERE pair = ?1 AND side = ?2 AND field = ?3 AND at >= ?4",
            )?
            .query_row(params![pair.key, side, field, limit.since.0], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        if records <= limit.records_min {
            continue;
        }
        let links = count_links(db, pair.key, limit)?;
        let allowed = limit
            .records_min
            .max(links * u64::from(limit.share_percent) / 100);
        if records > allowed {
            tripped.push(Tripped {
                key: key.clone(),
                records,
                blanked: if key.field.is_some() { blanked } else { 0 },
                allowed,
                links,
                samples: changes
                    .into_iter()
                    .take(Tripped::SAMPLES_MAX)
                    .cloned()
                    .collect(),
            });
        }
    }
    if tripped.is_empty() {
        return Ok(());
    }
    Err(Error::Braked(tripped).into())
}

/// How many records are linked, those among them whose link a deletion of late has ended.
fn count_links(db: &Database, pair: i64, limit: &BrakeLimit) -> Outcome<u64> {
    Ok(db
        .prepare_cached(
            "SELECT (SELECT count(*) FROM links WHERE pair = ?1)
                 + (SELECT count(*) FROM former_links WHERE pair = ?1 AND parting <> 'merged'
                     AND at >= ?2)",
        )?
        .query_row([pair, limit.since.0], |row| row.get(0))?)
}

fn record_key(db: &Database, pair: &PairScope, id: RecordId) -> Outcome<Option<i64>> {
    let mut find = db.prepare_cached(
        "SELECT key FROM records WHERE organization = ?1 AND id = ?2 AND object = ?3",
    )?;
    Ok(find
        .query_row(params![pair.organization, id.0, pair.object], |row| {
            row.get(0)
        })
        .optional()?)
}

fn columns(key: &BrakeKey) -> Outcome<(String, &str)> {
    let field = key.field.as_ref().map_or("", FieldName::as_str);
    Ok((word(&key.side)?, field))
}

fn put(db: &Database, pair: i64, run: RunId, tripped: &Tripped, at: Timestamp) -> Outcome<()> {
    let samples = tripped.samples.iter().map(|sample| BrakeSample {
        record_id: sample.record_id,
        hubspot_id: sample.hubspot_id,
        from: sample.from.clone(),
        to: sample.to.clone(),
    });
    let samples: Vec<_> = samples.collect();
    let (side, field) = columns(&tripped.key)?;
    db.prepare_cached(
        "INSERT OR REPLACE INTO brakes (pair, side, field, run, at, records, blanked, allowed, links,
             samples)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        pair,
        side,
        field,
        run.0,
        at.0,
        tripped.records as i64,
        tripped.blanked as i64,
        tripped.allowed as i64,
        tripped.links as i64,
        encoded(&samples)?
    ])?;
    Ok(())
}

fn set_state(db: &Database, pair: i64, state: PairState, due_at: Option<Timestamp>) -> Outcome<()> {
    db.prepare_cached("UPDATE object_pairs SET state = ?2 WHERE key = ?1")?
        .execute(params![pair, word(&state)?])?;
    db.prepare_cached("UPDATE pair_progress SET next_run_at = ?2 WHERE pair = ?1")?
        .execute(params![pair, due_at.map(Timestamp::as_millis)])?;
    Ok(())
}

fn decide(
    db: &Database,
    pair: &PairScope,
    id: PairId,
    (verdict, until): (BrakeVerdict, Timestamp),
    act: Act,
) -> Outcome<Vec<Brake>> {
    let mut waiting = list(db, pair.key)?;
    waiting.retain(|brake| brake.decision.is_none());
    if waiting.is_empty() {
        return Ok(waiting);
    }
    for brake in &mut waiting {
        let (side, field) = columns(&brake.key)?;
        db.prepare_cached(
            "UPDATE brakes SET verdict = ?4, decided_by = ?5, decided_at = ?6, until = ?7
             WHERE pair = ?1 AND side = ?2 AND field = ?3",
        )?
        .execute(params![
            pair.key,
            side,
            field,
            word(&verdict)?,
            act.actor,
            act.at.0,
            until.0
        ])?;
        db.prepare_cached(
            "DELETE FROM recent_changes WHERE pair = ?1 AND side = ?2 AND field = ?3",
        )?
        .execute(params![pair.key, side, field])?;
        brake.decision = Some(BrakeDecision {
            verdict,
            by: act.actor.clone(),
            at: act.at,
            until,
        });
    }
    if pair.state == PairState::Braked {
        set_state(db, pair.key, PairState::Active, Some(act.at))?;
    }
    let event = match verdict {
        BrakeVerdict::Approved => EventType::PairBrakeApproved,
        BrakeVerdict::Discarded => EventType::PairBrakeDiscarded,
    };
    let changes: Vec<_> = waiting
        .iter()
        .map(|brake| json!({"side": brake.key.side, "field": brake.key.field.as_ref().map(FieldName::as_str), "records": brake.records}))
        .collect();
    let event = NewEvent {
        id: act.event,
        at: act.at,
        actor: act.actor,
        event,
        subject: format!("pair {id}"),
        metadata: json!({"changes": changes, "until": until}),
    };
    audit::append(db, pair.organization, &event)?;
    Ok(waiting)
}

fn list(db: &Database, pair: i64) -> Outcome<Vec<Brake>> {
    let mut list = db.prepare_cached(
        "SELECT side, field, run, at, records, blanked, allowed, links, samples, verdict,
             decided_by, decided_at, until
         FROM brakes WHERE pair = ?1 ORDER BY side, field",
    )?;
    let rows = list.query_and_then([pair], |row| read(row, pair))?;
    rows.collect()
}

fn read(row: &Row<'_>, pair: i64) -> Outcome<Brake> {
    let side: Side = Cell::new("brakes", "side").word(row, 0, pair)?;
    let field: String = row.get(1)?;
    let decision = match (time_if_any(row, 11)?, time_if_any(row, 12)?) {
        (Some(at), Some(until)) => Some(BrakeDecision {
            verdict: Cell::new("brakes", "verdict").word(row, 9, pair)?,
            by: row.get(10)?,
            at,
            until,
        }),
        _ => None,
    };
    Ok(Brake {
        key: BrakeKey {
            side,
            field: (!field.is_empty()).then(|| field.into()),
        },
        run_id: RunId(row.get(2)?),
        at: time(row, 3)?,
        records: row.get(4)?,
        blanked: row.get(5)?,
        allowed: row.get(6)?,
        links: row.get(7)?,
        samples: Cell::new("brakes", "samples").json(row, 8, pair)?,
        decision,
    })
}

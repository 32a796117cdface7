//! The brake: which pairs it has stopped, and what people decided.

use std::collections::HashMap;

use async_trait::async_trait;
use partneros_domain::{
    EventType, FieldName, OrganizationId, PairId, PairState, RunId, Side, Timestamp,
};
use rusqlite::{Connection as Database, Row, params};
use serde_json::json;

use super::encoding::{Cell, json as encoded, time, time_if_any, word};
use super::fault::Outcome;
use super::scope::PairScope;
use super::{Sqlite, audit, commit, recent_changes, scope};
use crate::{
    Act, Brake, BrakeDecision, BrakeKey, BrakeSample, BrakeVerdict, Brakes, Lease, NewEvent,
    Result, Tripped, Watched,
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
            recent_changes::note(tx, &pair, &watched, &HashMap::new(), at)
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
            if forgotten > 0 {
                // A run whose window reaches back further counts what is left, so that nothing counts twice when it changes again.
                tx.prepare_cached("DELETE FROM change_tallies WHERE since < ?1")?
                    .execute([before.0])?;
            }
            Ok(forgotten)
        })
        .await
    }
}

fn put(db: &Database, pair: i64, run: RunId, tripped: &Tripped, at: Timestamp) -> Outcome<()> {
    let samples = tripped.samples.iter().map(|sample| BrakeSample {
        record_id: sample.record_id,
        hubspot_id: sample.hubspot_id,
        from: sample.from.clone(),
        to: sample.to.clone(),
    });
    let samples: Vec<_> = samples.collect();
    let (side, field) = recent_changes::columns(&tripped.key)?;
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
        let (side, field) = recent_changes::columns(&brake.key)?;
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
        recent_changes::forget(db, pair.key, &brake.key)?;
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

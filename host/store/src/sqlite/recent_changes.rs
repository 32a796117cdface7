//! What the brake counts: records that lost a value of late, by side and field, in the transaction that takes it from them.

use std::collections::{BTreeMap, HashMap};

use partneros_domain::{FieldName, RecordId, Timestamp};
use rusqlite::{Connection as Database, OptionalExtension as _, params};

use super::encoding::word;
use super::fault::Outcome;
use super::scope::PairScope;
use crate::{BrakeKey, BrakeLimit, Error, NotedChange, Tripped, Watched};

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
    let limit = &watched.limit;
    let mut tripped = Vec::new();
    for (key, changes) in by_key {
        let place = Place::of(db, pair.key, key, limit.since)?;
        let mut tally = place.tally(limit)?;
        for change in &changes {
            let record = match known.get(&change.record_id) {
                Some(record) => Some(*record),
                None => record_key(db, pair, change.record_id)?,
            };
            if let Some(record) = record {
                tally.records += u64::from(place.put(record, change.to.is_none(), at)?);
            }
        }
        if tally.records > tally.allowed {
            let links = count_links(db, pair.key, limit)?;
            let share = links * u64::from(limit.share_percent) / 100;
            tally.allowed = limit.records_min.max(share);
            if tally.records > tally.allowed {
                let samples = changes.into_iter().take(Tripped::SAMPLES_MAX).cloned();
                tripped.push(Tripped {
                    key: key.clone(),
                    records: tally.records,
                    blanked: place.blanked()?,
                    allowed: tally.allowed,
                    links,
                    samples: samples.collect(),
                });
            }
        }
        place.keep(&tally)?;
    }
    if tripped.is_empty() {
        return Ok(());
    }
    Err(Error::Braked(tripped).into())
}

/// Begins to count anew.
pub(super) fn forget(db: &Database, pair: i64, key: &BrakeKey) -> Outcome<()> {
    let (side, field) = columns(key)?;
    for table in ["recent_changes", "change_tallies"] {
        db.prepare_cached(&format!(
            "DELETE FROM {table} WHERE pair = ?1 AND side = ?2 AND field = ?3"
        ))?
        .execute(params![pair, side, field])?;
    }
    Ok(())
}

/// How a key is written down. No field: deletions.
pub(super) fn columns(key: &BrakeKey) -> Outcome<(String, &str)> {
    let field = key.field.as_ref().map_or("", FieldName::as_str);
    Ok((word(&key.side)?, field))
}

/// What is counted within a window.
struct Tally {
    records: u64,
    /// Up to so many the links need not be counted.
    allowed: u64,
}

/// Where changes are counted that a limit holds for together.
struct Place<'a> {
    db: &'a Database,
    pair: i64,
    side: String,
    field: &'a str,
    since: Timestamp,
}

impl<'a> Place<'a> {
    fn of(db: &'a Database, pair: i64, key: &'a BrakeKey, since: Timestamp) -> Outcome<Self> {
        let (side, field) = columns(key)?;
        Ok(Self {
            db,
            pair,
            side,
            field,
            since,
        })
    }

    /// What was counted so far; all of it is, where the window has moved since.
    fn tally(&self, limit: &BrakeLimit) -> Outcome<Tally> {
        let kept = self
            .db
            .prepare_cached(
                "SELECT records, allowed FROM change_tallies
                 WHERE pair = ?1 AND side = ?2 AND field = ?3 AND since = ?4",
            )?
            .query_row(
                params![self.pair, self.side, self.field, self.since.0],
                |row| {
                    let (records, allowed) = (row.get(0)?, row.get(1)?);
                    Ok(Tally { records, allowed })
                },
            )
            .optional()?;
        if let Some(tally) = kept {
            return Ok(tally);
        }
        let records = self
            .db
            .prepare_cached(
                "SELECT count(*) FROM recent_changes
                 WHERE pair = ?1 AND side = ?2 AND field = ?3 AND at >= ?4",
            )?
            .query_row(
                params![self.pair, self.side, self.field, self.since.0],
                |row| row.get(0),
            )?;
        Ok(Tally {
            records,
            allowed: limit.records_min,
        })
    }

    fn keep(&self, tally: &Tally) -> Outcome<()> {
        self.db
            .prepare_cached(
                "INSERT OR REPLACE INTO change_tallies (pair, side, field, since, records, allowed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                self.pair,
                self.side,
                self.field,
                self.since.0,
                tally.records as i64,
                tally.allowed as i64
            ])?;
        Ok(())
    }

    /// Writes a change down; false when its record has changed within the window before.
    fn put(&self, record: i64, blanked: bool, at: Timestamp) -> Outcome<bool> {
        let row = params![self.pair, self.side, self.field, record, blanked, at.0];
        let is_first = self
            .db
            .prepare_cached(
                "INSERT INTO recent_changes (pair, side, field, record, blanked, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            )?
            .execute(row)?;
        if is_first == 1 {
            return Ok(true);
        }
        let before: i64 = self
            .db
            .prepare_cached(
                "SELECT at FROM recent_changes
                 WHERE pair = ?1 AND side = ?2 AND field = ?3 AND record = ?4",
            )?
            .query_row(params![self.pair, self.side, self.field, record], |row| {
                row.get(0)
            })?;
        self.db
            .prepare_cached(
                "UPDATE recent_changes SET blanked = ?5, at = ?6
                 WHERE pair = ?1 AND side = ?2 AND field = ?3 AND record = ?4",
            )?
            .execute(row)?;
        Ok(before < self.since.0)
    }

    /// How many of the fields that changed have no value any more; of deletions, none.
    fn blanked(&self) -> Outcome<u64> {
        if self.field.is_empty() {
            return Ok(0);
        }
        Ok(self
            .db
            .prepare_cached(
                "SELECT coalesce(sum(blanked), 0) FROM recent_changes
                 WHERE pair = ?1 AND side = ?2 AND field = ?3 AND at >= ?4",
            )?
            .query_row(
                params![self.pair, self.side, self.field, self.since.0],
                |row| row.get(0),
            )?)
    }
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

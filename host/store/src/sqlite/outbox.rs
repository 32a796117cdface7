//! The outbox: which records wait to be pushed, and in which order.
//!
//! A record that waits keeps its place when it is put in again; one that was settled goes to the end.

use partneros_domain::{Base, HubSpotId, RecordId, Timestamp};
use rusqlite::{Connection as Database, OptionalExtension as _, params};

use super::encoding::{Cell, json, time};
use super::fault::Outcome;
use super::former_links;
use super::records::{RECORD_COLUMNS, read_record};
use super::scope::PairScope;
use super::sync::read_link;
use crate::{OutboxEntry, TUG_OF_WAR};

/// Puts a record in, due at once.
pub(super) fn enqueue(db: &Database, pair: i64, record: i64, now: Timestamp) -> Outcome<()> {
    db.prepare_cached(
        "INSERT INTO outbox (pair, record, due_at, attempts, since) VALUES (?1, ?2, ?3, 0, ?3)
         ON CONFLICT (record, pair) DO UPDATE SET
             since = CASE WHEN due_at IS NULL THEN excluded.since ELSE since END,
             position = CASE
                 WHEN due_at IS NULL THEN (SELECT max(position) + 1 FROM outbox)
                 ELSE position
             END,
             due_at = excluded.due_at, attempts = 0",
    )?
    .execute([pair, record, now.0])?;
    Ok(())
}

/// Keeps a record in, due no earlier than `at`, and counts an attempt.
pub(super) fn retry(db: &Database, pair: i64, record: i64, at: Timestamp) -> Outcome<()> {
    let waiting = db
        .prepare_cached(
            "UPDATE outbox SET due_at = ?3, attempts = attempts + 1
             WHERE record = ?2 AND pair = ?1 AND due_at IS NOT NULL",
        )?
        .execute([pair, record, at.0])?;
    if waiting == 0 {
        enqueue(db, pair, record, at)?;
        db.prepare_cached("UPDATE outbox SET attempts = 1 WHERE record = ?2 AND pair = ?1")?
            .execute([pair, record])?;
    }
    Ok(())
}

/// Takes a record out.
pub(super) fn settle(db: &Database, pair: i64, record: i64) -> Outcome<()> {
    db.prepare_cached("UPDATE outbox SET due_at = NULL WHERE record = ?2 AND pair = ?1")?
        .execute([pair, record])?;
    Ok(())
}

/// Remembers what is about to be sent to make an object of a record, also of one that was deleted a moment ago.
pub(super) fn remember_sent(db: &Database, pair: i64, record: i64, base: &str) -> Outcome<()> {
    for of_table in [
        "UPDATE outbox SET sent = ?3 WHERE record = ?2 AND pair = ?1",
        "UPDATE unheard_creates SET sent = ?3 WHERE record = ?2 AND pair = ?1",
    ] {
        db.prepare_cached(of_table)?
            .execute(params![pair, record, base])?;
    }
    Ok(())
}

pub(super) fn sent(
    db: &Database,
    pair: &PairScope,
    ids: &[RecordId],
) -> Outcome<Vec<(RecordId, Base)>> {
    let mut find = db.prepare_cached(
        "SELECT x.sent FROM records r JOIN outbox x ON x.record = r.key AND x.pair = ?1
         WHERE r.organization = ?2 AND r.id = ?3 AND x.sent IS NOT NULL",
    )?;
    let mut found = Vec::new();
    for id in ids {
        let mut rows = find.query(params![pair.key, pair.organization, id.0])?;
        if let Some(row) = rows.next()? {
            found.push((*id, Cell::new("outbox", "sent").json(row, 0, *id)?));
        }
    }
    Ok(found)
}

/// Takes a record out of every outbox.
pub(super) fn settle_everywhere(db: &Database, record: i64) -> Outcome<()> {
    db.prepare_cached("UPDATE outbox SET due_at = NULL WHERE record = ?1")?
        .execute([record])?;
    Ok(())
}

/// Forgets the places that were settled, so that records in them can begin to wait anew. A pass that wants to go on after
/// one of them starts over.
pub(super) fn sweep(db: &Database, pair: i64) -> Outcome<()> {
    db.prepare_cached("DELETE FROM outbox WHERE pair = ?1 AND due_at IS NULL")?
        .execute([pair])?;
    Ok(())
}

/// Puts every record in that has no link.
pub(super) fn enqueue_unlinked(db: &Database, pair: &PairScope, now: Timestamp) -> Outcome<()> {
    sweep(db, pair.key)?;
    db.prepare_cached(
        "INSERT INTO outbox (pair, record, due_at, attempts, since)
         SELECT ?1, r.key, ?3, 0, ?3 FROM records r
         WHERE r.object = ?2 AND r.deleted_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM links l WHERE l.pair = ?1 AND l.record = r.key)
         ORDER BY r.key
         ON CONFLICT (record, pair) DO UPDATE SET
             since = CASE WHEN due_at IS NULL THEN excluded.since ELSE since END,
             due_at = excluded.due_at, attempts = 0",
    )?
    .execute([pair.key, pair.object, now.0])?;
    Ok(())
}

/// Puts the records with push failures in, and returns how many they are.
pub(super) fn requeue(
    db: &Database,
    pair: &PairScope,
    pauses_end: bool,
    now: Timestamp,
) -> Outcome<u64> {
    if pauses_end {
        end_pauses(db, pair.key)?;
    }
    put_back(db, pair, true, now)
}

/// Puts every record in.
pub(super) fn enqueue_all(db: &Database, pair: &PairScope, now: Timestamp) -> Outcome<()> {
    put_back(db, pair, false, now)?;
    Ok(())
}

fn put_back(db: &Database, pair: &PairScope, failed_only: bool, now: Timestamp) -> Outcome<u64> {
    sweep(db, pair.key)?;
    let put = db
        .prepare_cached(
            "INSERT INTO outbox (pair, record, due_at, attempts, since)
             SELECT ?1, r.key, ?3, 0, ?3 FROM records r
             WHERE r.object = ?2 AND r.deleted_at IS NULL AND (NOT ?4 OR r.key IN (
                 SELECT f.record FROM failures f WHERE f.pair = ?1 AND f.stage = 'push'))
             ORDER BY r.key
             ON CONFLICT (record, pair) DO UPDATE SET
             since = CASE WHEN due_at IS NULL THEN excluded.since ELSE since END,
             due_at = excluded.due_at, attempts = 0",
        )?
        .execute(params![pair.key, pair.object, now.0, failed_only])?;
    Ok(put as u64)
}

/// Has the fields of records sync again that were paused.
fn end_pauses(db: &Database, pair: i64) -> Outcome<()> {
    let mut list = db.prepare_cached(
        "SELECT l.record, l.base FROM links l WHERE l.pair = ?1 AND l.record IN (
             SELECT f.record FROM failures f WHERE f.pair = ?1 AND f.code = ?2)",
    )?;
    let mut rows = list.query(params![pair, TUG_OF_WAR])?;
    let mut going_on = Vec::new();
    while let Some(row) = rows.next()? {
        let record: i64 = row.get(0)?;
        let mut base: Base = Cell::new("links", "base").json(row, 1, record)?;
        if base.end_pauses() {
            going_on.push((record, json(&base)?));
        }
    }
    let mut update =
        db.prepare_cached("UPDATE links SET base = ?3 WHERE pair = ?1 AND record = ?2")?;
    for (record, base) in going_on {
        update.execute(params![pair, record, base])?;
    }
    Ok(())
}

/// The pairs of an object for which a change of its records is an edit to push.
///
/// A paused pair counts: what is edited while it is paused waits. A draft does not: becoming active puts all in.
pub(super) fn pushing_pairs(db: &Database, object: i64) -> Outcome<Vec<i64>> {
    let mut list = db.prepare_cached(
        "SELECT key FROM object_pairs
         WHERE object = ?1 AND state <> 'draft' AND direction <> 'hubspot_to_partneros'
         ORDER BY key",
    )?;
    let rows = list.query_map([object], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn count(db: &Database, pair: i64) -> Outcome<u64> {
    Ok(db
        .prepare_cached("SELECT count(*) FROM outbox WHERE pair = ?1 AND due_at IS NOT NULL")?
        .query_row([pair], |row| row.get(0))?)
}

/// Since when the record waits that has waited longest.
pub(super) fn longest(db: &Database, pair: i64) -> Outcome<Option<Timestamp>> {
    let mut find = db.prepare_cached(
        "SELECT since FROM outbox WHERE pair = ?1 AND due_at IS NOT NULL ORDER BY position LIMIT 1",
    )?;
    Ok(find.query_row([pair], |row| time(row, 0)).optional()?)
}

/// A batch of what is due, after the place of `after`; from the start if that never had one.
pub(super) fn batch(
    db: &Database,
    pair: &PairScope,
    now: Timestamp,
    after: Option<RecordId>,
    limit: usize,
) -> Outcome<Vec<OutboxEntry>> {
    let after = match after {
        Some(record) => place(db, pair, record)?,
        None => None,
    };
    let mut list = db.prepare_cached(&format!(
        "SELECT {RECORD_COLUMNS}, x.attempts, l.hubspot_id, l.base, l.hubspot_updated_at,
             x.record, x.since
         FROM outbox x
         JOIN records r ON r.key = x.record
         LEFT JOIN links l ON l.pair = x.pair AND l.record = x.record
         WHERE x.pair = ?1 AND x.due_at IS NOT NULL AND x.due_at <= ?2 AND x.position > ?3
         ORDER BY x.position LIMIT ?4"
    ))?;
    let may_be_detached = former_links::has_any(db, pair.key)?;
    let start = after.unwrap_or(i64::MIN);
    let mut rows = list.query(params![pair.key, now.0, start, limit as i64])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let record = read_record(row, &pair.object_name)?;
        let link = read_link(row, 7, record.id)?;
        let detached_from = match link {
            None if may_be_detached => detached_from(db, pair.key, row.get(10)?)?,
            _ => None,
        };
        entries.push(OutboxEntry {
            record,
            link,
            detached_from,
            attempts: row.get(6)?,
            since: time(row, 11)?,
        });
    }
    Ok(entries)
}

/// The last object of a record that has none now.
fn detached_from(db: &Database, pair: i64, record: i64) -> Outcome<Option<HubSpotId>> {
    let mut find = db.prepare_cached(
        "SELECT hubspot_id FROM former_links WHERE record = ?2 AND pair = ?1
         ORDER BY key DESC LIMIT 1",
    )?;
    Ok(find
        .query_row([pair, record], |row| row.get(0).map(HubSpotId))
        .optional()?)
}

fn place(db: &Database, pair: &PairScope, record: RecordId) -> Outcome<Option<i64>> {
    let mut find = db.prepare_cached(
        "SELECT x.position FROM records r JOIN outbox x ON x.record = r.key AND x.pair = ?1
         WHERE r.organization = ?2 AND r.id = ?3",
    )?;
    Ok(find
        .query_row(params![pair.key, pair.organization, record.0], |row| {
            row.get(0)
        })
        .optional()?)
}

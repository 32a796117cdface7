//! How a record is deleted, whoever does it.
//!
//! The row stays as a tombstone, so that its id and its links stay taken. Pairs that mirror deletions remember the record's
//! values, and that its object is yet to be archived, before the values are gone.

use partneros_domain::{DeletePolicy, Timestamp};
use rusqlite::{Connection as Database, OptionalExtension as _, params};

use super::encoding::word;
use super::fault::Outcome;
use super::{changes, outbox};

/// Deletes a record that is there.
pub(super) fn delete(
    db: &Database,
    organization: i64,
    object: i64,
    record: i64,
    now: Timestamp,
) -> Outcome<()> {
    for pair in mirroring_pairs(db, object)? {
        doom(db, pair, record, now)?;
        remember_unheard(db, pair, record, now)?;
    }
    db.prepare_cached(
        "UPDATE records SET version = version + 1, fields = '{}', updated_at = ?2,
             edited_at = ?2, deleted_at = ?2, change = ?3
         WHERE key = ?1",
    )?
    .execute([record, now.0, changes::next(db, organization)?])?;
    db.prepare_cached("DELETE FROM failures WHERE record = ?1")?
        .execute([record])?;
    outbox::settle_everywhere(db, record)?;
    db.prepare_cached("UPDATE objects SET edits = edits + 1 WHERE key = ?1")?
        .execute([object])?;
    Ok(())
}

/// The pairs that archive the object of a record that is deleted.
fn mirroring_pairs(db: &Database, object: i64) -> Outcome<Vec<i64>> {
    let mut list = db.prepare_cached(
        "SELECT key FROM object_pairs
         WHERE object = ?1 AND state <> 'draft' AND direction <> 'hubspot_to_partneros'
             AND delete_policy = ?2
         ORDER BY key",
    )?;
    let rows = list.query_map(params![object, word(&DeletePolicy::Mirror)?], |row| {
        row.get(0)
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Ends the link of a record that is deleted, or was, and has its object archived.
pub(super) fn doom(db: &Database, pair: i64, record: i64, now: Timestamp) -> Outcome<()> {
    // A record whose object is gone already comes back with it as well.
    db.prepare_cached(
        "UPDATE former_links SET fields = (SELECT fields FROM records WHERE key = ?2)
         WHERE record = ?2 AND pair = ?1 AND parting <> 'merged' AND fields IS NULL
             AND EXISTS (SELECT 1 FROM records WHERE key = ?2 AND deleted_at IS NULL)
             AND NOT EXISTS (SELECT 1 FROM links WHERE pair = ?1 AND record = ?2)",
    )?
    .execute([pair, record])?;
    db.prepare_cached(
        "INSERT OR REPLACE INTO former_links (pair, record, hubspot_id, base, hubspot_updated_at,
             parting, merged_into, fields, doomed, at)
         SELECT l.pair, l.record, l.hubspot_id, l.base, l.hubspot_updated_at, 'deleted', NULL,
             CASE WHEN r.deleted_at IS NULL THEN r.fields ELSE u.fields END, 1, ?3
         FROM links l JOIN records r ON r.key = l.record
             LEFT JOIN unheard_creates u ON u.pair = l.pair AND u.record = l.record
         WHERE l.pair = ?1 AND l.record = ?2",
    )?
    .execute([pair, record, now.0])?;
    forget_unheard(db, pair, record)?;
    db.prepare_cached("DELETE FROM links WHERE pair = ?1 AND record = ?2")?
        .execute([pair, record])?;
    Ok(())
}

/// A record without an object may have one that nobody has heard of yet.
fn remember_unheard(db: &Database, pair: i64, record: i64, now: Timestamp) -> Outcome<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO unheard_creates (pair, record, fields, sent, at)
         SELECT ?1, key, fields,
             (SELECT sent FROM outbox WHERE record = ?2 AND pair = ?1), ?3
         FROM records
         WHERE key = ?2 AND deleted_at IS NULL AND NOT EXISTS (
             SELECT 1 FROM former_links WHERE pair = ?1 AND record = ?2)",
    )?
    .execute([pair, record, now.0])?;
    Ok(())
}

/// What is known of a deleted record of which an object may show up yet.
pub(super) struct Unheard {
    /// What was sent to make it, as a base in JSON, if it is known.
    pub(super) sent: Option<String>,
}

/// Whether an object that shows up now as made of this record is to be archived, see [`doom`].
pub(super) fn unheard(db: &Database, pair: i64, record: i64) -> Outcome<Option<Unheard>> {
    Ok(db
        .prepare_cached("SELECT sent FROM unheard_creates WHERE pair = ?1 AND record = ?2")?
        .query_row([pair, record], |row| Ok(Unheard { sent: row.get(0)? }))
        .optional()?)
}

fn forget_unheard(db: &Database, pair: i64, record: i64) -> Outcome<()> {
    db.prepare_cached("DELETE FROM unheard_creates WHERE pair = ?1 AND record = ?2")?
        .execute([pair, record])?;
    Ok(())
}

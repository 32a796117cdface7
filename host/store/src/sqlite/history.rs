//! Conflicts and failures: what the commit writes down and what people list.

use partneros_domain::{FieldName, HubSpotId, RecordId, Timestamp};
use rusqlite::{Connection as Database, OptionalExtension as _, Row, params};

use super::encoding::{Cell, json, word};
use super::fault::{Fault, Outcome, not_found};
use super::position::{List, one_more};
use crate::{
    ConflictEntry, FailureEntry, FailureStage, NewConflict, NewFailure, OBJECT_MISSING, Page,
    TUG_OF_WAR,
};

/// What a failure is about: a record, a HubSpot object, or both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub(super) record: Option<i64>,
    pub(super) hubspot_id: Option<HubSpotId>,
}

/// Whether anything failed in the pair, so that a page without failures looks for none.
pub(super) fn has_failures(db: &Database, pair: i64) -> Outcome<bool> {
    Ok(db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM failures WHERE pair = ?1)")?
        .query_row([pair], |row| row.get(0))?)
}

/// What is listed for a linked record that a look at its HubSpot object may settle.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    pub(super) pull_failed: bool,
    pub(super) push_failed: bool,
    pub(super) object_was_missing: bool,
}

pub(super) fn standing(db: &Database, pair: i64, record: i64) -> Outcome<Standing> {
    Ok(db
        .prepare_cached(
            "SELECT coalesce(max(stage = 'pull'), 0), coalesce(max(stage = 'push'), 0),
                 coalesce(max(code = ?3), 0)
             FROM failures WHERE record = ?2 AND pair = ?1",
        )?
        .query_row(params![pair, record, OBJECT_MISSING], |row| {
            Ok(Standing {
                pull_failed: row.get(0)?,
                push_failed: row.get(1)?,
                object_was_missing: row.get(2)?,
            })
        })?)
}

/// The fields that are paused for records, by field and property: the first failure of each, and how many records.
pub(super) fn tugs(db: &Database, pair: i64) -> Outcome<Vec<(NewFailure, u64)>> {
    // SQLite takes the other columns from the row that has the least key.
    let mut list = db.prepare_cached(
        "SELECT field, property, code, message, hint, count(*), min(key) FROM failures
         WHERE pair = ?1 AND code = ?2 GROUP BY field, property ORDER BY field, property",
    )?;
    let rows = list.query_map(params![pair, TUG_OF_WAR], |row| {
        Ok((read_reason(row)?, row.get(5)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The HubSpot objects without a record that failed with this code.
pub(super) fn rejected(db: &Database, pair: i64, code: &str) -> Outcome<Vec<HubSpotId>> {
    let mut list = db.prepare_cached(
        "SELECT DISTINCT hubspot_id FROM failures
         WHERE pair = ?1 AND record IS NULL AND hubspot_id IS NOT NULL AND code = ?2",
    )?;
    let rows = list.query_map(params![pair, code], |row| row.get(0).map(HubSpotId))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What is listed for the pair as such.
pub(super) fn parked(db: &Database, pair: i64) -> Outcome<Vec<NewFailure>> {
    let mut list = db.prepare_cached(
        "SELECT field, property, code, message, hint FROM failures
         WHERE pair = ?1 AND record IS NULL AND hubspot_id IS NULL ORDER BY key",
    )?;
    let rows = list.query_map([pair], read_reason)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What went wrong, from the first columns of a row.
fn read_reason(row: &Row<'_>) -> rusqlite::Result<NewFailure> {
    let name =
        |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(at)?.map(FieldName::from));
    Ok(NewFailure {
        field: name(0)?,
        property: name(1)?,
        code: row.get(2)?,
        message: row.get(3)?,
        hint: row.get(4)?,
    })
}

/// Forgets what failed at a stage, of the record and of the HubSpot object.
pub(super) fn clear_failures(
    db: &Database,
    pair: i64,
    subject: Subject,
    stage: FailureStage,
) -> Outcome<()> {
    let stage = word(&stage)?;
    if let Some(record) = subject.record {
        db.prepare_cached("DELETE FROM failures WHERE record = ?2 AND pair = ?1 AND stage = ?3")?
            .execute(params![pair, record, stage])?;
    }
    if let Some(hubspot_id) = subject.hubspot_id {
        db.prepare_cached(
            "DELETE FROM failures WHERE hubspot_id = ?2 AND pair = ?1 AND stage = ?3",
        )?
        .execute(params![pair, hubspot_id.0, stage])?;
    }
    Ok(())
}

pub(super) fn add_failures(
    db: &Database,
    pair: i64,
    subject: Subject,
    stage: FailureStage,
    failures: &[NewFailure],
    at: Timestamp,
) -> Outcome<()> {
    if failures.is_empty() {
        return Ok(());
    }
    let stage = word(&stage)?;
    let mut insert = db.prepare_cached(
        "INSERT INTO failures (pair, record, hubspot_id, stage, field, property, code, message,
             hint, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for failure in failures {
        insert.execute(params![
            pair,
            subject.record,
            subject.hubspot_id.map(|id| id.0),
            stage,
            failure.field.as_ref().map(FieldName::as_str),
            failure.property.as_ref().map(FieldName::as_str),
            failure.code,
            failure.message,
            failure.hint,
            at.0
        ])?;
    }
    Ok(())
}

/// Those of these objects for which failures are listed and no record.
pub(super) fn rejected_among(
    db: &Database,
    pair: i64,
    mut objects: Vec<HubSpotId>,
) -> Outcome<Vec<HubSpotId>> {
    let mut find = db.prepare_cached(
        "SELECT 1 FROM failures WHERE hubspot_id = ?2 AND pair = ?1 AND record IS NULL LIMIT 1",
    )?;
    let mut rejected = Vec::new();
    objects.sort_unstable();
    objects.dedup();
    for object in objects {
        if find.exists([pair, object.0])? {
            rejected.push(object);
        }
    }
    Ok(rejected)
}

/// Forgets what failed of objects that have no record.
pub(super) fn forget_rejected(db: &Database, pair: i64, objects: &[HubSpotId]) -> Outcome<()> {
    let mut forget = db.prepare_cached(
        "DELETE FROM failures WHERE hubspot_id = ?2 AND pair = ?1 AND record IS NULL",
    )?;
    for object in objects {
        forget.execute([pair, object.0])?;
    }
    Ok(())
}

/// Lists what does not sync in the pair as such, in place of what was listed before.
pub(super) fn replace_parked(
    db: &Database,
    pair: i64,
    parked: &[NewFailure],
    at: Timestamp,
) -> Outcome<()> {
    db.prepare_cached(
        "DELETE FROM failures WHERE pair = ?1 AND record IS NULL AND hubspot_id IS NULL",
    )?
    .execute([pair])?;
    let subject = Subject {
        record: None,
        hubspot_id: None,
    };
    // Parked fields flow neither way; the stage says where they are found to be parked, which is before the pull.
    add_failures(db, pair, subject, FailureStage::Pull, parked, at)
}

/// Writes conflicts of a linked record down.
pub(super) fn add_conflicts(
    db: &Database,
    pair: i64,
    record: (i64, RecordId),
    conflicts: &[NewConflict],
    at: Timestamp,
) -> Outcome<()> {
    if conflicts.is_empty() {
        return Ok(());
    }
    let (record, id) = record;
    let hubspot_id: i64 = db
        .prepare_cached("SELECT hubspot_id FROM links WHERE pair = ?1 AND record = ?2")?
        .query_row([pair, record], |row| row.get(0))
        .optional()?
        .ok_or_else(|| not_found("link of record", id))?;
    let mut insert = db.prepare_cached(
        "INSERT INTO conflicts (pair, record, hubspot_id, field, property, partneros_value,
             hubspot_value, winner, rule, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for conflict in conflicts {
        insert.execute(params![
            pair,
            record,
            hubspot_id,
            conflict.field.as_str(),
            conflict.property.as_str(),
            json(&conflict.partneros_value)?,
            conflict.hubspot_value,
            word(&conflict.winner)?,
            word(&conflict.rule)?,
            at.0
        ])?;
    }
    Ok(())
}

pub(super) fn conflicts(
    db: &Database,
    pair: i64,
    after: Option<&str>,
    limit: usize,
) -> Outcome<Page<ConflictEntry>> {
    let before = List::Conflicts.key(after, i64::MAX)?;
    let mut list = db.prepare_cached(
        "SELECT c.key, r.id, c.hubspot_id, c.field, c.property, c.partneros_value,
             c.hubspot_value, c.winner, c.rule, c.at
         FROM conflicts c JOIN records r ON r.key = c.record
         WHERE c.pair = ?1 AND c.key < ?2 ORDER BY c.key DESC LIMIT ?3",
    )?;
    let rows = list.query_and_then([pair, before, one_more(limit)], |row| {
        Ok::<_, Fault>((row.get(0)?, read_conflict(row)?))
    })?;
    Ok(List::Conflicts.page(rows.collect::<Outcome<_>>()?, limit))
}

pub(super) fn failures(
    db: &Database,
    pair: i64,
    after: Option<&str>,
    limit: usize,
) -> Outcome<Page<FailureEntry>> {
    let before = List::Failures.key(after, i64::MAX)?;
    let mut list = db.prepare_cached(
        "SELECT f.key, r.id, coalesce(f.hubspot_id, l.hubspot_id), f.stage, f.field, f.property,
             f.code, f.message, f.hint, f.at
         FROM failures f
         LEFT JOIN records r ON r.key = f.record
         LEFT JOIN links l ON l.pair = f.pair AND l.record = f.record
         WHERE f.pair = ?1 AND f.key < ?2 ORDER BY f.key DESC LIMIT ?3",
    )?;
    let rows = list.query_and_then([pair, before, one_more(limit)], |row| {
        Ok::<_, Fault>((row.get(0)?, read_failure(row)?))
    })?;
    Ok(List::Failures.page(rows.collect::<Outcome<_>>()?, limit))
}

fn read_conflict(row: &Row<'_>) -> Outcome<ConflictEntry> {
    let key: i64 = row.get(0)?;
    Ok(ConflictEntry {
        record_id: RecordId(row.get(1)?),
        hubspot_id: HubSpotId(row.get(2)?),
        conflict: NewConflict {
            field: row.get::<_, String>(3)?.into(),
            property: row.get::<_, String>(4)?.into(),
            partneros_value: Cell::new("conflicts", "partneros_value").json(row, 5, key)?,
            hubspot_value: row.get(6)?,
            winner: Cell::new("conflicts", "winner").word(row, 7, key)?,
            rule: Cell::new("conflicts", "rule").word(row, 8, key)?,
        },
        at: Timestamp(row.get(9)?),
    })
}

fn read_failure(row: &Row<'_>) -> Outcome<FailureEntry> {
    let key: i64 = row.get(0)?;
    Ok(FailureEntry {
        record_id: row.get::<_, Option<_>>(1)?.map(RecordId),
        hubspot_id: row.get::<_, Option<_>>(2)?.map(HubSpotId),
        stage: Cell::new("failures", "stage").word(row, 3, key)?,
        failure: NewFailure {
            field: row.get::<_, Option<String>>(4)?.map(FieldName::from),
            property: row.get::<_, Option<String>>(5)?.map(FieldName::from),
            code: row.get(6)?,
            message: row.get(7)?,
            hint: row.get(8)?,
        },
        at: Timestamp(row.get(9)?),
    })
}

//! Runs.

use async_trait::async_trait;
use partneros_domain::{OrganizationId, PairId, RunId, Timestamp};
use rusqlite::{Connection as Database, OptionalExtension as _, Row, params};

use super::encoding::{Cell, time, time_if_any, word};
use super::fault::{Fault, Outcome, conflict, not_found, unless_taken};
use super::position::{List, one_more};
use super::{Sqlite, health, scope};
use crate::{Counts, Lease, NewRun, NextAudit, Page, Result, Run, RunEnd, RunOutcome, Runs};

const COLUMNS: &str =
    "SELECT r.id, r.kind, r.set_off_by, r.started_at, r.finished_at, r.outcome, r.error,
        r.pulled, r.unchanged, r.records_created, r.records_updated, r.matched, r.pushed,
        r.hubspot_created, r.hubspot_updated, r.conflicts, r.failed, r.key, p.id, r.unlinked,
        r.relinked, r.records_deleted, r.hubspot_archived
     FROM runs r JOIN object_pairs p ON p.key = r.pair";

#[async_trait]
impl Runs for Sqlite {
    async fn start_run(&self, organization: OrganizationId, run: &NewRun) -> Result<()> {
        let run = run.clone();
        self.write_repeatable("start a run", move |tx| {
            let pair = scope::pair(tx, organization, run.pair_id)?;
            tx.prepare_cached(
                "UPDATE runs SET outcome = 'interrupted', finished_at = ?2
                 WHERE pair = ?1 AND outcome = 'running'",
            )?
            .execute([pair.key, run.started_at.0])?;
            let inserted = tx
                .prepare_cached(
                    "INSERT INTO runs (pair, id, kind, set_off_by, started_at, outcome)
                     VALUES (?1, ?2, ?3, ?4, ?5, 'running')",
                )?
                .execute(params![
                    pair.key,
                    run.id.0,
                    word(&run.kind)?,
                    word(&run.trigger)?,
                    run.started_at.0
                ]);
            unless_taken(inserted, || conflict("run", run.id, "exists already"))?;
            Ok(())
        })
        .await
    }

    async fn finish_run(
        &self,
        organization: OrganizationId,
        lease: Lease,
        end: RunEnd,
    ) -> Result<()> {
        self.write_repeatable("finish a run", move |tx| {
            let key = find_key(tx, organization, end.id)?;
            let pair = scope::pair(tx, organization, lease.pair_id)?.key;
            let outcome = word(&end.outcome)?;
            let is_over = tx
                .prepare_cached(
                    "UPDATE runs SET outcome = ?2, error = ?3, finished_at = ?4
                     WHERE key = ?1 AND pair = ?5 AND outcome = 'running'",
                )?
                .execute(params![key, outcome, end.error, end.at.0, pair])?
                == 1;
            if is_over && end.counts != Counts::default() {
                add_counts(tx, pair, end.id, &end.counts)?;
            }
            let (audit_at, unless_set) = match end.next_audit {
                NextAudit::AsBefore => (None, None),
                NextAudit::UnlessSet(at) => (None, Some(at)),
                NextAudit::At(at) => (Some(at), None),
            };
            let has_succeeded = is_over && end.outcome == RunOutcome::Succeeded;
            tx.prepare_cached(
                "UPDATE pair_progress SET lease_until = NULL,
                     next_run_at = CASE WHEN ?7 AND EXISTS (
                         SELECT 1 FROM hinted_objects h WHERE h.pair = ?1 AND h.sign <> ?9)
                         THEN ?8 ELSE ?3 END,
                     succeeded_at = coalesce(?4, succeeded_at),
                     audit_due_at = coalesce(?5, audit_due_at, ?6)
                 WHERE pair = ?1 AND lease_epoch = ?2 AND lease_until IS NOT NULL",
            )?
            .execute(params![
                pair,
                lease.epoch,
                end.next_run_at.0,
                has_succeeded.then_some(end.at.0),
                audit_at.map(Timestamp::as_millis),
                unless_set.map(Timestamp::as_millis),
                // What was hinted at while it ran is looked up at once, but not again and again while runs fail.
                has_succeeded,
                end.at.min(end.next_run_at).0,
                super::journals::ASSOCIATED
            ])?;
            health::add(tx, (pair, lease.pair_id), &end.lags, end.at)
        })
        .await
    }

    async fn run(&self, organization: OrganizationId, id: RunId) -> Result<Run> {
        self.look_up("read a run", move |tx| {
            let key = find_key(tx, organization, id)?;
            let mut find = tx.prepare_cached(&format!("{COLUMNS} WHERE r.key = ?1"))?;
            let mut rows = find.query([key])?;
            match rows.next()? {
                Some(row) => read(row),
                None => Err(Fault::Store(not_found("run", id))),
            }
        })
        .await
    }

    async fn runs(
        &self,
        organization: OrganizationId,
        pair: PairId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Run>> {
        let after = after.map(ToOwned::to_owned);
        self.read("list the runs", move |tx| {
            let pair = scope::pair(tx, organization, pair)?;
            let before = List::Runs.key(after.as_deref(), i64::MAX)?;
            let mut list = tx.prepare_cached(&format!(
                "{COLUMNS} WHERE r.pair = ?1 AND r.key < ?2 ORDER BY r.key DESC LIMIT ?3"
            ))?;
            let rows = list.query_and_then([pair.key, before, one_more(limit)], |row| {
                Ok::<_, Fault>((row.get(17)?, read(row)?))
            })?;
            Ok(List::Runs.page(rows.collect::<Outcome<_>>()?, limit))
        })
        .await
    }

    async fn forget_runs(&self, before: Timestamp, at_most: usize) -> Result<usize> {
        self.write_repeatable("delete old runs", move |tx| {
            // Keys grow with time, so what is old is at the beginning and nothing else is looked at.
            let forgotten = tx
                .prepare_cached(
                    "DELETE FROM runs WHERE key IN (
                         SELECT key FROM (
                             SELECT key, coalesce(finished_at, started_at) AS at FROM runs
                             ORDER BY key LIMIT ?2)
                         WHERE at < ?1)",
                )?
                .execute(params![before.0, at_most as i64])?;
            Ok(forgotten)
        })
        .await
    }
}

fn find_key(db: &Database, organization: OrganizationId, id: RunId) -> Outcome<i64> {
    let mut find = db.prepare_cached(
        "SELECT r.key FROM runs r
         JOIN object_pairs p ON p.key = r.pair
         JOIN organizations o ON o.key = p.organization
         WHERE r.id = ?1 AND o.id = ?2",
    )?;
    find.query_row([id.0, organization.0], |row| row.get(0))
        .optional()?
        .ok_or_else(|| not_found("run", id).into())
}

/// Adds to the counts of a run of the pair.
pub(super) fn add_counts(db: &Database, pair: i64, id: RunId, counts: &Counts) -> Outcome<()> {
    let updated = db
        .prepare_cached(
            "UPDATE runs SET pulled = pulled + ?3, unchanged = unchanged + ?4,
                 records_created = records_created + ?5, records_updated = records_updated + ?6,
                 matched = matched + ?7, pushed = pushed + ?8,
                 hubspot_created = hubspot_created + ?9, hubspot_updated = hubspot_updated + ?10,
                 conflicts = conflicts + ?11, failed = failed + ?12, unlinked = unlinked + ?13,
                 relinked = relinked + ?14, records_deleted = records_deleted + ?15,
                 hubspot_archived = hubspot_archived + ?16
             WHERE id = ?2 AND pair = ?1",
        )?
        .execute(params![
            pair,
            id.0,
            counts.pulled as i64,
            counts.unchanged as i64,
            counts.records_created as i64,
            counts.records_updated as i64,
            counts.matched as i64,
            counts.pushed as i64,
            counts.hubspot_created as i64,
            counts.hubspot_updated as i64,
            counts.conflicts as i64,
            counts.failed as i64,
            counts.unlinked as i64,
            counts.relinked as i64,
            counts.records_deleted as i64,
            counts.hubspot_archived as i64
        ])?;
    if updated == 0 {
        return Err(not_found("run", id).into());
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Outcome<Run> {
    let id = RunId(row.get(0)?);
    Ok(Run {
        id,
        pair_id: PairId(row.get(18)?),
        kind: Cell::new("runs", "kind").word(row, 1, id)?,
        trigger: Cell::new("runs", "set_off_by").word(row, 2, id)?,
        started_at: time(row, 3)?,
        finished_at: time_if_any(row, 4)?,
        outcome: Cell::new("runs", "outcome").word(row, 5, id)?,
        error: row.get(6)?,
        counts: Counts {
            pulled: row.get(7)?,
            unchanged: row.get(8)?,
            records_created: row.get(9)?,
            records_updated: row.get(10)?,
            matched: row.get(11)?,
            pushed: row.get(12)?,
            hubspot_created: row.get(13)?,
            hubspot_updated: row.get(14)?,
            conflicts: row.get(15)?,
            failed: row.get(16)?,
            unlinked: row.get(19)?,
            relinked: row.get(20)?,
            records_deleted: row.get(21)?,
            hubspot_archived: row.get(22)?,
        },
    })
}

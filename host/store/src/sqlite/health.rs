//! How well pairs sync.

use async_trait::async_trait;
use partneros_domain::{OrganizationId, PairId, Timestamp};
use rusqlite::{Connection as Database, Row, params};

use super::encoding::{Cell, json, time_if_any};
use super::fault::{Fault, Outcome};
use super::{Sqlite, outbox, scope};
use crate::{Health, LAG_HOURS_KEPT, LagHour, PairLags, Result, RunStats};

const HOUR_MS: i64 = 3_600_000;

/// Every part is found by an index, or has a row for each connection or pair at most.
const UNQUIET: &str = "SELECT id FROM organizations WHERE key IN (
    SELECT organization FROM alerts WHERE resolved_at IS NULL
    UNION ALL
    SELECT organization FROM connections WHERE status = 'reauth_required'
    UNION ALL
    SELECT v.organization FROM bindings b JOIN plugin_versions v ON v.organization = b.organization
    WHERE v.state = 'quarantined'
    UNION ALL
    SELECT p.organization FROM former_links f JOIN object_pairs p ON p.key = f.pair
    WHERE f.parting = 'merged'
    UNION ALL
    SELECT p.organization FROM object_pairs p
    JOIN pair_progress s ON s.pair = p.key
    JOIN connections c ON c.key = p.connection
    WHERE p.state = 'active' AND c.status <> 'disconnected' AND (
        s.succeeded_at IS NULL OR s.succeeded_at < ?1
        OR EXISTS (SELECT 1 FROM lags l WHERE l.pair = p.key AND l.hour >= ?2)
        OR EXISTS (SELECT 1 FROM outbox o WHERE o.pair = p.key AND o.due_at IS NOT NULL)))";

#[async_trait]
impl Health for Sqlite {
    async fn unquiet_organizations(
        &self,
        succeeded_since: Timestamp,
        lags_since: Timestamp,
    ) -> Result<Vec<OrganizationId>> {
        self.read("look for trouble", move |tx| {
            let mut list = tx.prepare_cached(UNQUIET)?;
            let hour = lags_since.0.div_euclid(HOUR_MS);
            let rows = list.query_map([succeeded_since.0, hour], |row| {
                Ok(OrganizationId(row.get(0)?))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn last_success(
        &self,
        organization: OrganizationId,
        pair: PairId,
    ) -> Result<Option<Timestamp>> {
        self.look_up("look at the last success", move |tx| {
            succeeded_at(tx, scope::pair(tx, organization, pair)?.key)
        })
        .await
    }

    async fn run_stats(
        &self,
        organization: OrganizationId,
        pair: PairId,
        since: Timestamp,
    ) -> Result<RunStats> {
        self.read("sum runs up", move |tx| {
            let pair = scope::pair(tx, organization, pair)?.key;
            let last_success_at = succeeded_at(tx, pair)?;
            // Keys grow with time, so the search for the last run before ends at the first of the time.
            let mut sum = tx.prepare_cached(
                "SELECT count(*), coalesce(sum(outcome = 'failed'), 0), coalesce(sum(pulled), 0),
                     coalesce(sum(pushed), 0), coalesce(sum(conflicts), 0), coalesce(sum(failed), 0)
                 FROM runs WHERE pair = ?1 AND started_at >= ?2 AND outcome <> 'running'
                     AND key > coalesce((SELECT before.key FROM runs before
                         WHERE before.pair = ?1 AND before.started_at < ?2
                         ORDER BY before.key DESC LIMIT 1), 0)",
            )?;
            Ok(sum.query_row([pair, since.0], |row| {
                Ok(RunStats {
                    runs: row.get(0)?,
                    failed_runs: row.get(1)?,
                    pulled: row.get(2)?,
                    pushed: row.get(3)?,
                    conflicts: row.get(4)?,
                    failed: row.get(5)?,
                    last_success_at,
                })
            })?)
        })
        .await
    }

    async fn lags(
        &self,
        organization: OrganizationId,
        pair: PairId,
        since: Timestamp,
    ) -> Result<Vec<LagHour>> {
        self.read("read lags", move |tx| {
            let key = scope::pair(tx, organization, pair)?.key;
            let mut list = tx.prepare_cached(
                "SELECT hour, pull, push FROM lags WHERE pair = ?1 AND hour >= ?2 ORDER BY hour",
            )?;
            let rows = list.query_and_then([key, since.0.div_euclid(HOUR_MS)], |row| {
                let hour: i64 = row.get(0)?;
                Ok::<_, Fault>(LagHour {
                    at: Timestamp(hour.saturating_mul(HOUR_MS)),
                    lags: read(row, 1, pair)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    async fn waiting_since(
        &self,
        organization: OrganizationId,
        pair: PairId,
    ) -> Result<Option<Timestamp>> {
        self.read("look at the longest waiting record", move |tx| {
            let pair = scope::pair(tx, organization, pair)?.key;
            outbox::longest(tx, pair)
        })
        .await
    }

    async fn count_failures(&self, organization: OrganizationId, pair: PairId) -> Result<u64> {
        self.read("count failures", move |tx| {
            let pair = scope::pair(tx, organization, pair)?.key;
            Ok(tx
                .prepare_cached("SELECT count(*) FROM failures WHERE pair = ?1")?
                .query_row([pair], |row| row.get(0))?)
        })
        .await
    }
}

fn succeeded_at(db: &Database, pair: i64) -> Outcome<Option<Timestamp>> {
    let found = db
        .prepare_cached("SELECT succeeded_at FROM pair_progress WHERE pair = ?1")?
        .query_and_then([pair], |row| time_if_any(row, 0))?
        .next()
        .transpose()?;
    Ok(found.flatten())
}

/// Adds lags to those of the hour, and removes hours that are long past when a new one begins.
pub(super) fn add(
    db: &Database,
    (key, pair): (i64, PairId),
    lags: &PairLags,
    at: Timestamp,
) -> Outcome<()> {
    if lags.is_empty() {
        return Ok(());
    }
    let hour = at.0.div_euclid(HOUR_MS);
    let known = db
        .prepare_cached("SELECT pull, push FROM lags WHERE pair = ?1 AND hour = ?2")?
        .query_and_then([key, hour], |row| read(row, 0, pair))?
        .next()
        .transpose()?;
    let is_new = known.is_none();
    let mut sum = known.unwrap_or_default();
    sum.merge(lags);
    db.prepare_cached(
        "INSERT OR REPLACE INTO lags (pair, hour, pull, push) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![key, hour, json(&sum.pull)?, json(&sum.push)?])?;
    if is_new {
        db.prepare_cached("DELETE FROM lags WHERE pair = ?1 AND hour <= ?2")?
            .execute([key, hour - LAG_HOURS_KEPT])?;
    }
    Ok(())
}

/// Both ways' lags, in two columns from this one.
fn read(row: &Row<'_>, from: usize, pair: PairId) -> Outcome<PairLags> {
    Ok(PairLags {
        pull: Cell::new("lags", "pull").json(row, from, pair)?,
        push: Cell::new("lags", "push").json(row, from + 1, pair)?,
    })
}

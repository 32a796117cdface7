//! Usage, logs and shadow reports of plugins.

use std::collections::BTreeSet;

use async_trait::async_trait;
use partneros_domain::{Digest, OrganizationId, PairId};
use rusqlite::{Connection as Database, Row, params};
use serde_json::Value as Json;

use super::encoding::{Cell, json, time};
use super::fault::{Fault, Outcome};
use super::position::{List, one_more};
use super::{Sqlite, scope};
use crate::{Page, PluginActivity, PluginCallLog, PluginUsage, Result};

#[async_trait]
impl PluginActivity for Sqlite {
    async fn record_plugin_activity(
        &self,
        organization: OrganizationId,
        usage: Vec<PluginUsage>,
        logs: Vec<PluginCallLog>,
        keep: usize,
    ) -> Result<()> {
        // A crash of the machine loses the newest commits, and the page that was transformed is transformed again.
        self.write_repeatable("record the activity of plugins", move |tx| {
            let owner = scope::organization(tx, organization)?;
            for usage in &usage {
                let pair = scope::pair(tx, organization, usage.pair)?.key;
                add_usage(tx, pair, usage)?;
            }
            for log in &logs {
                let pair = match log.pair {
                    Some(pair) => Some(scope::pair(tx, organization, pair)?.key),
                    None => None,
                };
                add_log(tx, owner, pair, log)?;
            }
            let logged: BTreeSet<_> = logs.iter().map(|log| *log.digest.as_bytes()).collect();
            for digest in logged {
                prune_logs(tx, owner, digest, keep)?;
            }
            Ok(())
        })
        .await
    }

    async fn plugin_usage(
        &self,
        organization: OrganizationId,
        pair: Option<PairId>,
        since_day: i64,
    ) -> Result<Vec<PluginUsage>> {
        self.read("list the usage of plugins", move |tx| {
            let owner = scope::organization(tx, organization)?;
            let pair = match pair {
                Some(pair) => Some(scope::pair(tx, organization, pair)?.key),
                None => None,
            };
            let mut list = tx.prepare_cached(
                "SELECT p.id, u.digest, u.day, u.calls, u.failed_calls, u.rows, u.fuel,
                     u.duration_us, u.memory_bytes_peak
                 FROM object_pairs p JOIN plugin_usage u ON u.pair = p.key
                 WHERE p.organization = ?1 AND (?2 IS NULL OR p.key = ?2) AND u.day >= ?3
                 ORDER BY u.day, p.key, u.digest",
            )?;
            let rows = list.query_map(params![owner, pair, since_day], read_usage)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn plugin_logs(
        &self,
        organization: OrganizationId,
        digest: Digest,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<PluginCallLog>> {
        let after = after.map(ToOwned::to_owned);
        self.read("list the logs of a plugin version", move |tx| {
            let owner = scope::organization(tx, organization)?;
            let before = List::PluginLogs.key(after.as_deref(), i64::MAX)?;
            let mut list = tx.prepare_cached(
                "SELECT l.key, l.digest, p.id, l.function, l.at, l.rows, l.outcome, l.log,
                     l.problems, l.fuel, l.duration_us
                 FROM plugin_logs l LEFT JOIN object_pairs p ON p.key = l.pair
                 WHERE l.organization = ?1 AND l.digest = ?2 AND l.key < ?3
                 ORDER BY l.key DESC LIMIT ?4",
            )?;
            let rows = list.query_and_then(
                params![owner, digest.as_bytes(), before, one_more(limit)],
                |row| Ok::<_, Fault>((row.get(0)?, read_log(row)?)),
            )?;
            Ok(List::PluginLogs.page(rows.collect::<Outcome<_>>()?, limit))
        })
        .await
    }

    async fn put_shadow_report(
        &self,
        organization: OrganizationId,
        pair: PairId,
        report: Json,
    ) -> Result<()> {
        self.write_repeatable("keep a shadow report", move |tx| {
            let pair = scope::pair(tx, organization, pair)?;
            tx.prepare_cached(
                "INSERT OR REPLACE INTO shadow_reports (pair, report) VALUES (?1, ?2)",
            )?
            .execute(params![pair.key, json(&report)?])?;
            Ok(())
        })
        .await
    }

    async fn shadow_report(
        &self,
        organization: OrganizationId,
        pair: PairId,
    ) -> Result<Option<Json>> {
        self.read("read a shadow report", move |tx| {
            let key = scope::pair(tx, organization, pair)?.key;
            let mut find =
                tx.prepare_cached("SELECT report FROM shadow_reports WHERE pair = ?1")?;
            let mut rows = find.query([key])?;
            rows.next()?
                .map(|row| Cell::new("shadow_reports", "report").json(row, 0, pair))
                .transpose()
        })
        .await
    }

    async fn delete_shadow_report(&self, organization: OrganizationId, pair: PairId) -> Result<()> {
        self.write_repeatable("forget a shadow report", move |tx| {
            let pair = scope::pair(tx, organization, pair)?;
            tx.prepare_cached("DELETE FROM shadow_reports WHERE pair = ?1")?
                .execute([pair.key])?;
            Ok(())
        })
        .await
    }
}

/// Forgets what is logged of a version.
pub(super) fn delete_logs(db: &Database, organization: i64, digest: Digest) -> Outcome<()> {
    prune_logs(db, organization, *digest.as_bytes(), 0)
}

fn add_usage(db: &Database, pair: i64, usage: &PluginUsage) -> Outcome<()> {
    db.prepare_cached(
        "INSERT INTO plugin_usage (pair, day, digest, calls, failed_calls, rows, fuel, duration_us,
             memory_bytes_peak)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (pair, day, digest) DO UPDATE SET
             calls = calls + excluded.calls, failed_calls = failed_calls + excluded.failed_calls,
             rows = rows + excluded.rows, fuel = fuel + excluded.fuel,
             duration_us = duration_us + excluded.duration_us,
             memory_bytes_peak = max(memory_bytes_peak, excluded.memory_bytes_peak)",
    )?
    .execute(params![
        pair,
        usage.day,
        usage.digest.as_bytes(),
        usage.calls,
        usage.failed_calls,
        usage.rows,
        usage.fuel,
        usage.duration_us,
        usage.memory_bytes_peak
    ])?;
    Ok(())
}

fn add_log(
    db: &Database,
    organization: i64,
    pair: Option<i64>,
    log: &PluginCallLog,
) -> Outcome<()> {
    db.prepare_cached(
        "INSERT INTO plugin_logs (organization, digest, pair, function, at, rows, outcome, log,
             problems, fuel, duration_us)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        organization,
        log.digest.as_bytes(),
        pair,
        log.function,
        log.at.0,
        log.rows,
        log.outcome,
        log.log,
        json(&log.problems)?,
        log.fuel,
        log.duration_us
    ])?;
    Ok(())
}

fn prune_logs(db: &Database, organization: i64, digest: [u8; 32], keep: usize) -> Outcome<()> {
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    db.prepare_cached(
        "DELETE FROM plugin_logs
         WHERE organization = ?1 AND digest = ?2 AND key <=
             (SELECT key FROM plugin_logs WHERE organization = ?1 AND digest = ?2
              ORDER BY key DESC LIMIT 1 OFFSET ?3)",
    )?
    .execute(params![organization, digest, keep])?;
    Ok(())
}

fn read_usage(row: &Row<'_>) -> rusqlite::Result<PluginUsage> {
    Ok(PluginUsage {
        pair: PairId(row.get(0)?),
        digest: Digest::from_bytes(row.get(1)?),
        day: row.get(2)?,
        calls: row.get(3)?,
        failed_calls: row.get(4)?,
        rows: row.get(5)?,
        fuel: row.get(6)?,
        duration_us: row.get(7)?,
        memory_bytes_peak: row.get(8)?,
    })
}

fn read_log(row: &Row<'_>) -> Outcome<PluginCallLog> {
    let key: i64 = row.get(0)?;
    Ok(PluginCallLog {
        digest: Digest::from_bytes(row.get(1)?),
        pair: row.get::<_, Option<_>>(2)?.map(PairId),
        function: row.get(3)?,
        at: time(row, 4)?,
        rows: row.get(5)?,
        outcome: row.get(6)?,
        log: row.get(7)?,
        problems: Cell::new("plugin_logs", "problems").json(row, 8, key)?,
        fuel: row.get(9)?,
        duration_us: row.get(10)?,
    })
}

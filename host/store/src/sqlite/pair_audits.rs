//! Audits of pairs.

use async_trait::async_trait;
use partneros_domain::{HubSpotId, OrganizationId, PairId, RecordId, RunId, Timestamp};
use rusqlite::{Connection as Database, OptionalExtension as _, Row, params};

use super::encoding::{Cell, json, time};
use super::fault::{Fault, Outcome};
use super::position::{List, one_more};
use super::records::{RECORD_COLUMNS, read_record};
use super::scope::PairScope;
use super::sync::read_link;
use super::{Sqlite, audit as events, commit, outbox, scope};
use crate::{
    AuditFigures, AuditedLink, Lease, NewEvent, PAIR_AUDITS_KEPT, Page, PairAudit, PairAudits,
    Result,
};

#[async_trait]
impl PairAudits for Sqlite {
    async fn linked_range(
        &self,
        organization: OrganizationId,
        pair: PairId,
        after: Option<HubSpotId>,
        through: Option<HubSpotId>,
        limit: usize,
    ) -> Result<Vec<AuditedLink>> {
        self.read("read a range of links", move |tx| {
            let pair = scope::pair(tx, organization, pair)?;
            let after = after.map_or(i64::MIN, |id| id.0);
            let through = through.map_or(i64::MAX, |id| id.0);
            linked_range(tx, &pair, (after, through), limit)
        })
        .await
    }

    async fn unlinked_reasons(
        &self,
        organization: OrganizationId,
        pair: PairId,
        ids: &[HubSpotId],
    ) -> Result<Vec<(HubSpotId, String)>> {
        let ids = ids.to_vec();
        self.read("look for why objects have no record", move |tx| {
            let key = scope::pair(tx, organization, pair)?.key;
            let mut find = tx.prepare_cached(
                "SELECT code FROM failures
                 WHERE pair = ?1 AND hubspot_id = ?2 AND record IS NULL
                 UNION ALL SELECT parting FROM former_links WHERE pair = ?1 AND hubspot_id = ?2
                 LIMIT 1",
            )?;
            let mut reasons = Vec::new();
            for id in ids {
                let reason = find.query_row([key, id.0], |row| row.get(0)).optional()?;
                reasons.extend(reason.map(|reason| (id, reason)));
            }
            Ok(reasons)
        })
        .await
    }

    async fn enqueue_lost(
        &self,
        organization: OrganizationId,
        lease: Lease,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<RecordId>> {
        let after = after.map(ToOwned::to_owned);
        self.write("put lost records into the outbox", move |tx| {
            let pair = scope::pair(tx, organization, lease.pair_id)?;
            commit::check_lease(tx, pair.key, lease)?;
            enqueue_lost(tx, &pair, after.as_deref(), limit, now)
        })
        .await
    }

    async fn put_pair_audit(
        &self,
        organization: OrganizationId,
        lease: Lease,
        audit: &PairAudit,
        event: NewEvent,
    ) -> Result<()> {
        let audit = audit.clone();
        self.write("keep an audit of a pair", move |tx| {
            let pair = scope::pair(tx, organization, lease.pair_id)?;
            commit::check_lease(tx, pair.key, lease)?;
            put(tx, pair.key, &audit)?;
            events::append(tx, pair.organization, &event)
        })
        .await
    }

    async fn pair_audits(
        &self,
        organization: OrganizationId,
        pair: PairId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<PairAudit>> {
        let after = after.map(ToOwned::to_owned);
        self.read("list the audits of a pair", move |tx| {
            let pair = scope::pair(tx, organization, pair)?.key;
            let before = List::PairAudits.key(after.as_deref(), i64::MAX)?;
            let mut list = tx.prepare_cached(
                "SELECT key, run, as_of, finished_at, ranges, objects, links, differing,
                     missing_in_hubspot, missing_here, waiting, mended, unsettled, samples
                 FROM audits WHERE pair = ?1 AND key < ?2 ORDER BY key DESC LIMIT ?3",
            )?;
            let rows = list.query_and_then([pair, before, one_more(limit)], |row| {
                Ok::<_, Fault>((row.get(0)?, read(row)?))
            })?;
            Ok(List::PairAudits.page(rows.collect::<Outcome<_>>()?, limit))
        })
        .await
    }
}

fn linked_range(
    db: &Database,
    pair: &PairScope,
    (after, through): (i64, i64),
    limit: usize,
) -> Outcome<Vec<AuditedLink>> {
    let mut list = db.prepare_cached(&format!(
        "SELECT {RECORD_COLUMNS}, r.deleted_at IS NULL, l.hubspot_id, l.base, l.hubspot_updated_at,
             EXISTS (SELECT 1 FROM outbox x
                 WHERE x.record = l.record AND x.pair = l.pair AND x.due_at IS NOT NULL),
             (SELECT f.code FROM failures f
                 WHERE f.record = l.record AND f.pair = l.pair ORDER BY f.key LIMIT 1)
         FROM links l JOIN records r ON r.key = l.record
         WHERE l.pair = ?1 AND l.hubspot_id > ?2 AND l.hubspot_id <= ?3
         ORDER BY l.hubspot_id LIMIT ?4"
    ))?;
    let mut rows = list.query(params![pair.key, after, through, limit as i64])?;
    let mut links = Vec::new();
    while let Some(row) = rows.next()? {
        let record_id = RecordId(row.get(0)?);
        let Some(link) = read_link(row, 7, record_id)? else {
            continue;
        };
        let is_there: bool = row.get(6)?;
        let record = is_there.then(|| read_record(row, &pair.object_name));
        links.push(AuditedLink {
            record_id,
            link,
            record: record.transpose()?,
            waits: row.get(10)?,
            failure: row.get(11)?,
        });
    }
    Ok(links)
}

fn enqueue_lost(
    db: &Database,
    pair: &PairScope,
    after: Option<&str>,
    limit: usize,
    now: Timestamp,
) -> Outcome<Page<RecordId>> {
    let after = List::Records.key(after, 0)?;
    let mut list = db.prepare_cached(
        "SELECT r.key, r.id,
             NOT EXISTS (SELECT 1 FROM outbox x
                 WHERE x.record = r.key AND x.pair = ?2 AND x.due_at IS NOT NULL)
             AND NOT EXISTS (SELECT 1 FROM failures f WHERE f.record = r.key AND f.pair = ?2)
             AND NOT EXISTS (SELECT 1 FROM former_links f WHERE f.record = r.key AND f.pair = ?2)
         FROM records r
         WHERE r.object = ?1 AND r.deleted_at IS NULL AND r.key > ?3
             AND NOT EXISTS (SELECT 1 FROM links l WHERE l.pair = ?2 AND l.record = r.key)
         ORDER BY r.key LIMIT ?4",
    )?;
    let rows = list.query_map([pair.object, pair.key, after, one_more(limit)], |row| {
        Ok((row.get(0)?, (RecordId(row.get(1)?), row.get(2)?)))
    })?;
    let looked_at: Vec<(i64, (RecordId, bool))> = rows.collect::<rusqlite::Result<_>>()?;
    let keys: Vec<_> = looked_at.iter().map(|(key, _)| *key).collect();
    let page = List::Records.page(looked_at, limit);
    let mut put_in = Vec::new();
    for (key, (record, is_lost)) in keys.into_iter().zip(page.items) {
        if is_lost {
            outbox::enqueue(db, pair.key, key, now)?;
            put_in.push(record);
        }
    }
    Ok(Page {
        items: put_in,
        next: page.next,
    })
}

fn put(db: &Database, pair: i64, audit: &PairAudit) -> Outcome<()> {
    let figures = &audit.figures;
    db.prepare_cached(
        "INSERT INTO audits (pair, run, as_of, finished_at, ranges, objects, links, differing,
             missing_in_hubspot, missing_here, waiting, mended, unsettled, samples)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?
    .execute(params![
        pair,
        audit.run_id.0,
        audit.as_of.0,
        audit.finished_at.0,
        figures.ranges as i64,
        figures.objects as i64,
        figures.links as i64,
        figures.differing as i64,
        figures.missing_in_hubspot as i64,
        figures.missing_here as i64,
        figures.waiting as i64,
        figures.mended as i64,
        figures.unsettled as i64,
        json(&audit.samples)?
    ])?;
    db.prepare_cached(
        "DELETE FROM audits WHERE pair = ?1 AND key <= (
             SELECT key FROM audits WHERE pair = ?1 ORDER BY key DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute([pair, PAIR_AUDITS_KEPT as i64])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Outcome<PairAudit> {
    let run_id = RunId(row.get(1)?);
    Ok(PairAudit {
        run_id,
        as_of: time(row, 2)?,
        finished_at: time(row, 3)?,
        figures: AuditFigures {
            ranges: row.get(4)?,
            objects: row.get(5)?,
            links: row.get(6)?,
            differing: row.get(7)?,
            missing_in_hubspot: row.get(8)?,
            missing_here: row.get(9)?,
            waiting: row.get(10)?,
            mended: row.get(11)?,
            unsettled: row.get(12)?,
        },
        samples: Cell::new("audits", "samples").json(row, 13, run_id)?,
    })
}

//! Links that ended, objects that were not found, and what is looked at by the hour. The steps are in `parting`.

use std::collections::HashMap;

use async_trait::async_trait;
use partneros_domain::{EventType, HubSpotId, OrganizationId, PairId, RecordId, Side, Timestamp};
use rusqlite::{Connection as Database, OptionalExtension as _, Row, params};
use serde_json::json;

use super::encoding::{Cell, time, time_if_any, word};
use super::fault::{Fault, Outcome, not_found};
use super::parting::Parter;
use super::position::{List, one_more};
use super::{Sqlite, audit, commit, outbox, recent_changes, runs, scope};
use crate::{
    Act, BrakeKey, BrakeLimit, ChangedLink, Counts, Detached, FormerLink, FormerLinks, Lease,
    LinkChange, LinkCommit, NewEvent, NotedChange, Page, Parting, Result, Rounds, Watched,
};

#[async_trait]
impl FormerLinks for Sqlite {
    async fn commit_links(
        &self,
        organization: OrganizationId,
        commit: LinkCommit,
    ) -> Result<Vec<ChangedLink>> {
        self.write("end and restore links", move |tx| {
            let pair = scope::pair(tx, organization, commit.lease.pair_id)?;
            commit::check_lease(tx, pair.key, commit.lease)?;
            let parter = Parter {
                db: tx,
                pair: &pair,
                at: commit.at,
            };
            let mut changes = Vec::with_capacity(commit.steps.len());
            for step in &commit.steps {
                changes.extend(parter.take(*step)?);
            }
            if let Some(limit) = commit.limit {
                let watched = watched(limit, &changes);
                recent_changes::note(tx, &pair, &watched, &HashMap::new(), commit.at)?;
            }
            let mut counts = Counts::default();
            for change in &changes {
                counts += change.counts();
            }
            runs::add_counts(tx, pair.key, commit.run_id, &counts)?;
            for event in commit.events_of(commit.lease.pair_id, &changes) {
                audit::append(tx, pair.organization, &event)?;
            }
            Ok(changes)
        })
        .await
    }

    async fn former_links(
        &self,
        organization: OrganizationId,
        pair: PairId,
        ids: &[HubSpotId],
    ) -> Result<Vec<FormerLink>> {
        let ids = ids.to_vec();
        self.read_by(ids.len(), "read former links", move |tx| {
            let pair = scope::pair(tx, organization, pair)?.key;
            if !has_any(tx, pair)? {
                return Ok(Vec::new());
            }
            let mut find = tx.prepare_cached(
                "SELECT f.hubspot_id, r.id, f.parting, f.merged_into, f.doomed, f.at,
                     (r.deleted_at IS NULL OR f.fields IS NOT NULL) AND NOT EXISTS (
                         SELECT 1 FROM links l WHERE l.pair = f.pair AND l.record = f.record)
                 FROM former_links f JOIN records r ON r.key = f.record
                 WHERE f.pair = ?1 AND f.hubspot_id = ?2",
            )?;
            let mut found = Vec::new();
            for id in ids {
                let mut rows = find.query([pair, id.0])?;
                if let Some(row) = rows.next()? {
                    found.push(read(row)?);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn restorable_objects(
        &self,
        organization: OrganizationId,
        pair: PairId,
        since: Timestamp,
        after: Option<HubSpotId>,
        limit: usize,
    ) -> Result<Vec<HubSpotId>> {
        self.read("list the objects that could be restored", move |tx| {
            let pair = scope::pair(tx, organization, pair)?.key;
            let mut list = tx.prepare_cached(
                "SELECT hubspot_id FROM former_links
                 WHERE pair = ?1 AND hubspot_id > ?2 AND parting <> 'merged' AND doomed = 0
                     AND at >= ?4
                 ORDER BY hubspot_id LIMIT ?3",
            )?;
            ids(
                &mut list,
                params![pair, start(after), limit as i64, since.0],
            )
        })
        .await
    }

    async fn doomed_objects(
        &self,
        organization: OrganizationId,
        pair: PairId,
        limit: usize,
    ) -> Result<Vec<HubSpotId>> {
        self.look_up("list the objects to archive", move |tx| {
            let pair = scope::pair(tx, organization, pair)?.key;
            let mut list = tx.prepare_cached(
                "SELECT hubspot_id FROM former_links WHERE pair = ?1 AND doomed = 1
                 ORDER BY key LIMIT ?2",
            )?;
            ids(&mut list, params![pair, limit as i64])
        })
        .await
    }

    async fn note_missing(
        &self,
        organization: OrganizationId,
        lease: Lease,
        ids: &[HubSpotId],
        at: Timestamp,
    ) -> Result<()> {
        let ids = ids.to_vec();
        self.write("note that objects were not found", move |tx| {
            let pair = scope::pair(tx, organization, lease.pair_id)?.key;
            commit::check_lease(tx, pair, lease)?;
            let mut note = tx.prepare_cached(
                "INSERT INTO missing_objects (pair, hubspot_id, since) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO NOTHING",
            )?;
            for id in ids {
                note.execute([pair, id.0, at.0])?;
            }
            Ok(())
        })
        .await
    }

    async fn note_found(
        &self,
        organization: OrganizationId,
        lease: Lease,
        ids: &[HubSpotId],
    ) -> Result<()> {
        let ids = ids.to_vec();
        self.write("note that objects were found", move |tx| {
            let pair = scope::pair(tx, organization, lease.pair_id)?;
            commit::check_lease(tx, pair.key, lease)?;
            let parter = Parter {
                db: tx,
                pair: &pair,
                at: Timestamp::ZERO,
            };
            ids.into_iter().try_for_each(|id| parter.found(id))
        })
        .await
    }

    async fn missing_objects(
        &self,
        organization: OrganizationId,
        pair: PairId,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<HubSpotId>> {
        self.look_up("list the objects that were not found", move |tx| {
            let pair = scope::pair(tx, organization, pair)?.key;
            let mut list = tx.prepare_cached(
                "SELECT hubspot_id FROM missing_objects WHERE pair = ?1 AND since <= ?2
                 ORDER BY hubspot_id LIMIT ?3",
            )?;
            ids(&mut list, params![pair, until.0, limit as i64])
        })
        .await
    }

    async fn linked_objects(
        &self,
        organization: OrganizationId,
        pair: PairId,
        after: Option<HubSpotId>,
        limit: usize,
    ) -> Result<Vec<HubSpotId>> {
        self.read("list the linked objects", move |tx| {
            let pair = scope::pair(tx, organization, pair)?.key;
            let mut list = tx.prepare_cached(
                "SELECT l.hubspot_id FROM links l JOIN records r ON r.key = l.record
                 WHERE l.pair = ?1 AND l.hubspot_id > ?2 AND r.deleted_at IS NULL
                 ORDER BY l.hubspot_id LIMIT ?3",
            )?;
            ids(&mut list, params![pair, start(after), limit as i64])
        })
        .await
    }

    async fn rounds(&self, organization: OrganizationId, pair: PairId) -> Result<Rounds> {
        self.look_up("read a pair's rounds", move |tx| {
            let pair = scope::pair(tx, organization, pair)?.key;
            let mut find = tx.prepare_cached(
                "SELECT archive_read_at, recheck_at, recheck_after,
                     EXISTS (SELECT 1 FROM hinted_objects WHERE pair = ?1)
                 FROM pair_progress WHERE pair = ?1",
            )?;
            Ok(find.query_row([pair], |row| {
                Ok(Rounds {
                    archive_read_at: time_if_any(row, 0)?,
                    recheck_at: time_if_any(row, 1)?,
                    recheck_after: row.get::<_, Option<_>>(2)?.map(HubSpotId),
                    is_hinted: row.get(3)?,
                })
            })?)
        })
        .await
    }

    async fn set_rounds(
        &self,
        organization: OrganizationId,
        lease: Lease,
        rounds: Rounds,
    ) -> Result<()> {
        self.write("set a pair's rounds", move |tx| {
            let pair = scope::pair(tx, organization, lease.pair_id)?.key;
            commit::check_lease(tx, pair, lease)?;
            tx.prepare_cached(
                "UPDATE pair_progress SET archive_read_at = ?2, recheck_at = ?3,
                     recheck_after = ?4
                 WHERE pair = ?1",
            )?
            .execute(params![
                pair,
                rounds.archive_read_at.map(Timestamp::as_millis),
                rounds.recheck_at.map(Timestamp::as_millis),
                rounds.recheck_after.map(|id| id.0)
            ])?;
            Ok(())
        })
        .await
    }

    async fn detached_records(
        &self,
        organization: OrganizationId,
        pair: PairId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Detached>> {
        let after = after.map(ToOwned::to_owned);
        self.read("list the detached records", move |tx| {
            let pair = scope::pair(tx, organization, pair)?.key;
            let before = List::Detached.key(after.as_deref(), i64::MAX)?;
            let mut list = tx.prepare_cached(&format!(
                "SELECT f.key, r.id, f.hubspot_id, f.parting, f.merged_into, f.at {DETACHED}
                     AND f.key < ?2
                 ORDER BY f.key DESC LIMIT ?3"
            ))?;
            let rows = list.query_and_then([pair, before, one_more(limit)], |row| {
                let key: i64 = row.get(0)?;
                Ok::<_, Fault>((
                    key,
                    Detached {
                        record_id: RecordId(row.get(1)?),
                        hubspot_id: HubSpotId(row.get(2)?),
                        parting: Cell::new("former_links", "parting").word(row, 3, key)?,
                        merged_into: row.get::<_, Option<_>>(4)?.map(HubSpotId),
                        at: time(row, 5)?,
                    },
                ))
            })?;
            Ok(List::Detached.page(rows.collect::<Outcome<_>>()?, limit))
        })
        .await
    }

    async fn count_detached(
        &self,
        organization: OrganizationId,
        pair: PairId,
        parting: Option<Parting>,
    ) -> Result<u64> {
        self.read("count the detached records", move |tx| {
            let pair = scope::pair(tx, organization, pair)?.key;
            let parting = parting.as_ref().map(word).transpose()?;
            let mut count = tx.prepare_cached(&format!(
                "SELECT count(*) {DETACHED} AND (?2 IS NULL OR f.parting = ?2)"
            ))?;
            Ok(count.query_row(params![pair, parting], |row| row.get(0))?)
        })
        .await
    }

    async fn release_record(
        &self,
        organization: OrganizationId,
        pair: PairId,
        record: RecordId,
        act: Act,
    ) -> Result<bool> {
        self.write("release a detached record", move |tx| {
            release(tx, &scope::pair(tx, organization, pair)?, pair, record, act)
        })
        .await
    }

    async fn forget_deleted_values(&self, before: Timestamp, at_most: usize) -> Result<usize> {
        self.write("forget values of deleted records", move |tx| {
            let forgotten = tx
                .prepare_cached(
                    "UPDATE former_links SET fields = NULL WHERE key IN (
                         SELECT key FROM former_links
                         WHERE fields IS NOT NULL AND at < ?1 LIMIT ?2)",
                )?
                .execute(params![before.0, at_most as i64])?;
            let unheard = tx
                .prepare_cached(
                    "DELETE FROM unheard_creates WHERE (pair, record) IN (
                         SELECT pair, record FROM unheard_creates WHERE at < ?1 LIMIT ?2)",
                )?
                .execute(params![before.0, at_most as i64])?;
            Ok(forgotten + unheard)
        })
        .await
    }
}

/// Whether any link of the pair has ended, so that where none has nobody is looked up.
pub(super) fn has_any(db: &Database, pair: i64) -> Outcome<bool> {
    Ok(db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM former_links WHERE pair = ?1)")?
        .query_row([pair], |row| row.get(0))?)
}

/// Whether an object whose link ended is not to be linked as one that nobody knows. It may be once its record has found another
/// object, unless it was merged away or is to be archived.
pub(super) fn is_held(db: &Database, pair: i64, id: HubSpotId) -> Outcome<bool> {
    Ok(db
        .prepare_cached(
            "SELECT 1 FROM former_links f WHERE f.pair = ?1 AND f.hubspot_id = ?2
                 AND (f.parting = 'merged' OR f.doomed = 1 OR NOT EXISTS (
                     SELECT 1 FROM links l WHERE l.pair = ?1 AND l.record = f.record))",
        )?
        .exists([pair, id.0])?)
}

/// The newest former link of each record of pair `?1` that is there and has no other, as `f` with the record as `r`.
const DETACHED: &str = "FROM former_links f JOIN records r ON r.key = f.record
    WHERE f.pair = ?1 AND r.deleted_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM links l WHERE l.pair = f.pair AND l.record = f.record)
        AND NOT EXISTS (SELECT 1 FROM former_links later
            WHERE later.record = f.record AND later.pair = f.pair AND later.key > f.key)";

fn release(
    db: &Database,
    pair: &scope::PairScope,
    pair_id: PairId,
    id: RecordId,
    act: Act,
) -> Outcome<bool> {
    let record: i64 = db
        .prepare_cached(
            "SELECT key FROM records
             WHERE organization = ?1 AND id = ?2 AND object = ?3 AND deleted_at IS NULL",
        )?
        .query_row(params![pair.organization, id.0, pair.object], |row| {
            row.get(0)
        })
        .optional()?
        .ok_or_else(|| not_found("record", id))?;
    let given_up = {
        let mut give_up = db.prepare_cached(
            "DELETE FROM former_links WHERE record = ?2 AND pair = ?1
                 AND NOT EXISTS (SELECT 1 FROM links WHERE pair = ?1 AND record = ?2)
             RETURNING hubspot_id",
        )?;
        ids(&mut give_up, [pair.key, record])?
    };
    if given_up.is_empty() {
        return Ok(false);
    }
    if pair.direction.writes_hubspot() {
        outbox::enqueue(db, pair.key, record, act.at)?;
    }
    let event = NewEvent {
        id: act.event,
        at: act.at,
        actor: act.actor,
        event: EventType::RecordReleased,
        subject: format!("pair {pair_id}"),
        metadata: json!({"recordId": id, "hubspotIds": given_up}),
    };
    audit::append(db, pair.organization, &event)?;
    Ok(true)
}

/// The records that were deleted, to be counted.
fn watched(limit: BrakeLimit, changes: &[ChangedLink]) -> Watched {
    let deleted = changes
        .iter()
        .filter(|change| matches!(change.change, LinkChange::Deleted(_)));
    let changes = deleted.map(|change| NotedChange {
        key: BrakeKey {
            side: Side::PartnerOs,
            field: None,
        },
        record_id: change.record_id,
        hubspot_id: change.hubspot_id,
        from: None,
        to: None,
    });
    Watched {
        limit,
        changes: changes.collect(),
    }
}

fn start(after: Option<HubSpotId>) -> i64 {
    after.map_or(i64::MIN, |id| id.0)
}

fn ids(
    statement: &mut rusqlite::CachedStatement<'_>,
    params: impl rusqlite::Params,
) -> Outcome<Vec<HubSpotId>> {
    let rows = statement.query_map(params, |row| row.get(0).map(HubSpotId))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> Outcome<FormerLink> {
    let hubspot_id = HubSpotId(row.get(0)?);
    Ok(FormerLink {
        hubspot_id,
        record_id: RecordId(row.get(1)?),
        parting: Cell::new("former_links", "parting").word(row, 2, hubspot_id)?,
        merged_into: row.get::<_, Option<_>>(3)?.map(HubSpotId),
        doomed: row.get(4)?,
        at: time(row, 5)?,
        free: row.get(6)?,
    })
}

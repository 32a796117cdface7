//! What the sync engine reads and writes. The commit itself is in `commit`, the outbox's rules are in `outbox`.

use async_trait::async_trait;
use partneros_domain::{
    Base, Digest, FieldName, HubSpotId, OrganizationId, PairId, RecordId, Timestamp,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection as Database, OptionalExtension as _, Row, params};

use super::encoding::{Cell, time};
use super::fault::{Fault, Outcome};
use super::pool::Durability;
use super::records::{RECORD_COLUMNS, read_record};
use super::scope::PairScope;
use super::{Sqlite, commit, ground, held, history, outbox, scope};
use crate::{
    Commit, Committed, ConflictEntry, Cursor, DeletedRecord, Effect, Error, FailureEntry, Ground,
    HeldQuery, HeldValue, Lease, Link, LinkedRecord, NewFailure, OutboxEntry, Page, Record,
    RecordEffect, Result, SyncState, Unlinked,
};

#[async_trait]
impl SyncState for Sqlite {
    async fn acquire_lease(
        &self,
        organization: OrganizationId,
        pair: PairId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Lease>> {
        self.write_repeatable("take the lease on an object pair", move |tx| {
            let key = scope::pair(tx, organization, pair)?.key;
            let epoch = tx
                .prepare_cached(
                    "UPDATE pair_progress SET lease_epoch = lease_epoch + 1, lease_until = ?3
                     WHERE pair = ?1 AND (lease_until IS NULL OR lease_until <= ?2)
                     RETURNING lease_epoch",
                )?
                .query_row([key, now.0, until.0], |row| row.get(0))
                .optional()?;
            if epoch.is_some() {
                outbox::sweep(tx, key)?;
            }
            Ok(epoch.map(|epoch| Lease {
                pair_id: pair,
                epoch,
            }))
        })
        .await
    }

    async fn renew_lease(
        &self,
        organization: OrganizationId,
        lease: Lease,
        until: Timestamp,
    ) -> Result<()> {
        self.write_repeatable("renew the lease on an object pair", move |tx| {
            let key = scope::pair(tx, organization, lease.pair_id)?.key;
            if !set_lease(tx, key, lease, Some(until))? {
                return Err(Error::LeaseLost(lease.pair_id).into());
            }
            Ok(())
        })
        .await
    }

    async fn ground(
        &self,
        organization: OrganizationId,
        pair: PairId,
        versions: &[Digest],
    ) -> Result<Ground> {
        let versions = versions.to_vec();
        self.look_up("read what a pass goes by", move |tx| {
            ground::read(tx, organization, pair, &versions)
        })
        .await
    }

    async fn release_lease(&self, organization: OrganizationId, lease: Lease) -> Result<()> {
        self.write_repeatable("release the lease on an object pair", move |tx| {
            let key = scope::pair(tx, organization, lease.pair_id)?.key;
            set_lease(tx, key, lease, None).map(|_| ())
        })
        .await
    }

    async fn end_leases(&self) -> Result<usize> {
        self.write("end all leases", move |tx| {
            tx.prepare_cached("UPDATE journals SET lease_until = NULL")?
                .execute([])?;
            Ok(tx
                .prepare_cached(
                    "UPDATE pair_progress SET lease_until = NULL WHERE lease_until IS NOT NULL",
                )?
                .execute([])?)
        })
        .await
    }

    async fn cursor(&self, organization: OrganizationId, pair: PairId) -> Result<Option<Cursor>> {
        self.look_up("read a pull cursor", move |tx| {
            let key = scope::pair(tx, organization, pair)?.key;
            let mut find = tx.prepare_cached(
                "SELECT cursor_modified_at, cursor_drained_to, cursor_mappings FROM pair_progress
                 WHERE pair = ?1 AND cursor_modified_at IS NOT NULL
                     AND cursor_mappings = coalesce(
                         (SELECT version FROM mappings WHERE pair = ?1), 0)",
            )?;
            let cursor = find.query_row([key], |row| {
                Ok(Cursor {
                    modified_at: time(row, 0)?,
                    drained_to: row.get::<_, Option<_>>(1)?.map(HubSpotId),
                    mapping_version: row.get(2)?,
                })
            });
            Ok(cursor.optional()?)
        })
        .await
    }

    async fn set_cursor(
        &self,
        organization: OrganizationId,
        pair: PairId,
        cursor: Option<Cursor>,
    ) -> Result<()> {
        self.write("set a pull cursor", move |tx| {
            let key = scope::pair(tx, organization, pair)?.key;
            commit::set_cursor(tx, key, cursor)
        })
        .await
    }

    async fn links_by_hubspot_id(
        &self,
        organization: OrganizationId,
        pair: PairId,
        ids: &[HubSpotId],
    ) -> Result<Vec<LinkedRecord>> {
        let ids = ids.to_vec();
        self.read_by(ids.len(), "read links", move |tx| {
            let pair = scope::pair(tx, organization, pair)?;
            links(tx, &pair, &ids)
        })
        .await
    }

    async fn unlinked_records(
        &self,
        organization: OrganizationId,
        pair: PairId,
        ids: &[RecordId],
    ) -> Result<Vec<Record>> {
        let ids = ids.to_vec();
        self.read("read records without a link", move |tx| {
            let pair = scope::pair(tx, organization, pair)?;
            unlinked(tx, &pair, &ids)
        })
        .await
    }

    async fn unlinked_keys(
        &self,
        organization: OrganizationId,
        pair: PairId,
        field: &FieldName,
    ) -> Result<Vec<Unlinked>> {
        let field = field.clone();
        self.read("list records without a link", move |tx| {
            let pair = scope::pair(tx, organization, pair)?;
            unlinked_keys(tx, &pair, &field)
        })
        .await
    }

    async fn held_values(
        &self,
        organization: OrganizationId,
        pair: PairId,
        query: HeldQuery,
    ) -> Result<Vec<HeldValue>> {
        self.read("look for values of linked records", move |tx| {
            held::values(tx, scope::pair(tx, organization, pair)?.key, &query)
        })
        .await
    }

    async fn count_links(&self, organization: OrganizationId, pair: PairId) -> Result<u64> {
        self.read("count links", move |tx| {
            let key = scope::pair(tx, organization, pair)?.key;
            Ok(tx
                .prepare_cached("SELECT count(*) FROM links WHERE pair = ?1")?
                .query_row([key], |row| row.get(0))?)
        })
        .await
    }

    async fn count_edits(&self, organization: OrganizationId, pair: PairId) -> Result<u64> {
        self.read("count the edits", move |tx| {
            let pair = scope::pair(tx, organization, pair)?;
            Ok(tx
                .prepare_cached("SELECT edits FROM objects WHERE key = ?1")?
                .query_row([pair.object], |row| row.get(0))?)
        })
        .await
    }

    async fn deleted_records(
        &self,
        organization: OrganizationId,
        pair: PairId,
        ids: &[RecordId],
    ) -> Result<Vec<DeletedRecord>> {
        let ids = ids.to_vec();
        self.read("look deleted records up", move |tx| {
            deleted(tx, &scope::pair(tx, organization, pair)?, &ids)
        })
        .await
    }

    async fn sent_creates(
        &self,
        organization: OrganizationId,
        pair: PairId,
        ids: &[RecordId],
    ) -> Result<Vec<(RecordId, Base)>> {
        let ids = ids.to_vec();
        self.read("look up what was sent", move |tx| {
            outbox::sent(tx, &scope::pair(tx, organization, pair)?, &ids)
        })
        .await
    }

    async fn rejected_objects(
        &self,
        organization: OrganizationId,
        pair: PairId,
        code: &str,
    ) -> Result<Vec<HubSpotId>> {
        let code = code.to_owned();
        self.read("list the rejected HubSpot objects", move |tx| {
            let key = scope::pair(tx, organization, pair)?.key;
            history::rejected(tx, key, &code)
        })
        .await
    }

    async fn rejected_among(
        &self,
        organization: OrganizationId,
        pair: PairId,
        objects: &[HubSpotId],
    ) -> Result<Vec<HubSpotId>> {
        let objects = objects.to_vec();
        self.look_up("look for rejected HubSpot objects", move |tx| {
            let key = scope::pair(tx, organization, pair)?.key;
            history::rejected_among(tx, key, objects)
        })
        .await
    }

    async fn forget_rejected(
        &self,
        organization: OrganizationId,
        lease: Lease,
        objects: &[HubSpotId],
    ) -> Result<()> {
        let objects = objects.to_vec();
        self.write_repeatable("forget rejected HubSpot objects", move |tx| {
            let pair = scope::pair(tx, organization, lease.pair_id)?.key;
            commit::check_lease(tx, pair, lease)?;
            history::forget_rejected(tx, pair, &objects)
        })
        .await
    }

    async fn parked(&self, organization: OrganizationId, pair: PairId) -> Result<Vec<NewFailure>> {
        self.look_up("list the parked fields", move |tx| {
            history::parked(tx, scope::pair(tx, organization, pair)?.key)
        })
        .await
    }

    async fn tugs(
        &self,
        organization: OrganizationId,
        pair: PairId,
    ) -> Result<Vec<(NewFailure, u64)>> {
        self.read("list the paused fields", move |tx| {
            history::tugs(tx, scope::pair(tx, organization, pair)?.key)
        })
        .await
    }

    async fn count_outbox(&self, organization: OrganizationId, pair: PairId) -> Result<u64> {
        self.read("count the outbox", move |tx| {
            outbox::count(tx, scope::pair(tx, organization, pair)?.key)
        })
        .await
    }

    async fn outbox(
        &self,
        organization: OrganizationId,
        pair: PairId,
        now: Timestamp,
        after: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>> {
        self.read("read the outbox", move |tx| {
            let pair = scope::pair(tx, organization, pair)?;
            outbox::batch(tx, &pair, now, after, limit)
        })
        .await
    }

    async fn requeue(
        &self,
        organization: OrganizationId,
        pair: PairId,
        pauses_end: bool,
        now: Timestamp,
    ) -> Result<u64> {
        self.write("put records back into the outbox", move |tx| {
            let pair = scope::pair(tx, organization, pair)?;
            outbox::requeue(tx, &pair, pauses_end, now)
        })
        .await
    }

    async fn commit(&self, organization: OrganizationId, commit: Commit) -> Result<Committed> {
        // A page that is lost is pulled again; what was sent to HubSpot, or is about to be, must not be forgotten.
        let pushed = |effect: &Effect| matches!(effect.record, RecordEffect::Pushed { .. });
        let durability = if commit.effects.iter().any(pushed) {
            Durability::Disk
        } else {
            Durability::Process
        };
        self.run("commit a batch of a sync", move |pool| {
            let encoded = commit::encode(commit)?;
            pool.transact(durability, |tx| commit::write(tx, organization, &encoded))
        })
        .await
    }

    async fn conflicts(
        &self,
        organization: OrganizationId,
        pair: PairId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ConflictEntry>> {
        let after = after.map(ToOwned::to_owned);
        self.read("list the conflicts", move |tx| {
            let key = scope::pair(tx, organization, pair)?.key;
            history::conflicts(tx, key, after.as_deref(), limit)
        })
        .await
    }

    async fn failures(
        &self,
        organization: OrganizationId,
        pair: PairId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<FailureEntry>> {
        let after = after.map(ToOwned::to_owned);
        self.read("list the failures", move |tx| {
            let key = scope::pair(tx, organization, pair)?.key;
            history::failures(tx, key, after.as_deref(), limit)
        })
        .await
    }

    async fn link_of_record(
        &self,
        organization: OrganizationId,
        pair: PairId,
        record: RecordId,
    ) -> Result<Option<Link>> {
        self.look_up("read a record's link", move |tx| {
            let pair = scope::pair(tx, organization, pair)?;
            let mut find = tx.prepare_cached(
                "SELECT l.hubspot_id, l.base, l.hubspot_updated_at
                 FROM records r JOIN links l ON l.pair = ?1 AND l.record = r.key
                 WHERE r.organization = ?2 AND r.id = ?3",
            )?;
            let mut rows = find.query(params![pair.key, pair.organization, record.0])?;
            match rows.next()? {
                Some(row) => read_link(row, 0, record),
                None => Ok(None),
            }
        })
        .await
    }
}

/// Sets how long the lease is held, if it is still this one; returns whether it is.
fn set_lease(db: &Database, pair: i64, lease: Lease, until: Option<Timestamp>) -> Outcome<bool> {
    let updated = db
        .prepare_cached(
            "UPDATE pair_progress SET lease_until = ?3
             WHERE pair = ?1 AND lease_epoch = ?2 AND lease_until IS NOT NULL",
        )?
        .execute(params![pair, lease.epoch, until.map(Timestamp::as_millis)])?;
    Ok(updated == 1)
}

fn links(db: &Database, pair: &PairScope, ids: &[HubSpotId]) -> Outcome<Vec<LinkedRecord>> {
    let mut find = db.prepare_cached(&format!(
        "SELECT {RECORD_COLUMNS}, r.deleted_at IS NULL, l.hubspot_id, l.base, l.hubspot_updated_at, r.key
         FROM links l JOIN records r ON r.key = l.record
         WHERE l.pair = ?1 AND l.hubspot_id = ?2"
    ))?;
    let failing = history::has_failures(db, pair.key)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let mut rows = find.query([pair.key, id.0])?;
        let Some(row) = rows.next()? else {
            continue;
        };
        let record_id = RecordId(row.get(0)?);
        let Some(link) = read_link(row, 7, record_id)? else {
            continue;
        };
        let alive: bool = row.get(6)?;
        let standing = if failing {
            history::standing(db, pair.key, row.get(10)?)?
        } else {
            history::Standing::default()
        };
        found.push(LinkedRecord {
            record_id,
            link,
            record: alive
                .then(|| read_record(row, &pair.object_name))
                .transpose()?,
            pull_failed: standing.pull_failed,
            push_failed: standing.push_failed,
            object_was_missing: standing.object_was_missing,
        });
    }
    Ok(found)
}

fn deleted(db: &Database, pair: &PairScope, ids: &[RecordId]) -> Outcome<Vec<DeletedRecord>> {
    let mut find = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM unheard_creates u WHERE u.record = r.key AND u.pair = ?4)
         FROM records r
         WHERE r.organization = ?1 AND r.id = ?2 AND r.object = ?3 AND r.deleted_at IS NOT NULL",
    )?;
    let mut found = Vec::new();
    for id in ids {
        let row = params![pair.organization, id.0, pair.object, pair.key];
        if let Some(unheard) = find.query_row(row, |row| row.get(0)).optional()? {
            found.push(DeletedRecord { id: *id, unheard });
        }
    }
    Ok(found)
}

fn unlinked(db: &Database, pair: &PairScope, ids: &[RecordId]) -> Outcome<Vec<Record>> {
    let mut find = db.prepare_cached(&format!(
        "SELECT {RECORD_COLUMNS} FROM records r
         WHERE r.organization = ?1 AND r.id = ?2 AND r.object = ?3 AND r.deleted_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM links l WHERE l.pair = ?4 AND l.record = r.key)"
    ))?;
    let mut found = Vec::new();
    for id in ids {
        let mut rows = find.query(params![pair.organization, id.0, pair.object, pair.key])?;
        if let Some(row) = rows.next()? {
            found.push(read_record(row, &pair.object_name)?);
        }
    }
    Ok(found)
}

fn unlinked_keys(db: &Database, pair: &PairScope, field: &FieldName) -> Outcome<Vec<Unlinked>> {
    let mut list = db.prepare_cached(
        "SELECT r.id, f.type, f.value FROM records r LEFT JOIN json_each(r.fields) f ON f.key = ?3
         WHERE r.object = ?1 AND r.deleted_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM links l WHERE l.pair = ?2 AND l.record = r.key)
         ORDER BY r.key",
    )?;
    let rows = list.query_and_then(params![pair.object, pair.key, field.as_str()], |row| {
        Ok::<_, Fault>(Unlinked {
            record_id: RecordId(row.get(0)?),
            key: read_text(row, 1)?,
        })
    })?;
    rows.collect()
}

/// Reads `type, value` of a JSON value from column `at` on, as text.
fn read_text(row: &Row<'_>, at: usize) -> Outcome<Option<String>> {
    let kind = row
        .get_ref(at)?
        .as_str_or_null()
        .map_err(rusqlite::Error::from)?;
    Ok(match (kind, row.get_ref(at + 1)?) {
        (Some("true" | "false"), _) => kind.map(ToOwned::to_owned),
        (_, ValueRef::Integer(number)) => Some(number.to_string()),
        (_, ValueRef::Real(number)) => Some(number.to_string()),
        (_, value) => value
            .as_str_or_null()
            .map_err(rusqlite::Error::from)?
            .map(ToOwned::to_owned),
    })
}

/// Reads `hubspot_id, base, hubspot_updated_at` from column `at` on; none where a record has no link.
pub(super) fn read_link(row: &Row<'_>, at: usize, record: RecordId) -> Outcome<Option<Link>> {
    let Some(hubspot_id) = row.get::<_, Option<i64>>(at)? else {
        return Ok(None);
    };
    Ok(Some(Link {
        hubspot_id: HubSpotId(hubspot_id),
        base: Cell::new("links", "base").json(row, at + 1, record)?,
        hubspot_updated_at: time(row, at + 2)?,
    }))
}

//! How far HubSpot's change journal was read, and the objects that it says something of.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use async_trait::async_trait;
use partneros_domain::{HubSpotId, OrganizationId, PairId, Timestamp};
use rusqlite::{Connection as Database, OptionalExtension as _, params};

use super::encoding::time_if_any;
use super::fault::Outcome;
use super::{Sqlite, commit, scope};
use crate::{
    ASSOCIATED_OBJECTS_MAX, HINTED_OBJECTS_MAX, HintedObject, JournalHint, JournalLease,
    JournalState, JournalStep, JournaledObject, Journals, Lease, Result, Sign,
};

/// A [`Sign`] in the database.
const CHANGED: i64 = 0;
const GONE: i64 = 1;
pub(super) const ASSOCIATED: i64 = 2;

/// Pairs `p` of connections `c` that the journal of the host's app is about.
const JOURNALED: &str = "object_pairs p JOIN connections c ON c.key = p.connection
     WHERE p.state IN ('active', 'braked') AND c.access = 'oauth'
         AND c.status IN ('active', 'error')";

#[async_trait]
impl Journals for Sqlite {
    async fn lease_journal(
        &self,
        app: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<JournalState>> {
        let app = app.to_owned();
        self.write_repeatable("take the lease on a journal", move |tx| {
            tx.prepare_cached("INSERT INTO journals (app) VALUES (?1) ON CONFLICT DO NOTHING")?
                .execute([&app])?;
            let mut take = tx.prepare_cached(
                "UPDATE journals SET lease_epoch = lease_epoch + 1, lease_until = ?3
                 WHERE app = ?1 AND (lease_until IS NULL OR lease_until <= ?2)
                 RETURNING lease_epoch, position, complete_at, gap_at",
            )?;
            let taken = take.query_row(params![app, now.0, until.0], |row| {
                Ok(JournalState {
                    lease: JournalLease {
                        app: app.clone(),
                        epoch: row.get(0)?,
                    },
                    position: row.get(1)?,
                    complete_at: time_if_any(row, 2)?,
                    gap_at: time_if_any(row, 3)?,
                })
            });
            Ok(taken.optional()?)
        })
        .await
    }

    async fn take_journal_step(&self, step: JournalStep) -> Result<bool> {
        // A step that is lost with the machine is taken again: the position is lost with it.
        self.write_repeatable("take a step through a journal", move |tx| take(tx, &step))
            .await
    }

    async fn release_journal(
        &self,
        lease: JournalLease,
        complete_at: Option<Timestamp>,
    ) -> Result<()> {
        self.write_repeatable("release the lease on a journal", move |tx| {
            let complete_at = complete_at.map(Timestamp::as_millis);
            tx.prepare_cached(
                "UPDATE journals SET lease_until = NULL, complete_at = coalesce(?3, complete_at)
                 WHERE app = ?1 AND lease_epoch = ?2 AND lease_until IS NOT NULL",
            )?
            .execute(params![lease.app, lease.epoch, complete_at])?;
            Ok(())
        })
        .await
    }

    async fn journaled_objects(&self) -> Result<Vec<JournaledObject>> {
        self.read("list what is in the journal", |tx| {
            let mut list = tx.prepare_cached(&format!(
                "SELECT DISTINCT o.id, c.portal_id, p.hubspot_object
                 FROM organizations o, {JOURNALED} AND o.key = p.organization
                 ORDER BY c.portal_id, p.hubspot_object"
            ))?;
            let rows = list.query_map([], |row| {
                Ok(JournaledObject {
                    organization: OrganizationId(row.get(0)?),
                    portal_id: row.get(1)?,
                    hubspot_object: row.get(2)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn hinted_objects(
        &self,
        organization: OrganizationId,
        pair: PairId,
        limit: usize,
    ) -> Result<Vec<HintedObject>> {
        self.look_up("list the hinted objects", move |tx| {
            let pair = scope::pair(tx, organization, pair)?.key;
            let mut list = tx.prepare_cached(
                "SELECT hubspot_id, sign, hints FROM hinted_objects WHERE pair = ?1
                 ORDER BY sign = ?3, hubspot_id LIMIT ?2",
            )?;
            let rows = list.query_map(params![pair, limit as i64, ASSOCIATED], |row| {
                Ok(HintedObject {
                    hubspot_id: HubSpotId(row.get(0)?),
                    sign: match row.get(1)? {
                        GONE => Sign::Gone,
                        ASSOCIATED => Sign::Associated,
                        _ => Sign::Changed,
                    },
                    hints: row.get(2)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn forget_hints(
        &self,
        organization: OrganizationId,
        lease: Lease,
        looked_up: &[HintedObject],
    ) -> Result<()> {
        let looked_up = looked_up.to_vec();
        self.write_repeatable("forget hints", move |tx| {
            let pair = scope::pair(tx, organization, lease.pair_id)?.key;
            commit::check_lease(tx, pair, lease)?;
            let mut forget = tx.prepare_cached(
                "DELETE FROM hinted_objects WHERE pair = ?1 AND hubspot_id = ?2 AND hints = ?3",
            )?;
            for hinted in looked_up {
                forget.execute([pair, hinted.hubspot_id.0, hinted.hints])?;
            }
            Ok(())
        })
        .await
    }
}

fn take(db: &Database, step: &JournalStep) -> Outcome<bool> {
    let gap_at = step.is_gap.then_some(step.at.0);
    let moved = db
        .prepare_cached(
            "UPDATE journals SET position = ?3, lease_until = ?4, gap_at = coalesce(?5, gap_at)
             WHERE app = ?1 AND lease_epoch = ?2 AND lease_until IS NOT NULL",
        )?
        .execute(params![
            step.lease.app,
            step.lease.epoch,
            step.position,
            step.until.0,
            gap_at
        ])?;
    if moved == 0 {
        return Ok(false);
    }
    let mut hinted = Hinted {
        db,
        at: step.at,
        pairs: HashMap::new(),
    };
    for hint in &step.hints {
        hinted.note(hint)?;
    }
    if step.is_gap {
        let mut list = db.prepare_cached(&format!("SELECT p.key FROM {JOURNALED}"))?;
        let pairs = list.query_map([], |row| row.get(0))?;
        for pair in pairs.collect::<rusqlite::Result<Vec<i64>>>()? {
            hinted.make_due(pair, true)?;
        }
    }
    Ok(true)
}

/// Hints on their way to the pairs that they are for.
struct Hinted<'a> {
    db: &'a Database,
    at: Timestamp,
    /// The pairs of each portal and object.
    pairs: HashMap<(i64, String), Vec<HintedPair>>,
}

/// A pair that hints are for.
#[derive(Debug, Clone, Copy)]
struct HintedPair {
    key: i64,
    /// How many objects are hinted.
    objects: usize,
    is_due: bool,
    is_full: bool,
}

impl Hinted<'_> {
    fn note(&mut self, hint: &JournalHint) -> Outcome<()> {
        let place = (hint.portal_id, hint.hubspot_object.clone());
        let mut pairs = match self.pairs.entry(place) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(_) => self.find(hint)?,
        };
        for pair in &mut pairs {
            self.note_for(pair, hint)?;
        }
        let place = (hint.portal_id, hint.hubspot_object.clone());
        self.pairs.insert(place, pairs);
        Ok(())
    }

    fn note_for(&self, pair: &mut HintedPair, hint: &JournalHint) -> Outcome<()> {
        if pair.is_full || (hint.if_known && !self.knows(pair.key, hint.hubspot_id)?) {
            return Ok(());
        }
        let sign = match hint.sign {
            Sign::Changed => CHANGED,
            Sign::Gone => GONE,
            Sign::Associated => ASSOCIATED,
        };
        let is_associated = sign == ASSOCIATED;
        let was_hinted = self
            .db
            .prepare_cached(
                "UPDATE hinted_objects SET hints = hints + 1,
                     sign = CASE WHEN ?3 = ?4 THEN sign ELSE ?3 END
                 WHERE pair = ?1 AND hubspot_id = ?2",
            )?
            .execute(params![pair.key, hint.hubspot_id.0, sign, ASSOCIATED])?
            == 1;
        if !was_hinted {
            if is_associated && pair.objects >= ASSOCIATED_OBJECTS_MAX {
                return Ok(());
            }
            if pair.objects >= HINTED_OBJECTS_MAX {
                pair.is_full = true;
                return self.make_due(pair.key, true);
            }
            self.db
                .prepare_cached(
                    "INSERT INTO hinted_objects (pair, hubspot_id, sign, hints)
                     VALUES (?1, ?2, ?3, 1)",
                )?
                .execute(params![pair.key, hint.hubspot_id.0, sign])?;
            pair.objects += 1;
        }
        if !pair.is_due && !is_associated {
            pair.is_due = true;
            self.make_due(pair.key, false)?;
        }
        Ok(())
    }

    fn find(&self, hint: &JournalHint) -> Outcome<Vec<HintedPair>> {
        let mut list = self.db.prepare_cached(&format!(
            "SELECT p.key FROM {JOURNALED} AND c.portal_id = ?1 AND p.hubspot_object = ?2"
        ))?;
        let keys = list.query_map(params![hint.portal_id, hint.hubspot_object], |row| {
            row.get(0)
        })?;
        let mut pairs = Vec::new();
        for key in keys {
            let key = key?;
            pairs.push(HintedPair {
                key,
                objects: self.count(key)?,
                is_due: false,
                is_full: false,
            });
        }
        Ok(pairs)
    }

    fn count(&self, pair: i64) -> Outcome<usize> {
        let count: i64 = self
            .db
            .prepare_cached("SELECT count(*) FROM hinted_objects WHERE pair = ?1")?
            .query_row([pair], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    fn knows(&self, pair: i64, id: HubSpotId) -> Outcome<bool> {
        Ok(self
            .db
            .prepare_cached(
                "SELECT 1 FROM links WHERE pair = ?1 AND hubspot_id = ?2
                 UNION ALL SELECT 1 FROM former_links WHERE pair = ?1 AND hubspot_id = ?2",
            )?
            .exists([pair, id.0])?)
    }

    fn make_due(&self, pair: i64, with_audit: bool) -> Outcome<()> {
        self.db
            .prepare_cached(
                "UPDATE pair_progress SET next_run_at = min(coalesce(next_run_at, ?2), ?2),
                     audit_due_at = CASE WHEN ?3 THEN min(coalesce(audit_due_at, ?2), ?2)
                                         ELSE audit_due_at END
                 WHERE pair = ?1",
            )?
            .execute(params![pair, self.at.0, with_audit])?;
        Ok(())
    }
}

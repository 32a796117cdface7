//! How links end and come back: the steps of a [`LinkCommit`], each on what it finds.

use partneros_domain::{HubSpotId, RecordId, Timestamp};
use rusqlite::{Connection as Database, OptionalExtension as _, params};

use super::encoding::{Cell, word};
use super::fault::Outcome;
use super::scope::PairScope;
use super::{changes, deletion, history, outbox};
use crate::{ChangedLink, FailureStage, LinkChange, LinkStep, Parting};

/// Takes steps in a pair.
pub(super) struct Parter<'a> {
    pub(super) db: &'a Database,
    pub(super) pair: &'a PairScope,
    pub(super) at: Timestamp,
}

/// A link that goes on, or the row of one that ended.
struct Found {
    record: i64,
    record_id: RecordId,
    alive: bool,
    base: String,
    hubspot_updated_at: i64,
}

/// A link that ended.
struct FoundFormer {
    tie: Found,
    parting: Parting,
    fields: Option<String>,
    doomed: bool,
    has_link: bool,
}

/// What a link leaves behind.
struct Remembered<'a> {
    hubspot_id: HubSpotId,
    tie: &'a Found,
    parting: Parting,
    merged_into: Option<HubSpotId>,
    fields: Option<&'a str>,
}

impl Parter<'_> {
    /// Takes a step; none when its premise does not hold.
    pub(super) fn take(&self, step: LinkStep) -> Outcome<Option<ChangedLink>> {
        match step {
            LinkStep::End {
                hubspot_id,
                parting,
                merged_into,
            } => self.end(hubspot_id, parting, merged_into),
            LinkStep::EndWithRecord {
                hubspot_id,
                parting,
            } => self.end_with_record(hubspot_id, parting),
            LinkStep::Move { from, to } => self.move_link(from, to),
            LinkStep::Restore { hubspot_id } => self.restore(hubspot_id),
            LinkStep::Archived { hubspot_id } => self.archived(hubspot_id),
            LinkStep::Revive { hubspot_id } => self.revive(hubspot_id),
            LinkStep::Spare { hubspot_id } => self.spare(hubspot_id),
            LinkStep::Doom {
                record_id,
                hubspot_id,
            } => self.doom(record_id, hubspot_id),
        }
    }

    fn end(
        &self,
        hubspot_id: HubSpotId,
        parting: Parting,
        merged_into: Option<HubSpotId>,
    ) -> Outcome<Option<ChangedLink>> {
        let Some(tie) = self.link(hubspot_id)? else {
            return self.end_doomed(hubspot_id, merged_into);
        };
        if !tie.alive && merged_into.is_none() {
            return Ok(None);
        }
        self.cut(&Remembered {
            hubspot_id,
            tie: &tie,
            parting,
            merged_into,
            fields: None,
        })?;
        Ok(Some(ChangedLink {
            record_id: tie.record_id,
            hubspot_id,
            change: match merged_into {
                _ if !tie.alive => LinkChange::Quiet,
                Some(into) => LinkChange::Left(into),
                None => LinkChange::Unlinked(parting),
            },
        }))
    }

    /// An object that was about to be archived was merged instead: what is left of it is another's.
    fn end_doomed(
        &self,
        hubspot_id: HubSpotId,
        merged_into: Option<HubSpotId>,
    ) -> Outcome<Option<ChangedLink>> {
        let former = self.former(hubspot_id)?.filter(|former| former.doomed);
        let (Some(former), Some(into)) = (former, merged_into) else {
            return Ok(None);
        };
        self.db
            .prepare_cached(
                "UPDATE former_links SET parting = 'merged', merged_into = ?3, doomed = 0, fields = NULL
                 WHERE pair = ?1 AND hubspot_id = ?2",
            )?
            .execute([self.pair.key, hubspot_id.0, into.0])?;
        Ok(Some(former.changed(hubspot_id, LinkChange::Quiet)))
    }

    fn end_with_record(
        &self,
        hubspot_id: HubSpotId,
        parting: Parting,
    ) -> Outcome<Option<ChangedLink>> {
        let Some(tie) = self.link(hubspot_id)?.filter(|tie| tie.alive) else {
            return Ok(None);
        };
        if self.has_edits(tie.record)? {
            return self.end(hubspot_id, parting, None);
        }
        let fields: String = self
            .db
            .prepare_cached("SELECT fields FROM records WHERE key = ?1")?
            .query_row([tie.record], |row| row.get(0))?;
        self.cut(&Remembered {
            hubspot_id,
            tie: &tie,
            parting,
            merged_into: None,
            fields: Some(&fields),
        })?;
        deletion::delete(
            self.db,
            self.pair.organization,
            self.pair.object,
            tie.record,
            self.at,
        )?;
        Ok(Some(ChangedLink {
            record_id: tie.record_id,
            hubspot_id,
            change: LinkChange::Deleted(parting),
        }))
    }

    fn move_link(&self, from: HubSpotId, to: HubSpotId) -> Outcome<Option<ChangedLink>> {
        if self.link(to)?.is_some() {
            return Ok(None);
        }
        if let Some(tie) = self.link(from)? {
            self.cut(&Remembered {
                hubspot_id: from,
                tie: &tie,
                parting: Parting::Merged,
                merged_into: Some(to),
                fields: None,
            })?;
            self.tie(&tie, to)?;
            self.spare_for_another(to)?;
            let change = if tie.alive {
                LinkChange::Moved(to)
            } else {
                LinkChange::Quiet
            };
            return Ok(Some(ChangedLink {
                record_id: tie.record_id,
                hubspot_id: from,
                change,
            }));
        }
        let former = self.former(from)?.filter(|former| {
            former.parting != Parting::Merged && !former.doomed && former.is_free()
        });
        let Some(former) = former else {
            return Ok(None);
        };
        self.bring_back(&former)?;
        self.tie(&former.tie, to)?;
        self.spare_for_another(to)?;
        self.db
            .prepare_cached(
                "UPDATE former_links SET parting = 'merged', merged_into = ?3, fields = NULL
                 WHERE pair = ?1 AND hubspot_id = ?2",
            )?
            .execute([self.pair.key, from.0, to.0])?;
        Ok(Some(former.changed(from, LinkChange::Moved(to))))
    }

    /// An object that was about to be archived with its record is another record's now, whose object was merged into it.
    fn spare_for_another(&self, hubspot_id: HubSpotId) -> Outcome<()> {
        self.db
            .prepare_cached(
                "DELETE FROM former_links WHERE pair = ?1 AND hubspot_id = ?2 AND doomed = 1",
            )?
            .execute([self.pair.key, hubspot_id.0])?;
        Ok(())
    }

    fn restore(&self, hubspot_id: HubSpotId) -> Outcome<Option<ChangedLink>> {
        let former = self.former(hubspot_id)?.filter(|former| {
            former.parting != Parting::Merged && !former.doomed && !former.has_link
        });
        let Some(former) = former else {
            return Ok(None);
        };
        if self.link(hubspot_id)?.is_some() {
            return Ok(None);
        }
        self.bring_back(&former)?;
        self.tie(&former.tie, hubspot_id)?;
        self.forget(hubspot_id)?;
        let change = if former.is_free() {
            LinkChange::Restored
        } else {
            // The record was deleted for reasons of its own; its tombstone keeps the object from becoming a new one.
            LinkChange::Quiet
        };
        Ok(Some(former.changed(hubspot_id, change)))
    }

    fn archived(&self, hubspot_id: HubSpotId) -> Outcome<Option<ChangedLink>> {
        let Some(former) = self.former(hubspot_id)?.filter(|former| former.doomed) else {
            return Ok(None);
        };
        self.db
            .prepare_cached(
                "UPDATE former_links SET doomed = 0, at = ?3 WHERE pair = ?1 AND hubspot_id = ?2",
            )?
            .execute([self.pair.key, hubspot_id.0, self.at.0])?;
        Ok(Some(former.changed(hubspot_id, LinkChange::Archived)))
    }

    fn revive(&self, hubspot_id: HubSpotId) -> Outcome<Option<ChangedLink>> {
        let former = self.former(hubspot_id)?;
        let former = former.filter(|former| former.doomed && former.is_free());
        let Some(former) = former else {
            return self.spare(hubspot_id);
        };
        self.forget(hubspot_id)?;
        self.bring_back(&former)?;
        self.tie(&former.tie, hubspot_id)?;
        Ok(Some(former.changed(hubspot_id, LinkChange::Restored)))
    }

    fn spare(&self, hubspot_id: HubSpotId) -> Outcome<Option<ChangedLink>> {
        let former = self.former(hubspot_id)?;
        let former = former.filter(|former| former.doomed && !former.has_link);
        let Some(former) = former else {
            return Ok(None);
        };
        self.tie(&former.tie, hubspot_id)?;
        self.forget(hubspot_id)?;
        Ok(Some(former.changed(hubspot_id, LinkChange::Quiet)))
    }

    fn doom(&self, record_id: RecordId, hubspot_id: HubSpotId) -> Outcome<Option<ChangedLink>> {
        let record = self
            .db
            .prepare_cached(
                "SELECT key FROM records WHERE organization = ?1 AND id = ?2 AND object = ?3",
            )?
            .query_row(
                params![self.pair.organization, record_id.0, self.pair.object],
                |row| row.get(0),
            )
            .optional()?;
        let Some(record) = record else {
            return Ok(None);
        };
        let is_known = self.link(hubspot_id)?.is_some() || self.former(hubspot_id)?.is_some();
        let unheard = deletion::unheard(self.db, self.pair.key, record)?;
        let (false, Some(unheard)) = (is_known, unheard) else {
            return Ok(None);
        };
        let made = Found {
            record,
            record_id,
            alive: false,
            base: unheard.sent.unwrap_or_else(|| "{}".to_owned()),
            hubspot_updated_at: self.at.0,
        };
        self.tie(&made, hubspot_id)?;
        deletion::doom(self.db, self.pair.key, record, self.at)?;
        Ok(Some(ChangedLink {
            record_id,
            hubspot_id,
            change: LinkChange::Quiet,
        }))
    }

    fn link(&self, hubspot_id: HubSpotId) -> Outcome<Option<Found>> {
        let mut find = self.db.prepare_cached(
            "SELECT l.record, r.id, r.deleted_at IS NULL, l.base, l.hubspot_updated_at
             FROM links l JOIN records r ON r.key = l.record
             WHERE l.pair = ?1 AND l.hubspot_id = ?2",
        )?;
        Ok(find
            .query_row([self.pair.key, hubspot_id.0], Found::read)
            .optional()?)
    }

    fn former(&self, hubspot_id: HubSpotId) -> Outcome<Option<FoundFormer>> {
        let mut find = self.db.prepare_cached(
            "SELECT f.record, r.id, r.deleted_at IS NULL, f.base, f.hubspot_updated_at, f.parting,
                 f.fields, f.doomed,
                 EXISTS (SELECT 1 FROM links l WHERE l.pair = f.pair AND l.record = f.record)
             FROM former_links f JOIN records r ON r.key = f.record
             WHERE f.pair = ?1 AND f.hubspot_id = ?2",
        )?;
        let mut rows = find.query([self.pair.key, hubspot_id.0])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        Ok(Some(FoundFormer {
            tie: Found::read(row)?,
            parting: Cell::new("former_links", "parting").word(row, 5, hubspot_id)?,
            fields: row.get(6)?,
            doomed: row.get(7)?,
            has_link: row.get(8)?,
        }))
    }

    /// Whether the record has edits that HubSpot has not taken: they wait, or were refused.
    fn has_edits(&self, record: i64) -> Outcome<bool> {
        Ok(self
            .db
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM outbox
                         WHERE record = ?2 AND pair = ?1 AND due_at IS NOT NULL)
                     OR EXISTS (SELECT 1 FROM failures
                         WHERE record = ?2 AND pair = ?1 AND stage = 'push')",
            )?
            .query_row([self.pair.key, record], |row| row.get(0))?)
    }

    /// Ends a link and remembers it. What failed on its way here is nobody's business any more.
    fn cut(&self, left: &Remembered<'_>) -> Outcome<()> {
        let (pair, hubspot_id) = (self.pair.key, left.hubspot_id);
        self.db
            .prepare_cached(
                "INSERT OR REPLACE INTO former_links (pair, record, hubspot_id, base,
                     hubspot_updated_at, parting, merged_into, fields, doomed, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9)",
            )?
            .execute(params![
                pair,
                left.tie.record,
                hubspot_id.0,
                left.tie.base,
                left.tie.hubspot_updated_at,
                word(&left.parting)?,
                left.merged_into.map(|id| id.0),
                left.fields,
                self.at.0
            ])?;
        self.db
            .prepare_cached("DELETE FROM links WHERE pair = ?1 AND hubspot_id = ?2")?
            .execute([pair, hubspot_id.0])?;
        self.found(hubspot_id)?;
        let subject = history::Subject {
            record: Some(left.tie.record),
            hubspot_id: Some(hubspot_id),
        };
        history::clear_failures(self.db, pair, subject, FailureStage::Pull)
    }

    /// Links a record, and has it pushed if an edit was given up for want of an object.
    fn tie(&self, tie: &Found, hubspot_id: HubSpotId) -> Outcome<()> {
        self.db
            .prepare_cached(
                "INSERT INTO links (pair, record, hubspot_id, base, hubspot_updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                self.pair.key,
                tie.record,
                hubspot_id.0,
                tie.base,
                tie.hubspot_updated_at
            ])?;
        let gave_up: bool = self
            .db
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM failures
                     WHERE record = ?2 AND pair = ?1 AND stage = 'push')",
            )?
            .query_row([self.pair.key, tie.record], |row| row.get(0))?;
        if gave_up && self.pair.direction.writes_hubspot() {
            outbox::enqueue(self.db, self.pair.key, tie.record, self.at)?;
        }
        Ok(())
    }

    /// Brings a record back that was deleted with its object. Its values are as old as the object's.
    fn bring_back(&self, former: &FoundFormer) -> Outcome<()> {
        let (false, Some(fields)) = (former.tie.alive, &former.fields) else {
            return Ok(());
        };
        self.db
            .prepare_cached(
                "UPDATE records SET version = version + 1, fields = ?2, updated_at = ?3,
                     edited_at = ?4, deleted_at = NULL, change = ?5
                 WHERE key = ?1",
            )?
            .execute(params![
                former.tie.record,
                fields,
                self.at.0,
                former.tie.hubspot_updated_at,
                changes::next(self.db, self.pair.organization)?
            ])?;
        // Other pairs were about to archive its objects.
        self.db
            .prepare_cached(
                "INSERT INTO links (pair, record, hubspot_id, base, hubspot_updated_at)
                 SELECT pair, record, hubspot_id, base, hubspot_updated_at FROM former_links
                 WHERE record = ?1 AND doomed = 1",
            )?
            .execute([former.tie.record])?;
        self.db
            .prepare_cached("DELETE FROM former_links WHERE record = ?1 AND doomed = 1")?
            .execute([former.tie.record])?;
        self.db
            .prepare_cached("DELETE FROM unheard_creates WHERE record = ?1")?
            .execute([former.tie.record])?;
        for pair in outbox::pushing_pairs(self.db, self.pair.object)? {
            outbox::enqueue(self.db, pair, former.tie.record, self.at)?;
        }
        Ok(())
    }

    fn forget(&self, hubspot_id: HubSpotId) -> Outcome<()> {
        self.db
            .prepare_cached("DELETE FROM former_links WHERE pair = ?1 AND hubspot_id = ?2")?
            .execute([self.pair.key, hubspot_id.0])?;
        self.found(hubspot_id)
    }

    /// Forgets that an object was not found.
    pub(super) fn found(&self, hubspot_id: HubSpotId) -> Outcome<()> {
        self.db
            .prepare_cached("DELETE FROM missing_objects WHERE pair = ?1 AND hubspot_id = ?2")?
            .execute([self.pair.key, hubspot_id.0])?;
        Ok(())
    }
}

impl Found {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            record: row.get(0)?,
            record_id: RecordId(row.get(1)?),
            alive: row.get(2)?,
            base: row.get(3)?,
            hubspot_updated_at: row.get(4)?,
        })
    }
}

impl FoundFormer {
    /// Whether the record is there or can be brought back, and has no other object.
    fn is_free(&self) -> bool {
        !self.has_link && (self.tie.alive || self.fields.is_some())
    }

    fn changed(&self, hubspot_id: HubSpotId, change: LinkChange) -> ChangedLink {
        ChangedLink {
            record_id: self.tie.record_id,
            hubspot_id,
            change,
        }
    }
}

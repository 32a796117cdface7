//! The commit of a page or batch: the one transaction that everything the sync writes goes through.
//!
//! The JSON is made before the write lock is taken, and each statement is prepared once a commit, since a first pull is
//! nothing but commits that create. An effect is checked before it writes, except a creation, which is taken back: it
//! seldom races.

use std::collections::HashMap;

use partneros_domain::{HubSpotId, OrganizationId, RecordId, RunId, Timestamp};
use rusqlite::{CachedStatement, Connection as Database, OptionalExtension as _, params};

use super::encoding::json;
use super::fault::Outcome;
use super::history::Subject;
use super::{changes, deletion, former_links, history, outbox, recent_changes, runs, scope};
use crate::{
    Commit, Committed, Counts, Cursor, Effect, Error, FailureStage, Lease, NewConflict, NewFailure,
    NotedChange, OutboxEffect, RecordEffect, Result, Watched,
};

/// A commit whose values are JSON.
pub(super) struct Encoded {
    lease: Lease,
    run_id: RunId,
    at: Timestamp,
    effects: Vec<EncodedEffect>,
    rejected: Vec<(HubSpotId, Vec<NewFailure>)>,
    parked: Option<Vec<NewFailure>>,
    watched: Option<Watched>,
    cursor: Option<Cursor>,
    counts: Counts,
}

struct EncodedEffect {
    id: RecordId,
    change: Change,
    link: Option<EncodedLink>,
    outbox: Place,
    failures: Vec<NewFailure>,
    stage: FailureStage,
    conflicts: Vec<NewConflict>,
}

/// The encoded form of [`OutboxEffect`].
enum Place {
    Leave,
    Sending { base: String },
    Settle,
    Enqueue,
    RetryAt(Timestamp),
}

enum Change {
    Keep { version: i64 },
    Pushed { version: i64 },
    Create { fields: String },
    Update { version: i64, fields: String },
}

struct EncodedLink {
    hubspot_id: HubSpotId,
    base: String,
    hubspot_updated_at: Timestamp,
}

pub(super) fn encode(commit: Commit) -> Result<Encoded> {
    Ok(Encoded {
        lease: commit.lease,
        run_id: commit.run_id,
        at: commit.at,
        effects: commit
            .effects
            .into_iter()
            .map(encode_effect)
            .collect::<Result<_>>()?,
        rejected: commit.rejected,
        parked: commit.parked,
        watched: commit.watched,
        cursor: commit.cursor,
        counts: commit.counts,
    })
}

fn encode_effect(effect: Effect) -> Result<EncodedEffect> {
    let change = match effect.record {
        RecordEffect::Keep { version } => Change::Keep { version },
        RecordEffect::Pushed { version } => Change::Pushed { version },
        RecordEffect::Create { fields } => Change::Create {
            fields: json(&fields)?,
        },
        RecordEffect::Update { version, fields } => Change::Update {
            version,
            fields: json(&fields)?,
        },
    };
    let link = match effect.link {
        Some(link) => Some(EncodedLink {
            hubspot_id: link.hubspot_id,
            base: json(&link.base)?,
            hubspot_updated_at: link.hubspot_updated_at,
        }),
        None => None,
    };
    let outbox = match effect.outbox {
        OutboxEffect::Leave => Place::Leave,
        OutboxEffect::Sending(base) => Place::Sending { base: json(&base)? },
        OutboxEffect::Settle => Place::Settle,
        OutboxEffect::Enqueue => Place::Enqueue,
        OutboxEffect::RetryAt(at) => Place::RetryAt(at),
    };
    Ok(EncodedEffect {
        id: effect.record_id,
        change,
        link,
        outbox,
        failures: effect.failures,
        stage: effect.stage,
        conflicts: effect.conflicts,
    })
}

/// Writes a commit within the caller's transaction, which an error undoes as a whole.
pub(super) fn write(
    db: &Database,
    organization: OrganizationId,
    commit: &Encoded,
) -> Outcome<Committed> {
    let pair = scope::pair(db, organization, commit.lease.pair_id)?;
    check_lease(db, pair.key, commit.lease)?;
    runs::add_counts(db, pair.key, commit.run_id, &commit.counts)?;
    let mut writer = Writer::prepare(db, &pair, commit)?;
    let mut raced = Vec::new();
    let mut written_keys = HashMap::new();
    for effect in &commit.effects {
        match writer.write_record(effect)? {
            Some(written) => {
                if commit.watched.is_some() {
                    written_keys.insert(effect.id, written.key);
                }
                writer.write_consequences(effect, written)?;
            }
            None => raced.push(effect.id),
        }
    }
    if let Some(watched) = &commit.watched {
        note_changes(db, &pair, watched, &written_keys, commit.at)?;
    }
    for (hubspot_id, failures) in &commit.rejected {
        let subject = Subject {
            record: None,
            hubspot_id: Some(*hubspot_id),
        };
        writer.replace_failures(subject, FailureStage::Pull, failures)?;
    }
    changes::set_last(db, pair.organization, writer.change)?;
    if let Some(parked) = &commit.parked {
        history::replace_parked(db, pair.key, parked, commit.at)?;
    }
    if commit.cursor.is_some() && raced.is_empty() {
        set_cursor(db, pair.key, commit.cursor)?;
    }
    Ok(Committed { raced })
}

/// Counts the changes that were written for the brake.
fn note_changes(
    db: &Database,
    pair: &scope::PairScope,
    watched: &Watched,
    written: &HashMap<RecordId, i64>,
    at: Timestamp,
) -> Outcome<()> {
    let is_written = |change: &NotedChange| written.contains_key(&change.record_id);
    if watched.changes.iter().all(is_written) {
        return recent_changes::note(db, pair, watched, written, at);
    }
    let mut kept = watched.clone();
    kept.changes.retain(is_written);
    recent_changes::note(db, pair, &kept, written, at)
}

pub(super) fn set_cursor(db: &Database, pair: i64, cursor: Option<Cursor>) -> Outcome<()> {
    db.prepare_cached(
        "UPDATE pair_progress SET cursor_modified_at = ?2, cursor_drained_to = ?3,
             cursor_mappings = ?4
         WHERE pair = ?1",
    )?
    .execute(params![
        pair,
        cursor.map(|cursor| cursor.modified_at.0),
        cursor
            .and_then(|cursor| cursor.drained_to)
            .map(|HubSpotId(id)| id),
        cursor.map(|cursor| cursor.mapping_version)
    ])?;
    Ok(())
}

pub(super) fn check_lease(db: &Database, pair: i64, lease: Lease) -> Outcome<()> {
    let held: bool = db
        .prepare_cached(
            "SELECT lease_epoch = ?2 AND lease_until IS NOT NULL FROM pair_progress WHERE pair = ?1",
        )?
        .query_row([pair, lease.epoch], |row| row.get(0))?;
    if held {
        Ok(())
    } else {
        Err(Error::LeaseLost(lease.pair_id).into())
    }
}

/// A record of an effect that did not race.
#[derive(Debug, Clone, Copy)]
struct Written {
    key: i64,
    /// Not deleted meanwhile.
    alive: bool,
    /// Not edited meanwhile either.
    current: bool,
}

/// Writes effects with statements that are prepared once.
struct Writer<'a> {
    db: &'a Database,
    pair: i64,
    organization: i64,
    object: i64,
    at: Timestamp,
    /// The other pairs, for which what the sync writes is an edit.
    others: Vec<i64>,
    /// Whether there may be failures to replace.
    failures: bool,
    /// Whether there may be objects whose link has ended.
    former_links: bool,
    /// The last number of a change.
    change: i64,
    find_record: CachedStatement<'a>,
    insert_record: CachedStatement<'a>,
    update_record: CachedStatement<'a>,
    insert_link: CachedStatement<'a>,
    update_link: CachedStatement<'a>,
}

impl<'a> Writer<'a> {
    fn prepare(db: &'a Database, pair: &scope::PairScope, commit: &Encoded) -> Outcome<Self> {
        let mut others = outbox::pushing_pairs(db, pair.object)?;
        others.retain(|key| *key != pair.key);
        Ok(Self {
            db,
            pair: pair.key,
            organization: pair.organization,
            object: pair.object,
            at: commit.at,
            others,
            failures: history::has_failures(db, pair.key)?,
            former_links: former_links::has_any(db, pair.key)?,
            change: changes::last(db, pair.organization)?,
            find_record: db.prepare_cached(
                "SELECT key, version, deleted_at IS NULL FROM records
                 WHERE organization = ?1 AND id = ?2 AND object = ?3",
            )?,
            insert_record: db.prepare_cached(
                "INSERT INTO records (organization, object, id, version, fields, created_at,
                     updated_at, edited_at, change)
                 VALUES (?1, ?2, ?3, 1, ?4, ?5, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
            )?,
            update_record: db.prepare_cached(
                "UPDATE records SET version = version + 1, fields = ?2, updated_at = ?3, change = ?4
                 WHERE key = ?1",
            )?,
            insert_link: db.prepare_cached(
                "INSERT INTO links (pair, record, hubspot_id, base, hubspot_updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
            )?,
            update_link: db.prepare_cached(
                "UPDATE links SET base = ?4, hubspot_updated_at = ?5
                 WHERE pair = ?1 AND record = ?2 AND hubspot_id = ?3",
            )?,
        })
    }

    /// Writes the record and its link; `None` when the effect raced and nothing is written.
    fn write_record(&mut self, effect: &EncodedEffect) -> Outcome<Option<Written>> {
        let (expected, fields) = match &effect.change {
            Change::Create { fields } => return self.create(effect, fields),
            Change::Keep { version } | Change::Pushed { version } => (*version, None),
            Change::Update { version, fields } => (*version, Some(fields)),
        };
        let found = self
            .find_record
            .query_row(
                params![self.organization, effect.id.0, self.object],
                |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?)),
            )
            .optional()?;
        let Some((key, version, alive)) = found else {
            return Ok(None);
        };
        let written = Written {
            key,
            alive,
            current: alive && expected == version,
        };
        let holds = written.current || matches!(effect.change, Change::Pushed { .. });
        if !holds || !self.keep_link(key, effect.link.as_ref(), alive)? {
            return Ok(None);
        }
        if let Some(fields) = fields {
            self.change += 1;
            self.update_record
                .execute(params![key, fields, self.at.0, self.change])?;
        }
        Ok(Some(written))
    }

    fn create(&mut self, effect: &EncodedEffect, fields: &str) -> Outcome<Option<Written>> {
        self.change += 1;
        let made = self.insert_record.execute(params![
            self.organization,
            self.object,
            effect.id.0,
            fields,
            self.at.0,
            // Nobody has edited it here yet; its values are as old as HubSpot says.
            effect
                .link
                .as_ref()
                .map_or(self.at, |link| link.hubspot_updated_at)
                .0,
            self.change
        ])?;
        if made == 0 {
            return Ok(None);
        }
        let key = self.db.last_insert_rowid();
        if self.write_link(key, effect.link.as_ref(), false)? {
            return Ok(Some(Written {
                key,
                alive: true,
                current: true,
            }));
        }
        self.db
            .prepare_cached("DELETE FROM records WHERE key = ?1")?
            .execute([key])?;
        Ok(None)
    }

    /// Writes the link of a record that was there; of one that was deleted since, it becomes the tombstone, or names an object
    /// to archive.
    fn keep_link(&mut self, record: i64, link: Option<&EncodedLink>, alive: bool) -> Outcome<bool> {
        let Some(known) = link.filter(|_| !alive) else {
            return self.write_link(record, link, true);
        };
        let ended = self
            .db
            .prepare_cached(
                "UPDATE former_links SET base = ?4, hubspot_updated_at = ?5
                 WHERE pair = ?1 AND record = ?2 AND hubspot_id = ?3",
            )?
            .execute(params![
                self.pair,
                record,
                known.hubspot_id.0,
                known.base,
                known.hubspot_updated_at.0
            ])?;
        if ended == 1 {
            return Ok(true);
        }
        let written = self.write_link(record, link, true)?;
        if written && deletion::unheard(self.db, self.pair, record)?.is_some() {
            deletion::doom(self.db, self.pair, record, self.at)?;
            self.former_links = true;
        }
        Ok(written)
    }

    /// Writes a link; false when the record or the HubSpot object is linked otherwise.
    fn write_link(
        &mut self,
        record: i64,
        link: Option<&EncodedLink>,
        may_exist: bool,
    ) -> Outcome<bool> {
        let Some(link) = link else {
            return Ok(true);
        };
        let row = params![
            self.pair,
            record,
            link.hubspot_id.0,
            link.base,
            link.hubspot_updated_at.0
        ];
        if may_exist && self.update_link.execute(row)? == 1 {
            return Ok(true);
        }
        // An object whose link ended meanwhile is no stranger: its link comes back in a step of its own, or never.
        if self.former_links && former_links::is_held(self.db, self.pair, link.hubspot_id)? {
            return Ok(false);
        }
        Ok(self.insert_link.execute(row)? == 1)
    }

    fn write_consequences(&mut self, effect: &EncodedEffect, written: Written) -> Outcome<()> {
        let record = written.key;
        if let Place::Sending { base } = &effect.outbox {
            outbox::remember_sent(self.db, self.pair, record, base)?;
        }
        // What was pushed of a record that was edited or deleted meanwhile says nothing about its place in the outbox.
        if written.current {
            self.write_outbox(effect, record)?;
        }
        if matches!(effect.change, Change::Create { .. } | Change::Update { .. }) {
            for other in &self.others {
                outbox::enqueue(self.db, *other, record, self.at)?;
            }
        }
        if written.alive {
            let subject = Subject {
                record: Some(record),
                hubspot_id: effect.link.as_ref().map(|link| link.hubspot_id),
            };
            self.replace_failures(subject, effect.stage, &effect.failures)?;
        }
        let record = (record, effect.id);
        history::add_conflicts(self.db, self.pair, record, &effect.conflicts, self.at)
    }

    fn write_outbox(&self, effect: &EncodedEffect, record: i64) -> Outcome<()> {
        let created = matches!(effect.change, Change::Create { .. });
        match effect.outbox {
            Place::Leave | Place::Sending { .. } => Ok(()),
            // A record that was just made waits nowhere yet.
            Place::Settle if created => Ok(()),
            Place::Settle => outbox::settle(self.db, self.pair, record),
            Place::Enqueue => outbox::enqueue(self.db, self.pair, record, self.at),
            Place::RetryAt(at) => outbox::retry(self.db, self.pair, record, at),
        }
    }

    fn replace_failures(
        &mut self,
        subject: Subject,
        stage: FailureStage,
        failures: &[NewFailure],
    ) -> Outcome<()> {
        if self.failures {
            history::clear_failures(self.db, self.pair, subject, stage)?;
        }
        self.failures |= !failures.is_empty();
        history::add_failures(self.db, self.pair, subject, stage, failures, self.at)
    }
}

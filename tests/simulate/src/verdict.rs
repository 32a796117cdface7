//! What must be true when all is quiet.

use std::collections::{BTreeMap, BTreeSet};

use hubspot_sim::Kind;
use partneros_domain::{ConflictPolicy, FieldName, RecordId, Side, Value};
use partneros_store::{
    AuditSample, ConflictEntry, FailureEntry, PairAudits as _, Record, Records as _, RunTrigger,
    SyncState as _, TUG_OF_WAR,
};

use crate::Failure;
use crate::ledger::{Book, Edit, Heard, Held, Place, held, text};
use crate::life::Life;
use crate::points::lock;
use crate::process::Process;
use crate::run::World;
use crate::template::{COUNT, COUNTED, Field, OURS};

/// So many rewrites in a row make a tug of war, by default.
const TURNS: u64 = 3;

/// Nothing is written any more.
pub async fn still(world: &World, process: &Process) -> Result<(), Failure> {
    let before = (writes(world), records(world).await?);
    for _ in 0..2 {
        world.pass(process).await?;
    }
    let after = (writes(world), records(world).await?);
    if before.0 != after.0 {
        return Err(format!("still writing to HubSpot: {} calls", after.0 - before.0).into());
    }
    if before.1 != after.1 {
        return Err("still writing records".into());
    }
    Ok(())
}

/// An audit finds what is listed already, if anything, and changes nothing.
pub async fn complete(world: &World, process: &Process) -> Result<(), Failure> {
    let before = (writes(world), records(world).await?);
    let (organization, pair) = (world.template.organization, world.template.pair);
    let engine = &process.engine;
    let begun = engine.begin_audit(organization, pair, RunTrigger::Manual);
    let begun = begun
        .await
        .map_err(|error| format!("an audit did not begin: {error}"))?;
    let run = engine.carry_out(begun).await;
    let run = run.map_err(|error| format!("an audit failed: {error}"))?;
    let audits = world.store.pair_audits(organization, pair, None, 1).await?;
    let Some(audit) = audits.items.first().filter(|audit| audit.run_id == run.id) else {
        return Err(format!("an audit did not go through: {:?}", run.error).into());
    };
    let listed = world.store.failures(organization, pair, None, 500).await?;
    // An object may stay alone whose record was deleted before anybody heard that it had been made.
    let is_listed = |sample: &AuditSample| {
        let mut listed = listed.items.iter();
        sample.reason == "record_deleted" || listed.any(|entry| entry.failure.code == sample.reason)
    };
    if audit.figures.mended > 0 || !audit.samples.iter().all(is_listed) {
        return Err(format!("an audit found what should not be: {audit:?}").into());
    }
    if before != (writes(world), records(world).await?) {
        return Err("an audit of what agrees wrote something".into());
    }
    Ok(())
}

fn writes(world: &World) -> u64 {
    lock(&world.hubspot.sim).writes.total()
}

async fn records(world: &World) -> Result<Vec<Record>, Failure> {
    let organization = world.template.organization;
    Ok(world
        .store
        .records(organization, OURS, None, 500)
        .await?
        .items)
}

/// Both sides agree, nothing exists twice, no edit is lost.
pub async fn judge(world: &World) -> Result<(), Failure> {
    if let Some(violation) = world.ledger.with(|book| book.violation.take()) {
        return Err(violation.into());
    }
    let records = records(world).await?;
    let (organization, pair) = (world.template.organization, world.template.pair);
    let failures = world
        .store
        .failures(organization, pair, None, 500)
        .await?
        .items;
    let life = Life::of(world, &records, &failures).await?;
    world.ledger.with(|book| life.judge(book))?;
    let held = held(&lock(&world.hubspot.sim));
    let end = End {
        held,
        records: records
            .into_iter()
            .map(|record| (record.id, record))
            .collect(),
        object_of: life.linked().collect(),
        record_of: life.linked().map(|(record, id)| (id, record)).collect(),
        life,
        conflicts: world
            .store
            .conflicts(organization, pair, None, 500)
            .await?
            .items,
        failures,
    };
    end.agrees()?;
    end.counts(world)?;
    world.ledger.with(|book| end.pauses(world, book))?;
    end.obeys_policies(&world.policies_changed)?;
    world.ledger.with(|book| end.keeps_every_edit(book))
}

/// How both sides ended.
struct End {
    held: Held,
    records: BTreeMap<RecordId, Record>,
    record_of: BTreeMap<u64, RecordId>,
    object_of: BTreeMap<RecordId, u64>,
    life: Life,
    conflicts: Vec<ConflictEntry>,
    failures: Vec<FailureEntry>,
}

impl End {
    fn ours(&self, record: RecordId, field: usize) -> Option<String> {
        let record = self.records.get(&record)?;
        text(record.fields.get(Field::ALL[field].name))
    }

    fn theirs(&self, object: u64, field: usize) -> Option<String> {
        self.held.get(&(object, field)).cloned().flatten()
    }

    fn agrees(&self) -> Result<(), Failure> {
        for (&object, &record) in &self.record_of {
            for (at, field) in Field::ALL.iter().enumerate() {
                let (ours, theirs) = (self.ours(record, at), self.theirs(object, at));
                // A field that goes one way may be edited at its end; that stays until its source changes.
                let one_way = !(field.reads_hubspot && field.writes_hubspot);
                if ours != theirs && !one_way && !self.failed(record, at) {
                    let name = field.name;
                    return Err(format!(
                        "`{name}` of record {record} is {ours:?}, of object {object} {theirs:?}"
                    )
                    .into());
                }
            }
        }
        Ok(())
    }

    /// What HubSpot calculates has come over.
    fn counts(&self, world: &World) -> Result<(), Failure> {
        let sim = lock(&world.hubspot.sim);
        let companies = sim.object_type(sim.standard(Kind::Companies));
        for (object, record) in &self.record_of {
            let count = companies
                .live(*object)
                .and_then(|object| sim.value_named(companies, object, COUNTED))
                .and_then(|count| count.parse().ok());
            let record = self.records.get(record);
            let ours = record.and_then(|record| record.fields.get(COUNT));
            if ours != count.map(Value::Integer).as_ref() {
                return Err(
                    format!("HubSpot counts {count:?} for object {object}, not {ours:?}").into(),
                );
            }
        }
        Ok(())
    }

    /// A field is paused where a workflow rewrites it, and nowhere else.
    fn pauses(&self, world: &World, book: &Book) -> Result<(), Failure> {
        let paused = self
            .failures
            .iter()
            .filter(|entry| entry.failure.code == TUG_OF_WAR);
        let rewritten = world.meets.rewrites.map(|field| Field::ALL[field].name);
        for entry in paused {
            if entry.failure.field.as_ref().map(FieldName::as_str) != rewritten {
                return Err(format!("paused for no reason: {entry:?}").into());
            }
        }
        let Some(field) = world.meets.rewrites else {
            return Ok(());
        };
        let mut writes = BTreeMap::<u64, u64>::new();
        for write in book.writes.iter().filter(|write| write.field == field) {
            *writes.entry(book.root(write.object)).or_default() += u64::from(write.value.is_some());
        }
        for (object, writes) in writes {
            let edits = book.edits.iter().filter(|edit| {
                let theirs = matches!(edit.place, Place::Object(_)) && edit.field == field;
                // A workflow marks what it writes.
                theirs
                    && !edit
                        .value
                        .as_ref()
                        .is_some_and(|value| value.ends_with('!'))
            });
            let unheard = book.writes.iter().filter(|write| write.heard < Heard::Kept);
            // Where people write too, or we have not heard what became of a write, it takes more turns.
            let disturbed = edits.count() as u64
                + unheard.count() as u64
                + book.crashes
                + book.merges.len() as u64;
            if writes > (TURNS + 1) * (1 + disturbed) {
                return Err(format!(
                    "object {object} was written {writes} times into a tug of war"
                )
                .into());
            }
        }
        Ok(())
    }

    fn failed(&self, record: RecordId, field: usize) -> bool {
        self.failures.iter().any(|entry| {
            let name = entry.failure.field.as_ref();
            entry.record_id == Some(record)
                && name.is_none_or(|name| name.as_str() == Field::ALL[field].name)
        })
    }

    /// Every edit is there, was followed by a later one, or is listed as what a policy overruled.
    fn keeps_every_edit(&self, book: &Book) -> Result<(), Failure> {
        for edit in &book.edits {
            let field = &Field::ALL[edit.field];
            let kept = match edit.place {
                Place::Record(record) => {
                    !field.writes_hubspot || self.keeps_ours(book, edit, record)
                }
                Place::Object(object) => {
                    !field.reads_hubspot || self.keeps_theirs(book, edit, object)
                }
            };
            if !kept {
                return Err(format!("lost: {edit:?} of `{}`", field.name).into());
            }
        }
        self.beats_nothing_with_our_own(book)?;
        self.only_values_that_were_written(book)
    }

    fn keeps_ours(&self, book: &Book, edit: &Edit, record: RecordId) -> bool {
        // Someone deleted it with the record.
        let deleted = book
            .turns_of(edit.place)
            .any(|turn| turn.gone && !turn.by_host && turn.moment > edit.moment);
        let objects: BTreeSet<_> = self.life.objects_of(record).collect();
        let there = match self.object_of.get(&record) {
            Some(object) => self.theirs(*object, edit.field) == edit.value,
            // A record without an object keeps what it has.
            None => self.ours(record, edit.field) == edit.value,
        };
        let followed = followed(book, edit);
        let carried = book.writes.iter().any(|write| {
            let same = objects.contains(&write.object) && write.field == edit.field;
            same && write.moment > edit.moment && write.value == edit.value
        });
        let listed = || {
            let json = edit
                .value
                .clone()
                .map_or(serde_json::Value::Null, Into::into);
            self.conflicts.iter().any(|entry| {
                let conflict = &entry.conflict;
                entry.record_id == record
                    && conflict.field.as_str() == Field::ALL[edit.field].name
                    && conflict.winner == Side::HubSpot
                    && conflict.partneros_value == json
            })
        };
        // A person in HubSpot may come to the same value: then there is nothing to carry.
        let met = book.edits.iter().any(|other| {
            let theirs = objects
                .iter()
                .any(|object| book.is_of(other.place, book.root(*object)));
            let same = theirs && other.field == edit.field;
            same && other.moment > edit.moment && other.value == edit.value
        });
        let void = || {
            let mut objects = objects.iter();
            objects.any(|object| book.agreed(record, *object, edit) == edit.value)
        };
        let failed = || self.failed(record, edit.field);
        deleted || there || followed || carried || met || void() || listed() || failed()
    }

    fn keeps_theirs(&self, book: &Book, edit: &Edit, object: u64) -> bool {
        let object = book.root(object);
        // Who it belongs to, and that it belongs to somebody, is judged elsewhere. An archive keeps what it holds.
        let Some(&record) = self.record_of.get(&object) else {
            return true;
        };
        let there = self.ours(record, edit.field) == edit.value;
        let records = self.life.records_of(|other| book.root(other) == object);
        // A value is written once, so that it tells by itself where it came from, also when that link is forgotten by now.
        let carried = || {
            let of = book.seen.iter().filter(|((record, field), _)| {
                *field == edit.field && (edit.value.is_some() || records.contains(record))
            });
            let mut seen = of.flat_map(|(_, seen)| seen);
            seen.any(|(moment, value)| *moment > edit.moment && *value == edit.value)
        };
        let listed = || {
            self.conflicts.iter().any(|entry| {
                let conflict = &entry.conflict;
                records.contains(&entry.record_id)
                    && conflict.field.as_str() == Field::ALL[edit.field].name
                    && conflict.winner == Side::PartnerOs
                    && conflict.hubspot_value == edit.value
            })
        };
        // Between our last look at an object and our write to it, HubSpot lets nobody notice an edit.
        let unseen = || {
            book.writes.iter().any(|write| {
                book.root(write.object) == object
                    && write.field == edit.field
                    && write.moment > edit.moment
                    && write.over == edit.value
                    && write.read.is_none_or(|read| read < edit.moment)
            })
        };
        // What a merge brought may have been ours before.
        let own = || {
            book.edits.iter().any(|other| {
                let same = (other.place, other.field) == (Place::Record(record), edit.field);
                same && edit.value.is_some() && other.value == edit.value
            })
        };
        let void = || book.agreed(record, object, edit) == edit.value || undoes(book, edit, object);
        // The record that goes on may be that of the object that was merged away. If it had the value from there already, then
        // nothing changed for it, whatever a person has written over it here since.
        let kept = || {
            let had = |other| self.life.objects_of(record).any(|id| id == other);
            let mut seen = book.seen.get(&(record, edit.field)).into_iter().flatten();
            edit.value.is_some()
                && edit.brought_by.is_some_and(had)
                && seen.any(|(moment, value)| *moment < edit.moment && *value == edit.value)
        };
        let paused = || {
            self.failures.iter().any(|entry| {
                let field = entry.failure.field.as_ref().map(FieldName::as_str);
                entry.failure.code == TUG_OF_WAR
                    && entry.record_id == Some(record)
                    && field == Some(Field::ALL[edit.field].name)
            })
        };
        there
            || followed(book, edit)
            || carried()
            || void()
            || listed()
            || unseen()
            || paused()
            || own()
            || kept()
    }

    /// What HubSpot's side won with is what a person wrote there, and no echo of ours.
    fn beats_nothing_with_our_own(&self, book: &Book) -> Result<(), Failure> {
        for entry in &self.conflicts {
            let conflict = &entry.conflict;
            let (true, Some(value)) = (conflict.winner == Side::HubSpot, &conflict.hubspot_value)
            else {
                continue;
            };
            let by_a_person = book.edits.iter().any(|edit| {
                matches!(edit.place, Place::Object(_)) && edit.value.as_ref() == Some(value)
            });
            let by_a_merge = || book.brought.iter().any(|(.., brought)| brought == value);
            if !by_a_person && !by_a_merge() {
                return Err(format!("an echo of ours was taken for an edit: {entry:?}").into());
            }
        }
        Ok(())
    }

    /// What a side holds was written there, or on the other side if values flow from it.
    fn only_values_that_were_written(&self, book: &Book) -> Result<(), Failure> {
        let place = |place| match place {
            Place::Object(object) => Place::Object(book.root(object)),
            Place::Record(_) => place,
        };
        let written = book
            .edits
            .iter()
            .filter_map(|edit| Some((place(edit.place), edit.field, edit.value.as_deref()?)));
        let brought = book.brought.iter();
        let brought =
            brought.map(|(object, field, value)| (Place::Object(*object), *field, value.as_str()));
        let written: BTreeSet<_> = written.chain(brought).collect();
        for (&object, &record) in &self.record_of {
            for (at, field) in Field::ALL.iter().enumerate() {
                let is_from = |place, value: &str| written.contains(&(place, at, value));
                let sides = [
                    (
                        self.ours(record, at),
                        Place::Record(record),
                        Place::Object(object),
                        field.reads_hubspot,
                    ),
                    (
                        self.theirs(object, at),
                        Place::Object(object),
                        Place::Record(record),
                        field.writes_hubspot,
                    ),
                ];
                for (value, here, there, flows) in sides {
                    let Some(value) = value else { continue };
                    let known = is_from(here, &value) || (flows && is_from(there, &value));
                    if !known {
                        let name = field.name;
                        return Err(format!(
                            "`{name}` of {here:?} is `{value}`, which nobody wrote"
                        )
                        .into());
                    }
                }
            }
        }
        Ok(())
    }

    /// Where our side wins, it has won. (Where HubSpot's does, an object that we made and lost sight of is ours first.)
    fn obeys_policies(&self, changed: &BTreeSet<usize>) -> Result<(), Failure> {
        for (at, field) in Field::ALL.iter().enumerate() {
            let ours_wins = field.policy == ConflictPolicy::PartnerOsWins && !changed.contains(&at);
            let broken = self.conflicts.iter().find(|entry| {
                let conflict = &entry.conflict;
                conflict.field.as_str() == field.name && conflict.winner == Side::HubSpot
            });
            if let (true, Some(entry)) = (ours_wins, broken) {
                return Err(format!("against the policy: {entry:?}").into());
            }
        }
        Ok(())
    }
}

/// Whether an edit takes back a write of ours of which we heard nothing: it might as well never have arrived.
fn undoes(book: &Book, edit: &Edit, object: u64) -> bool {
    let mut before = book.writes.iter().filter(|write| {
        let same = book.root(write.object) == object && write.field == edit.field;
        same && write.moment < edit.moment
    });
    before
        .next_back()
        .is_some_and(|write| write.heard < Heard::Kept && write.over == edit.value)
}

/// Whether somebody wrote the same place again.
fn followed(book: &Book, edit: &Edit) -> bool {
    book.edits.iter().any(|later| {
        let same = match edit.place {
            Place::Object(object) => book.is_of(later.place, book.root(object)),
            Place::Record(_) => later.place == edit.place,
        };
        same && later.moment > edit.moment && later.field == edit.field
    })
}

//! Everything that anybody wrote on either side, with the moment at which they did, kept apart from the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use hubspot_sim::{Kind, Sim};
use partneros_domain::{OrganizationId, RecordId, Timestamp, Value};
use partneros_store::{Changes as _, Record, Sqlite};

use crate::points::lock;
use crate::template::{Field, OBJECT, RECORD_ID};

/// A place in the one order of everything that happens.
pub type Moment = u64;
/// What an object holds.
pub type Held = BTreeMap<(u64, usize), Option<String>>;

/// A value, with the moment at which it was first seen.
pub type Seen = (Moment, Option<String>);

/// Who an edit was made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A record of ours.
    Record(RecordId),
    /// An object of HubSpot's.
    Object(u64),
}

/// What somebody wrote.
#[derive(Debug, Clone)]
pub struct Edit {
    /// When.
    pub moment: Moment,
    /// When, by the clock.
    pub at: Timestamp,
    /// Where.
    pub place: Place,
    /// Which field.
    pub field: usize,
    /// What. Each value is written once.
    pub value: Option<String>,
    /// The object that brought the value, if it is there since that object was merged into this one.
    pub brought_by: Option<u64>,
}

/// What a process knows of its write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heard {
    /// Nothing: the answer was lost, or the process ended.
    Nothing,
    /// HubSpot has answered.
    Answer,
    /// The answer is in the database.
    Kept,
}

/// What the host wrote into HubSpot.
#[derive(Debug, Clone)]
pub struct Write {
    /// When.
    pub moment: Moment,
    /// Into which object.
    pub object: u64,
    /// Into which property.
    pub field: usize,
    /// What.
    pub value: Option<String>,
    /// What was there.
    pub over: Option<String>,
    /// When the host had last read the object.
    pub read: Option<Moment>,
    /// Which process did.
    pub process: usize,
    /// What it knows of it.
    pub heard: Heard,
}

/// An object or a record went, or came back.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// When.
    pub moment: Moment,
    /// Which.
    pub place: Place,
    /// Whether it went.
    pub gone: bool,
    /// Whether the host did it.
    pub by_host: bool,
}

/// Two objects that became one.
#[derive(Debug, Clone, Copy)]
pub struct Merge {
    /// Whose values stayed.
    pub primary: u64,
    /// Whose values filled what was empty.
    pub other: u64,
    /// What is left: a new object, or the primary.
    pub left: u64,
}

/// The ledger.
#[derive(Debug)]
pub struct Ledger {
    sim: Arc<Mutex<Sim>>,
    book: Mutex<Book>,
}

/// Its pages.
#[derive(Debug, Default)]
pub struct Book {
    moment: Moment,
    reads: BTreeMap<u64, Moment>,
    /// What people wrote.
    pub edits: Vec<Edit>,
    /// What the host wrote into HubSpot.
    pub writes: Vec<Write>,
    /// The values that each record's field has had, with the moment each was first seen.
    pub seen: BTreeMap<(RecordId, usize), Vec<Seen>>,
    /// What was archived, deleted and brought back.
    pub turns: Vec<Turn>,
    /// What was merged.
    pub merges: Vec<Merge>,
    /// The values that each object has from what was merged into it.
    pub brought: BTreeSet<(u64, usize, String)>,
    /// How many processes ended in the middle.
    pub crashes: u64,
    /// How far the change feed was read.
    pub position: Option<String>,
    /// The first thing that must not be.
    pub violation: Option<String>,
}

impl Ledger {
    /// An empty ledger about a portal.
    pub fn new(sim: Arc<Mutex<Sim>>) -> Self {
        Self {
            sim,
            book: Mutex::default(),
        }
    }

    /// Works on the pages.
    pub fn with<T>(&self, work: impl FnOnce(&mut Book) -> T) -> T {
        work(&mut lock(&self.book))
    }

    /// The next moment.
    pub fn moment(&self) -> Moment {
        self.with(Book::next)
    }

    /// Writes down what must not be, if nothing was before.
    pub fn violated(&self, what: impl FnOnce() -> String) {
        self.with(|book| {
            book.violation.get_or_insert_with(what);
        });
    }

    /// Somebody writes.
    pub fn edit(&self, at: Timestamp, place: Place, field: usize, value: Option<String>) {
        self.with(|book| {
            let moment = book.next();
            book.edits.push(Edit {
                moment,
                at,
                place,
                field,
                value,
                brought_by: None,
            });
        });
    }

    /// Somebody archives, deletes or brings back.
    pub fn turn(&self, place: Place, gone: bool) {
        self.with(|book| book.turn(place, gone, false));
    }

    /// What HubSpot holds before a call that may write.
    pub fn before(&self, path: &str) -> Option<Held> {
        let writes = path.contains("/batch/") && !path.ends_with("/read");
        writes.then(|| held(&lock(&self.sim)))
    }

    /// What a process's call has written, as places in [`Book::writes`].
    pub fn after(&self, before: Option<Held>, process: usize) -> Range<usize> {
        let Some(before) = before else { return 0..0 };
        let sim = lock(&self.sim);
        let now = held(&sim);
        let written = self.with(|book| {
            let known = book.writes.len();
            let live = |held: &Held| -> BTreeSet<u64> { held.keys().map(|(id, _)| *id).collect() };
            for object in live(&before).difference(&live(&now)) {
                book.turn(Place::Object(*object), true, true);
            }
            for (&(object, field), value) in &now {
                let over = before.get(&(object, field)).cloned().flatten();
                if over == *value {
                    continue;
                }
                let moment = book.next();
                if !Field::ALL[field].writes_hubspot {
                    let name = Field::ALL[field].property;
                    let wrong =
                        || format!("`{name}` of object {object} was written against its direction");
                    book.violation.get_or_insert_with(wrong);
                }
                book.writes.push(Write {
                    moment,
                    object,
                    field,
                    value: value.clone(),
                    over,
                    read: book.reads.get(&object).copied(),
                    process,
                    heard: Heard::Nothing,
                });
            }
            known..book.writes.len()
        });
        self.one_object_a_record(&sim);
        written
    }

    /// HubSpot's answer to these writes has arrived.
    pub fn answered(&self, written: Range<usize>) {
        self.with(|book| {
            for write in &mut book.writes[written] {
                write.heard = Heard::Answer;
            }
        });
    }

    /// A process begins with nothing in memory: what the one before was answered and did not store is as if unheard.
    pub fn begun(&self, process: usize) {
        self.with(|book| {
            let writes = book.writes.iter_mut();
            for write in writes.filter(|write| write.process == process) {
                if write.heard == Heard::Answer {
                    write.heard = Heard::Nothing;
                }
            }
        });
    }

    /// A process has stored what it was answered.
    pub fn kept(&self, process: usize) {
        self.with(|book| {
            let writes = book.writes.iter_mut();
            for write in writes.filter(|write| write.process == process) {
                if write.heard == Heard::Answer {
                    write.heard = Heard::Kept;
                }
            }
        });
    }

    fn one_object_a_record(&self, sim: &Sim) {
        let Ok(ix) = sim.resolve(OBJECT) else { return };
        let object_type = sim.object_type(ix);
        let mut owners = BTreeMap::new();
        for record in object_type
            .records
            .values()
            .filter(|record| record.archived.is_none())
        {
            let owner = sim.value_named(object_type, record, RECORD_ID);
            let Some(owner) = owner.filter(|owner| !owner.is_empty()) else {
                continue;
            };
            if let Some(other) = owners.insert(owner.into_owned(), record.id) {
                self.violated(|| format!("objects {other} and {} are of one record", record.id));
            }
        }
    }

    /// The host has read what is in an answer, as it was at `moment`.
    pub fn read(&self, body: &[u8], moment: Moment) {
        let Ok(answer) = serde_json::from_slice::<serde_json::Value>(body) else {
            return;
        };
        let results = answer["results"].as_array().into_iter().flatten();
        let ids = results.filter_map(|result| result["id"].as_str()?.parse().ok());
        self.with(|book| {
            for id in ids {
                book.reads.insert(id, moment);
            }
        });
    }

    /// Sees what records have become since the last look.
    pub async fn look(
        &self,
        store: &Sqlite,
        organization: OrganizationId,
    ) -> Result<(), partneros_store::Error> {
        loop {
            let position = self.with(|book| book.position.clone());
            let changes = store
                .changes(organization, position.as_deref(), 100)
                .await?;
            for change in &changes {
                self.see(&change.record, change.deleted_at.is_some());
            }
            let Some(last) = changes.last() else {
                return Ok(());
            };
            self.with(|book| book.position = Some(last.position.clone()));
        }
    }

    fn see(&self, record: &Record, deleted: bool) {
        self.with(|book| {
            let place = Place::Record(record.id);
            if book.is_gone(place) != deleted {
                book.turn(place, deleted, true);
            }
            // That a deleted record has no values says nothing about its fields.
            if deleted {
                return;
            }
            let moment = book.next();
            for (field, named) in Field::ALL.iter().enumerate() {
                let value = text(record.fields.get(named.name));
                let seen = book.seen.entry((record.id, field)).or_default();
                if seen.last().is_none_or(|(_, last)| *last != value) {
                    seen.push((moment, value));
                }
            }
        });
    }
}

impl Book {
    /// What both sides held when they last held the same, up to an edit: to come back to that is no change.
    pub fn agreed(&self, record: RecordId, object: u64, edit: &Edit) -> Option<String> {
        let object = self.root(object);
        let edits = self
            .edits
            .iter()
            .filter(|other| self.is_of(other.place, object) && other.field == edit.field);
        let writes = self
            .writes
            .iter()
            .filter(|write| self.root(write.object) == object && write.field == edit.field);
        let seen = self.seen.get(&(record, edit.field)).into_iter().flatten();
        // Each change, with whether it was one of the object.
        let mut changes: Vec<(Moment, bool, &Option<String>)> = edits
            .map(|edit| (edit.moment, true, &edit.value))
            .chain(writes.map(|write| (write.moment, true, &write.value)))
            .chain(seen.map(|(moment, value)| (*moment, false, value)))
            .filter(|(moment, ..)| *moment <= edit.moment)
            .collect();
        changes.sort_unstable_by_key(|(moment, ..)| *moment);
        let (mut ours, mut theirs, mut agreed) = (&None, &None, &None);
        for (moment, is_object, value) in changes {
            *(if is_object { &mut theirs } else { &mut ours }) = value;
            if ours == theirs && moment < edit.moment {
                agreed = ours;
            }
        }
        if ours == theirs {
            ours.clone()
        } else {
            agreed.clone()
        }
    }

    /// Two objects become one: what the primary has been through goes on with what is left; what the other held is there
    /// where the primary held nothing, and nowhere else.
    pub fn merge(&mut self, merge: Merge, at: Timestamp, before: &Held, after: &Held) {
        let moment = self.next();
        let Merge {
            primary,
            other,
            left,
        } = merge;
        let is_of = |object| [primary, other].contains(&self.root(object));
        let edits = self.edits.iter().filter_map(|edit| match edit.place {
            Place::Object(object) => Some((object, edit.field, edit.value.clone()?)),
            Place::Record(_) => None,
        });
        let writes = self.writes.iter();
        let writes =
            writes.filter_map(|write| Some((write.object, write.field, write.value.clone()?)));
        let known = edits.chain(writes).chain(self.brought.iter().cloned());
        let known = known.filter(|(object, ..)| is_of(*object));
        let known: Vec<_> = known
            .map(|(_, field, value)| (left, field, value))
            .collect();
        self.brought.extend(known);
        let mut edits = std::mem::take(&mut self.edits);
        edits.retain(|edit| !self.is_of(edit.place, other));
        self.edits = edits;
        self.merges.push(merge);
        for field in 0..Field::ALL.len() {
            let value = after.get(&(left, field)).cloned().flatten();
            if before.get(&(primary, field)).cloned().flatten() != value {
                self.edits.push(Edit {
                    moment,
                    at,
                    place: Place::Object(left),
                    field,
                    value,
                    brought_by: Some(other),
                });
            }
        }
    }

    /// The object with which an object's values went on through merges.
    pub fn root(&self, object: u64) -> u64 {
        let merges = self.merges.iter();
        merges.fold(object, |object, merge| {
            if merge.primary == object {
                merge.left
            } else {
                object
            }
        })
    }

    /// The object that there is instead of one that was merged.
    pub fn became(&self, object: u64) -> u64 {
        let merges = self.merges.iter();
        merges.fold(object, |object, merge| {
            if [merge.primary, merge.other].contains(&object) {
                merge.left
            } else {
                object
            }
        })
    }

    /// Whether a place is this object, or what went on with it.
    pub fn is_of(&self, place: Place, object: u64) -> bool {
        matches!(place, Place::Object(other) if self.root(other) == object)
    }

    /// The turns of a place, the last one last.
    pub fn turns_of(&self, place: Place) -> impl DoubleEndedIterator<Item = &Turn> {
        self.turns.iter().filter(move |turn| turn.place == place)
    }

    /// Whether a place has gone and has not come back.
    pub fn is_gone(&self, place: Place) -> bool {
        self.turns_of(place)
            .next_back()
            .is_some_and(|turn| turn.gone)
    }

    fn turn(&mut self, place: Place, gone: bool, by_host: bool) {
        let moment = self.next();
        self.turns.push(Turn {
            moment,
            place,
            gone,
            by_host,
        });
    }

    fn next(&mut self) -> Moment {
        self.moment += 1;
        self.moment
    }
}

/// A value as it was written.
pub fn text(value: Option<&Value>) -> Option<String> {
    match value {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

/// What the live objects hold.
pub fn held(sim: &Sim) -> Held {
    let ix = sim.standard(Kind::Companies);
    let object_type = sim.object_type(ix);
    let live = object_type
        .records
        .values()
        .filter(|record| record.archived.is_none());
    let mut held = Held::new();
    for record in live {
        for (at, field) in Field::ALL.iter().enumerate() {
            // An archived property keeps its values.
            let property = object_type.registry.position(field.property);
            let value = property.and_then(|property| record.get(property));
            let value = value.filter(|value| !value.is_empty());
            held.insert((record.id, at), value.map(str::to_owned));
        }
    }
    held
}

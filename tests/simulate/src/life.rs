//! Who is there at the end, who belongs to whom, and whether anybody wanted it so.

use std::collections::{BTreeMap, BTreeSet};

use hubspot_sim::Kind;
use partneros_domain::{HubSpotId, RecordId};
use partneros_store::{
    FailureEntry, FormerLink, FormerLinks as _, LinkedRecord, Parting, Record, SyncState as _,
};

use crate::Failure;
use crate::ledger::{Book, Moment, Place, Turn};
use crate::points::lock;
use crate::run::World;
use crate::template::{OBJECT_OF_ANOTHER, RECORD_ID};

/// Who is there at the end, and who belongs to whom.
#[derive(Debug)]
pub struct Life {
    mirrors: bool,
    records: BTreeSet<RecordId>,
    /// Live objects, with the record id that each carries.
    live: BTreeMap<u64, Option<RecordId>>,
    archived: BTreeSet<u64>,
    /// Objects that others were merged into.
    left: BTreeSet<u64>,
    links: BTreeMap<u64, LinkedRecord>,
    former: BTreeMap<u64, FormerLink>,
    /// Records whose object was merged into another record's before anybody heard of it, as failures tell.
    merged_unheard: BTreeSet<RecordId>,
}

impl Life {
    /// Looks at both sides.
    pub async fn of(
        world: &World,
        records: &[Record],
        failures: &[FailureEntry],
    ) -> Result<Self, Failure> {
        let (organization, pair) = (world.template.organization, world.template.pair);
        let (mut live, mut archived) = (BTreeMap::new(), BTreeSet::new());
        let (merged, left);
        {
            let sim = lock(&world.hubspot.sim);
            let companies = sim.object_type(sim.standard(Kind::Companies));
            for record in companies.records.values() {
                if record.archived.is_some() {
                    archived.insert(record.id);
                    continue;
                }
                let carried = sim.value_named(companies, record, RECORD_ID);
                live.insert(record.id, carried.and_then(|id| id.parse().ok()));
            }
            merged = companies.merged.keys().copied().collect::<Vec<_>>();
            left = companies.merged.values().copied().collect();
        }
        let ids = live.keys().chain(&archived).chain(&merged);
        let ids: Vec<_> = ids.map(|id| HubSpotId(*id as i64)).collect();
        let links = world.store.links_by_hubspot_id(organization, pair, &ids);
        let former = world.store.former_links(organization, pair, &ids);
        let number = |id: HubSpotId| id.0 as u64;
        let links = links.await?.into_iter();
        let former = former.await?.into_iter();
        let merged_unheard = failures
            .iter()
            .filter(|entry| entry.failure.code == OBJECT_OF_ANOTHER)
            .filter_map(|entry| entry.record_id);
        Ok(Self {
            mirrors: world.mirrors,
            merged_unheard: merged_unheard.collect(),
            records: records.iter().map(|record| record.id).collect(),
            live,
            archived,
            left,
            links: links
                .map(|entry| (number(entry.link.hubspot_id), entry))
                .collect(),
            former: former
                .map(|entry| (number(entry.hubspot_id), entry))
                .collect(),
        })
    }

    /// The records with the live objects that they are linked to.
    pub fn linked(&self) -> impl Iterator<Item = (RecordId, u64)> {
        let there = |id: &u64| self.live.contains_key(id);
        self.links
            .iter()
            .filter(move |(id, entry)| there(id) && entry.record.is_some())
            .map(|(id, entry)| (entry.record_id, *id))
    }

    /// The objects that a record has or had.
    pub fn objects_of(&self, record: RecordId) -> impl Iterator<Item = u64> {
        let links = self.links.iter().map(|(id, entry)| (*id, entry.record_id));
        let former = self.former.iter().map(|(id, entry)| (*id, entry.record_id));
        let all = links.chain(former);
        all.filter(move |(_, of)| *of == record).map(|(id, _)| id)
    }

    /// The records that have or had one of these objects.
    pub fn records_of(&self, is_one: impl Fn(u64) -> bool) -> BTreeSet<RecordId> {
        let links = self.links.iter().map(|(id, entry)| (*id, entry.record_id));
        let former = self.former.iter().map(|(id, entry)| (*id, entry.record_id));
        let all = links.chain(former);
        all.filter(|(id, _)| is_one(*id))
            .map(|(_, of)| of)
            .collect()
    }

    /// Nothing is gone that nobody deleted, and nothing is there that should have gone with the other side.
    pub fn judge(&self, book: &Book) -> Result<(), Failure> {
        for record in &self.records {
            self.judge_record(book, *record)?;
        }
        for turn in &book.turns {
            if let Place::Record(record) = turn.place
                && turn.by_host
                && turn.gone
                && !self.may_go(book, record, turn.moment)
            {
                return Err(format!(
                    "record {record} was deleted, which nobody wanted: {:?}",
                    book.turns
                )
                .into());
            }
        }
        for (id, carried) in &self.live {
            self.judge_live(book, *id, *carried)?;
        }
        for id in &self.archived {
            self.judge_archived(book, *id)?;
        }
        Ok(())
    }

    fn judge_record(&self, book: &Book, record: RecordId) -> Result<(), Failure> {
        let link = self
            .links
            .iter()
            .find(|(_, entry)| entry.record_id == record);
        if let Some((id, _)) = link {
            if self.live.contains_key(id) {
                return Ok(());
            }
            return Err(format!("record {record} is linked to {id}, which is not there").into());
        }
        let mut former = self
            .former
            .iter()
            .filter(|(_, entry)| entry.record_id == record)
            .peekable();
        if former.peek().is_none() {
            if self.merged_unheard.contains(&record) && !book.merges.is_empty() {
                return Ok(());
            }
            return Err(format!("record {record} has no object").into());
        }
        let (mirrors, edited) = (self.mirrors, || has_edits(book, record));
        for (id, entry) in former {
            if self.live.contains_key(id) && entry.parting != Parting::Merged {
                return Err(format!("object {id} is there, and record {record} is without").into());
            }
            if mirrors && entry.parting == Parting::Archived && !edited() {
                return Err(format!("record {record} outlived its object {id}").into());
            }
        }
        Ok(())
    }

    fn judge_live(&self, book: &Book, id: u64, carried: Option<RecordId>) -> Result<(), Failure> {
        let deleted = |record| book.is_gone(Place::Record(record));
        let Some(link) = self.links.get(&id) else {
            // Made from a record that was deleted before anybody heard of it, or merged with what was.
            if carried.is_some_and(deleted) && (!self.mirrors || self.left.contains(&id)) {
                return Ok(());
            }
            return Err(format!(
                "object {id} is without a record: {:?}",
                self.former.get(&id)
            )
            .into());
        };
        if link.record.is_none() && self.mirrors {
            let record = link.record_id;
            return Err(format!("object {id} outlived its record {record}").into());
        }
        Ok(())
    }

    /// An object is in the archive because a person put it there, or deleted its record.
    fn judge_archived(&self, book: &Book, id: u64) -> Result<(), Failure> {
        let last = book.turns_of(Place::Object(id)).next_back();
        let last = last.ok_or_else(|| format!("object {id} was archived by nobody"))?;
        if !last.by_host {
            return Ok(());
        }
        let record = self.former.get(&id).map(|entry| entry.record_id);
        let wanted = record.is_some_and(|record| {
            book.turns_of(Place::Record(record))
                .any(|turn| turn.gone && !turn.by_host && turn.moment < last.moment)
        });
        if wanted && self.mirrors {
            return Ok(());
        }
        Err(format!("object {id} was archived, which nobody wanted").into())
    }

    /// Whether a person had archived an object of a record by then, where that deletes the record.
    fn may_go(&self, book: &Book, record: RecordId, by: Moment) -> bool {
        let is_archival = |turn: &Turn| turn.gone && !turn.by_host && turn.moment < by;
        // An object on which another record goes on since a merge is no more known as one of the record that was deleted here
        // afterwards.
        let is_forgotten = self.objects_of(record).next().is_none();
        let left_of_merge = book.merges.iter().map(|merge| merge.left);
        let forgotten = left_of_merge.filter(|_| is_forgotten);
        self.mirrors
            && self.objects_of(record).chain(forgotten).any(|id| {
                let left = Place::Object(book.became(id));
                book.turns_of(left).any(is_archival)
                    || book.turns_of(Place::Object(id)).any(is_archival)
            })
    }
}

/// Whether somebody edited a record here, so that it may hold what HubSpot never took.
fn has_edits(book: &Book, record: RecordId) -> bool {
    let place = Place::Record(record);
    let came_back = book.turns_of(place).any(|turn| !turn.gone);
    came_back || book.edits.iter().any(|edit| edit.place == place)
}

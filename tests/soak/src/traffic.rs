//! People who edit both sides, and what they gave each field last.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use hubspot_sim::Values;
use partneros_domain::{FieldName, Named, RecordId, Value};
use partneros_store::{Error, NewRecord, RecordPatch, Records as _};
use partneros_sync::Environment as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::{Instant, MissedTickBehavior};

use crate::fleet::{Fleet, Member};
use crate::host::SystemEnvironment;
use crate::mapping::{COMPANIES, EDITED, OBJECT};

/// How many in a hundred edits make something new.
const CREATES: u32 = 4;
/// How many in a thousand archive an object in HubSpot.
const ARCHIVES: u32 = 2;
/// How many records of an organization are asked for when one is chosen to be edited.
const CHOICE: usize = 500;

/// The edits so far.
#[derive(Debug)]
pub struct Traffic {
    dice: StdRng,
    pause: Duration,
    number: u64,
    /// What somebody gave a field of a record last, by member.
    pub ours: HashMap<(usize, RecordId, &'static str), String>,
    /// What somebody gave a property of an object last, by member.
    pub theirs: HashMap<(usize, u64, &'static str), String>,
    /// Records that people made, by member, and their names.
    pub made_here: Vec<(usize, RecordId)>,
    /// Objects that people made.
    pub made_there: Vec<(usize, u64)>,
    archived: usize,
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} edits, {} records and {} objects made, {} objects archived",
            self.number,
            self.made_here.len(),
            self.made_there.len(),
            self.archived
        )
    }
}

impl Traffic {
    /// Edits by a seed, so many in a second.
    pub fn new(seed: u64, edits_per_s: u64) -> Self {
        Self {
            dice: StdRng::seed_from_u64(seed),
            pause: Duration::from_secs_f64(1.0 / edits_per_s as f64),
            number: 0,
            ours: HashMap::new(),
            theirs: HashMap::new(),
            made_here: Vec::new(),
            made_there: Vec::new(),
            archived: 0,
        }
    }

    /// Edits until then.
    pub async fn run(&mut self, fleet: &Fleet, until: Instant) -> anyhow::Result<()> {
        let mut tick = tokio::time::interval(self.pause);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while Instant::now() < until {
            tick.tick().await;
            self.number += 1;
            let at = self.dice.random_range(0..fleet.members.len());
            let member = &fleet.members[at];
            if self.dice.random_bool(0.5) {
                self.edit_ours(fleet, at, member).await?;
            } else {
                self.edit_theirs(at, member)?;
            }
        }
        Ok(())
    }

    async fn edit_ours(&mut self, fleet: &Fleet, at: usize, member: &Member) -> anyhow::Result<()> {
        let (store, now) = (&fleet.host.store, SystemEnvironment.now());
        if self.dice.random_ratio(CREATES, 100) {
            let id = RecordId(SystemEnvironment.new_id());
            let texts = [
                ("name", format!("Made here {}", self.number)),
                ("domain", format!("here-{}.example", self.number)),
            ];
            let fields = texts
                .into_iter()
                .map(|(name, text)| (FieldName::from(name), Value::Text(text)))
                .collect();
            let new = NewRecord { id, fields };
            let made = store.create_record(member.organization, OBJECT, new, now);
            made.await?;
            self.made_here.push((at, id));
            return Ok(());
        }
        let records = store.records(member.organization, OBJECT, None, CHOICE);
        let records = records.await?.items;
        let Some(record) = records.choose(&mut self.dice) else {
            return Ok(());
        };
        let (field, value) = self.value("o");
        let patch = RecordPatch {
            fields: Named::from_iter([(FieldName::from(field), Some(Value::Text(value.clone())))]),
            expected_version: None,
        };
        let edited = store.update_record(member.organization, OBJECT, record.id, patch, now);
        match edited.await {
            Ok(_) => drop(self.ours.insert((at, record.id, field), value)),
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn edit_theirs(&mut self, at: usize, member: &Member) -> anyhow::Result<()> {
        let now = member.portal.now();
        let mut portal = member.portal.sim();
        let refused = |error| anyhow::anyhow!("HubSpot refuses an edit: {error:?}");
        if self.dice.random_ratio(CREATES, 100) {
            let name = format!("Made there {}", self.number);
            let domain = format!("there-{}.example", self.number);
            let values = Values::from([("name", name.as_str()), ("domain", domain.as_str())]);
            let made = portal.person_creates(COMPANIES, values, now);
            self.made_there.push((at, made.map_err(refused)?.id));
            return Ok(());
        }
        let live = portal.live_ids(COMPANIES).map_err(refused)?;
        let Some(id) = live.choose(&mut self.dice).copied() else {
            return Ok(());
        };
        if self.dice.random_ratio(ARCHIVES, 1_000) {
            let archived = portal.person_archives(COMPANIES, id, now);
            archived.map_err(refused)?;
            self.archived += 1;
            return Ok(());
        }
        let (property, value) = self.value("t");
        let values = Values::from([(property, value.as_str())]);
        let set = portal.person_sets(COMPANIES, id, values, now);
        set.map_err(refused)?;
        self.theirs.insert((at, id, property), value);
        Ok(())
    }

    /// A field, and a value that no field ever had.
    fn value(&mut self, side: &str) -> (&'static str, String) {
        let field = EDITED[self.dice.random_range(0..EDITED.len())];
        (field, format!("{side}{}", self.number))
    }
}

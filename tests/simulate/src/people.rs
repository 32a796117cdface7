//! What people do on both sides, each thing written down in the ledger.

use hubspot_sim::state::linking::{End, Pair};
use hubspot_sim::state::view::Text;
use hubspot_sim::{Call, Kind};
use partneros_domain::PluginFailurePolicy::{LastGoodVersion, SkipField};
use partneros_domain::{Mappings, RecordId, Value};
use partneros_store::{NewRecord, Pairs as _, Record, RecordPatch, Records as _, SyncState as _};
use rand::RngExt;
use tokio::time::timeout;
use uuid::Uuid;

use crate::Failure;
use crate::ledger::{Merge, Place, held, text};
use crate::points::{Points, lock};
use crate::run::{POINT_WAIT, World};
use crate::schedule::What;
use crate::template::{CHOICE, Field, OBJECT, OURS, RECORD_ID, choice};
use crate::wire::say;

/// Points within which a process makes two passes.
const TURN_POINTS: u64 = 120;

impl World {
    /// Takes a step.
    pub(crate) async fn take(&mut self, what: What) -> Result<(), Failure> {
        say(|| format!("{what:?}"));
        self.trace.add(format!("{what:?}"));
        match what {
            What::TheirEdit {
                entity,
                field,
                clear,
            } => {
                if let Some(id) = self.object(entity) {
                    self.their_edit(id, field, clear);
                }
            }
            What::OurEdit {
                entity,
                field,
                clear,
            } => {
                if let Some(record) = self.record(entity).await? {
                    self.our_edit(&record, field, clear).await?;
                }
            }
            What::TheirNew => self.their_new()?,
            What::OurNew => drop(self.our_new().await?),
            What::TheirArchive { entity } => self.their_archive(entity)?,
            What::TheirRestore { entity } => self.their_restore(entity)?,
            What::TheirMerge { primary, other } => self.their_merge(primary, other)?,
            What::Associate { entity } => self.associate(entity)?,
            What::OurDelete { entity } => self.our_delete(entity).await?,
            What::Bump { entity } => {
                if let Some(id) = self.object(entity) {
                    let note = self.word("note");
                    self.sets(id, &[("description", &note)])?;
                }
            }
            What::Import { count, field } => {
                for id in (0..count)
                    .filter_map(|entity| self.object(entity))
                    .collect::<Vec<_>>()
                {
                    self.their_edit(id, field, false);
                }
            }
            What::Flood { count } => {
                for _ in 0..count {
                    self.their_new()?;
                }
            }
            What::Trouble { per_mille } => self.make_trouble(per_mille),
            What::Conflicts { times } => self.refuse_writes(times),
            What::ExpireTokens => {
                let now = self.hubspot.clock.now();
                lock(&self.hubspot.sim).grants.expire_access(now);
            }
            What::Uninstall => self.uninstall(),
            What::Connect => self.connect().await?,
            What::Property { field, there } => self.set_property(field, there),
            What::Overlong {
                entity,
                field,
                theirs,
            } => self.set_overlong(entity, field, theirs).await?,
            What::Poison {
                entity,
                field,
                theirs,
            } => self.set_poison(entity, field, theirs).await?,
            What::SkipFields => self.set_failure_policy(SkipField).await?,
            What::LastGood => self.set_failure_policy(LastGoodVersion).await?,
            What::Bind { mapper } => self.bind(mapper).await?,
            What::Options { there } => self.set_options(there),
            What::Policy { field, policy } => {
                self.policies_changed.insert(field);
                self.save(field, policy).await?;
            }
            What::Full => {
                let (organization, pair) = (self.template.organization, self.template.pair);
                self.store.set_cursor(organization, pair, None).await?;
            }
            What::Crash { .. }
            | What::Unanswered { .. }
            | What::UnansweredNew
            | What::Tug { .. } => {}
        }
        Ok(())
    }

    pub(crate) fn word(&mut self, of: &str) -> String {
        self.made += 1;
        format!("{of} {}", self.made)
    }

    /// A value for a field that nobody has written before.
    fn new_value(&mut self, of: &str, field: usize) -> String {
        if field != CHOICE {
            return self.word(of);
        }
        self.chosen += 1;
        choice(of, self.chosen)
    }

    pub(crate) fn object(&self, entity: usize) -> Option<u64> {
        let ids = lock(&self.hubspot.sim).live_ids(OBJECT).ok()?;
        ids.get(entity % ids.len().max(1)).copied()
    }

    fn sets(&self, id: u64, values: &[(&str, &str)]) -> Result<(), Failure> {
        let now = self.hubspot.clock.now();
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let values = hubspot_sim::Values(values.collect());
        let set = lock(&self.hubspot.sim).person_sets(OBJECT, id, values, now);
        set.map(drop).map_err(|error| format!("{error:?}").into())
    }

    pub(crate) fn their_edit(&mut self, id: u64, field: usize, clear: bool) {
        // An object keeps its name, as a record must.
        let value = (!clear || field == 0).then(|| self.new_value("theirs", field));
        self.their_value(id, field, value);
    }

    pub(crate) fn their_value(&mut self, id: u64, field: usize, value: Option<String>) {
        if held(&lock(&self.hubspot.sim))
            .remove(&(id, field))
            .flatten()
            == value
        {
            return;
        }
        let set = value.clone().unwrap_or_default();
        if self.sets(id, &[(Field::ALL[field].property, &set)]).is_ok() {
            self.ledger
                .edit(self.ours.now(), Place::Object(id), field, value);
        }
    }

    fn their_new(&mut self) -> Result<(), Failure> {
        let name = self.word("theirs");
        let now = self.hubspot.clock.now();
        let values = hubspot_sim::Values(
            vec![("name".to_owned(), name.clone())]
                .into_iter()
                .collect(),
        );
        let made = lock(&self.hubspot.sim).person_creates(OBJECT, values, now);
        let id = made.map_err(|error| format!("{error:?}"))?.id;
        self.ledger
            .edit(self.ours.now(), Place::Object(id), 0, Some(name));
        Ok(())
    }

    async fn our_new(&mut self) -> Result<RecordId, Failure> {
        let name = self.word("ours");
        let id = RecordId(Uuid::from_u128(self.dice.random()));
        let fields = [("name".into(), Value::Text(name.clone()))];
        let record = NewRecord {
            id,
            fields: fields.into_iter().collect(),
        };
        let now = self.ours.now();
        self.store
            .create_record(self.template.organization, OURS, record, now)
            .await?;
        self.ledger.edit(now, Place::Record(id), 0, Some(name));
        Ok(id)
    }

    pub(crate) async fn record(&self, entity: usize) -> Result<Option<Record>, Failure> {
        let organization = self.template.organization;
        let page = self.store.records(organization, OURS, None, 100).await?;
        let mut records = page.items;
        let at = entity % records.len().max(1);
        Ok((at < records.len()).then(|| records.swap_remove(at)))
    }

    pub(crate) async fn our_edit(
        &mut self,
        record: &Record,
        field: usize,
        clear: bool,
    ) -> Result<(), Failure> {
        let value = (!clear || field == 0).then(|| self.new_value("ours", field));
        self.our_value(record, field, value).await
    }

    pub(crate) async fn our_value(
        &mut self,
        record: &Record,
        field: usize,
        value: Option<String>,
    ) -> Result<(), Failure> {
        let organization = self.template.organization;
        if text(record.fields.get(Field::ALL[field].name)) == value {
            return Ok(());
        }
        let patch = (
            Field::ALL[field].name.into(),
            value.clone().map(Value::Text),
        );
        let patch = RecordPatch {
            fields: [patch].into_iter().collect(),
            expected_version: None,
        };
        // What the record had become until now: a process that is held up may have kept its commit from being seen.
        self.look().await?;
        let now = self.ours.now();
        let updated = self
            .store
            .update_record(organization, OURS, record.id, patch, now);
        if if_there(updated.await)?.is_some() {
            self.ledger
                .edit(now, Place::Record(record.id), field, value);
        }
        Ok(())
    }

    fn their_archive(&self, entity: usize) -> Result<(), Failure> {
        let Some(id) = self.object(entity) else {
            return Ok(());
        };
        let archived =
            lock(&self.hubspot.sim).person_archives(OBJECT, id, self.hubspot.clock.now());
        archived.map_err(|error| format!("{error:?}"))?;
        self.ledger.turn(Place::Object(id), true);
        Ok(())
    }

    /// An object whose unique value another has by now stays in the archive.
    fn their_restore(&self, entity: usize) -> Result<(), Failure> {
        let mut sim = lock(&self.hubspot.sim);
        let companies = sim.object_type(sim.standard(Kind::Companies));
        let key = companies.registry.position(RECORD_ID);
        let is_free = |record: &&hubspot_sim::state::Record| {
            let value = key.and_then(|key| Some((key, record.get(key)?)));
            value.is_none_or(|(key, value)| companies.holder(key, value).is_none())
        };
        let archived = companies
            .records
            .values()
            .filter(|record| record.archived.is_some());
        let ids: Vec<_> = archived.filter(is_free).map(|record| record.id).collect();
        let Some(id) = ids.get(entity % ids.len().max(1)) else {
            return Ok(());
        };
        let restored = sim.person_restores(OBJECT, *id, self.hubspot.clock.now());
        restored.map_err(|error| format!("{error:?}"))?;
        drop(sim);
        self.ledger.turn(Place::Object(*id), false);
        Ok(())
    }

    fn their_merge(&self, primary: usize, other: usize) -> Result<(), Failure> {
        let (Some(primary), Some(other)) = (self.object(primary), self.object(other)) else {
            return Ok(());
        };
        if primary == other {
            return Ok(());
        }
        let mut sim = lock(&self.hubspot.sim);
        let before = held(&sim);
        let merged = sim.person_merges(OBJECT, primary, other, self.hubspot.clock.now());
        let left = merged.map_err(|error| format!("{error:?}"))?.id;
        let after = held(&sim);
        drop(sim);
        let merge = Merge {
            primary,
            other,
            left,
        };
        let at = self.ours.now();
        self.ledger
            .with(|book| book.merge(merge, at, &before, &after));
        Ok(())
    }

    /// Calculated properties change, and the modified date does not.
    fn associate(&mut self, entity: usize) -> Result<(), Failure> {
        let Some(id) = self.object(entity) else {
            return Ok(());
        };
        let call = Call::person(self.hubspot.clock.now());
        let mut sim = lock(&self.hubspot.sim);
        let made = sim.person_creates("contacts", hubspot_sim::Values::default(), call.now);
        let contact = made.map_err(|error| format!("{error:?}"))?.id;
        let end = |id: u64| End {
            id: Text(id.to_string()),
        };
        let pair = Pair {
            from: end(contact),
            to: end(id),
            types: Vec::new(),
        };
        let made = sim.batch_create_associations(&call, "contacts", OBJECT, &[pair]);
        made.map(drop).map_err(|error| format!("{error:?}").into())
    }

    /// Someone writes what a workflow rewrites, again and again.
    pub(crate) async fn tug(
        &mut self,
        entity: usize,
        turns: usize,
        points: &Points,
    ) -> Result<(), Failure> {
        let Some(field) = self.meets.rewrites else {
            return Ok(());
        };
        self.trace.add(format!("a tug of {turns} turns"));
        say(|| format!("a tug of {turns} turns"));
        for _ in 0..turns {
            let Some(record) = self.record(entity).await? else {
                return Ok(());
            };
            self.our_edit(&record, field, false).await?;
            // A pass takes it over there, and the next sees what became of it.
            let _ = timeout(POINT_WAIT, points.after(TURN_POINTS)).await;
            self.look().await?;
        }
        Ok(())
    }

    async fn our_delete(&mut self, entity: usize) -> Result<(), Failure> {
        let Some(record) = self.record(entity).await? else {
            return Ok(());
        };
        let organization = self.template.organization;
        let now = self.ours.now();
        // What the record had become until now.
        self.look().await?;
        let deleted = self.store.delete_record(organization, OURS, record.id, now);
        if if_there(deleted.await)?.is_some() {
            self.ledger.turn(Place::Record(record.id), true);
        }
        Ok(())
    }

    /// An edit reaches HubSpot, nobody hears of it, and the same field is edited once more.
    pub(crate) async fn unanswered(&mut self, what: What, points: &Points) -> Result<(), Failure> {
        let What::Unanswered {
            entity,
            field,
            theirs,
        } = what
        else {
            return Ok(());
        };
        self.trace.add(format!("{what:?}"));
        say(|| format!("{what:?}"));
        let Some(record) = self.record(entity).await? else {
            return Ok(());
        };
        self.our_edit(&record, field, false).await?;
        if timeout(POINT_WAIT, points.end_unanswered("/batch/update"))
            .await
            .is_err()
        {
            return Ok(());
        }
        self.look().await?;
        let (organization, pair) = (self.template.organization, self.template.pair);
        if !theirs {
            return self.our_edit_if_there(record.id, field).await;
        }
        let link = self.store.link_of_record(organization, pair, record.id);
        if let Some(link) = link.await? {
            let id = u64::try_from(link.hubspot_id.0)?;
            // HubSpot takes what is written to an object that was merged for what is left.
            let id = self.ledger.with(|book| book.became(id));
            self.their_edit(id, field, false);
        }
        Ok(())
    }

    /// An object is made, nobody hears of it, and its record is called something else by then.
    pub(crate) async fn unanswered_new(&mut self, points: &Points) -> Result<(), Failure> {
        self.trace.add("a create that nobody hears of");
        say(|| "a create that nobody hears of".to_owned());
        let id = self.our_new().await?;
        let made = timeout(POINT_WAIT, points.end_unanswered("/batch/upsert")).await;
        self.look().await?;
        match made {
            Ok(_) => self.our_edit_if_there(id, 0).await,
            Err(_) => Ok(()),
        }
    }

    async fn our_edit_if_there(&mut self, id: RecordId, field: usize) -> Result<(), Failure> {
        let record = self.store.record(self.template.organization, OURS, id);
        match if_there(record.await)? {
            Some(record) => self.our_edit(&record, field, false).await,
            None => Ok(()),
        }
    }

    async fn save(&self, field: usize, policy: usize) -> Result<(), Failure> {
        use partneros_domain::ConflictPolicy::{CrmWins, NewestWins, PartnerOsWins};
        let policy = [PartnerOsWins, CrmWins, NewestWins][policy % 3];
        let (organization, pair) = (self.template.organization, self.template.pair);
        let set = self.store.mappings(organization, pair).await?;
        let mut mappings: Mappings = set.mappings;
        mappings.set(Field::ALL[field].mapping(policy));
        self.store
            .put_mappings(organization, pair, set.version, &mappings)
            .await?;
        Ok(())
    }
}

/// A record may be deleted with its object at any moment; who wanted to do something with it finds it gone.
fn if_there<T>(done: partneros_store::Result<T>) -> Result<Option<T>, Failure> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(partneros_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

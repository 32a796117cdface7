//! Carries PartnerOS's edits to HubSpot: a batch of the outbox at a time.
//!
//! HubSpot has no conditional write. So the current values of a batch are read and taken in through [`absorb`] right
//! before it is written; what HubSpot changed meanwhile is settled by policy first, and only fields whose HubSpot value
//! is still the base's are written. What HubSpot answers becomes the base, so our own write is no change to the next poll.
//!
//! New objects are made by upsert on a unique property that holds the record's id: a create whose outcome is unknown
//! can be repeated and makes no duplicate. Before that they are looked up by it, so that what became of such an object
//! meanwhile is taken in instead of overwritten.

use std::collections::HashMap;
use std::sync::Arc;

use partneros_domain::{HubSpotId, RecordId, Stages, Value};
use partneros_hubspot::{BATCH_MAX, Priority, Rows};
use partneros_store::{
    Commit, Counts, Effect, FailureStage, NewFailure, OBJECT_MISSING, OutboxEffect, OutboxEntry,
    RecordEffect, Watched,
};

use crate::absorb::{Unknown, absorb, match_text};
use crate::discovery::RECORD_ID_PROPERTY;
use crate::draft::{Draft, drafts};
use crate::error::Error;
use crate::mistakes::{Mistake, made};
use crate::pass::Pass;
use crate::presence::note_missing;
use crate::row::Row;
use crate::send::send;
use crate::strangers::ambiguous;
use crate::tug;

/// The code of a record whose object was merged into another record's before it was linked.
pub const OBJECT_OF_ANOTHER: &str = "hubspot_object_of_another";

/// Pushes everything that is due.
pub async fn push(pass: &mut Pass) -> Result<(), Error> {
    if !pass.plan.pair.direction.writes_hubspot() {
        return Ok(());
    }
    let mut after = None;
    loop {
        pass.step().await?;
        let entries = due(pass, after).await?;
        let Some(last) = entries.last() else {
            return Ok(());
        };
        let next = last.record.id;
        push_batch(pass, after, &entries).await?;
        after = Some(next);
    }
}

async fn due(pass: &Pass, after: Option<RecordId>) -> Result<Vec<OutboxEntry>, Error> {
    let now = pass.engine.environment.now();
    let pair = pass.plan.pair.id;
    Ok(pass
        .engine
        .store
        .outbox(pass.organization, pair, now, after, BATCH_MAX)
        .await?)
}

async fn push_batch(
    pass: &mut Pass,
    after: Option<RecordId>,
    entries: &[OutboxEntry],
) -> Result<(), Error> {
    let current = read_now(pass, entries).await?;
    if !made(Mistake::Overwritten) {
        absorb(pass, Arc::clone(&current.linked), Unknown::Skip, None, 0).await?;
    }
    absorb(pass, Arc::clone(&current.made), Unknown::Create, None, 0).await?;
    // What was just taken in may have changed records and links of this batch.
    let known: Vec<_> = entries.iter().map(|entry| entry.record.id).collect();
    let mut entries = due(pass, after).await?;
    entries.retain(|entry| known.contains(&entry.record.id));
    let mut counts = Counts {
        pushed: entries.len() as u64,
        ..Counts::default()
    };
    let taken = taken(pass, &current.made).await?;
    let (ready, effects) = sort_out(pass, &entries, &current, &taken, &mut counts);
    let environment = &pass.engine.environment;
    let taken_up_at = environment.now();
    let mut drafts = drafts(pass, ready, &current).await?;
    let transformed_at = environment.now();
    tug::hold(pass, &mut drafts).await?;
    let intents: Vec<_> = drafts
        .iter()
        .filter_map(|draft| draft.intent(&pass.plan))
        .filter(|_| !made(Mistake::NoIntent))
        .collect();
    if !intents.is_empty() {
        let overwrites = drafts.iter().flat_map(|draft| draft.overwrites(&pass.plan));
        let watched = pass.brake.watched(overwrites.collect());
        commit(pass, intents, Counts::default(), watched).await?;
    }
    let sent = send(pass, &mut drafts, &mut counts).await;
    let since: Vec<_> = drafts.iter().filter_map(Draft::arrived).collect();
    // Whatever stopped the sending, what was written before is written: it must be remembered.
    finish(pass, drafts, effects, counts).await?;
    let stages = Stages {
        seen_at: None,
        taken_up_at,
        transformed_at,
        written_at: pass.engine.environment.now(),
    };
    pass.tally.pushed(&since, stages);
    sent
}

/// Remembers what was achieved. Rows that were not answered stay in the outbox.
async fn finish(
    pass: &Pass,
    drafts: Vec<Draft>,
    mut effects: Vec<Effect>,
    mut counts: Counts,
) -> Result<(), Error> {
    let settings = &pass.engine.settings;
    let retry_ms = i64::try_from(settings.retry_ms).unwrap_or(i64::MAX);
    let retry_at = pass.engine.environment.now().plus_millis(retry_ms);
    for draft in drafts.into_iter().filter(|draft| !draft.is_open()) {
        counts.failed += draft.failures.len() as u64;
        effects.push(draft.into_effect(retry_at));
    }
    commit(pass, effects, counts, None).await
}

/// A record that was edited meanwhile keeps its place in the outbox; its link remembers what was pushed.
async fn commit(
    pass: &Pass,
    effects: Vec<Effect>,
    counts: Counts,
    watched: Option<Watched>,
) -> Result<(), Error> {
    let commit = Commit {
        lease: pass.lease,
        run_id: pass.run_id,
        at: pass.engine.environment.now(),
        effects,
        rejected: Vec::new(),
        parked: None,
        watched,
        cursor: None,
        counts,
    };
    pass.engine.store.commit(pass.organization, commit).await?;
    Ok(())
}

/// What HubSpot holds right before a batch is written.
#[derive(Debug, Default)]
pub struct HubSpotNow {
    /// The objects of linked records.
    linked: Arc<Rows>,
    /// Objects that carry the id of a record without a link: made by a push whose answer never came.
    made: Arc<Rows>,
    /// Where each object's row is.
    position: HashMap<HubSpotId, (bool, usize)>,
}

impl HubSpotNow {
    fn new(linked: Rows, made: Rows) -> Self {
        let mut position = HashMap::with_capacity(linked.len() + made.len());
        for (is_linked, rows) in [(false, &made), (true, &linked)] {
            let places = rows.ids.iter().enumerate();
            position.extend(places.map(|(at, id)| (*id, (is_linked, at))));
        }
        Self {
            linked: Arc::new(linked),
            made: Arc::new(made),
            position,
        }
    }

    /// The row of an object.
    pub fn row(&self, id: HubSpotId) -> Option<Row<'_>> {
        let (is_linked, at) = self.position.get(&id)?;
        let rows = if *is_linked { &self.linked } else { &self.made };
        Some(Row::new(rows, *at))
    }
}

async fn read_now(pass: &mut Pass, entries: &[OutboxEntry]) -> Result<HubSpotNow, Error> {
    let mut ids = Vec::new();
    let mut keys = Vec::new();
    for entry in entries {
        match &entry.link {
            Some(link) => ids.push(link.hubspot_id),
            None if entry.detached_from.is_some() => {}
            None => keys.push(entry.record.id.to_string()),
        }
    }
    let (mut linked, mut made) = (Rows::default(), Rows::default());
    if !keys.is_empty() {
        pass.ensure_key_property().await?;
    }
    let plan = &pass.plan;
    let object = &plan.pair.hubspot_object;
    if !ids.is_empty() {
        let read = pass
            .portal
            .read_batch(object, &plan.properties, &ids, Priority::Push);
        let read = read.await.map_err(Error::Push)?;
        note_missing(pass, &read.missing).await?;
        linked = read.rows;
    }
    if !keys.is_empty() {
        let key = RECORD_ID_PROPERTY.into();
        let read = pass
            .portal
            .read_by_key(object, &plan.properties, &key, &keys, Priority::Push);
        made = read.await.map_err(Error::Push)?;
    }
    Ok(HubSpotNow::new(linked, made))
}

/// Records whose id an object carries that belongs to another record: the object that was made from them was merged before
/// anybody heard of it. An upsert by that id would write one record's values over the other's.
async fn taken(pass: &Pass, made: &Rows) -> Result<HashMap<RecordId, HubSpotId>, Error> {
    if made.is_empty() || crate::mistakes::made(Mistake::OthersObject) {
        return Ok(HashMap::new());
    }
    let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
    let links = store
        .links_by_hubspot_id(pass.organization, pair, &made.ids)
        .await?;
    let owners: HashMap<_, _> = links
        .iter()
        .map(|entry| (entry.link.hubspot_id, entry.record_id))
        .collect();
    let carried = (0..made.len()).filter_map(|at| {
        let row = Row::new(made, at);
        let carried: RecordId = row.value(pass.plan.record_id_column)?.parse().ok()?;
        let owner = owners.get(&row.id)?;
        (*owner != carried).then_some((carried, row.id))
    });
    Ok(carried.collect())
}

/// Splits a batch into what can be written and what must be parked.
fn sort_out<'a>(
    pass: &Pass,
    entries: &'a [OutboxEntry],
    current: &HubSpotNow,
    taken: &HashMap<RecordId, HubSpotId>,
    counts: &mut Counts,
) -> (Vec<&'a OutboxEntry>, Vec<Effect>) {
    let mut ready = Vec::with_capacity(entries.len());
    let mut parked = Vec::new();
    for entry in entries {
        let problem = match &entry.link {
            Some(link) => current
                .row(link.hubspot_id)
                .is_none()
                .then(|| object_missing(link.hubspot_id)),
            None => match (entry.detached_from, taken.get(&entry.record.id)) {
                (Some(id), _) => Some(object_missing(id)),
                (None, Some(id)) => Some(object_taken(*id)),
                (None, None) => is_ambiguous(pass, entry).then(|| ambiguous(&pass.plan)),
            },
        };
        match problem {
            None => ready.push(entry),
            Some(failure) => {
                counts.failed += 1;
                parked.push(park(entry, failure));
            }
        }
    }
    (ready, parked)
}

fn is_ambiguous(pass: &Pass, entry: &OutboxEntry) -> bool {
    let key = pass.plan.pair.match_key.as_ref();
    let value = key.and_then(|key| entry.record.fields.get(key.field.as_str()));
    value
        .and_then(key_text)
        .is_some_and(|text| pass.ambiguous.contains(&text))
}

/// A field's value as match keys are compared.
fn key_text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(match_text(text)),
        Value::Integer(number) => Some(number.to_string()),
        Value::Number(_) | Value::Boolean(_) | Value::Texts(_) => None,
    }
}

fn object_missing(id: HubSpotId) -> NewFailure {
    NewFailure {
        field: None,
        property: None,
        code: OBJECT_MISSING.to_owned(),
        message: format!("HubSpot object `{id}` was archived, merged or deleted"),
        hint: "restore the object in HubSpot, delete the record, or release it to have a new object made"
            .to_owned(),
    }
}

fn object_taken(id: HubSpotId) -> NewFailure {
    NewFailure {
        field: None,
        property: Some(RECORD_ID_PROPERTY.into()),
        code: OBJECT_OF_ANOTHER.to_owned(),
        message: format!(
            "HubSpot object `{id}` carries the id of this record and belongs to another one, since objects were merged"
        ),
        hint: format!(
            "delete the record, or clear `{RECORD_ID_PROPERTY}` of the object and retry to have a new object made"
        ),
    }
}

fn park(entry: &OutboxEntry, failure: NewFailure) -> Effect {
    Effect {
        record_id: entry.record.id,
        record: RecordEffect::Keep {
            version: entry.record.version,
        },
        link: None,
        outbox: OutboxEffect::Settle,
        failures: vec![failure],
        stage: FailureStage::Push,
        conflicts: Vec::new(),
    }
}

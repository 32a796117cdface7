//! HubSpot objects without a link: which of our records each belongs to, if any.
//!
//! First by the id that we wrote onto the object when we made it, then by the pair's match key. An id that is none of our
//! records says nothing (the object may come from another installation), so the key is asked then. An object whose record
//! was deleted here does not bring the record back. It stays alone, or is archived where its record was deleted before
//! anybody heard of the object and the pair mirrored deletions.

use std::collections::{HashMap, HashSet};

use partneros_domain::{Base, HubSpotId, RecordId};
use partneros_hubspot::Rows;
use partneros_store::{DeletedRecord, LinkStep, NewFailure, Record};

use crate::error::Error;
use crate::judge::Counterpart;
use crate::pair_plan::PairPlan;
use crate::pass::{KeyMatch, Pass};
use crate::presence;
use crate::row::Row;

/// The code of an object, or record, that could belong to several of the other side's.
pub const AMBIGUOUS: &str = "ambiguous_match";

/// What unlinked rows turned out to be.
#[derive(Debug, Default)]
pub struct Met {
    /// Rows with their counterpart.
    pub counterparts: Vec<(usize, Counterpart)>,
    /// Objects that could belong to several records.
    pub ambiguous: Vec<HubSpotId>,
}

/// Finds what each unlinked row belongs to; what remains is new. `strangers` are positions in `rows`.
pub async fn meet(pass: &mut Pass, rows: &Rows, strangers: &[usize]) -> Result<Met, Error> {
    let own = |at: usize| -> Option<RecordId> {
        Row::new(rows, at)
            .value(pass.plan.record_id_column)?
            .parse()
            .ok()
    };
    let marked: Vec<(usize, Option<RecordId>)> =
        strangers.iter().map(|at| (*at, own(*at))).collect();
    let ids: Vec<_> = marked.iter().filter_map(|(_, id)| *id).collect();
    let mut made = unlinked(pass, &ids).await?;
    let mut sent = sent(pass, &made).await?;
    let deleted = deleted(pass, &ids).await?;
    let mut met = Met::default();
    let (mut by_key, mut late) = (Vec::new(), Vec::new());
    for (at, id) in marked {
        if let Some(record) = id.and_then(|id| made.remove(&id)) {
            let sent = sent.remove(&record.id).unwrap_or_default();
            met.counterparts.push((at, Counterpart::Made(record, sent)));
        } else if let Some(record) = id.and_then(|id| deleted.get(&id)) {
            // What is left of a merge is others' too.
            if record.unheard && !presence::is_merged(pass, &Row::new(rows, at)) {
                late.push(LinkStep::Doom {
                    record_id: record.id,
                    hubspot_id: rows.ids[at],
                });
            }
        } else {
            by_key.push(at);
        }
    }
    presence::take(pass, late).await?;
    match_keys(pass, rows, &by_key, &mut met).await?;
    Ok(met)
}

async fn match_keys(
    pass: &mut Pass,
    rows: &Rows,
    strangers: &[usize],
    met: &mut Met,
) -> Result<(), Error> {
    let mut taken: HashSet<RecordId> = met
        .counterparts
        .iter()
        .filter_map(|(_, counterpart)| counterpart.record_id())
        .collect();
    let mut matched = Vec::with_capacity(strangers.len());
    for &at in strangers {
        let key = pass
            .plan
            .match_column
            .and_then(|column| Row::new(rows, at).value(column));
        let found = match key {
            Some(key) => pass.unlinked_by_key(key).await?,
            None => KeyMatch::None,
        };
        match found {
            KeyMatch::Several => met.ambiguous.push(rows.ids[at]),
            // A record goes to the first of several objects with its key; the others are objects of their own.
            KeyMatch::One(id) if taken.insert(id) => matched.push((at, Some(id))),
            KeyMatch::One(_) | KeyMatch::None => matched.push((at, None)),
        }
    }
    let ids: Vec<_> = matched.iter().filter_map(|(_, id)| *id).collect();
    let mut records = unlinked(pass, &ids).await?;
    let creates = pass.plan.pair.direction.writes_partneros();
    for (at, id) in matched {
        if let Some(record) = id.and_then(|id| records.remove(&id)) {
            met.counterparts.push((at, Counterpart::Matched(record)));
        } else if creates {
            let id = RecordId(pass.engine.environment.new_id());
            met.counterparts.push((at, Counterpart::New(id)));
        }
    }
    Ok(())
}

async fn unlinked(pass: &Pass, ids: &[RecordId]) -> Result<HashMap<RecordId, Record>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
    let records = store.unlinked_records(pass.organization, pair, ids).await?;
    Ok(records
        .into_iter()
        .map(|record| (record.id, record))
        .collect())
}

/// What was sent to make objects of these records.
async fn sent(
    pass: &Pass,
    made: &HashMap<RecordId, Record>,
) -> Result<HashMap<RecordId, Base>, Error> {
    if made.is_empty() {
        return Ok(HashMap::new());
    }
    let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
    let ids: Vec<_> = made.keys().copied().collect();
    let sent = store.sent_creates(pass.organization, pair, &ids).await?;
    Ok(sent.into_iter().collect())
}

async fn deleted(pass: &Pass, ids: &[RecordId]) -> Result<HashMap<RecordId, DeletedRecord>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
    let records = store.deleted_records(pass.organization, pair, ids).await?;
    Ok(records
        .into_iter()
        .map(|record| (record.id, record))
        .collect())
}

/// Why an object, or a record, that could belong to several of the other side's is left alone.
pub fn ambiguous(plan: &PairPlan) -> NewFailure {
    let key = plan.pair.match_key.as_ref();
    NewFailure {
        field: key.map(|key| key.field.clone()),
        property: key.map(|key| key.property.clone()),
        code: AMBIGUOUS.to_owned(),
        message: "several records share the match key of one HubSpot object".to_owned(),
        hint: "merge or delete the surplus records, or give them different values".to_owned(),
    }
}

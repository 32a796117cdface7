//! Takes a batch of HubSpot's rows in: finds what each corresponds to, transforms what changed, decides, commits.
//!
//! The pull feeds its pages through here, and the push feeds what it reads right before it writes, so there is one place
//! where HubSpot's values meet ours.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use partneros_domain::{Column, HubSpotId, RecordId, Stages, Timestamp};
use partneros_hubspot::{BATCH_MAX, Rows};
use partneros_store::{
    Commit, Counts, Cursor, Effect, LinkedRecord, NewFailure, NotedChange, RecordEffect,
};

use crate::error::Error;
use crate::judge::{Counterpart, Verdict, is_changed, is_discarded, is_stale, judge};
use crate::pass::Pass;
use crate::presence;
use crate::row::Row;
use crate::strangers::{self, AMBIGUOUS, ambiguous};

/// Whether rows that nothing corresponds to may become records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// Yes, as far as the direction allows.
    Create,
    /// No: they are left alone.
    Skip,
}

/// A row that has to be decided, with its counterpart.
struct Pending {
    at: usize,
    counterpart: Counterpart,
}

/// Takes rows in and commits the effects with the cursor. Rows whose records are edited meanwhile are decided again.
pub async fn absorb(
    pass: &mut Pass,
    rows: Arc<Rows>,
    unknown: Unknown,
    cursor: Option<Cursor>,
    pulled: u64,
) -> Result<(), Error> {
    if rows.is_empty() && cursor.is_none() {
        return Ok(());
    }
    let environment = Arc::clone(&pass.engine.environment);
    let seen_at = environment.now();
    pass.verify(&rows).await?;
    let mut todo: Vec<usize> = latest_of_each(&rows);
    let mut base_counts = Counts {
        pulled,
        ..Counts::default()
    };
    for _ in 0..=pass.engine.settings.race_rounds {
        // Also after a race: a link may have ended since, and its object must not become another record.
        let held = presence::settle(pass, &rows).await?;
        todo.retain(|at| !held.contains(&rows.ids[*at]));
        let mut counts = base_counts;
        let (pending, ambiguous_ids) =
            counterparts(pass, &rows, &todo, unknown, &mut counts).await?;
        let taken_up_at = environment.now();
        let Decided {
            effects,
            mut rejected,
            changes,
        } = decide_all(pass, Arc::clone(&rows), pending, &mut counts).await?;
        let transformed_at = environment.now();
        counts.failed += ambiguous_ids.len() as u64;
        rejected.extend(
            ambiguous_ids
                .into_iter()
                .map(|id| (id, vec![ambiguous(&pass.plan)])),
        );
        let mut underway: Vec<_> = effects.iter().filter_map(Underway::of).collect();
        if effects.is_empty() && rejected.is_empty() && cursor.is_none() {
            pass.tally.count(counts);
            return Ok(());
        }
        let commit = Commit {
            lease: pass.lease,
            run_id: pass.run_id,
            at: transformed_at,
            effects,
            rejected,
            parked: None,
            watched: pass.brake.watched(changes),
            cursor,
            counts,
        };
        let committed = pass.engine.store.commit(pass.organization, commit).await?;
        let records: HashSet<RecordId> = committed.raced.into_iter().collect();
        let raced: HashSet<HubSpotId> = underway
            .extract_if(.., |change| records.contains(&change.record_id))
            .map(|change| change.hubspot_id)
            .collect();
        let modified_at: Vec<_> = underway
            .iter()
            .filter_map(|change| change.modified_at)
            .collect();
        let stages = Stages {
            seen_at: Some(seen_at),
            taken_up_at,
            transformed_at,
            written_at: environment.now(),
        };
        pass.tally.pulled(&modified_at, stages);
        if records.is_empty() {
            return Ok(());
        }
        todo.retain(|at| raced.contains(&rows.ids[*at]));
        base_counts = Counts::default();
    }
    Err(Error::Raced(todo.len()))
}

/// An effect that is being committed.
struct Underway {
    record_id: RecordId,
    hubspot_id: HubSpotId,
    /// When HubSpot's side changed what the record gets.
    modified_at: Option<Timestamp>,
}

impl Underway {
    fn of(effect: &Effect) -> Option<Self> {
        let link = effect.link.as_ref()?;
        let writes = matches!(
            effect.record,
            RecordEffect::Create { .. } | RecordEffect::Update { .. }
        );
        Some(Self {
            record_id: effect.record_id,
            hubspot_id: link.hubspot_id,
            modified_at: writes.then_some(link.hubspot_updated_at),
        })
    }
}

/// The position of each object's newest row, archived objects left out.
fn latest_of_each(rows: &Rows) -> Vec<usize> {
    let mut newest: HashMap<HubSpotId, usize> = HashMap::with_capacity(rows.len());
    for (at, id) in rows.ids.iter().enumerate() {
        if !rows.archived[at] {
            let entry = newest.entry(*id).or_insert(at);
            if rows.updated_at[at] > rows.updated_at[*entry] {
                *entry = at;
            }
        }
    }
    let mut positions: Vec<_> = newest.into_values().collect();
    positions.sort_unstable();
    positions
}

/// Finds what each row corresponds to, and leaves out the rows that need no decision.
async fn counterparts(
    pass: &mut Pass,
    rows: &Rows,
    todo: &[usize],
    unknown: Unknown,
    counts: &mut Counts,
) -> Result<(Vec<Pending>, Vec<HubSpotId>), Error> {
    let ids: Vec<_> = todo.iter().map(|at| rows.ids[*at]).collect();
    let linked = pass
        .engine
        .store
        .links_by_hubspot_id(pass.organization, pass.plan.pair.id, &ids)
        .await?;
    let mut linked: HashMap<HubSpotId, LinkedRecord> = linked
        .into_iter()
        .map(|entry| (entry.link.hubspot_id, entry))
        .collect();
    let may_be_discarded = pass.brake.is_decided();
    let mut pending = Vec::new();
    let mut strangers = Vec::new();
    for &at in todo {
        let row = Row::new(rows, at);
        match linked.remove(&row.id) {
            None => strangers.push(at),
            Some(entry) => {
                let touched = entry.pull_failed
                    || entry.object_was_missing
                    || is_changed(&pass.plan, &entry.link, &row)
                    || may_be_discarded
                        && entry
                            .record
                            .as_ref()
                            .is_some_and(|record| is_discarded(&pass.plan, &entry.link, record));
                // What is read right before a push is as fresh as can be; search may lag behind our own writes.
                let stale = unknown == Unknown::Create && is_stale(&entry.link, row.updated_at);
                let untouched = entry.record.is_none() || stale || !touched;
                if untouched {
                    // What a push reads again was not pulled.
                    counts.unchanged += u64::from(unknown == Unknown::Create);
                } else {
                    pending.push(Pending {
                        at,
                        counterpart: Counterpart::Linked(entry),
                    });
                }
            }
        }
    }
    let mut ambiguous = Vec::new();
    if unknown == Unknown::Create && !strangers.is_empty() {
        pass.refresh_unlinked().await?;
        let met = strangers::meet(pass, rows, &strangers).await?;
        let met_counterparts = met.counterparts.into_iter();
        pending.extend(met_counterparts.map(|(at, counterpart)| Pending { at, counterpart }));
        ambiguous = met.ambiguous;
    }
    Ok((pending, ambiguous))
}

/// Reads up to [`BATCH_MAX`] objects by id and takes them in. Returns the ids that HubSpot has no object for; one that was
/// merged comes back under another id and is neither.
pub async fn look_at(
    pass: &mut Pass,
    ids: &[HubSpotId],
    unknown: Unknown,
) -> Result<Vec<HubSpotId>, Error> {
    let object = &pass.plan.pair.hubspot_object;
    let read = pass
        .portal
        .read_batch(object, &pass.plan.properties, ids, pass.priority)
        .await
        .map_err(Error::Pull)?;
    absorb(pass, Arc::new(read.rows), unknown, None, 0).await?;
    Ok(read.missing)
}

/// Looks again at objects that could belong to several records, which people may have sorted out since. Must come before
/// a push: it also says which records must not become objects of their own.
pub async fn revisit_ambiguous(pass: &mut Pass) -> Result<(), Error> {
    let pair = pass.plan.pair.id;
    let ids = pass
        .engine
        .store
        .rejected_objects(pass.organization, pair, AMBIGUOUS)
        .await?;
    for chunk in ids.chunks(BATCH_MAX) {
        look_at(pass, chunk, Unknown::Create).await?;
    }
    Ok(())
}

/// What was decided about a batch.
#[derive(Default)]
struct Decided {
    effects: Vec<Effect>,
    rejected: Vec<(HubSpotId, Vec<NewFailure>)>,
    /// What the brake counts.
    changes: Vec<NotedChange>,
}

/// Transforms the pending rows and judges each of them, on a blocking thread.
async fn decide_all(
    pass: &Pass,
    rows: Arc<Rows>,
    pending: Vec<Pending>,
    counts: &mut Counts,
) -> Result<Decided, Error> {
    if pending.is_empty() {
        return Ok(Decided::default());
    }
    let plan = Arc::clone(&pass.plan);
    let split = Arc::clone(&pass.inbound);
    let mapper = Arc::clone(&pass.mapper);
    let at = pass.engine.environment.now();
    let mut own = Counts::default();
    let task = pass.engine.compute(move || {
        let cells = |input: usize, which: &[usize]| {
            let column = plan.inbound_columns.get(input).copied();
            let cell = |position: &usize| {
                let entry = pending.get(*position)?;
                let value = Row::new(&rows, entry.at).value(column?)?;
                Some(value.to_owned())
            };
            Column::Text(which.iter().map(cell).collect())
        };
        let mut inbound = mapper.transform(&split, pending.len(), &cells, at)?;
        let mut decided = Decided::default();
        decided.effects.reserve(pending.len());
        for (position, entry) in pending.into_iter().enumerate() {
            let row = Row::new(&rows, entry.at);
            match judge(
                &plan,
                &row,
                entry.counterpart,
                &mut inbound,
                position,
                &mut own,
            ) {
                Verdict::Unchanged => {}
                Verdict::Effect(effect, changes) => {
                    decided.effects.push(*effect);
                    decided.changes.extend(changes);
                }
                Verdict::Rejected(id, failures) => decided.rejected.push((id, failures)),
            }
        }
        Ok::<_, Error>((decided, own))
    });
    let (decided, own) = task.await??;
    *counts += own;
    Ok(decided)
}

/// How a match key's value is compared: without regard to case and surrounding space.
pub fn match_text(value: &str) -> String {
    value.trim().to_lowercase()
}

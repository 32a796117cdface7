//! Audits one range of ids: compares, looks again at what differs, has it mended, and sees what became of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use partneros_domain::HubSpotId;
use partneros_hubspot::{BATCH_MAX, Rows};
use partneros_store::{
    AuditedLink, Commit, Counts, Effect, FailureStage, OutboxEffect, Record, RecordEffect,
};

use super::compare::{Comparison, compare, partneros_differs};
use super::findings::Findings;
use super::walk::Range;
use crate::absorb::{Unknown, absorb};
use crate::error::Error;
use crate::pass::Pass;
use crate::presence;
use crate::row::Row;

/// How many links are read at once: many more than a page has objects, for where HubSpot has lost its own.
const LINKS_MAX: usize = 1_000;
/// The object was not found, and whether it is gone is for a second look to say, after the settle time.
const SECOND_LOOK: &str = "second_look";
/// The object's record was deleted here, so that the object stays alone.
const RECORD_DELETED: &str = "record_deleted";
/// The values flow, and no rule moved them. Nothing is known that leads to this.
const UNDECIDED: &str = "undecided";

/// Audits a range.
pub async fn audit(pass: &mut Pass, range: &Range, findings: &mut Findings) -> Result<(), Error> {
    findings.figures.ranges += 1;
    findings.figures.objects += range.rows.len() as u64;
    let suspects = suspects(pass, range, findings).await?;
    for ids in suspects.chunks(BATCH_MAX) {
        pass.step().await?;
        look_again(pass, ids, findings).await?;
    }
    Ok(())
}

/// The ids of the range that do not agree at first sight, ascending.
async fn suspects(
    pass: &Pass,
    range: &Range,
    findings: &mut Findings,
) -> Result<Vec<HubSpotId>, Error> {
    let mut unmet = positions(&range.rows);
    let mut suspects = Vec::new();
    let mut after = range.after;
    loop {
        let links = linked(pass, after, range.through).await?;
        for entry in &links {
            let id = entry.link.hubspot_id;
            let at = unmet.remove(&id);
            if entry.record.is_none() {
                continue;
            }
            findings.figures.links += 1;
            let is_known = at.is_some_and(|at| {
                let row = Row::new(&range.rows, at);
                match compare(&pass.plan, entry, &row, findings.settled) {
                    Comparison::Agrees => true,
                    // What waits here is sent as ever, after HubSpot was read.
                    Comparison::OnItsWay if entry.waits => {
                        findings.figures.waiting += 1;
                        true
                    }
                    Comparison::OnItsWay | Comparison::Differs => false,
                }
            });
            if !is_known {
                suspects.push(id);
            }
        }
        match next_of(&links) {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    if pass.plan.pair.direction.writes_partneros() {
        suspects.extend(unmet.into_keys());
    }
    suspects.sort_unstable();
    Ok(suspects)
}

/// Reads suspects by id, which is as fresh as can be, and has what still differs mended. At most [`BATCH_MAX`], ascending,
/// and all that there are between the first and the last.
async fn look_again(
    pass: &mut Pass,
    ids: &[HubSpotId],
    findings: &mut Findings,
) -> Result<(), Error> {
    let read = pass
        .portal
        .read_batch(
            &pass.plan.pair.hubspot_object,
            &pass.plan.properties,
            ids,
            pass.priority,
        )
        .await
        .map_err(Error::Pull)?;
    let rows = Arc::new(read.rows);
    let open = open(pass, ids, &rows, &read.missing, findings).await?;
    absorb(pass, Arc::clone(&rows), Unknown::Skip, None, 0).await?;
    if open.has_strangers {
        let pulled = rows.len() as u64;
        absorb(pass, Arc::clone(&rows), Unknown::Create, None, pulled).await?;
    }
    presence::note_missing(pass, &open.missing).await?;
    settle(pass, &open.ids, &rows, findings).await
}

/// What still differs.
#[derive(Debug, Default)]
struct Open {
    /// All of it.
    ids: Vec<HubSpotId>,
    /// Of that, linked objects that HubSpot does not have.
    missing: Vec<HubSpotId>,
    /// Whether there are objects without a link, on their way or not.
    has_strangers: bool,
}

/// Counts what still differs. `missing` are the ids that HubSpot has no object for.
async fn open(
    pass: &Pass,
    ids: &[HubSpotId],
    rows: &Rows,
    missing: &[HubSpotId],
    findings: &mut Findings,
) -> Result<Open, Error> {
    let (links, at) = (links_among(pass, ids).await?, positions(rows));
    let doomed = doomed(pass, ids).await?;
    let (settled, figures) = (findings.settled, &mut findings.figures);
    let mut open = Open::default();
    for &id in ids {
        let row = at.get(&id).map(|at| Row::new(rows, *at));
        let found = match (links.get(&id), row) {
            (Some(entry), Some(row)) => {
                let found = compare(&pass.plan, entry, &row, settled);
                figures.differing += u64::from(found == Comparison::Differs);
                found
            }
            (Some(entry), None) if entry.record.is_some() => {
                figures.missing_in_hubspot += 1;
                // What comes back under another id was merged, which its row tells.
                open.missing.extend(missing.contains(&id).then_some(id));
                Comparison::Differs
            }
            // It is archived with the record that is gone, or was made just now.
            (None, Some(row)) if doomed.contains(&id) || row.updated_at >= settled => {
                open.has_strangers = true;
                Comparison::OnItsWay
            }
            (None, Some(_)) => {
                open.has_strangers = true;
                figures.missing_here += 1;
                Comparison::Differs
            }
            // It has gone on both sides since it was listed.
            (Some(_) | None, None) => Comparison::Agrees,
        };
        figures.waiting += u64::from(found == Comparison::OnItsWay);
        open.ids
            .extend((found == Comparison::Differs).then_some(id));
    }
    Ok(open)
}

/// Sees what became of what differed. An edit of ours that waits nowhere is put into the outbox.
async fn settle(
    pass: &Pass,
    ids: &[HubSpotId],
    rows: &Rows,
    findings: &mut Findings,
) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let (links, at) = (links_among(pass, ids).await?, positions(rows));
    let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
    let reasons = store.unlinked_reasons(pass.organization, pair, ids).await?;
    let reasons: HashMap<_, _> = reasons.into_iter().collect();
    let mut lost = Vec::new();
    for &id in ids {
        let row = at.get(&id).map(|at| Row::new(rows, *at));
        match (links.get(&id), row) {
            (Some(entry), Some(row)) => {
                let owner = Some(entry.record_id);
                match (&entry.failure, &entry.record) {
                    _ if !differs(pass, entry, &row, findings) => findings.figures.mended += 1,
                    (Some(code), _) => findings.leave(owner, id, code),
                    (None, Some(record)) if partneros_differs(&pass.plan, &entry.link, record) => {
                        lost.push(enqueue(record));
                        findings.figures.mended += 1;
                    }
                    (None, _) => findings.leave(owner, id, UNDECIDED),
                }
            }
            (Some(entry), None) => findings.leave(Some(entry.record_id), id, SECOND_LOOK),
            (None, Some(_)) => {
                let reason = reasons.get(&id).map_or(RECORD_DELETED, String::as_str);
                findings.leave(None, id, reason);
            }
            // Its link went to what it was merged into.
            (None, None) => findings.figures.mended += 1,
        }
    }
    commit(pass, lost).await
}

fn differs(pass: &Pass, entry: &AuditedLink, row: &Row<'_>, findings: &Findings) -> bool {
    compare(&pass.plan, entry, row, findings.settled) == Comparison::Differs
}

/// The effect that has a record pushed. If it is edited meanwhile, it is pushed for that.
fn enqueue(record: &Record) -> Effect {
    Effect {
        record_id: record.id,
        record: RecordEffect::Keep {
            version: record.version,
        },
        link: None,
        outbox: OutboxEffect::Enqueue,
        failures: Vec::new(),
        stage: FailureStage::Push,
        conflicts: Vec::new(),
    }
}

async fn commit(pass: &Pass, effects: Vec<Effect>) -> Result<(), Error> {
    if effects.is_empty() {
        return Ok(());
    }
    let commit = Commit {
        lease: pass.lease,
        run_id: pass.run_id,
        at: pass.engine.environment.now(),
        effects,
        rejected: Vec::new(),
        parked: None,
        watched: None,
        cursor: None,
        counts: Counts::default(),
    };
    pass.engine.store.commit(pass.organization, commit).await?;
    Ok(())
}

/// The objects among these that wait to be archived.
async fn doomed(pass: &Pass, ids: &[HubSpotId]) -> Result<HashSet<HubSpotId>, Error> {
    let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
    let former = store.former_links(pass.organization, pair, ids).await?;
    let doomed = former.into_iter().filter(|former| former.doomed);
    Ok(doomed.map(|former| former.hubspot_id).collect())
}

/// The links of these objects, which are ascending, and of others between them.
async fn links_among(
    pass: &Pass,
    ids: &[HubSpotId],
) -> Result<HashMap<HubSpotId, AuditedLink>, Error> {
    let mut found = HashMap::new();
    let mut after = ids.first().map(|first| HubSpotId(first.0 - 1));
    loop {
        let links = linked(pass, after, ids.last().copied()).await?;
        let next = next_of(&links);
        found.extend(
            links
                .into_iter()
                .map(|entry| (entry.link.hubspot_id, entry)),
        );
        match next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}

/// Where to go on after these links; none after the last.
fn next_of(links: &[AuditedLink]) -> Option<HubSpotId> {
    let last = links.last().filter(|_| links.len() == LINKS_MAX);
    last.map(|entry| entry.link.hubspot_id)
}

async fn linked(
    pass: &Pass,
    after: Option<HubSpotId>,
    through: Option<HubSpotId>,
) -> Result<Vec<AuditedLink>, Error> {
    let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
    let links = store.linked_range(pass.organization, pair, after, through, LINKS_MAX);
    Ok(links.await?)
}

/// Where each object's row is.
fn positions(rows: &Rows) -> HashMap<HubSpotId, usize> {
    let ids = rows.ids.iter().enumerate();
    ids.map(|(at, id)| (*id, at)).collect()
}

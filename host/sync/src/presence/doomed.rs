//! Archives the objects of records that were deleted, where the pair mirrors deletions.
//!
//! That an object is to be archived was written down when its record was deleted. Archiving what is archived does nothing,
//! so a lost answer is asked for again. An object that was merged meanwhile is left alone: what is left is another's too.

use std::collections::{HashMap, HashSet};

use partneros_domain::{DeletePolicy, HubSpotId, Side};
use partneros_hubspot::{BATCH_MAX, Priority, Rows};
use partneros_store::{LinkStep, Parting};

use super::{MERGED_IDS_PROPERTY, merged_ids, take};
use crate::brake::archived;
use crate::error::Error;
use crate::pass::Pass;
use crate::row::Row;

/// Archives what is to be archived; spares it if the pair mirrors deletions no longer.
pub async fn archive_doomed(pass: &Pass) -> Result<(), Error> {
    let pair = &pass.plan.pair;
    let mirrors = pair.delete_policy == DeletePolicy::Mirror && pair.direction.writes_hubspot();
    loop {
        let doomed = pass
            .engine
            .store
            .doomed_objects(pass.organization, pair.id, BATCH_MAX)
            .await?;
        if doomed.is_empty() {
            return Ok(());
        }
        pass.step().await?;
        let steps = if !mirrors {
            let spare = |id: &HubSpotId| LinkStep::Spare { hubspot_id: *id };
            doomed.iter().map(spare).collect()
        } else if pass.brake.discards(Side::HubSpot, None) {
            let revive = |id: &HubSpotId| LinkStep::Revive { hubspot_id: *id };
            doomed.iter().map(revive).collect()
        } else {
            archive(pass, &doomed).await?
        };
        if steps.is_empty() {
            return Ok(());
        }
        take(pass, steps).await?;
    }
}

async fn archive(pass: &Pass, doomed: &[HubSpotId]) -> Result<Vec<LinkStep>, Error> {
    let object = &pass.plan.pair.hubspot_object;
    let properties = [MERGED_IDS_PROPERTY.into()];
    let read = pass
        .portal
        .read_batch(object, &properties, doomed, Priority::Push)
        .await
        .map_err(Error::Push)?;
    let there: HashSet<_> = read.rows.ids.iter().copied().collect();
    let live: Vec<_> = doomed
        .iter()
        .copied()
        .filter(|id| there.contains(id))
        .collect();
    if !live.is_empty() {
        note(pass, &live).await?;
        // The read may have taken long; who lost the lease meanwhile must not archive anything.
        pass.step().await?;
        pass.portal
            .archive_batch(object, &live, Priority::Push)
            .await
            .map_err(Error::Push)?;
    }
    let merged = merged_into(&read.rows);
    let steps = doomed.iter().filter_map(|id| {
        if there.contains(id) || read.missing.contains(id) {
            return Some(LinkStep::Archived { hubspot_id: *id });
        }
        let into = merged.get(id)?;
        Some(LinkStep::End {
            hubspot_id: *id,
            parting: Parting::Merged,
            merged_into: Some(*into),
        })
    });
    Ok(steps.collect())
}

/// Counts what is about to be archived.
async fn note(pass: &Pass, live: &[HubSpotId]) -> Result<(), Error> {
    let store = &pass.engine.store;
    let former = store
        .former_links(pass.organization, pass.plan.pair.id, live)
        .await?;
    let changes = former
        .iter()
        .map(|former| archived(former.record_id, former.hubspot_id));
    if let Some(watched) = pass.brake.watched(changes.collect()) {
        let now = pass.engine.environment.now();
        store
            .note_changes(pass.organization, pass.lease, watched, now)
            .await?;
    }
    Ok(())
}

/// What each merged object became part of.
fn merged_into(rows: &Rows) -> HashMap<HubSpotId, HubSpotId> {
    let mut into = HashMap::new();
    for at in 0..rows.len() {
        let row = Row::new(rows, at);
        let ids = merged_ids(row.value(0).unwrap_or_default(), row.id);
        into.extend(ids.into_iter().map(|id| (id, row.id)));
    }
    into
}

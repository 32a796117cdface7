//! Archives the objects of records that were deleted, where the pair mirrors deletions.
//!
//! That an object is to be archived was written down when its record was deleted. Archiving what is archived does nothing,
//! so a lost answer is asked for again. An object that was merged meanwhile, or that another's was merged into, is left
//! alone: what is left is another's too.

use std::collections::HashSet;

use partneros_domain::{DeletePolicy, HubSpotId, Side};
use partneros_hubspot::{BATCH_MAX, Priority};
use partneros_store::LinkStep;

use super::{merges, take};
use crate::brake::archived;
use crate::error::Error;
use crate::mistakes::{Mistake, made};
use crate::pass::Pass;

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
        if doomed.is_empty() || made(Mistake::DoomedForgotten) {
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
    let (store, pair) = (&pass.engine.store, &pass.plan.pair);
    let object = &pair.hubspot_object;
    let read = pass
        .portal
        .read_batch(object, &pass.plan.properties, doomed, Priority::Push)
        .await
        .map_err(Error::Push)?;
    merges::follow(pass, &read.rows).await?;
    let former = store.former_links(pass.organization, pair.id, doomed);
    let former = former.await?.into_iter().filter(|former| former.doomed);
    let doomed: Vec<_> = former.map(|former| former.hubspot_id).collect();
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
    let gone = doomed
        .into_iter()
        .filter(|id| there.contains(id) || read.missing.contains(id));
    let steps = gone.map(|hubspot_id| LinkStep::Archived { hubspot_id });
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

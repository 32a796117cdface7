//! Links objects that are back to their records again.

use std::collections::HashSet;

use partneros_domain::HubSpotId;
use partneros_hubspot::BATCH_MAX;
use partneros_store::{LinkStep, Parting};

use super::take;
use crate::error::Error;
use crate::pass::Pass;

/// Links those of these objects whose link has ended and that are there. Returns those that are not, whatever showed them.
pub(super) async fn relink(pass: &Pass, ids: &[HubSpotId]) -> Result<HashSet<HubSpotId>, Error> {
    let (store, pair) = (&pass.engine.store, &pass.plan.pair);
    let former = store.former_links(pass.organization, pair.id, ids).await?;
    let (could, mut held) = (
        former
            .iter()
            .filter(|former| former.parting != Parting::Merged && !former.doomed)
            .map(|former| former.hubspot_id)
            .collect::<Vec<_>>(),
        former
            .iter()
            .map(|former| former.hubspot_id)
            .collect::<HashSet<_>>(),
    );
    for chunk in could.chunks(BATCH_MAX) {
        // Search may show what was there a while ago.
        let read = pass
            .portal
            .read_batch(&pair.hubspot_object, &[], chunk, pass.priority);
        let there: HashSet<_> = read
            .await
            .map_err(Error::Pull)?
            .rows
            .ids
            .into_iter()
            .collect();
        let back: Vec<_> = chunk.iter().filter(|id| there.contains(id)).collect();
        let steps = back.iter().map(|id| LinkStep::Restore { hubspot_id: **id });
        take(pass, steps.collect()).await?;
        for id in back {
            held.remove(id);
        }
    }
    Ok(held)
}

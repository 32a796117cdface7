//! Looks objects up that HubSpot's change journal says something of.
//!
//! The journal saying that an object was deleted is one look at it, HubSpot's own, and the look-up that does not find it is the
//! other: as with what the archive lists, no third is needed. Were the object back by now, the look-up would find it; and a
//! restore that the journal tells of later takes the place of the deletion. Of anything else that it says, an object that
//! is not found was missed once. Associations count only where something is read that HubSpot calculates.

use std::collections::HashSet;

use partneros_domain::HubSpotId;
use partneros_hubspot::BATCH_MAX;
use partneros_store::{HintedObject, Parting, Sign};

use super::archive::part_with;
use super::note_missing;
use crate::absorb::{Unknown, look_at};
use crate::error::Error;
use crate::pass::Pass;

/// How many batches a run looks up that only associations tell of, so that changes never wait for them.
const ASSOCIATED_BATCHES_A_RUN: usize = 10;

/// Looks all hinted objects up, and some of those that only associations tell of. What is said of one meanwhile is looked up as
/// well.
pub(super) async fn look_up(pass: &mut Pass) -> Result<(), Error> {
    let mut associated = 0;
    while associated < ASSOCIATED_BATCHES_A_RUN {
        let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
        let hinted = store
            .hinted_objects(pass.organization, pair, BATCH_MAX)
            .await?;
        if hinted.is_empty() {
            return Ok(());
        }
        let is_associated = |hinted: &HintedObject| hinted.sign == Sign::Associated;
        associated += usize::from(hinted.iter().all(is_associated));
        pass.step().await?;
        look_up_batch(pass, &hinted).await?;
        let store = &pass.engine.store;
        store
            .forget_hints(pass.organization, pass.lease, &hinted)
            .await?;
    }
    Ok(())
}

async fn look_up_batch(pass: &mut Pass, hinted: &[HintedObject]) -> Result<(), Error> {
    let ids: Vec<_> = hinted.iter().map(|hinted| hinted.hubspot_id).collect();
    let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
    let linked = store.links_by_hubspot_id(pass.organization, pair, &ids);
    let linked = linked.await?.into_iter();
    let linked: HashSet<_> = linked
        .filter(|entry| entry.record.is_some())
        .map(|entry| entry.link.hubspot_id)
        .collect();
    let ids_of = |is_one: &dyn Fn(Sign) -> bool| -> Vec<HubSpotId> {
        let of = hinted.iter().filter(|hinted| is_one(hinted.sign));
        of.map(|hinted| hinted.hubspot_id).collect()
    };
    let mut gone = ids_of(&|sign| sign == Sign::Gone);
    gone.retain(|id| linked.contains(id));
    if !gone.is_empty() {
        part_with(pass, &gone, Parting::Archived).await?;
    }
    let reads_calculated = pass.plan.reads_calculated;
    let changed = ids_of(&|sign| match sign {
        Sign::Gone => false,
        Sign::Changed => true,
        Sign::Associated => reads_calculated,
    });
    if !changed.is_empty() {
        let mut missing = look_at(pass, &changed, Unknown::Skip).await?;
        missing.retain(|id| linked.contains(id));
        note_missing(pass, &missing).await?;
    }
    Ok(())
}

//! Whether the objects behind links are still there: archived, restored, merged, and archived by us.
//!
//! Search shows none of this. Merges show in what is left, by `hs_merged_object_ids`; what is archived in HubSpot's archive,
//! which is read on a schedule of its own; what was erased only by being missed, by a push or by reading all of them again.
//! HubSpot's change journal, where it is read, hints at objects to look up sooner.
//!
//! Invariant: an object counts as gone when two looks say so, both of them answered. A page that failed, or that left an
//! object out, says nothing. What HubSpot itself says was deleted, in its archive or its journal, is one look.

mod archive;
mod doomed;
mod hinted;
mod merges;
mod recheck;
mod restored;

use std::collections::HashSet;

use partneros_domain::{DeletePolicy, HubSpotId, Side};
use partneros_hubspot::Rows;
use partneros_store::{ChangedLink, EventId, LinkCommit, LinkStep, Parting, Rounds};

pub use doomed::archive_doomed;

use crate::error::Error;
use crate::pass::Pass;
use crate::row::Row;
use crate::trail::SYSTEM;

/// The property in which an object lists the ids that were merged into it.
pub const MERGED_IDS_PROPERTY: &str = "hs_merged_object_ids";

/// Brings links up to date with what these rows tell of merges and of objects that are back. Returns the objects among them
/// that are no strangers although they have no link: late sightings of what is gone.
pub async fn settle(pass: &Pass, rows: &Rows) -> Result<HashSet<HubSpotId>, Error> {
    // An object that is back has its own record again before another's is merged into it.
    let mut held = restored::relink(pass, &rows.ids).await?;
    held.extend(merges::follow(pass, rows).await?);
    Ok(held)
}

/// Looks for what is gone and what is back, as far as it is time.
pub async fn make_rounds(pass: &mut Pass) -> Result<(), Error> {
    let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
    let mut rounds = store.rounds(pass.organization, pair).await?;
    if rounds.is_hinted {
        hinted::look_up(pass).await?;
    }
    archive::look_for_the_gone(pass, &mut rounds).await?;
    recheck::recheck(pass, &mut rounds).await
}

async fn save(pass: &Pass, rounds: Rounds) -> Result<(), Error> {
    let store = &pass.engine.store;
    let saved = store.set_rounds(pass.organization, pass.lease, rounds);
    Ok(saved.await?)
}

/// Remembers objects that a look did not find. Whether these are gone is for a second look to say.
pub async fn note_missing(pass: &Pass, missing: &[HubSpotId]) -> Result<(), Error> {
    if missing.is_empty() {
        return Ok(());
    }
    let (store, now) = (&pass.engine.store, pass.engine.environment.now());
    let noted = store.note_missing(pass.organization, pass.lease, missing, now);
    Ok(noted.await?)
}

/// Those of these objects that are listed as what could not become a record.
async fn rejected_among(pass: &Pass, ids: &[HubSpotId]) -> Result<Vec<HubSpotId>, Error> {
    let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
    let rejected = store.rejected_among(pass.organization, pair, ids);
    Ok(rejected.await?)
}

/// Lists objects no longer as what could not become a record: they are there no more.
async fn forget_rejected(pass: &Pass, gone: &[HubSpotId]) -> Result<(), Error> {
    if gone.is_empty() {
        return Ok(());
    }
    let store = &pass.engine.store;
    let forgotten = store.forget_rejected(pass.organization, pass.lease, gone);
    Ok(forgotten.await?)
}

/// Takes steps, which are told in the audit log.
pub async fn take(pass: &Pass, steps: Vec<LinkStep>) -> Result<Vec<ChangedLink>, Error> {
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let environment = &pass.engine.environment;
    let commit = LinkCommit {
        lease: pass.lease,
        run_id: pass.run_id,
        at: environment.now(),
        actor: SYSTEM.to_owned(),
        events: [(); LinkCommit::EVENTS_MAX].map(|()| EventId(environment.new_id())),
        steps,
        limit: pass.brake.limit_of_deletions(),
    };
    let store = &pass.engine.store;
    Ok(store.commit_links(pass.organization, commit).await?)
}

/// What the pair's policy says about an object that is gone.
fn gone(pass: &Pass, hubspot_id: HubSpotId, parting: Parting) -> LinkStep {
    let pair = &pass.plan.pair;
    let mirrors = pair.delete_policy == DeletePolicy::Mirror && pair.direction.writes_partneros();
    // Who discards a mass deletion keeps the records, without the objects that are gone.
    if mirrors && !pass.brake.discards(Side::PartnerOs, None) {
        return LinkStep::EndWithRecord {
            hubspot_id,
            parting,
        };
    }
    LinkStep::End {
        hubspot_id,
        parting,
        merged_into: None,
    }
}

/// Whether others were merged into an object.
pub fn is_merged(pass: &Pass, row: &Row<'_>) -> bool {
    let value = row.value(pass.plan.merged_column);
    value.is_some_and(|value| !merged_ids(value, row.id).is_empty())
}

/// The ids that were merged into an object, in HubSpot's order, which begins with the one whose values stayed.
fn merged_ids(value: &str, own: HubSpotId) -> Vec<HubSpotId> {
    let ids = value.split(';').filter_map(|id| id.trim().parse().ok());
    ids.filter(|id| *id != own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_ids_come_in_order_without_the_objects_own() {
        let ids = merged_ids("7; 9;x;;3", HubSpotId(9));
        assert_eq!(ids, [HubSpotId(7), HubSpotId(3)]);
        assert_eq!(merged_ids("", HubSpotId(9)), []);
    }
}

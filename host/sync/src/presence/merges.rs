//! Follows merges: the record of an object that was merged goes on with what is left.
//!
//! One record does. It is, in this order: the one that what is left has already; the one whose id what is left carries; the
//! first in HubSpot's list of what was merged, which begins with the object whose values stayed. The others are kept
//! without an object, whatever the pair's delete policy says, since what they hold may be nowhere else.

use std::collections::HashMap;

use partneros_domain::{HubSpotId, RecordId};
use partneros_hubspot::Rows;
use partneros_store::{FormerLink, LinkStep, LinkedRecord, Parting};

use super::{forget_rejected, merged_ids, rejected_among, take};
use crate::error::Error;
use crate::pass::Pass;
use crate::row::Row;

/// What is left of a merge.
struct Merge {
    left: HubSpotId,
    /// The record that it says it was made from.
    carries: Option<RecordId>,
    gone: Vec<HubSpotId>,
}

/// What is known of the objects of merges.
struct Known {
    links: HashMap<HubSpotId, LinkedRecord>,
    former: HashMap<HubSpotId, FormerLink>,
}

/// Moves and ends the links of objects that were merged into any of these rows, and says which objects those are.
pub(super) async fn follow(pass: &Pass, rows: &Rows) -> Result<Vec<HubSpotId>, Error> {
    let merges = merges_in(pass, rows);
    if merges.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids: Vec<_> = merges.iter().map(|merge| merge.left).collect();
    ids.extend(merges.iter().flat_map(|merge| &merge.gone));
    let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
    let links = store.links_by_hubspot_id(pass.organization, pair, &ids);
    let links = links.await?.into_iter();
    let former = store.former_links(pass.organization, pair, &ids);
    let former = former.await?.into_iter();
    let mut known = Known {
        links: links.map(|entry| (entry.link.hubspot_id, entry)).collect(),
        former: former.map(|entry| (entry.hubspot_id, entry)).collect(),
    };
    let steps = merges.iter().flat_map(|merge| known.steps(merge));
    take(pass, steps.collect()).await?;
    let gone: Vec<_> = merges.into_iter().flat_map(|merge| merge.gone).collect();
    let rejected = rejected_among(pass, &gone).await?;
    forget_rejected(pass, &rejected).await?;
    Ok(gone)
}

fn merges_in(pass: &Pass, rows: &Rows) -> Vec<Merge> {
    let mut merges = Vec::new();
    for at in (0..rows.len()).filter(|at| !rows.archived[*at]) {
        let row = Row::new(rows, at);
        let Some(value) = row.value(pass.plan.merged_column) else {
            continue;
        };
        let gone = merged_ids(value, row.id);
        if !gone.is_empty() {
            let carries = row.value(pass.plan.record_id_column);
            merges.push(Merge {
                left: row.id,
                carries: carries.and_then(|id| id.parse().ok()),
                gone,
            });
        }
    }
    merges
}

impl Known {
    fn steps(&mut self, merge: &Merge) -> Vec<LinkStep> {
        let mut steps = Vec::new();
        if !self.links.contains_key(&merge.left)
            && let Some(from) = self.heir(merge)
        {
            steps.push(LinkStep::Move {
                from,
                to: merge.left,
            });
            self.former.remove(&from);
            if let Some(link) = self.links.remove(&from) {
                self.links.insert(merge.left, link);
            }
        }
        for id in &merge.gone {
            let doomed = self.former.get(id).is_some_and(|former| former.doomed);
            if self.links.remove(id).is_some() || doomed {
                steps.push(LinkStep::End {
                    hubspot_id: *id,
                    parting: Parting::Merged,
                    merged_into: Some(merge.left),
                });
            }
        }
        steps
    }

    /// The object whose record goes on with what is left.
    fn heir(&self, merge: &Merge) -> Option<HubSpotId> {
        let alive = |id: &&HubSpotId| {
            let link = self.links.get(id);
            link.is_some_and(|link| link.record.is_some())
        };
        let carried = |id: &&HubSpotId| {
            let link = self.links.get(id);
            link.is_some_and(|link| Some(link.record_id) == merge.carries)
        };
        let free = |id: &&HubSpotId| {
            let former = self.former.get(id);
            former.is_some_and(|former| {
                former.free && !former.doomed && former.parting != Parting::Merged
            })
        };
        let first = |wanted: &dyn Fn(&&HubSpotId) -> bool| merge.gone.iter().find(wanted).copied();
        first(&|id| alive(id) && carried(id))
            .or_else(|| first(&alive))
            .or_else(|| first(&free))
            // The tombstone of a deleted record keeps what is left from becoming a new one.
            .or_else(|| first(&|id| self.links.contains_key(id)))
    }
}

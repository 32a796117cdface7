//! Looks for objects that are gone, and for those that are back without search showing it.
//!
//! The archive is read as a whole on its own schedule: HubSpot cannot tell what was added to it. What it lists is looked up
//! among the live objects before it counts. So is, a while later, what a push or a round over all objects missed.

use std::collections::HashSet;

use partneros_domain::{HubSpotId, Timestamp};
use partneros_hubspot::{BATCH_MAX, List, Priority};
use partneros_store::{Parting, Rounds};

use super::{forget_rejected, gone, rejected_among, save, take};
use crate::absorb::{Unknown, look_at};
use crate::error::Error;
use crate::pass::Pass;
use crate::strangers::AMBIGUOUS;

/// For how long HubSpot's archive is asked about an object whose link has ended: people can restore objects for 90 days.
const RESTORABLE_MS: i64 = 100 * 24 * 3_600_000;

/// Looks again for what was missed, and reads the archive if it is time.
pub(super) async fn look_for_the_gone(pass: &mut Pass, rounds: &mut Rounds) -> Result<(), Error> {
    look_again(pass).await?;
    let now = pass.engine.environment.now();
    let interval_ms = pass.engine.settings.archived_interval_ms;
    let interval_ms = i64::try_from(interval_ms).unwrap_or(i64::MAX);
    match rounds.archive_read_at {
        Some(at) if now.millis_since(at) < interval_ms => return Ok(()),
        Some(_) => read_archive(pass, now).await?,
        // Nothing that was linked just now was archived before.
        None => {}
    }
    rounds.archive_read_at = Some(now);
    save(pass, *rounds).await
}

/// What was missed once, and long enough ago for HubSpot to have come to itself, is looked up a second time.
async fn look_again(pass: &mut Pass) -> Result<(), Error> {
    let settle_ms = i64::try_from(pass.engine.settings.settle_ms).unwrap_or(i64::MAX);
    let until = pass.engine.environment.now().plus_millis(-settle_ms);
    loop {
        let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
        let missed = store
            .missing_objects(pass.organization, pair, until, BATCH_MAX)
            .await?;
        if missed.is_empty() {
            return Ok(());
        }
        pass.step().await?;
        part_with(pass, &missed, Parting::Missing).await?;
        let store = &pass.engine.store;
        store
            .note_found(pass.organization, pass.lease, &missed)
            .await?;
    }
}

/// Ends the links of those of these objects that a look at them does not find; takes the others in.
pub(super) async fn part_with(
    pass: &mut Pass,
    ids: &[HubSpotId],
    parting: Parting,
) -> Result<(), Error> {
    // What comes back under another id was merged, which its row tells.
    let missing = look_at(pass, ids, Unknown::Skip).await?;
    let steps = missing.iter().map(|id| gone(pass, *id, parting));
    take(pass, steps.collect()).await?;
    Ok(())
}

async fn read_archive(pass: &mut Pass, now: Timestamp) -> Result<(), Error> {
    let mut listed = HashSet::new();
    let mut after: Option<String> = None;
    loop {
        pass.step().await?;
        let list = List {
            object: &pass.plan.pair.hubspot_object,
            properties: &[],
            archived: true,
            after: after.as_deref(),
            priority: Priority::Poll,
        };
        let (rows, next) = pass.portal.list(list).await.map_err(Error::Pull)?;
        let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
        let linked = store
            .links_by_hubspot_id(pass.organization, pair, &rows.ids)
            .await?;
        let linked: Vec<_> = linked
            .into_iter()
            .filter(|entry| entry.record.is_some())
            .map(|entry| entry.link.hubspot_id)
            .collect();
        if !linked.is_empty() {
            part_with(pass, &linked, Parting::Archived).await?;
        }
        let mut rejected = rejected_among(pass, &rows.ids).await?;
        if !rejected.is_empty() {
            let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
            let ambiguous = store.rejected_objects(pass.organization, pair, AMBIGUOUS);
            // What could belong to several records is read by every run, and so noticed when it is restored.
            let ambiguous: HashSet<_> = ambiguous.await?.into_iter().collect();
            rejected.retain(|id| !ambiguous.contains(id));
        }
        for rejected in rejected.chunks(BATCH_MAX) {
            // Those that are back are judged anew.
            let missing = look_at(pass, rejected, Unknown::Create).await?;
            forget_rejected(pass, &missing).await?;
        }
        listed.extend(rows.ids);
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    take_back(pass, &listed, now).await
}

/// Objects whose link has ended and that the archive does not list may be back.
async fn take_back(
    pass: &mut Pass,
    listed: &HashSet<HubSpotId>,
    now: Timestamp,
) -> Result<(), Error> {
    let since = now.plus_millis(-RESTORABLE_MS);
    let mut after = None;
    loop {
        let (store, pair) = (&pass.engine.store, pass.plan.pair.id);
        let page = store
            .restorable_objects(pass.organization, pair, since, after, BATCH_MAX)
            .await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(*last);
        let maybe: Vec<_> = page.into_iter().filter(|id| !listed.contains(id)).collect();
        if maybe.is_empty() {
            continue;
        }
        pass.step().await?;
        look_at(pass, &maybe, Unknown::Skip).await?;
    }
}

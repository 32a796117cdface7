//! Reads all linked objects again, slowly: what HubSpot calculates changes without the modification date, and what was erased
//! for good is in no list.

use partneros_domain::HubSpotId;
use partneros_hubspot::BATCH_MAX;
use partneros_store::Rounds;

use super::{note_missing, save};
use crate::absorb::{Unknown, look_at};
use crate::error::Error;
use crate::pass::Pass;

/// How many batches of a round a run reads, so that changes never wait for the round: 1,000 objects take about a second.
const BATCHES_A_RUN: usize = 10;

/// Goes on with the round, or begins one if it is time.
pub(super) async fn recheck(pass: &mut Pass, rounds: &mut Rounds) -> Result<(), Error> {
    let now = pass.engine.environment.now();
    let interval_ms = pass.engine.settings.recheck_interval_ms;
    let interval_ms = i64::try_from(interval_ms).unwrap_or(i64::MAX);
    match (rounds.recheck_after, rounds.recheck_at) {
        (Some(_), _) => {}
        (None, Some(at)) if now.millis_since(at) < interval_ms => return Ok(()),
        (None, Some(_)) => rounds.recheck_at = Some(now),
        // The run that links an object reads all of it.
        (None, None) => {
            rounds.recheck_at = Some(now);
            return save(pass, *rounds).await;
        }
    }
    for _ in 0..BATCHES_A_RUN {
        pass.step().await?;
        rounds.recheck_after = read_batch(pass, *rounds).await?;
        save(pass, *rounds).await?;
        if rounds.recheck_after.is_none() {
            break;
        }
    }
    Ok(())
}

/// Reads the next batch of a round and returns its last object; none after the last batch.
async fn read_batch(pass: &mut Pass, rounds: Rounds) -> Result<Option<HubSpotId>, Error> {
    let ids = pass
        .engine
        .store
        .linked_objects(
            pass.organization,
            pass.plan.pair.id,
            rounds.recheck_after,
            BATCH_MAX,
        )
        .await?;
    if ids.is_empty() {
        return Ok(None);
    }
    let missing = look_at(pass, &ids, Unknown::Skip).await?;
    note_missing(pass, &missing).await?;
    Ok(ids.last().copied().filter(|_| ids.len() == BATCH_MAX))
}

//! Audits a pair: compares what HubSpot has with what the links say, object by object, so that people see that the sync
//! missed nothing.
//!
//! The ordinary pass goes by what HubSpot says was modified. An audit goes by what is there: it lists every object in order
//! of id and compares it with the links of the same range of ids, read by an index. Both sides' values are in this process by
//! then, so they are compared as they are, which a digest of each range would only do later and with less to say.
//!
//! What differs is looked at again, by id, before it counts, and is mended by the ordinary means: [`crate::absorb`], the
//! outbox, and the presence checks, which take nothing for deleted on one sighting. Where nothing differs nothing is
//! written but the audit itself.
//!
//! Invariant: an audit is of one moment. It keeps what it counts in memory and begins again when it was cut off: a position
//! that outlives a crash would have to carry all its figures, and be dropped whenever the pair's settings change.

mod compare;
mod findings;
mod range;
mod walk;

use partneros_domain::{EventType, Timestamp};
use partneros_hubspot::Priority;
use partneros_store::{EventId, NewEvent, PairAudit};
use serde_json::json;

use crate::error::Error;
use crate::pass::Pass;
use crate::trail::SYSTEM;
use crate::{absorb, pull, push};

use findings::Findings;
use walk::Walk;

/// How many records without a link are looked at in one transaction.
const LOST_MAX: usize = 1_000;

/// Audits the pair of a pass that has synced what changed, and writes down what it found.
pub async fn audit(pass: &mut Pass) -> Result<(), Error> {
    let as_of = pass.engine.environment.now();
    let mut findings = Findings::of(&pass.engine.settings, as_of);
    let mut walk = Walk::start(pass);
    let mut synced_at = as_of;
    while let Some(range) = walk.next().await? {
        pass.step().await?;
        range::audit(pass, &range, &mut findings).await?;
        synced_at = keep_syncing(pass, synced_at).await?;
    }
    find_lost_records(pass, &mut findings).await?;
    write_down(pass, as_of, findings).await?;
    push::push(pass).await
}

/// Carries what changed meanwhile both ways if it is time for a poll, so that nothing waits for a long audit.
async fn keep_syncing(pass: &mut Pass, synced_at: Timestamp) -> Result<Timestamp, Error> {
    let now = pass.engine.environment.now();
    let interval_ms = pass.engine.settings.poll_interval_ms;
    let interval_ms = i64::try_from(interval_ms).unwrap_or(i64::MAX);
    if now.millis_since(synced_at) < interval_ms {
        return Ok(synced_at);
    }
    let before = std::mem::replace(&mut pass.priority, Priority::Poll);
    pull::pull(pass).await?;
    absorb::revisit_ambiguous(pass).await?;
    push::push(pass).await?;
    pass.priority = before;
    Ok(now)
}

/// Puts records into the outbox that should have become objects and wait nowhere.
async fn find_lost_records(pass: &Pass, findings: &mut Findings) -> Result<(), Error> {
    if !pass.plan.pair.direction.writes_hubspot() {
        return Ok(());
    }
    let mut after: Option<String> = None;
    loop {
        pass.step().await?;
        let (store, now) = (&pass.engine.store, pass.engine.environment.now());
        let lost = store
            .enqueue_lost(
                pass.organization,
                pass.lease,
                after.as_deref(),
                LOST_MAX,
                now,
            )
            .await?;
        findings.figures.missing_in_hubspot += lost.items.len() as u64;
        findings.figures.mended += lost.items.len() as u64;
        match lost.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

async fn write_down(pass: &Pass, as_of: Timestamp, findings: Findings) -> Result<(), Error> {
    let (environment, pair) = (&pass.engine.environment, pass.plan.pair.id);
    let at = environment.now();
    let audit = PairAudit {
        run_id: pass.run_id,
        as_of,
        finished_at: at,
        figures: findings.figures,
        samples: findings.samples,
    };
    tracing::info!(
        pair.id = %pair, run.id = %pass.run_id, objects = audit.figures.objects,
        mended = audit.figures.mended, unsettled = audit.figures.unsettled, "a pair was audited"
    );
    let event = NewEvent {
        id: EventId(environment.new_id()),
        at,
        actor: SYSTEM.to_owned(),
        event: EventType::SyncAudited,
        subject: format!("pair {pair}"),
        metadata: json!({
            "runId": audit.run_id,
            "completeAsOf": audit.as_of,
            "figures": audit.figures,
            "samples": audit.samples,
        }),
    };
    let store = &pass.engine.store;
    let put = store.put_pair_audit(pass.organization, pass.lease, &audit, event);
    Ok(put.await?)
}

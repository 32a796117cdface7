//! What HubSpot does to a record by itself some time after its creation: it fills in a property that nobody wrote and
//! moves the modified date. Clients see a change that no person and no integration made.

use partneros_domain::Timestamp;

use super::object_type::{Kind, TypeIx};
use super::record::Source;
use super::sim::Sim;

/// Remembers that a record created at `now` will be enriched.
pub fn schedule(sim: &mut Sim, ix: TypeIx, id: u64, now: Timestamp) {
    if let Some(delay_ms) = sim.config.enrichment_delay_ms {
        sim.background
            .insert((now.plus_millis(delay_ms).as_millis(), ix, id));
    }
}

/// Enriches the records that are due by `now`, each at its own time.
pub fn run_due(sim: &mut Sim, now: Timestamp) {
    while let Some(&(due, ix, id)) = sim.background.first()
        && due <= now.as_millis()
    {
        sim.background.remove(&(due, ix, id));
        enrich(sim, ix, id, Timestamp(due));
    }
}

fn enrich(sim: &mut Sim, ix: TypeIx, id: u64, at: Timestamp) {
    let (name, value) = match sim.object_type(ix).kind {
        Kind::Companies | Kind::Contacts => ("hs_is_enriched", "true".to_owned()),
        Kind::Deals | Kind::Custom => ("hs_updated_by_user_id", "1".to_owned()),
    };
    let lag = sim.lag(Source::Enrichment);
    let object_type = &mut sim.types[ix.0];
    let Some((property, _)) = object_type.registry.find(name) else {
        return;
    };
    if object_type.live(id).is_none_or(|record| record.id != id) {
        return;
    }
    object_type.change(id, at, lag, |record| {
        record.apply(&[(property, value)], at, Source::Enrichment);
        record.modified = record.modified.max(at);
    });
}

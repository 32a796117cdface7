//! Which record belongs to which HubSpot object, as the host's store has it.

use std::collections::HashMap;

use partneros_domain::HubSpotId;
use partneros_store::SyncState as _;

use crate::setup::Pair;
use crate::stage::Stage;

/// How many links are looked up at a time.
const LOOKUP: usize = 500;

/// The record of each of these HubSpot objects that has one.
pub async fn records_of(
    stage: &Stage,
    pair: &Pair,
    objects: &[u64],
) -> anyhow::Result<HashMap<u64, String>> {
    let store = stage.store()?;
    let mut records = HashMap::with_capacity(objects.len());
    for chunk in objects.chunks(LOOKUP) {
        let ids: Vec<_> = chunk.iter().map(|id| HubSpotId(id.cast_signed())).collect();
        for linked in store
            .links_by_hubspot_id(stage.organization, pair.id, &ids)
            .await?
        {
            records.insert(
                linked.link.hubspot_id.0.cast_unsigned(),
                linked.record_id.to_string(),
            );
        }
    }
    Ok(records)
}

/// The HubSpot object of a record, if it has one.
pub async fn object_of(stage: &Stage, pair: &Pair, record: &str) -> anyhow::Result<Option<u64>> {
    let link = stage
        .store()?
        .link_of_record(stage.organization, pair.id, record.parse()?)
        .await?;
    Ok(link.map(|link| link.hubspot_id.0.cast_unsigned()))
}

//! What a pass goes by, read in one transaction since it is read before every page.

use partneros_domain::{Digest, OrganizationId, PairId, Timestamp};
use rusqlite::{Connection as Database, OptionalExtension as _};

use super::fault::Outcome;
use super::{bindings, pairs, plugin_versions, scope};
use crate::{BindingScope, Ground, Lease};

pub(super) fn read(
    db: &Database,
    organization: OrganizationId,
    id: PairId,
    versions: &[Digest],
) -> Outcome<Ground> {
    let pair = scope::pair(db, organization, id)?;
    let lease = db
        .prepare_cached(
            "SELECT lease_epoch, lease_until FROM pair_progress
             WHERE pair = ?1 AND lease_until IS NOT NULL",
        )?
        .query_row([pair.key], |row| {
            let epoch = row.get(0)?;
            Ok((Lease { pair_id: id, epoch }, Timestamp(row.get(1)?)))
        })
        .optional()?;
    let mapping_version = db
        .prepare_cached("SELECT version FROM mappings WHERE pair = ?1")?
        .query_row([pair.key], |row| row.get(0))
        .optional()?;
    let place = bindings::Place::of(db, organization, BindingScope::Pair(id))?;
    let mut quarantined = false;
    for digest in versions {
        quarantined |= plugin_versions::is_quarantined(db, pair.organization, *digest)?;
    }
    Ok(Ground {
        lease,
        pair: pairs::find(db, pair.key, id)?,
        mapping_version: mapping_version.unwrap_or_default(),
        binding: bindings::effective(db, place)?,
        quarantined,
    })
}

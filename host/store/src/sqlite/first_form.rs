//! What an older version left: organizations without a data key, and tokens under the ring's key directly.
//!
//! Done when a database is opened, an organization at a time, so that it goes on where a crash ended it. What does not
//! open stays as it is; reading it says why.

use partneros_domain::{ConnectionId, OrganizationId};
use rusqlite::{Transaction, params};
use uuid::Uuid;

use super::data_keys::{self, Stored};
use super::fault::{Fault, Outcome};
use super::pool::{Durability, Pool};
use crate::Result;
use crate::seal::{
    ACCESS_TOKEN, DataKey, FirstForm, KeyRing, REFRESH_PREVIOUS, REFRESH_TOKEN, SealedColumn,
    WrapContext,
};

/// The columns that had the first form.
static COLUMNS: [&SealedColumn; 3] = [&ACCESS_TOKEN, &REFRESH_TOKEN, &REFRESH_PREVIOUS];

/// Gives every organization a data key, and seals under it what is in the first form.
pub(super) fn seal_anew(pool: &Pool, ring: &KeyRing) -> Result<()> {
    let upgrade = || -> Outcome<()> {
        for organization in pool.transact(Durability::Disk, without_data_key)? {
            pool.transact(Durability::Disk, |tx| give_data_key(tx, ring, organization))?;
        }
        for organization in pool.transact(Durability::Disk, with_first_form)? {
            pool.transact(Durability::Disk, |tx| {
                seal_organization(tx, ring, organization)
            })?;
        }
        Ok(())
    };
    upgrade().map_err(|fault| fault.during("seal anew what an older version sealed"))
}

fn without_data_key(tx: &Transaction<'_>) -> Outcome<Vec<OrganizationId>> {
    organizations(
        tx,
        "SELECT o.id FROM organizations o
         WHERE NOT EXISTS (SELECT 1 FROM data_keys d WHERE d.organization = o.key)",
    )
}

fn with_first_form(tx: &Transaction<'_>) -> Outcome<Vec<OrganizationId>> {
    organizations(
        tx,
        "SELECT o.id FROM organizations o WHERE EXISTS (
             SELECT 1 FROM connections c WHERE c.organization = o.key AND x'01' IN (
                 substr(c.access_token, 1, 1), substr(c.refresh_token, 1, 1),
                 substr(c.refresh_previous, 1, 1)))",
    )
}

fn organizations(tx: &Transaction<'_>, query: &str) -> Outcome<Vec<OrganizationId>> {
    let mut list = tx.prepare(query)?;
    let ids = list.query_map([], |row| row.get(0).map(OrganizationId))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// Another process may have been faster, or the organization may be gone.
fn give_data_key(tx: &Transaction<'_>, ring: &KeyRing, id: OrganizationId) -> Outcome<()> {
    if !without_data_key(tx)?.contains(&id) {
        return Ok(());
    }
    let context = WrapContext {
        organization: id,
        number: 1,
    };
    let key = DataKey::random(context.number)?;
    let wrapped = ring.wrap(context, key.bytes())?;
    let organization = super::scope::organization(tx, id)?;
    data_keys::insert(tx, organization, &Stored { context, wrapped })
}

fn seal_organization(tx: &Transaction<'_>, ring: &KeyRing, id: OrganizationId) -> Outcome<()> {
    let stored = match data_keys::newest(tx, id) {
        Ok(stored) => stored,
        // Erased by another process meanwhile.
        Err(Fault::Store(crate::Error::NotFound { .. })) => return Ok(()),
        Err(fault) => return Err(fault),
    };
    // Without the key that this is wrapped under nothing can be sealed; reading says which key is missing.
    let Ok(bytes) = ring.unwrap(stored.context, &stored.wrapped) else {
        return Ok(());
    };
    let key = DataKey::new(stored.context.number, bytes);
    for column in COLUMNS {
        let name = column.name;
        let mut list = tx.prepare(&format!(
            "SELECT c.key, c.id, c.{name} FROM connections c
             JOIN organizations o ON o.key = c.organization
             WHERE o.id = ?1 AND substr(c.{name}, 1, 1) = x'01'"
        ))?;
        let rows = list.query_map([id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let rows: Vec<(i64, Uuid, Vec<u8>)> = rows.collect::<rusqlite::Result<_>>()?;
        for (row, connection, sealed) in rows {
            let form = FirstForm {
                organization: id,
                connection: ConnectionId(connection),
                column,
            };
            if let Some(secret) = ring.open_first_form(form, &sealed) {
                let sealed = key.seal(form.place(), &secret)?;
                tx.execute(
                    &format!("UPDATE connections SET {name} = ?2 WHERE key = ?1"),
                    params![row, sealed],
                )?;
            }
        }
    }
    Ok(())
}

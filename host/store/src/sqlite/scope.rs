//! From ids to keys, within one organization. What is not found here does not exist for the caller.

use partneros_domain::{ConnectionId, Direction, MemberId, OrganizationId, PairId, PairState};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::encoding::Cell;
use super::fault::{Outcome, not_found};

/// A pair that the organization has.
#[derive(Debug, Clone)]
pub(super) struct PairScope {
    pub(super) key: i64,
    pub(super) organization: i64,
    /// The object's key and name.
    pub(super) object: i64,
    pub(super) object_name: String,
    pub(super) direction: Direction,
    pub(super) state: PairState,
}

pub(super) fn organization(db: &Connection, id: OrganizationId) -> Outcome<i64> {
    organization_if_any(db, id)?.ok_or_else(|| not_found("organization", id).into())
}

pub(super) fn organization_if_any(db: &Connection, id: OrganizationId) -> Outcome<Option<i64>> {
    let mut find = db.prepare_cached("SELECT key FROM organizations WHERE id = ?1")?;
    Ok(find.query_row([id.0], |row| row.get(0)).optional()?)
}

pub(super) fn member(db: &Connection, organization: OrganizationId, id: MemberId) -> Outcome<i64> {
    let mut find = db.prepare_cached(
        "SELECT m.key FROM members m JOIN organizations o ON o.key = m.organization
         WHERE m.id = ?1 AND o.id = ?2",
    )?;
    find.query_row([id.0, organization.0], |row| row.get(0))
        .optional()?
        .ok_or_else(|| not_found("member", id).into())
}

pub(super) fn connection(
    db: &Connection,
    organization: OrganizationId,
    id: ConnectionId,
) -> Outcome<i64> {
    let mut find = db.prepare_cached(
        "SELECT c.key FROM connections c JOIN organizations o ON o.key = c.organization
         WHERE c.id = ?1 AND o.id = ?2",
    )?;
    find.query_row([id.0, organization.0], |row| row.get(0))
        .optional()?
        .ok_or_else(|| not_found("connection", id).into())
}

pub(super) fn pair(
    db: &Connection,
    organization: OrganizationId,
    id: PairId,
) -> Outcome<PairScope> {
    let mut find = db.prepare_cached(
        "SELECT p.key, p.organization, p.object, b.name, p.direction, p.state
         FROM object_pairs p
         JOIN organizations o ON o.key = p.organization
         JOIN objects b ON b.key = p.object
         WHERE p.id = ?1 AND o.id = ?2",
    )?;
    let mut rows = find.query(params![id.0, organization.0])?;
    let row = rows.next()?.ok_or_else(|| not_found("object pair", id))?;
    Ok(PairScope {
        key: row.get(0)?,
        organization: row.get(1)?,
        object: row.get(2)?,
        object_name: row.get(3)?,
        direction: Cell::new("object_pairs", "direction").word(row, 4, id)?,
        state: Cell::new("object_pairs", "state").word(row, 5, id)?,
    })
}

/// The key of an object that was named before.
pub(super) fn object_if_any(
    db: &Connection,
    organization: OrganizationId,
    name: &str,
) -> Outcome<Option<i64>> {
    let mut find = db.prepare_cached(
        "SELECT b.key FROM objects b JOIN organizations o ON o.key = b.organization
         WHERE o.id = ?1 AND b.name = ?2",
    )?;
    Ok(find
        .query_row(params![organization.0, name], |row| row.get(0))
        .optional()?)
}

/// The key of an object, which is named from now on.
pub(super) fn object(db: &Connection, organization: i64, name: &str) -> Outcome<i64> {
    let mut find =
        db.prepare_cached("SELECT key FROM objects WHERE organization = ?1 AND name = ?2")?;
    let found = find
        .query_row(params![organization, name], |row| row.get(0))
        .optional()?;
    if let Some(key) = found {
        return Ok(key);
    }
    db.prepare_cached("INSERT INTO objects (organization, name) VALUES (?1, ?2)")?
        .execute(params![organization, name])?;
    Ok(db.last_insert_rowid())
}

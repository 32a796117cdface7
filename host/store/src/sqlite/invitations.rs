//! Invitations: links that work once, for one address.

use partneros_domain::{InvitationId, MemberId, OrganizationId, Timestamp};
use rusqlite::{Connection, Row, params};

use super::encoding::{Cell, time, word};
use super::fault::{Fault, Outcome, conflict, not_found};
use super::position::{List, one_more};
use super::{members, scope};
use crate::{Invitation, Joining, Member, NewInvitation, Page};

const INVITATION: &str =
    "SELECT i.id, o.id, i.email, i.role, i.invited_by, i.created_at, i.expires_at, i.key
     FROM invitations i JOIN organizations o ON o.key = i.organization";

pub(super) fn put(
    db: &Connection,
    organization: OrganizationId,
    new: &NewInvitation,
) -> Outcome<()> {
    let organization = scope::organization(db, organization)?;
    let is_member: bool = db
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM members m JOIN users u ON u.key = m.user
             WHERE m.organization = ?1 AND u.email = ?2)",
        )?
        .query_row(params![organization, new.email], |row| row.get(0))?;
    if is_member {
        return Err(conflict("user", &new.email, "is a member already").into());
    }
    db.prepare_cached(
        "DELETE FROM invitations WHERE organization = ?1 AND (email = ?2 OR expires_at <= ?3)",
    )?
    .execute(params![organization, new.email, new.created_at.0])?;
    db.prepare_cached(
        "INSERT INTO invitations
             (organization, id, email, role, invited_by, hash, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        organization,
        new.id.0,
        new.email,
        word(&new.role)?,
        new.invited_by,
        new.hash,
        new.created_at.0,
        new.expires_at.0
    ])?;
    Ok(())
}

pub(super) fn list(
    db: &Connection,
    organization: OrganizationId,
    now: Timestamp,
) -> Outcome<Vec<Invitation>> {
    let mut list = db.prepare_cached(&format!(
        "{INVITATION} WHERE o.id = ?1 AND i.expires_at > ?2 ORDER BY i.created_at, i.key"
    ))?;
    let rows = list.query_and_then(params![organization.0, now.0], read)?;
    rows.collect()
}

pub(super) fn page(
    db: &Connection,
    organization: OrganizationId,
    now: Timestamp,
    after: Option<&str>,
    limit: usize,
) -> Outcome<Page<Invitation>> {
    let after = List::Invitations.key(after, 0)?;
    let mut list = db.prepare_cached(&format!(
        "{INVITATION} WHERE o.id = ?1 AND i.expires_at > ?2 AND i.key > ?3 ORDER BY i.key LIMIT ?4"
    ))?;
    let of = params![organization.0, now.0, after, one_more(limit)];
    let rows = list.query_and_then(of, |row| Ok::<_, Fault>((row.get(7)?, read(row)?)))?;
    Ok(List::Invitations.page(rows.collect::<Outcome<_>>()?, limit))
}

pub(super) fn delete(
    db: &Connection,
    organization: OrganizationId,
    id: InvitationId,
) -> Outcome<()> {
    let deleted = db
        .prepare_cached(
            "DELETE FROM invitations
             WHERE id = ?1 AND organization = (SELECT key FROM organizations WHERE id = ?2)",
        )?
        .execute([id.0, organization.0])?;
    if deleted == 0 {
        return Err(not_found("invitation", id).into());
    }
    Ok(())
}

pub(super) fn find(
    db: &Connection,
    hash: &[u8; 32],
    now: Timestamp,
) -> Outcome<Option<Invitation>> {
    let mut find = db.prepare_cached(&format!(
        "{INVITATION} WHERE i.hash = ?1 AND i.expires_at > ?2"
    ))?;
    let mut rows = find.query(params![hash, now.0])?;
    rows.next()?.map(read).transpose()
}

pub(super) fn accept(
    db: &Connection,
    hash: &[u8; 32],
    member: MemberId,
    joining: &Joining,
    now: Timestamp,
) -> Outcome<Member> {
    // The hash is no secret, but of no use to anyone either.
    let invitation = find(db, hash, now)?.ok_or_else(|| not_found("invitation", "of the link"))?;
    let user = members::user(db, joining, now)?;
    let email: String = db
        .prepare_cached("SELECT email FROM users WHERE key = ?1")?
        .query_row([user], |row| row.get(0))?;
    if email != invitation.email {
        return Err(not_found("invitation", "of the link").into());
    }
    let organization = invitation.organization_id;
    let key = scope::organization(db, organization)?;
    members::insert(db, key, user, member, invitation.role, now)?;
    delete(db, organization, invitation.id)?;
    members::find(db, organization, member)
}

fn read(row: &Row<'_>) -> Outcome<Invitation> {
    let id = InvitationId(row.get(0)?);
    Ok(Invitation {
        id,
        organization_id: OrganizationId(row.get(1)?),
        email: row.get(2)?,
        role: Cell::new("invitations", "role").word(row, 3, id)?,
        invited_by: row.get(4)?,
        created_at: time(row, 5)?,
        expires_at: time(row, 6)?,
    })
}

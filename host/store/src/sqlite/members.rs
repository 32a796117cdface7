//! Users and members. Invitations are in `invitations`, behind the same trait.

use async_trait::async_trait;
use partneros_domain::{InvitationId, MemberId, OrganizationId, Role, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use secrecy::{ExposeSecret as _, SecretString};

use super::encoding::{Cell, time, word};
use super::fault::{Fault, Outcome, conflict, not_found, unless_taken};
use super::position::{List, one_more};
use super::{Sqlite, invitations, scope};
use crate::{Invitation, Joining, Member, Members, NewInvitation, Page, Result, User};

const MEMBER: &str = "SELECT m.id, u.id, u.email, m.role, m.created_at, m.key
     FROM members m JOIN users u ON u.key = m.user JOIN organizations o ON o.key = m.organization";

#[async_trait]
impl Members for Sqlite {
    async fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        let email = email.to_owned();
        self.look_up("look a user up", move |tx| {
            let mut find =
                tx.prepare_cached("SELECT id, email, password_hash FROM users WHERE email = ?1")?;
            let user = find.query_row([&email], |row| {
                Ok(User {
                    id: UserId(row.get(0)?),
                    email: row.get(1)?,
                    password_hash: SecretString::from(row.get::<_, String>(2)?),
                })
            });
            Ok(user.optional()?)
        })
        .await
    }

    async fn set_password(
        &self,
        user: UserId,
        password_hash: &SecretString,
        keep: Option<&[u8; 32]>,
    ) -> Result<()> {
        let (password_hash, keep) = (password_hash.clone(), keep.copied());
        self.write("set a password", move |tx| {
            let changed = tx
                .prepare_cached("UPDATE users SET password_hash = ?2 WHERE id = ?1")?
                .execute(params![user.0, password_hash.expose_secret()])?;
            if changed == 0 {
                return Err(not_found("user", user).into());
            }
            tx.prepare_cached(
                "DELETE FROM sessions
                 WHERE user = (SELECT key FROM users WHERE id = ?1) AND hash IS NOT ?2",
            )?
            .execute(params![user.0, keep])?;
            Ok(())
        })
        .await
    }

    async fn create_first_owner(
        &self,
        organization: OrganizationId,
        member: MemberId,
        joining: Joining,
        at: Timestamp,
    ) -> Result<Member> {
        self.write("make the first owner", move |tx| {
            let key = scope::organization(tx, organization)?;
            let members: i64 = tx
                .prepare_cached("SELECT count(*) FROM members WHERE organization = ?1")?
                .query_row([key], |row| row.get(0))?;
            if members > 0 {
                return Err(conflict("organization", organization, "has members already").into());
            }
            let user = user(tx, &joining, at)?;
            insert(tx, key, user, member, Role::Owner, at)?;
            find(tx, organization, member)
        })
        .await
    }

    async fn members(&self, organization: OrganizationId) -> Result<Vec<Member>> {
        self.read("list the members", move |tx| {
            let mut list = tx.prepare_cached(&format!(
                "{MEMBER} WHERE o.id = ?1 ORDER BY m.created_at, m.key"
            ))?;
            let rows = list.query_and_then([organization.0], read)?;
            rows.collect()
        })
        .await
    }

    async fn members_page(
        &self,
        organization: OrganizationId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Member>> {
        let after = after.map(ToOwned::to_owned);
        self.read("list the members", move |tx| {
            let after = List::Members.key(after.as_deref(), 0)?;
            let mut list = tx.prepare_cached(&format!(
                "{MEMBER} WHERE o.id = ?1 AND m.key > ?2 ORDER BY m.key LIMIT ?3"
            ))?;
            let rows = list
                .query_and_then(params![organization.0, after, one_more(limit)], |row| {
                    Ok::<_, Fault>((row.get(5)?, read(row)?))
                })?;
            Ok(List::Members.page(rows.collect::<Outcome<_>>()?, limit))
        })
        .await
    }

    async fn member(&self, organization: OrganizationId, id: MemberId) -> Result<Member> {
        self.look_up("read a member", move |tx| find(tx, organization, id))
            .await
    }

    async fn set_role(
        &self,
        organization: OrganizationId,
        id: MemberId,
        from: Role,
        role: Role,
    ) -> Result<Member> {
        self.write("change a role", move |tx| {
            let key = changeable(tx, organization, id, from, Some(role))?;
            tx.prepare_cached("UPDATE members SET role = ?2 WHERE key = ?1")?
                .execute(params![key, word(&role)?])?;
            find(tx, organization, id)
        })
        .await
    }

    async fn remove_member(
        &self,
        organization: OrganizationId,
        id: MemberId,
        from: Role,
    ) -> Result<()> {
        self.write("remove a member", move |tx| {
            let key = changeable(tx, organization, id, from, None)?;
            tx.prepare_cached(
                "UPDATE sessions SET organization = NULL
                 FROM members m
                 WHERE m.key = ?1 AND sessions.user = m.user AND sessions.organization = m.organization",
            )?
            .execute([key])?;
            tx.prepare_cached("DELETE FROM members WHERE key = ?1")?
                .execute([key])?;
            Ok(())
        })
        .await
    }

    async fn put_invitation(
        &self,
        organization: OrganizationId,
        invitation: &NewInvitation,
    ) -> Result<()> {
        let invitation = invitation.clone();
        self.write("put an invitation", move |tx| {
            invitations::put(tx, organization, &invitation)
        })
        .await
    }

    async fn invitations(
        &self,
        organization: OrganizationId,
        now: Timestamp,
    ) -> Result<Vec<Invitation>> {
        self.read("list the invitations", move |tx| {
            invitations::list(tx, organization, now)
        })
        .await
    }

    async fn invitations_page(
        &self,
        organization: OrganizationId,
        now: Timestamp,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Invitation>> {
        let after = after.map(ToOwned::to_owned);
        self.read("list the invitations", move |tx| {
            invitations::page(tx, organization, now, after.as_deref(), limit)
        })
        .await
    }

    async fn delete_invitation(
        &self,
        organization: OrganizationId,
        id: InvitationId,
    ) -> Result<()> {
        self.write("delete an invitation", move |tx| {
            invitations::delete(tx, organization, id)
        })
        .await
    }

    async fn invitation_of_link(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Invitation>> {
        let hash = *hash;
        self.look_up("look an invitation up", move |tx| {
            invitations::find(tx, &hash, now)
        })
        .await
    }

    async fn accept_invitation(
        &self,
        hash: &[u8; 32],
        member: MemberId,
        joining: Joining,
        now: Timestamp,
    ) -> Result<Member> {
        let hash = *hash;
        self.write("accept an invitation", move |tx| {
            invitations::accept(tx, &hash, member, &joining, now)
        })
        .await
    }
}

/// The key of who joins, who is written down if they are new.
pub(super) fn user(db: &Connection, joining: &Joining, at: Timestamp) -> Outcome<i64> {
    match joining {
        Joining::New(new) => {
            let inserted = db
                .prepare_cached(
                    "INSERT INTO users (id, email, password_hash, created_at) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![
                    new.id.0,
                    new.email,
                    new.password_hash.expose_secret(),
                    at.0
                ]);
            unless_taken(inserted, || conflict("user", &new.email, "exists already"))?;
            Ok(db.last_insert_rowid())
        }
        Joining::Known(id) => db
            .prepare_cached("SELECT key FROM users WHERE id = ?1")?
            .query_row([id.0], |row| row.get(0))
            .optional()?
            .ok_or_else(|| not_found("user", *id).into()),
    }
}

pub(super) fn insert(
    db: &Connection,
    organization: i64,
    user: i64,
    id: MemberId,
    role: Role,
    at: Timestamp,
) -> Outcome<()> {
    let inserted = db
        .prepare_cached(
            "INSERT INTO members (organization, user, id, role, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![organization, user, id.0, word(&role)?, at.0]);
    unless_taken(inserted, || conflict("member", id, "exists already"))?;
    Ok(())
}

pub(super) fn find(db: &Connection, organization: OrganizationId, id: MemberId) -> Outcome<Member> {
    let mut find = db.prepare_cached(&format!("{MEMBER} WHERE o.id = ?1 AND m.id = ?2"))?;
    let mut rows = find.query([organization.0, id.0])?;
    let row = rows.next()?.ok_or_else(|| not_found("member", id))?;
    read(row)
}

/// The key of a member who is `from` and may become `to`, or go.
fn changeable(
    db: &Connection,
    organization: OrganizationId,
    id: MemberId,
    from: Role,
    to: Option<Role>,
) -> Outcome<i64> {
    let member = find(db, organization, id)?;
    if member.role != from {
        return Err(conflict("member", id, "has another role since it was read").into());
    }
    let stops_owning = from == Role::Owner && to != Some(Role::Owner);
    if stops_owning && owners(db, organization)? <= 1 {
        let problem = "is the last owner; make another member an owner first";
        return Err(conflict("member", id, problem).into());
    }
    scope::member(db, organization, id)
}

fn owners(db: &Connection, organization: OrganizationId) -> Outcome<i64> {
    let mut count = db.prepare_cached(
        "SELECT count(*) FROM members m JOIN organizations o ON o.key = m.organization
         WHERE o.id = ?1 AND m.role = ?2",
    )?;
    Ok(
        count.query_row(params![organization.0, word(&Role::Owner)?], |row| {
            row.get(0)
        })?,
    )
}

fn read(row: &Row<'_>) -> Outcome<Member> {
    let id = MemberId(row.get(0)?);
    Ok(Member {
        id,
        user_id: UserId(row.get(1)?),
        email: row.get(2)?,
        role: Cell::new("members", "role").word(row, 3, id)?,
        created_at: time(row, 4)?,
    })
}

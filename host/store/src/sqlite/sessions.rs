//! Sessions of people who signed in.

use async_trait::async_trait;
use partneros_domain::{MemberId, OrganizationId, Role, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::Sqlite;
use super::encoding::{Cell, time};
use super::fault::{Fault, Outcome, conflict, not_found, unless_taken};
use crate::{ActiveOrganization, NewSession, Organization, Result, Session, Sessions};

#[async_trait]
impl Sessions for Sqlite {
    async fn create_session(&self, session: &NewSession, sessions_max: usize) -> Result<()> {
        let session = session.clone();
        self.write("create a session", move |tx| {
            let user = user(tx, session.user_id)?;
            let organization = match session.organization {
                Some(id) => Some(organization_of(tx, user, id)?),
                None => None,
            };
            let inserted = tx
                .prepare_cached(
                    "INSERT INTO sessions
                         (user, organization, hash, created_at, used_at, idle_until, expires_at)
                     VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6)",
                )?
                .execute(params![
                    user,
                    organization,
                    session.hash,
                    session.at.0,
                    session.idle_until.0,
                    session.expires_at.0
                ]);
            unless_taken(inserted, || {
                conflict("session", session.user_id, "exists already")
            })?;
            prune(tx, user, session.at, sessions_max)
        })
        .await
    }

    async fn session(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<Session>> {
        let hash = *hash;
        self.look_up("look a session up", move |tx| {
            let mut find = tx.prepare_cached(
                "SELECT u.id, u.email, s.used_at, s.expires_at, o.id, m.id, m.role
                 FROM sessions s JOIN users u ON u.key = s.user
                 LEFT JOIN members m ON m.user = s.user AND m.organization = s.organization
                 LEFT JOIN organizations o ON o.key = m.organization
                 WHERE s.hash = ?1 AND s.idle_until > ?2 AND s.expires_at > ?2",
            )?;
            let mut rows = find.query(params![hash, now.0])?;
            rows.next()?.map(read).transpose()
        })
        .await
    }

    async fn touch_session(
        &self,
        hash: &[u8; 32],
        at: Timestamp,
        idle_until: Timestamp,
    ) -> Result<()> {
        let hash = *hash;
        self.write("note the use of a session", move |tx| {
            tx.prepare_cached("UPDATE sessions SET used_at = ?2, idle_until = ?3 WHERE hash = ?1")?
                .execute(params![hash, at.0, idle_until.0])?;
            Ok(())
        })
        .await
    }

    async fn set_active_organization(
        &self,
        hash: &[u8; 32],
        organization: OrganizationId,
    ) -> Result<()> {
        let hash = *hash;
        self.write("choose an organization", move |tx| {
            let user = tx
                .prepare_cached("SELECT user FROM sessions WHERE hash = ?1")?
                .query_row([hash], |row| row.get(0))
                .optional()?
                .ok_or_else(|| not_found("organization", organization))?;
            let organization = organization_of(tx, user, organization)?;
            tx.prepare_cached("UPDATE sessions SET organization = ?2 WHERE hash = ?1")?
                .execute(params![hash, organization])?;
            Ok(())
        })
        .await
    }

    async fn delete_session(&self, hash: &[u8; 32]) -> Result<()> {
        let hash = *hash;
        self.write("end a session", move |tx| {
            tx.prepare_cached("DELETE FROM sessions WHERE hash = ?1")?
                .execute([hash])?;
            Ok(())
        })
        .await
    }

    async fn delete_sessions(&self, user: UserId) -> Result<()> {
        self.write("end the sessions of a user", move |tx| {
            tx.prepare_cached(
                "DELETE FROM sessions WHERE user = (SELECT key FROM users WHERE id = ?1)",
            )?
            .execute([user.0])?;
            Ok(())
        })
        .await
    }

    async fn organizations_of_user(&self, user: UserId) -> Result<Vec<(Organization, Role)>> {
        self.read("list the organizations of a user", move |tx| {
            let mut list = tx.prepare_cached(
                "SELECT o.id, o.name, o.created_at, m.role
                 FROM members m JOIN organizations o ON o.key = m.organization
                 JOIN users u ON u.key = m.user
                 WHERE u.id = ?1 ORDER BY o.name",
            )?;
            let rows = list.query_and_then([user.0], |row| {
                let organization = Organization {
                    id: OrganizationId(row.get(0)?),
                    name: row.get(1)?,
                    created_at: time(row, 2)?,
                };
                let role = Cell::new("members", "role").word(row, 3, user)?;
                Ok::<_, Fault>((organization, role))
            })?;
            rows.collect()
        })
        .await
    }
}

/// Drops the user's sessions that ended, and the oldest beyond `sessions_max`.
fn prune(db: &Connection, user: i64, now: Timestamp, sessions_max: usize) -> Outcome<()> {
    db.prepare_cached(
        "DELETE FROM sessions WHERE user = ?1 AND (idle_until <= ?2 OR expires_at <= ?2)",
    )?
    .execute(params![user, now.0])?;
    db.prepare_cached(
        "DELETE FROM sessions WHERE user = ?1 AND key NOT IN
             (SELECT key FROM sessions WHERE user = ?1 ORDER BY key DESC LIMIT ?2)",
    )?
    .execute(params![user, sessions_max as i64])?;
    Ok(())
}

fn user(db: &Connection, id: UserId) -> Outcome<i64> {
    db.prepare_cached("SELECT key FROM users WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?
        .ok_or_else(|| not_found("user", id).into())
}

/// The key of an organization that the user is a member of.
fn organization_of(db: &Connection, user: i64, id: OrganizationId) -> Outcome<i64> {
    db.prepare_cached(
        "SELECT o.key FROM organizations o JOIN members m ON m.organization = o.key
         WHERE o.id = ?1 AND m.user = ?2",
    )?
    .query_row(params![id.0, user], |row| row.get(0))
    .optional()?
    .ok_or_else(|| not_found("organization", id).into())
}

fn read(row: &Row<'_>) -> Outcome<Session> {
    let active = match (
        row.get::<_, Option<_>>(4)?.map(OrganizationId),
        row.get::<_, Option<_>>(5)?.map(MemberId),
    ) {
        (Some(organization_id), Some(member_id)) => Some(ActiveOrganization {
            organization_id,
            member_id,
            role: Cell::new("members", "role").word(row, 6, member_id)?,
        }),
        _ => None,
    };
    Ok(Session {
        user_id: UserId(row.get(0)?),
        email: row.get(1)?,
        active,
        used_at: time(row, 2)?,
        expires_at: time(row, 3)?,
    })
}

//! Connections, their sealed tokens, and OAuth states.

use async_trait::async_trait;
use partneros_domain::{ConnectionId, OrganizationId, Timestamp};
use rusqlite::{Connection as Database, OptionalExtension as _, Row, Transaction, params};
use secrecy::SecretString;

use super::data_keys::{Closed, Sealer};
use super::encoding::{Cell, json, time, time_if_any, word};
use super::fault::{Fault, Outcome, conflict, not_found, unless_taken};
use super::{Sqlite, scope};
use crate::seal::{ACCESS_TOKEN, Place, REFRESH_PREVIOUS, REFRESH_TOKEN, SealedColumn};
use crate::{
    Connection, ConnectionStatus, Connections, Credential, NewConnection, OAuthState, Result,
    TokenSet,
};

const COLUMNS: &str =
    "SELECT c.id, c.portal_id, c.status, c.scopes, c.last_sync_at, c.last_error_at,
        c.last_error_message, c.created_at
     FROM connections c JOIN organizations o ON o.key = c.organization";

#[async_trait]
impl Connections for Sqlite {
    async fn put_connection(
        &self,
        organization: OrganizationId,
        new: NewConnection,
    ) -> Result<Connection> {
        self.write_sealed("put a connection", organization, move |tx, sealer| {
            put(tx, sealer, organization, &new)
        })
        .await
    }

    async fn connections(&self, organization: OrganizationId) -> Result<Vec<Connection>> {
        self.read("list the connections", move |tx| {
            let mut list = tx.prepare_cached(&format!(
                "{COLUMNS} WHERE o.id = ?1 ORDER BY c.created_at, c.key"
            ))?;
            let rows = list.query_and_then([organization.0], |row| read(row, organization))?;
            rows.collect()
        })
        .await
    }

    async fn connection(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
    ) -> Result<Connection> {
        self.read("read a connection", move |tx| find(tx, organization, id))
            .await
    }

    async fn set_connection_status(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
        status: ConnectionStatus,
        error: Option<&str>,
        at: Timestamp,
    ) -> Result<()> {
        let error = error.map(ToOwned::to_owned);
        self.write("set a connection's status", move |tx| {
            let key = scope::connection(tx, organization, id)?;
            let updated = tx
                .prepare_cached(
                    "UPDATE connections SET status = ?2, status_at = ?3,
                         last_error_at = CASE WHEN ?4 IS NULL THEN last_error_at ELSE ?3 END,
                         last_error_message = coalesce(?4, last_error_message)
                     WHERE key = ?1 AND (status <> 'disconnected' OR ?2 = 'disconnected')",
                )?
                .execute(params![key, word(&status)?, at.0, error])?;
            if updated == 0 {
                return Err(conflict("connection", id, "is disconnected").into());
            }
            Ok(())
        })
        .await
    }

    async fn connection_tokens(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
    ) -> Result<TokenSet> {
        let read = self.read("read a connection's tokens", move |tx| {
            read_tokens(tx, organization, id)
        });
        let ClosedTokens {
            access,
            access_expires_at,
            refresh,
            refresh_previous,
            generation,
        } = read.await?;
        Ok(TokenSet {
            access: self.open_sealed(access).await?,
            access_expires_at,
            refresh: self.open_if_any(refresh).await?,
            refresh_previous: self.open_if_any(refresh_previous).await?,
            generation,
        })
    }

    async fn replace_tokens(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
        from: i64,
        tokens: &TokenSet,
    ) -> Result<bool> {
        let tokens = tokens.clone();
        let replace = move |tx: &Transaction<'_>, sealer: &Sealer| {
            let key = scope::connection(tx, organization, id)?;
            let sealed = SealedTokens::seal(sealer, id, &tokens)?;
            let mut update = tx.prepare_cached(
                "UPDATE connections SET access_token = ?3, access_expires_at = ?4,
                     refresh_token = ?5, refresh_previous = ?6, token_generation = ?2 + 1
                 WHERE key = ?1 AND token_generation = ?2 AND access_token IS NOT NULL",
            )?;
            let updated = update.execute(params![
                key,
                from,
                sealed.access,
                sealed.access_expires_at.0,
                sealed.refresh,
                sealed.refresh_previous
            ])?;
            Ok(updated == 1)
        };
        self.write_sealed("replace a connection's tokens", organization, replace)
            .await
    }

    async fn disconnect(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
        at: Timestamp,
    ) -> Result<()> {
        self.write("disconnect a portal", move |tx| {
            let key = scope::connection(tx, organization, id)?;
            tx.prepare_cached(
                "UPDATE connections SET status = 'disconnected', status_at = ?2,
                     access_token = NULL, access_expires_at = NULL, refresh_token = NULL,
                     refresh_previous = NULL, token_generation = token_generation + 1
                 WHERE key = ?1",
            )?
            .execute([key, at.0])?;
            Ok(())
        })
        .await
    }

    async fn put_oauth_state(&self, state: &OAuthState, now: Timestamp) -> Result<()> {
        let state = state.clone();
        self.write("keep a connect flow", move |tx| {
            let organization = scope::organization(tx, state.organization_id)?;
            let (session, token) = match state.begun_with {
                Credential::Session(hash) => (Some(hash), None),
                Credential::Token(hash) => (None, Some(hash)),
            };
            tx.prepare_cached("DELETE FROM oauth_states WHERE expires_at <= ?1")?
                .execute([now.0])?;
            let inserted = tx
                .prepare_cached(
                    "INSERT INTO oauth_states (hash, organization, session, token, expires_at)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    state.hash,
                    organization,
                    session,
                    token,
                    state.expires_at.0
                ]);
            unless_taken(inserted, || {
                conflict("connect flow", &hex::encode(state.hash), "exists already")
            })?;
            Ok(())
        })
        .await
    }

    async fn take_oauth_state(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<OAuthState>> {
        let hash = *hash;
        self.write("take a connect flow", move |tx| {
            let mut take = tx.prepare_cached(
                "DELETE FROM oauth_states WHERE hash = ?1
                 RETURNING (SELECT id FROM organizations WHERE key = organization), expires_at,
                     session, token",
            )?;
            let taken = take
                .query_row([hash], |row| {
                    Ok(OAuthState {
                        hash,
                        organization_id: OrganizationId(row.get(0)?),
                        begun_with: match row.get(2)? {
                            Some(session) => Credential::Session(session),
                            None => Credential::Token(row.get(3)?),
                        },
                        expires_at: time(row, 1)?,
                    })
                })
                .optional()?;
            Ok(taken.filter(|state| state.expires_at > now))
        })
        .await
    }
}

fn put(
    db: &Database,
    sealer: &Sealer,
    organization: OrganizationId,
    new: &NewConnection,
) -> Outcome<Connection> {
    let owner = scope::organization(db, organization)?;
    let known: Option<(i64, uuid::Uuid)> = db
        .prepare_cached(
            "SELECT key, id FROM connections WHERE organization = ?1 AND portal_id = ?2",
        )?
        .query_row([owner, new.portal_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let id = known.map_or(new.id, |(_, id)| ConnectionId(id));
    let tokens = SealedTokens::seal(sealer, id, &new.tokens)?;
    let scopes = json(&new.scopes)?;
    let written = if let Some((row, _)) = known {
        db.prepare_cached(
            "UPDATE connections SET status = 'active', status_at = ?2, scopes = ?3, access_token = ?4,
                 access_expires_at = ?5, refresh_token = ?6, refresh_previous = ?7,
                 token_generation = token_generation + 1
             WHERE key = ?1",
        )?
        .execute(params![
            row,
            new.at.0,
            scopes,
            tokens.access,
            tokens.access_expires_at.0,
            tokens.refresh,
            tokens.refresh_previous
        ])
    } else {
        db.prepare_cached(
            "INSERT INTO connections (organization, id, portal_id, status, status_at, created_at,
                 scopes, access_token, access_expires_at, refresh_token, refresh_previous,
                 token_generation)
             VALUES (?1, ?2, ?3, 'active', ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            owner,
            new.id.0,
            new.portal_id,
            new.at.0,
            scopes,
            tokens.access,
            tokens.access_expires_at.0,
            tokens.refresh,
            tokens.refresh_previous,
            new.tokens.generation
        ])
    };
    unless_taken(written, || {
        let problem = "is connected by another organization, or its connection's id is taken";
        conflict("portal", new.portal_id, problem)
    })?;
    find(db, organization, id)
}

fn find(db: &Database, organization: OrganizationId, id: ConnectionId) -> Outcome<Connection> {
    let mut find = db.prepare_cached(&format!("{COLUMNS} WHERE o.id = ?1 AND c.id = ?2"))?;
    let mut rows = find.query([organization.0, id.0])?;
    match rows.next()? {
        Some(row) => read(row, organization),
        None => Err(Fault::Store(not_found("connection", id))),
    }
}

fn read(row: &Row<'_>, organization_id: OrganizationId) -> Outcome<Connection> {
    let id = ConnectionId(row.get(0)?);
    Ok(Connection {
        id,
        organization_id,
        portal_id: row.get(1)?,
        status: Cell::new("connections", "status").word(row, 2, id)?,
        scopes: Cell::new("connections", "scopes").json(row, 3, id)?,
        last_sync_at: time_if_any(row, 4)?,
        last_error_at: time_if_any(row, 5)?,
        last_error_message: row.get(6)?,
        created_at: time(row, 7)?,
    })
}

/// The tokens as they are stored.
struct SealedTokens {
    access: Vec<u8>,
    access_expires_at: Timestamp,
    refresh: Option<Vec<u8>>,
    refresh_previous: Option<Vec<u8>>,
}

impl SealedTokens {
    fn seal(sealer: &Sealer, id: ConnectionId, tokens: &TokenSet) -> Result<Self> {
        let seal = |column, secret: &SecretString| sealer.seal(column, id.0, secret);
        let seal_if_any = |column, secret: &Option<SecretString>| {
            let secret = secret.as_ref();
            secret.map(|secret| seal(column, secret)).transpose()
        };
        Ok(Self {
            access: seal(&ACCESS_TOKEN, &tokens.access)?,
            access_expires_at: tokens.access_expires_at,
            refresh: seal_if_any(&REFRESH_TOKEN, &tokens.refresh)?,
            refresh_previous: seal_if_any(&REFRESH_PREVIOUS, &tokens.refresh_previous)?,
        })
    }
}

/// The tokens as they were read.
struct ClosedTokens {
    access: Closed,
    access_expires_at: Timestamp,
    refresh: Option<Closed>,
    refresh_previous: Option<Closed>,
    generation: i64,
}

fn read_tokens(
    db: &Database,
    organization: OrganizationId,
    id: ConnectionId,
) -> Outcome<ClosedTokens> {
    let connection = scope::connection(db, organization, id)?;
    let mut find = db.prepare_cached(
        "SELECT access_token, access_expires_at, refresh_token, refresh_previous, token_generation
         FROM connections WHERE key = ?1 AND access_token IS NOT NULL",
    )?;
    let mut rows = find.query([connection])?;
    let row = rows
        .next()?
        .ok_or_else(|| not_found("tokens of connection", id))?;
    let close = |column: &'static SealedColumn, sealed| {
        let place = Place {
            organization,
            column,
            row: id.0,
        };
        Closed::read(db, place, sealed)
    };
    let close_if_any =
        |column, sealed: Option<Vec<u8>>| sealed.map(|sealed| close(column, sealed)).transpose();
    Ok(ClosedTokens {
        access: close(&ACCESS_TOKEN, row.get(0)?)?,
        access_expires_at: time(row, 1)?,
        refresh: close_if_any(&REFRESH_TOKEN, row.get(2)?)?,
        refresh_previous: close_if_any(&REFRESH_PREVIOUS, row.get(3)?)?,
        generation: row.get(4)?,
    })
}

//! Connections, their sealed tokens, and OAuth states.

use async_trait::async_trait;
use partneros_domain::{ConnectionId, OrganizationId, Timestamp};
use rusqlite::{Connection as Database, OptionalExtension as _, Row, Transaction, params};
use secrecy::SecretString;

use super::data_keys::{Closed, Sealer};
use super::encoding::{Cell, json, time, time_if_any, word};
use super::fault::{Fault, Outcome, conflict, not_found, unless_taken};
use super::{Sqlite, pairs, scope};
use crate::seal::{ACCESS_TOKEN, Place, REFRESH_PREVIOUS, REFRESH_TOKEN, SealedColumn};
use crate::{
    Connection, ConnectionStatus, Connections, Credential, Error, Forgotten, NewConnection,
    OAuthState, OtherPortal, Result, TokenSet,
};

const COLUMNS: &str =
    "SELECT c.id, c.portal_id, c.status, c.scopes, c.last_sync_at, c.last_error_at,
        c.last_error_message, c.created_at, c.access, c.connected_at
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
        self.look_up("read a connection", move |tx| find(tx, organization, id))
            .await
    }

    async fn set_connection_status(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
        as_of: Timestamp,
        status: ConnectionStatus,
        error: Option<&str>,
        at: Timestamp,
    ) -> Result<bool> {
        let error = error.map(ToOwned::to_owned);
        self.write("set a connection's status", move |tx| {
            let key = scope::connection(tx, organization, id)?;
            let is_anew = tx
                .prepare_cached("SELECT 1 FROM connections WHERE key = ?1 AND connected_at > ?2")?
                .exists([key, as_of.0])?;
            if is_anew {
                return Ok(false);
            }
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
            Ok(true)
        })
        .await
    }

    async fn connection_tokens(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
    ) -> Result<TokenSet> {
        let read = self.look_up("read a connection's tokens", move |tx| {
            let closed = read_tokens(tx, organization, id)?;
            Ok(closed.ok_or_else(|| not_found("tokens of connection", id))?)
        });
        self.open_tokens(read.await?).await
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
                sealed.access_expires_at.map(Timestamp::as_millis),
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
    ) -> Result<Forgotten> {
        let forget = self.write("disconnect a portal", move |tx| {
            let key = scope::connection(tx, organization, id)?;
            // Tokens that cannot be read are forgotten all the same.
            let closed = match read_tokens(tx, organization, id) {
                Err(Fault::Store(error)) => Err(error),
                read => Ok(read?),
            };
            tx.prepare_cached(
                "UPDATE connections SET status = 'disconnected', status_at = ?2,
                     access_token = NULL, access_expires_at = NULL, refresh_token = NULL,
                     refresh_previous = NULL, token_generation = token_generation + 1
                 WHERE key = ?1",
            )?
            .execute([key, at.0])?;
            Ok(closed)
        });
        let opened = match forget.await? {
            Ok(None) => return Ok(Forgotten::Nothing),
            Ok(Some(closed)) => self.open_tokens(closed).await,
            Err(error) => Err(error),
        };
        Ok(opened.map_or_else(Forgotten::Unreadable, |tokens| {
            Forgotten::Tokens(Box::new(tokens))
        }))
    }

    async fn put_oauth_state(&self, state: &OAuthState, now: Timestamp) -> Result<()> {
        let state = state.clone();
        self.write("keep a connect flow", move |tx| {
            let organization = scope::organization(tx, state.organization_id)?;
            let (session, token) = match state.begun_with {
                Credential::Session(hash) => (Some(hash), None),
                Credential::Token(hash) => (None, Some(hash)),
            };
            let instead_of = match state.other_portal {
                OtherPortal::InsteadOf(id) => {
                    Some(scope::connection(tx, state.organization_id, id)?)
                }
                OtherPortal::Refuse | OtherPortal::Beside => None,
            };
            tx.prepare_cached("DELETE FROM oauth_states WHERE expires_at <= ?1")?
                .execute([now.0])?;
            let inserted = tx
                .prepare_cached(
                    "INSERT INTO oauth_states (hash, organization, session, token, expires_at,
                         beside, instead_of)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    state.hash,
                    organization,
                    session,
                    token,
                    state.expires_at.0,
                    state.other_portal == OtherPortal::Beside,
                    instead_of
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
                     session, token, beside,
                     (SELECT id FROM connections WHERE key = instead_of)",
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
                        other_portal: match (row.get(4)?, row.get(5)?) {
                            (_, Some(id)) => OtherPortal::InsteadOf(ConnectionId(id)),
                            (true, None) => OtherPortal::Beside,
                            (false, None) => OtherPortal::Refuse,
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
    let taken = db
        .prepare_cached(
            "SELECT 1 FROM connections
             WHERE portal_id = ?1 AND organization <> ?2 AND status <> 'disconnected'",
        )?
        .exists([new.portal_id, owner])?;
    if taken {
        return Err(Error::PortalTaken(new.portal_id).into());
    }
    let known: Option<(i64, uuid::Uuid)> = db
        .prepare_cached(
            "SELECT key, id FROM connections WHERE organization = ?1 AND portal_id = ?2",
        )?
        .query_row([owner, new.portal_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if known.is_none() && new.other_portal == OtherPortal::Refuse {
        refuse_another(db, owner, new.portal_id)?;
    }
    let id = known.map_or(new.id, |(_, id)| ConnectionId(id));
    let tokens = SealedTokens::seal(sealer, id, &new.tokens)?;
    let key = if let Some((key, _)) = known {
        renew(db, key, new, &tokens)?;
        key
    } else {
        insert(db, owner, new, &tokens)?
    };
    if let OtherPortal::InsteadOf(left) = new.other_portal {
        let left_key = scope::connection(db, organization, left)?;
        if left_key != key {
            pairs::move_all(db, (left_key, left), key)?;
        }
    }
    find(db, organization, id)
}

/// Refuses a portal that the organization does not know, if it has another.
fn refuse_another(db: &Database, owner: i64, portal_id: i64) -> Outcome<()> {
    let mut list = db.prepare_cached(
        "SELECT c.id, c.portal_id FROM connections c
         WHERE c.organization = ?1 AND (c.status <> 'disconnected'
             OR EXISTS (SELECT 1 FROM object_pairs p WHERE p.connection = c.key))
         ORDER BY c.created_at, c.key",
    )?;
    let rows = list.query_map([owner], |row| Ok((ConnectionId(row.get(0)?), row.get(1)?)))?;
    let connected = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    if connected.is_empty() {
        return Ok(());
    }
    Err(Error::OtherPortal {
        portal_id,
        connected,
    }
    .into())
}

fn renew(db: &Database, key: i64, new: &NewConnection, tokens: &SealedTokens) -> Outcome<()> {
    db.prepare_cached(
        "UPDATE connections SET status = 'active', status_at = ?2, connected_at = ?2, access = ?3,
             scopes = ?4, access_token = ?5, access_expires_at = ?6, refresh_token = ?7,
             refresh_previous = ?8, token_generation = token_generation + 1
         WHERE key = ?1",
    )?
    .execute(params![
        key,
        new.at.0,
        word(&new.access)?,
        json(&new.scopes)?,
        tokens.access,
        tokens.access_expires_at.map(Timestamp::as_millis),
        tokens.refresh,
        tokens.refresh_previous
    ])?;
    Ok(())
}

/// Makes a connection and returns its key.
fn insert(db: &Database, owner: i64, new: &NewConnection, tokens: &SealedTokens) -> Outcome<i64> {
    let inserted = db
        .prepare_cached(
            "INSERT INTO connections (organization, id, portal_id, status, status_at, created_at,
                 connected_at, access, scopes, access_token, access_expires_at, refresh_token,
                 refresh_previous, token_generation)
             VALUES (?1, ?2, ?3, 'active', ?4, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            owner,
            new.id.0,
            new.portal_id,
            new.at.0,
            word(&new.access)?,
            json(&new.scopes)?,
            tokens.access,
            tokens.access_expires_at.map(Timestamp::as_millis),
            tokens.refresh,
            tokens.refresh_previous,
            new.tokens.generation
        ]);
    unless_taken(inserted, || {
        conflict("connection", new.id, "exists already")
    })?;
    Ok(db.last_insert_rowid())
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
        access: Cell::new("connections", "access").word(row, 8, id)?,
        connected_at: time(row, 9)?,
    })
}

/// The tokens as they are stored.
struct SealedTokens {
    access: Vec<u8>,
    access_expires_at: Option<Timestamp>,
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

impl Sqlite {
    async fn open_tokens(&self, closed: ClosedTokens) -> Result<TokenSet> {
        Ok(TokenSet {
            access: self.open_sealed(closed.access).await?,
            access_expires_at: closed.access_expires_at,
            refresh: self.open_if_any(closed.refresh).await?,
            refresh_previous: self.open_if_any(closed.refresh_previous).await?,
            generation: closed.generation,
        })
    }
}

/// The tokens as they were read.
struct ClosedTokens {
    access: Closed,
    access_expires_at: Option<Timestamp>,
    refresh: Option<Closed>,
    refresh_previous: Option<Closed>,
    generation: i64,
}

/// The tokens of a connection, if it has any.
fn read_tokens(
    db: &Database,
    organization: OrganizationId,
    id: ConnectionId,
) -> Outcome<Option<ClosedTokens>> {
    let connection = scope::connection(db, organization, id)?;
    let mut find = db.prepare_cached(
        "SELECT access_token, access_expires_at, refresh_token, refresh_previous, token_generation
         FROM connections WHERE key = ?1 AND access_token IS NOT NULL",
    )?;
    let mut rows = find.query([connection])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
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
    Ok(Some(ClosedTokens {
        access: close(&ACCESS_TOKEN, row.get(0)?)?,
        access_expires_at: time_if_any(row, 1)?,
        refresh: close_if_any(&REFRESH_TOKEN, row.get(2)?)?,
        refresh_previous: close_if_any(&REFRESH_PREVIOUS, row.get(3)?)?,
        generation: row.get(4)?,
    }))
}

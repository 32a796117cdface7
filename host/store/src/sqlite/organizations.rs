//! Organizations and API tokens.

use async_trait::async_trait;
use partneros_domain::{MemberId, OrganizationId, Role, Timestamp, TokenId};
use rusqlite::{OptionalExtension as _, Row, params};

use super::encoding::{Cell, time, time_if_any, word};
use super::fault::{Fault, Outcome, conflict, not_found, unless_taken};
use super::position::{List, one_more};
use super::{Sqlite, data_keys, scope};
use crate::seal::WrapContext;
use crate::{ApiToken, NewApiToken, Organization, Organizations, Page, Result, TokenHolder};

const TOKEN: &str =
    "SELECT t.id, t.name, t.created_at, u.email, t.role, t.expires_at, t.used_at, t.key
     FROM api_tokens t JOIN organizations o ON o.key = t.organization
     LEFT JOIN members m ON m.key = t.member LEFT JOIN users u ON u.key = m.user";

#[async_trait]
impl Organizations for Sqlite {
    async fn create_organization(&self, organization: &Organization) -> Result<()> {
        let organization = organization.clone();
        let first = WrapContext {
            organization: organization.id,
            number: 1,
        };
        let data_key = self.new_data_key(first).await?;
        self.write("create an organization", move |tx| {
            let mut insert = tx.prepare_cached(
                "INSERT INTO organizations (id, name, created_at) VALUES (?1, ?2, ?3)",
            )?;
            let inserted = insert.execute(params![
                organization.id.0,
                organization.name,
                organization.created_at.0
            ]);
            unless_taken(inserted, || {
                conflict("organization", &organization.name, "exists already")
            })?;
            data_keys::insert(tx, tx.last_insert_rowid(), &data_key)
        })
        .await
    }

    async fn organizations(&self) -> Result<Vec<Organization>> {
        self.read("list the organizations", |tx| {
            let mut list =
                tx.prepare_cached("SELECT id, name, created_at FROM organizations ORDER BY name")?;
            let rows = list.query_map([], read_organization)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn organization_by_name(&self, name: &str) -> Result<Organization> {
        let name = name.to_owned();
        self.look_up("read an organization", move |tx| {
            tx.prepare_cached("SELECT id, name, created_at FROM organizations WHERE name = ?1")?
                .query_row([&name], read_organization)
                .optional()?
                .ok_or_else(|| not_found("organization", &name).into())
        })
        .await
    }

    async fn create_token(&self, organization: OrganizationId, token: &NewApiToken) -> Result<()> {
        let token = token.clone();
        self.write("create a token", move |tx| {
            let key = scope::organization(tx, organization)?;
            let member = match token.member {
                Some(member) => Some(scope::member(tx, organization, member)?),
                None => None,
            };
            let mut insert = tx.prepare_cached(
                "INSERT INTO api_tokens (organization, id, name, hash, created_at, member, role, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            let inserted = insert.execute(params![
                key,
                token.id.0,
                token.name,
                token.hash,
                token.created_at.0,
                member,
                word(&token.role)?,
                token.expires_at.map(|at| at.0),
            ]);
            unless_taken(inserted, || conflict("token", token.id, "exists already"))?;
            Ok(())
        })
        .await
    }

    async fn tokens(&self, organization: OrganizationId) -> Result<Vec<ApiToken>> {
        self.read("list the tokens", move |tx| {
            let mut list = tx.prepare_cached(&format!(
                "{TOKEN} WHERE o.id = ?1 ORDER BY t.created_at, t.key"
            ))?;
            let rows = list.query_and_then([organization.0], read_token)?;
            rows.collect()
        })
        .await
    }

    async fn tokens_page(
        &self,
        organization: OrganizationId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ApiToken>> {
        let after = after.map(ToOwned::to_owned);
        self.read("list the tokens", move |tx| {
            let after = List::Tokens.key(after.as_deref(), 0)?;
            let mut list = tx.prepare_cached(&format!(
                "{TOKEN} WHERE o.id = ?1 AND t.key > ?2 ORDER BY t.key LIMIT ?3"
            ))?;
            let rows = list
                .query_and_then(params![organization.0, after, one_more(limit)], |row| {
                    Ok::<_, Fault>((row.get(7)?, read_token(row)?))
                })?;
            Ok(List::Tokens.page(rows.collect::<Outcome<_>>()?, limit))
        })
        .await
    }

    async fn delete_token(&self, organization: OrganizationId, token: TokenId) -> Result<()> {
        self.write("delete a token", move |tx| {
            let deleted = tx
                .prepare_cached(
                    "DELETE FROM api_tokens
                     WHERE id = ?1 AND organization = (SELECT key FROM organizations WHERE id = ?2)",
                )?
                .execute([token.0, organization.0])?;
            if deleted == 0 {
                return Err(not_found("token", token).into());
            }
            Ok(())
        })
        .await
    }

    async fn token_holder(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<TokenHolder>> {
        let hash = *hash;
        self.look_up("look a token up", move |tx| {
            let mut find = tx.prepare_cached(
                "SELECT o.id, t.id, m.id, t.role, m.role, t.used_at, t.name
                 FROM api_tokens t JOIN organizations o ON o.key = t.organization
                 LEFT JOIN members m ON m.key = t.member
                 WHERE t.hash = ?1 AND (t.expires_at IS NULL OR t.expires_at > ?2)",
            )?;
            let mut rows = find.query(params![hash, now.0])?;
            rows.next()?.map(read_holder).transpose()
        })
        .await
    }

    async fn touch_token(&self, token: TokenId, at: Timestamp) -> Result<()> {
        self.write("note the use of a token", move |tx| {
            tx.prepare_cached("UPDATE api_tokens SET used_at = ?2 WHERE id = ?1")?
                .execute(params![token.0, at.0])?;
            Ok(())
        })
        .await
    }
}

fn read_token(row: &Row<'_>) -> Outcome<ApiToken> {
    let id = TokenId(row.get(0)?);
    Ok(ApiToken {
        id,
        name: row.get(1)?,
        created_at: time(row, 2)?,
        member: row.get(3)?,
        role: Cell::new("api_tokens", "role").word(row, 4, id)?,
        expires_at: time_if_any(row, 5)?,
        used_at: time_if_any(row, 6)?,
    })
}

fn read_holder(row: &Row<'_>) -> Outcome<TokenHolder> {
    let token_id = TokenId(row.get(1)?);
    let member_id = row.get::<_, Option<_>>(2)?.map(MemberId);
    let mut role: Role = Cell::new("api_tokens", "role").word(row, 3, token_id)?;
    if let Some(id) = member_id {
        role = role.min(Cell::new("members", "role").word(row, 4, id)?);
    }
    Ok(TokenHolder {
        organization_id: OrganizationId(row.get(0)?),
        token_id,
        name: row.get(6)?,
        member_id,
        role,
        used_at: time_if_any(row, 5)?,
    })
}

fn read_organization(row: &Row<'_>) -> rusqlite::Result<Organization> {
    Ok(Organization {
        id: OrganizationId(row.get(0)?),
        name: row.get(1)?,
        created_at: time(row, 2)?,
    })
}

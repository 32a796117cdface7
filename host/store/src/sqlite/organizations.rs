//! Organizations and API tokens.

use async_trait::async_trait;
use partneros_domain::{OrganizationId, TokenId};
use rusqlite::{OptionalExtension as _, Row, params};

use super::encoding::time;
use super::fault::{conflict, not_found, unless_taken};
use super::{Sqlite, scope};
use crate::{ApiToken, NewApiToken, Organization, Organizations, Result};

#[async_trait]
impl Organizations for Sqlite {
    async fn create_organization(&self, organization: &Organization) -> Result<()> {
        let organization = organization.clone();
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
            Ok(())
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
        self.read("read an organization", move |tx| {
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
            let organization = scope::organization(tx, organization)?;
            let mut insert = tx.prepare_cached(
                "INSERT INTO api_tokens (organization, id, name, hash, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            let inserted = insert.execute(params![
                organization,
                token.id.0,
                token.name,
                token.hash,
                token.created_at.0
            ]);
            unless_taken(inserted, || conflict("token", token.id, "exists already"))?;
            Ok(())
        })
        .await
    }

    async fn tokens(&self, organization: OrganizationId) -> Result<Vec<ApiToken>> {
        self.read("list the tokens", move |tx| {
            let mut list = tx.prepare_cached(
                "SELECT t.id, t.name, t.created_at
                 FROM api_tokens t JOIN organizations o ON o.key = t.organization
                 WHERE o.id = ?1 ORDER BY t.created_at, t.key",
            )?;
            let rows = list.query_map([organization.0], |row| {
                Ok(ApiToken {
                    id: TokenId(row.get(0)?),
                    name: row.get(1)?,
                    created_at: time(row, 2)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
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

    async fn organization_of_token(&self, hash: &[u8; 32]) -> Result<Option<OrganizationId>> {
        let hash = *hash;
        self.read("look a token up", move |tx| {
            let mut find = tx.prepare_cached(
                "SELECT o.id FROM api_tokens t JOIN organizations o ON o.key = t.organization
                 WHERE t.hash = ?1",
            )?;
            Ok(find
                .query_row([hash], |row| row.get(0).map(OrganizationId))
                .optional()?)
        })
        .await
    }
}

fn read_organization(row: &Row<'_>) -> rusqlite::Result<Organization> {
    Ok(Organization {
        id: OrganizationId(row.get(0)?),
        name: row.get(1)?,
        created_at: time(row, 2)?,
    })
}

//! Discovered schemas.

use async_trait::async_trait;
use partneros_domain::{ConnectionId, OrganizationId, Timestamp};
use rusqlite::{Row, params};

use super::encoding::{Cell, json, time, time_if_any};
use super::fault::{Fault, Outcome, not_found};
use super::pool::Durability;
use super::{Sqlite, scope};
use crate::{CachedSchema, Result, Schemas};

const COLUMNS: &str = "SELECT object, schema, custom, fetched_at FROM schemas";

#[async_trait]
impl Schemas for Sqlite {
    async fn replace_schemas(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
        schemas: &[CachedSchema],
        at: Timestamp,
    ) -> Result<()> {
        let schemas = schemas.to_vec();
        self.run("replace the schemas", move |pool| {
            let texts = schemas
                .iter()
                .map(|cached| json(&cached.schema))
                .collect::<Result<Vec<_>>>()?;
            pool.transact(Durability::Disk, |tx| {
                let connection = scope::connection(tx, organization, connection)?;
                tx.prepare_cached("DELETE FROM schemas WHERE connection = ?1")?
                    .execute([connection])?;
                let mut insert = tx.prepare_cached(
                    "INSERT OR REPLACE INTO schemas (connection, object, custom, schema, fetched_at)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?;
                for (cached, text) in schemas.iter().zip(&texts) {
                    insert.execute(params![
                        connection,
                        cached.schema.name,
                        cached.custom,
                        text,
                        cached.fetched_at.0
                    ])?;
                }
                tx.prepare_cached("UPDATE connections SET last_sync_at = ?2 WHERE key = ?1")?
                    .execute([connection, at.0])?;
                Ok(())
            })
        })
        .await
    }

    async fn schemas(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
    ) -> Result<Vec<CachedSchema>> {
        self.read("list the schemas", move |tx| {
            let connection = scope::connection(tx, organization, connection)?;
            let mut list =
                tx.prepare_cached(&format!("{COLUMNS} WHERE connection = ?1 ORDER BY object"))?;
            let rows = list.query_and_then([connection], read_schema)?;
            rows.collect()
        })
        .await
    }

    async fn schemas_read_at(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
    ) -> Result<Option<Timestamp>> {
        self.look_up("look at the age of the schemas", move |tx| {
            let connection = scope::connection(tx, organization, connection)?;
            let oldest = tx
                .prepare_cached("SELECT min(fetched_at) FROM schemas WHERE connection = ?1")?
                .query_row([connection], |row| time_if_any(row, 0))?;
            Ok(oldest)
        })
        .await
    }

    async fn schema(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
        object: &str,
    ) -> Result<CachedSchema> {
        let object = object.to_owned();
        self.look_up("read a schema", move |tx| {
            let connection = scope::connection(tx, organization, connection)?;
            let mut find =
                tx.prepare_cached(&format!("{COLUMNS} WHERE connection = ?1 AND object = ?2"))?;
            let mut rows = find.query(params![connection, object])?;
            match rows.next()? {
                Some(row) => read_schema(row),
                None => Err(Fault::Store(not_found("schema", &object))),
            }
        })
        .await
    }
}

fn read_schema(row: &Row<'_>) -> Outcome<CachedSchema> {
    let object: String = row.get(0)?;
    Ok(CachedSchema {
        schema: Cell::new("schemas", "schema").json(row, 1, &object)?,
        custom: row.get(2)?,
        fetched_at: time(row, 3)?,
    })
}

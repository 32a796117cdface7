//! Keys of requests that may be repeated.

use async_trait::async_trait;
use partneros_domain::{OrganizationId, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use super::{Sqlite, scope};
use crate::{Idempotency, KeptAnswer, RequestKey, Result, Taken};

/// How many old keys one request clears away at most, so that none waits long for it.
const FORGOTTEN_MAX: i64 = 100;

#[async_trait]
impl Idempotency for Sqlite {
    async fn take_key(
        &self,
        organization: OrganizationId,
        key: RequestKey,
        at: Timestamp,
        forget_until: Timestamp,
    ) -> Result<Taken> {
        self.write("take a request's key", move |tx| {
            let organization = scope::organization(tx, organization)?;
            tx.prepare_cached(
                "DELETE FROM request_keys WHERE (organization, hash) IN (
                     SELECT organization, hash FROM request_keys
                     WHERE organization = ?1 AND taken_at <= ?2 LIMIT ?3)",
            )?
            .execute(params![organization, forget_until.0, FORGOTTEN_MAX])?;
            let found = tx
                .prepare_cached(
                    "SELECT fingerprint, status, body, entity_tag FROM request_keys
                     WHERE organization = ?1 AND hash = ?2 AND taken_at > ?3",
                )?
                .query_row(params![organization, key.hash, forget_until.0], |row| {
                    Ok((
                        row.get::<_, [u8; 32]>(0)?,
                        row.get::<_, Option<u16>>(1)?,
                        row.get::<_, Option<Vec<u8>>>(2)?,
                        row.get::<_, Option<String>>(3)?,
                    ))
                })
                .optional()?;
            Ok(match found {
                None => {
                    tx.prepare_cached(
                        "INSERT OR REPLACE INTO request_keys
                             (organization, hash, fingerprint, taken_at) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute(params![
                        organization,
                        key.hash,
                        key.fingerprint,
                        at.0
                    ])?;
                    Taken::Now
                }
                Some((fingerprint, ..)) if fingerprint != key.fingerprint => Taken::Other,
                Some((_, Some(status), Some(body), entity_tag)) => Taken::Answered(KeptAnswer {
                    status,
                    entity_tag,
                    body,
                }),
                Some(_) => Taken::Unfinished,
            })
        })
        .await
    }

    async fn keep_answer(
        &self,
        organization: OrganizationId,
        key: RequestKey,
        answer: KeptAnswer,
    ) -> Result<()> {
        self.write("keep a request's answer", move |tx| {
            let organization = scope::organization(tx, organization)?;
            tx.prepare_cached(
                "UPDATE request_keys SET status = ?3, body = ?4, entity_tag = ?5
                 WHERE organization = ?1 AND hash = ?2",
            )?
            .execute(params![
                organization,
                key.hash,
                answer.status,
                answer.body,
                answer.entity_tag
            ])?;
            Ok(())
        })
        .await
    }

    async fn free_key(&self, organization: OrganizationId, key: RequestKey) -> Result<()> {
        self.write("free a request's key", move |tx| {
            let organization = scope::organization(tx, organization)?;
            tx.prepare_cached("DELETE FROM request_keys WHERE organization = ?1 AND hash = ?2")?
                .execute(params![organization, key.hash])?;
            Ok(())
        })
        .await
    }
}

//! The change feed.
//!
//! Invariant: whatever changes a record gives it the organization's next number in the same transaction. Transactions that
//! write come one after the other, so a number that is seen has none before it that is not.

use async_trait::async_trait;
use partneros_domain::OrganizationId;
use rusqlite::{Connection as Database, params};

use super::encoding::time_if_any;
use super::fault::{Fault, Outcome};
use super::position::List;
use super::records::{RECORD_COLUMNS, read_record};
use super::{Sqlite, scope};
use crate::{Change, Changes, Result};

#[async_trait]
impl Changes for Sqlite {
    async fn changes(
        &self,
        organization: OrganizationId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Change>> {
        let after = after.map(ToOwned::to_owned);
        self.read("read changes", move |tx| {
            let organization = scope::organization(tx, organization)?;
            let after = List::Changes.key(after.as_deref(), 0)?;
            let mut list = tx.prepare_cached(&format!(
                "SELECT {RECORD_COLUMNS}, r.deleted_at, r.change, b.name FROM records r
                 JOIN objects b ON b.key = r.object
                 WHERE r.organization = ?1 AND r.change > ?2 ORDER BY r.change LIMIT ?3"
            ))?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = list.query_and_then(params![organization, after, limit], |row| {
                let object: String = row.get(8)?;
                Ok::<_, Fault>(Change {
                    record: read_record(row, &object)?,
                    deleted_at: time_if_any(row, 6)?,
                    position: List::Changes.position(row.get(7)?),
                })
            })?;
            rows.collect()
        })
        .await
    }
}

/// The last number that an organization gave.
pub(super) fn last(db: &Database, organization: i64) -> Outcome<i64> {
    Ok(db
        .prepare_cached("SELECT changes FROM organizations WHERE key = ?1")?
        .query_row([organization], |row| row.get(0))?)
}

/// Sets the last number that an organization gave.
pub(super) fn set_last(db: &Database, organization: i64, last: i64) -> Outcome<()> {
    db.prepare_cached("UPDATE organizations SET changes = ?2 WHERE key = ?1")?
        .execute([organization, last])?;
    Ok(())
}

/// The organization's next number.
pub(super) fn next(db: &Database, organization: i64) -> Outcome<i64> {
    Ok(db
        .prepare_cached(
            "UPDATE organizations SET changes = changes + 1 WHERE key = ?1 RETURNING changes",
        )?
        .query_row([organization], |row| row.get(0))?)
}

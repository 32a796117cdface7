//! Changing keys while a host runs, and erasing an organization.
//!
//! Everything goes in batches, each in a transaction of its own that changes only what is still as it was read. So an
//! interrupted change leaves a database that works, and the same change made again completes it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use partneros_domain::OrganizationId;
use rusqlite::{Transaction, params};
use uuid::Uuid;

use super::data_keys::{self, Sealer, Stored};
use super::fault::Outcome;
use super::{Sqlite, scope};
use crate::error::SealProblem;
use crate::seal::{
    DataKey, Place, SEALED_COLUMNS, SealedColumn, SealedUnder, UnwrapError, WrapContext,
    WrappedKey, sealed_prefix, sealed_under,
};
use crate::{Erased, Error, KeyUse, Keys, Rekeyed, Result, Unopened};

/// How many data keys, or secrets of a column, are changed in one transaction: milliseconds of the write lock.
const BATCH: usize = 100;

#[async_trait]
impl Keys for Sqlite {
    async fn key_uses(&self) -> Result<Vec<KeyUse>> {
        self.read("count what is under each key", uses).await
    }

    async fn rewrap_data_keys(&self) -> Result<Rekeyed> {
        let current = self.wrapper.current().await?;
        let mut rekeyed = Rekeyed::default();
        let mut after = (0, 0);
        loop {
            let under = current.clone();
            let batch = self
                .read("list data keys", move |tx| {
                    wrapped_otherwise(tx, &under, after)
                })
                .await?;
            let Some(last) = batch.last() else {
                return Ok(rekeyed);
            };
            after = (last.organization, last.stored.context.number);
            let mut changes = Vec::with_capacity(batch.len());
            for Listed { stored, .. } in batch {
                match self.wrapped_anew(&stored).await? {
                    Ok(wrapped) => changes.push((stored, wrapped)),
                    Err(unopened) => rekeyed.unopened.push(unopened),
                }
            }
            rekeyed.data_keys += self
                .write("wrap data keys anew", move |tx| replace(tx, &changes))
                .await?;
        }
    }

    async fn renew_data_keys(&self) -> Result<Rekeyed> {
        let mut rekeyed = Rekeyed::default();
        for organization in self.organizations_by_id().await? {
            match self.renew(organization, &mut rekeyed).await {
                // Erased meanwhile.
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(rekeyed)
    }

    async fn retire_keys(&self, names: &[String]) -> Result<Vec<String>> {
        let names = names.to_vec();
        self.write("retire wrapping keys", move |tx| {
            let used = uses(tx)?;
            let mut retire =
                tx.prepare_cached("INSERT OR IGNORE INTO retired_keys (name) VALUES (?1)")?;
            let mut retired = Vec::new();
            for name in names {
                if used.iter().all(|used| used.key != name) {
                    retire.execute([&name])?;
                    retired.push(name);
                }
            }
            Ok(retired)
        })
        .await
    }

    async fn erase_organization(&self, organization: OrganizationId) -> Result<Erased> {
        let erased = self.run("erase an organization", move |pool| {
            pool.erase(|tx| {
                let key = scope::organization(tx, organization)?;
                // The rest goes with it, by its foreign keys.
                tx.execute("DELETE FROM organizations WHERE key = ?1", [key])?;
                Ok(())
            })
        });
        let log_emptied = erased.await?;
        self.unwrapped.forget(organization);
        Ok(Erased { log_emptied })
    }
}

fn uses(tx: &Transaction<'_>) -> Outcome<Vec<KeyUse>> {
    let mut uses: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut list =
        tx.prepare_cached("SELECT wrapped_under, count(*) FROM data_keys GROUP BY wrapped_under")?;
    let mut rows = list.query([])?;
    while let Some(row) = rows.next()? {
        uses.entry(row.get(0)?).or_default().0 += row.get::<_, u64>(1)?;
    }
    for SealedColumn { table, name, .. } in SEALED_COLUMNS {
        let mut list = tx.prepare_cached(&format!(
            "SELECT substr({name}, 1, 5) FROM {table} WHERE substr({name}, 1, 1) = x'01'"
        ))?;
        let mut rows = list.query([])?;
        while let Some(row) = rows.next()? {
            if let SealedUnder::RingKey(key) = sealed_under(&row.get::<_, Vec<u8>>(0)?) {
                uses.entry(key).or_default().1 += 1;
            }
        }
    }
    let uses = uses.into_iter().map(|(key, (data_keys, secrets))| KeyUse {
        key,
        data_keys,
        secrets,
    });
    Ok(uses.collect())
}

/// A data key with its organization's key.
#[derive(Debug)]
struct Listed {
    organization: i64,
    stored: Stored,
}

/// A secret under an older data key.
#[derive(Debug)]
struct Older {
    key: i64,
    id: Uuid,
    sealed: Vec<u8>,
}

impl Sqlite {
    /// The data key under the current wrapping key. What does not unwrap is told apart from a wrapper that fails.
    async fn wrapped_anew(
        &self,
        stored: &Stored,
    ) -> Result<std::result::Result<WrappedKey, Unopened>> {
        let organization = stored.context.organization;
        match self.unwrapped(stored).await {
            Ok(key) => {
                let wrapped = self.wrapper.wrap_key(stored.context, key.bytes()).await?;
                Ok(Ok(wrapped))
            }
            Err(UnwrapError::Failed(error)) => Err(error),
            Err(error) => Ok(Err(Unopened {
                organization,
                error: data_keys::of_data_key(organization, error),
            })),
        }
    }

    async fn organizations_by_id(&self) -> Result<Vec<OrganizationId>> {
        self.read("list the organizations", |tx| {
            let mut list = tx.prepare_cached("SELECT id FROM organizations ORDER BY key")?;
            let ids = list.query_map([], |row| row.get(0).map(OrganizationId))?;
            Ok(ids.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn renew(&self, organization: OrganizationId, rekeyed: &mut Rekeyed) -> Result<()> {
        let newest = self
            .read("read a data key", move |tx| {
                data_keys::newest(tx, organization)
            })
            .await?;
        let number = newest.context.number.checked_add(1);
        let context = WrapContext {
            organization,
            number: number.ok_or_else(|| Error::Engine {
                operation: "number a data key",
                source: "the organization has had too many".into(),
            })?,
        };
        let made = self.new_data_key(context).await?;
        self.write("keep a data key", move |tx| {
            let key = scope::organization(tx, organization)?;
            data_keys::insert(tx, key, &made)
        })
        .await?;
        rekeyed.data_keys += 1;
        for column in SEALED_COLUMNS {
            self.reseal(organization, column, rekeyed).await?;
        }
        rekeyed.removed += self
            .write("remove data keys", move |tx| {
                remove_unused(tx, organization)
            })
            .await?;
        Ok(())
    }

    /// Seals a column's values under the organization's newest data key.
    async fn reseal(
        &self,
        organization: OrganizationId,
        column: &'static SealedColumn,
        rekeyed: &mut Rekeyed,
    ) -> Result<()> {
        let mut after = 0;
        loop {
            let batch = self
                .read("list secrets", move |tx| {
                    sealed_otherwise(tx, organization, column, after)
                })
                .await?;
            let Some(last) = batch.last() else {
                return Ok(());
            };
            after = last.key;
            let keys = self.keys_of(organization, &batch).await?;
            let (sealed, unopened) = self
                .write_sealed("seal secrets anew", organization, move |tx, sealer| {
                    reseal_batch(tx, sealer, organization, column, &keys, &batch)
                })
                .await?;
            rekeyed.secrets += sealed;
            rekeyed
                .unopened
                .extend(unopened.into_iter().map(|error| Unopened {
                    organization,
                    error,
                }));
        }
    }

    /// The data keys that these secrets are under, as far as they are to be had.
    async fn keys_of(
        &self,
        organization: OrganizationId,
        batch: &[Older],
    ) -> Result<HashMap<u32, Opener>> {
        let mut keys = HashMap::new();
        for older in batch {
            let SealedUnder::DataKey(number) = sealed_under(&older.sealed) else {
                continue;
            };
            if keys.contains_key(&number) {
                continue;
            }
            let stored = self
                .read("read a data key", move |tx| {
                    data_keys::numbered(tx, organization, number)
                })
                .await?;
            let opener = match stored {
                None => Opener::Gone,
                Some(stored) => match self.unwrapped(&stored).await {
                    Ok(key) => Opener::Key(key),
                    Err(UnwrapError::Failed(error)) => return Err(error),
                    Err(UnwrapError::KeyMissing(name)) => Opener::Missing(name),
                    Err(UnwrapError::Changed) => Opener::Gone,
                },
            };
            keys.insert(number, opener);
        }
        Ok(keys)
    }
}

/// What there is to open secrets with.
#[derive(Debug)]
enum Opener {
    Key(Arc<DataKey>),
    /// The data key is under a wrapping key that is missing.
    Missing(String),
    Gone,
}

impl Opener {
    fn open(&self, place: Place, number: u32, sealed: &[u8]) -> Result<secrecy::SecretString> {
        let remedy = place.column.remedy;
        match self {
            Self::Key(key) => key.open(place, sealed),
            Self::Missing(name) => Err(place.refused(SealProblem::KeyMissing(name.clone()))),
            Self::Gone => Err(place.refused(SealProblem::DataKeyGone { number, remedy })),
        }
    }
}

fn wrapped_otherwise(
    tx: &Transaction<'_>,
    current: &str,
    after: (i64, u32),
) -> Outcome<Vec<Listed>> {
    let mut list = tx.prepare_cached(
        "SELECT o.id, d.number, d.wrapped, d.wrapped_under, d.organization
         FROM data_keys d JOIN organizations o ON o.key = d.organization
         WHERE d.wrapped_under <> ?1 AND (d.organization, d.number) > (?2, ?3)
         ORDER BY d.organization, d.number LIMIT ?4",
    )?;
    let listed = list.query_map(params![current, after.0, after.1, BATCH], |row| {
        Ok(Listed {
            organization: row.get(4)?,
            stored: data_keys::read(row)?,
        })
    })?;
    Ok(listed.collect::<rusqlite::Result<_>>()?)
}

/// Puts wrapped keys in the place of others, where those are still there.
fn replace(tx: &Transaction<'_>, changes: &[(Stored, WrappedKey)]) -> Outcome<u64> {
    let mut update = tx.prepare_cached(
        "UPDATE data_keys SET wrapped = ?1, wrapped_under = ?2
         WHERE organization = (SELECT key FROM organizations WHERE id = ?3) AND number = ?4
             AND wrapped = ?5",
    )?;
    let mut updated = 0;
    for (stored, wrapped) in changes {
        data_keys::refuse_retired(tx, &wrapped.under)?;
        updated += update.execute(params![
            wrapped.bytes,
            wrapped.under,
            stored.context.organization.0,
            stored.context.number,
            stored.wrapped.bytes
        ])? as u64;
    }
    Ok(updated)
}

fn sealed_otherwise(
    tx: &Transaction<'_>,
    organization: OrganizationId,
    column: &SealedColumn,
    after: i64,
) -> Outcome<Vec<Older>> {
    let newest = data_keys::newest(tx, organization)?;
    let SealedColumn { table, name, .. } = column;
    let mut list = tx.prepare_cached(&format!(
        "SELECT key, id, {name} FROM {table}
         WHERE organization = (SELECT key FROM organizations WHERE id = ?1) AND key > ?2
             AND {name} IS NOT NULL AND substr({name}, 1, 5) <> ?3
         ORDER BY key LIMIT ?4"
    ))?;
    let prefix = sealed_prefix(newest.context.number);
    let rows = list.query_map(params![organization.0, after, prefix, BATCH], |row| {
        Ok(Older {
            key: row.get(0)?,
            id: row.get(1)?,
            sealed: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Seals a batch under the newest data key, where the values are still the same. Returns how many, and why others not.
fn reseal_batch(
    tx: &Transaction<'_>,
    sealer: &Sealer,
    organization: OrganizationId,
    column: &'static SealedColumn,
    keys: &HashMap<u32, Opener>,
    batch: &[Older],
) -> Outcome<(u64, Vec<Error>)> {
    let SealedColumn { table, name, .. } = column;
    let mut update = tx.prepare_cached(&format!(
        "UPDATE {table} SET {name} = ?2 WHERE key = ?1 AND {name} = ?3"
    ))?;
    let (mut count, mut unopened) = (0, Vec::new());
    for older in batch {
        let place = Place {
            organization,
            column,
            row: older.id,
        };
        let opened = match sealed_under(&older.sealed) {
            SealedUnder::DataKey(number) => match keys.get(&number) {
                Some(opener) => opener.open(place, number, &older.sealed),
                None => Err(place.changed()),
            },
            SealedUnder::RingKey(key) => Err(place.refused(SealProblem::OldForm {
                key,
                remedy: column.remedy,
            })),
            SealedUnder::Unknown => Err(place.changed()),
        };
        match opened {
            Ok(secret) => {
                let anew = sealer.seal(column, older.id, &secret)?;
                count += update.execute(params![older.key, anew, older.sealed])? as u64;
            }
            Err(error) => unopened.push(error),
        }
    }
    Ok((count, unopened))
}

/// Removes the organization's data keys that are neither the newest nor have anything under them.
fn remove_unused(tx: &Transaction<'_>, organization: OrganizationId) -> Outcome<u64> {
    let key = scope::organization(tx, organization)?;
    let mut list = tx.prepare_cached(
        "SELECT number FROM data_keys WHERE organization = ?1
             AND number < (SELECT max(number) FROM data_keys WHERE organization = ?1)",
    )?;
    let numbers = list.query_map([key], |row| row.get(0))?;
    let numbers: Vec<u32> = numbers.collect::<rusqlite::Result<_>>()?;
    let mut removed = 0;
    for number in numbers {
        let mut used = false;
        for SealedColumn { table, name, .. } in SEALED_COLUMNS {
            let mut find = tx.prepare_cached(&format!(
                "SELECT 1 FROM {table} WHERE organization = ?1 AND substr({name}, 1, 5) = ?2"
            ))?;
            used |= find.exists(params![key, sealed_prefix(number)])?;
        }
        if !used {
            let mut delete =
                tx.prepare_cached("DELETE FROM data_keys WHERE organization = ?1 AND number = ?2")?;
            removed += delete.execute(params![key, number])? as u64;
        }
    }
    Ok(removed)
}

//! Data keys: how the other aggregates seal and open.
//!
//! Unwrapping may ask a key management service, so it happens outside of transactions. A secret is read as a [`Closed`]
//! inside one and opened after it; it is sealed inside of [`Sqlite::write_sealed`].
//!
//! Invariant: a secret is written in a transaction that has seen its data key to be the newest, so that no data key is
//! removed while something is written under it.

use std::sync::Arc;

use partneros_domain::OrganizationId;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use secrecy::SecretString;
use uuid::Uuid;

use super::fault::{Fault, Outcome, unless_taken};
use super::{Sqlite, scope};
use crate::error::SealProblem;
use crate::seal::{
    DataKey, Place, SealedColumn, SealedUnder, UnwrapError, WrapContext, WrappedKey, sealed_under,
};
use crate::{Error, Result};

/// How often a write begins again because the data key was replaced meanwhile. Replacing all of them takes a person.
const ROUNDS: usize = 5;
/// What to do about a data key that was tampered with.
const REPLACE: &str =
    "run `partneros keys rotate --data-keys`, then store the organization's secrets again";

/// A data key as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) context: WrapContext,
    pub(super) wrapped: WrappedKey,
}

/// Seals an organization's secrets, within one transaction.
#[derive(Debug)]
pub(super) struct Sealer {
    organization: OrganizationId,
    key: Arc<DataKey>,
}

/// A sealed value as it was read, with the data key that opens it.
#[derive(Debug)]
pub(super) struct Closed {
    place: Place,
    sealed: Vec<u8>,
    /// `None`: there is no such data key.
    key: Option<Stored>,
}

impl Sealer {
    /// Seals a secret for this column of the row with this id.
    pub(super) fn seal(
        &self,
        column: &'static SealedColumn,
        row: Uuid,
        secret: &SecretString,
    ) -> Result<Vec<u8>> {
        let place = Place {
            organization: self.organization,
            column,
            row,
        };
        self.key.seal(place, secret)
    }

    /// The number of the data key.
    pub(super) fn number(&self) -> u32 {
        self.key.number()
    }
}

impl Closed {
    /// Takes a stored value along, to be opened once the transaction has ended.
    pub(super) fn read(db: &Connection, place: Place, sealed: Vec<u8>) -> Outcome<Self> {
        let key = match sealed_under(&sealed) {
            SealedUnder::DataKey(number) => numbered(db, place.organization, number)?,
            SealedUnder::RingKey(_) | SealedUnder::Unknown => None,
        };
        Ok(Self { place, sealed, key })
    }
}

impl Sqlite {
    /// Opens a sealed value.
    pub(super) async fn open_sealed(&self, closed: Closed) -> Result<SecretString> {
        let Closed { place, sealed, key } = closed;
        let remedy = place.column.remedy;
        let Some(stored) = key else {
            return Err(match sealed_under(&sealed) {
                SealedUnder::DataKey(number) => {
                    place.refused(SealProblem::DataKeyGone { number, remedy })
                }
                SealedUnder::RingKey(key) => place.refused(SealProblem::OldForm { key, remedy }),
                SealedUnder::Unknown => place.changed(),
            });
        };
        let key = self.unwrapped(&stored).await;
        let key = key.map_err(|error| match error {
            UnwrapError::KeyMissing(key) => place.refused(SealProblem::KeyMissing(key)),
            other => of_data_key(stored.context.organization, other),
        })?;
        key.open(place, &sealed)
    }

    /// Opens a sealed value, if there is one.
    pub(super) async fn open_if_any(&self, closed: Option<Closed>) -> Result<Option<SecretString>> {
        match closed {
            Some(closed) => self.open_sealed(closed).await.map(Some),
            None => Ok(None),
        }
    }

    /// Writes in one transaction, on the disk when this returns, with a [`Sealer`] for the organization's secrets.
    pub(super) async fn write_sealed<T, F>(
        &self,
        operation: &'static str,
        organization: OrganizationId,
        work: F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>, &Sealer) -> Outcome<T> + Send + 'static,
    {
        let mut work = work;
        for _ in 0..ROUNDS {
            let newest = move |tx: &Transaction<'_>| newest(tx, organization);
            let stored = self.read("read a data key", newest).await?;
            let key = self.unwrapped(&stored).await;
            let key = key.map_err(|error| of_data_key(organization, error))?;
            let sealer = Sealer { organization, key };
            // Gives the work back if the data key is no longer the newest.
            let attempt = self.write(operation, move |tx| {
                if newest_number(tx, organization)? != sealer.number() {
                    return Ok(Err(work));
                }
                work(tx, &sealer).map(Ok)
            });
            match attempt.await? {
                Ok(done) => return Ok(done),
                Err(again) => work = again,
            }
        }
        Err(Error::Conflict {
            kind: "organization",
            id: organization.to_string(),
            problem: "has its data key replaced again and again".to_owned(),
        })
    }

    /// Makes a data key, wrapped to be stored.
    pub(super) async fn new_data_key(&self, context: WrapContext) -> Result<Stored> {
        let key = DataKey::random(context.number)?;
        let wrapped = self.wrapper.wrap_key(context, key.bytes()).await?;
        Ok(Stored { context, wrapped })
    }

    pub(super) async fn unwrapped(
        &self,
        stored: &Stored,
    ) -> std::result::Result<Arc<DataKey>, UnwrapError> {
        let Stored { context, wrapped } = stored;
        if let Some(key) = self.unwrapped.get(*context, wrapped) {
            return Ok(key);
        }
        let bytes = self.wrapper.unwrap_key(*context, wrapped).await?;
        let key = Arc::new(DataKey::new(context.number, bytes));
        self.unwrapped.put(*context, wrapped.clone(), &key);
        Ok(key)
    }
}

/// The error of an organization's data key that did not unwrap.
pub(super) fn of_data_key(organization: OrganizationId, error: UnwrapError) -> Error {
    let problem = match error {
        UnwrapError::KeyMissing(key) => SealProblem::KeyMissing(key),
        UnwrapError::Changed => SealProblem::Changed { remedy: REPLACE },
        UnwrapError::Failed(error) => return error,
    };
    Error::Sealed {
        table: "data_keys",
        column: "wrapped",
        row: organization.to_string(),
        problem,
    }
}

const COLUMNS: &str = "SELECT o.id, d.number, d.wrapped, d.wrapped_under
     FROM data_keys d JOIN organizations o ON o.key = d.organization";

/// The data key that the organization's secrets are sealed under now.
pub(super) fn newest(db: &Connection, organization: OrganizationId) -> Outcome<Stored> {
    let mut find = db.prepare_cached(&format!(
        "{COLUMNS} WHERE o.id = ?1 ORDER BY d.number DESC LIMIT 1"
    ))?;
    let found = find.query_row([organization.0], read).optional()?;
    if let Some(stored) = found {
        return Ok(stored);
    }
    scope::organization(db, organization)?;
    // Every organization gets a data key when it is made, so this one was removed past this program.
    Err(Fault::Store(Error::Inconsistent {
        table: "data_keys",
        column: "number",
        row: organization.to_string(),
        source: None,
    }))
}

fn newest_number(db: &Connection, organization: OrganizationId) -> Outcome<u32> {
    newest(db, organization).map(|stored| stored.context.number)
}

pub(super) fn numbered(
    db: &Connection,
    organization: OrganizationId,
    number: u32,
) -> Outcome<Option<Stored>> {
    let mut find = db.prepare_cached(&format!("{COLUMNS} WHERE o.id = ?1 AND d.number = ?2"))?;
    let found = find.query_row(params![organization.0, number], read);
    Ok(found.optional()?)
}

/// Keeps a new data key of the organization with this key.
pub(super) fn insert(tx: &Transaction<'_>, organization: i64, stored: &Stored) -> Outcome<()> {
    refuse_retired(tx, &stored.wrapped.under)?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO data_keys (organization, number, wrapped, wrapped_under) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let inserted = insert.execute(params![
        organization,
        stored.context.number,
        stored.wrapped.bytes,
        stored.wrapped.under
    ]);
    unless_taken(inserted, || Error::Conflict {
        kind: "organization",
        id: stored.context.organization.to_string(),
        problem: "got another data key at the same time".to_owned(),
    })?;
    Ok(())
}

/// Refuses a wrapping key that another process took out of the ring while this one still had it.
pub(super) fn refuse_retired(db: &Connection, name: &str) -> Outcome<()> {
    let mut find = db.prepare_cached("SELECT 1 FROM retired_keys WHERE name = ?1")?;
    if find.exists([name])? {
        return Err(Fault::Store(Error::KeyRetired(name.to_owned())));
    }
    Ok(())
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        context: WrapContext {
            organization: OrganizationId(row.get(0)?),
            number: row.get(1)?,
        },
        wrapped: WrappedKey {
            bytes: row.get(2)?,
            under: row.get(3)?,
        },
    })
}

//! Records as people and integrators edit them.

use async_trait::async_trait;
use partneros_domain::{Fields, Named, OrganizationId, RecordId, Timestamp, Value};
use rusqlite::{Connection as Database, Row, params};

use super::encoding::{Cell, json, time};
use super::fault::{Fault, Outcome, conflict, not_found, unless_taken};
use super::position::{List, one_more};
use super::{Sqlite, changes, deletion, outbox, scope};
use crate::{NewRecord, Page, Record, RecordChange, RecordPatch, Records, Result};

/// What [`read_record`] reads, from a table named `r`, as the first columns of a query.
pub(super) const RECORD_COLUMNS: &str =
    "r.id, r.version, r.fields, r.created_at, r.updated_at, r.edited_at";

#[async_trait]
impl Records for Sqlite {
    async fn create_record(
        &self,
        organization: OrganizationId,
        object: &str,
        record: NewRecord,
        now: Timestamp,
    ) -> Result<Record> {
        let object = object.to_owned();
        self.write("create a record", move |tx| {
            let mut editor = Editor::open(tx, organization, &object, now)?;
            editor.create(record.id, record.fields)
        })
        .await
    }

    async fn record(
        &self,
        organization: OrganizationId,
        object: &str,
        id: RecordId,
    ) -> Result<Record> {
        let object = object.to_owned();
        self.look_up("read a record", move |tx| {
            let key = scope::object_if_any(tx, organization, &object)?
                .ok_or_else(|| not_found("record", id))?;
            let mut find = tx.prepare_cached(&format!(
                "SELECT {RECORD_COLUMNS} FROM records r
                 JOIN organizations o ON o.key = r.organization
                 WHERE o.id = ?1 AND r.id = ?2 AND r.object = ?3 AND r.deleted_at IS NULL"
            ))?;
            let mut rows = find.query(params![organization.0, id.0, key])?;
            match rows.next()? {
                Some(row) => read_record(row, &object),
                None => Err(Fault::Store(not_found("record", id))),
            }
        })
        .await
    }

    async fn records(
        &self,
        organization: OrganizationId,
        object: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Record>> {
        let object = object.to_owned();
        let after = after.map(ToOwned::to_owned);
        self.read("list records", move |tx| {
            let after = List::Records.key(after.as_deref(), 0)?;
            let Some(key) = scope::object_if_any(tx, organization, &object)? else {
                return Ok(List::Records.page(Vec::new(), limit));
            };
            let mut list = tx.prepare_cached(&format!(
                "SELECT {RECORD_COLUMNS}, r.key FROM records r
                 WHERE r.object = ?1 AND r.deleted_at IS NULL AND r.key > ?2
                 ORDER BY r.key LIMIT ?3"
            ))?;
            let rows = list.query_and_then([key, after, one_more(limit)], |row| {
                Ok::<_, Fault>((row.get(6)?, read_record(row, &object)?))
            })?;
            Ok(List::Records.page(rows.collect::<Outcome<_>>()?, limit))
        })
        .await
    }

    async fn count_records(&self, organization: OrganizationId, object: &str) -> Result<u64> {
        let object = object.to_owned();
        self.read("count records", move |tx| {
            let Some(key) = scope::object_if_any(tx, organization, &object)? else {
                return Ok(0);
            };
            let mut count = tx.prepare_cached(
                "SELECT count(*) FROM records WHERE object = ?1 AND deleted_at IS NULL",
            )?;
            Ok(count.query_row([key], |row| row.get(0))?)
        })
        .await
    }

    async fn update_record(
        &self,
        organization: OrganizationId,
        object: &str,
        id: RecordId,
        patch: RecordPatch,
        now: Timestamp,
    ) -> Result<Record> {
        let object = object.to_owned();
        self.write("update a record", move |tx| {
            let mut editor = Editor::open(tx, organization, &object, now)?;
            let found = match editor.find(id)? {
                Found::Here(found) => found,
                Found::Taken | Found::Nowhere => return Err(not_found("record", id).into()),
            };
            if patch
                .expected_version
                .is_some_and(|expected| expected != found.record.version)
            {
                let problem = format!(
                    "has changed since it was read and is at version {}",
                    found.record.version
                );
                return Err(conflict("record", id, &problem).into());
            }
            editor.change(found, patch.fields)
        })
        .await
    }

    async fn delete_record(
        &self,
        organization: OrganizationId,
        object: &str,
        id: RecordId,
        now: Timestamp,
    ) -> Result<()> {
        let object = object.to_owned();
        self.write("delete a record", move |tx| {
            let editor = Editor::open(tx, organization, &object, now)?;
            match editor.find(id)? {
                Found::Here(found) => editor.delete(found.key),
                Found::Taken | Found::Nowhere => Err(not_found("record", id).into()),
            }
        })
        .await
    }

    async fn upsert_records(
        &self,
        organization: OrganizationId,
        object: &str,
        changes: Vec<RecordChange>,
        now: Timestamp,
    ) -> Result<Vec<(Record, bool)>> {
        let object = object.to_owned();
        self.write("upsert records", move |tx| {
            let mut editor = Editor::open(tx, organization, &object, now)?;
            let mut results = Vec::with_capacity(changes.len());
            for change in changes {
                results.push(editor.upsert(change)?);
            }
            Ok(results)
        })
        .await
    }
}

/// Edits records of one object, for the pairs that push them.
struct Editor<'a> {
    db: &'a Database,
    organization: i64,
    object: i64,
    object_name: &'a str,
    /// The pairs in whose outbox an edit goes.
    pairs: Vec<i64>,
    now: Timestamp,
}

/// A record with its row's key.
struct FoundRecord {
    key: i64,
    record: Record,
}

/// What is known of an id.
enum Found {
    /// A record of this object.
    Here(FoundRecord),
    /// A record of another object, or a deleted one.
    Taken,
    /// Nothing.
    Nowhere,
}

impl<'a> Editor<'a> {
    fn open(
        db: &'a Database,
        organization: OrganizationId,
        object_name: &'a str,
        now: Timestamp,
    ) -> Outcome<Self> {
        let organization = scope::organization(db, organization)?;
        let object = scope::object(db, organization, object_name)?;
        Ok(Self {
            db,
            organization,
            object,
            object_name,
            pairs: outbox::pushing_pairs(db, object)?,
            now,
        })
    }

    fn find(&self, id: RecordId) -> Outcome<Found> {
        let mut find = self.db.prepare_cached(&format!(
            "SELECT {RECORD_COLUMNS}, r.key, r.object = ?3 AND r.deleted_at IS NULL
             FROM records r WHERE r.organization = ?1 AND r.id = ?2"
        ))?;
        let mut rows = find.query(params![self.organization, id.0, self.object])?;
        let Some(row) = rows.next()? else {
            return Ok(Found::Nowhere);
        };
        if !row.get::<_, bool>(7)? {
            return Ok(Found::Taken);
        }
        Ok(Found::Here(FoundRecord {
            key: row.get(6)?,
            record: read_record(row, self.object_name)?,
        }))
    }

    fn create(&mut self, id: RecordId, fields: Fields) -> Outcome<Record> {
        let inserted = self
            .db
            .prepare_cached(
                "INSERT INTO records (organization, object, id, version, fields, created_at,
                     updated_at, edited_at, change)
                 VALUES (?1, ?2, ?3, 1, ?4, ?5, ?5, ?5, ?6)",
            )?
            .execute(params![
                self.organization,
                self.object,
                id.0,
                json(&fields)?,
                self.now.0,
                changes::next(self.db, self.organization)?
            ]);
        unless_taken(inserted, || {
            conflict("record", id, "exists already or was deleted")
        })?;
        self.note_edit(self.db.last_insert_rowid())?;
        Ok(Record {
            id,
            object: self.object_name.to_owned(),
            version: 1,
            fields,
            created_at: self.now,
            updated_at: self.now,
            edited_at: self.now,
        })
    }

    fn change(&mut self, found: FoundRecord, changes: Named<Option<Value>>) -> Outcome<Record> {
        let FoundRecord { key, mut record } = found;
        let mut fields = record.fields.clone();
        apply(&mut fields, changes);
        if fields == record.fields {
            return Ok(record);
        }
        record.fields = fields;
        record.version += 1;
        record.updated_at = self.now;
        record.edited_at = self.now;
        self.db
            .prepare_cached(
                "UPDATE records SET version = ?2, fields = ?3, updated_at = ?4, edited_at = ?4,
                     change = ?5
                 WHERE key = ?1",
            )?
            .execute(params![
                key,
                record.version,
                json(&record.fields)?,
                self.now.0,
                changes::next(self.db, self.organization)?
            ])?;
        self.note_edit(key)?;
        Ok(record)
    }

    fn upsert(&mut self, change: RecordChange) -> Outcome<(Record, bool)> {
        match self.find(change.id)? {
            Found::Here(found) => Ok((self.change(found, change.fields)?, false)),
            Found::Nowhere => {
                let mut fields = Fields::new();
                apply(&mut fields, change.fields);
                Ok((self.create(change.id, fields)?, true))
            }
            Found::Taken => {
                let problem = "exists in another object or was deleted";
                Err(conflict("record", change.id, problem).into())
            }
        }
    }

    fn delete(&self, key: i64) -> Outcome<()> {
        deletion::delete(self.db, self.organization, self.object, key, self.now)
    }

    fn count_edit(&self) -> Outcome<()> {
        self.db
            .prepare_cached("UPDATE objects SET edits = edits + 1 WHERE key = ?1")?
            .execute([self.object])?;
        Ok(())
    }

    /// Counts the edit and puts the record into every outbox that it concerns.
    fn note_edit(&self, key: i64) -> Outcome<()> {
        self.count_edit()?;
        for pair in &self.pairs {
            outbox::enqueue(self.db, *pair, key, self.now)?;
        }
        Ok(())
    }
}

/// `None` clears a field; a field that is not named stays.
fn apply(fields: &mut Fields, changes: Named<Option<Value>>) {
    for (name, change) in changes {
        match change {
            Some(value) => {
                fields.insert(name, value);
            }
            None => {
                fields.remove(name.as_str());
            }
        }
    }
}

/// Reads [`RECORD_COLUMNS`].
pub(super) fn read_record(row: &Row<'_>, object: &str) -> Outcome<Record> {
    let id = RecordId(row.get(0)?);
    Ok(Record {
        id,
        object: object.to_owned(),
        version: row.get(1)?,
        fields: Cell::new("records", "fields").json(row, 2, id)?,
        created_at: time(row, 3)?,
        updated_at: time(row, 4)?,
        edited_at: time(row, 5)?,
    })
}

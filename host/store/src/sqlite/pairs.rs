//! Object pairs, their mappings and when they are due.

use async_trait::async_trait;
use partneros_domain::{
    ConnectionId, Mappings, MatchKey, ObjectPair, OrganizationId, PairId, PairState, Thresholds,
    Timestamp,
};
use rusqlite::{Connection as Database, OptionalExtension as _, Row, params};

use super::bindings::{self, Place};
use super::encoding::{Cell, json, time, word};
use super::fault::{Fault, Outcome, conflict, not_found, unless_taken};
use super::scope::{self, PairScope};
use super::{Sqlite, commit, outbox};
use crate::{Binding, BindingScope, DuePair, MappingSet, PairPatch, PairSetup, Pairs, Result};

const COLUMNS: &str = "SELECT p.id, c.id, b.name, p.hubspot_object, p.direction, p.state,
        p.conflict_policy, p.match_field, p.match_property, p.auto_mapped, p.suggested, p.created_at,
        p.plugin_failure_policy, p.delete_policy
     FROM object_pairs p
     JOIN connections c ON c.key = p.connection
     JOIN objects b ON b.key = p.object";

/// The tables whose rows, by `pair`, say something of one portal's objects: what is left behind when a pair moves to another
/// portal. What is left out is history.
const OF_PORTAL: [&str; 11] = [
    "links",
    "former_links",
    "unheard_creates",
    "missing_objects",
    "hinted_objects",
    "outbox",
    "failures",
    "recent_changes",
    "change_tallies",
    "brakes",
    "audits",
];

#[async_trait]
impl Pairs for Sqlite {
    async fn create_pair(&self, organization: OrganizationId, pair: &ObjectPair) -> Result<()> {
        let pair = pair.clone();
        self.write("create an object pair", move |tx| {
            create(tx, organization, &pair)
        })
        .await
    }

    async fn pairs(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
    ) -> Result<Vec<ObjectPair>> {
        self.read("list the object pairs", move |tx| {
            let connection = scope::connection(tx, organization, connection)?;
            let mut list = tx.prepare_cached(&format!(
                "{COLUMNS} WHERE p.connection = ?1 ORDER BY p.created_at, p.key"
            ))?;
            let rows = list.query_and_then([connection], read)?;
            rows.collect()
        })
        .await
    }

    async fn pair(&self, organization: OrganizationId, id: PairId) -> Result<ObjectPair> {
        self.look_up("read an object pair", move |tx| {
            let key = scope::pair(tx, organization, id)?.key;
            find(tx, key, id)
        })
        .await
    }

    async fn update_pair(
        &self,
        organization: OrganizationId,
        id: PairId,
        patch: &PairPatch,
    ) -> Result<ObjectPair> {
        let patch = patch.clone();
        self.write("update an object pair", move |tx| {
            let scope = scope::pair(tx, organization, id)?;
            change(tx, &scope, id, patch)
        })
        .await
    }

    async fn set_pair_state(
        &self,
        organization: OrganizationId,
        id: PairId,
        state: PairState,
        now: Timestamp,
    ) -> Result<()> {
        self.write("set an object pair's state", move |tx| {
            let pair = scope::pair(tx, organization, id)?;
            tx.prepare_cached("UPDATE object_pairs SET state = ?2 WHERE key = ?1")?
                .execute(params![pair.key, word(&state)?])?;
            let activated = state == PairState::Active && pair.state != PairState::Active;
            if activated && pair.direction.writes_hubspot() {
                outbox::enqueue_unlinked(tx, &pair, now)?;
            }
            set_due(tx, pair.key, (state == PairState::Active).then_some(now))
        })
        .await
    }

    async fn delete_pair(&self, organization: OrganizationId, id: PairId) -> Result<()> {
        self.write("delete an object pair", move |tx| {
            let pair = scope::pair(tx, organization, id)?;
            tx.prepare_cached("DELETE FROM object_pairs WHERE key = ?1")?
                .execute([pair.key])?;
            // What was bound to the pair went with it.
            bindings::settle_states(tx, pair.organization)
        })
        .await
    }

    async fn mappings(&self, organization: OrganizationId, id: PairId) -> Result<MappingSet> {
        self.look_up("read the mappings", move |tx| {
            let pair = scope::pair(tx, organization, id)?;
            let mut find =
                tx.prepare_cached("SELECT version, mappings FROM mappings WHERE pair = ?1")?;
            let mut rows = find.query([pair.key])?;
            let Some(row) = rows.next()? else {
                return Ok(MappingSet::default());
            };
            Ok(MappingSet {
                version: row.get(0)?,
                mappings: Cell::new("mappings", "mappings").json(row, 1, id)?,
            })
        })
        .await
    }

    async fn put_mappings(
        &self,
        organization: OrganizationId,
        id: PairId,
        from: i64,
        mappings: &Mappings,
    ) -> Result<i64> {
        let mappings = json(mappings)?;
        self.write("replace the mappings", move |tx| {
            let pair = scope::pair(tx, organization, id)?;
            replace_mappings(tx, &pair, id, from, &mappings)
        })
        .await
    }

    async fn put_setup(
        &self,
        organization: OrganizationId,
        id: PairId,
        setup: PairSetup,
    ) -> Result<(i64, Option<Binding>)> {
        let mappings = json(&setup.mappings)?;
        self.write("set an object pair up", move |tx| {
            let scope = scope::pair(tx, organization, id)?;
            let version = replace_mappings(tx, &scope, id, setup.replaces, &mappings)?;
            let pair = change(tx, &scope, id, setup.settings)?;
            let place = Place::of(tx, organization, BindingScope::Pair(id))?;
            let held = bindings::effective(tx, place)?;
            let named =
                |held: &Option<Binding>| held.as_ref().map(|held| (held.scope, held.version));
            if named(&held) != named(&setup.seen) {
                let problem = "has another mapper since it was looked at";
                return Err(conflict("object pair", id, problem).into());
            }
            let bind = |parts| bindings::bind(tx, place, None, parts, setup.at);
            let binding = setup.mapper.map(bind).transpose()?;
            if pair.state != PairState::Draft {
                commit::set_cursor(tx, scope.key, None)?;
                if pair.direction.writes_hubspot() {
                    outbox::enqueue_all(tx, &scope, setup.at)?;
                }
            }
            Ok((version, binding))
        })
        .await
    }

    async fn due_pairs(&self, now: Timestamp, limit: usize) -> Result<Vec<DuePair>> {
        self.read("list the due object pairs", move |tx| {
            let mut list = tx.prepare_cached(
                "SELECT o.id, p.id, coalesce(s.audit_due_at <= ?1, 0) FROM pair_progress s
                 JOIN object_pairs p ON p.key = s.pair
                 JOIN connections c ON c.key = p.connection
                 JOIN organizations o ON o.key = p.organization
                 WHERE s.next_run_at <= ?1 AND p.state = 'active' AND c.status IN ('active', 'error')
                     AND (s.lease_until IS NULL OR s.lease_until <= ?1)
                 ORDER BY s.next_run_at, s.pair LIMIT ?2",
            )?;
            let rows = list.query_map(params![now.0, limit as i64], |row| {
                Ok(DuePair {
                    organization: OrganizationId(row.get(0)?),
                    pair: PairId(row.get(1)?),
                    audit: row.get(2)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

fn create(db: &Database, organization: OrganizationId, pair: &ObjectPair) -> Outcome<()> {
    let connection = scope::connection(db, organization, pair.connection_id)?;
    let owner = scope::organization(db, organization)?;
    let object = scope::object(db, owner, &pair.object)?;
    let matched = pair.match_key.as_ref();
    let inserted = db
        .prepare_cached(
            "INSERT INTO object_pairs (organization, connection, object, id, hubspot_object,
                 direction, state, conflict_policy, match_field, match_property, auto_mapped,
                 suggested, created_at, plugin_failure_policy, delete_policy)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            owner,
            connection,
            object,
            pair.id.0,
            pair.hubspot_object,
            word(&pair.direction)?,
            word(&pair.state)?,
            word(&pair.conflict_policy)?,
            matched.map(|key| key.field.as_str()),
            matched.map(|key| key.property.as_str()),
            pair.thresholds.auto_mapped,
            pair.thresholds.suggested,
            pair.created_at.0,
            word(&pair.plugin_failure_policy)?,
            word(&pair.delete_policy)?
        ]);
    unless_taken(inserted, || {
        conflict(
            "object pair",
            pair.id,
            "exists already, or its two objects are paired",
        )
    })?;
    let key = db.last_insert_rowid();
    db.prepare_cached("INSERT INTO pair_progress (pair) VALUES (?1)")?
        .execute([key])?;
    if pair.state == PairState::Active {
        if pair.direction.writes_hubspot() {
            outbox::enqueue_unlinked(
                db,
                &scope::pair(db, organization, pair.id)?,
                pair.created_at,
            )?;
        }
        set_due(db, key, Some(pair.created_at))?;
    }
    Ok(())
}

/// Moves all pairs of one connection to another, which is of another portal: what is of the portal that they leave stays
/// behind.
pub(super) fn move_all(
    db: &Database,
    (from, from_id): (i64, ConnectionId),
    to: i64,
) -> Outcome<()> {
    for of_portal in OF_PORTAL {
        db.prepare_cached(&format!(
            "DELETE FROM {of_portal}
             WHERE pair IN (SELECT key FROM object_pairs WHERE connection = ?1)"
        ))?
        .execute([from])?;
    }
    // Whoever syncs one of them loses the lease, and with it whatever they still wanted to commit.
    db.prepare_cached(
        "UPDATE pair_progress SET cursor_modified_at = NULL, cursor_drained_to = NULL,
             next_run_at = NULL, lease_epoch = lease_epoch + 1, lease_until = NULL,
             archive_read_at = NULL, recheck_at = NULL, recheck_after = NULL,
             audit_due_at = NULL
         WHERE pair IN (SELECT key FROM object_pairs WHERE connection = ?1)",
    )?
    .execute([from])?;
    // What is bound to the connection that takes them goes before what was bound to theirs.
    db.prepare_cached("UPDATE OR IGNORE bindings SET connection = ?2 WHERE connection = ?1")?
        .execute([from, to])?;
    let moved = db
        .prepare_cached(
            "UPDATE object_pairs SET connection = ?2,
                 state = CASE WHEN state IN ('active', 'braked') THEN 'paused' ELSE state END
             WHERE connection = ?1",
        )?
        .execute([from, to]);
    unless_taken(moved, || {
        let problem = "has a pair of the same two objects as the connection that takes its pairs; \
                       delete one of the two first";
        conflict("connection", from_id, problem)
    })?;
    Ok(())
}

fn set_due(db: &Database, pair: i64, at: Option<Timestamp>) -> Outcome<()> {
    db.prepare_cached("UPDATE pair_progress SET next_run_at = ?2 WHERE pair = ?1")?
        .execute(params![pair, at.map(Timestamp::as_millis)])?;
    Ok(())
}

/// Changes the settings of a pair and returns it.
fn change(db: &Database, scope: &PairScope, id: PairId, patch: PairPatch) -> Outcome<ObjectPair> {
    let mut pair = find(db, scope.key, id)?;
    apply(&mut pair, patch);
    update(db, scope.key, &pair)?;
    let starts_writing = pair.direction.writes_hubspot() && !scope.direction.writes_hubspot();
    if starts_writing && scope.state != PairState::Draft {
        // What was edited so far was an edit to no portal. Due since ever is due at once.
        outbox::enqueue_all(db, scope, Timestamp::ZERO)?;
    }
    Ok(pair)
}

fn replace_mappings(
    db: &Database,
    pair: &PairScope,
    id: PairId,
    from: i64,
    mappings: &str,
) -> Outcome<i64> {
    let version: i64 = db
        .prepare_cached("SELECT version FROM mappings WHERE pair = ?1")?
        .query_row([pair.key], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    if version != from {
        let problem = "has other mappings since they were read";
        return Err(conflict("object pair", id, problem).into());
    }
    db.prepare_cached(
        "INSERT OR REPLACE INTO mappings (pair, version, mappings) VALUES (?1, ?2, ?3)",
    )?
    .execute(params![pair.key, version + 1, mappings])?;
    Ok(version + 1)
}

fn apply(pair: &mut ObjectPair, patch: PairPatch) {
    pair.direction = patch.direction.unwrap_or(pair.direction);
    pair.conflict_policy = patch.conflict_policy.unwrap_or(pair.conflict_policy);
    pair.thresholds = patch.thresholds.unwrap_or(pair.thresholds);
    pair.plugin_failure_policy = patch
        .plugin_failure_policy
        .unwrap_or(pair.plugin_failure_policy);
    pair.delete_policy = patch.delete_policy.unwrap_or(pair.delete_policy);
    if let Some(match_key) = patch.match_key {
        pair.match_key = match_key;
    }
}

fn update(db: &Database, key: i64, pair: &ObjectPair) -> Outcome<()> {
    let matched = pair.match_key.as_ref();
    db.prepare_cached(
        "UPDATE object_pairs SET direction = ?2, conflict_policy = ?3, match_field = ?4,
             match_property = ?5, auto_mapped = ?6, suggested = ?7,
             plugin_failure_policy = ?8, delete_policy = ?9
         WHERE key = ?1",
    )?
    .execute(params![
        key,
        word(&pair.direction)?,
        word(&pair.conflict_policy)?,
        matched.map(|key| key.field.as_str()),
        matched.map(|key| key.property.as_str()),
        pair.thresholds.auto_mapped,
        pair.thresholds.suggested,
        word(&pair.plugin_failure_policy)?,
        word(&pair.delete_policy)?
    ])?;
    Ok(())
}

pub(super) fn find(db: &Database, key: i64, id: PairId) -> Outcome<ObjectPair> {
    let mut find = db.prepare_cached(&format!("{COLUMNS} WHERE p.key = ?1"))?;
    let mut rows = find.query([key])?;
    match rows.next()? {
        Some(row) => read(row),
        None => Err(Fault::Store(not_found("object pair", id))),
    }
}

fn read(row: &Row<'_>) -> Outcome<ObjectPair> {
    let id = PairId(row.get(0)?);
    let field: Option<String> = row.get(7)?;
    let property: Option<String> = row.get(8)?;
    Ok(ObjectPair {
        id,
        connection_id: ConnectionId(row.get(1)?),
        object: row.get(2)?,
        hubspot_object: row.get(3)?,
        direction: Cell::new("object_pairs", "direction").word(row, 4, id)?,
        state: Cell::new("object_pairs", "state").word(row, 5, id)?,
        conflict_policy: Cell::new("object_pairs", "conflict_policy").word(row, 6, id)?,
        match_key: field.zip(property).map(|(field, property)| MatchKey {
            field: field.into(),
            property: property.into(),
        }),
        thresholds: Thresholds {
            auto_mapped: row.get(9)?,
            suggested: row.get(10)?,
        },
        plugin_failure_policy: Cell::new("object_pairs", "plugin_failure_policy")
            .word(row, 12, id)?,
        delete_policy: Cell::new("object_pairs", "delete_policy").word(row, 13, id)?,
        created_at: time(row, 11)?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::OF_PORTAL;
    use crate::sqlite::migrate;

    #[test]
    fn what_names_objects_of_a_portal_is_left_behind_or_is_history() {
        let mut db = rusqlite::Connection::open_in_memory().unwrap();
        migrate::migrate(&mut db).unwrap();
        let mut list = db
            .prepare(
                "SELECT t.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c
                 WHERE t.schema = 'main' AND c.name = 'hubspot_id'",
            )
            .unwrap();
        let named = list.query_map([], |row| row.get(0)).unwrap();
        let mut named: BTreeSet<String> = named.map(Result::unwrap).collect();
        assert!(named.remove("conflicts"), "history");
        for table in named {
            assert!(OF_PORTAL.contains(&table.as_str()), "{table}");
        }
    }
}

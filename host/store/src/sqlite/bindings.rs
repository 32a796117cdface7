//! Bindings: what runs in which scope, and the states that versions have because of it.
//!
//! Invariant: whatever adds, changes or removes a binding calls [`settle_states`] in the same transaction.

use partneros_domain::{ConnectionId, OrganizationId, PairId, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection as Database, Row, params};
use serde::de::DeserializeOwned;

use super::encoding::{Cell, json, time};
use super::fault::{Fault, Outcome, conflict, not_found};
use super::{plugin_versions, scope};
use crate::{Binding, BindingScope, Candidate, MapperParts, VersionState};

const COLUMNS: &str = "SELECT b.key, c.id, p.id, b.parts, b.previous, b.candidate, b.failures,
        b.version, b.at
     FROM bindings b
     LEFT JOIN connections c ON c.key = b.connection
     LEFT JOIN object_pairs p ON p.key = b.pair";

/// A scope that the organization has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    organization: i64,
    connection: Option<i64>,
    pair: Option<i64>,
    scope: BindingScope,
}

impl Place {
    pub(super) fn of(
        db: &Database,
        organization: OrganizationId,
        scope: BindingScope,
    ) -> Outcome<Self> {
        let mut place = Self {
            organization: scope::organization(db, organization)?,
            connection: None,
            pair: None,
            scope,
        };
        match scope {
            BindingScope::Organization => {}
            BindingScope::Connection(id) => {
                place.connection = Some(scope::connection(db, organization, id)?);
            }
            BindingScope::Pair(id) => place.pair = Some(scope::pair(db, organization, id)?.key),
        }
        Ok(place)
    }
}

/// All bindings of an organization, the widest scopes first.
pub(super) fn all(db: &Database, organization: i64) -> Outcome<Vec<Binding>> {
    let mut list = db.prepare_cached(&format!(
        "{COLUMNS} WHERE b.organization = ?1
         ORDER BY b.pair IS NOT NULL, b.connection IS NOT NULL, b.key"
    ))?;
    let rows = list.query_and_then([organization], |row| Ok(read(row)?.1))?;
    rows.collect()
}

/// The place's own binding with its key.
pub(super) fn find(db: &Database, place: Place) -> Outcome<Option<(i64, Binding)>> {
    let mut find = db.prepare_cached(&format!(
        "{COLUMNS} WHERE b.organization = ?1 AND b.connection IS ?2 AND b.pair IS ?3"
    ))?;
    let mut rows = find.query(params![place.organization, place.connection, place.pair])?;
    rows.next()?.map(read).transpose()
}

/// The binding that holds at a place: its own, else the next wider one.
pub(super) fn effective(db: &Database, place: Place) -> Outcome<Option<Binding>> {
    let mut find = db.prepare_cached(&format!(
        "{COLUMNS} WHERE b.organization = ?1
             AND (b.pair = ?3
                 OR b.connection = coalesce(?2, (SELECT connection FROM object_pairs WHERE key = ?3))
                 OR (b.connection IS NULL AND b.pair IS NULL))
         ORDER BY b.pair IS NULL, b.connection IS NULL LIMIT 1"
    ))?;
    let mut rows = find.query(params![place.organization, place.connection, place.pair])?;
    Ok(rows.next()?.map(read).transpose()?.map(|(_, found)| found))
}

pub(super) fn bind(
    db: &Database,
    place: Place,
    seen: Option<&Binding>,
    parts: MapperParts,
    at: Timestamp,
) -> Outcome<Binding> {
    refuse_unseen(db, place, seen)?;
    refuse_unusable(db, place.organization, &parts)?;
    let (key, mut binding) = match find(db, place)? {
        Some((key, binding)) => (Some(key), binding),
        None => (None, unbound(place, parts.clone())),
    };
    if key.is_none() {
        binding.version = next_version(db, place.organization)?;
    } else if binding.parts != parts {
        binding.previous = Some(std::mem::replace(&mut binding.parts, parts));
        binding.version = next_version(db, place.organization)?;
    }
    let tried = binding.candidate.take();
    binding.candidate = tried.filter(|candidate| candidate.parts != binding.parts);
    binding.failures = 0;
    binding.at = at;
    save(db, place, key, &binding)?;
    settle_states(db, place.organization)?;
    Ok(binding)
}

pub(super) fn roll_back(
    db: &Database,
    place: Place,
    seen: Option<&Binding>,
    at: Timestamp,
) -> Outcome<Binding> {
    match find(db, place)?.and_then(|(_, binding)| binding.previous) {
        Some(previous) => bind(db, place, seen, previous, at),
        None => Err(conflict("binding", place.scope, "has nothing to go back to").into()),
    }
}

pub(super) fn unbind(db: &Database, place: Place) -> Outcome<()> {
    db.prepare_cached(
        "DELETE FROM bindings WHERE organization = ?1 AND connection IS ?2 AND pair IS ?3",
    )?
    .execute(params![place.organization, place.connection, place.pair])?;
    settle_states(db, place.organization)
}

pub(super) fn set_candidate(
    db: &Database,
    place: Place,
    candidate: Option<Candidate>,
) -> Outcome<Binding> {
    if let Some(candidate) = &candidate {
        refuse_unusable(db, place.organization, &candidate.parts)?;
    }
    let (key, mut binding) = match (find(db, place)?, &candidate) {
        (Some((key, binding)), _) => (Some(key), binding),
        (None, Some(candidate)) => {
            let parts =
                effective(db, place)?.map_or_else(MapperParts::default, |wider| wider.parts);
            let mut binding = unbound(place, parts);
            binding.version = next_version(db, place.organization)?;
            binding.at = candidate.started_at;
            (None, binding)
        }
        (None, None) => return Err(not_found("binding", place.scope).into()),
    };
    binding.candidate = candidate;
    save(db, place, key, &binding)?;
    settle_states(db, place.organization)?;
    Ok(binding)
}

pub(super) fn note_outcome(
    db: &Database,
    place: Place,
    version: i64,
    failed: bool,
) -> Outcome<u32> {
    let Some((key, binding)) = find(db, place)? else {
        return Ok(0);
    };
    if binding.version != version {
        return Ok(binding.failures);
    }
    let failures = if failed {
        binding.failures.saturating_add(1)
    } else {
        0
    };
    if failures != binding.failures {
        db.prepare_cached("UPDATE bindings SET failures = ?2 WHERE key = ?1")?
            .execute(params![key, failures])?;
    }
    Ok(failures)
}

/// Makes versions active that some binding runs, and retires those that none runs any more.
pub(super) fn settle_states(db: &Database, organization: i64) -> Outcome<()> {
    const BOUND: &str = "(SELECT part.value FROM bindings b, json_each(b.parts) part
         WHERE b.organization = ?1)";
    db.prepare_cached(&format!(
        "UPDATE plugin_versions SET state = 'active'
         WHERE organization = ?1 AND state IN ('staged', 'retired')
             AND lower(hex(digest)) IN {BOUND}"
    ))?
    .execute([organization])?;
    db.prepare_cached(&format!(
        "UPDATE plugin_versions SET state = 'retired'
         WHERE organization = ?1 AND state = 'active' AND lower(hex(digest)) NOT IN {BOUND}"
    ))?
    .execute([organization])?;
    Ok(())
}

/// Refuses a change that was decided on another binding than the place's.
fn refuse_unseen(db: &Database, place: Place, seen: Option<&Binding>) -> Outcome<()> {
    let Some(seen) = seen else { return Ok(()) };
    match find(db, place)? {
        Some((_, now)) if now.version == seen.version && now.candidate == seen.candidate => Ok(()),
        _ => Err(conflict("binding", place.scope, "has changed since it was read").into()),
    }
}

/// Refuses parts of which one is quarantined, or not the organization's.
fn refuse_unusable(db: &Database, organization: i64, parts: &MapperParts) -> Outcome<()> {
    for digest in &parts.0 {
        if plugin_versions::get(db, organization, *digest)?.1.state == VersionState::Quarantined {
            let problem = "is quarantined; release it first";
            return Err(conflict("plugin version", *digest, problem).into());
        }
    }
    Ok(())
}

/// A binding that nothing is known of but what it runs.
fn unbound(place: Place, parts: MapperParts) -> Binding {
    Binding {
        scope: place.scope,
        parts,
        previous: None,
        candidate: None,
        failures: 0,
        version: 0,
        at: Timestamp::ZERO,
    }
}

/// The next version of any binding of the organization, so that none comes back after an unbinding.
fn next_version(db: &Database, organization: i64) -> Outcome<i64> {
    Ok(db
        .prepare_cached(
            "UPDATE organizations SET binding_changes = binding_changes + 1 WHERE key = ?1
             RETURNING binding_changes",
        )?
        .query_row([organization], |row| row.get(0))?)
}

fn save(db: &Database, place: Place, key: Option<i64>, binding: &Binding) -> Outcome<()> {
    let parts = json(&binding.parts)?;
    let previous = binding.previous.as_ref().map(json).transpose()?;
    let candidate = binding.candidate.as_ref().map(json).transpose()?;
    if let Some(key) = key {
        db.prepare_cached(
            "UPDATE bindings SET parts = ?2, previous = ?3, candidate = ?4, failures = ?5,
                 version = ?6, at = ?7
             WHERE key = ?1",
        )?
        .execute(params![
            key,
            parts,
            previous,
            candidate,
            binding.failures,
            binding.version,
            binding.at.0
        ])?;
        return Ok(());
    }
    db.prepare_cached(
        "INSERT INTO bindings (organization, connection, pair, parts, previous, candidate, failures,
             version, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        place.organization,
        place.connection,
        place.pair,
        parts,
        previous,
        candidate,
        binding.failures,
        binding.version,
        binding.at.0
    ])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Outcome<(i64, Binding)> {
    let key: i64 = row.get(0)?;
    let connection: Option<_> = row.get(1)?;
    let pair: Option<_> = row.get(2)?;
    let scope = match (connection, pair) {
        (_, Some(pair)) => BindingScope::Pair(PairId(pair)),
        (Some(connection), None) => BindingScope::Connection(ConnectionId(connection)),
        (None, None) => BindingScope::Organization,
    };
    let binding = Binding {
        scope,
        parts: Cell::new("bindings", "parts").json(row, 3, scope)?,
        previous: json_if_any("previous", row, 4, scope)?,
        candidate: json_if_any("candidate", row, 5, scope)?,
        failures: row.get(6)?,
        version: row.get(7)?,
        at: time(row, 8)?,
    };
    Ok((key, binding))
}

fn json_if_any<T: DeserializeOwned>(
    column: &'static str,
    row: &Row<'_>,
    at: usize,
    scope: BindingScope,
) -> Outcome<Option<T>> {
    if row.get_ref(at).map_err(Fault::from)? == ValueRef::Null {
        return Ok(None);
    }
    Cell::new("bindings", column).json(row, at, scope).map(Some)
}

//! Plugins and their versions.

use partneros_domain::{Digest, PairId, Timestamp};
use rusqlite::{Connection as Database, OptionalExtension as _, Row, params};

use super::encoding::{Cell, json, time, time_if_any};
use super::fault::{Fault, Outcome, conflict, not_found};
use super::position::{List, one_more};
use super::{bindings, plugin_activity};
use crate::{NewPluginVersion, Page, PluginEntry, PluginVersion, VersionState};

const COLUMNS: &str = "SELECT v.key, v.digest, p.name, v.number, v.state, v.world, v.contract,
        v.size_bytes, v.report, v.signed_by, v.reason, v.quarantined_at, v.created_at
     FROM plugin_versions v JOIN plugins p ON p.key = v.plugin";

/// The version with its key.
pub(super) fn get(
    db: &Database,
    organization: i64,
    digest: Digest,
) -> Outcome<(i64, PluginVersion)> {
    get_if_any(db, organization, digest)?.ok_or_else(|| not_found("plugin version", digest).into())
}

/// The component of a version.
pub(super) fn bytes(db: &Database, organization: i64, digest: Digest) -> Outcome<Vec<u8>> {
    let mut find = db.prepare_cached(
        "SELECT c.bytes FROM plugin_versions v JOIN plugin_components c ON c.version = v.key
         WHERE v.organization = ?1 AND v.digest = ?2",
    )?;
    find.query_row(params![organization, digest.as_bytes()], |row| row.get(0))
        .optional()?
        .ok_or_else(|| not_found("plugin version", digest).into())
}

pub(super) fn put(
    db: &Database,
    organization: i64,
    new: &NewPluginVersion,
) -> Outcome<PluginVersion> {
    if let Some((_, known)) = get_if_any(db, organization, new.digest)? {
        if known.plugin == new.plugin {
            return Ok(known);
        }
        let problem = format!("is a version of plugin `{}` already", known.plugin);
        return Err(conflict("plugin version", new.digest, &problem).into());
    }
    let (plugin, number): (i64, i64) = db
        .prepare_cached(
            "INSERT INTO plugins (organization, name, last_number, created_at)
             VALUES (?1, ?2, 1, ?3)
             ON CONFLICT (organization, name) DO UPDATE SET last_number = last_number + 1
             RETURNING key, last_number",
        )?
        .query_row(params![organization, new.plugin, new.at.0], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    db.prepare_cached(
        "INSERT INTO plugin_versions (organization, plugin, digest, number, state, world, contract,
             size_bytes, report, signed_by, created_at)
         VALUES (?1, ?2, ?3, ?4, 'staged', ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        organization,
        plugin,
        new.digest.as_bytes(),
        number,
        new.world,
        new.contract,
        new.bytes.len() as u64,
        json(&new.report)?,
        new.signed_by,
        new.at.0
    ])?;
    db.prepare_cached("INSERT INTO plugin_components (version, bytes) VALUES (?1, ?2)")?
        .execute(params![db.last_insert_rowid(), new.bytes])?;
    Ok(get(db, organization, new.digest)?.1)
}

/// The plugins, the oldest first.
pub(super) fn plugins(
    db: &Database,
    organization: i64,
    after: Option<&str>,
    limit: usize,
) -> Outcome<Page<PluginEntry>> {
    let after = List::Plugins.key(after, 0)?;
    let mut list = db.prepare_cached(
        "SELECT key, name, created_at FROM plugins
         WHERE organization = ?1 AND key > ?2 ORDER BY key LIMIT ?3",
    )?;
    let rows = list.query_and_then([organization, after, one_more(limit)], |row| {
        let key: i64 = row.get(0)?;
        Ok::<_, Fault>((key, read_plugin(db, key, row)?))
    })?;
    Ok(List::Plugins.page(rows.collect::<Outcome<_>>()?, limit))
}

/// The versions of a plugin, newest first.
pub(super) fn versions(
    db: &Database,
    organization: i64,
    name: &str,
) -> Outcome<Vec<PluginVersion>> {
    let mut list = db.prepare_cached(&format!(
        "{COLUMNS} WHERE p.organization = ?1 AND p.name = ?2 ORDER BY v.number DESC"
    ))?;
    let rows = list.query_and_then(params![organization, name], |row| Ok(read(row)?.1))?;
    let versions = rows.collect::<Outcome<Vec<_>>>()?;
    if versions.is_empty() {
        return Err(not_found("plugin", name).into());
    }
    Ok(versions)
}

pub(super) fn delete(db: &Database, organization: i64, digest: Digest) -> Outcome<()> {
    let (key, _) = get(db, organization, digest)?;
    refuse_in_use(db, organization, digest)?;
    let plugin: i64 = db
        .prepare_cached("DELETE FROM plugin_versions WHERE key = ?1 RETURNING plugin")?
        .query_row([key], |row| row.get(0))?;
    db.prepare_cached(
        "DELETE FROM plugins
         WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM plugin_versions WHERE plugin = ?1)",
    )?
    .execute([plugin])?;
    plugin_activity::delete_logs(db, organization, digest)
}

pub(super) fn quarantine(
    db: &Database,
    organization: i64,
    digest: Digest,
    reason: &str,
    at: Timestamp,
) -> Outcome<()> {
    let (key, _) = get(db, organization, digest)?;
    db.prepare_cached(
        "UPDATE plugin_versions SET state = 'quarantined', reason = ?2, quarantined_at = ?3
         WHERE key = ?1",
    )?
    .execute(params![key, reason, at.0])?;
    Ok(())
}

pub(super) fn release(db: &Database, organization: i64, digest: Digest) -> Outcome<()> {
    let (key, _) = get(db, organization, digest)?;
    db.prepare_cached(
        "UPDATE plugin_versions SET state = 'staged', reason = NULL, quarantined_at = NULL
         WHERE key = ?1 AND state = 'quarantined'",
    )?
    .execute([key])?;
    bindings::settle_states(db, organization)
}

/// Refuses to lose a version that something may run, now or after going back.
fn refuse_in_use(db: &Database, organization: i64, digest: Digest) -> Outcome<()> {
    let user = bindings::all(db, organization)?
        .into_iter()
        .find(|binding| binding.names(digest));
    if let Some(binding) = user {
        let problem = format!("is a part of the binding of {}", binding.scope);
        return Err(conflict("plugin version", digest, &problem).into());
    }
    let pair: Option<uuid::Uuid> = db
        .prepare_cached(
            "SELECT p.id FROM object_pairs p JOIN mappings m ON m.pair = p.key,
                 json_each(m.mappings) mapping
             WHERE p.organization = ?1 AND json_extract(mapping.value, '$.plugin') = ?2 LIMIT 1",
        )?
        .query_row(params![organization, digest.to_string()], |row| row.get(0))
        .optional()?;
    if let Some(pair) = pair.map(PairId) {
        let problem = format!("is named by a mapping of object pair {pair}");
        return Err(conflict("plugin version", digest, &problem).into());
    }
    Ok(())
}

/// Whether a version was taken out of use; one that is not there was not.
pub(super) fn is_quarantined(db: &Database, organization: i64, digest: Digest) -> Outcome<bool> {
    let mut find = db.prepare_cached(
        "SELECT state = 'quarantined' FROM plugin_versions WHERE organization = ?1 AND digest = ?2",
    )?;
    let found = find.query_row(params![organization, digest.as_bytes()], |row| row.get(0));
    Ok(found.optional()?.unwrap_or(false))
}

fn get_if_any(
    db: &Database,
    organization: i64,
    digest: Digest,
) -> Outcome<Option<(i64, PluginVersion)>> {
    let mut find = db.prepare_cached(&format!(
        "{COLUMNS} WHERE v.organization = ?1 AND v.digest = ?2"
    ))?;
    let mut rows = find.query(params![organization, digest.as_bytes()])?;
    rows.next()?.map(read).transpose()
}

fn read(row: &Row<'_>) -> Outcome<(i64, PluginVersion)> {
    let digest = Digest::from_bytes(row.get(1)?);
    let version = PluginVersion {
        digest,
        plugin: row.get(2)?,
        number: row.get(3)?,
        state: Cell::new("plugin_versions", "state").word(row, 4, digest)?,
        world: row.get(5)?,
        contract: row.get(6)?,
        size_bytes: row.get(7)?,
        report: Cell::new("plugin_versions", "report").json(row, 8, digest)?,
        signed_by: row.get(9)?,
        reason: row.get(10)?,
        quarantined_at: time_if_any(row, 11)?,
        created_at: time(row, 12)?,
    };
    Ok((row.get(0)?, version))
}

fn read_plugin(db: &Database, key: i64, row: &Row<'_>) -> Outcome<PluginEntry> {
    let mut list = db.prepare_cached(
        "SELECT digest, state FROM plugin_versions WHERE plugin = ?1 ORDER BY number DESC",
    )?;
    let rows = list.query_and_then([key], |row| {
        let digest = Digest::from_bytes(row.get(0)?);
        let state: VersionState = Cell::new("plugin_versions", "state").word(row, 1, digest)?;
        Ok::<_, Fault>((digest, state))
    })?;
    let versions = rows.collect::<Outcome<Vec<_>>>()?;
    let name: String = row.get(1)?;
    // The plugin goes with its last version.
    let latest = versions
        .first()
        .ok_or_else(|| crate::Error::Inconsistent {
            table: "plugins",
            column: "last_number",
            row: name.clone(),
            source: None,
        })?
        .0;
    Ok(PluginEntry {
        name,
        versions: versions.len() as u64,
        latest,
        active: versions
            .into_iter()
            .filter(|(_, state)| *state == VersionState::Active)
            .map(|(digest, _)| digest)
            .collect(),
        created_at: time(row, 2)?,
    })
}

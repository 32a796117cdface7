//! Bringing a database to this version, one numbered file at a time.
//!
//! `PRAGMA user_version` counts the migrations that were applied. A migration that was released is never edited: a
//! change is a new file at the end of the list.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::fault::{Fault, Outcome};
use crate::{Error, Result};

const MIGRATIONS: [&str; 32] = [
    include_str!("../../migrations/001_organizations.sql"),
    include_str!("../../migrations/002_connections.sql"),
    include_str!("../../migrations/003_schemas.sql"),
    include_str!("../../migrations/004_records.sql"),
    include_str!("../../migrations/005_object_pairs.sql"),
    include_str!("../../migrations/006_links.sql"),
    include_str!("../../migrations/007_outbox.sql"),
    include_str!("../../migrations/008_runs.sql"),
    include_str!("../../migrations/009_conflicts_and_failures.sql"),
    include_str!("../../migrations/010_plugins.sql"),
    include_str!("../../migrations/011_plugin_activity.sql"),
    include_str!("../../migrations/012_audit.sql"),
    include_str!("../../migrations/013_changes.sql"),
    include_str!("../../migrations/014_lags.sql"),
    include_str!("../../migrations/015_members.sql"),
    include_str!("../../migrations/016_connect_flows.sql"),
    include_str!("../../migrations/017_data_keys.sql"),
    include_str!("../../migrations/018_audit_kept.sql"),
    include_str!("../../migrations/019_alert_states.sql"),
    include_str!("../../migrations/020_idempotency.sql"),
    include_str!("../../migrations/021_webhooks.sql"),
    include_str!("../../migrations/022_former_links.sql"),
    include_str!("../../migrations/023_portal_choice.sql"),
    include_str!("../../migrations/024_kept_tags.sql"),
    include_str!("../../migrations/025_runs_kept.sql"),
    include_str!("../../migrations/026_brakes.sql"),
    include_str!("../../migrations/027_lag_stages.sql"),
    include_str!("../../migrations/028_audits.sql"),
    include_str!("../../migrations/029_unheard_creates.sql"),
    include_str!("../../migrations/030_journal.sql"),
    include_str!("../../migrations/031_hinted_signs.sql"),
    include_str!("../../migrations/032_change_tallies.sql"),
];

/// The version of a database that this program has opened.
pub const DATABASE_VERSION: i64 = MIGRATIONS.len() as i64;

/// Applies what is missing, each migration in a transaction of its own. A newer database is left alone.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    migrate_to(connection, MIGRATIONS.len())
}

fn migrate_to(connection: &mut Connection, end: usize) -> Result<()> {
    while step(connection, end).map_err(|fault| fault.during("migrate the database"))? {}
    Ok(())
}

/// Applies the next migration; false when there is none. The version is read under the write lock, since another
/// process may be migrating as well.
fn step(connection: &mut Connection, end: usize) -> Outcome<bool> {
    let found = version(connection)?;
    if found == end {
        return Ok(false);
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&tx)?;
    apply(&tx, found)?;
    tx.commit()?;
    Ok(found < end)
}

fn apply(tx: &Transaction<'_>, found: usize) -> Outcome<()> {
    if let Some(migration) = MIGRATIONS.get(found) {
        tx.execute_batch(migration)?;
        tx.pragma_update(None, "user_version", found as i64 + 1)?;
    }
    Ok(())
}

/// The version of a database that this program can use.
pub(super) fn known_version(connection: &Connection) -> Result<i64> {
    version(connection)
        .map(|version| version as i64)
        .map_err(|fault| fault.during("read the database's version"))
}

fn version(connection: &Connection) -> Outcome<usize> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match usize::try_from(found) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(version),
        _ => Err(Fault::Store(Error::TooNew {
            found,
            known: MIGRATIONS.len() as i64,
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(connection: &Connection) -> Vec<String> {
        let mut statement = connection
            .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            .unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    #[test]
    fn every_past_version_migrates_to_the_same_layout() {
        let mut fresh = Connection::open_in_memory().unwrap();
        migrate(&mut fresh).unwrap();
        for past in 0..=MIGRATIONS.len() {
            let mut connection = Connection::open_in_memory().unwrap();
            migrate_to(&mut connection, past).unwrap();
            assert_eq!(version(&connection).unwrap(), past);
            migrate(&mut connection).unwrap();
            assert_eq!(layout(&connection), layout(&fresh), "from version {past}");
        }
    }

    #[test]
    fn a_pair_from_before_plugins_parks_records() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_to(&mut connection, 9).unwrap();
        connection
            .execute_batch(
                "INSERT INTO organizations VALUES (1, x'01', 'acme', 0);
                 INSERT INTO connections (key, organization, id, portal_id, status, status_at,
                     scopes, created_at, token_generation)
                 VALUES (1, 1, x'02', 7, 'active', 0, '[]', 0, 1);
                 INSERT INTO objects (key, organization, name) VALUES (1, 1, 'partners');
                 INSERT INTO object_pairs (organization, connection, object, id, hubspot_object,
                     direction, state, conflict_policy, auto_mapped, suggested, created_at)
                 VALUES (1, 1, 1, x'03', 'companies', 'bidirectional', 'active', 'crm_wins', 0.9,
                     0.5, 0);",
            )
            .unwrap();
        migrate(&mut connection).unwrap();
        let policy: String = connection
            .query_row(
                "SELECT plugin_failure_policy FROM object_pairs",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(policy, "park_record");
    }

    #[test]
    fn a_token_from_before_members_is_an_admins() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_to(&mut connection, 12).unwrap();
        connection
            .execute_batch(
                "INSERT INTO organizations (key, id, name, created_at) VALUES (1, x'01', 'acme', 0);
                 INSERT INTO api_tokens (organization, id, name, hash, created_at)
                 VALUES (1, x'02', 'cli', x'03', 0);",
            )
            .unwrap();
        migrate(&mut connection).unwrap();
        let token: (String, Option<i64>, Option<i64>) = connection
            .query_row(
                "SELECT role, member, expires_at FROM api_tokens",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .unwrap();
        assert_eq!(token, ("admin".to_owned(), None, None));
    }

    #[test]
    fn an_edit_that_waited_before_goes_on_waiting() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_to(&mut connection, 16).unwrap();
        connection
            .execute_batch(
                "PRAGMA foreign_keys = OFF;
                 INSERT INTO outbox (pair, record, due_at, attempts) VALUES (1, 1, 7, 0);
                 INSERT INTO alerts (organization, id, kind, severity, subject, message, opened_at,
                     resolved_at)
                 VALUES (1, x'01', 'token.revoked', 'critical', '', '', 1, 2);",
            )
            .unwrap();
        migrate(&mut connection).unwrap();
        let row: (i64, String) = connection
            .query_row("SELECT since, resolved_by FROM outbox, alerts", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(row, (7, "system".to_owned()));
    }

    #[test]
    fn a_newer_database_is_refused_and_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let newer = MIGRATIONS.len() as i64 + 1;
        connection
            .pragma_update(None, "user_version", newer)
            .unwrap();
        let before = layout(&connection);
        assert!(matches!(
            migrate(&mut connection),
            Err(Error::TooNew { found, .. }) if found == newer
        ));
        assert_eq!(layout(&connection), before);
    }

    #[test]
    fn every_migration_file_is_applied_in_order() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let texts: Vec<_> = files
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        assert_eq!(texts, MIGRATIONS);
    }
}

//! Every column that could hold a secret is known to be sealed, hashed, or no secret. A new one fails here until it is
//! listed.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::migrate;
use crate::seal::SEALED_COLUMNS;

/// What a column with a telling name holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// A value that is sealed under the organization's data key.
    Sealed,
    /// A hash of something long and random, or of a password by a slow function.
    Hash,
    /// A data key, wrapped under a key that is not in the database.
    Wrapped,
    /// Nothing that needs hiding.
    Plain,
}

const KNOWN: [(&str, Holds); 30] = [
    ("api_tokens.hash", Holds::Hash),
    ("connections.access", Holds::Plain), // such as `oauth`
    ("connections.access_token", Holds::Sealed),
    ("connections.refresh_previous", Holds::Sealed),
    ("connections.refresh_token", Holds::Sealed),
    ("data_keys.wrapped", Holds::Wrapped),
    ("data_keys.wrapped_under", Holds::Plain), // the name of a wrapping key
    ("failures.code", Holds::Plain),           // such as `INVALID_OPTION`
    ("invitations.hash", Holds::Hash),
    ("oauth_states.hash", Holds::Hash),
    ("oauth_states.token", Holds::Hash),
    ("object_pairs.state", Holds::Plain), // such as `active`
    ("plugin_components.bytes", Holds::Plain),
    ("plugin_logs.digest", Holds::Plain), // of a component
    ("plugin_usage.digest", Holds::Plain),
    ("plugin_versions.digest", Holds::Plain),
    ("plugin_versions.signed_by", Holds::Plain), // the name of a trusted key
    ("plugin_versions.state", Holds::Plain),
    ("request_keys.body", Holds::Plain), // answers that show no secret, see `Idempotency`
    ("request_keys.entity_tag", Holds::Plain),
    ("request_keys.fingerprint", Holds::Hash),
    ("request_keys.hash", Holds::Hash),
    ("retired_keys.name", Holds::Plain), // of a wrapping key
    ("sessions.hash", Holds::Hash),
    ("trusted_keys.name", Holds::Plain),
    ("trusted_keys.public_key", Holds::Plain),
    ("users.password_hash", Holds::Hash),
    ("webhook_deliveries.state", Holds::Plain), // such as `pending`
    ("webhooks.secret_even", Holds::Sealed),
    ("webhooks.secret_odd", Holds::Sealed),
];

/// What a name has that must be looked at. Better one too many than one too few.
const TELLING: [&str; 26] = [
    "access",
    "auth",
    "bearer",
    "bytes",
    "cert",
    "cipher",
    "code",
    "cookie",
    "credential",
    "digest",
    "encrypted",
    "hash",
    "header",
    "nonce",
    "otp",
    "pass",
    "private",
    "refresh",
    "salt",
    "seal",
    "secret",
    "seed",
    "sign",
    "state",
    "token",
    "wrapped",
];

/// The columns of a new database that can hold text or bytes, with their type.
fn columns() -> BTreeMap<String, String> {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate::migrate(&mut connection).unwrap();
    let mut list = connection
        .prepare(
            "SELECT t.name || '.' || c.name, c.type FROM pragma_table_list t
             JOIN pragma_table_info(t.name) c
             WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%' AND c.type <> 'INTEGER'",
        )
        .unwrap();
    let rows = list.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().collect::<rusqlite::Result<_>>().unwrap()
}

/// Whether the name of the column, or a table that is about keys, tells of a secret.
fn is_telling(column: &str) -> bool {
    let (table, name) = column.split_once('.').unwrap();
    let of_keys = table.contains("key") && name != "id";
    of_keys || name.contains("key") || TELLING.iter().any(|telling| name.contains(telling))
}

#[test]
fn every_column_with_a_telling_name_is_known() {
    let unknown: Vec<_> = columns()
        .into_keys()
        .filter(|column| is_telling(column) && KNOWN.iter().all(|(known, _)| known != column))
        .collect();
    assert_eq!(
        unknown, [""; 0],
        "seal them (a line in `seal/place.rs`) or keep a hash, and list them here"
    );
}

#[test]
fn what_is_listed_is_there() {
    let columns = columns();
    for (known, _) in KNOWN {
        assert!(columns.contains_key(known), "{known}");
        assert!(is_telling(known), "{known} need not be listed");
    }
}

#[test]
fn what_is_listed_as_sealed_is_what_changes_with_the_data_keys() {
    let listed = KNOWN.iter().filter(|(_, holds)| *holds == Holds::Sealed);
    let listed: BTreeSet<_> = listed.map(|(column, _)| (*column).to_owned()).collect();
    let sealed: BTreeSet<_> = SEALED_COLUMNS
        .iter()
        .map(|column| format!("{}.{}", column.table, column.name))
        .collect();
    assert_eq!(listed, sealed);
    let columns = columns();
    for column in &sealed {
        assert_eq!(columns[column], "BLOB", "{column}");
        let (table, _) = column.split_once('.').unwrap();
        assert_eq!(columns[&format!("{table}.id")], "BLOB", "{table}");
    }
}

/// By its foreign keys each table is an organization's, and goes with it.
#[test]
fn every_table_goes_with_its_organization() {
    // What is the host's own, and people with their sessions: they may be in several organizations.
    let stays = [
        "audit_horizon",
        "journals",
        "organizations",
        "retired_keys",
        "sessions",
        "users",
    ];
    let mut connection = Connection::open_in_memory().unwrap();
    migrate::migrate(&mut connection).unwrap();
    let mut list = connection
        .prepare(
            "SELECT t.name, f.\"table\" FROM pragma_table_list t
             LEFT JOIN pragma_foreign_key_list(t.name) f ON f.on_delete = 'CASCADE'
             WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%'",
        )
        .unwrap();
    let rows = list.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let edges: Vec<(String, Option<String>)> =
        rows.unwrap().collect::<rusqlite::Result<_>>().unwrap();
    let mut gone = BTreeSet::from(["organizations".to_owned()]);
    let mut before = 0;
    while gone.len() > before {
        before = gone.len();
        for (table, parent) in &edges {
            if parent.as_ref().is_some_and(|parent| gone.contains(parent)) {
                gone.insert(table.clone());
            }
        }
    }
    let tables: BTreeSet<_> = edges.into_iter().map(|(table, _)| table).collect();
    let left: Vec<_> = tables
        .iter()
        .filter(|table| !gone.contains(*table) && !stays.contains(&table.as_str()))
        .collect();
    assert!(
        left.is_empty(),
        "these stay when an organization is erased: {left:?}"
    );
}

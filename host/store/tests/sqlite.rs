//! The SQLite engine keeps the contract, in a file and in memory; and what only a file can show.

use std::fs;
use std::path::Path;

use partneros_domain::{ConnectionId, EventType, OrganizationId, Timestamp};
use partneros_store::{
    Access, Audit as _, Connections as _, Error, EventId, KeyRing, NewConnection, NewEvent,
    Options, Organization, Organizations as _, OtherPortal, Sqlite, Store, Threads, TokenSet,
    conformance,
};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(1));
const CONNECTION: ConnectionId = ConnectionId(Uuid::from_u128(2));

fn ring() -> KeyRing {
    KeyRing::parse(&SecretString::from("5a".repeat(32)), None).unwrap()
}

fn open(path: &Path) -> Result<Sqlite, Error> {
    Sqlite::open(path, ring(), Options::default())
}

/// Runs every case on a database of its own and names all that fail.
async fn keeps_the_contract(engine: impl Fn(&Path) -> Sqlite) {
    let cases = conformance::all();
    assert!(!cases.is_empty());
    let mut broken = Vec::new();
    for (name, case) in cases {
        let folder = tempfile::tempdir().unwrap();
        let store = engine(&folder.path().join("test.db"));
        let outcome = tokio::spawn(async move {
            let store: &dyn Store = &store;
            case(store).await;
        });
        if outcome.await.is_err() {
            broken.push(name);
        }
    }
    assert!(broken.is_empty(), "broken: {broken:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_keeps_the_contract() {
    keeps_the_contract(|path| open(path).unwrap()).await;
}

#[tokio::test]
async fn a_database_in_memory_keeps_the_contract() {
    let options = Options {
        threads: Threads::Inline,
        ..Options::default()
    };
    keeps_the_contract(|_| Sqlite::in_memory(ring(), options).unwrap()).await;
}

async fn connected(path: &Path) -> Sqlite {
    let store = open(path).unwrap();
    let organization = Organization {
        id: ORGANIZATION,
        name: "acme".to_owned(),
        created_at: Timestamp(1),
    };
    store.create_organization(&organization).await.unwrap();
    let new = NewConnection {
        id: CONNECTION,
        portal_id: 7,
        access: Access::OAuth,
        scopes: Vec::new(),
        tokens: TokenSet {
            access: SecretString::from("the-access-secret"),
            access_expires_at: Some(Timestamp(2)),
            refresh: Some(SecretString::from("the-refresh-secret")),
            refresh_previous: Some(SecretString::from("the-previous-secret")),
            generation: 1,
        },
        other_portal: OtherPortal::Refuse,
        at: Timestamp(1),
    };
    store.put_connection(ORGANIZATION, new).await.unwrap();
    store
}

fn bytes_in(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        bytes.extend(fs::read(entry.unwrap().path()).unwrap());
    }
    bytes
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

#[tokio::test]
async fn no_file_holds_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let store = connected(&path).await;
    for checkpointed in [false, true] {
        if checkpointed {
            store.close().await.unwrap();
        }
        let bytes = bytes_in(folder.path());
        assert!(holds(&bytes, "acme"), "the search must find what is there");
        for secret in ["access-secret", "refresh-secret", "previous-secret"] {
            assert!(!holds(&bytes, secret), "{secret}");
        }
    }
}

#[tokio::test]
async fn a_moved_secret_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let store = connected(&path).await;
    let thief = rusqlite::Connection::open(&path).unwrap();
    thief
        .execute("UPDATE connections SET access_token = refresh_token", [])
        .unwrap();
    let error = store
        .connection_tokens(ORGANIZATION, CONNECTION)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Sealed { column: "access_token", row, .. } if *row == CONNECTION.to_string()),
        "{error:?}"
    );
    let expected = format!(
        "failed to open the sealed `connections.access_token` of row `{CONNECTION}`: the stored value was changed, or moved from elsewhere; connect the portal again"
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_closed_database_opens_again_without_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let store = connected(&path).await;
    store.ready().await.unwrap();
    store.close().await.unwrap();
    let log = folder.path().join("test.db-wal");
    assert_eq!(fs::metadata(&log).unwrap().len(), 0);
    drop(store);
    assert!(!log.exists());
    let store = open(&path).unwrap();
    let tokens = store
        .connection_tokens(ORGANIZATION, CONNECTION)
        .await
        .unwrap();
    assert_eq!(tokens.access.expose_secret(), "the-access-secret");
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_their_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let store = connected(&folder.path().join("test.db")).await;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    drop(store);
}

#[tokio::test]
async fn a_broken_value_is_named_and_harms_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let store = connected(&path).await;
    let vandal = rusqlite::Connection::open(&path).unwrap();
    vandal
        .execute("UPDATE connections SET scopes = '[', status = 'active'", [])
        .unwrap();
    let error = store
        .connection(ORGANIZATION, CONNECTION)
        .await
        .unwrap_err();
    let expected = format!(
        "failed to read `connections.scopes` of row `{CONNECTION}`: the stored value is inconsistent"
    );
    assert_eq!(error.to_string(), expected);
    assert!(store.organization_by_name("acme").await.is_ok());
}

#[tokio::test]
async fn a_full_disk_is_said_and_nothing_is_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let options = Options {
        bytes_max: Some(1_000_000),
        ..Options::default()
    };
    let store = Sqlite::open(&path, ring(), options).unwrap();
    let organization = |number: u128, name: String| Organization {
        id: OrganizationId(Uuid::from_u128(number)),
        name,
        created_at: Timestamp(1),
    };
    let small = organization(1, "small".to_owned());
    store.create_organization(&small).await.unwrap();
    let large = organization(2, "x".repeat(2_000_000));
    let error = store.create_organization(&large).await.unwrap_err();
    assert!(matches!(error, Error::DiskFull), "{error:?}");
    assert_eq!(store.organizations().await.unwrap(), [small]);
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    fs::write(
        &path,
        "something else entirely, and long enough for a header".repeat(20),
    )
    .unwrap();
    let error = open(&path).unwrap_err();
    assert_eq!(error.to_string(), "failed to open the database for writing");
    let error = open(&folder.path().join("no/such/folder/test.db")).unwrap_err();
    assert_eq!(error.to_string(), "failed to open the database file");
}

#[tokio::test]
async fn the_database_refuses_to_change_or_lose_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let store = connected(&path).await;
    for number in [1, 2] {
        let event = NewEvent {
            id: EventId(Uuid::from_u128(number)),
            at: Timestamp(i64::try_from(number).unwrap()),
            actor: "api".to_owned(),
            event: EventType::PairCreated,
            subject: "pair".to_owned(),
            metadata: serde_json::json!({}),
        };
        store.append_event(ORGANIZATION, event).await.unwrap();
    }
    let vandal = rusqlite::Connection::open(&path).unwrap();
    vandal.pragma_update(None, "foreign_keys", true).unwrap();
    let refused = |sql: &str| vandal.execute(sql, []).unwrap_err().to_string();
    let message = refused("UPDATE audit_events SET actor = 'nobody'");
    assert_eq!(message, "an audit event is never changed");
    let message = refused("DELETE FROM audit_events WHERE at = 1");
    assert_eq!(message, "an audit event is not deleted before its time");
    assert_eq!(store.forget_events(Timestamp(2), 9).await.unwrap(), 1);
    refused("DELETE FROM audit_events");
    // An organization takes its events with it.
    vandal.execute("DELETE FROM organizations", []).unwrap();
    let left: i64 = vandal
        .query_row("SELECT count(*) FROM audit_events", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn events_are_found_without_reading_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    drop(connected(&path).await);
    let database = rusqlite::Connection::open(&path).unwrap();
    for (condition, index) in [
        ("1", "audit_events_by_time"),
        ("subject = 'pair'", "audit_events_of_subject"),
    ] {
        let plan: String = database
            .prepare(&format!(
                "EXPLAIN QUERY PLAN SELECT 1 FROM audit_events
                 WHERE organization = 1 AND at >= 2 AND at <= 3 AND {condition}
                 ORDER BY at DESC, key DESC LIMIT 9"
            ))
            .unwrap()
            .query_map([], |row| row.get::<_, String>(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(
            plan.contains(index) && !plan.contains("TEMP B-TREE"),
            "{plan}"
        );
    }
}

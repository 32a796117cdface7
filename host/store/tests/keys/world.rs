//! A database with a few organizations, and what happens to it.

use std::path::{Path, PathBuf};

use partneros_domain::{ConnectionId, OrganizationId, Timestamp};
use partneros_store::{
    Access, Connections as _, Error, KeyRing, NewConnection, Options, Organization,
    Organizations as _, OtherPortal, Result, Sqlite, TokenSet,
};
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;
use uuid::Uuid;

/// A data directory.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn database(&self) -> PathBuf {
        self.path().join("test.db")
    }

    /// The ring as a process has it that starts now.
    pub fn ring(&self) -> KeyRing {
        KeyRing::load_or_create(&self.path().join("key")).unwrap()
    }

    /// The database as a process has it that starts now.
    pub fn open(&self) -> Sqlite {
        self.open_under(self.ring())
    }

    pub fn open_under(&self, ring: KeyRing) -> Sqlite {
        Sqlite::open(&self.database(), ring, Options::default()).unwrap()
    }

    /// A look past the program.
    pub fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.database()).unwrap()
    }

    /// Every byte of the database and its log.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = std::fs::read(self.database()).unwrap();
        bytes.extend(std::fs::read(self.path().join("test.db-wal")).unwrap_or_default());
        bytes
    }
}

pub fn ring_of(current: &str, older: &str) -> KeyRing {
    KeyRing::parse(&current.into(), Some(&older.into())).unwrap()
}

pub fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

pub const fn organization(number: u128) -> OrganizationId {
    OrganizationId(Uuid::from_u128(number))
}

/// A portal of the organization.
pub const fn connection(organization: u128, number: u128) -> ConnectionId {
    ConnectionId(Uuid::from_u128(organization << 64 | number))
}

pub async fn creates(store: &Sqlite, number: u128) -> Result<()> {
    let new = Organization {
        id: organization(number),
        name: format!("organization {number}"),
        created_at: Timestamp(1),
    };
    store.create_organization(&new).await
}

pub async fn connects(store: &Sqlite, of: u128, number: u128) -> Result<()> {
    let new = NewConnection {
        id: connection(of, number),
        portal_id: (of * 1_000_000 + number) as i64,
        access: Access::OAuth,
        scopes: Vec::new(),
        tokens: tokens(of, number),
        other_portal: OtherPortal::Beside,
        at: Timestamp(1),
    };
    store.put_connection(organization(of), new).await.map(drop)
}

pub fn tokens(of: u128, number: u128) -> TokenSet {
    let secret = |kind: &str| SecretString::from(format!("{kind} of {of}, {number}"));
    TokenSet {
        access: secret("access"),
        access_expires_at: Some(Timestamp(2)),
        refresh: Some(secret("refresh")),
        refresh_previous: Some(secret("previous")),
        generation: 1,
    }
}

/// Organizations 1 to `organizations`, each with portals 1 to `portals`.
pub async fn populate(store: &Sqlite, organizations: u128, portals: u128) {
    for of in 1..=organizations {
        creates(store, of).await.unwrap();
        for number in 1..=portals {
            connects(store, of, number).await.unwrap();
        }
    }
}

/// Why the tokens do not open, or `Ok` if they are what was put.
pub async fn opens(store: &Sqlite, of: u128, number: u128) -> Result<()> {
    let found = store
        .connection_tokens(organization(of), connection(of, number))
        .await?;
    let put = tokens(of, number);
    let shown = |tokens: &TokenSet| {
        let all = [
            Some(&tokens.access),
            tokens.refresh.as_ref(),
            tokens.refresh_previous.as_ref(),
        ];
        all.map(|secret| secret.map(|secret| secret.expose_secret().to_owned()))
    };
    assert_eq!(shown(&found), shown(&put));
    Ok(())
}

pub async fn all_open(store: &Sqlite, organizations: u128, portals: u128) {
    for of in 1..=organizations {
        for number in 1..=portals {
            opens(store, of, number).await.unwrap();
        }
    }
}

/// What is wrong with a sealed value, and which.
pub fn sealed(outcome: Result<()>) -> (String, partneros_store::SealProblem) {
    match outcome {
        Err(Error::Sealed {
            table,
            column,
            problem,
            ..
        }) => (format!("{table}.{column}"), problem),
        other => panic!("{other:?}"),
    }
}

//! The embedded engine: one SQLite file, one writer, a few readers.
//!
//! [`Sqlite`] implements [`crate::Store`]; each aggregate has a file here that mirrors the contract's. Ids are looked up
//! once per call, in `scope`, and only within the organization; from there on rows refer to each other by compact
//! integer keys, which never leave this module.
//!
//! Invariant: nothing writes but a closure given to `write`, inside its transaction.

mod alerts;
mod audit;
mod bindings;
mod changes;
mod commit;
mod connections;
mod deliveries;
mod encoding;
mod fault;
mod health;
mod history;
mod invitations;
mod members;
mod migrate;
mod organizations;
mod outbox;
mod pairs;
mod plugin_activity;
mod plugin_versions;
mod plugins;
mod pool;
mod position;
mod records;
mod runs;
mod schemas;
mod scope;
mod sessions;
mod sync;
mod webhooks;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::{Result, SealingKey};
use pool::Pool;

/// Where the work on the database happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// On tokio's threads for blocking work, so that the runtime never waits for the disk.
    Blocking,
    /// On the caller's thread before the method first yields, so that a simulation is deterministic.
    Inline,
}

/// How the engine uses the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Where the work happens.
    pub threads: Threads,
    /// Connections that read while the writer writes; default 4. A database in memory has none.
    pub readers: usize,
    /// The writer's page cache; default 32 MiB. Each reader has a quarter of it.
    pub cache_bytes: u64,
    /// How long a call waits for another process that is writing; default 5 s, then the call fails.
    pub busy_timeout: Duration,
    /// How far the write-ahead log grows before it is moved into the database; default 16 MiB. Longer means fewer
    /// waits for the disk.
    pub log_bytes: u64,
    /// How large the database may grow; default none. Beyond it, writing fails as on a full disk.
    pub bytes_max: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: Threads::Blocking,
            readers: 4,
            cache_bytes: 32 << 20,
            busy_timeout: Duration::from_secs(5),
            log_bytes: 16 << 20,
            bytes_max: None,
        }
    }
}

/// A database. Cheap to clone; the file is closed with the last clone.
#[derive(Debug, Clone)]
pub struct Sqlite {
    pool: Arc<Pool>,
    key: Arc<SealingKey>,
}

impl Sqlite {
    /// Opens the database, makes it if there is none, and migrates it to this version.
    ///
    /// Blocks for as long as migrations take. A new file is readable by its owner only.
    pub fn open(path: &Path, key: SealingKey, options: Options) -> Result<Self> {
        let pool = Pool::open(path, options)?;
        Ok(Self::new(pool, key))
    }

    /// A database that is gone when the last clone is dropped.
    pub fn in_memory(key: SealingKey, options: Options) -> Result<Self> {
        let pool = Pool::in_memory(options)?;
        Ok(Self::new(pool, key))
    }

    fn new(pool: Pool, key: SealingKey) -> Self {
        Self {
            pool: Arc::new(pool),
            key: Arc::new(key),
        }
    }

    /// Whether the database answers: reads a row and takes the write lock once.
    pub async fn ready(&self) -> Result<()> {
        let probe = "SELECT count(*) FROM organizations";
        self.read("read from the database", |tx| {
            Ok(tx.prepare_cached(probe)?.query_row([], |_| Ok(()))?)
        })
        .await?;
        self.write("take the database's write lock", |_| Ok(()))
            .await
    }

    /// Moves the write-ahead log into the database file and empties it. The database stays usable; call it last.
    pub async fn close(&self) -> Result<()> {
        self.run("move the write-ahead log into the database", |pool| {
            pool.checkpoint()
        })
        .await
    }
}

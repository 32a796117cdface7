//! The embedded engine: one SQLite file, one writer, a few readers.
//!
//! [`Sqlite`] implements [`crate::Store`]; each aggregate has a file here that mirrors the contract's. Ids are looked up
//! once per call, in `scope`, and only within the organization; from there on rows refer to each other by compact
//! integer keys, which never leave this module.
//!
//! Invariant: nothing writes but a closure given to `write`, inside its transaction.

mod alerts;
mod audit;
mod backup;
mod bindings;
mod brakes;
mod changes;
mod commit;
mod condition;
mod connections;
mod data_keys;
mod deletion;
mod deliveries;
mod encoding;
mod fault;
mod first_form;
mod former_links;
mod ground;
mod health;
mod held;
mod history;
mod idempotency;
mod invitations;
mod journals;
mod keys;
mod members;
mod migrate;
mod organizations;
mod outbox;
mod pair_audits;
mod pairs;
mod parting;
mod plugin_activity;
mod plugin_versions;
mod plugins;
mod pool;
mod position;
mod recent_changes;
mod records;
mod runs;
mod schemas;
mod scope;
#[cfg(test)]
mod secret_columns;
mod sessions;
mod sync;
mod webhooks;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use backup::{DatabaseSummary, back_up, check_database, check_writable, restore};
pub use migrate::DATABASE_VERSION;

use crate::Result;
use crate::seal::{KeyRing, KeyWrapper, Unwrapped};
use pool::Pool;

/// Where the work on the database happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// On tokio's threads for blocking work, so that the runtime never waits for the disk.
    Blocking,
    /// On the caller's thread before the method first yields, so that a simulation is deterministic.
    Inline,
}

/// Holds up whoever uses the database, before its work and again before it learns the outcome. A simulation decides here
/// who goes on, and who never does.
#[async_trait]
pub trait Steps: Send + Sync + fmt::Debug {
    /// Waits until the work named `operation` may go on.
    async fn step(&self, operation: &'static str);
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
    wrapper: Arc<dyn KeyWrapper>,
    unwrapped: Arc<Unwrapped>,
    steps: Option<Arc<dyn Steps>>,
}

impl Sqlite {
    /// Opens the database, makes it if there is none, and migrates it to this version.
    ///
    /// Blocks for as long as migrations take. A new file is readable by its owner only.
    pub fn open(path: &Path, ring: KeyRing, options: Options) -> Result<Self> {
        let pool = Pool::open(path, options)?;
        Self::new(pool, ring)
    }

    /// A database that is gone when the last clone is dropped.
    pub fn in_memory(ring: KeyRing, options: Options) -> Result<Self> {
        let pool = Pool::in_memory(options)?;
        Self::new(pool, ring)
    }

    fn new(pool: Pool, ring: KeyRing) -> Result<Self> {
        first_form::seal_anew(&pool, &ring)?;
        Ok(Self {
            pool: Arc::new(pool),
            wrapper: Arc::new(ring),
            unwrapped: Arc::default(),
            steps: None,
        })
    }

    /// What is in this database now, as a database in memory, so that a simulation begins a thousand times at the same place.
    pub fn fork(&self, options: Options) -> Result<Self> {
        Ok(Self {
            pool: Arc::new(self.pool.fork(options)?),
            wrapper: Arc::clone(&self.wrapper),
            unwrapped: Arc::default(),
            steps: None,
        })
    }

    /// The same database, used step by step.
    #[must_use]
    pub fn stepped_by(self, steps: Arc<dyn Steps>) -> Self {
        Self {
            steps: Some(steps),
            ..self
        }
    }

    /// The same database with data keys wrapped by something else than a ring, such as a client of a key management
    /// service. It must unwrap what is there already; [`crate::Keys::rewrap_data_keys`] has it wrap everything.
    #[must_use]
    pub fn wrapped_by(self, wrapper: Arc<dyn KeyWrapper>) -> Self {
        Self {
            wrapper,
            unwrapped: Arc::default(),
            ..self
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
            pool.checkpoint().map(drop)
        })
        .await
    }
}

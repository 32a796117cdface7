//! The connections: one that writes, and a few that read what was committed meanwhile.
//!
//! A database in memory has one connection for everything. Readers are opened read-only, so a statement in the wrong
//! place fails instead of writing outside the writer's transaction.

use std::fmt;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::Semaphore;

use super::fault::{Fault, Outcome};
use super::{Options, Sqlite, Threads, migrate};
use crate::{Error, Result};

/// More than the statements there are, so that none is prepared twice.
const STATEMENTS_MAX: usize = 256;

/// How many rows are read on the caller's thread at most.
const LOOKED_UP_MAX: usize = 8;

/// What is deleted is overwritten where its page is written anyway, so that rows which move leave no copy behind.
const OVERWRITING: &str = "FAST";

/// The open database.
pub(super) struct Pool {
    /// Readers that are idle. Dropped before the writer, which then clears the log away.
    idle: Mutex<Vec<Connection>>,
    /// As many permits as readers, at least one.
    permits: Arc<Semaphore>,
    writer: Mutex<Writer>,
    /// What was wrong with the disk when it was used last.
    trouble: Mutex<Option<Trouble>>,
    threads: Threads,
}

/// What was wrong with the disk.
struct Trouble {
    told: String,
    /// Whether it is not over when something else can be written.
    lasts: bool,
}

/// The connection that writes.
struct Writer {
    connection: Connection,
    durability: Durability,
}

/// What a committed transaction survives besides a crash of this process, which all survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// A crash of the machine too: for edits, tokens and settings, which nobody could say again.
    Disk,
    /// For what the sync does again by itself: a lost page is pulled again, since its cursor is lost with it.
    Process,
}

impl Durability {
    const fn synchronous(self) -> &'static str {
        match self {
            Self::Disk => "FULL",
            Self::Process => "NORMAL",
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

impl Pool {
    pub(super) fn open(path: &Path, options: Options) -> Result<Self> {
        create_private(path)?;
        let open = |flags: OpenFlags| {
            Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        };
        let mut writer = open(OpenFlags::SQLITE_OPEN_READ_WRITE)
            .map_err(|error| Fault::from(error).during("open the database"))?;
        configure(&writer, &options, options.cache_bytes)
            .and_then(|()| configure_log(&writer, &options))
            .map_err(|fault| fault.during("open the database for writing"))?;
        migrate::migrate(&mut writer)?;
        let mut readers = Vec::with_capacity(options.readers);
        for _ in 0..options.readers {
            let reader = open(OpenFlags::SQLITE_OPEN_READ_ONLY)
                .map_err(|error| Fault::from(error).during("open the database for reading"))?;
            configure(&reader, &options, options.cache_bytes / 4)
                .map_err(|fault| fault.during("open the database for reading"))?;
            readers.push(reader);
        }
        Ok(Self::new(writer, readers, options.threads))
    }

    pub(super) fn in_memory(options: Options) -> Result<Self> {
        let during = |fault: Fault| fault.during("open a database in memory");
        let mut writer = Connection::open_in_memory()
            .map_err(Fault::from)
            .map_err(during)?;
        configure(&writer, &options, options.cache_bytes).map_err(during)?;
        migrate::migrate(&mut writer)?;
        Ok(Self::new(writer, Vec::new(), options.threads))
    }

    /// What is in this database now, as a database in memory.
    pub(super) fn fork(&self, options: Options) -> Result<Self> {
        let during = |fault: Fault| fault.during("copy the database into memory");
        let copied = || -> Outcome<Connection> {
            let mut copy = Connection::open_in_memory()?;
            Backup::new(&lock(&self.writer).connection, &mut copy)?.step(-1)?;
            configure(&copy, &options, options.cache_bytes)?;
            Ok(copy)
        };
        Ok(Self::new(
            copied().map_err(during)?,
            Vec::new(),
            options.threads,
        ))
    }

    fn new(writer: Connection, readers: Vec<Connection>, threads: Threads) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(readers.len().max(1))),
            idle: Mutex::new(readers),
            writer: Mutex::new(Writer {
                connection: writer,
                durability: Durability::Process,
            }),
            trouble: Mutex::default(),
            threads,
        }
    }

    /// Runs the work in one transaction of the writer; what it refuses is undone as a whole.
    pub(super) fn transact<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> Outcome<T>,
    ) -> Outcome<T> {
        let mut writer = lock(&self.writer);
        if writer.durability != durability {
            let synchronous = durability.synchronous();
            writer
                .connection
                .pragma_update(None, "synchronous", synchronous)?;
            writer.durability = durability;
        }
        let writer = &mut writer.connection;
        let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&tx)?;
        tx.commit()?;
        // What is damaged stays so, wherever else can be written.
        lock(&self.trouble).take_if(|trouble| !trouble.lasts);
        Ok(result)
    }

    /// What kept the disk from being used; none once something was written again.
    pub(super) fn trouble(&self) -> Option<String> {
        let trouble = lock(&self.trouble);
        trouble.as_ref().map(|trouble| trouble.told.clone())
    }

    /// Runs the work on one state of the database.
    fn inspect<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Outcome<T>) -> Outcome<T> {
        let reader = lock(&self.idle).pop();
        let Some(mut reader) = reader else {
            return work(&lock(&self.writer).connection.transaction()?);
        };
        let outcome = reader
            .transaction()
            .map_err(Fault::from)
            .and_then(|tx| work(&tx));
        lock(&self.idle).push(reader);
        outcome
    }

    /// Runs the work like [`Self::transact`], and leaves no trace of what it deletes: pages that become free are
    /// overwritten too, and the log is emptied. Returns whether it was; a reader of another process may be in the way.
    pub(super) fn erase(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Outcome<()>,
    ) -> Outcome<bool> {
        set_overwriting(&lock(&self.writer).connection, "ON")?;
        let outcome = self.transact(Durability::Disk, work);
        set_overwriting(&lock(&self.writer).connection, OVERWRITING)?;
        outcome?;
        self.checkpoint()
    }

    /// Moves the log into the database and empties it, as far as no reader is in the way. Returns whether it was emptied.
    pub(super) fn checkpoint(&self) -> Outcome<bool> {
        let writer = lock(&self.writer);
        let busy: bool =
            writer
                .connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(!busy)
    }
}

impl Sqlite {
    /// Runs the work where [`Threads`] says.
    pub(super) async fn run<T, F>(&self, operation: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Pool) -> Outcome<T> + Send + 'static,
    {
        self.run_on(self.pool.threads, operation, work).await
    }

    async fn run_on<T, F>(&self, threads: Threads, operation: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Pool) -> Outcome<T> + Send + 'static,
    {
        if let Some(steps) = &self.steps {
            steps.step(operation).await;
        }
        let outcome = match threads {
            Threads::Inline => work(&self.pool),
            Threads::Blocking => {
                let pool = Arc::clone(&self.pool);
                tokio::task::spawn_blocking(move || work(&pool))
                    .await
                    .map_err(|error| Error::Engine {
                        operation,
                        source: Box::new(error),
                    })?
            }
        };
        if let Some(steps) = &self.steps {
            steps.step(operation).await;
        }
        outcome.map_err(|fault| {
            let error = fault.during(operation);
            if error.is_disk_trouble() {
                *lock(&self.pool.trouble) = Some(Trouble {
                    told: error.to_string(),
                    lasts: matches!(error, Error::Damaged(_)),
                });
            }
            error
        })
    }

    /// Reads a few rows that are found by key, on the caller's thread: it takes longer to hand such a read to another thread
    /// and to wake up for the answer than to do it.
    pub(super) async fn look_up<T, F>(&self, operation: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Outcome<T> + Send + 'static,
    {
        // As many as readers, so that none waits for the writer of a file.
        let permit = self.pool.permits.acquire().await;
        let outcome = self
            .run_on(Threads::Inline, operation, |pool| pool.inspect(work))
            .await;
        drop(permit);
        outcome
    }

    /// Reads rows by so many keys: a few like [`Self::look_up`], more like [`Self::read`].
    pub(super) async fn read_by<T, F>(
        &self,
        keys: usize,
        operation: &'static str,
        work: F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Outcome<T> + Send + 'static,
    {
        if keys <= LOOKED_UP_MAX {
            return self.look_up(operation, work).await;
        }
        self.read(operation, work).await
    }

    /// Reads in one transaction, beside the writer.
    pub(super) async fn read<T, F>(&self, operation: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Outcome<T> + Send + 'static,
    {
        // A permit that cannot be had means a closed semaphore, and this one is never closed.
        let permit = Arc::clone(&self.pool.permits).acquire_owned().await;
        self.run(operation, move |pool| {
            let outcome = pool.inspect(work);
            drop(permit);
            outcome
        })
        .await
    }

    /// Writes in one transaction, and waits until the disk has it; an error leaves nothing of it.
    pub(super) async fn write<T, F>(&self, operation: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Outcome<T> + Send + 'static,
    {
        self.run(operation, move |pool| pool.transact(Durability::Disk, work))
            .await
    }

    /// Writes in one transaction what the sync would do again if the machine crashed now.
    pub(super) async fn write_repeatable<T, F>(&self, operation: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Outcome<T> + Send + 'static,
    {
        self.run(operation, move |pool| {
            pool.transact(Durability::Process, work)
        })
        .await
    }
}

/// A panic while the lock was held rolled its transaction back, so the connection is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn configure(connection: &Connection, options: &Options, cache_bytes: u64) -> Outcome<()> {
    connection.busy_timeout(options.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -((cache_bytes / 1024) as i64))?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    set_overwriting(connection, OVERWRITING)?;
    // Statements that are kept must not be planned anew for every value that is bound to them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn set_overwriting(connection: &Connection, how: &str) -> Outcome<()> {
    connection.pragma_update_and_check(None, "secure_delete", how, |_| Ok(()))?;
    Ok(())
}

/// A write-ahead log, with what [`Durability::Process`] promises until a transaction asks for more: a crash of the machine
/// may lose the last commits, never half of one.
fn configure_log(connection: &Connection, options: &Options) -> Outcome<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let page_bytes: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = (options.log_bytes / page_bytes).max(1) as i64;
    if let Some(bytes_max) = options.bytes_max {
        let pages_max = (bytes_max / page_bytes) as i64;
        connection.pragma_update_and_check(None, "max_page_count", pages_max, |_| Ok(()))?;
    }
    connection.pragma_update_and_check(None, "wal_autocheckpoint", pages, |_| Ok(()))?;
    let kept = options.log_bytes as i64 * 4;
    connection.pragma_update_and_check(None, "journal_size_limit", kept, |_| Ok(()))?;
    Ok(())
}

/// Makes the file if there is none, so that SQLite does not make it readable by everybody. The log takes over the file's mode:
/// beside one that may only be read SQLite would leave a log that stays so when the file's mode is mended.
pub(super) fn create_private(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    open_to_write(&options, path)
}

/// Opens a file with these options, which ask for writing, and closes it again.
pub(super) fn open_to_write(options: &OpenOptions, path: &Path) -> Result<()> {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let opened = options.open(path).map(drop);
    opened.map_err(|error| match error.kind() {
        PermissionDenied | ReadOnlyFilesystem => Error::ReadOnly,
        _ => Error::Engine {
            operation: "open the database file",
            source: Box::new(error),
        },
    })
}

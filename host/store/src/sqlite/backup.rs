//! Copies of the database: taken while the host runs, checked before anybody relies on them, and put back.
//!
//! A copy holds secrets only as they are in the database, sealed; the key is not in it. Invariant: a file under the name that
//! was asked for is complete and checked; what is under way has another name.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::fault::{Fault, Outcome};
use super::pool::{create_private, open_to_write};
use super::{Options, migrate};
use crate::{Error, Result};

/// What is added to a file's name while it is written.
const PARTIAL: &str = ".partial";

/// What a checked copy holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseSummary {
    /// The version of the layout; a newer program migrates it when it opens the database.
    pub version: i64,
    /// Size of the file, in bytes.
    pub bytes: u64,
    /// Organizations.
    pub organizations: u64,
    /// Partner and deal records.
    pub records: u64,
    /// Links between records and HubSpot objects.
    pub links: u64,
}

/// Copies a database to a new file, compact and readable by its owner only, and checks the copy. A host may write meanwhile:
/// the copy is of one moment. Blocks.
pub fn back_up(database: &Path, to: &Path) -> Result<DatabaseSummary> {
    if to.exists() {
        return Err(exists(to));
    }
    let partial = with_suffix(to, PARTIAL);
    remove(&partial)?;
    create_private(&partial)?;
    let summary = copy(database, &partial).and_then(|()| check_database(&partial));
    let placed = summary.and_then(|summary| {
        let placed = sync(&partial).and_then(|()| fs::hard_link(&partial, to));
        match placed {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(to)),
            placed => placed.map(|()| summary).map_err(engine("write the copy")),
        }
    });
    remove(&partial)?;
    let summary = placed?;
    sync_directory(to).map_err(engine("write the copy"))?;
    Ok(summary)
}

/// Checks a copy, without changing it: every page, every reference between rows, and whether this program knows its version.
/// Blocks.
pub fn check_database(file: &Path) -> Result<DatabaseSummary> {
    let bytes = fs::metadata(file).map_err(engine("read the copy"))?.len();
    let connection = open(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|fault| fault.during("open the copy"))?;
    let version = migrate::known_version(&connection)?;
    inspect(&connection, version, bytes).map_err(|fault| fault.during("check the copy"))
}

/// Checks that a database can be written to, without changing it. Waits a while for whoever is writing. Blocks.
pub fn check_writable(database: &Path) -> Result<()> {
    open_to_write(fs::OpenOptions::new().write(true), database)?;
    let written = open(database, OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(|connection| {
        connection.busy_timeout(Options::default().busy_timeout)?;
        Ok(connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK")?)
    });
    written.map_err(|fault| fault.during("write to the database"))
}

/// Puts a copy in the place of a database that no process has open. A database that is there is kept under the returned name.
/// Blocks.
///
/// The database is there at every moment, the old one or the new one.
pub fn restore(backup: &Path, database: &Path, suffix: &str) -> Result<Option<PathBuf>> {
    check_database(backup)?;
    let held = if database.exists() {
        Some(hold(database)?)
    } else {
        None
    };
    let partial = with_suffix(database, PARTIAL);
    remove(&partial)?;
    create_private(&partial)?;
    let restored = copy_file(backup, &partial)
        .and_then(|()| check_database(&partial))
        .and_then(|_| {
            let kept = held.is_some().then(|| with_suffix(database, suffix));
            if let Some(kept) = &kept {
                fs::hard_link(database, kept).map_err(engine("keep the old database"))?;
            }
            fs::rename(&partial, database).map_err(engine("replace the database"))?;
            sync_directory(database).map_err(engine("replace the database"))?;
            Ok(kept)
        });
    drop(held);
    if restored.is_err() {
        remove(&partial)?;
    }
    restored
}

fn copy(database: &Path, to: &Path) -> Result<()> {
    let copied = open(database, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|connection| {
        let to = to
            .to_str()
            .ok_or_else(|| Fault::from(rusqlite::Error::InvalidPath(to.to_owned())))?;
        connection.execute("VACUUM INTO ?1", [to])?;
        Ok(())
    });
    copied.map_err(|fault| fault.during("copy the database"))
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let copied = File::open(from).and_then(|mut from| {
        let mut to = File::options().write(true).open(to)?;
        io::copy(&mut from, &mut to)?;
        to.sync_all()
    });
    copied.map_err(engine("copy the backup"))
}

/// Takes the database for this process alone and moves its log into it. SQLite allows that only while nobody else has it open.
fn hold(database: &Path) -> Result<Connection> {
    let held = open(database, OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(|connection| {
        connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
        connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
        Ok(connection)
    });
    held.map_err(|fault| {
        fault.during(
            "take the database for this process alone; stop the host that has it open first",
        )
    })
}

fn inspect(connection: &Connection, version: i64, bytes: u64) -> Outcome<DatabaseSummary> {
    let verdict: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(Fault::Store(Error::Damaged(verdict)));
    }
    let dangling: Option<String> = connection
        .prepare("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1")?
        .query_map([], |row| row.get(0))?
        .next()
        .transpose()?;
    if let Some(table) = dangling {
        let problem = format!("a row of `{table}` refers to a row that is missing");
        return Err(Fault::Store(Error::Damaged(problem)));
    }
    let count = |table: &str| {
        let count = format!("SELECT count(*) FROM {table}");
        connection.query_row(&count, [], |row| {
            row.get::<_, i64>(0).map(|count| count as u64)
        })
    };
    Ok(DatabaseSummary {
        version,
        bytes,
        organizations: count("organizations")?,
        records: count("records")?,
        links: count("links")?,
    })
}

fn open(path: &Path, flags: OpenFlags) -> Outcome<Connection> {
    Ok(Connection::open_with_flags(
        path,
        flags | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?)
}

fn sync(file: &Path) -> io::Result<()> {
    File::open(file)?.sync_all()
}

/// A file's name lasts once its directory is on the disk.
fn sync_directory(file: &Path) -> io::Result<()> {
    let parent = file
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(engine("remove an unfinished copy")(error))
        }
        _ => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn exists(file: &Path) -> Error {
    Error::Conflict {
        kind: "file",
        id: file.display().to_string(),
        problem: "exists already".to_owned(),
    }
}

fn engine(operation: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |error| Error::Engine {
        operation,
        source: Box::new(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, SeekFrom, Write as _};

    use partneros_domain::{OrganizationId, Timestamp};
    use tempfile::TempDir;
    use uuid::Uuid;

    use super::*;
    use crate::{KeyRing, Options, Organization, Organizations as _, Sqlite};

    const KEPT: &str = ".kept";

    fn database(folder: &TempDir) -> (PathBuf, Sqlite) {
        let path = folder.path().join("partneros.db");
        let key = KeyRing::ephemeral().unwrap();
        let store = Sqlite::open(&path, key, Options::default()).unwrap();
        (path, store)
    }

    fn reopened(path: &Path) -> Sqlite {
        let key = KeyRing::ephemeral().unwrap();
        Sqlite::open(path, key, Options::default()).unwrap()
    }

    async fn organization(store: &Sqlite, name: &str) {
        let organization = Organization {
            id: OrganizationId(Uuid::now_v7()),
            name: name.to_owned(),
            created_at: Timestamp(0),
        };
        store.create_organization(&organization).await.unwrap();
    }

    async fn names(store: &Sqlite) -> Vec<String> {
        let organizations = store.organizations().await.unwrap();
        organizations.into_iter().map(|one| one.name).collect()
    }

    #[tokio::test]
    async fn a_copy_of_a_database_in_use_is_put_back_and_the_other_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (path, store) = database(&folder);
        organization(&store, "before").await;
        let copy = folder.path().join("copy.db");
        let summary = back_up(&path, &copy).unwrap();
        assert_eq!(summary.organizations, 1);
        assert_eq!(check_database(&copy).unwrap(), summary);
        organization(&store, "after").await;
        let error = restore(&copy, &path, KEPT).unwrap_err().to_string();
        assert!(error.contains("stop the host"), "{error}");
        assert_eq!(names(&store).await, ["after", "before"]);
        drop(store);
        let kept = restore(&copy, &path, KEPT).unwrap().unwrap();
        assert_eq!(names(&reopened(&path)).await, ["before"]);
        assert_eq!(names(&reopened(&kept)).await, ["after", "before"]);
        let partial: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .filter(|entry| {
                let name = entry.as_ref().unwrap().file_name();
                name.to_string_lossy().ends_with(PARTIAL)
            })
            .collect();
        assert!(partial.is_empty(), "{partial:?}");
    }

    #[tokio::test]
    async fn a_copy_is_its_owners_and_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _store) = database(&folder);
        let copy = folder.path().join("copy.db");
        back_up(&path, &copy).unwrap();
        let again = back_up(&path, &copy).unwrap_err().to_string();
        assert!(again.contains("exists already"), "{again}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&copy).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[tokio::test]
    async fn a_damaged_copy_is_refused_and_the_database_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (path, store) = database(&folder);
        organization(&store, "acme").await;
        let copy = folder.path().join("copy.db");
        back_up(&path, &copy).unwrap();
        drop(store);
        let length = fs::metadata(&copy).unwrap().len();
        let mut file = File::options().write(true).open(&copy).unwrap();
        file.seek(SeekFrom::Start(length / 2)).unwrap();
        file.write_all(&[0xff; 4096]).unwrap();
        drop(file);
        restore(&copy, &path, KEPT).unwrap_err();
        fs::write(&copy, b"not a database").unwrap();
        restore(&copy, &path, KEPT).unwrap_err();
        assert_eq!(names(&reopened(&path)).await, ["acme"]);
    }
}

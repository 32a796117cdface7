//! What lies on this machine: the data directory, the key, the room that is left, the database.

use std::path::Path;

use partneros_store::{DATABASE_VERSION, Error, check_database, check_writable};
use partneros_sync::describe;

use super::Finding;
use crate::config::Config;
use crate::storage;

/// Less room than this, or than the database takes, is worth a warning.
const FREE_BYTES_MIN: u64 = 1 << 30;

pub(super) fn data_directory(config: &Config) -> Finding {
    const CHECK: &str = "data directory";
    let directory = config.data_dir.display();
    match std::fs::metadata(&config.data_dir) {
        Ok(metadata) if !metadata.is_dir() => {
            Finding::failure(CHECK, format!("`{directory}` is no directory"))
        }
        Ok(metadata) if is_open(&metadata) => Finding::warning(
            CHECK,
            format!("`{directory}` can be read by others: run `chmod 700 {directory}`"),
        ),
        Ok(metadata) if metadata.permissions().readonly() => {
            Finding::failure(CHECK, format!("`{directory}` cannot be written to"))
        }
        Ok(_) => Finding::ok(CHECK, format!("`{directory}`")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Finding::warning(
            CHECK,
            format!("`{directory}` does not exist yet; the first command that needs it makes it"),
        ),
        Err(error) => Finding::failure(CHECK, format!("cannot read `{directory}`: {error}")),
    }
}

pub(super) fn sealing_key(config: &Config) -> Finding {
    const CHECK: &str = "sealing key";
    let file = storage::key_file(config);
    if config.sealing_key.is_none() && !file.exists() && !storage::database_file(config).exists() {
        return Finding::ok(CHECK, "made with the database");
    }
    match storage::ring(config) {
        Ok(_) if config.sealing_key.is_some() => Finding::ok(CHECK, "from the configuration"),
        Ok(_) => Finding::ok(
            CHECK,
            format!(
                "`{}`, for its owner only; keep a copy elsewhere",
                file.display()
            ),
        ),
        Err(error) => Finding::failure(CHECK, format!("{error:#}")),
    }
}

pub(super) fn disk(config: &Config) -> Finding {
    const CHECK: &str = "disk";
    let directory = config.data_dir.ancestors().find(|path| path.is_dir());
    let free = match rustix::fs::statvfs(directory.unwrap_or_else(|| Path::new("."))) {
        Ok(disk) => disk.f_bavail * disk.f_frsize,
        Err(error) => {
            return Finding::warning(CHECK, format!("its free space is not known: {error}"));
        }
    };
    let database = std::fs::metadata(storage::database_file(config)).map_or(0, |file| file.len());
    let message = format!("{} MiB free", free >> 20);
    if free < FREE_BYTES_MIN.max(database) {
        Finding::warning(
            CHECK,
            format!(
                "{message}: writing fails when it is full, and a backup needs as much as the database"
            ),
        )
    } else {
        Finding::ok(CHECK, message)
    }
}

/// What was found, and whether the database is of this program's version.
pub(super) async fn database(config: &Config) -> (Finding, bool) {
    const CHECK: &str = "database";
    let file = storage::database_file(config);
    let name = file.display().to_string();
    if !file.exists() {
        let finding = Finding::warning(CHECK, format!("`{name}` does not exist yet"));
        return (finding, false);
    }
    let check = move || check_writable(&file).and_then(|()| check_database(&file));
    let found = match tokio::task::spawn_blocking(check).await {
        Ok(Err(error @ Error::ReadOnly)) => {
            return (Finding::failure(CHECK, format!("`{name}`: {error}")), false);
        }
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            let message = format!("{}; see `partneros restore`", describe(&error));
            return (Finding::failure(CHECK, message), false);
        }
        Err(error) => {
            let message = format!("the check was lost: {error}");
            return (Finding::failure(CHECK, message), false);
        }
    };
    let message = format!(
        "`{name}`: version {}, {} MiB, {} organizations, {} records; every page was read",
        found.version,
        found.bytes >> 20,
        found.organizations,
        found.records
    );
    if found.version == DATABASE_VERSION {
        return (Finding::ok(CHECK, message), true);
    }
    let message = format!(
        "{message}; the next start migrates it to version {DATABASE_VERSION}, so run `partneros backup` first; its \
         connections were not looked at"
    );
    (Finding::warning(CHECK, message), false)
}

#[cfg(unix)]
fn is_open(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o007 != 0
}

#[cfg(not(unix))]
fn is_open(_: &std::fs::Metadata) -> bool {
    false
}

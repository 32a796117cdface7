//! The ring's file: made, read, replaced and locked so that no crash and no second process loses a key.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

use super::aead;
use crate::{Error, Result};

/// The longest ring file that is read, some hundreds of keys.
const BYTES_MAX: u64 = 64 << 10;

/// Held by the one process that may replace the file. Gone with the process, whatever happens to it.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "open means locked")] File);

impl Lock {
    pub(super) fn take(ring: &Path) -> Result<Self> {
        let path = beside(ring, "lock");
        let opened = options().create(true).open(&path);
        let file = opened
            .and_then(|file| keep_owner(ring, &file).map(|()| file))
            .map_err(|error| failed(&path, "write", &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::Key(
                "another `partneros keys` command is at work; try again when it has ended"
                    .to_owned(),
            )),
            Err(TryLockError::Error(error)) => Err(failed(&path, "lock", &error)),
        }
    }
}

/// Reads the file. One that others may read is refused, and one that is too long to be a ring.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>> {
    let reading = |error: io::Error| failed(path, "read", &error);
    let file = File::open(path).map_err(reading)?;
    let metadata = file.metadata().map_err(reading)?;
    refuse_shared(path, &metadata)?;
    // Room for all of it at once: a string that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(BYTES_MAX as usize + 1));
    file.take(BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(reading)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(Error::Key(format!(
            "file `{}` has more than {BYTES_MAX} bytes, which is too long for a key ring",
            path.display()
        )));
    }
    Ok(text)
}

/// Writes a first key beside the path and links it into place: a crash leaves no half-written key, and of two processes
/// that start at once both end up with the same one.
pub(super) fn create_if_missing(path: &Path, key: &str) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let suffix: [u8; 4] = aead::random()?;
    let draft = beside(path, &hex::encode(suffix));
    let linked = write_new(&draft, &Zeroizing::new(format!("{key}\n")))
        .and_then(|_| fs::hard_link(&draft, path))
        .and_then(|()| sync_folder(path));
    let removed = fs::remove_file(&draft);
    match linked.and(removed) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome.map_err(|error| failed(path, "write", &error)),
    }
}

/// Puts another text in the file's place, at once or not at all. Owner and mode stay. To be called under the lock.
pub(super) fn replace(path: &Path, text: &str) -> Result<()> {
    if text.len() as u64 > BYTES_MAX {
        return Err(Error::Key(format!(
            "file `{}` would have more than {BYTES_MAX} bytes; run `partneros keys prune` first",
            path.display()
        )));
    }
    let replaced = || -> io::Result<()> {
        // A link to the file is followed, so that it stays one.
        let path = &fs::canonicalize(path)?;
        let draft = beside(path, "new");
        // One that a crash left behind; nobody else writes it while the lock is held.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let written = write_new(&draft, text).and_then(|file| keep_owner(path, &file));
        let renamed = written.and_then(|()| fs::rename(&draft, path));
        if let Err(error) = renamed {
            // The next replacement removes what cannot be removed now.
            let _ = fs::remove_file(&draft);
            return Err(error);
        }
        sync_folder(path)
    };
    replaced().map_err(|error| failed(path, "replace", &error))
}

fn write_new(path: &Path, text: &str) -> io::Result<File> {
    let mut file = options().create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(file)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{suffix}"));
    PathBuf::from(beside)
}

/// A new file belongs to whoever runs the command, who may be root: the host must be able to read it all the same.
#[cfg(unix)]
fn keep_owner(old: &Path, new: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let (was, is) = (fs::metadata(old)?, new.metadata()?);
    if (was.uid(), was.gid()) == (is.uid(), is.gid()) {
        return Ok(());
    }
    fchown(new, Some(was.uid()), Some(was.gid()))?;
    new.sync_all()
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &File) -> io::Result<()> {
    Ok(())
}

/// Sees to it that the new name is on the disk, and not only the bytes.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn refuse_shared(path: &Path, metadata: &fs::Metadata) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(Error::Key(format!(
        "file `{path}` has mode {mode:03o} and is open to others; run `chmod 600 {path}`"
    )))
}

#[cfg(not(unix))]
fn refuse_shared(_: &Path, _: &fs::Metadata) -> Result<()> {
    Ok(())
}

fn failed(path: &Path, verb: &str, error: &io::Error) -> Error {
    Error::Key(format!("cannot {verb} file `{}`: {error}", path.display()))
}

//! Tells when the sources of a plugin change, by looking at them every [`INTERVAL`].
//!
//! Looking works on every file system, network folders and containers included, and a plugin has few files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often files are looked at, and so how long a change may go unseen.
pub(super) const INTERVAL: Duration = Duration::from_millis(500);
/// The most files that are watched; more are no plugin's sources.
const FILES_MAX: usize = 20_000;
/// Folders of what builds make and download.
const SKIPPED: [&str; 7] = [
    "build",
    "dist",
    "node_modules",
    "target",
    "venv",
    "vendor",
    "__pycache__",
];

/// What the files of a folder looked like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snapshot(BTreeMap<PathBuf, (Option<SystemTime>, u64)>);

impl Snapshot {
    /// Looks at a folder. Files that vanish meanwhile count as gone.
    pub(super) fn of(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        look(folder, &mut files);
        Self(files)
    }

    /// A file that is not as it was.
    pub(super) fn changed<'a>(&'a self, before: &'a Self) -> Option<&'a Path> {
        let appeared = self
            .0
            .iter()
            .find(|(path, seen)| before.0.get(*path) != Some(seen));
        let vanished = || {
            before
                .0
                .iter()
                .find(|(path, _)| !self.0.contains_key(*path))
        };
        appeared.or_else(vanished).map(|(path, _)| path.as_path())
    }
}

fn look(folder: &Path, files: &mut BTreeMap<PathBuf, (Option<SystemTime>, u64)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        // What is built lies beside the sources in some plugins.
        if name.starts_with('.') || name.ends_with(".wasm") || files.len() >= FILES_MAX {
            continue;
        }
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        if metadata.is_dir() {
            if !SKIPPED.contains(&&*name) {
                look(&path, files);
            }
        } else {
            files.insert(path, (metadata.modified().ok(), metadata.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_seen_and_builds_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("build")).unwrap();
        write("a.rs", "1");
        let before = Snapshot::of(folder.path());
        write("build/a.o", "1");
        write("a.wasm", "1");
        assert_eq!(Snapshot::of(folder.path()).changed(&before), None);
        write("a.rs", "12");
        let after = Snapshot::of(folder.path());
        assert_eq!(after.changed(&before), Some(&*folder.path().join("a.rs")));
        fs::remove_file(folder.path().join("a.rs")).unwrap();
        let gone = Snapshot::of(folder.path());
        assert_eq!(gone.changed(&after), Some(&*folder.path().join("a.rs")));
    }
}

//! Keeps compiled components, in memory and in a directory.
//!
//! The uploaded file is the truth and everything here can be made again: an entry of the directory that is missing,
//! cut short, altered or made by another engine is a miss, never an error. Invariant: an entry is only
//! loaded when its own checksum fits, since loading is trusting its machine code; so the directory must
//! belong to the host alone.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use partneros_domain::Digest;

/// The bytes of the checksum before an entry's code.
const CHECKSUM_BYTES: usize = 32;

/// The least recently used are forgotten first.
#[derive(Debug)]
pub struct Memory<T> {
    entries_max: usize,
    entries: Mutex<Entries<T>>,
}

#[derive(Debug)]
struct Entries<T> {
    by_digest: HashMap<Digest, (u64, T)>,
    uses: u64,
}

impl<T: Clone> Memory<T> {
    pub fn new(entries_max: usize) -> Self {
        Self {
            entries_max,
            entries: Mutex::new(Entries {
                by_digest: HashMap::new(),
                uses: 0,
            }),
        }
    }

    pub fn get(&self, digest: &Digest) -> Option<T> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.uses += 1;
        let now = entries.uses;
        let (used, entry) = entries.by_digest.get_mut(digest)?;
        *used = now;
        Some(entry.clone())
    }

    pub fn put(&self, digest: Digest, entry: T) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.uses += 1;
        let now = entries.uses;
        entries.by_digest.insert(digest, (now, entry));
        while entries.by_digest.len() > self.entries_max {
            let oldest = entries.by_digest.iter().min_by_key(|(_, (used, _))| *used);
            let Some(oldest) = oldest.map(|(digest, _)| *digest) else {
                return;
            };
            entries.by_digest.remove(&oldest);
        }
    }
}

/// Compiled code in files, named by the component's digest and by the engine that made them.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    engine: Engine,
    compatibility: u64,
}

impl Directory {
    /// Opens the directory and makes it if need be, readable by this user alone.
    pub fn open(path: &Path, engine: &Engine) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self {
            path: path.to_owned(),
            engine: engine.clone(),
            compatibility: hasher.finish(),
        })
    }

    /// The compiled component, unless there is no sound entry.
    pub fn get(&self, digest: &Digest) -> Option<Component> {
        let entry = fs::read(self.entry(digest)).ok()?;
        let (checksum, code) = entry.split_at_checked(CHECKSUM_BYTES)?;
        if checksum != Sha256::digest(code).as_slice() {
            tracing::warn!(plugin.sha256 = %digest, "ignoring a damaged entry of compiled code");
            return None;
        }
        load(&self.engine, code)
            .inspect_err(|error| {
                tracing::warn!(
                    plugin.sha256 = %digest,
                    reason = format!("{error:#}"),
                    "ignoring compiled code that this engine does not take"
                );
            })
            .ok()
    }

    /// Stores the compiled component. A failure costs a compilation later, so it is only logged.
    pub fn put(&self, digest: &Digest, code: &[u8]) {
        if let Err(error) = self.write(digest, code) {
            tracing::warn!(
                plugin.sha256 = %digest,
                reason = %error,
                "compiled code was not stored"
            );
        }
    }

    fn write(&self, digest: &Digest, code: &[u8]) -> io::Result<()> {
        let mut entry = Sha256::digest(code).to_vec();
        entry.extend(code);
        // Readers see the old entry or the new one, never half of it.
        let unfinished = self.path.join(format!("{digest}.{}", std::process::id()));
        let written = fs::write(&unfinished, entry)
            .and_then(|()| fs::rename(&unfinished, self.entry(digest)));
        if written.is_err() {
            // A full disk is not made fuller; there is nothing to remove when the first step failed.
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    fn entry(&self, digest: &Digest) -> PathBuf {
        let name = format!("{digest}-{:016x}.cwasm", self.compatibility);
        self.path.join(name)
    }
}

/// Loads code that the host's own compiler made for this engine.
#[expect(
    unsafe_code,
    reason = "compiled code comes from the host's own compiler, and its checksum fits"
)]
pub fn load(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: These are bytes that this host's own compiler made, unaltered: `Directory::get` checked that they
    // are those given to `Directory::write`, and only the host writes to the directory; the compiler
    // process handed them over a pipe, with a checksum that fits. No upload ever gets here.
    unsafe { Component::deserialize(engine, code) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_is_forgotten() {
        let memory = Memory::new(2);
        let [a, b, c] = [b"a", b"b", b"c"].map(|bytes| Digest::of(bytes));
        memory.put(a, 1);
        memory.put(b, 2);
        assert_eq!(memory.get(&a), Some(1));
        memory.put(c, 3);
        assert_eq!(
            [a, b, c].map(|digest| memory.get(&digest)),
            [Some(1), None, Some(3)]
        );
    }
}

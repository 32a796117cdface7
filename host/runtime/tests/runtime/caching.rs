//! Compiled code in a directory: used when it is sound, made again when it is not.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use partneros_runtime::{Runtime, RuntimeConfig};
use tempfile::TempDir;
use test_guests::UPPERCASE;

use crate::{batch, limits, load, plan};

fn runtime(directory: &Path, fuel_max: Option<u64>) -> Runtime {
    let mut call = limits();
    call.fuel_max = fuel_max;
    let config = RuntimeConfig {
        call,
        cache_dir: Some(directory.to_owned()),
        ..RuntimeConfig::default()
    };
    Runtime::new(config).expect("the runtime starts")
}

/// Loads the guest into a new runtime, which knows only the directory, and calls it.
fn load_anew(directory: &Path) {
    let plugin = load(&runtime(directory, Some(1_000_000)), UPPERCASE);
    plugin
        .transform(&plan(), batch())
        .expect("the plugin works");
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("the directory is there");
    entries
        .map(|entry| entry.expect("is readable").path())
        .collect()
}

/// A directory with one entry, and that entry.
fn filled() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    load_anew(directory.path());
    let [entry] = entries(directory.path()).try_into().expect("one entry");
    (directory, entry)
}

fn file_number(path: &Path) -> u64 {
    fs::metadata(path).expect("the entry is there").ino()
}

#[test]
fn a_sound_entry_is_used() {
    let (directory, entry) = filled();
    let before = file_number(&entry);
    load_anew(directory.path());
    assert_eq!(file_number(&entry), before, "the entry was made again");
}

#[test]
fn a_damaged_entry_is_made_again() {
    let (directory, entry) = filled();
    let sound = fs::read(&entry).expect("the entry is readable");
    let mut altered = sound.clone();
    if let Some(byte) = altered.last_mut() {
        *byte ^= 1;
    }
    let cut = sound.split_at(sound.len() / 2).0.to_vec();
    for damaged in [altered, cut, Vec::new()] {
        fs::write(&entry, damaged).expect("the entry is writable");
        load_anew(directory.path());
        assert_eq!(fs::read(&entry).expect("the entry is readable"), sound);
    }
}

#[test]
fn another_engine_has_entries_of_its_own() {
    let (directory, entry) = filled();
    let before = file_number(&entry);
    load(&runtime(directory.path(), None), UPPERCASE);
    assert_eq!(entries(directory.path()).len(), 2);
    assert_eq!(file_number(&entry), before);
}

#[test]
fn a_plugin_stays_usable_when_memory_forgets_it() {
    let config = RuntimeConfig {
        call: limits(),
        plugins_cached_max: 1,
        ..RuntimeConfig::default()
    };
    let runtime = Runtime::new(config).expect("the runtime starts");
    let first = load(&runtime, UPPERCASE);
    assert!(runtime.loaded(first.digest()).is_some());
    load(&runtime, test_guests::REMEMBERS);
    assert!(runtime.loaded(first.digest()).is_none());
    drop(runtime);
    first.transform(&plan(), batch()).expect("the plugin works");
}

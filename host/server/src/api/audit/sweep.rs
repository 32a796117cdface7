//! The tables of events and alerts are complete: each entry is used, nothing is named beside them, and the documentation
//! shows them.

use std::fs;
use std::path::{Path, PathBuf};

use partneros_domain::{AlertKind, EventType};

/// Where the tables are.
const TABLES: [&str; 2] = ["event.rs", "alert.rs"];

fn host() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The sources of the host without its tests and without the tables.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for part in ["domain", "hubspot", "runtime", "store", "sync", "server"] {
        collect(&host().join(part).join("src"), &mut found);
    }
    assert!(found.len() > 100, "the sources were not found");
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    const TESTS: [&str; 5] = [
        "conformance",
        "fixture.rs",
        "tests.rs",
        "pull_tests.rs",
        "sweep.rs",
    ];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if TESTS.contains(&name) || TABLES.contains(&name) {
            continue;
        }
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let tests = text.find("#[cfg(test)]\nmod tests {");
            let end = tests.unwrap_or(text.len());
            found.push((path, text[..end].to_owned()));
        }
    }
}

#[test]
fn every_event_is_written_down_somewhere_and_named_nowhere_else() {
    let sources = sources();
    for event in EventType::ALL {
        let entry = format!("EventType::{event:?}");
        check(&sources, &entry, event.name());
    }
}

#[test]
fn every_alert_is_opened_somewhere_and_named_nowhere_else() {
    let sources = sources();
    for kind in AlertKind::ALL {
        check(&sources, &format!("AlertKind::{kind:?}"), kind.name());
    }
}

/// Checks that the entry of a table is used, and that its name is written in the table only.
fn check(sources: &[(PathBuf, String)], entry: &str, name: &str) {
    let is_used = |text: &str| {
        text.match_indices(entry).any(|(at, _)| {
            let after = text[at + entry.len()..].chars().next();
            !after.is_some_and(char::is_alphanumeric)
        })
    };
    assert!(
        sources.iter().any(|(_, text)| is_used(text)),
        "nothing uses `{entry}`"
    );
    let literal = format!("\"{name}\"");
    for (path, text) in sources {
        assert!(!text.contains(&literal), "{literal} in {}", path.display());
    }
}

#[test]
fn the_documentation_shows_every_entry_and_no_other() {
    let text = fs::read_to_string(host().join("docs/AUDIT.md")).unwrap();
    for event in EventType::ALL {
        let row = format!("| `{event}` | {} |\n", event.meaning());
        assert!(text.contains(&row), "missing in AUDIT.md: {row}");
    }
    for kind in AlertKind::ALL {
        let row = format!("| `{kind}` | {} | {} |\n", kind.title(), kind.meaning());
        assert!(text.contains(&row), "missing in AUDIT.md: {row}");
    }
    let rows = text.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, EventType::ALL.len() + AlertKind::ALL.len());
}

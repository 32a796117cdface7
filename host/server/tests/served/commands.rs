//! `partneros keys` and `partneros organizations erase`.

use std::fs;

use serde_json::Value as Json;

use crate::process::{Home, Served, text};

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// The lines of a list: name, place and amount of each key.
fn listed(home: &Home) -> Vec<(String, String, String)> {
    let line = |line: &str| {
        let mut parts = line
            .split("  ")
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let mut part = || parts.next().unwrap_or_default().to_owned();
        (part(), part(), part())
    };
    home.run(&["keys", "list"]).lines().map(line).collect()
}

fn short(home: &Home) -> Vec<(String, String)> {
    let keys = listed(home).into_iter();
    keys.map(|(_, place, amount)| (place, amount)).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    expected.iter().map(owned).collect()
}

#[test]
fn the_key_is_replaced_while_the_host_runs() {
    let home = Home::new();
    let token = home.organization("acme");
    home.organization("globex");
    let host = Served::start(&home);
    assert_eq!(short(&home), pairs(&[("current", "2 data keys")]));
    let first = listed(&home)[0].0.clone();

    let printed = home.run(&["keys", "rotate"]);
    let keys = listed(&home);
    assert!(
        printed.contains(&format!("key {} is current now", keys[0].0)),
        "{printed}"
    );
    assert!(printed.contains("wrapped 2 data keys"), "{printed}");
    assert_eq!(keys[1].0, first);
    let rotated = pairs(&[("current", "2 data keys"), ("older", "0 data keys")]);
    assert_eq!(short(&home), rotated);

    let printed = home.run(&["keys", "prune"]);
    assert!(
        printed.contains(&format!("key {first}: nothing is under it")),
        "{printed}"
    );
    assert_eq!(short(&home), pairs(&[("current", "2 data keys")]));
    assert!(
        home.run(&["keys", "prune"])
            .contains("only the current key")
    );

    let printed = home.run(&["keys", "rotate", "--data-keys"]);
    assert!(printed.contains("made 2 data keys"), "{printed}");
    assert!(printed.contains("removed 2 data keys"), "{printed}");
    let answer = host.asks("GET", "/api/records/partners", &token, &Json::Null);
    assert_eq!(answer.status, 200);
    home.organization("initech");
    assert_eq!(
        short(&home),
        pairs(&[("current", "3 data keys"), ("older", "0 data keys")])
    );
    host.terminate();
}

#[cfg(unix)]
#[test]
fn the_file_stays_its_owners_and_shows_when_each_key_was_made() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    home.organization("acme");
    home.run(&["keys", "rotate"]);
    let metadata = fs::metadata(home.data("key")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let printed = home.run(&["keys", "list"]);
    assert!(printed.contains("made by `keys rotate` at 20"), "{printed}");
}

#[test]
fn a_ring_from_settings_is_changed_in_the_settings() {
    let mut home = Home::new();
    home.set("PARTNEROS_SEALING_KEY", A);
    home.organization("acme");
    assert!(!home.data("key").exists());
    let first = listed(&home)[0].0.clone();

    home.set("PARTNEROS_SEALING_KEY", B);
    let missing = pairs(&[("current", "0 data keys"), ("missing", "1 data key")]);
    assert_eq!(short(&home), missing);
    let complaint = home.fails(&["keys", "rotate"]);
    assert!(complaint.contains(&first), "{complaint}");
    assert!(complaint.contains("put that key back"), "{complaint}");

    home.set("PARTNEROS_SEALING_KEYS_OLD", A);
    assert!(
        home.run(&["keys", "rotate"])
            .contains("wrapped 1 data key under")
    );
    let rotated = pairs(&[("current", "1 data key"), ("older", "0 data keys")]);
    assert_eq!(short(&home), rotated);
    let printed = home.run(&["keys", "prune"]);
    assert!(
        printed.contains("take it out of `sealing_keys_old`"),
        "{printed}"
    );
    home.set("PARTNEROS_SEALING_KEYS_OLD", "");
    assert_eq!(short(&home), pairs(&[("current", "1 data key")]));

    // What was taken out is not wrapped under again, even where somebody makes it current.
    home.set("PARTNEROS_SEALING_KEY", A);
    let complaint = home.fails(&["organizations", "create", "globex"]);
    assert!(
        complaint.contains("was taken out of the ring"),
        "{complaint}"
    );
}

#[test]
fn mistakes_with_keys_are_named() {
    let mut home = Home::new();
    home.set("PARTNEROS_SEALING_KEYS_OLD", A);
    let complaint = home.fails(&["keys", "list"]);
    assert!(complaint.contains("`sealing_key`"), "{complaint}");
    home.set("PARTNEROS_SEALING_KEY", "too short");
    let complaint = home.fails(&["keys", "list"]);
    assert!(
        complaint.contains("failed to use the key ring"),
        "{complaint}"
    );
    assert!(!complaint.contains("too short"), "{complaint}");
}

#[test]
fn a_lost_key_file_is_not_replaced_in_silence() {
    let home = Home::new();
    home.organization("acme");
    fs::remove_file(home.data("key")).unwrap();
    for command in [["organizations", "list"], ["keys", "rotate"]] {
        let complaint = home.fails(&command);
        for part in ["key", "backup", "keys rotate --data-keys"] {
            assert!(complaint.contains(part), "{complaint}");
        }
        assert!(!home.data("key").exists());
    }
    // Where it is lost for good, this is the way on.
    fs::write(home.data("key"), format!("{A}\n")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(home.data("key"), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let complaint = home.fails(&["keys", "rotate", "--data-keys"]);
    assert!(complaint.contains("1 could not be opened"), "{complaint}");
    let expected = pairs(&[("current", "1 data key"), ("older", "0 data keys")]);
    assert_eq!(short(&home), expected);
}

#[test]
fn an_organization_is_erased_once_its_name_is_typed() {
    let home = Home::new();
    let token = home.organization("acme");
    home.organization("globex");
    let host = Served::start(&home);
    assert_eq!(
        host.asks("GET", "/api/records/partners", &token, &Json::Null)
            .status,
        200
    );
    for typed in ["", "\n", "globex\n", "acm\n"] {
        let output = home.answers(&["organizations", "erase", "acme"], typed);
        assert!(!output.status.success(), "{typed:?}");
        let complaint = text(&output.stderr);
        assert!(complaint.contains("nothing was erased"), "{complaint}");
    }
    let output = home.answers(&["organizations", "erase", "acme"], "acme\n");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(printed.contains("erased organization `acme`"), "{printed}");
    assert!(
        printed.contains("Backups from before still have its rows"),
        "{printed}"
    );

    let listed = home.run(&["organizations", "list"]);
    assert!(
        listed.contains("globex") && !listed.contains("acme"),
        "{listed}"
    );
    assert_eq!(
        host.asks("GET", "/api/records/partners", &token, &Json::Null)
            .status,
        401
    );
    assert_eq!(short(&home), pairs(&[("current", "1 data key")]));
    let complaint = home.fails(&["organizations", "erase", "acme", "--yes"]);
    assert!(complaint.contains("acme"), "{complaint}");
    home.run(&["organizations", "erase", "globex", "--yes"]);
    assert_eq!(home.run(&["organizations", "list"]), "");
    host.terminate();
}

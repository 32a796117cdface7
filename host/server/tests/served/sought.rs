//! Looking for secrets, however they are written.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Every secret that a test used, with what it is.
#[derive(Debug, Default)]
pub struct Sought(Vec<(String, Vec<u8>)>);

impl Sought {
    pub fn add(&mut self, what: &str, secret: impl AsRef<[u8]>) {
        let secret = secret.as_ref();
        assert!(secret.len() >= 16, "{what} is too short to be looked for");
        if self.0.iter().all(|(_, known)| known != secret) {
            self.0.push((what.to_owned(), secret.to_vec()));
        }
    }

    /// How many secrets of this kind there are.
    pub fn count(&self, what: &str) -> usize {
        self.0.iter().filter(|(known, _)| known == what).count()
    }

    /// What is found where it must not be: which secrets, and how they are written.
    pub fn found_in(&self, place: &[u8]) -> BTreeSet<String> {
        let mut names = Vec::new();
        let mut patterns = Vec::new();
        for (what, secret) in &self.0 {
            for (how, written) in writings(secret) {
                names.push(format!("{what}, {how}"));
                patterns.push(written);
            }
        }
        let search = AhoCorasick::new(patterns).expect("patterns");
        search
            .find_overlapping_iter(place)
            .map(|found| names[found.pattern().as_usize()].clone())
            .collect()
    }
}

/// A secret as it is, in hexadecimal, and as part of something in base64: there it has three forms, by where it begins.
fn writings(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let digits = hex::encode(secret);
    let mut writings = vec![
        ("as it is", secret.to_vec()),
        ("in hexadecimal", digits.clone().into_bytes()),
        ("in hexadecimal", digits.to_uppercase().into_bytes()),
        // As `Debug` shows bytes.
        (
            "as numbers",
            format!("{secret:?}").trim_matches(['[', ']']).into(),
        ),
    ];
    // Where the first character begins that has bits of the secret only.
    for (offset, begins) in [(0, 0), (1, 2), (2, 3)] {
        let shifted: Vec<u8> = [0; 2][..offset].iter().chain(secret).copied().collect();
        for text in [
            STANDARD_NO_PAD.encode(&shifted),
            URL_SAFE_NO_PAD.encode(&shifted),
        ] {
            // The last character may have bits of what comes after.
            let inner = &text.as_bytes()[begins..text.len() - 1];
            writings.push(("in base64", inner.to_vec()));
        }
    }
    writings
}

#[test]
fn a_secret_is_found_however_it_is_written() {
    let mut sought = Sought::default();
    let secret = b"correct horse battery";
    sought.add("secret", secret);
    let around = |prefix: &str| format!("{prefix}correct horse battery:more");
    for prefix in ["", "a", "ab", "abc"] {
        let hidden = STANDARD_NO_PAD.encode(around(prefix));
        let found = sought.found_in(hidden.as_bytes());
        assert_eq!(Vec::from_iter(found), ["secret, in base64"], "{prefix}");
    }
    for hidden in [
        around("x"),
        hex::encode(around("x")),
        format!("{:?}", around("x").as_bytes()),
    ] {
        assert!(!sought.found_in(hidden.as_bytes()).is_empty(), "{hidden}");
    }
    assert!(sought.found_in(b"correct horse, battery").is_empty());
}

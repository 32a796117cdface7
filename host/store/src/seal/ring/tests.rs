use std::fs;

use partneros_domain::{ConnectionId, OrganizationId};
use secrecy::zeroize::Zeroize as _;
use uuid::Uuid;

use super::*;
use crate::seal::ACCESS_TOKEN;

const CONTEXT: WrapContext = WrapContext {
    organization: OrganizationId(Uuid::from_u128(1)),
    number: 1,
};

fn data_key() -> KeyBytes {
    KeyBytes::new(Box::new([7; KEY_BYTES]))
}

fn ring_of(current: &str, older: &str) -> Result<KeyRing> {
    KeyRing::parse(&current.into(), Some(&older.into()))
}

fn unwraps(ring: &KeyRing, wrapped: &WrappedKey) -> bool {
    let unwrapped = ring.unwrap(CONTEXT, wrapped);
    unwrapped.is_ok_and(|key| key.expose_secret() == data_key().expose_secret())
}

fn names(ring: &KeyRing) -> Vec<String> {
    let keys = ring.keys().unwrap();
    keys.into_iter().map(|key| key.name).collect()
}

fn file_with(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    ring_file::create_if_missing(&path, text).unwrap();
    (folder, path)
}

#[test]
fn a_wrapped_key_unwraps_in_its_context_only() {
    let ring = KeyRing::ephemeral().unwrap();
    let wrapped = ring.wrap(CONTEXT, &data_key()).unwrap();
    assert!(unwraps(&ring, &wrapped));
    let elsewhere = [
        WrapContext {
            organization: OrganizationId(Uuid::from_u128(2)),
            ..CONTEXT
        },
        WrapContext {
            number: 2,
            ..CONTEXT
        },
    ];
    for context in elsewhere {
        let refused = ring.unwrap(context, &wrapped);
        assert!(matches!(refused, Err(UnwrapError::Changed)), "{context:?}");
    }
    for at in 0..wrapped.bytes.len() {
        let mut edited = wrapped.clone();
        edited.bytes[at] ^= 1;
        assert!(!unwraps(&ring, &edited), "byte {at}");
        edited.bytes.truncate(at);
        assert!(!unwraps(&ring, &edited), "cut at {at}");
    }
}

#[test]
fn older_keys_unwrap_and_the_current_one_wraps() {
    let (first, second) = ("11".repeat(32), "22".repeat(32));
    let before = ring_of(&first, "").unwrap();
    let wrapped = before.wrap(CONTEXT, &data_key()).unwrap();
    let after = ring_of(&second, &first).unwrap();
    assert!(unwraps(&after, &wrapped));
    let anew = after.wrap(CONTEXT, &data_key()).unwrap();
    assert_eq!([anew.under.clone(), wrapped.under], *names(&after));
    match before.unwrap(CONTEXT, &anew) {
        Err(UnwrapError::KeyMissing(name)) => assert_eq!(name, anew.under),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_is_hexadecimal_or_base64_of_32_bytes() {
    let bytes = [0xfb; KEY_BYTES];
    let standard = base64(&alphabet::STANDARD).encode(bytes);
    let url = base64(&alphabet::URL_SAFE).encode(bytes);
    let digits = hex::encode(bytes);
    let name = names(&ring_of(&digits, "").unwrap());
    for text in [
        format!(" {standard}\n"),
        standard.trim_end_matches('=').to_owned(),
        url,
        digits.to_uppercase(),
    ] {
        assert_eq!(names(&ring_of(&text, "").unwrap()), name, "{text}");
    }
    let short = ring_of(&hex::encode([1; 16]), "").unwrap_err();
    assert_eq!(
        short.to_string(),
        "failed to use the key ring: it has 16 bytes and needs 32"
    );
    for odd in ["", "not a key!"] {
        assert!(ring_of(odd, "").is_err());
    }
}

#[test]
fn older_keys_are_separated_and_named_by_their_place() {
    let (a, b, c) = ("aa".repeat(32), "bb".repeat(32), "cc".repeat(32));
    let ring = ring_of(&a, &format!(" {b},{c}\n")).unwrap();
    assert_eq!(names(&ring).len(), 3);
    let error = ring_of(&a, &format!("{b} nonsense!")).unwrap_err();
    let expected = "failed to use the key ring: old key 2: it is neither hexadecimal nor base64";
    assert_eq!(error.to_string(), expected);
    let error = ring_of(&a, &a).unwrap_err().to_string();
    assert!(error.contains("twice") && !error.contains(&a), "{error}");
    assert!(ring.edit().unwrap_err().to_string().contains("settings"));
}

#[test]
fn a_file_has_a_key_a_line_with_comments() {
    let (a, b) = ("aa".repeat(32), "bb".repeat(32));
    let (_folder, path) = file_with(&format!("# ours\n\n{a}  # of May\n{b}#old"));
    let keys = KeyRing::load(&path).unwrap().keys().unwrap();
    assert_eq!(keys[0].note, "of May");
    assert_eq!(keys[1].note, "old");
    let expected = names(&ring_of(&a, &b).unwrap());
    assert_eq!([keys[0].name.as_str(), &keys[1].name], *expected);
}

#[test]
fn a_broken_file_is_named_and_left_alone() {
    let secret = "aa".repeat(31);
    let (_folder, path) = file_with(&format!("# fine\n{secret}"));
    let error = KeyRing::load_or_create(&path).unwrap_err().to_string();
    assert!(
        error.contains("key`: line 2: it has 31 bytes and needs 32"),
        "{error}"
    );
    assert!(!error.contains(&secret));
    fs::write(&path, "# nothing\n").unwrap();
    let error = KeyRing::load_or_create(&path).unwrap_err().to_string();
    assert!(error.contains("key`: it has no key"), "{error}");
    fs::write(&path, "#".repeat(70_000)).unwrap();
    let error = KeyRing::load_or_create(&path).unwrap_err().to_string();
    assert!(error.contains("too long"), "{error}");
    assert_eq!(fs::read(&path).unwrap().len(), 70_000);
}

#[cfg(unix)]
#[test]
fn the_file_is_made_once_for_its_owner_and_refused_when_shared() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let ring = KeyRing::load_or_create(&path).unwrap();
    let again = KeyRing::load_or_create(&path).unwrap();
    assert_eq!(names(&again), names(&ring));
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    ring.edit().unwrap().add("second").unwrap();
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = KeyRing::load_or_create(&path).unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
}

#[test]
fn a_key_that_another_process_adds_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let host = KeyRing::load_or_create(&path).unwrap();
    let command = KeyRing::load(&path).unwrap();
    let before = host.wrap(CONTEXT, &data_key()).unwrap();
    let name = command.edit().unwrap().add("made\nby hand").unwrap();
    let after = command.wrap(CONTEXT, &data_key()).unwrap();
    assert_eq!(after.under, name);
    assert!(unwraps(&host, &after));
    assert!(unwraps(&host, &before));
    assert_eq!(host.wrap(CONTEXT, &data_key()).unwrap().under, name);
    assert_eq!(host.keys().unwrap()[0].note, "madeby hand");
    // A file that cannot be read is not mistaken for one without the key.
    let unknown = WrappedKey {
        under: "00000000".to_owned(),
        ..after
    };
    fs::remove_file(&path).unwrap();
    let failed = host.unwrap(CONTEXT, &unknown);
    assert!(matches!(failed, Err(UnwrapError::Failed(_))), "{failed:?}");
    assert!(unwraps(&host, &before));
    assert!(host.wrap(CONTEXT, &data_key()).is_err());
}

#[test]
fn one_process_changes_the_file_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let ring = KeyRing::load_or_create(&path).unwrap();
    let other = KeyRing::load(&path).unwrap();
    let edit = ring.edit().unwrap();
    let error = other.edit().unwrap_err().to_string();
    assert!(error.contains("another `partneros keys`"), "{error}");
    drop(edit);
    other.edit().unwrap();
}

#[test]
fn keys_are_taken_out_and_the_current_one_and_the_comments_stay() {
    let (_folder, path) = file_with(&format!("# ours\n{}", "aa".repeat(32)));
    let ring = KeyRing::load(&path).unwrap();
    let mut edit = ring.edit().unwrap();
    let (second, third) = (edit.add("second").unwrap(), edit.add("third").unwrap());
    let all = names(&ring);
    assert_eq!([&third, &second], [&all[0], &all[1]]);
    edit.remove(&[all[2].clone(), third.clone()]).unwrap();
    assert_eq!(names(&ring), [third, second]);
    let mut text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("# ours"), "the comment");
    assert!(!text.contains(&"aa".repeat(32)), "the key");
    text.zeroize();
}

#[test]
fn what_a_crash_left_is_in_nobodys_way() {
    let (folder, path) = file_with(&"aa".repeat(32));
    fs::write(folder.path().join("key.new"), "half of").unwrap();
    fs::write(folder.path().join("key.lock"), "").unwrap();
    let ring = KeyRing::load(&path).unwrap();
    ring.edit().unwrap().add("second").unwrap();
    assert_eq!(names(&ring).len(), 2);
    assert!(!folder.path().join("key.new").exists());
}

#[cfg(unix)]
#[test]
fn a_link_to_the_file_stays_a_link() {
    let (folder, path) = file_with(&"aa".repeat(32));
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let ring = KeyRing::load(&link).unwrap();
    ring.edit().unwrap().add("second").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(names(&KeyRing::load(&path).unwrap()).len(), 2);
}

#[test]
fn a_file_never_grows_beyond_what_is_read() {
    let filler = format!("# {}\n", "x".repeat(600)).repeat(108);
    let (_folder, path) = file_with(&format!("{filler}{}", "aa".repeat(32)));
    let ring = KeyRing::load(&path).unwrap();
    let before = fs::read(&path).unwrap();
    let error = ring.edit().unwrap().add(&"y".repeat(600)).unwrap_err();
    assert!(error.to_string().contains("keys prune"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn debug_shows_no_key() {
    let ring = ring_of(&"5a".repeat(32), "").unwrap();
    let shown = format!("{ring:?} {:?} {:?}", ring.keys().unwrap(), data_key());
    assert!(
        !shown.contains("5a5a") && !shown.contains("90, 90"),
        "{shown}"
    );
}

#[test]
fn a_value_of_the_first_form_opens_in_its_place_only() {
    let ring = ring_of(&"11".repeat(32), &"5a".repeat(32)).unwrap();
    let stored = hex::decode(
        "016125b2d31f4015c1b34454aec67e1ea0696319de58daadfcb1c5452dc643427975a4272e272c436cc7cebccd35057874ccdf728158e930d20580cbe58f",
    );
    let stored = stored.unwrap();
    let form = FirstForm {
        organization: OrganizationId(Uuid::from_u128(1)),
        connection: ConnectionId(Uuid::from_u128(2)),
        column: &ACCESS_TOKEN,
    };
    let opened = ring.open_first_form(form, &stored).unwrap();
    assert_eq!(opened.expose_secret(), "the-access-secret");
    let elsewhere = FirstForm {
        connection: ConnectionId(Uuid::from_u128(3)),
        ..form
    };
    assert!(ring.open_first_form(elsewhere, &stored).is_none());
    for at in 0..stored.len() {
        let mut edited = stored.clone();
        edited[at] ^= 1;
        assert!(ring.open_first_form(form, &edited).is_none(), "byte {at}");
    }
}

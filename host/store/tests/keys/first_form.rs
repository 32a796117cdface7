//! A database from before data keys.

use std::fs;

use partneros_store::{Connections as _, KeyRing, Keys as _, SealProblem, Sqlite};
use secrecy::ExposeSecret as _;

use crate::world::{Folder, connection, organization, ring_of};

/// The key that the fixture's tokens are sealed under.
const KEY: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
const KEY_NAME: &str = "6125b2d3";
/// The last version without data keys.
const VERSION: usize = 15;

/// Organization 1 with one portal, as version 15 left it.
const ROWS: &str = "
    INSERT INTO organizations (key, id, name, created_at)
    VALUES (1, x'00000000000000000000000000000001', 'acme', 0);
    INSERT INTO connections (key, organization, id, portal_id, status, status_at, scopes, created_at,
        access_token, access_expires_at, refresh_token, refresh_previous, token_generation)
    VALUES (1, 1, x'00000000000000000000000000000002', 7, 'active', 0, '[]', 0,
        x'016125b2d31f4015c1b34454aec67e1ea0696319de58daadfcb1c5452dc643427975a4272e272c436cc7cebccd35057874ccdf728158e930d20580cbe58f',
        2,
        x'016125b2d398ed10d4375a76c974c7f0131cc1806e2e38f72e8f5da3fff405baeb30eb47d5488b6e6bf461cfc858818070688d5baac163e1db172259e5ba1a',
        x'016125b2d3b7f2a8ad5e82f3b6bedeb7d6e60b5ad6351e1c9685c7594c13fa180b7cd12ee7250cb92ff73d6f76a20cb8da22ea21bfb1ffa87ef5b36d00f76a93',
        4);";

fn old_database() -> Folder {
    let folder = Folder::new();
    let sql = folder.sql();
    let migrations = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> = fs::read_dir(migrations)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in &files[..VERSION] {
        sql.execute_batch(&fs::read_to_string(file).unwrap())
            .unwrap();
    }
    sql.pragma_update(None, "user_version", VERSION as i64)
        .unwrap();
    sql.execute_batch(ROWS).unwrap();
    folder
}

/// The tokens, or why they do not open.
async fn tokens(store: &Sqlite) -> Result<[String; 3], partneros_store::Error> {
    let id = partneros_domain::ConnectionId(uuid::Uuid::from_u128(2));
    assert_eq!(id, connection(0, 2));
    let tokens = store.connection_tokens(organization(1), id).await?;
    assert_eq!(tokens.generation, 4);
    let all = [Some(tokens.access), tokens.refresh, tokens.refresh_previous];
    Ok(all.map(|secret| secret.unwrap().expose_secret().to_owned()))
}

fn forms(folder: &Folder) -> Vec<u8> {
    let form = |column: &str| {
        let query = format!("SELECT substr({column}, 1, 1) FROM connections");
        let form: Vec<u8> = folder
            .sql()
            .query_row(&query, [], |row| row.get(0))
            .unwrap();
        form[0]
    };
    ["access_token", "refresh_token", "refresh_previous"]
        .map(form)
        .to_vec()
}

const SECRETS: [&str; 3] = [
    "the-access-secret",
    "the-refresh-secret",
    "the-previous-secret",
];

#[tokio::test]
async fn tokens_are_sealed_anew_when_the_database_is_opened() {
    let folder = old_database();
    assert_eq!(forms(&folder), [1, 1, 1]);
    let ring = || ring_of(KEY, "");
    assert_eq!(tokens(&folder.open_under(ring())).await.unwrap(), SECRETS);
    assert_eq!(forms(&folder), [2, 2, 2]);
    let store = folder.open_under(ring());
    assert_eq!(tokens(&store).await.unwrap(), SECRETS);
    let uses = store.key_uses().await.unwrap();
    assert_eq!((uses[0].key.as_str(), uses[0].data_keys), (KEY_NAME, 1));
}

#[tokio::test]
async fn a_key_file_with_one_key_is_a_ring() {
    let folder = old_database();
    fs::write(folder.path().join("key"), format!("{KEY}\n")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(folder.path().join("key"), mode).unwrap();
    }
    let ring = KeyRing::load_or_create(&folder.path().join("key")).unwrap();
    assert_eq!(tokens(&folder.open_under(ring)).await.unwrap(), SECRETS);
}

#[tokio::test]
async fn without_its_key_a_token_stays_until_the_key_is_back() {
    let folder = old_database();
    let other = "aa".repeat(32);
    let store = folder.open_under(ring_of(&other, ""));
    let error = tokens(&store).await.unwrap_err();
    let expected = SealProblem::OldForm {
        key: KEY_NAME.to_owned(),
        remedy: "connect the portal again",
    };
    match &error {
        partneros_store::Error::Sealed { problem, .. } => assert_eq!(*problem, expected),
        other => panic!("{other:?}"),
    }
    let told = error.to_string();
    assert!(
        told.contains("`connections.access_token`") && told.contains(KEY_NAME),
        "{told}"
    );
    assert_eq!(forms(&folder), [1, 1, 1]);
    let rekeyed = store.renew_data_keys().await.unwrap();
    assert_eq!((rekeyed.secrets, rekeyed.unopened.len()), (0, 3));
    // Its key is in use as long as they are there.
    let uses = store.key_uses().await.unwrap();
    let old = uses.iter().find(|used| used.key == KEY_NAME).unwrap();
    assert_eq!((old.data_keys, old.secrets), (0, 3));
    assert!(
        store
            .retire_keys(&[KEY_NAME.to_owned()])
            .await
            .unwrap()
            .is_empty()
    );
    let store = folder.open_under(ring_of(&other, KEY));
    assert_eq!(tokens(&store).await.unwrap(), SECRETS);
    assert_eq!(forms(&folder), [2, 2, 2]);
}

#[tokio::test]
async fn a_changed_token_stays_and_the_others_are_sealed_anew() {
    let folder = old_database();
    folder
        .sql()
        .execute(
            "UPDATE connections SET refresh_previous = refresh_token",
            [],
        )
        .unwrap();
    let store = folder.open_under(ring_of(KEY, ""));
    assert_eq!(forms(&folder), [2, 2, 1]);
    let told = tokens(&store).await.unwrap_err().to_string();
    assert!(told.contains("`connections.refresh_previous`"), "{told}");
}

#[tokio::test]
async fn what_was_interrupted_goes_on_at_the_next_start() {
    let folder = old_database();
    // Killed between the data key and the tokens, which are transactions of their own.
    drop(folder.open_under(ring_of(KEY, "")));
    let sql = folder.sql();
    let row = ROWS.split_once("INSERT INTO connections").unwrap().1;
    sql.execute("DELETE FROM connections", []).unwrap();
    sql.execute_batch(&format!("INSERT INTO connections{row}"))
        .unwrap();
    assert_eq!(forms(&folder), [1, 1, 1]);
    assert_eq!(
        tokens(&folder.open_under(ring_of(KEY, ""))).await.unwrap(),
        SECRETS
    );
    assert_eq!(forms(&folder), [2, 2, 2]);
}

//! Wrapping keys and data keys are replaced under a running host.

use partneros_store::{Error, KeyUse, Keys as _, Organizations as _, SealProblem};

use crate::world::{
    Folder, all_open, connects, creates, opens, organization, populate, ring_of, sealed,
};

#[tokio::test]
async fn a_running_host_goes_on_while_the_wrapping_key_is_replaced() {
    let folder = Folder::new();
    let host = folder.open();
    populate(&host, 3, 2).await;
    let (ring, command) = (folder.ring(), folder.open());
    let old = ring.keys().unwrap()[0].name.clone();

    let mut edit = ring.edit().unwrap();
    let new = edit.add("second").unwrap();
    all_open(&host, 3, 2).await;
    creates(&host, 4).await.unwrap();
    let uses = |key: &str, data_keys| KeyUse {
        key: key.to_owned(),
        data_keys,
        secrets: 0,
    };
    let found = command.key_uses().await.unwrap();
    let mut expected = vec![uses(&old, 3), uses(&new, 1)];
    expected.sort_by(|a, b| a.key.cmp(&b.key));
    assert_eq!(
        found, expected,
        "what is made meanwhile is under the new key"
    );

    let rekeyed = command.rewrap_data_keys().await.unwrap();
    assert_eq!((rekeyed.data_keys, rekeyed.unopened.len()), (3, 0));
    all_open(&host, 3, 2).await;
    assert_eq!(command.key_uses().await.unwrap(), [uses(&new, 4)]);
    assert_eq!(command.rewrap_data_keys().await.unwrap().data_keys, 0);

    let retired = command
        .retire_keys(&[old.clone(), new.clone()])
        .await
        .unwrap();
    assert_eq!(retired, [old], "what is in use is not retired");
    edit.remove(&retired).unwrap();
    assert_eq!(ring.keys().unwrap().len(), 1);
    all_open(&host, 3, 2).await;
    connects(&host, 4, 1).await.unwrap();
    // And so does one that starts later.
    all_open(&folder.open(), 3, 2).await;
}

#[tokio::test]
async fn data_keys_are_replaced_and_everything_is_sealed_anew() {
    let folder = Folder::new();
    let host = folder.open();
    // More than fits in one batch.
    populate(&host, 2, 120).await;
    let sealed_before = access_tokens(&folder);
    let command = folder.open();
    let rekeyed = command.renew_data_keys().await.unwrap();
    assert_eq!(
        (rekeyed.data_keys, rekeyed.secrets, rekeyed.removed),
        (2, 2 * 120 * 3, 2)
    );
    assert!(rekeyed.unopened.is_empty());
    all_open(&host, 2, 120).await;
    assert_eq!(numbers(&folder), [(1, 2), (2, 2)]);
    let sealed_after = access_tokens(&folder);
    assert!(
        sealed_after
            .iter()
            .all(|sealed| sealed.starts_with(&[2, 0, 0, 0, 2]))
    );
    assert!(
        sealed_after
            .iter()
            .all(|sealed| !sealed_before.contains(sealed))
    );
    // What the host seals from now on is under the new one, though it has the old one in memory.
    connects(&host, 1, 121).await.unwrap();
    opens(&host, 1, 121).await.unwrap();
    assert!(access_tokens(&folder).iter().all(|sealed| sealed[4] == 2));
}

#[tokio::test]
async fn what_does_not_open_is_told_and_left_and_keeps_its_data_key() {
    let folder = Folder::new();
    let store = folder.open();
    populate(&store, 2, 2).await;
    folder
        .sql()
        .execute(
            "UPDATE connections SET access_token = refresh_token WHERE portal_id = 1000001",
            [],
        )
        .unwrap();
    let rekeyed = store.renew_data_keys().await.unwrap();
    assert_eq!((rekeyed.secrets, rekeyed.removed), (11, 1));
    assert_eq!(rekeyed.unopened.len(), 1);
    assert_eq!(rekeyed.unopened[0].organization, organization(1));
    let told = rekeyed.unopened[0].error.to_string();
    assert!(told.contains("`connections.access_token` of row"), "{told}");
    assert_eq!(numbers(&folder), [(1, 1), (1, 2), (2, 2)]);
    let (place, problem) = sealed(opens(&store, 1, 1).await);
    assert_eq!(place, "connections.access_token");
    assert!(
        matches!(problem, SealProblem::Changed { .. }),
        "{problem:?}"
    );
    opens(&store, 1, 2).await.unwrap();
    // Connected again, nothing is under the old one any more.
    connects(&store, 1, 1).await.unwrap();
    assert_eq!(store.renew_data_keys().await.unwrap().removed, 3);
    all_open(&store, 2, 2).await;
}

#[tokio::test]
async fn a_missing_key_is_named_and_its_return_helps() {
    let folder = Folder::new();
    let (a, b) = ("aa".repeat(32), "bb".repeat(32));
    populate(&folder.open_under(ring_of(&a, "")), 1, 1).await;
    let name = ring_of(&a, "").keys().unwrap()[0].name.clone();

    let wrong = folder.open_under(ring_of(&b, ""));
    let (place, problem) = sealed(opens(&wrong, 1, 1).await);
    assert_eq!(place, "connections.access_token");
    assert_eq!(problem, SealProblem::KeyMissing(name.clone()));
    let told = problem.to_string();
    assert!(
        told.contains(&name) && told.contains("put that key back"),
        "{told}"
    );
    assert_eq!(sealed(connects(&wrong, 1, 2).await).0, "data_keys.wrapped");
    let rekeyed = wrong.rewrap_data_keys().await.unwrap();
    assert_eq!((rekeyed.data_keys, rekeyed.unopened.len()), (0, 1));
    // Other organizations are none the worse.
    creates(&wrong, 2).await.unwrap();
    connects(&wrong, 2, 1).await.unwrap();
    opens(&wrong, 2, 1).await.unwrap();

    let right = folder.open_under(ring_of(&b, &a));
    opens(&right, 1, 1).await.unwrap();
    assert_eq!(right.rewrap_data_keys().await.unwrap().data_keys, 1);
    opens(&wrong, 1, 1).await.unwrap();
}

#[tokio::test]
async fn where_a_key_is_lost_new_data_keys_take_new_secrets() {
    let folder = Folder::new();
    populate(&folder.open_under(ring_of(&"aa".repeat(32), "")), 1, 1).await;
    let store = folder.open_under(ring_of(&"bb".repeat(32), ""));
    let rekeyed = store.renew_data_keys().await.unwrap();
    assert_eq!((rekeyed.data_keys, rekeyed.unopened.len()), (1, 3));
    connects(&store, 1, 1).await.unwrap();
    opens(&store, 1, 1).await.unwrap();
    assert_eq!(store.renew_data_keys().await.unwrap().removed, 2);
}

#[tokio::test]
async fn a_process_that_still_has_a_retired_key_does_not_use_it() {
    let folder = Folder::new();
    let (a, b) = ("aa".repeat(32), "bb".repeat(32));
    let stale = folder.open_under(ring_of(&a, &b));
    let store = folder.open_under(ring_of(&b, &a));
    let name = ring_of(&a, "").keys().unwrap()[0].name.clone();
    let names = std::slice::from_ref(&name);
    assert_eq!(store.retire_keys(names).await.unwrap(), *names);
    let error = creates(&stale, 1).await.unwrap_err();
    assert!(
        matches!(&error, Error::KeyRetired(key) if *key == name),
        "{error:?}"
    );
    assert!(stale.organizations().await.unwrap().is_empty());
    creates(&store, 1).await.unwrap();
    let error = stale.rewrap_data_keys().await.unwrap_err();
    assert!(matches!(error, Error::KeyRetired(_)), "{error:?}");
    connects(&stale, 1, 1).await.unwrap();
    opens(&store, 1, 1).await.unwrap();
}

#[tokio::test]
async fn a_data_key_of_another_organization_is_not_taken() {
    let folder = Folder::new();
    let store = folder.open();
    populate(&store, 2, 1).await;
    let sql = folder.sql();
    let move_key =
        "UPDATE data_keys SET wrapped = (SELECT wrapped FROM data_keys WHERE organization = 2)";
    sql.execute(move_key, []).unwrap();
    let (place, problem) = sealed(opens(&store, 1, 1).await);
    assert_eq!(place, "data_keys.wrapped");
    assert!(
        matches!(problem, SealProblem::Changed { .. }),
        "{problem:?}"
    );
    opens(&store, 2, 1).await.unwrap();
    sql.execute("UPDATE data_keys SET number = 7 WHERE organization = 1", [])
        .unwrap();
    let (place, problem) = sealed(opens(&store, 1, 1).await);
    assert_eq!(place, "connections.access_token");
    assert!(
        matches!(problem, SealProblem::DataKeyGone { number: 1, .. }),
        "{problem:?}"
    );
}

fn access_tokens(folder: &Folder) -> Vec<Vec<u8>> {
    let sql = folder.sql();
    let mut list = sql.prepare("SELECT access_token FROM connections").unwrap();
    let rows = list.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

/// Organizations and the numbers of their data keys.
fn numbers(folder: &Folder) -> Vec<(i64, i64)> {
    let sql = folder.sql();
    let mut list = sql
        .prepare("SELECT organization, number FROM data_keys ORDER BY 1, 2")
        .unwrap();
    let rows = list.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().collect::<rusqlite::Result<_>>().unwrap()
}

//! Keys, and what an erased organization leaves.

use secrecy::ExposeSecret as _;

use super::world::{World, at, new_connection, refused_as_not_found};
use crate::{BindingScope, Organization, Store};

pub(super) async fn new_data_keys_leave_secrets_as_they_are(store: &dyn Store) {
    let world = World::new(store).await;
    let open = async || {
        let tokens = store.connection_tokens(world.organization, world.connection);
        let tokens = tokens.await.unwrap();
        let refresh = tokens.refresh.unwrap();
        (
            tokens.access.expose_secret().to_owned(),
            refresh.expose_secret().to_owned(),
            tokens.generation,
        )
    };
    let before = open().await;
    let rekeyed = store.renew_data_keys().await.unwrap();
    assert_eq!(
        (rekeyed.data_keys, rekeyed.secrets, rekeyed.removed),
        (1, 2, 1)
    );
    assert!(rekeyed.unopened.is_empty());
    assert_eq!(open().await, before);
    let rekeyed = store.rewrap_data_keys().await.unwrap();
    assert_eq!(rekeyed.data_keys, 0, "all are under the current key");
}

pub(super) async fn what_is_in_use_is_not_retired(store: &dyn Store) {
    let _world = World::new(store).await;
    let uses = store.key_uses().await.unwrap();
    assert_eq!((uses.len(), uses[0].data_keys), (1, 1));
    let names = [uses[0].key.clone(), "unused".to_owned()];
    for _ in 0..2 {
        let retired = store.retire_keys(&names).await.unwrap();
        assert_eq!(retired, ["unused"]);
    }
}

pub(super) async fn an_erased_organization_is_gone_and_the_others_stay(store: &dyn Store) {
    let ours = World::numbered(store, 1).await;
    let theirs = World::numbered(store, 2).await;
    let kept = ours.pulled(7).await;
    theirs.pulled(7).await;
    let version = theirs.version("mapper", "theirs").await;
    theirs
        .bind(BindingScope::Pair(theirs.pair), &[version])
        .await;
    store.erase_organization(theirs.organization).await.unwrap();

    let (organization, connection) = (theirs.organization, theirs.connection);
    refused_as_not_found(store.connection(organization, connection).await);
    refused_as_not_found(store.pair(organization, theirs.pair).await);
    refused_as_not_found(store.plugin_version(organization, version).await);
    refused_as_not_found(store.erase_organization(organization).await);
    refused_as_not_found(
        store
            .put_connection(organization, new_connection(connection, 2))
            .await,
    );
    let due = store.due_pairs(at(1_000_000), 10).await.unwrap();
    assert!(
        due.iter().all(|due| due.organization != organization),
        "{due:?}"
    );
    let listed = store.organizations().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].id, ours.organization);
    assert_eq!(store.key_uses().await.unwrap()[0].data_keys, 1);

    assert!(ours.read(kept).await.is_ok());
    store
        .connection_tokens(ours.organization, ours.connection)
        .await
        .unwrap();
    // The id is free, and its portal too; nothing of before comes back.
    let again = Organization {
        id: organization,
        name: "again".to_owned(),
        created_at: at(1),
    };
    store.create_organization(&again).await.unwrap();
    store
        .put_connection(organization, new_connection(connection, 2))
        .await
        .unwrap();
    assert_eq!(store.pairs(organization, connection).await.unwrap(), []);
}

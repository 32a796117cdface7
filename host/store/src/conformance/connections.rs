//! Connections, tokens and connect flows.

use partneros_domain::ConnectionId;
use secrecy::{ExposeSecret, SecretString};

use super::world::{World, at, new_connection, refused_as_conflict, refused_as_not_found, tokens};
use crate::{
    Access, ConnectionStatus, Credential, Error, Forgotten, NewConnection, OAuthState, OtherPortal,
    Store, TokenSet,
};

fn exposed(tokens: &TokenSet) -> [Option<&str>; 3] {
    [
        Some(tokens.access.expose_secret()),
        tokens.refresh.as_ref().map(ExposeSecret::expose_secret),
        tokens
            .refresh_previous
            .as_ref()
            .map(ExposeSecret::expose_secret),
    ]
}

pub(super) async fn a_portal_is_renewed_in_place(store: &dyn Store) {
    let world = World::new(store).await;
    let first = store
        .connection(world.organization, world.connection)
        .await
        .unwrap();
    assert_eq!(first.status, ConnectionStatus::Active);
    assert_eq!(
        (first.portal_id, first.organization_id, first.created_at),
        (1, world.organization, at(0))
    );
    store
        .disconnect(world.organization, world.connection, at(1))
        .await
        .unwrap();
    let again = NewConnection {
        access: Access::PrivateApp,
        scopes: vec!["oauth".to_owned()],
        tokens: tokens("renewed"),
        at: at(2),
        ..new_connection(ConnectionId(world.uuid()), 1)
    };
    let renewed = store
        .put_connection(world.organization, again)
        .await
        .unwrap();
    assert_eq!(
        (renewed.id, renewed.status, renewed.created_at),
        (first.id, ConnectionStatus::Active, at(0))
    );
    assert_eq!(renewed.scopes, ["oauth"]);
    assert_eq!(
        [first.access, renewed.access],
        [Access::OAuth, Access::PrivateApp]
    );
    assert_eq!([first.connected_at, renewed.connected_at], [at(0), at(2)]);
    let opened = store
        .connection_tokens(world.organization, first.id)
        .await
        .unwrap();
    assert_eq!(opened.access.expose_secret(), "renewed");
    assert_eq!(
        store.connections(world.organization).await.unwrap(),
        [renewed]
    );
}

pub(super) async fn a_portal_has_one_organization_at_a_time(store: &dyn Store) {
    let ours = World::numbered(store, 1).await;
    let theirs = World::numbered(store, 2).await;
    let id = ConnectionId(theirs.uuid());
    let theft = new_connection(id, 1);
    let refused = store.put_connection(theirs.organization, theft.clone());
    let refused = refused.await;
    assert!(matches!(refused, Err(Error::PortalTaken(1))), "{refused:?}");
    refused_as_not_found(store.connection(theirs.organization, id).await);
    store
        .disconnect(ours.organization, ours.connection, at(1))
        .await
        .unwrap();
    let taken = store
        .put_connection(theirs.organization, theft)
        .await
        .unwrap();
    assert_eq!(taken.id, id);
    let listed = store.connections(theirs.organization).await.unwrap();
    assert_eq!(
        listed.iter().map(|entry| entry.id).collect::<Vec<_>>(),
        [theirs.connection, id]
    );
    let late = store.put_connection(ours.organization, new_connection(ours.connection, 1));
    let late = late.await;
    assert!(matches!(late, Err(Error::PortalTaken(1))), "{late:?}");
}

pub(super) async fn a_status_keeps_the_last_error(store: &dyn Store) {
    let world = World::new(store).await;
    let set = async |status, error, now| {
        store
            .set_connection_status(
                world.organization,
                world.connection,
                at(now),
                status,
                error,
                at(now),
            )
            .await
            .unwrap();
        store
            .connection(world.organization, world.connection)
            .await
            .unwrap()
    };
    let failed = set(ConnectionStatus::Error, Some("portal is gone"), 5).await;
    assert_eq!(failed.status, ConnectionStatus::Error);
    assert_eq!(failed.last_error_at, Some(at(5)));
    let well = set(ConnectionStatus::Active, None, 6).await;
    assert_eq!(well.status, ConnectionStatus::Active);
    assert_eq!(well.last_error_at, Some(at(5)));
    assert_eq!(well.last_error_message.as_deref(), Some("portal is gone"));
}

pub(super) async fn what_was_learned_before_a_portal_was_connected_anew_is_not_said(
    store: &dyn Store,
) {
    let world = World::new(store).await;
    let (organization, id) = (world.organization, world.connection);
    let first = store.connection(organization, id).await.unwrap();
    let set = async |as_of| {
        let revoked = ConnectionStatus::ReauthRequired;
        let set = store.set_connection_status(organization, id, as_of, revoked, Some("no"), at(9));
        set.await.unwrap()
    };
    assert!(set(first.connected_at).await);
    let again = NewConnection {
        at: at(9),
        ..new_connection(id, first.portal_id)
    };
    store.put_connection(organization, again).await.unwrap();
    assert!(!set(first.connected_at).await);
    let found = store.connection(organization, id).await.unwrap();
    assert_eq!(found.status, ConnectionStatus::Active);
    assert!(set(found.connected_at).await);
}

pub(super) async fn tokens_open_as_they_were_put(store: &dyn Store) {
    let world = World::new(store).await;
    let open = async || {
        store
            .connection_tokens(world.organization, world.connection)
            .await
            .unwrap()
    };
    let first = open().await;
    assert_eq!(
        exposed(&first),
        [Some("access"), Some("access refresh"), None]
    );
    assert_eq!(first.access_expires_at, Some(at(900)));
    let private_app = TokenSet {
        access_expires_at: None,
        refresh: None,
        refresh_previous: Some(SecretString::from("older")),
        ..tokens("pat")
    };
    assert!(
        store
            .replace_tokens(
                world.organization,
                world.connection,
                first.generation,
                &private_app
            )
            .await
            .unwrap()
    );
    let replaced = open().await;
    assert_eq!(exposed(&replaced), [Some("pat"), None, Some("older")]);
    assert_eq!(replaced.access_expires_at, None);
}

pub(super) async fn tokens_are_replaced_by_generation(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, id) = (world.organization, world.connection);
    let replace = async |from, access: &str| {
        store
            .replace_tokens(organization, id, from, &tokens(access))
            .await
            .unwrap()
    };
    let first = store.connection_tokens(organization, id).await.unwrap();
    assert!(replace(first.generation, "second").await);
    assert!(!replace(first.generation, "late").await);
    let second = store.connection_tokens(organization, id).await.unwrap();
    assert_eq!(second.access.expose_secret(), "second");
    assert_eq!(second.generation, first.generation + 1);
    // A connection that was made again is no longer of the generation that a refresh started from.
    store
        .put_connection(organization, new_connection(id, 1))
        .await
        .unwrap();
    assert!(!replace(second.generation, "late").await);
}

pub(super) async fn a_disconnected_portal_has_no_tokens(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, id) = (world.organization, world.connection);
    let before = store.connection_tokens(organization, id).await.unwrap();
    let forgotten = store.disconnect(organization, id, at(1)).await.unwrap();
    let Forgotten::Tokens(tokens_of_it) = forgotten else {
        panic!("{forgotten:?}");
    };
    assert_eq!(exposed(&tokens_of_it), exposed(&before));
    let again = store.disconnect(organization, id, at(1)).await.unwrap();
    assert!(matches!(again, Forgotten::Nothing), "{again:?}");
    let connection = store.connection(organization, id).await.unwrap();
    assert_eq!(connection.status, ConnectionStatus::Disconnected);
    refused_as_not_found(store.connection_tokens(organization, id).await);
    for generation in before.generation..before.generation + 3 {
        assert!(
            !store
                .replace_tokens(organization, id, generation, &tokens("late"))
                .await
                .unwrap()
        );
    }
    // A worker that was under way does not bring it back.
    let late = ConnectionStatus::Error;
    refused_as_conflict(
        store
            .set_connection_status(organization, id, at(2), late, Some("late"), at(2))
            .await,
    );
}

pub(super) async fn a_connect_flow_is_valid_once_and_in_time(store: &dyn Store) {
    let world = World::new(store).await;
    let state = |number: u8, expires: i64| OAuthState {
        hash: [number; 32],
        organization_id: world.organization,
        begun_with: if number == 1 {
            Credential::Session([70; 32])
        } else {
            Credential::Token([80; 32])
        },
        other_portal: match number {
            1 => OtherPortal::InsteadOf(world.connection),
            4 => OtherPortal::Beside,
            _ => OtherPortal::Refuse,
        },
        expires_at: at(expires),
    };
    let put = async |number, expires, now| {
        store
            .put_oauth_state(&state(number, expires), at(now))
            .await
            .unwrap();
    };
    let take = async |number: u8, now| {
        store
            .take_oauth_state(&[number; 32], at(now))
            .await
            .unwrap()
    };
    put(1, 10, 0).await;
    assert_eq!(take(1, 9).await, Some(state(1, 10)));
    assert_eq!(take(1, 9).await, None);
    assert_eq!(take(2, 0).await, None);
    put(3, 10, 0).await;
    assert_eq!(take(3, 10).await, None);
    // Keeping one drops those that expired, so the same one can be kept again.
    put(4, 10, 0).await;
    put(5, 30, 10).await;
    put(4, 30, 10).await;
    assert_eq!(take(4, 20).await, Some(state(4, 30)));
}

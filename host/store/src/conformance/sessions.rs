//! Sessions.

use partneros_domain::{Role, UserId};
use secrecy::ExposeSecret as _;

use super::people::{joined, owner, session};
use super::world::{World, at, refused_as_conflict, refused_as_not_found};
use crate::Store;

pub(super) async fn a_session_ends_idle_and_at_last(store: &dyn Store) {
    let world = World::new(store).await;
    let ann = owner(&world, "ann@acme.example").await;
    store
        .create_session(&session(&ann, None, 1), 9)
        .await
        .unwrap();
    let works = async |now| store.session(&[1; 32], at(now)).await.unwrap().is_some();
    assert!(works(99).await);
    assert!(!works(100).await);
    store
        .touch_session(&[1; 32], at(90), at(5_000))
        .await
        .unwrap();
    store
        .touch_session(&[8; 32], at(90), at(5_000))
        .await
        .unwrap();
    assert!(works(100).await);
    assert!(works(999).await);
    assert!(!works(1_000).await, "however much it is used");
    let kept = store.session(&[1; 32], at(500)).await.unwrap().unwrap();
    assert_eq!((kept.used_at, kept.expires_at), (at(90), at(1_000)));
    assert_eq!((kept.user_id, kept.email), (ann.user_id, ann.email));
}

pub(super) async fn a_session_ends_when_it_is_told(store: &dyn Store) {
    let world = World::new(store).await;
    let ann = owner(&world, "ann@acme.example").await;
    let bob = joined(&world, "bob@acme.example", Role::Viewer).await;
    for (member, number) in [(&ann, 1), (&ann, 2), (&ann, 3), (&bob, 4)] {
        store
            .create_session(&session(member, None, number), 9)
            .await
            .unwrap();
    }
    refused_as_conflict(store.create_session(&session(&ann, None, 4), 9).await);
    let mut nobody = session(&ann, None, 5);
    nobody.user_id = UserId(world.uuid());
    refused_as_not_found(store.create_session(&nobody, 9).await);

    store.delete_session(&[1; 32]).await.unwrap();
    store.delete_session(&[1; 32]).await.unwrap();
    assert_eq!(working(store).await, [2, 3, 4]);
    store.delete_sessions(ann.user_id).await.unwrap();
    assert_eq!(working(store).await, [4]);
}

pub(super) async fn a_new_password_ends_the_other_sessions(store: &dyn Store) {
    let world = World::new(store).await;
    let ann = owner(&world, "ann@acme.example").await;
    let bob = joined(&world, "bob@acme.example", Role::Viewer).await;
    for (member, number) in [(&ann, 1), (&ann, 2), (&ann, 3), (&bob, 4)] {
        store
            .create_session(&session(member, None, number), 9)
            .await
            .unwrap();
    }
    let set = async |user, keep| {
        let hash = "another hash".to_owned().into();
        store.set_password(user, &hash, keep).await
    };
    set(ann.user_id, Some(&[2; 32])).await.unwrap();
    assert_eq!(working(store).await, [2, 4]);
    let kept = store.user_by_email(&ann.email).await.unwrap().unwrap();
    assert_eq!(kept.password_hash.expose_secret(), "another hash");
    let other = store.user_by_email(&bob.email).await.unwrap().unwrap();
    assert_eq!(
        other.password_hash.expose_secret(),
        "hash of bob@acme.example"
    );
    // Somebody else's session is kept by nobody.
    set(ann.user_id, Some(&[4; 32])).await.unwrap();
    assert_eq!(working(store).await, [4]);
    set(bob.user_id, None).await.unwrap();
    assert_eq!(working(store).await, [0; 0]);
    refused_as_not_found(set(UserId(world.uuid()), None).await);
}

pub(super) async fn an_organization_is_chosen(store: &dyn Store) {
    let world = World::new(store).await;
    let ann = owner(&world, "ann@acme.example").await;
    store
        .create_session(&session(&ann, None, 1), 9)
        .await
        .unwrap();
    let active = async || {
        let session = store.session(&[1; 32], at(2)).await.unwrap().unwrap();
        session.active
    };
    assert_eq!(active().await, None);
    refused_as_not_found(
        store
            .set_active_organization(&[7; 32], world.organization)
            .await,
    );
    store
        .set_active_organization(&[1; 32], world.organization)
        .await
        .unwrap();
    let chosen = active().await.unwrap();
    assert_eq!(chosen.organization_id, world.organization);
    assert_eq!((chosen.member_id, chosen.role), (ann.id, Role::Owner));
}

pub(super) async fn the_oldest_sessions_make_room(store: &dyn Store) {
    let world = World::new(store).await;
    let ann = owner(&world, "ann@acme.example").await;
    let bob = joined(&world, "bob@acme.example", Role::Viewer).await;
    for (member, number) in [(&bob, 1), (&ann, 2), (&ann, 3), (&ann, 4)] {
        store
            .create_session(&session(member, None, number), 2)
            .await
            .unwrap();
    }
    assert_eq!(working(store).await, [1, 3, 4]);
}

/// Which of the first ten sessions work.
async fn working(store: &dyn Store) -> Vec<u8> {
    let mut working = Vec::new();
    for number in 0..10 {
        if store
            .session(&[number; 32], at(50))
            .await
            .unwrap()
            .is_some()
        {
            working.push(number);
        }
    }
    working
}

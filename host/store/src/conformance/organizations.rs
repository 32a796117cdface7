//! Organizations and API tokens.

use partneros_domain::{OrganizationId, Role, TokenId};

use super::world::{World, at, refused_as_conflict, refused_as_not_found, uuid};
use crate::{NewApiToken, Organization, Store};

pub(super) async fn names_are_unique(store: &dyn Store) {
    let make = |number, name: &str| Organization {
        id: OrganizationId(uuid(1, number)),
        name: name.to_owned(),
        created_at: at(number as i64),
    };
    let (beta, alpha) = (make(1, "beta"), make(2, "alpha"));
    store.create_organization(&beta).await.unwrap();
    store.create_organization(&alpha).await.unwrap();
    refused_as_conflict(store.create_organization(&make(3, "beta")).await);
    assert_eq!(
        store.organization_by_name("beta").await.unwrap(),
        beta.clone()
    );
    assert_eq!(
        refused_as_not_found(store.organization_by_name("gamma").await),
        "organization"
    );
    assert_eq!(store.organizations().await.unwrap(), [alpha, beta]);
}

pub(super) async fn a_token_speaks_for_its_organization(store: &dyn Store) {
    let ours = World::numbered(store, 1).await;
    let theirs = World::numbered(store, 2).await;
    let make = |world: &World<'_>, number: u8| NewApiToken {
        id: TokenId(world.uuid()),
        name: format!("token {number}"),
        hash: [number; 32],
        member: None,
        role: Role::Admin,
        created_at: at(i64::from(number)),
        expires_at: None,
    };
    let (later, earlier) = (make(&ours, 9), make(&ours, 1));
    store.create_token(ours.organization, &later).await.unwrap();
    store
        .create_token(ours.organization, &earlier)
        .await
        .unwrap();
    refused_as_conflict(
        store
            .create_token(theirs.organization, &make(&theirs, 9))
            .await,
    );
    let nobody = OrganizationId(ours.uuid());
    refused_as_not_found(store.create_token(nobody, &make(&ours, 3)).await);

    let listed = store.tokens(ours.organization).await.unwrap();
    assert_eq!(
        listed.iter().map(|token| token.id).collect::<Vec<_>>(),
        [earlier.id, later.id]
    );
    assert_eq!(listed[0].name, "token 1");
    assert_eq!((listed[0].role, &listed[0].member), (Role::Admin, &None));
    assert_eq!(store.tokens(theirs.organization).await.unwrap(), []);

    let holder = store.token_holder(&[9; 32], at(10)).await.unwrap().unwrap();
    assert_eq!(holder.organization_id, ours.organization);
    assert_eq!((holder.token_id, holder.member_id), (later.id, None));
    assert_eq!(holder.name, "token 9");
    refused_as_not_found(store.delete_token(theirs.organization, later.id).await);
    store
        .delete_token(ours.organization, later.id)
        .await
        .unwrap();
    let holder = store.token_holder(&[9; 32], at(10)).await.unwrap();
    assert_eq!(holder, None);
    refused_as_not_found(store.delete_token(ours.organization, later.id).await);
}

pub(super) async fn a_token_expires_and_its_use_is_noted(store: &dyn Store) {
    let world = World::new(store).await;
    let token = NewApiToken {
        id: TokenId(world.uuid()),
        name: "short".to_owned(),
        hash: [4; 32],
        member: None,
        role: Role::Viewer,
        created_at: at(1),
        expires_at: Some(at(100)),
    };
    store
        .create_token(world.organization, &token)
        .await
        .unwrap();
    let holder = store.token_holder(&[4; 32], at(99)).await.unwrap().unwrap();
    assert_eq!((holder.role, holder.used_at), (Role::Viewer, None));
    assert_eq!(store.token_holder(&[4; 32], at(100)).await.unwrap(), None);
    store.touch_token(token.id, at(50)).await.unwrap();
    store
        .touch_token(TokenId(world.uuid()), at(51))
        .await
        .unwrap();
    let listed = store.tokens(world.organization).await.unwrap();
    assert_eq!(listed[0].used_at, Some(at(50)));
    assert_eq!(listed[0].expires_at, Some(at(100)));
}

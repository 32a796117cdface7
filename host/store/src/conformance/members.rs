//! Members, their roles, and invitations.

use partneros_domain::{MemberId, Role, TokenId};
use secrecy::ExposeSecret as _;

use super::people::{invitation, joined, owner, session, token, user};
use super::world::{World, at, refused_as_conflict, refused_as_not_found};
use crate::{Joining, Store};

pub(super) async fn the_first_owner_comes_once(store: &dyn Store) {
    let world = World::new(store).await;
    assert!(
        store
            .user_by_email("ann@acme.example")
            .await
            .unwrap()
            .is_none()
    );
    let ann = owner(&world, "ann@acme.example").await;
    assert_eq!(
        (ann.role, ann.email.as_str()),
        (Role::Owner, "ann@acme.example")
    );
    let found = store
        .user_by_email("ann@acme.example")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.id, ann.user_id);
    assert_eq!(
        found.password_hash.expose_secret(),
        "hash of ann@acme.example"
    );
    let second = Joining::New(user(&world, "bob@acme.example"));
    let id = MemberId(world.uuid());
    let refused = store.create_first_owner(world.organization, id, second, at(2));
    refused_as_conflict(refused.await);
    assert_eq!(
        store.members(world.organization).await.unwrap(),
        std::slice::from_ref(&ann)
    );
    assert_eq!(store.member(world.organization, ann.id).await.unwrap(), ann);
    assert!(
        store
            .user_by_email("bob@acme.example")
            .await
            .unwrap()
            .is_none()
    );
}

pub(super) async fn a_role_counts_at_once(store: &dyn Store) {
    let world = World::new(store).await;
    let ann = owner(&world, "ann@acme.example").await;
    let bob = joined(&world, "bob@acme.example", Role::Admin).await;
    let new = session(&bob, Some(world.organization), 1);
    store.create_session(&new, 9).await.unwrap();
    let role = async || {
        let session = store.session(&[1; 32], at(2)).await.unwrap().unwrap();
        session.active.unwrap().role
    };
    assert_eq!(role().await, Role::Admin);
    let set = async |from, to| store.set_role(world.organization, bob.id, from, to).await;
    refused_as_conflict(set(Role::Member, Role::Viewer).await);
    assert_eq!(
        set(Role::Admin, Role::Viewer).await.unwrap().role,
        Role::Viewer
    );
    assert_eq!(role().await, Role::Viewer);
    let members = store.members(world.organization).await.unwrap();
    let roles: Vec<_> = members
        .iter()
        .map(|member| (member.id, member.role))
        .collect();
    assert_eq!(roles, [(ann.id, Role::Owner), (bob.id, Role::Viewer)]);
}

pub(super) async fn a_removed_member_loses_sessions_and_tokens(store: &dyn Store) {
    let world = World::new(store).await;
    owner(&world, "ann@acme.example").await;
    let bob = joined(&world, "bob@acme.example", Role::Admin).await;
    let new = session(&bob, Some(world.organization), 1);
    store.create_session(&new, 9).await.unwrap();
    let key = token(&bob, TokenId(world.uuid()), Role::Admin, 2);
    store.create_token(world.organization, &key).await.unwrap();
    assert!(store.token_holder(&[2; 32], at(3)).await.unwrap().is_some());

    let remove = async |from| store.remove_member(world.organization, bob.id, from).await;
    refused_as_conflict(remove(Role::Member).await);
    remove(Role::Admin).await.unwrap();
    refused_as_not_found(remove(Role::Admin).await);
    assert_eq!(store.token_holder(&[2; 32], at(3)).await.unwrap(), None);
    assert_eq!(store.tokens(world.organization).await.unwrap(), []);
    let session = store.session(&[1; 32], at(3)).await.unwrap().unwrap();
    assert_eq!(session.active, None);
    refused_as_not_found(
        store
            .set_active_organization(&[1; 32], world.organization)
            .await,
    );
    assert_eq!(store.organizations_of_user(bob.user_id).await.unwrap(), []);

    // Whoever comes back chooses anew.
    let back = invitation(&world, "bob@acme.example", Role::Viewer, 5);
    store
        .put_invitation(world.organization, &back)
        .await
        .unwrap();
    let known = Joining::Known(bob.user_id);
    store
        .accept_invitation(&[5; 32], MemberId(world.uuid()), known, at(6))
        .await
        .unwrap();
    let session = store.session(&[1; 32], at(7)).await.unwrap().unwrap();
    assert_eq!(session.active, None);
}

pub(super) async fn the_last_owner_stays(store: &dyn Store) {
    let world = World::new(store).await;
    let ann = owner(&world, "ann@acme.example").await;
    let bob = joined(&world, "bob@acme.example", Role::Admin).await;
    let organization = world.organization;
    let lower = async |id| {
        store
            .set_role(organization, id, Role::Owner, Role::Admin)
            .await
    };
    refused_as_conflict(lower(ann.id).await);
    refused_as_conflict(store.remove_member(organization, ann.id, Role::Owner).await);
    store
        .set_role(organization, bob.id, Role::Admin, Role::Owner)
        .await
        .unwrap();
    lower(ann.id).await.unwrap();
    refused_as_conflict(lower(bob.id).await);
    store
        .remove_member(organization, ann.id, Role::Admin)
        .await
        .unwrap();
    refused_as_conflict(store.remove_member(organization, bob.id, Role::Owner).await);
}

pub(super) async fn a_token_is_never_more_than_its_member(store: &dyn Store) {
    let world = World::new(store).await;
    owner(&world, "ann@acme.example").await;
    let bob = joined(&world, "bob@acme.example", Role::Member).await;
    let organization = world.organization;
    for (number, role) in [(1, Role::Viewer), (2, Role::Admin)] {
        let key = token(&bob, TokenId(world.uuid()), role, number);
        store.create_token(organization, &key).await.unwrap();
    }
    let role = async |number: u8| {
        let holder = store.token_holder(&[number; 32], at(9)).await.unwrap();
        let holder = holder.unwrap();
        assert_eq!(holder.member_id, Some(bob.id));
        holder.role
    };
    assert_eq!((role(1).await, role(2).await), (Role::Viewer, Role::Member));
    store
        .set_role(organization, bob.id, Role::Member, Role::Owner)
        .await
        .unwrap();
    assert_eq!((role(1).await, role(2).await), (Role::Viewer, Role::Admin));
    store
        .set_role(organization, bob.id, Role::Owner, Role::Viewer)
        .await
        .unwrap();
    assert_eq!((role(1).await, role(2).await), (Role::Viewer, Role::Viewer));
    let listed = store.tokens(organization).await.unwrap();
    assert_eq!(listed[1].member.as_deref(), Some("bob@acme.example"));
}

pub(super) async fn an_invitation_works_once_and_in_time(store: &dyn Store) {
    let world = World::new(store).await;
    owner(&world, "ann@acme.example").await;
    let organization = world.organization;
    let first = invitation(&world, "bob@acme.example", Role::Member, 1);
    let second = invitation(&world, "bob@acme.example", Role::Viewer, 2);
    store.put_invitation(organization, &first).await.unwrap();
    store.put_invitation(organization, &second).await.unwrap();
    assert_eq!(
        store.invitation_of_link(&[1; 32], at(3)).await.unwrap(),
        None
    );
    let found = store.invitation_of_link(&[2; 32], at(3)).await.unwrap();
    let listed = store.invitations(organization, at(3)).await.unwrap();
    assert_eq!(listed, [found.clone().unwrap()]);
    assert_eq!(listed[0].organization_id, organization);
    assert_eq!((listed[0].id, listed[0].role), (second.id, Role::Viewer));

    let late = store.invitation_of_link(&[2; 32], at(1_000)).await.unwrap();
    assert_eq!(late, None);
    assert_eq!(
        store.invitations(organization, at(1_000)).await.unwrap(),
        []
    );
    let accept = async |number: u8, now| {
        let joining = Joining::New(user(&world, "bob@acme.example"));
        store
            .accept_invitation(&[number; 32], MemberId(world.uuid()), joining, at(now))
            .await
    };
    refused_as_not_found(accept(1, 4).await);
    refused_as_not_found(accept(2, 1_000).await);
    assert_eq!(accept(2, 4).await.unwrap().role, Role::Viewer);
    refused_as_not_found(accept(2, 5).await);
    refused_as_conflict(store.put_invitation(organization, &first).await);

    let third = invitation(&world, "eve@acme.example", Role::Member, 3);
    store.put_invitation(organization, &third).await.unwrap();
    store
        .delete_invitation(organization, third.id)
        .await
        .unwrap();
    refused_as_not_found(store.delete_invitation(organization, third.id).await);
    refused_as_not_found(accept(3, 6).await);
}

pub(super) async fn an_invitation_is_for_its_address(store: &dyn Store) {
    let world = World::new(store).await;
    let ann = owner(&world, "ann@acme.example").await;
    let organization = world.organization;
    let invited = invitation(&world, "bob@acme.example", Role::Admin, 1);
    store.put_invitation(organization, &invited).await.unwrap();
    let accept = async |joining| {
        store
            .accept_invitation(&[1; 32], MemberId(world.uuid()), joining, at(2))
            .await
    };
    refused_as_not_found(accept(Joining::New(user(&world, "eve@acme.example"))).await);
    refused_as_not_found(accept(Joining::Known(ann.user_id)).await);
    // Nobody's account is taken over by making it again.
    refused_as_conflict(accept(Joining::New(user(&world, "ann@acme.example"))).await);
    assert!(
        store
            .user_by_email("eve@acme.example")
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(store.members(organization).await.unwrap(), [ann]);
    let bob = accept(Joining::New(user(&world, "bob@acme.example"))).await;
    assert_eq!(bob.unwrap().role, Role::Admin);
}

pub(super) async fn a_user_joins_a_further_organization(store: &dyn Store) {
    let ours = World::numbered(store, 1).await;
    let theirs = World::numbered(store, 2).await;
    owner(&ours, "ann@acme.example").await;
    let bob = owner(&theirs, "bob@acme.example").await;
    let invited = invitation(&ours, "bob@acme.example", Role::Viewer, 1);
    store
        .put_invitation(ours.organization, &invited)
        .await
        .unwrap();
    let joined = store
        .accept_invitation(
            &[1; 32],
            MemberId(ours.uuid()),
            Joining::Known(bob.user_id),
            at(2),
        )
        .await
        .unwrap();
    assert_eq!(joined.user_id, bob.user_id);
    let listed = store.organizations_of_user(bob.user_id).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|(o, role)| (o.id, *role)).collect();
    assert_eq!(
        listed,
        [
            (ours.organization, Role::Viewer),
            (theirs.organization, Role::Owner)
        ]
    );
}

pub(super) async fn people_and_tokens_are_listed_page_by_page(store: &dyn Store) {
    let world = World::new(store).await;
    let other = World::numbered(store, 2).await;
    owner(&other, "eve@other.example").await;
    let ann = owner(&world, "ann@acme.example").await;
    let mut members = vec![ann.clone()];
    for name in ["bob", "cem"] {
        members.push(joined(&world, &format!("{name}@acme.example"), Role::Member).await);
    }
    let organization = world.organization;
    for number in 1..=3 {
        let email = format!("guest{number}@acme.example");
        let guest = invitation(&world, &email, Role::Viewer, number);
        store.put_invitation(organization, &guest).await.unwrap();
        let key = token(&ann, TokenId(world.uuid()), Role::Viewer, number);
        store.create_token(organization, &key).await.unwrap();
    }
    let first = store.members_page(organization, None, 2).await.unwrap();
    assert_eq!(first.items, members[..2]);
    let after = first.next.as_deref();
    assert!(after.is_some());
    // Where a page ends is known also when its last entry is gone.
    store
        .remove_member(organization, members[1].id, Role::Member)
        .await
        .unwrap();
    let second = store.members_page(organization, after, 2).await.unwrap();
    assert_eq!((second.items, second.next), (members[2..].to_vec(), None));
    let page = store.tokens_page(organization, after, 2).await;
    assert_eq!(refused_as_not_found(page), "cursor");

    let (now, all) = (at(9), store.invitations(organization, at(9)).await.unwrap());
    let first = store.invitations_page(organization, now, None, 2).await;
    let first = first.unwrap();
    let after = first.next.as_deref();
    let second = store.invitations_page(organization, now, after, 2).await;
    let second = second.unwrap();
    assert_eq!([first.items, second.items].concat(), all);
    assert_eq!((all.len(), second.next), (3, None));
    let expired = store
        .invitations_page(organization, at(1_000), None, 2)
        .await;
    assert_eq!(expired.unwrap().items, []);

    let all = store.tokens(organization).await.unwrap();
    let first = store.tokens_page(organization, None, 2).await.unwrap();
    let after = first.next.as_deref();
    let second = store.tokens_page(organization, after, 2).await.unwrap();
    assert_eq!([first.items, second.items].concat(), all);
    assert_eq!((all.len(), second.next), (3, None));
}

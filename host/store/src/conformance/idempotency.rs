//! Keys of requests that may be repeated.

use partneros_domain::Timestamp;

use super::world::World;
use crate::{KeptAnswer, RequestKey, Store, Taken};

const KEY: RequestKey = RequestKey {
    hash: [1; 32],
    fingerprint: [2; 32],
};
const NEVER: Timestamp = Timestamp(0);

pub(super) async fn a_key_is_taken_once_and_its_answer_given_again(store: &dyn Store) {
    let world = World::numbered(store, 1).await;
    let other = World::numbered(store, 2).await;
    let take = async |world: &World<'_>, key, at| {
        let organization = world.organization;
        store
            .take_key(organization, key, Timestamp(at), NEVER)
            .await
            .unwrap()
    };
    assert_eq!(take(&world, KEY, 1).await, Taken::Now);
    assert_eq!(take(&world, KEY, 2).await, Taken::Unfinished);
    assert_eq!(take(&other, KEY, 2).await, Taken::Now);
    let answer = KeptAnswer {
        status: 201,
        entity_tag: Some("\"7\"".to_owned()),
        body: b"{}".to_vec(),
    };
    store
        .keep_answer(world.organization, KEY, answer.clone())
        .await
        .unwrap();
    assert_eq!(take(&world, KEY, 3).await, Taken::Answered(answer));
    assert_eq!(take(&other, KEY, 3).await, Taken::Unfinished);
    let another = RequestKey {
        fingerprint: [3; 32],
        ..KEY
    };
    assert_eq!(take(&world, another, 3).await, Taken::Other);
}

pub(super) async fn a_key_is_free_again_when_nothing_changed_or_long_after(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let take = async |at, forget_until| {
        let (at, forget_until) = (Timestamp(at), Timestamp(forget_until));
        store
            .take_key(organization, KEY, at, forget_until)
            .await
            .unwrap()
    };
    assert_eq!(take(1, 0).await, Taken::Now);
    store.free_key(organization, KEY).await.unwrap();
    assert_eq!(take(2, 0).await, Taken::Now);
    assert_eq!(take(3, 1).await, Taken::Unfinished);
    assert_eq!(take(4, 2).await, Taken::Now);
}

//! No method shows or touches what belongs to another organization.

use partneros_domain::{HubSpotId, Mappings, PairId, PairState, RecordId, TokenId};

use super::world::{OBJECT, World, at, new_connection, refused_as_not_found, tokens};
use crate::{ConnectionStatus, NewApiToken, PairPatch, RecordPatch, RunOutcome, Store, TokenSet};

pub(super) async fn what_belongs_to_another_organization_does_not_exist(store: &dyn Store) {
    let ours = World::numbered(store, 1).await;
    let theirs = World::numbered(store, 2).await;
    let id = theirs.pulled(7).await;
    let record = theirs.edit(id, "edited", 30).await;
    let stranger = Stranger {
        store,
        ours: &ours,
        theirs: &theirs,
    };
    stranger.tries_the_connection().await;
    stranger.tries_the_pair().await;
    stranger.tries_the_records(id).await;
    stranger.tries_the_sync(id).await;
    stranger.tries_the_run().await;

    assert_eq!(theirs.read(id).await.unwrap(), record);
    assert_eq!(theirs.waiting(theirs.pair, 100).await, [(id, 0)]);
    let pair = store.pair(theirs.organization, theirs.pair).await.unwrap();
    assert_eq!(pair.state, PairState::Active);
    let connection = store
        .connection(theirs.organization, theirs.connection)
        .await
        .unwrap();
    assert_eq!(connection.status, ConnectionStatus::Active);
    store
        .renew_lease(theirs.organization, theirs.lease, at(2_000))
        .await
        .unwrap();
}

/// Tries each method with its own organization and the others' ids.
struct Stranger<'a> {
    store: &'a dyn Store,
    ours: &'a World<'a>,
    theirs: &'a World<'a>,
}

impl Stranger<'_> {
    async fn tries_the_connection(&self) {
        let (store, organization, id) =
            (self.store, self.ours.organization, self.theirs.connection);
        let gone = ConnectionStatus::Disconnected;
        refused_as_not_found(store.connection(organization, id).await);
        refused_as_not_found(store.connection_tokens(organization, id).await);
        refused_as_not_found(store.disconnect(organization, id, at(1)).await);
        refused_as_not_found(
            store
                .set_connection_status(organization, id, gone, None, at(1))
                .await,
        );
        let stolen: TokenSet = tokens("stolen");
        refused_as_not_found(store.replace_tokens(organization, id, 1, &stolen).await);
        refused_as_not_found(store.replace_schemas(organization, id, &[], at(1)).await);
        refused_as_not_found(store.schemas(organization, id).await);
        refused_as_not_found(store.schema(organization, id, "companies").await);
        refused_as_not_found(store.pairs(organization, id).await);
        // An id that is taken elsewhere does not lead to its connection.
        let theft = store
            .put_connection(organization, new_connection(id, 99))
            .await;
        assert!(theft.is_err(), "{theft:?}");
        let listed = store.connections(organization).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].id, self.ours.connection);
        let token = NewApiToken {
            id: TokenId(self.theirs.uuid()),
            name: "theirs".to_owned(),
            hash: [1; 32],
            created_at: at(1),
        };
        store
            .create_token(self.theirs.organization, &token)
            .await
            .unwrap();
        refused_as_not_found(store.delete_token(organization, token.id).await);
        assert_eq!(store.tokens(organization).await.unwrap(), []);
    }

    async fn tries_the_pair(&self) {
        let (store, organization, id) = (self.store, self.ours.organization, self.theirs.pair);
        let paused = PairState::Paused;
        refused_as_not_found(store.pair(organization, id).await);
        refused_as_not_found(
            store
                .update_pair(organization, id, &PairPatch::default())
                .await,
        );
        refused_as_not_found(store.set_pair_state(organization, id, paused, at(1)).await);
        refused_as_not_found(store.delete_pair(organization, id).await);
        refused_as_not_found(store.mappings(organization, id).await);
        let none = Mappings::default();
        refused_as_not_found(store.put_mappings(organization, id, 0, &none).await);
        refused_as_not_found(store.schedule_pair(organization, id, at(1)).await);
        let mut foreign = store.pair(self.theirs.organization, id).await.unwrap();
        foreign.id = PairId(self.ours.uuid());
        "deals".clone_into(&mut foreign.hubspot_object);
        refused_as_not_found(store.create_pair(organization, &foreign).await);
    }

    async fn tries_the_records(&self, id: RecordId) {
        let (store, organization) = (self.store, self.ours.organization);
        refused_as_not_found(store.record(organization, OBJECT, id).await);
        let patch = RecordPatch::default();
        refused_as_not_found(
            store
                .update_record(organization, OBJECT, id, patch, at(1))
                .await,
        );
        refused_as_not_found(store.delete_record(organization, OBJECT, id, at(1)).await);
        let page = store.records(organization, OBJECT, None, 9).await.unwrap();
        assert_eq!(page.items, []);
        assert_eq!(store.count_records(organization, OBJECT).await.unwrap(), 0);
        let pair = self.ours.pair;
        let records = store.unlinked_records(organization, pair, &[id]).await;
        assert_eq!(records.unwrap(), []);
        let keys = store
            .unlinked_keys(organization, pair, &"name".into())
            .await;
        assert_eq!(keys.unwrap(), []);
        let deleted = store.deleted_records(organization, pair, &[id]).await;
        assert_eq!(deleted.unwrap(), []);
        assert_eq!(store.count_edits(organization, pair).await.unwrap(), 0);
        let link = store.link_of_record(organization, pair, id).await;
        assert_eq!(link.unwrap(), None);
    }

    async fn tries_the_sync(&self, id: RecordId) {
        let (store, organization, pair) = (self.store, self.ours.organization, self.theirs.pair);
        let lease = self.theirs.lease;
        refused_as_not_found(
            store
                .acquire_lease(organization, pair, at(5_000), at(6_000))
                .await,
        );
        refused_as_not_found(store.renew_lease(organization, lease, at(1)).await);
        refused_as_not_found(store.release_lease(organization, lease).await);
        refused_as_not_found(store.cursor(organization, pair).await);
        refused_as_not_found(store.set_cursor(organization, pair, None).await);
        let hubspot_ids = [HubSpotId(7)];
        refused_as_not_found(
            store
                .links_by_hubspot_id(organization, pair, &hubspot_ids)
                .await,
        );
        refused_as_not_found(store.unlinked_records(organization, pair, &[id]).await);
        refused_as_not_found(
            store
                .unlinked_keys(organization, pair, &"name".into())
                .await,
        );
        refused_as_not_found(store.deleted_records(organization, pair, &[id]).await);
        refused_as_not_found(store.count_edits(organization, pair).await);
        refused_as_not_found(store.rejected_objects(organization, pair, "a").await);
        refused_as_not_found(store.parked(organization, pair).await);
        refused_as_not_found(store.count_links(organization, pair).await);
        refused_as_not_found(store.count_outbox(organization, pair).await);
        refused_as_not_found(store.outbox(organization, pair, at(99), None, 9).await);
        refused_as_not_found(store.requeue(organization, pair, false, at(99)).await);
        refused_as_not_found(store.commit(organization, self.theirs.batch(vec![])).await);
        refused_as_not_found(store.conflicts(organization, pair, None, 9).await);
        refused_as_not_found(store.failures(organization, pair, None, 9).await);
        refused_as_not_found(store.link_of_record(organization, pair, id).await);
    }

    async fn tries_the_run(&self) {
        let (store, organization) = (self.store, self.ours.organization);
        let (pair, id) = (self.theirs.pair, self.theirs.run);
        let done = RunOutcome::Succeeded;
        refused_as_not_found(store.run(organization, id).await);
        refused_as_not_found(store.runs(organization, pair, None, 9).await);
        refused_as_not_found(store.finish_run(organization, id, done, None, at(9)).await);
        let run = self.theirs.new_run(id, 9);
        refused_as_not_found(store.start_run(organization, &run).await);
        // Nor does a commit of ours count into their run.
        let mut stray = self.ours.batch(vec![]);
        stray.run_id = id;
        refused_as_not_found(store.commit(organization, stray).await);
    }
}

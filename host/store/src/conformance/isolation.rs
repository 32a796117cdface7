//! No method shows or touches what belongs to another organization.

use partneros_domain::{
    AlertKind, Digest, EventType, HubSpotId, Mappings, PairId, PairState, RecordId, Role, TokenId,
};

use super::alerts::{act, alert};
use super::audit::event;
use super::people;
use super::plugin_world::{candidate, new_setup, parts};
use super::webhooks::webhook;
use super::world::{OBJECT, World, at, new_connection, refused_as_not_found, tokens};
use crate::{
    Attempt, AuditFigures, BindingScope, BrakeLimit, BrakeVerdict, ConnectionStatus,
    DisabledReason, EventFilter, LinkStep, MapperParts, NewApiToken, PairAudit, PairPatch, Parting,
    RecordPatch, Rounds, RunOutcome, Store, TokenSet, TrustedKey, VersionState, Watched,
    WebhookPatch,
};

pub(super) async fn what_belongs_to_another_organization_does_not_exist(store: &dyn Store) {
    let ours = World::numbered(store, 1).await;
    let theirs = World::numbered(store, 2).await;
    let id = theirs.pulled(7).await;
    let record = theirs.edit(id, "edited", 30).await;
    let version = theirs.version("mapper", "theirs").await;
    let binding = theirs
        .bind(BindingScope::Pair(theirs.pair), &[version])
        .await;
    let stranger = Stranger {
        store,
        ours: &ours,
        theirs: &theirs,
    };
    stranger.tries_the_connection().await;
    stranger.tries_the_members().await;
    stranger.tries_the_pair().await;
    stranger.tries_the_records(id).await;
    stranger.tries_the_sync(id).await;
    stranger.tries_the_former_links(id).await;
    stranger.tries_the_hints().await;
    stranger.tries_the_brake().await;
    stranger.tries_the_pair_audits().await;
    stranger.tries_the_run().await;
    stranger.tries_the_plugin(version).await;
    stranger.tries_the_bindings(version).await;
    stranger.tries_the_activity(version).await;
    stranger.tries_the_audit().await;
    stranger.tries_the_webhooks().await;

    let kept = store.plugin_version(theirs.organization, version).await;
    assert_eq!(kept.unwrap().state, VersionState::Active);
    let bindings = store.bindings(theirs.organization).await.unwrap();
    assert_eq!(bindings, [binding]);
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
                .set_connection_status(organization, id, at(1), gone, None, at(1))
                .await,
        );
        let stolen: TokenSet = tokens("stolen");
        refused_as_not_found(store.replace_tokens(organization, id, 1, &stolen).await);
        refused_as_not_found(store.replace_schemas(organization, id, &[], at(1)).await);
        refused_as_not_found(store.schemas(organization, id).await);
        refused_as_not_found(store.schemas_read_at(organization, id).await);
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
            member: None,
            role: Role::Admin,
            created_at: at(1),
            expires_at: None,
        };
        store
            .create_token(self.theirs.organization, &token)
            .await
            .unwrap();
        refused_as_not_found(store.delete_token(organization, token.id).await);
        assert_eq!(store.tokens(organization).await.unwrap(), []);
    }

    async fn tries_the_members(&self) {
        let (store, organization) = (self.store, self.ours.organization);
        let owner = people::owner(self.theirs, "owner@theirs.example").await;
        let invited = people::invitation(self.theirs, "new@theirs.example", Role::Member, 7);
        store
            .put_invitation(self.theirs.organization, &invited)
            .await
            .unwrap();
        refused_as_not_found(store.member(organization, owner.id).await);
        refused_as_not_found(
            store
                .set_role(organization, owner.id, Role::Owner, Role::Viewer)
                .await,
        );
        refused_as_not_found(
            store
                .remove_member(organization, owner.id, Role::Owner)
                .await,
        );
        assert_eq!(store.members(organization).await.unwrap(), []);
        refused_as_not_found(store.delete_invitation(organization, invited.id).await);
        let listed = store.invitations(organization, at(1)).await.unwrap();
        assert_eq!(listed, []);
        let token = people::token(&owner, TokenId(self.ours.uuid()), Role::Viewer, 8);
        refused_as_not_found(store.create_token(organization, &token).await);
        let session = people::session(&owner, Some(organization), 9);
        refused_as_not_found(store.create_session(&session, 9).await);
        let session = people::session(&owner, None, 9);
        store.create_session(&session, 9).await.unwrap();
        refused_as_not_found(store.set_active_organization(&[9; 32], organization).await);
        let session = store.session(&[9; 32], at(1)).await.unwrap().unwrap();
        assert_eq!(session.active, None);
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
        let setup = new_setup(0);
        refused_as_not_found(store.put_setup(organization, id, setup).await);
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
        refused_as_not_found(store.rejected_among(organization, pair, &hubspot_ids).await);
        refused_as_not_found(store.parked(organization, pair).await);
        refused_as_not_found(store.count_links(organization, pair).await);
        refused_as_not_found(store.count_outbox(organization, pair).await);
        refused_as_not_found(store.tugs(organization, pair).await);
        refused_as_not_found(store.last_success(organization, pair).await);
        refused_as_not_found(store.waiting_since(organization, pair).await);
        refused_as_not_found(store.waiting_since(organization, pair).await);
        refused_as_not_found(store.outbox(organization, pair, at(99), None, 9).await);
        refused_as_not_found(store.requeue(organization, pair, false, at(99)).await);
        refused_as_not_found(store.commit(organization, self.theirs.batch(vec![])).await);
        refused_as_not_found(store.conflicts(organization, pair, None, 9).await);
        refused_as_not_found(store.failures(organization, pair, None, 9).await);
        refused_as_not_found(store.link_of_record(organization, pair, id).await);
    }

    async fn tries_the_former_links(&self, id: RecordId) {
        let (store, organization, pair) = (self.store, self.ours.organization, self.theirs.pair);
        let (lease, ids) = (self.theirs.lease, [HubSpotId(7)]);
        let end = LinkStep::End {
            hubspot_id: ids[0],
            parting: Parting::Archived,
            merged_into: None,
        };
        let commit = self.theirs.link_commit(vec![end]);
        refused_as_not_found(store.commit_links(organization, commit).await);
        refused_as_not_found(store.former_links(organization, pair, &ids).await);
        refused_as_not_found(
            store
                .restorable_objects(organization, pair, at(0), None, 9)
                .await,
        );
        refused_as_not_found(store.doomed_objects(organization, pair, 9).await);
        let noted = store.note_missing(organization, lease, &ids, at(1)).await;
        refused_as_not_found(noted);
        refused_as_not_found(store.note_found(organization, lease, &ids).await);
        refused_as_not_found(store.forget_rejected(organization, lease, &ids).await);
        let missing = store.missing_objects(organization, pair, at(9), 9).await;
        refused_as_not_found(missing);
        refused_as_not_found(store.linked_objects(organization, pair, None, 9).await);
        refused_as_not_found(store.rounds(organization, pair).await);
        let rounds = Rounds::default();
        refused_as_not_found(store.set_rounds(organization, lease, rounds).await);
        refused_as_not_found(store.detached_records(organization, pair, None, 9).await);
        refused_as_not_found(store.count_detached(organization, pair, None).await);
        let stolen = || act(self.ours, "thief", 2);
        let released = store.release_record(organization, pair, id, stolen()).await;
        assert_eq!(refused_as_not_found(released), "object pair");
        let own = self.ours.pair;
        let released = store.release_record(organization, own, id, stolen()).await;
        assert_eq!(refused_as_not_found(released), "record");
    }

    async fn tries_the_hints(&self) {
        let (store, organization) = (self.store, self.ours.organization);
        refused_as_not_found(
            store
                .hinted_objects(organization, self.theirs.pair, 1)
                .await,
        );
        refused_as_not_found(
            store
                .forget_hints(organization, self.theirs.lease, &[])
                .await,
        );
    }

    async fn tries_the_brake(&self) {
        let (store, organization, pair) = (self.store, self.ours.organization, self.theirs.pair);
        let (lease, run) = (self.theirs.lease, self.theirs.run);
        let limit = BrakeLimit {
            since: at(0),
            records_min: 9,
            share_percent: 9,
        };
        let watched = Watched {
            limit,
            changes: Vec::new(),
        };
        let noted = store
            .note_changes(organization, lease, watched, at(1))
            .await;
        refused_as_not_found(noted);
        let told = event(self.ours, EventType::PairBraked, 1);
        let pulled = store.pull_brake(organization, lease, run, Vec::new(), told);
        refused_as_not_found(pulled.await);
        refused_as_not_found(store.brakes(organization, pair).await);
        let approved = BrakeVerdict::Approved;
        let stolen = act(self.ours, "thief", 2);
        let decided = store.decide_brakes(organization, pair, approved, at(9), stolen);
        refused_as_not_found(decided.await);
        refused_as_not_found(store.end_brakes(organization, lease).await);
    }

    async fn tries_the_pair_audits(&self) {
        let (store, organization) = (self.store, self.ours.organization);
        let (pair, lease) = (self.theirs.pair, self.theirs.lease);
        refused_as_not_found(store.linked_range(organization, pair, None, None, 9).await);
        let ids = [HubSpotId(7)];
        refused_as_not_found(store.unlinked_reasons(organization, pair, &ids).await);
        let lost = store.enqueue_lost(organization, lease, None, 9, at(1));
        refused_as_not_found(lost.await);
        let audit = PairAudit {
            run_id: self.theirs.run,
            as_of: at(1),
            finished_at: at(2),
            figures: AuditFigures::default(),
            samples: Vec::new(),
        };
        let told = event(self.ours, EventType::SyncAudited, 1);
        refused_as_not_found(
            store
                .put_pair_audit(organization, lease, &audit, told)
                .await,
        );
        refused_as_not_found(store.pair_audits(organization, pair, None, 9).await);
    }

    async fn tries_the_run(&self) {
        let (store, organization) = (self.store, self.ours.organization);
        let (pair, id) = (self.theirs.pair, self.theirs.run);
        let (lease, end) = (self.theirs.lease, self.theirs.end(RunOutcome::Succeeded, 9));
        refused_as_not_found(store.run(organization, id).await);
        refused_as_not_found(store.runs(organization, pair, None, 9).await);
        refused_as_not_found(store.finish_run(organization, lease, end).await);
        let run = self.theirs.new_run(id, 9);
        refused_as_not_found(store.start_run(organization, &run).await);
        // Nor does a commit of ours count into their run.
        let mut stray = self.ours.batch(vec![]);
        stray.run_id = id;
        refused_as_not_found(store.commit(organization, stray).await);
    }

    async fn tries_the_plugin(&self, digest: Digest) {
        let (store, organization) = (self.store, self.ours.organization);
        refused_as_not_found(store.plugin_version(organization, digest).await);
        refused_as_not_found(store.plugin_bytes(organization, digest).await);
        refused_as_not_found(store.plugin_versions(organization, "mapper").await);
        refused_as_not_found(store.delete_plugin_version(organization, digest).await);
        refused_as_not_found(
            store
                .quarantine_version(organization, digest, "stolen", at(1))
                .await,
        );
        refused_as_not_found(store.release_version(organization, digest).await);
        let page = store.plugins(organization, None, 9).await.unwrap();
        assert_eq!(page.items, []);
        let key = TrustedKey {
            name: "theirs".to_owned(),
            public_key: [1; 32],
            created_at: at(1),
        };
        let owner = self.theirs.organization;
        store.put_trusted_key(owner, key).await.unwrap();
        refused_as_not_found(store.delete_trusted_key(organization, "theirs").await);
        assert_eq!(store.trusted_keys(organization).await.unwrap(), []);
    }

    async fn tries_the_bindings(&self, digest: Digest) {
        let (store, organization) = (self.store, self.ours.organization);
        for scope in [
            BindingScope::Connection(self.theirs.connection),
            BindingScope::Pair(self.theirs.pair),
        ] {
            let none = MapperParts::default();
            refused_as_not_found(store.binding(organization, scope).await);
            refused_as_not_found(store.bind(organization, scope, None, none, at(1)).await);
            refused_as_not_found(store.roll_back(organization, scope, None, at(1)).await);
            refused_as_not_found(store.unbind(organization, scope).await);
            let tried = Some(candidate(&[]));
            refused_as_not_found(store.set_candidate(organization, scope, tried).await);
            refused_as_not_found(
                store
                    .note_plugin_outcome(organization, scope, 1, true)
                    .await,
            );
        }
        let pair = self.theirs.pair;
        refused_as_not_found(store.effective_binding(organization, pair).await);
        // Nor does their version run for us.
        let scope = BindingScope::Pair(self.ours.pair);
        let stolen = parts(&[digest]);
        refused_as_not_found(store.bind(organization, scope, None, stolen, at(1)).await);
        let tried = Some(candidate(&[digest]));
        refused_as_not_found(store.set_candidate(organization, scope, tried).await);
        assert_eq!(store.bindings(organization).await.unwrap(), []);
    }

    async fn tries_the_activity(&self, digest: Digest) {
        let (store, organization) = (self.store, self.ours.organization);
        let (theirs, pair) = (self.theirs, self.theirs.pair);
        let (usage, log) = (
            vec![theirs.usage(digest, 5)],
            vec![theirs.call_log(digest, 1)],
        );
        store
            .record_plugin_activity(theirs.organization, usage.clone(), log.clone(), 9)
            .await
            .unwrap();
        let record = async |usage, log| {
            store
                .record_plugin_activity(organization, usage, log, 0)
                .await
        };
        refused_as_not_found(record(usage.clone(), vec![]).await);
        refused_as_not_found(record(vec![], log.clone()).await);
        // Our log of the same digest prunes ours only.
        let mut own = theirs.call_log(digest, 2);
        own.pair = None;
        record(vec![], vec![own]).await.unwrap();
        let seen = store.plugin_logs(organization, digest, None, 9).await;
        assert_eq!(seen.unwrap().items, []);
        let kept = store
            .plugin_logs(theirs.organization, digest, None, 9)
            .await;
        assert_eq!(kept.unwrap().items, log);
        refused_as_not_found(store.plugin_usage(organization, Some(pair), 0).await);
        let seen = store.plugin_usage(organization, None, 0).await.unwrap();
        assert_eq!(seen, []);
        let kept = store.plugin_usage(theirs.organization, None, 0).await;
        assert_eq!(kept.unwrap(), usage);
        let report = serde_json::json!({});
        refused_as_not_found(store.put_shadow_report(organization, pair, report).await);
        refused_as_not_found(store.shadow_report(organization, pair).await);
        refused_as_not_found(store.delete_shadow_report(organization, pair).await);
    }

    async fn tries_the_audit(&self) {
        let (store, organization) = (self.store, self.ours.organization);
        let (theirs, owner) = (self.theirs, self.theirs.organization);
        let done = event(theirs, EventType::PluginUploaded, 1);
        store.append_event(owner, done).await.unwrap();
        let trouble = alert(theirs, AlertKind::PluginQuarantined, "mapper", 1);
        let open = store.open_alert(owner, trouble).await.unwrap();
        let events = store
            .events(organization, &EventFilter::default(), None, 9)
            .await
            .unwrap();
        assert_eq!(events.items, []);
        let quarantined = AlertKind::PluginQuarantined;
        let stolen = || act(self.ours, "thief", 2);
        let resolved = store
            .resolve_trouble(organization, quarantined, "mapper", stolen())
            .await;
        assert!(!resolved.unwrap());
        let last = store.last_alert(organization, quarantined, "mapper").await;
        assert_eq!(last.unwrap(), None);
        refused_as_not_found(
            store
                .acknowledge_alert(organization, open.id, stolen())
                .await,
        );
        refused_as_not_found(store.resolve_alert(organization, open.id, stolen()).await);
        let ours = alert(self.ours, AlertKind::PluginQuarantined, "mapper", 3);
        let ours = store.open_alert(organization, ours).await.unwrap();
        let listed = store.alerts(organization, &[], None, 9).await.unwrap();
        assert_eq!(listed.items, [ours]);
        let listed = store.alerts(owner, &[], None, 9).await.unwrap();
        assert_eq!(listed.items, [open]);
    }

    async fn tries_the_webhooks(&self) {
        let (store, organization) = (self.store, self.ours.organization);
        let id = webhook(self.theirs, &["webhook."]).await.id;
        let tested = event(self.theirs, EventType::WebhookTested, 1);
        let owner = self.theirs.organization;
        store.append_event(owner, tested.clone()).await.unwrap();
        refused_as_not_found(store.webhook(organization, id).await);
        let patch = WebhookPatch::default();
        refused_as_not_found(store.update_webhook(organization, id, patch, at(2)).await);
        refused_as_not_found(store.delete_webhook(organization, id).await);
        let secret = "whsec_stolen".to_owned().into();
        refused_as_not_found(
            store
                .rotate_webhook_secret(organization, id, secret, at(2))
                .await,
        );
        let stolen = event(self.ours, EventType::WebhookTested, 2);
        refused_as_not_found(store.tell_webhook(organization, id, stolen.clone()).await);
        refused_as_not_found(store.deliveries(organization, id, None, None, 9).await);
        let retried = store.retry_delivery(organization, id, tested.id, at(2));
        refused_as_not_found(retried.await);
        let claimed = store.claim_delivery(organization, id, at(9), at(10)).await;
        assert!(claimed.unwrap().is_none());
        let arrived = Attempt::Delivered { status: 200 };
        let settled = store.settle_delivery(organization, id, (tested.id, 0), arrived, at(9));
        refused_as_not_found(settled.await);
        let (reason, alert) = (
            DisabledReason::Failing,
            alert(self.ours, AlertKind::WebhookDisabled, "theirs", 9),
        );
        let disabled = store.disable_webhook(organization, id, reason, alert);
        refused_as_not_found(disabled.await);
        assert_eq!(store.webhooks(organization).await.unwrap(), []);
        // Nor is their webhook told of what happens here.
        store.append_event(organization, stolen).await.unwrap();
        let read = store.webhook(owner, id).await.unwrap();
        assert_eq!((read.pending, read.disabled_at), (1, None));
    }
}

pub(super) async fn two_organizations_may_have_the_same_plugin(store: &dyn Store) {
    let ours = World::numbered(store, 1).await;
    let theirs = World::numbered(store, 2).await;
    let digest = ours.version("mapper", "shared").await;
    assert_eq!(theirs.version("mapper", "shared").await, digest);
    ours.bind(BindingScope::Organization, &[digest]).await;
    let state = async |world: &World<'_>| {
        let version = store.plugin_version(world.organization, digest).await;
        version.unwrap().state
    };
    assert_eq!(state(&ours).await, VersionState::Active);
    assert_eq!(state(&theirs).await, VersionState::Staged);
    theirs.bind(BindingScope::Organization, &[digest]).await;
    store
        .quarantine_version(theirs.organization, digest, "traps", at(1))
        .await
        .unwrap();
    store
        .unbind(theirs.organization, BindingScope::Organization)
        .await
        .unwrap();
    store
        .delete_plugin_version(theirs.organization, digest)
        .await
        .unwrap();
    assert_eq!(state(&ours).await, VersionState::Active);
    let bytes = store.plugin_bytes(ours.organization, digest).await;
    assert_eq!(bytes.unwrap(), b"shared");
    // The same bytes are free under any name of another organization.
    theirs.version("renamed", "shared").await;
}

//! An object pair under test.

use std::collections::BTreeMap;

use partneros_domain::{
    ConflictPolicy, DeletePolicy, FieldMapping, HubSpotId, MappingState, Mappings, PairId, RecordId,
};
use partneros_store::{
    ConflictEntry, Detached, FailureEntry, FormerLinks as _, PairAudit, PairAudits as _, PairPatch,
    Pairs as _, Run, RunOutcome, RunTrigger, SyncState as _,
};
use partneros_sync::Error;

use crate::agreement;
use crate::organization::TestOrganization;

/// How often HubSpot's archive is read.
const ARCHIVE_MS: i64 = 900_000;

/// An object pair under test.
#[derive(Debug, Clone)]
pub struct TestPair<'a> {
    /// Whose it is.
    pub organization: TestOrganization<'a>,
    /// The pair.
    pub id: PairId,
    /// The PartnerOS object.
    pub object: String,
    /// The HubSpot object.
    pub hubspot_object: String,
}

impl TestPair<'_> {
    /// Asks for suggestions and confirms every one that has a property and makes sense.
    pub async fn confirm_all(&self) {
        let organization = self.organization.id;
        let engine = &self.organization.host.engine;
        let (version, suggested) = engine
            .suggest(organization, self.id)
            .await
            .expect("suggestions");
        let decide = |mapping: FieldMapping| match &mapping.property {
            // The choices of the two sides have nothing in common, so a person would not confirm it.
            Some(property) if property.as_str() == "type" => FieldMapping {
                property: None,
                state: MappingState::Ignored,
                ..mapping
            },
            Some(_) => FieldMapping {
                state: MappingState::Confirmed,
                ..mapping
            },
            None => mapping,
        };
        let mappings = suggested
            .into_iter()
            .map(|entry| decide(entry.mapping))
            .collect();
        let mappings = Mappings(mappings);
        engine
            .save_mappings(organization, self.id, version, &mappings)
            .await
            .expect("sound mappings");
    }

    /// Changes one mapping.
    pub async fn map(&self, field: &str, change: impl FnOnce(&mut FieldMapping)) {
        let host = self.organization.host;
        let set = host
            .store
            .mappings(self.organization.id, self.id)
            .await
            .expect("mappings");
        let mut mappings = set.mappings;
        let mut mapping = mappings
            .get(field)
            .cloned()
            .unwrap_or_else(|| FieldMapping::unmapped(field.into(), ConflictPolicy::NewestWins));
        change(&mut mapping);
        mappings.set(mapping);
        host.engine
            .save_mappings(self.organization.id, self.id, set.version, &mappings)
            .await
            .expect("sound mappings");
    }

    /// Sets the conflict policy of a field.
    pub async fn policy(&self, field: &str, policy: ConflictPolicy) {
        self.map(field, |mapping| mapping.conflict_policy = policy)
            .await;
    }

    /// Sets what becomes of the other side of what is deleted.
    pub async fn deletes_by(&self, policy: DeletePolicy) {
        let patch = PairPatch {
            delete_policy: Some(policy),
            ..PairPatch::default()
        };
        let organization = self.organization.id;
        let store = &self.organization.host.store;
        let patched = store.update_pair(organization, self.id, &patch).await;
        patched.expect("the pair exists");
    }

    /// Runs the pair once HubSpot's archive is due to be read again. The run must succeed.
    pub async fn sync_after_a_while(&self) -> Run {
        self.organization.host.wait_ms(ARCHIVE_MS);
        self.sync().await
    }

    /// The records that are kept without an object, those that lost it last first.
    pub async fn detached(&self) -> Vec<Detached> {
        let store = &self.organization.host.store;
        let page = store
            .detached_records(self.organization.id, self.id, None, 500)
            .await;
        page.expect("detached records").items
    }

    /// Starts the pair.
    pub async fn activate(&self) {
        self.organization
            .host
            .engine
            .activate(self.organization.id, self.id)
            .await
            .expect("a sound pair");
    }

    /// Runs the pair, a second from now. The run must succeed.
    pub async fn sync(&self) -> Run {
        let run = self.try_sync().await;
        assert_eq!(run.outcome, RunOutcome::Succeeded, "{:?}", run.error);
        run
    }

    /// Runs the pair, a second from now, however it ends.
    pub async fn try_sync(&self) -> Run {
        let host = self.organization.host;
        host.wait_ms(1_000);
        let run = host
            .engine
            .run(self.organization.id, self.id, RunTrigger::Manual, false)
            .await;
        run.expect("the run is written down")
    }

    /// Runs the pair, a second from now, unless the brake has stopped it. Returns whether it has by then.
    pub async fn try_sync_unless_braked(&self) -> bool {
        let host = self.organization.host;
        host.wait_ms(1_000);
        let run = host
            .engine
            .run(self.organization.id, self.id, RunTrigger::Manual, false)
            .await;
        match run {
            Ok(run) => run.outcome != RunOutcome::Succeeded,
            Err(Error::Braked) => true,
            Err(error) => panic!("the run is not written down: {error}"),
        }
    }

    /// Audits the pair, a second from now. The run must succeed.
    pub async fn audit(&self) -> PairAudit {
        let host = self.organization.host;
        host.wait_ms(1_000);
        let begun = host
            .engine
            .begin_audit(self.organization.id, self.id, RunTrigger::Manual)
            .await
            .expect("nothing else runs");
        let run = host.engine.carry_out(begun).await;
        let run = run.expect("the run is written down");
        assert_eq!(run.outcome, RunOutcome::Succeeded, "{:?}", run.error);
        let audit = self.audits().await.into_iter().next();
        audit
            .filter(|audit| audit.run_id == run.id)
            .expect("the audit is written down")
    }

    /// The audits that went through, newest first.
    pub async fn audits(&self) -> Vec<PairAudit> {
        let store = &self.organization.host.store;
        let page = store
            .pair_audits(self.organization.id, self.id, None, 500)
            .await;
        page.expect("audits").items
    }

    /// The record that is linked to a HubSpot object.
    pub async fn record_of(&self, hubspot_id: u64) -> RecordId {
        self.find_record_of(hubspot_id)
            .await
            .expect("the object is linked")
    }

    /// The record that is linked to a HubSpot object, if any is.
    pub async fn find_record_of(&self, hubspot_id: u64) -> Option<RecordId> {
        let id = HubSpotId(i64::try_from(hubspot_id).expect("an id"));
        let store = &self.organization.host.store;
        let links = store
            .links_by_hubspot_id(self.organization.id, self.id, &[id])
            .await;
        links.expect("links").first().map(|entry| entry.record_id)
    }

    /// The version of every record.
    pub async fn versions(&self) -> BTreeMap<RecordId, i64> {
        let records = agreement::all_records(self).await;
        records
            .into_iter()
            .map(|record| (record.id, record.version))
            .collect()
    }

    /// The HubSpot object that is linked to a record.
    pub async fn object_of(&self, record: RecordId) -> u64 {
        let store = &self.organization.host.store;
        let link = store
            .link_of_record(self.organization.id, self.id, record)
            .await
            .expect("a link");
        u64::try_from(link.expect("the record is linked").hubspot_id.0).expect("an id")
    }

    /// The failures listed, newest first.
    pub async fn failures(&self) -> Vec<FailureEntry> {
        let store = &self.organization.host.store;
        store
            .failures(self.organization.id, self.id, None, 500)
            .await
            .expect("failures")
            .items
    }

    /// The conflicts listed, newest first.
    pub async fn conflicts(&self) -> Vec<ConflictEntry> {
        let store = &self.organization.host.store;
        store
            .conflicts(self.organization.id, self.id, None, 500)
            .await
            .expect("conflicts")
            .items
    }

    /// Both sides hold the same in every field that is mapped, for every record; and each record has one object.
    pub async fn assert_agreement(&self) {
        agreement::assert_agreement(self).await;
    }

    pub(crate) fn organization(&self) -> TestOrganization<'_> {
        self.organization
    }
}

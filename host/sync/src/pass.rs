//! One pass over a pair: what all its steps share.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use partneros_domain::{OrganizationId, RecordId, RunId};
use partneros_hubspot::{Portal, Priority, Rows};
use partneros_store::{Binding, Lease};
use tokio_util::sync::CancellationToken;

use crate::absorb::match_text;
use crate::brake::PassBrake;
use crate::engine::Parts;
use crate::error::Error;
use crate::key_property;
use crate::pair_plan::PairPlan;
use crate::plugins::{Mapper, SplitPlan};
use crate::tally::Tally;

/// A pass under way.
pub struct Pass {
    /// The engine's parts.
    pub engine: Arc<Parts>,
    /// Whose pair it is.
    pub organization: OrganizationId,
    /// The run.
    pub run_id: RunId,
    /// The right to write.
    pub lease: Lease,
    /// The pair made ready.
    pub plan: Arc<PairPlan>,
    /// What maps the records.
    pub mapper: Arc<Mapper>,
    /// HubSpot to PartnerOS, by plugin.
    pub inbound: Arc<SplitPlan>,
    /// PartnerOS to HubSpot, by plugin.
    pub outbound: Arc<SplitPlan>,
    /// The portal.
    pub portal: Arc<dyn Portal>,
    /// Whom the pass serves.
    pub priority: Priority,
    /// The version of the mappings that the plan was made of.
    mapping_version: i64,
    /// Ends the pass between two commits.
    pub stop: CancellationToken,
    /// How much may change.
    pub brake: Arc<PassBrake>,
    /// What is written down with the end of the run.
    pub tally: Tally,
    /// Whether the property that carries our record ids was found to be there.
    key_property_ready: bool,
    /// Match keys of HubSpot objects that several of our records share. Those records wait for a person, since pushing
    /// them would make duplicates.
    pub ambiguous: HashSet<String>,
    /// Unlinked records by match key, once they were needed, and how many edits there had been by then.
    unlinked: Option<(u64, HashMap<String, KeyMatch>)>,
}

/// Which unlinked record has a match key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMatch {
    /// None.
    None,
    /// This one.
    One(RecordId),
    /// Several, so it is for a person to say.
    Several,
}

/// What a pass is made of.
pub struct PassStart {
    /// The engine's parts.
    pub engine: Arc<Parts>,
    /// Whose pair it is.
    pub organization: OrganizationId,
    /// The run.
    pub run_id: RunId,
    /// The right to write.
    pub lease: Lease,
    /// The portal.
    pub portal: Arc<dyn Portal>,
    /// What maps the records.
    pub mapper: Arc<Mapper>,
    /// The version of the mappings that the plan was made of.
    pub mapping_version: i64,
    /// Whom the pass serves.
    pub priority: Priority,
    /// Ends the pass between two commits.
    pub stop: CancellationToken,
    /// How much may change.
    pub brake: PassBrake,
    /// What is written down with the end of the run.
    pub tally: Tally,
}

impl Pass {
    /// Begins a pass.
    pub fn new(start: PassStart, plan: PairPlan, inbound: SplitPlan, outbound: SplitPlan) -> Self {
        Self {
            engine: start.engine,
            organization: start.organization,
            run_id: start.run_id,
            lease: start.lease,
            plan: Arc::new(plan),
            mapper: start.mapper,
            inbound: Arc::new(inbound),
            outbound: Arc::new(outbound),
            portal: start.portal,
            priority: start.priority,
            mapping_version: start.mapping_version,
            stop: start.stop,
            brake: Arc::new(start.brake),
            tally: start.tally,
            key_property_ready: false,
            ambiguous: HashSet::new(),
            unlinked: None,
        }
    }

    /// The version of the mappings that the pass goes by.
    pub fn mapping_version(&self) -> i64 {
        self.mapping_version
    }

    /// Makes sure of the lease. Ends the pass if the host is shutting down, or if an admin changed the pair, whose new
    /// settings must be obeyed from here on.
    pub async fn step(&self) -> Result<(), Error> {
        if self.stop.is_cancelled() {
            return Err(Error::Interrupted);
        }
        let store = &self.engine.store;
        let versions: Vec<_> = self.mapper.versions().collect();
        let ground = store
            .ground(self.organization, self.plan.pair.id, &versions)
            .await?;
        let renewed_before = self.engine.lease_renewed_before();
        let is_held = ground
            .lease
            .is_some_and(|(lease, until)| lease == self.lease && until >= renewed_before);
        if !is_held {
            let until = self.engine.lease_until();
            store
                .renew_lease(self.organization, self.lease, until)
                .await?;
        }
        let running =
            |binding: &Binding| (binding.scope, binding.version, binding.candidate.clone());
        let superseded = ground.pair != self.plan.pair
            || ground.mapping_version != self.mapping_version
            || ground.binding.as_ref().map(running) != self.mapper.binding.as_ref().map(running)
            || ground.quarantined;
        if superseded {
            return Err(Error::Superseded);
        }
        Ok(())
    }

    /// Makes sure, once a pass and before the first create, that objects can be made by our key.
    pub async fn ensure_key_property(&mut self) -> Result<(), Error> {
        if !self.key_property_ready {
            key_property::ensure(self.portal.as_ref(), &self.plan.pair.hubspot_object).await?;
            self.key_property_ready = true;
        }
        Ok(())
    }

    /// Makes sure that a property which HubSpot left out of its answer exists, before its absence is taken for "no
    /// value".
    pub async fn verify(&self, rows: &Rows) -> Result<(), Error> {
        let mut mapped = self.plan.routes.iter().flat_map(|route| &route.columns);
        let suspicious = mapped.any(|column| rows.absent.get(*column) == Some(&true));
        if !suspicious || rows.is_empty() {
            return Ok(());
        }
        let known = self
            .portal
            .properties(&self.plan.pair.hubspot_object)
            .await
            .map_err(Error::Discover)?;
        let known: HashSet<_> = known
            .iter()
            .filter(|property| !property.archived)
            .map(|property| &property.name)
            .collect();
        let mut gone: Vec<_> = self
            .plan
            .routes
            .iter()
            .flat_map(|route| &route.properties)
            .filter(|name| !known.contains(name))
            .cloned()
            .collect();
        gone.sort();
        gone.dedup();
        if !gone.is_empty() {
            return Err(Error::SchemaChanged(gone));
        }
        Ok(())
    }

    /// The unlinked records whose match key has this value.
    pub async fn unlinked_by_key(&mut self, key: &str) -> Result<KeyMatch, Error> {
        let key = match_text(key);
        if key.is_empty() {
            return Ok(KeyMatch::None);
        }
        if self.unlinked.is_none() {
            self.unlinked = Some(self.load_unlinked().await?);
        }
        let keys = self.unlinked.as_ref().map(|(_, keys)| keys);
        let found = keys
            .and_then(|keys| keys.get(&key).copied())
            .unwrap_or(KeyMatch::None);
        if found == KeyMatch::Several {
            self.ambiguous.insert(key);
        }
        Ok(found)
    }

    /// Drops what is known of unlinked records if people have edited records since.
    pub async fn refresh_unlinked(&mut self) -> Result<(), Error> {
        if let Some((then, _)) = &self.unlinked {
            let store = &self.engine.store;
            let now = store
                .count_edits(self.organization, self.plan.pair.id)
                .await?;
            if now != *then {
                self.unlinked = None;
            }
        }
        Ok(())
    }

    async fn load_unlinked(&self) -> Result<(u64, HashMap<String, KeyMatch>), Error> {
        let mut keys = HashMap::new();
        let Some(key) = &self.plan.pair.match_key else {
            return Ok((0, keys));
        };
        let pair = self.plan.pair.id;
        let edits = self
            .engine
            .store
            .count_edits(self.organization, pair)
            .await?;
        for entry in self
            .engine
            .store
            .unlinked_keys(self.organization, pair, &key.field)
            .await?
        {
            let text = entry
                .key
                .as_deref()
                .map(match_text)
                .filter(|text| !text.is_empty());
            if let Some(text) = text {
                keys.entry(text)
                    .and_modify(|found| *found = KeyMatch::Several)
                    .or_insert(KeyMatch::One(entry.record_id));
            }
        }
        Ok((edits, keys))
    }
}

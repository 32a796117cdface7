//! One pass over a pair: what all its steps share.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use partneros_domain::{OrganizationId, RecordId, RunId};
use partneros_hubspot::{Portal, Priority, Rows};
use partneros_runtime::PreparedPlan;
use partneros_store::{Counts, Lease};
use tokio_util::sync::CancellationToken;

use crate::absorb::match_text;
use crate::engine::Parts;
use crate::error::Error;
use crate::pair_plan::PairPlan;

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
    /// HubSpot to PartnerOS, ready for the mapper.
    pub inbound: PreparedPlan,
    /// PartnerOS to HubSpot, ready for the mapper.
    pub outbound: PreparedPlan,
    /// The portal.
    pub portal: Arc<dyn Portal>,
    /// Whom the pass serves.
    pub priority: Priority,
    /// What was done so far.
    pub counts: Counts,
    /// Ends the pass between two commits.
    pub stop: CancellationToken,
    /// Whether the mapped properties were found to exist during this pass.
    schema_verified: bool,
    /// Match keys of HubSpot objects that several of our records share. Those records wait for a person, since pushing
    /// them would make duplicates.
    pub ambiguous: HashSet<String>,
    /// Unlinked records by match key, once they were needed.
    unlinked: Option<HashMap<String, KeyMatch>>,
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
    /// Whom the pass serves.
    pub priority: Priority,
    /// Ends the pass between two commits.
    pub stop: CancellationToken,
}

impl Pass {
    /// Begins a pass.
    pub fn new(
        start: PassStart,
        plan: PairPlan,
        inbound: PreparedPlan,
        outbound: PreparedPlan,
    ) -> Self {
        Self {
            engine: start.engine,
            organization: start.organization,
            run_id: start.run_id,
            lease: start.lease,
            plan: Arc::new(plan),
            inbound,
            outbound,
            portal: start.portal,
            priority: start.priority,
            counts: Counts::default(),
            stop: start.stop,
            schema_verified: false,
            ambiguous: HashSet::new(),
            unlinked: None,
        }
    }

    /// Prolongs the lease, and ends the pass if the host is shutting down.
    pub async fn step(&self) -> Result<(), Error> {
        if self.stop.is_cancelled() {
            return Err(Error::Interrupted);
        }
        let until = self.engine.lease_until();
        self.engine
            .store
            .renew_lease(self.organization, self.lease, until)
            .await?;
        Ok(())
    }

    /// Makes sure that a property which HubSpot left out of its answer exists, before its absence is taken for "no
    /// value".
    pub async fn verify(&mut self, rows: &Rows) -> Result<(), Error> {
        let mapped = self.plan.routes.iter().flat_map(|route| &route.columns);
        let suspicious = mapped
            .filter(|column| rows.absent.get(**column) == Some(&true))
            .count()
            > 0;
        if !suspicious || rows.is_empty() || self.schema_verified {
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
        gone.dedup();
        if !gone.is_empty() {
            return Err(Error::SchemaChanged(gone));
        }
        self.schema_verified = true;
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
        let unlinked = self.unlinked.as_ref();
        let found = unlinked
            .and_then(|keys| keys.get(&key).copied())
            .unwrap_or(KeyMatch::None);
        if found == KeyMatch::Several {
            self.ambiguous.insert(key);
        }
        Ok(found)
    }

    /// Drops what is known of unlinked records, since it has changed.
    pub fn forget_unlinked(&mut self) {
        self.unlinked = None;
    }

    async fn load_unlinked(&self) -> Result<HashMap<String, KeyMatch>, Error> {
        let mut keys = HashMap::new();
        let Some(key) = &self.plan.pair.match_key else {
            return Ok(keys);
        };
        let pair = self.plan.pair.id;
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
        Ok(keys)
    }
}

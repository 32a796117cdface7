//! The engine: one pass over a pair from lease to outcome.

use std::sync::Arc;

use partneros_domain::{
    Mappings, ObjectPair, ObjectSchema, OrganizationId, PairId, PairState, RunId, Timestamp, object,
};
use partneros_hubspot::{Portal, Priority};
use partneros_runtime::{Plugin, PreparedPlan};
use partneros_store::{
    Commit, ConnectionStatus, Counts, Lease, MappingSet, NewRun, Run, RunKind, RunOutcome,
    RunTrigger, Store,
};
use tokio_util::sync::CancellationToken;

use crate::discovery::{self, RECORD_ID_PROPERTY};
use crate::environment::Environment;
use crate::error::Error;
use crate::pair_plan::PairPlan;
use crate::pass::{Pass, PassStart};
use crate::portals::Portals;
use crate::settings::SyncSettings;
use crate::{pull, push, trial};

/// How often a pass begins again because the portal's schema or the mappings changed under it.
const PASS_ROUNDS: usize = 3;

/// What the engine is made of.
#[derive(Debug)]
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Where portals come from.
    pub portals: Arc<dyn Portals>,
    /// The mapper.
    pub mapper: Plugin,
    /// Time and randomness.
    pub environment: Arc<dyn Environment>,
    /// How to behave.
    pub settings: SyncSettings,
}

impl Parts {
    /// Until when a lease taken or renewed now holds.
    pub fn lease_until(&self) -> Timestamp {
        let lease_ms = i64::try_from(self.settings.lease_ms).unwrap_or(i64::MAX);
        self.environment.now().plus_millis(lease_ms)
    }

    /// The schema of a PartnerOS object.
    pub fn partner_schema(&self, name: &str) -> Result<ObjectSchema, Error> {
        object::built_in(name).ok_or_else(|| Error::UnknownObject {
            side: "PartnerOS",
            name: name.to_owned(),
        })
    }
}

/// The sync engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) parts: Arc<Parts>,
    pub(crate) stop: CancellationToken,
}

impl Engine {
    /// Makes an engine. Cancelling `stop` ends passes between two commits.
    pub fn new(parts: Parts, stop: CancellationToken) -> Self {
        Self {
            parts: Arc::new(parts),
            stop,
        }
    }

    /// The parts it is made of.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Begins a run of an active pair: takes the lease and writes the run down. [`Self::carry_out`] does the work.
    pub async fn begin(
        &self,
        organization: OrganizationId,
        pair: PairId,
        trigger: RunTrigger,
        full: bool,
    ) -> Result<Begun, Error> {
        let parts = &self.parts;
        let pair = parts.store.pair(organization, pair).await?;
        if pair.state != PairState::Active {
            return Err(Error::NotActive);
        }
        let now = parts.environment.now();
        let lease = parts
            .store
            .acquire_lease(organization, pair.id, now, parts.lease_until())
            .await?;
        let lease = lease.ok_or(Error::Busy)?;
        let cursor = parts.store.cursor(organization, pair.id).await?;
        if full && cursor.is_some() {
            parts.store.set_cursor(organization, pair.id, None).await?;
        }
        let kind = match cursor {
            None => RunKind::First,
            Some(_) if full => RunKind::Full,
            Some(_) => RunKind::Incremental,
        };
        let run = NewRun {
            id: RunId(parts.environment.new_id()),
            pair_id: pair.id,
            kind,
            trigger,
            started_at: now,
        };
        if let Err(error) = parts.store.start_run(organization, &run).await {
            parts.store.release_lease(organization, lease).await?;
            return Err(error.into());
        }
        Ok(Begun {
            organization,
            pair,
            lease,
            run,
        })
    }

    /// Does the work of a run and writes its outcome down. Returns the finished run; an error here is the store's.
    pub async fn carry_out(&self, begun: Begun) -> Result<Run, Error> {
        let parts = &self.parts;
        let (organization, run_id) = (begun.organization, begun.run.id);
        let result = self.passes(&begun).await;
        let at = parts.environment.now();
        let (outcome, message) = match &result {
            Ok(()) => (RunOutcome::Succeeded, None),
            Err(Error::Interrupted) => (RunOutcome::Interrupted, None),
            Err(Error::Store(partneros_store::Error::LeaseLost(_))) => {
                (RunOutcome::Interrupted, None)
            }
            Err(error) => (RunOutcome::Failed, Some(describe(error))),
        };
        match (&result, outcome) {
            (Err(error), RunOutcome::Failed) => tracing::warn!(
                pair.id = %begun.pair.id, run.id = %run_id,
                error = message.as_deref().unwrap_or_default(),
                transient = error.hubspot().is_some_and(partneros_hubspot::Error::is_transient),
                "sync failed"
            ),
            _ => {
                tracing::info!(pair.id = %begun.pair.id, run.id = %run_id, outcome = ?outcome, "sync ended");
            }
        }
        parts
            .store
            .finish_run(organization, run_id, outcome, message.as_deref(), at)
            .await?;
        self.note_connection(&begun, &result, at).await?;
        let next =
            at.plus_millis(i64::try_from(parts.settings.poll_interval_ms).unwrap_or(i64::MAX));
        parts
            .store
            .schedule_pair(organization, begun.pair.id, next)
            .await?;
        parts.store.release_lease(organization, begun.lease).await?;
        Ok(parts.store.run(organization, run_id).await?)
    }

    /// Begins a run and does its work.
    pub async fn run(
        &self,
        organization: OrganizationId,
        pair: PairId,
        trigger: RunTrigger,
        full: bool,
    ) -> Result<Run, Error> {
        let begun = self.begin(organization, pair, trigger, full).await?;
        self.carry_out(begun).await
    }

    async fn passes(&self, begun: &Begun) -> Result<(), Error> {
        let parts = &self.parts;
        let pair = &begun.pair;
        let portal = parts
            .portals
            .portal(begun.organization, pair.connection_id)
            .await?;
        let mut outcome = Ok(());
        for _ in 0..PASS_ROUNDS {
            let MappingSet { mappings, version } =
                parts.store.mappings(begun.organization, pair.id).await?;
            outcome = self.pass(begun, &mappings, Arc::clone(&portal)).await;
            let now = parts
                .store
                .mappings(begun.organization, pair.id)
                .await?
                .version;
            match &outcome {
                Err(Error::SchemaChanged(_)) => {
                    self.refresh_schema(begun.organization, pair, portal.as_ref())
                        .await?;
                }
                Ok(()) if now != version => {
                    // Whoever saved mappings meanwhile asked for everything to be looked at again, but the pass has
                    // stored its own cursor since.
                    parts
                        .store
                        .set_cursor(begun.organization, pair.id, None)
                        .await?;
                }
                _ => break,
            }
        }
        outcome
    }

    async fn pass(
        &self,
        begun: &Begun,
        mappings: &Mappings,
        portal: Arc<dyn Portal>,
    ) -> Result<(), Error> {
        let parts = &self.parts;
        let pair = &begun.pair;
        let object = parts.partner_schema(&pair.object)?;
        let hubspot = parts
            .store
            .schema(begun.organization, pair.connection_id, &pair.hubspot_object)
            .await?;
        let plan = PairPlan::new(pair, mappings, &object, &hubspot.schema);
        let plan = trial::park_refused(parts, plan, mappings, &hubspot.schema).await?;
        let (inbound, outbound) = prepare(&plan)?;
        let priority = match (begun.run.trigger, begun.run.kind) {
            (RunTrigger::Manual, RunKind::Incremental) => Priority::Interactive,
            (RunTrigger::Schedule, RunKind::Incremental) => Priority::Poll,
            (_, RunKind::First | RunKind::Full) => Priority::Backfill,
        };
        let start = PassStart {
            engine: Arc::clone(parts),
            organization: begun.organization,
            run_id: begun.run.id,
            lease: begun.lease,
            portal,
            priority,
            stop: self.stop.clone(),
        };
        let mut pass = Pass::new(start, plan, inbound, outbound);
        pass.step().await?;
        list_parked(&pass).await?;
        pull::pull(&mut pass).await?;
        push::push(&mut pass).await
    }

    async fn refresh_schema(
        &self,
        organization: OrganizationId,
        pair: &ObjectPair,
        portal: &dyn Portal,
    ) -> Result<(), Error> {
        let now = self.parts.environment.now();
        let schemas = discovery::discover(portal, now).await?;
        let store = &self.parts.store;
        Ok(store
            .replace_schemas(organization, pair.connection_id, &schemas, now)
            .await?)
    }

    /// What a run says about its connection: revoked, failing, or well again.
    async fn note_connection(
        &self,
        begun: &Begun,
        result: &Result<(), Error>,
        at: Timestamp,
    ) -> Result<(), Error> {
        let store = &self.parts.store;
        let (organization, id) = (begun.organization, begun.pair.connection_id);
        let connection = store.connection(organization, id).await?;
        let (status, message) = match result {
            Ok(()) if connection.status == ConnectionStatus::Error => {
                (ConnectionStatus::Active, None)
            }
            Err(error) => match error.hubspot() {
                Some(partneros_hubspot::Error::ReauthRequired(_)) => {
                    (ConnectionStatus::ReauthRequired, Some(describe(error)))
                }
                Some(_) if connection.status == ConnectionStatus::Active => {
                    (ConnectionStatus::Error, Some(describe(error)))
                }
                _ => return Ok(()),
            },
            Ok(()) => return Ok(()),
        };
        Ok(store
            .set_connection_status(organization, id, status, message.as_deref(), at)
            .await?)
    }

    /// Makes sure that the HubSpot object has the property that carries our record ids.
    pub(crate) async fn prepare_object(
        &self,
        portal: &dyn Portal,
        object: &str,
    ) -> Result<(), Error> {
        let group = match object {
            "companies" => "companyinformation",
            "deals" => "dealinformation",
            _ => "",
        };
        let property = partneros_hubspot::model::NewProperty {
            name: RECORD_ID_PROPERTY.into(),
            label: "PartnerOS record ID".to_owned(),
            description:
                "The PartnerOS record that this object syncs with. Set by the integration."
                    .to_owned(),
            group_name: group_name(portal, object, group).await?,
            kind: "string".to_owned(),
            field_type: "text".to_owned(),
            has_unique_value: true,
            hidden: false,
            form_field: false,
        };
        portal
            .create_property(object, &property)
            .await
            .map_err(|source| Error::Prepare {
                object: object.to_owned(),
                source,
            })?;
        Ok(())
    }
}

/// A custom object's properties live in a group of its own; take the first that is in use.
async fn group_name(portal: &dyn Portal, object: &str, known: &str) -> Result<String, Error> {
    if !known.is_empty() {
        return Ok(known.to_owned());
    }
    let properties = portal.properties(object).await.map_err(Error::Discover)?;
    let group = properties
        .into_iter()
        .map(|property| property.group_name)
        .find(|name| !name.is_empty());
    Ok(group.unwrap_or_else(|| format!("{object}_information")))
}

/// A run that has the lease and is written down.
#[derive(Debug)]
pub struct Begun {
    organization: OrganizationId,
    pair: ObjectPair,
    lease: Lease,
    run: NewRun,
}

impl Begun {
    /// The run's id.
    pub fn run_id(&self) -> RunId {
        self.run.id
    }
}

fn prepare(plan: &PairPlan) -> Result<(PreparedPlan, PreparedPlan), Error> {
    let prepare = |plan: &partneros_domain::plan::Plan| {
        PreparedPlan::new(plan.clone()).map_err(Error::InvalidPlan)
    };
    Ok((prepare(&plan.inbound)?, prepare(&plan.outbound)?))
}

/// Writes down which fields of the pair do not sync at present.
async fn list_parked(pass: &Pass) -> Result<(), Error> {
    let commit = Commit {
        lease: pass.lease,
        run_id: pass.run_id,
        at: pass.engine.environment.now(),
        effects: Vec::new(),
        rejected: Vec::new(),
        parked: Some(pass.plan.parked.clone()),
        cursor: None,
        counts: Counts {
            failed: pass.plan.parked.len() as u64,
            ..Counts::default()
        },
    };
    pass.engine.store.commit(pass.organization, commit).await?;
    Ok(())
}

/// An error with its causes, in one line.
pub fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}

//! The engine: one pass over a pair from lease to outcome.

use std::sync::Arc;

use partneros_domain::{
    ConnectionId, ObjectPair, ObjectSchema, OrganizationId, PairId, PairState, RunId, Timestamp,
    object,
};
use partneros_hubspot::Priority;
use partneros_store::{
    Binding, Commit, Counts, Lease, MappingSet, NewRun, Run, RunEnd, RunKind, RunOutcome,
    RunTrigger, Store,
};
use tokio_util::sync::CancellationToken;

use crate::brake::PassBrake;
use crate::environment::Environment;
use crate::error::Error;
use crate::mistakes::{Mistake, made};
use crate::pair_plan::PairPlan;
use crate::pass::{Pass, PassStart};
use crate::plugins::{self, Mapper, Plugins, Settled, SplitPlan};
use crate::portals::Portals;
use crate::settings::{AlertSettings, AuditSettings, SyncSettings};
use crate::tally::Tally;
use crate::{absorb, audit, presence, pull, push, trail, trial};

/// How often a pass begins again because the portal's schema or the mappings changed under it.
const PASS_ROUNDS: usize = 3;

/// What the engine is made of.
#[derive(Debug)]
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Where portals come from.
    pub portals: Arc<dyn Portals>,
    /// What maps records.
    pub plugins: Plugins,
    /// Time and randomness.
    pub environment: Arc<dyn Environment>,
    /// How to behave.
    pub settings: SyncSettings,
    /// How long the audit log is.
    pub audit: AuditSettings,
    /// When alerts open.
    pub alerts: AlertSettings,
}

impl Parts {
    /// Until when a lease taken or renewed now holds.
    pub fn lease_until(&self) -> Timestamp {
        let lease_ms = i64::try_from(self.settings.lease_ms).unwrap_or(i64::MAX);
        self.environment.now().plus_millis(lease_ms)
    }

    /// A lease that ends before this is renewed: once an eighth of it is used up, so that a poll that finds nothing need not
    /// write, and what is sent begins with most of it left.
    pub fn lease_renewed_before(&self) -> Timestamp {
        let used_ms = i64::try_from(self.settings.lease_ms / 8).unwrap_or(i64::MAX);
        self.lease_until().plus_millis(-used_ms)
    }

    /// Runs what computes for long, such as a mapper, off the runtime's threads.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        if self.environment.computes_inline() {
            return Ok(work());
        }
        Ok(tokio::task::spawn_blocking(work).await?)
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
        let reach = if full {
            Reach::Everything
        } else {
            Reach::Changes
        };
        self.open(organization, pair, trigger, reach).await
    }

    /// Begins a run as [`Self::begin`] does, which audits the pair after it has synced what changed.
    pub async fn begin_audit(
        &self,
        organization: OrganizationId,
        pair: PairId,
        trigger: RunTrigger,
    ) -> Result<Begun, Error> {
        self.open(organization, pair, trigger, Reach::Audit).await
    }

    async fn open(
        &self,
        organization: OrganizationId,
        pair: PairId,
        trigger: RunTrigger,
        reach: Reach,
    ) -> Result<Begun, Error> {
        let parts = &self.parts;
        let pair = parts.store.pair(organization, pair).await?;
        match pair.state {
            PairState::Active => {}
            PairState::Braked => return Err(Error::Braked),
            PairState::Draft | PairState::Paused => return Err(Error::NotActive),
        }
        let connection = parts.store.connection(organization, pair.connection_id);
        let connected_at = connection.await?.connected_at;
        let now = parts.environment.now();
        let lease = parts
            .store
            .acquire_lease(organization, pair.id, now, parts.lease_until())
            .await?;
        let lease = lease.ok_or(Error::Busy)?;
        match self
            .write_down(organization, &pair, trigger, reach, now)
            .await
        {
            Ok(run) => Ok(Begun {
                organization,
                pair,
                connected_at,
                lease,
                tally: Tally::of(run.kind),
                run,
            }),
            Err(error) => {
                parts.store.release_lease(organization, lease).await?;
                Err(error)
            }
        }
    }

    async fn write_down(
        &self,
        organization: OrganizationId,
        pair: &ObjectPair,
        trigger: RunTrigger,
        reach: Reach,
        now: Timestamp,
    ) -> Result<NewRun, Error> {
        let store = &self.parts.store;
        let cursor = store.cursor(organization, pair.id).await?;
        if reach == Reach::Everything && cursor.is_some() {
            store.set_cursor(organization, pair.id, None).await?;
        }
        let kind = match (reach, cursor) {
            (Reach::Audit, _) => RunKind::Audit,
            (_, None) => RunKind::First,
            (Reach::Everything, Some(_)) => RunKind::Full,
            (Reach::Changes, Some(_)) => RunKind::Incremental,
        };
        let run = NewRun {
            id: RunId(self.parts.environment.new_id()),
            pair_id: pair.id,
            kind,
            trigger,
            started_at: now,
        };
        store.start_run(organization, &run).await?;
        Ok(run)
    }

    /// Does the work of a run and writes its outcome down. Returns the finished run; an error here is the store's.
    pub async fn carry_out(&self, begun: Begun) -> Result<Run, Error> {
        let parts = &self.parts;
        let (organization, run_id) = (begun.organization, begun.run.id);
        let result = self.passes(&begun).await;
        let at = parts.environment.now();
        let (outcome, message) = match &result {
            Ok(()) => (RunOutcome::Succeeded, None),
            Err(Error::Interrupted | Error::Superseded) => (RunOutcome::Interrupted, None),
            Err(error) if matches!(error.hubspot(), Some(partneros_hubspot::Error::Cancelled)) => {
                (RunOutcome::Interrupted, None)
            }
            Err(Error::Store(partneros_store::Error::LeaseLost(_))) => {
                (RunOutcome::Interrupted, None)
            }
            Err(Error::Store(braked @ partneros_store::Error::Braked(_))) => {
                (RunOutcome::Failed, Some(describe(braked)))
            }
            Err(error) => (RunOutcome::Failed, Some(describe(error))),
        };
        if let Err(Error::Store(partneros_store::Error::Braked(tripped))) = &result {
            self.pull_brake(&begun, tripped).await?;
        }
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
        let interval_ms = i64::try_from(parts.settings.poll_interval_ms).unwrap_or(i64::MAX);
        let (counts, lags) = begun.tally.take();
        let end = RunEnd {
            id: run_id,
            outcome,
            error: message,
            at,
            next_run_at: at.plus_millis(interval_ms),
            next_audit: parts.settings.next_audit(begun.run.kind, outcome, at),
            counts,
            lags,
        };
        parts
            .store
            .finish_run(organization, begun.lease, end)
            .await?;
        let connection = begun.pair.connection_id;
        let failed = result.as_ref().err();
        self.note_standing(organization, connection, begun.connected_at, failed)
            .await?;
        self.note_daily_calls(&begun, &result).await?;
        let run = parts.store.run(organization, run_id).await?;
        trail::record(&run);
        self.note_run(&begun, &run, &result).await?;
        Ok(run)
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

    /// Makes passes until one goes through with the settings that hold at its end.
    async fn passes(&self, begun: &Begun) -> Result<(), Error> {
        let store = &self.parts.store;
        let (organization, id) = (begun.organization, begun.pair.id);
        self.refresh_stale_schema(begun).await?;
        let mut outcome = Ok(());
        for _ in 0..PASS_ROUNDS {
            let pair = store.pair(organization, id).await?;
            if pair.state != PairState::Active {
                return Err(Error::Interrupted);
            }
            let set = store.mappings(organization, id).await?;
            let bound = store.effective_binding(organization, id).await?;
            outcome = self.pass(begun, &pair, &set).await;
            let now = store.ground(organization, id, &[]).await?;
            let version = |binding: Option<Binding>| binding.map(|binding| binding.version);
            let superseded = now.mapping_version != set.version
                || now.pair != pair
                || version(now.binding) != version(bound);
            if superseded {
                // Whoever changed the settings asked for everything to be looked at again, but the pass may have
                // stored its own cursor since.
                store.set_cursor(organization, id, None).await?;
            }
            match &outcome {
                Err(Error::SchemaChanged(_)) => self.refresh_schema(organization, &pair).await?,
                Err(Error::Superseded) => {}
                Ok(()) if superseded => {}
                _ => break,
            }
        }
        outcome
    }

    async fn pass(&self, begun: &Begun, pair: &ObjectPair, set: &MappingSet) -> Result<(), Error> {
        let parts = &self.parts;
        let (object, hubspot) = self.schemas_of(begun.organization, pair).await?;
        let mapper =
            plugins::resolve_for_pass(parts, begun.organization, pair, &set.mappings).await?;
        let mapper = Arc::new(mapper);
        let plan = PairPlan::new(pair, &set.mappings, &object, &hubspot);
        let result = self.mapped_pass(begun, set, plan, &hubspot, &mapper).await;
        let organization = begun.organization;
        match self.settle_plugins(organization, &mapper, &result).await? {
            Settled::Stays => result,
            Settled::Replaced => match result {
                Ok(()) | Err(Error::Mapper(_)) => Err(Error::Superseded),
                Err(error) => Err(error),
            },
        }
    }

    async fn mapped_pass(
        &self,
        begun: &Begun,
        set: &MappingSet,
        plan: PairPlan,
        hubspot: &ObjectSchema,
        mapper: &Arc<Mapper>,
    ) -> Result<(), Error> {
        let parts = &self.parts;
        let mut plan = trial::park_refused(parts, mapper, plan, &set.mappings, hubspot).await?;
        let brake = PassBrake::read(parts, begun.organization, plan.pair.id).await?;
        let is_decided = brake.is_decided();
        plan.obey(&brake);
        let inbound = SplitPlan::new(&plan.inbound, &plan.inbound_plugins)?;
        let outbound = SplitPlan::new(&plan.outbound, &plan.outbound_plugins)?;
        let priority = match (begun.run.trigger, begun.run.kind) {
            (RunTrigger::Manual, RunKind::Incremental) => Priority::Interactive,
            (RunTrigger::Schedule, RunKind::Incremental) => Priority::Poll,
            (_, RunKind::First | RunKind::Full | RunKind::Audit) => Priority::Backfill,
        };
        let start = PassStart {
            engine: Arc::clone(parts),
            organization: begun.organization,
            run_id: begun.run.id,
            lease: begun.lease,
            portal: parts
                .portals
                .portal(begun.organization, plan.pair.connection_id)
                .await?,
            mapper: Arc::clone(mapper),
            mapping_version: set.version,
            priority,
            stop: self.stop.clone(),
            brake,
            tally: begun.tally.clone(),
        };
        let mut pass = Pass::new(start, plan, inbound, outbound);
        pass.step().await?;
        list_parked(&pass).await?;
        pull::pull(&mut pass).await?;
        presence::make_rounds(&mut pass).await?;
        absorb::revisit_ambiguous(&mut pass).await?;
        push::push(&mut pass).await?;
        if begun.run.kind == RunKind::Audit {
            audit::audit(&mut pass).await?;
        }
        presence::archive_doomed(&pass).await?;
        if is_decided {
            let store = &parts.store;
            store.end_brakes(begun.organization, begun.lease).await?;
        }
        Ok(())
    }

    async fn refresh_schema(
        &self,
        organization: OrganizationId,
        pair: &ObjectPair,
    ) -> Result<(), Error> {
        self.discover(organization, pair.connection_id)
            .await
            .map(drop)
    }
}

/// How far a run reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// What changed.
    Changes,
    /// Everything, as if nothing were known.
    Everything,
    /// What changed; then both sides are compared as a whole.
    Audit,
}

/// A run that has the lease and is written down.
#[derive(Debug)]
pub struct Begun {
    organization: OrganizationId,
    pair: ObjectPair,
    /// When its portal was connected, as the run found it.
    connected_at: Timestamp,
    lease: Lease,
    run: NewRun,
    tally: Tally,
}

impl Begun {
    /// The run's id.
    pub fn run_id(&self) -> RunId {
        self.run.id
    }

    pub(crate) fn organization(&self) -> OrganizationId {
        self.organization
    }

    pub(crate) fn lease(&self) -> Lease {
        self.lease
    }

    pub(crate) fn connection(&self) -> ConnectionId {
        self.pair.connection_id
    }
}

/// Writes down which fields of the pair do not sync at present. A field that syncs again has missed edits of both sides, so
/// all of HubSpot's are looked at again, and those of ours that are listed as waiting.
async fn list_parked(pass: &Pass) -> Result<(), Error> {
    let (store, pair) = (&pass.engine.store, &pass.plan.pair);
    let before = store.parked(pass.organization, pair.id).await?;
    if before == pass.plan.parked {
        return Ok(());
    }
    let still_parked = |field| {
        pass.plan
            .parked
            .iter()
            .any(|failure| failure.field == field)
    };
    if !before
        .into_iter()
        .all(|failure| still_parked(failure.field))
        && !made(Mistake::ReturnForgotten)
    {
        store.set_cursor(pass.organization, pair.id, None).await?;
        if pair.direction.writes_hubspot() {
            let now = pass.engine.environment.now();
            store
                .requeue(pass.organization, pair.id, false, now)
                .await?;
        }
    }
    let commit = Commit {
        lease: pass.lease,
        run_id: pass.run_id,
        at: pass.engine.environment.now(),
        effects: Vec::new(),
        rejected: Vec::new(),
        parked: Some(pass.plan.parked.clone()),
        watched: None,
        cursor: None,
        counts: Counts {
            failed: pass.plan.parked.len() as u64,
            ..Counts::default()
        },
    };
    store.commit(pass.organization, commit).await?;
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

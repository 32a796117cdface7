//! Runs one schedule: processes that sync, a driver that takes the steps, then calm, then the verdict.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hubspot_sim::{Clock, Config, FaultPlan, RefreshMode, Sim};
use partneros_domain::DeletePolicy;
use partneros_store::Sqlite;
use partneros_store::{
    ConnectionStatus, Connections as _, PairPatch, Pairs as _, RunOutcome, RunTrigger,
};
use partneros_sync::Error as SyncError;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Failure;
use crate::database::Database;
use crate::ledger::Ledger;
use crate::points::{Points, Trace, lock};
use crate::process::{PAGE_ROWS, Process};
use crate::schedule::{Habits, Schedule, What, When};
use crate::template::{START, Template};
use crate::verdict;

/// Objects that there are at the beginning.
const OBJECTS: usize = 5;
/// HubSpot's wall stands two pages off, so that a few objects of one instant are beyond it.
const SEARCH_RESULTS_MAX: usize = 2 * PAGE_ROWS;
/// Longer than HubSpot's search may hide them.
const OLD: Duration = Duration::from_mins(5);
/// For how long a step waits for its point.
pub(crate) const POINT_WAIT: Duration = Duration::from_secs(90);
/// Passes that a host gets to come to rest: what nobody answered for waits a minute, what HubSpot shows late two.
const CALM_PASSES: usize = 5;
pub(crate) const CALM_PAUSE: Duration = Duration::from_secs(200);

/// What a simulation that went well has to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Equal traces mean that the same happened.
    pub trace: u64,
    /// Passes that were begun.
    pub passes: u64,
    /// Processes that ended in the middle.
    pub crashes: u64,
}

/// A world: both sides, and what both have been through.
#[derive(Debug)]
pub struct World {
    pub(crate) template: Arc<Template>,
    pub(crate) sim: Arc<Mutex<Sim>>,
    pub(crate) store: Sqlite,
    database: Database,
    pub(crate) ours: Clock,
    pub(crate) theirs: Clock,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) trace: Trace,
    pub(crate) dice: StdRng,
    pub(crate) made: u32,
    pub(crate) policies_changed: BTreeSet<usize>,
    pub(crate) mirrors: bool,
    pub(crate) rewrites: Option<usize>,
    /// The fields whose property is archived.
    pub(crate) away: BTreeSet<usize>,
    /// Whether the enumeration has ever lost options.
    pub(crate) were_options_removed: bool,
    /// Whether HubSpot has refused writes for no reason that lasts.
    pub(crate) were_writes_refused: bool,
    /// Whether the app is out of the portal.
    pub(crate) uninstalled: bool,
}

/// Runs a schedule on a clock of its own.
pub fn run(template: &Arc<Template>, schedule: &Schedule) -> Result<Report, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    runtime.block_on(async {
        let mut world = World::new(template, schedule)?;
        world.go(schedule).await
    })
}

impl World {
    fn new(template: &Arc<Template>, schedule: &Schedule) -> Result<Self, Failure> {
        let mut sim = template.sim.fork(schedule.chance);
        sim.config = habits(sim.config, schedule.habits);
        let sim = Arc::new(Mutex::new(sim));
        let database = Database::new(template, schedule.on_disk)?;
        Ok(Self {
            template: Arc::clone(template),
            store: database.shared().clone(),
            database,
            ours: Clock::runtime(START),
            theirs: Clock::runtime(START.plus_millis(schedule.habits.ahead_ms)),
            ledger: Arc::new(Ledger::new(Arc::clone(&sim))),
            trace: Trace::default(),
            dice: StdRng::seed_from_u64(schedule.chance ^ 0x5eed),
            made: 0,
            policies_changed: BTreeSet::new(),
            mirrors: schedule.mirrors,
            rewrites: schedule.habits.rewrites,
            away: BTreeSet::new(),
            were_options_removed: false,
            were_writes_refused: false,
            uninstalled: false,
            sim,
        })
    }

    async fn go(&mut self, schedule: &Schedule) -> Result<Report, Failure> {
        if schedule.mirrors {
            let patch = PairPatch {
                delete_policy: Some(DeletePolicy::Mirror),
                ..PairPatch::default()
            };
            let (organization, pair) = (self.template.organization, self.template.pair);
            self.store.update_pair(organization, pair, &patch).await?;
        }
        for _ in 0..OBJECTS {
            self.take(What::TheirNew).await?;
        }
        if schedule.habits.old_objects {
            sleep(OLD).await;
        }
        let mut processes = JoinSet::new();
        let mut points = Vec::new();
        for number in 0..schedule.processes {
            let own = Points::new(number, schedule.chance ^ number as u64, self.trace.clone());
            points.push(Arc::new(own));
        }
        for own in &points {
            processes.spawn(self.life(own));
        }
        for step in &schedule.steps {
            match step.when {
                When::After(ms) => sleep(Duration::from_millis(ms)).await,
                When::AtPoint(ahead) => {
                    // Where no process gets so far, the step is taken late.
                    let _ = timeout(POINT_WAIT, points[0].after(ahead)).await;
                }
            }
            match step.what {
                What::Crash {
                    process,
                    points: ahead,
                } => points[process % points.len()].end_after(ahead),
                What::UnansweredNew => self.unanswered_new(&points[0]).await?,
                What::Tug { entity, turns } => self.tug(entity, turns, &points[0]).await?,
                What::Unanswered { .. } => self.unanswered(step.what, &points[0]).await?,
                what => self.take(what).await?,
            }
            self.look().await?;
        }
        // Those who are in the middle of a pass finish it, or end as was decided.
        sleep(Duration::from_secs(1)).await;
        for own in &points {
            own.calm_down();
        }
        let mut told = (0, 0);
        while let Some(life) = processes.join_next().await {
            let (passes, crashes) = life??;
            told = (told.0 + passes, told.1 + crashes);
        }
        self.come_to_rest(schedule.habits.refresh == 1).await?;
        Ok(Report {
            trace: self.trace.number(),
            passes: told.0,
            crashes: told.1,
        })
    }

    /// What a process does until calm: it syncs, now and then it ends in the middle and begins anew.
    fn life(
        &self,
        points: &Arc<Points>,
    ) -> impl Future<Output = Result<(u64, u64), Failure>> + Send + 'static {
        let (points, ledger) = (Arc::clone(points), Arc::clone(&self.ledger));
        let begin = {
            let (template, sim) = (Arc::clone(&self.template), Arc::clone(&self.sim));
            let (ours, theirs) = (self.ours.clone(), self.theirs.clone());
            let (points, database) = (Arc::clone(&points), self.database.clone());
            let ledger = Arc::clone(&ledger);
            let rewrites = self.rewrites;
            move || {
                let store = database.open()?;
                let clocks = [&ours, &theirs];
                let process =
                    Process::begin(&template, &sim, clocks, &points, &ledger, &store, rewrites);
                Ok::<_, Failure>(process)
            }
        };
        let (organization, pair) = (self.template.organization, self.template.pair);
        async move {
            let (mut passes, mut crashes) = (0, 0);
            let mut process = begin()?;
            while !points.is_calm() {
                sleep(Duration::from_millis(points.pick(0..20_000))).await;
                let pass = process
                    .engine
                    .run(organization, pair, RunTrigger::Schedule, false);
                tokio::select! {
                    biased;
                    () = points.ended() => {
                        crashes += 1;
                        ledger.with(|book| book.crashes += 1);
                        points.revive();
                        sleep(Duration::from_millis(points.pick(0..400_000))).await;
                        process = begin()?;
                    }
                    // What a pass could not do is done by a later one; the end is judged, not the way.
                    _ = pass => passes += 1,
                }
            }
            Ok((passes, crashes))
        }
    }

    /// Sees what records have become.
    pub(crate) async fn look(&self) -> Result<(), Failure> {
        Ok(self
            .ledger
            .look(&self.store, self.template.organization)
            .await?)
    }

    async fn come_to_rest(&mut self, rotates: bool) -> Result<(), Failure> {
        {
            let mut sim = lock(&self.sim);
            sim.faults.set_plan(FaultPlan::default());
            sim.faults.disarm();
        }
        let points = Arc::new(Points::new(9, 9, self.trace.clone()));
        points.calm_down();
        let process = Process::begin(
            &self.template,
            &self.sim,
            [&self.ours, &self.theirs],
            &points,
            &self.ledger,
            &self.database.open()?,
            self.rewrites,
        );
        // The lease of a process that ended runs out first.
        sleep(CALM_PAUSE * 2).await;
        self.connect_if_dead(&process, rotates).await?;
        self.bring_properties_back(&process).await?;
        self.correct_overlong().await?;
        self.add_options_again(&process).await?;
        if self.were_writes_refused {
            self.retry_refused().await?;
        }
        for _ in 0..CALM_PASSES {
            self.pass(&process).await?;
            sleep(CALM_PAUSE).await;
        }
        self.maps_everything().await?;
        verdict::still(self, &process).await?;
        verdict::complete(self, &process).await?;
        verdict::judge(self).await
    }

    /// Where HubSpot kills a refresh token with its use, who does not live to store the new one must be connected again. So must
    /// whoever was removed from the portal, and knows it. Nothing else costs the access.
    async fn connect_if_dead(&mut self, process: &Process, rotates: bool) -> Result<(), Failure> {
        let (organization, connection) = (self.template.organization, self.template.connection);
        let trigger = RunTrigger::Schedule;
        let engine = &process.engine;
        // How this run ends says the status.
        let _ = engine
            .run(organization, self.template.pair, trigger, false)
            .await;
        let status = self
            .store
            .connection(organization, connection)
            .await?
            .status;
        match status {
            ConnectionStatus::ReauthRequired if rotates || self.uninstalled => self.connect().await,
            ConnectionStatus::Active if !self.uninstalled => Ok(()),
            status => Err(format!("the connection is {status:?}").into()),
        }
    }

    /// A pass that must succeed.
    pub(crate) async fn pass(&self, process: &Process) -> Result<(), Failure> {
        let (organization, pair) = (self.template.organization, self.template.pair);
        let run = process
            .engine
            .run(organization, pair, RunTrigger::Schedule, false)
            .await;
        let run = run.map_err(|error: SyncError| format!("a calm pass failed: {error}"))?;
        if run.outcome != RunOutcome::Succeeded {
            return Err(format!("a calm pass did not succeed: {:?}", run.error).into());
        }
        self.look().await
    }
}

fn habits(config: Config, habits: Habits) -> Config {
    let refresh = [RefreshMode::Same, RefreshMode::Rotate, RefreshMode::Missing];
    Config {
        create_lag_ms: habits.create_lag_ms,
        update_lag_ms: habits.update_lag_ms,
        refresh: refresh[usize::from(habits.refresh) % 3],
        merge: habits.merge,
        unchanged_writes_bump: habits.unchanged_writes_bump,
        search_results_max: SEARCH_RESULTS_MAX,
        enrichment_delay_ms: habits.enriches.then_some(5_000),
        ..config
    }
}

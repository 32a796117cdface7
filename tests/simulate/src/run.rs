//! Runs one schedule: processes that sync, a driver that takes the steps, then calm, then the verdict.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hubspot_sim::{Clock, Config, RefreshMode};
use partneros_domain::DeletePolicy;
use partneros_store::Sqlite;
use partneros_store::{PairPatch, Pairs as _, RunOutcome, RunTrigger};
use partneros_sync::Error as SyncError;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Failure;
use crate::database::Database;
use crate::ledger::Ledger;
use crate::points::{Points, Trace};
use crate::portal::Refused;
use crate::process::{HubSpot, Meets, PAGE_ROWS, Process};
use crate::schedule::{Habits, Schedule, What, When};
use crate::template::{START, Template};

/// Objects that there are at the beginning.
const OBJECTS: usize = 5;
/// HubSpot's wall stands two pages off, so that a few objects of one instant are beyond it.
const SEARCH_RESULTS_MAX: usize = 2 * PAGE_ROWS;
/// Longer than HubSpot's search may hide them.
const OLD: Duration = Duration::from_mins(5);
/// For how long a step waits for its point.
pub(crate) const POINT_WAIT: Duration = Duration::from_secs(90);

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
    pub(crate) hubspot: HubSpot,
    pub(crate) store: Sqlite,
    pub(crate) database: Database,
    pub(crate) ours: Clock,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) trace: Trace,
    pub(crate) dice: StdRng,
    pub(crate) made: u32,
    pub(crate) chosen: u32,
    pub(crate) policies_changed: BTreeSet<usize>,
    pub(crate) mirrors: bool,
    /// What processes meet in HubSpot.
    pub(crate) meets: Meets,
    /// The fields whose property is archived.
    pub(crate) away: BTreeSet<usize>,
    /// What may have been refused that would be taken once all is quiet.
    pub(crate) refused: Refused,
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
        let database = Database::new(template, schedule.on_disk)?;
        let clock = Clock::runtime(START.plus_millis(schedule.habits.ahead_ms));
        let hubspot = HubSpot::new(sim, clock);
        Ok(Self {
            template: Arc::clone(template),
            store: database.shared().clone(),
            database,
            ours: Clock::runtime(START),
            ledger: Arc::new(Ledger::new(Arc::clone(&hubspot.sim))),
            trace: Trace::default(),
            dice: StdRng::seed_from_u64(schedule.chance ^ 0x5eed),
            made: 0,
            chosen: 0,
            policies_changed: BTreeSet::new(),
            mirrors: schedule.mirrors,
            meets: Meets {
                rewrites: schedule.habits.rewrites,
                schema_changes: schedule.changes_schema(),
            },
            away: BTreeSet::new(),
            refused: Refused::Nothing,
            uninstalled: false,
            hubspot,
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
            let template = Arc::clone(&self.template);
            let (ours, hubspot) = (self.ours.clone(), self.hubspot.clone());
            let (points, database) = (Arc::clone(&points), self.database.clone());
            let ledger = Arc::clone(&ledger);
            let meets = self.meets;
            move || {
                let store = database.open()?;
                let process =
                    Process::begin(&template, &hubspot, &ours, &points, &ledger, &store, meets);
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

//! How a simulation comes to rest: trouble ends, what was taken away comes back, and the host gets the passes that it needs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hubspot_sim::FaultPlan;
use partneros_domain::FieldName;
use partneros_store::{
    ConnectionStatus, Connections as _, FailureEntry, FormerLinks as _, RunTrigger, SyncState as _,
};
use tokio::time::sleep;

use crate::Failure;
use crate::points::{Points, lock};
use crate::portal::Refused;
use crate::process::Process;
use crate::run::World;
use crate::template::{CHOICE, Field};
use crate::verdict;

/// Passes that a host gets to come to rest: what nobody answered for waits a minute, what HubSpot shows late two.
const CALM_PASSES: usize = 5;
const CALM_PAUSE: Duration = Duration::from_secs(200);
/// Passes within which a host has read the schema anew.
const SCHEMA_PASSES: usize = 3;
/// Both sides changed, and HubSpot's value could not be taken in.
const UNDECIDED: &str = "undecided";
/// The codes of failures that have no reason any more when all is quiet.
const OVER: [&str; 5] = [
    UNDECIDED,
    "plugin_failed",
    "property_missing",
    "PROPERTY_DOESNT_EXIST",
    "CONFLICT",
];

impl World {
    /// Ends all trouble, gives back what was taken away, and lets the host come to rest. Then the verdict is spoken.
    pub(crate) async fn come_to_rest(&mut self, rotates: bool) -> Result<(), Failure> {
        {
            let mut sim = lock(&self.hubspot.sim);
            sim.faults.set_plan(FaultPlan::default());
            sim.faults.disarm();
        }
        let points = Arc::new(Points::new(9, 9, self.trace.clone()));
        points.calm_down();
        let process = Process::begin(
            &self.template,
            &self.hubspot,
            &self.ours,
            &points,
            &self.ledger,
            &self.database.open()?,
            self.meets,
        );
        // The lease of a process that ended runs out first.
        sleep(CALM_PAUSE * 2).await;
        // While no mapper works, nobody asks HubSpot for anything.
        self.mend_mapper(&process).await?;
        self.connect_if_dead(&process, rotates).await?;
        self.bring_properties_back(&process).await?;
        self.correct_values().await?;
        self.have_refused_retried(&process).await?;
        for _ in 0..CALM_PASSES {
            self.pass(&process).await?;
            sleep(CALM_PAUSE).await;
        }
        self.nothing_is_left_listed().await?;
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

    /// While properties are away, the fields that map them are listed, and nothing else stops. Then they come back.
    async fn bring_properties_back(&mut self, process: &Process) -> Result<(), Failure> {
        if self.away.is_empty() {
            return Ok(());
        }
        self.read_schema_anew(process).await?;
        let (organization, pair) = (self.template.organization, self.template.pair);
        let listed = self.store.parked(organization, pair).await?;
        let listed = listed.iter().filter_map(|failure| failure.field.as_ref());
        let listed: BTreeSet<_> = listed.map(FieldName::as_str).collect();
        let away = self.away.iter().map(|field| Field::ALL[*field].name);
        let away: BTreeSet<_> = away.collect();
        if listed != away {
            return Err(
                format!("the properties of {away:?} are away, listed are {listed:?}").into(),
            );
        }
        for field in std::mem::take(&mut self.away) {
            self.set_property(field, true);
        }
        Ok(())
    }

    /// Once all options are offered again, and somebody has had what was refused tried once more, nothing is refused.
    async fn have_refused_retried(&mut self, process: &Process) -> Result<(), Failure> {
        match self.refused {
            Refused::Nothing => return Ok(()),
            Refused::Writes => return self.retry_refused().await,
            Refused::Options => {}
        }
        self.set_options(true);
        self.read_schema_anew(process).await?;
        let (organization, pair) = (self.template.organization, self.template.pair);
        self.retry_refused().await?;
        self.pass(process).await?;
        let listed = self.store.failures(organization, pair, None, 500).await?;
        let name = Field::ALL[CHOICE].name;
        let mut refused = listed.items.iter().filter(|entry| {
            let field = entry.failure.field.as_ref();
            field.is_some_and(|field| field.as_str() == name)
        });
        match refused.next() {
            Some(entry) => {
                Err(format!("all options are there, and still listed is {entry:?}").into())
            }
            None => Ok(()),
        }
    }

    /// Somebody has the next pass push what was refused.
    async fn retry_refused(&self) -> Result<(), Failure> {
        let (organization, pair) = (self.template.organization, self.template.pair);
        let now = self.ours.now();
        self.store.requeue(organization, pair, false, now).await?;
        Ok(())
    }

    async fn read_schema_anew(&self, process: &Process) -> Result<(), Failure> {
        for _ in 0..SCHEMA_PASSES {
            self.pass(process).await?;
            sleep(CALM_PAUSE).await;
        }
        Ok(())
    }

    /// Nothing is listed any more that the mapper failed on, nor for want of a property, nor what HubSpot refused for
    /// a while.
    async fn nothing_is_left_listed(&self) -> Result<(), Failure> {
        let (organization, pair) = (self.template.organization, self.template.pair);
        let listed = self.store.failures(organization, pair, None, 500).await?;
        // What waited for HubSpot's value stays listed as never taken once the record has no object any more.
        let detached = self
            .store
            .detached_records(organization, pair, None, 500)
            .await?;
        let is_given_up = |entry: &FailureEntry| {
            let mut detached = detached.items.iter();
            entry.failure.code == UNDECIDED
                && detached.any(|detached| Some(detached.record_id) == entry.record_id)
        };
        let failed = listed.items.into_iter();
        let failed: Vec<_> = failed
            .filter(|entry| OVER.contains(&entry.failure.code.as_str()) && !is_given_up(entry))
            .collect();
        if failed.is_empty() {
            return Ok(());
        }
        Err(format!(
            "properties are there, the mapper takes everything, and still listed are {failed:?}"
        )
        .into())
    }
}

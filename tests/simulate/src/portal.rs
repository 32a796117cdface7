//! What people do to the portal as a whole: to the app's access and to the schema.

use std::collections::BTreeSet;

use hubspot_sim::Kind;
use partneros_domain::FieldName;
use partneros_store::{Connections as _, NewConnection, SyncState as _};
use tokio::time::sleep;

use crate::Failure;
use crate::points::lock;
use crate::process::Process;
use crate::run::{CALM_PAUSE, World};
use crate::template::{CHOICE, Field, installed};

/// Passes within which a host has read the schema anew.
const SCHEMA_PASSES: usize = 3;

impl World {
    /// A person in HubSpot removes the app: every token is dead at once.
    pub(crate) fn uninstall(&mut self) {
        lock(&self.sim).uninstall();
        self.uninstalled = true;
    }

    /// An admin connects the portal again. No process is told, as none is of what another one does.
    pub(crate) async fn connect(&mut self) -> Result<(), Failure> {
        let (organization, connection) = (self.template.organization, self.template.connection);
        let new = NewConnection {
            at: self.ours.now(),
            ..installed(connection, &mut lock(&self.sim), self.theirs.now())
        };
        self.store.put_connection(organization, new).await?;
        self.uninstalled = false;
        Ok(())
    }

    /// A property that is archived is hidden with its values, and cannot be written.
    pub(crate) fn set_property(&mut self, field: usize, there: bool) {
        let mut sim = lock(&self.sim);
        let companies = sim.standard(Kind::Companies);
        let now = self.theirs.now();
        let registry = &mut sim.types[companies.0].registry;
        if let Some(property) = registry.position(Field::ALL[field].property) {
            registry.get_mut(property).archived = (!there).then_some(now);
        }
        if there {
            self.away.remove(&field);
        } else {
            self.away.insert(field);
        }
    }

    /// Values that are not offered any more stay where they are, and cannot be written.
    pub(crate) fn set_options(&mut self, there: bool) {
        let mut sim = lock(&self.sim);
        let companies = sim.standard(Kind::Companies);
        let all = &self.template.sim.object_type(companies).registry;
        let registry = &mut sim.types[companies.0].registry;
        let name = Field::ALL[CHOICE].property;
        let (Some(of_all), Some(property)) = (all.position(name), registry.position(name)) else {
            return;
        };
        let options = all.get(of_all).options.iter().enumerate();
        let offered = options.filter(|(at, _)| there || at % 2 == 0);
        registry.get_mut(property).options = offered.map(|(_, option)| option.clone()).collect();
        self.were_options_removed |= !there;
    }

    /// Once all options are offered again, and somebody has had what was refused tried once more, nothing is refused.
    pub(crate) async fn add_options_again(&mut self, process: &Process) -> Result<(), Failure> {
        if !self.were_options_removed {
            return Ok(());
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
    pub(crate) async fn retry_refused(&self) -> Result<(), Failure> {
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

    /// While properties are away, the fields that map them are listed, and nothing else stops. Then they come back.
    pub(crate) async fn bring_properties_back(&mut self, process: &Process) -> Result<(), Failure> {
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
}

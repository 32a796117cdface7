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
use crate::template::{Field, installed};

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

    /// While properties are away, the fields that map them are listed, and nothing else stops. Then they come back.
    pub(crate) async fn bring_properties_back(&mut self, process: &Process) -> Result<(), Failure> {
        if self.away.is_empty() {
            return Ok(());
        }
        for _ in 0..SCHEMA_PASSES {
            self.pass(process).await?;
            sleep(CALM_PAUSE).await;
        }
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

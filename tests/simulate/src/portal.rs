//! What people do to the portal as a whole: to the app's access and to the schema; and what it does to us.

use hubspot_sim::{ArmedFault, Fault, FaultPlan, Kind};
use partneros_store::{Connections as _, NewConnection};

use crate::Failure;
use crate::points::lock;
use crate::run::World;
use crate::template::{CHOICE, Field, installed};

/// What may have been refused that would be taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// Nothing.
    Nothing,
    /// Any write.
    Writes,
    /// The same, and values that were no options then.
    Options,
}

impl World {
    /// A person in HubSpot removes the app: every token is dead at once.
    pub(crate) fn uninstall(&mut self) {
        lock(&self.hubspot.sim).uninstall();
        self.uninstalled = true;
    }

    /// An admin connects the portal again. No process is told, as none is of what another one does.
    pub(crate) async fn connect(&mut self) -> Result<(), Failure> {
        let (organization, connection) = (self.template.organization, self.template.connection);
        let new = NewConnection {
            at: self.ours.now(),
            ..installed(
                connection,
                &mut lock(&self.hubspot.sim),
                self.hubspot.clock.now(),
            )
        };
        self.store.put_connection(organization, new).await?;
        self.uninstalled = false;
        Ok(())
    }

    /// From now on HubSpot's answers fail with this chance in a thousand, for each kind of failure.
    pub(crate) fn make_trouble(&self, per_mille: u32) {
        let kinds = [
            Fault::RateLimited {
                retry_after_s: None,
            },
            Fault::RateLimited {
                retry_after_s: Some(3),
            },
            Fault::Locked,
            Fault::Migrating { retry_after_s: 30 },
            Fault::BadGateway,
            Fault::ServerError,
            Fault::CutOffBody,
            Fault::LostResponse,
        ];
        let rates = kinds.map(|kind| (kind, f64::from(per_mille) / 1_000.0));
        let plan = FaultPlan {
            rates: rates.to_vec(),
        };
        lock(&self.hubspot.sim).faults.set_plan(plan);
    }

    /// HubSpot refuses the next updates and upserts.
    pub(crate) fn refuse_writes(&mut self, times: u32) {
        self.refused = self.refused.max(Refused::Writes);
        lock(&self.hubspot.sim).faults.arm(ArmedFault {
            path: "/batch/up".to_owned(),
            skip: 0,
            times,
            fault: Fault::Conflict,
        });
    }

    /// A property that is archived is hidden with its values, and cannot be written.
    pub(crate) fn set_property(&mut self, field: usize, there: bool) {
        let mut sim = lock(&self.hubspot.sim);
        let companies = sim.standard(Kind::Companies);
        let now = self.hubspot.clock.now();
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
        let mut sim = lock(&self.hubspot.sim);
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
        if !there {
            self.refused = Refused::Options;
        }
    }
}

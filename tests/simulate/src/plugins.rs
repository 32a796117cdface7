//! Mappers of the organization's own that fail now and then, or always, and values on which a mapper fails: what it would return
//! of them is more than the host takes from a call, or it crashes. Such a record, or field, waits until the value is corrected; what
//! goes along with it must not be lost, nor what is in the same batch.

use partneros_domain::{Digest, PluginFailurePolicy, Value};
use partneros_store::{
    BindingScope, MapperParts, PairPatch, Pairs as _, Plugins as _, Records as _, RunTrigger,
};
use partneros_sync::SyncSettings;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::ledger::held;
use crate::points::lock;
use crate::process::Process;
use crate::run::World;
use crate::template::{Field, OURS};

/// What the mapper may return of a batch in bytes: enough for every record there is, if all values are short.
pub const RETURNED_BYTES_MAX: usize = 32 << 10;
/// More characters than it may return bytes, and fewer than HubSpot takes for a text.
const OVERLONG_CHARS: usize = 40_000;
/// What ends a text on which the moody mapper crashes.
const POISON: &str = "poison";

/// A mapper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The host's.
    Default,
    /// One that crashes on some batches, whatever is in them, and on poison.
    Moody,
    /// One that crashes on everything.
    Broken,
}

impl Bound {
    /// Those of the organization, whose components are uploaded before anything happens.
    pub const UPLOADED: [Self; 2] = [Self::Moody, Self::Broken];

    /// The component; none for the host's.
    pub fn component(self) -> Option<&'static [u8]> {
        match self {
            Self::Default => None,
            Self::Moody => Some(test_guests::MOODY),
            Self::Broken => Some(test_guests::TRAPS),
        }
    }
}

impl World {
    /// An admin binds a mapper to the organization, or what is bound there no more.
    pub(crate) async fn bind(&mut self, mapper: Bound) -> Result<(), Failure> {
        let organization = self.template.organization;
        let scope = BindingScope::Organization;
        match mapper.component() {
            None => self.store.unbind(organization, scope).await?,
            Some(component) => {
                let parts = MapperParts(vec![Digest::of(component)]);
                let now = self.ours.now();
                let bound = self.store.bind(organization, scope, None, parts, now).await;
                // What has failed too often is in quarantine, and cannot be bound.
                if let Err(error) = bound
                    && !matches!(error, partneros_store::Error::Conflict { .. })
                {
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    /// Where something that works was bound before what is broken, the host goes back to that by itself; otherwise an admin
    /// binds what works.
    pub(crate) async fn mend_mapper(&mut self, process: &Process) -> Result<(), Failure> {
        let (organization, pair) = (self.template.organization, self.template.pair);
        let bound = self.store.bindings(organization).await?;
        let broken = Bound::Broken.component().map(Digest::of);
        let is_broken = |parts: &MapperParts| parts.0.first().copied() == broken;
        let Some(binding) = bound.iter().find(|binding| is_broken(&binding.parts)) else {
            return Ok(());
        };
        if binding.previous.as_ref().is_none_or(is_broken) {
            return self.bind(Bound::Default).await;
        }
        for _ in 0..SyncSettings::default().plugin_failures_max {
            let trigger = RunTrigger::Schedule;
            // It may fail so often.
            let _ = process.engine.run(organization, pair, trigger, false).await;
        }
        Ok(())
    }

    /// Someone sets a field to more than the mapper may return, here or in HubSpot.
    pub(crate) async fn set_overlong(
        &mut self,
        entity: usize,
        field: usize,
        theirs: bool,
    ) -> Result<(), Failure> {
        let long = "x".repeat(OVERLONG_CHARS);
        self.set_ending(entity, field, theirs, &long).await
    }

    /// Someone sets a field to what the moody mapper crashes on.
    pub(crate) async fn set_poison(
        &mut self,
        entity: usize,
        field: usize,
        theirs: bool,
    ) -> Result<(), Failure> {
        self.set_ending(entity, field, theirs, POISON).await
    }

    async fn set_ending(
        &mut self,
        entity: usize,
        field: usize,
        theirs: bool,
        ending: &str,
    ) -> Result<(), Failure> {
        let of = if theirs { "theirs" } else { "ours" };
        let value = format!("{} {ending}", self.word(of));
        if theirs {
            if let Some(id) = self.object(entity) {
                self.their_value(id, field, Some(value));
            }
        } else if let Some(record) = self.record(entity).await? {
            self.our_value(&record, field, Some(value)).await?;
        }
        Ok(())
    }

    /// The pair's policy for what a plugin fails on changes.
    pub(crate) async fn set_failure_policy(
        &self,
        policy: PluginFailurePolicy,
    ) -> Result<(), Failure> {
        let patch = PairPatch {
            plugin_failure_policy: Some(policy),
            ..PairPatch::default()
        };
        let (organization, pair) = (self.template.organization, self.template.pair);
        self.store.update_pair(organization, pair, &patch).await?;
        Ok(())
    }

    /// People correct what a mapper fails on, wherever it is by now.
    pub(crate) async fn correct_values(&mut self) -> Result<(), Failure> {
        let held = held(&lock(&self.hubspot.sim));
        let is_bad = |value: &str| value.len() > OVERLONG_CHARS || value.ends_with(POISON);
        for ((id, field), value) in held {
            if value.is_some_and(|value| is_bad(&value)) {
                self.their_edit(id, field, false);
            }
        }
        let organization = self.template.organization;
        let records = self.store.records(organization, OURS, None, 500).await?;
        for record in records.items {
            for (at, field) in Field::ALL.iter().enumerate() {
                let value = record.fields.get(field.name);
                if matches!(value, Some(Value::Text(text)) if is_bad(text)) {
                    self.our_edit(&record, at, false).await?;
                }
            }
        }
        self.look().await
    }
}

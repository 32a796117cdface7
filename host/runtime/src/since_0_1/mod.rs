//! Version 0.1 of the WIT contract: its generated types, and how they become the host's own.
//!
//! The rest of the crate knows only the types of `partneros-domain`. A later version gets a module like
//! this one, and no other code changes. Values move; only schemas are copied, once for each plan.

mod schema;
mod values;

#[allow(
    missing_debug_implementations,
    clippy::pedantic,
    reason = "generated code; the lints are for what people write"
)]
mod bindings {
    wasmtime::component::bindgen!({ path: "../../wit/mapper-0.1.0", world: "mapper" });
}

use partneros_domain::plan::{Problem, Transformed};
use partneros_domain::{Column, Description, ObjectSchema, Suggestion};
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{AsContextMut, Result};

pub use self::bindings::exports::partneros::mapper::transform::Plan;
use self::bindings::exports::partneros::mapper::{describe, suggest, transform};
#[cfg(feature = "test-contract")]
pub use self::bindings::partneros::mapper::types;
use crate::exports::exported;
use crate::world::World;

/// Where the functions of a component are found. Those that its world lacks are absent.
#[derive(Clone)]
pub struct Exports {
    describe: describe::GuestIndices,
    suggest: Option<suggest::GuestIndices>,
    transform: Option<transform::GuestIndices>,
}

impl Exports {
    /// Looks up the functions of the world.
    pub fn new<T>(pre: &InstancePre<T>, world: World) -> Result<Self> {
        let suggests = world.suggests().then(|| suggest::GuestIndices::new(pre));
        let transforms = world
            .transforms()
            .then(|| transform::GuestIndices::new(pre));
        Ok(Self {
            describe: describe::GuestIndices::new(pre)?,
            suggest: suggests.transpose()?,
            transform: transforms.transpose()?,
        })
    }

    pub fn describe(
        &self,
        mut store: impl AsContextMut,
        instance: &Instance,
    ) -> Result<Description> {
        let guest = self.describe.load(&mut store, instance)?;
        Ok(guest.call_describe(store)?.into())
    }

    pub fn suggest(
        &self,
        mut store: impl AsContextMut,
        instance: &Instance,
        partneros: &ObjectSchema,
        hubspot: &ObjectSchema,
    ) -> Result<Result<Vec<Suggestion>, String>> {
        let guest = exported(self.suggest.as_ref())?.load(&mut store, instance)?;
        let suggestions = guest.call_suggest(store, &partneros.into(), &hubspot.into())?;
        Ok(suggestions.map(|list| list.into_iter().map(Into::into).collect()))
    }

    pub fn check(
        &self,
        mut store: impl AsContextMut,
        instance: &Instance,
        plan: &Plan,
    ) -> Result<Vec<Problem>> {
        let guest = exported(self.transform.as_ref())?.load(&mut store, instance)?;
        let problems = guest.call_check(store, plan)?;
        Ok(problems.into_iter().map(Into::into).collect())
    }

    pub fn transform(
        &self,
        mut store: impl AsContextMut,
        instance: &Instance,
        plan: &Plan,
        batch: Vec<Column>,
    ) -> Result<Result<Transformed, String>> {
        let guest = exported(self.transform.as_ref())?.load(&mut store, instance)?;
        let batch: Vec<_> = batch.into_iter().map(Into::into).collect();
        Ok(guest.call_transform(store, plan, &batch)?.map(Into::into))
    }
}

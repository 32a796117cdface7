//! Calls a component through the module of the version that it implements.
//!
//! The rest of the crate knows only the types of `partneros-domain`; which version a component is of matters here and
//! nowhere behind.

use partneros_domain::plan::{Problem, Transformed};
use partneros_domain::{Column, Description, ObjectSchema, Suggestion};
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{AsContextMut, Result};

use crate::contract::ContractVersion;
use crate::plan::PreparedPlan;
use crate::since_0_1;
#[cfg(feature = "test-contract")]
use crate::since_0_2;
use crate::world::World;

/// Where the functions of a component are found.
#[derive(Clone)]
pub enum Exports {
    Since0_1(since_0_1::Exports),
    #[cfg(feature = "test-contract")]
    Since0_2(since_0_2::Exports),
}

/// Does the same with the exports of whatever version.
macro_rules! with {
    ($exports:expr, $name:ident => $call:expr) => {
        match $exports {
            Exports::Since0_1($name) => $call,
            #[cfg(feature = "test-contract")]
            Exports::Since0_2($name) => $call,
        }
    };
}

impl Exports {
    /// Looks up the functions of the world.
    pub fn new<T>(pre: &InstancePre<T>, version: ContractVersion, world: World) -> Result<Self> {
        Ok(match version {
            ContractVersion::V0_1_0 => Self::Since0_1(since_0_1::Exports::new(pre, world)?),
            #[cfg(feature = "test-contract")]
            ContractVersion::V0_2_0 => Self::Since0_2(since_0_2::Exports::new(pre, world)?),
        })
    }

    pub fn describe(&self, store: impl AsContextMut, instance: &Instance) -> Result<Description> {
        with!(self, exports => exports.describe(store, instance))
    }

    pub fn suggest(
        &self,
        store: impl AsContextMut,
        instance: &Instance,
        partneros: &ObjectSchema,
        hubspot: &ObjectSchema,
    ) -> Result<Result<Vec<Suggestion>, String>> {
        with!(self, exports => exports.suggest(store, instance, partneros, hubspot))
    }

    pub fn check(
        &self,
        store: impl AsContextMut,
        instance: &Instance,
        plan: &PreparedPlan,
    ) -> Result<Vec<Problem>> {
        match self {
            Self::Since0_1(exports) => exports.check(store, instance, plan.since_0_1()),
            #[cfg(feature = "test-contract")]
            Self::Since0_2(exports) => exports.check(store, instance, plan.since_0_2()),
        }
    }

    pub fn transform(
        &self,
        store: impl AsContextMut,
        instance: &Instance,
        plan: &PreparedPlan,
        batch: Vec<Column>,
    ) -> Result<Result<Transformed, String>> {
        match self {
            Self::Since0_1(exports) => exports.transform(store, instance, plan.since_0_1(), batch),
            #[cfg(feature = "test-contract")]
            Self::Since0_2(exports) => exports.transform(store, instance, plan.since_0_2(), batch),
        }
    }
}

/// The indices of an interface that the component's world has.
pub fn exported<T>(indices: Option<&T>) -> Result<&T> {
    indices.ok_or_else(|| wasmtime::format_err!("the component's world lacks the function"))
}

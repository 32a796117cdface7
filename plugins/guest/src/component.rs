//! Exports a mapper from the component.

use std::marker::PhantomData;

use crate::bindings::exports::partneros::mapper;
use crate::bindings::{Column, Description, ObjectSchema, Plan, Problem, Suggestion, Transformed};
use crate::mapper::{Mapper, check, transform};

/// Carries a [`Mapper`] to the generated traits.
#[derive(Debug)]
pub struct Component<M>(PhantomData<M>);

impl<M: Mapper> mapper::describe::Guest for Component<M> {
    fn describe() -> Description {
        M::describe()
    }
}

impl<M: Mapper> mapper::suggest::Guest for Component<M> {
    fn suggest(partneros: ObjectSchema, hubspot: ObjectSchema) -> Result<Vec<Suggestion>, String> {
        M::suggest(&partneros, &hubspot).map_err(|fault| fault.message)
    }
}

impl<M: Mapper> mapper::transform::Guest for Component<M> {
    fn check(plan: Plan) -> Vec<Problem> {
        check::<M>(&plan)
    }

    fn transform(plan: Plan, batch: Vec<Column>) -> Result<Transformed, String> {
        transform::<M>(&plan, &batch)
    }
}

/// Exports a [`Mapper`] from the component; does nothing in a native build, so that tests run anywhere.
#[macro_export]
macro_rules! export {
    ($mapper:ident) => {
        #[cfg(target_arch = "wasm32")]
        mod component {
            #![allow(unsafe_code, reason = "the generated exports are unsafe functions")]

            type Component = $crate::Component<super::$mapper>;
            $crate::bindings::export!(Component with_types_in $crate::bindings);
        }
    };
}

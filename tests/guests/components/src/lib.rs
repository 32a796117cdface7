//! What the misbehaving guests have in common: a mapper that behaves.
//!
//! A guest is one file in `examples/`. It takes over a function or two of [`Mapper`] and leaves the
//! others as they are, so that the file shows nothing but the misbehaviour. Every guest has an
//! expectation in the runtime's tests; one without fails them.

pub mod bindings {
    //! The types of `partneros:mapper@0.1.0`, generated from the WIT files.
    #![allow(
        unsafe_code,
        missing_debug_implementations,
        clippy::pedantic,
        reason = "generated code; the lints are for what people write"
    )]

    wit_bindgen::generate!({
        world: "mapper",
        path: "../../../wit/mapper-0.1.0",
        pub_export_macro: true,
    });
}

use std::marker::PhantomData;

pub use bindings::exports::partneros::mapper::describe::{self, Description};
pub use bindings::exports::partneros::mapper::suggest::{self, Candidate, Suggestion};
pub use bindings::exports::partneros::mapper::transform::{
    self, Direction, Failure, Plan, Problem, Transformed,
};
pub use bindings::partneros::mapper::types::{Column, DataType, ObjectSchema};

/// World `mapper`, answered properly.
pub trait Mapper {
    fn describe() -> Description {
        Description {
            name: "test-guest".to_owned(),
            version: "1.0.0".to_owned(),
            summary: "A component for tests.".to_owned(),
            options_schema: String::new(),
        }
    }

    /// Suggests properties of the same name.
    fn suggest(
        partneros: &ObjectSchema,
        hubspot: &ObjectSchema,
    ) -> Result<Vec<Suggestion>, String> {
        let same = |name: &str| hubspot.fields.iter().any(|property| property.name == name);
        let names = partneros.fields.iter().map(|field| &field.name);
        let suggestion = |name: &String| Suggestion {
            field: name.clone(),
            candidates: vec![Candidate {
                property: name.clone(),
                confidence: 1.0,
                reasons: Vec::new(),
            }],
        };
        Ok(names.filter(|name| same(name)).map(suggestion).collect())
    }

    fn check(_plan: &Plan) -> Vec<Problem> {
        Vec::new()
    }

    /// Gives each text output the text of its first input.
    fn transform(plan: &Plan, batch: Vec<Column>) -> Result<Transformed, String> {
        Ok(Transformed {
            columns: texts(plan, &batch, str::to_owned),
            failures: Vec::new(),
        })
    }
}

/// One column for each output: for a text output that a text input feeds, its cells changed by `change`;
/// for any other, no values.
pub fn texts(plan: &Plan, batch: &[Column], change: impl Fn(&str) -> String) -> Vec<Column> {
    let rows = batch.first().map_or(0, rows);
    let column = |position: usize| {
        let rule = (plan.rules.iter()).find(|rule| rule.output as usize == position)?;
        match batch.get(*rule.inputs.first()? as usize)? {
            Column::Text(cells) => {
                let cells = cells.iter().map(|cell| Some(change(cell.as_ref()?)));
                Some(Column::Text(cells.collect()))
            }
            _ => None,
        }
    };
    plan.outputs
        .iter()
        .enumerate()
        .map(|(position, output)| {
            let data_type = match plan.direction {
                Direction::ToHubspot => DataType::Text,
                Direction::ToPartneros => output.data_type,
            };
            match empty(data_type, rows) {
                Column::Text(cells) => column(position).unwrap_or(Column::Text(cells)),
                other => other,
            }
        })
        .collect()
}

/// A column without values.
pub fn empty(data_type: DataType, rows: usize) -> Column {
    match data_type {
        DataType::Integer => Column::Integer(vec![None; rows]),
        DataType::Number => Column::Number(vec![None; rows]),
        DataType::Boolean => Column::Boolean(vec![None; rows]),
        DataType::MultiChoice => Column::Texts(vec![None; rows]),
        DataType::Text
        | DataType::Date
        | DataType::Datetime
        | DataType::Choice
        | DataType::Reference => Column::Text(vec![None; rows]),
    }
}

/// The length of a column.
pub fn rows(column: &Column) -> usize {
    match column {
        Column::Text(cells) => cells.len(),
        Column::Integer(cells) => cells.len(),
        Column::Number(cells) => cells.len(),
        Column::Boolean(cells) => cells.len(),
        Column::Texts(cells) => cells.len(),
    }
}

/// Carries a [`Mapper`] to the generated traits.
#[derive(Debug)]
pub struct Component<M>(PhantomData<M>);

impl<M: Mapper> describe::Guest for Component<M> {
    fn describe() -> Description {
        M::describe()
    }
}

impl<M: Mapper> suggest::Guest for Component<M> {
    fn suggest(partneros: ObjectSchema, hubspot: ObjectSchema) -> Result<Vec<Suggestion>, String> {
        M::suggest(&partneros, &hubspot)
    }
}

impl<M: Mapper> transform::Guest for Component<M> {
    fn check(plan: Plan) -> Vec<Problem> {
        M::check(&plan)
    }

    fn transform(plan: Plan, batch: Vec<Column>) -> Result<Transformed, String> {
        M::transform(&plan, batch)
    }
}

/// Exports a [`Mapper`] from the component; does nothing in a native build.
#[macro_export]
macro_rules! export_mapper {
    ($mapper:ident) => {
        #[cfg(target_arch = "wasm32")]
        mod component {
            #![allow(unsafe_code, reason = "the generated exports are unsafe functions")]

            type Component = $crate::Component<super::$mapper>;
            $crate::bindings::export!(Component with_types_in $crate::bindings);
        }
    };
}

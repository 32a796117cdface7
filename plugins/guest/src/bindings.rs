//! The types of `partneros:mapper@0.1.0`, generated from the WIT files.
#![allow(
    unsafe_code,
    missing_debug_implementations,
    clippy::pedantic,
    reason = "generated code; the lints are for what people write"
)]

wit_bindgen::generate!({
    world: "mapper",
    path: "wit",
    additional_derives: [PartialEq],
    pub_export_macro: true,
});

pub use exports::partneros::mapper::describe::Description;
pub use exports::partneros::mapper::suggest::{Candidate, Reason, Suggestion};
pub use exports::partneros::mapper::transform::{
    Direction, Failure, Plan, Problem, Rule, Transformed,
};
pub use partneros::mapper::types::{ChoiceOption, Column, DataType, FieldSchema, ObjectSchema};

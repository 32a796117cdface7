//! Writes a mapper for PartnerOS in Rust.
//!
//! The contract hands over a batch as columns, because that is cheap. A mapper is easier to think of a
//! value at a time, so this crate takes the columns apart and puts them together again: implement
//! [`Mapper`], end the file with [`export!`], and build for `wasm32-wasip2`. Errors stay the mapper's own
//! types, as long as they have a code ([`Coded`]).
//!
//! Invariant: whatever a mapper answers, the columns that go back have the length and the kind that the
//! host expects; a value of another kind becomes a failure of its row.

pub mod bindings;
mod column;
mod component;
mod fault;
mod mapper;
mod row;
mod value;

pub use bindings::{
    Candidate, ChoiceOption, DataType, Description, Direction, FieldSchema, ObjectSchema, Plan,
    Reason, Rule, Suggestion,
};
pub use column::Kind;
pub use component::Component;
pub use fault::{Coded, Fault};
pub use mapper::{Mapper, check, input, output, transform};
pub use row::{Row, UnexpectedKind};
pub use value::Value;

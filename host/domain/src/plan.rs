//! What a transform is asked to do, and what it answers. Mirrors interface `transform` of the WIT contract.

use crate::column::{Column, ColumnKind};
use crate::schema::{DataType, FieldSchema};

/// Which side a transform writes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransformDirection {
    /// Inputs are PartnerOS fields, outputs HubSpot properties.
    ToHubSpot,
    /// Inputs are HubSpot properties, outputs PartnerOS fields.
    ToPartnerOs,
}

impl TransformDirection {
    /// The kind of an input's column.
    pub const fn input_kind(self, data_type: DataType) -> ColumnKind {
        match self {
            Self::ToHubSpot => ColumnKind::of(data_type),
            Self::ToPartnerOs => ColumnKind::Text,
        }
    }

    /// The kind of an output's column.
    pub const fn output_kind(self, data_type: DataType) -> ColumnKind {
        match self {
            Self::ToHubSpot => ColumnKind::Text,
            Self::ToPartnerOs => ColumnKind::of(data_type),
        }
    }
}

/// How one output is made.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Positions in [`Plan::inputs`]; at least one.
    pub inputs: Vec<u32>,
    /// Position in [`Plan::outputs`]; no two rules share it.
    pub output: u32,
    /// A JSON object of options, or empty.
    pub options: String,
}

/// What a batch holds and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Which side the outputs belong to.
    pub direction: TransformDirection,
    /// The schema of each input column.
    pub inputs: Vec<FieldSchema>,
    /// The schema of each output column.
    pub outputs: Vec<FieldSchema>,
    /// One rule an output.
    pub rules: Vec<Rule>,
    /// Facts about the pair, by name.
    pub extra: Vec<(String, String)>,
}

/// Something wrong with a rule, found before any record moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Position in [`Plan::rules`].
    pub rule: u32,
    /// A stable code in kebab case.
    pub code: String,
    /// What is wrong and what to change.
    pub message: String,
}

/// One value that could not be transformed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Position in [`Plan::rules`].
    pub rule: u32,
    /// Position in the batch.
    pub row: u32,
    /// A stable code in kebab case.
    pub code: String,
    /// What is wrong with the value.
    pub message: String,
}

/// A transformed batch: one column an output, each as long as the batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Transformed {
    /// One column for each of [`Plan::outputs`].
    pub columns: Vec<Column>,
    /// The cells that have no value because theirs could not be transformed.
    pub failures: Vec<Failure>,
}

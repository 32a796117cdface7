//! The columns of the contract, read and written a cell at a time.

use std::fmt;

use crate::bindings::{Column, DataType};
use crate::value::Value;

/// Which variant a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `list<option<string>>`.
    Text,
    /// `list<option<s64>>`.
    Integer,
    /// `list<option<f64>>`.
    Number,
    /// `list<option<bool>>`.
    Boolean,
    /// `list<option<list<string>>>`.
    Texts,
}

impl Kind {
    /// The kind that carries PartnerOS values of this type. HubSpot's values are always text.
    pub const fn of(data_type: DataType) -> Self {
        match data_type {
            DataType::Integer => Self::Integer,
            DataType::Number => Self::Number,
            DataType::Boolean => Self::Boolean,
            DataType::MultiChoice => Self::Texts,
            DataType::Text
            | DataType::Date
            | DataType::Datetime
            | DataType::Choice
            | DataType::Reference => Self::Text,
        }
    }

    /// A column of this kind without values.
    pub(crate) fn empty(self, rows: usize) -> Column {
        match self {
            Self::Text => Column::Text(vec![None; rows]),
            Self::Integer => Column::Integer(vec![None; rows]),
            Self::Number => Column::Number(vec![None; rows]),
            Self::Boolean => Column::Boolean(vec![None; rows]),
            Self::Texts => Column::Texts(vec![None; rows]),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Texts => "texts",
        })
    }
}

pub(crate) fn kind(column: &Column) -> Kind {
    match column {
        Column::Text(_) => Kind::Text,
        Column::Integer(_) => Kind::Integer,
        Column::Number(_) => Kind::Number,
        Column::Boolean(_) => Kind::Boolean,
        Column::Texts(_) => Kind::Texts,
    }
}

pub(crate) fn rows(column: &Column) -> usize {
    match column {
        Column::Text(cells) => cells.len(),
        Column::Integer(cells) => cells.len(),
        Column::Number(cells) => cells.len(),
        Column::Boolean(cells) => cells.len(),
        Column::Texts(cells) => cells.len(),
    }
}

/// Writes a cell; gives the value back when the column is of another kind or too short.
pub(crate) fn put(column: &mut Column, row: usize, value: Value) -> Result<(), Value> {
    fn fill<T>(cells: &mut [Option<T>], row: usize, value: T) -> Option<T> {
        match cells.get_mut(row) {
            Some(cell) => {
                *cell = Some(value);
                None
            }
            None => Some(value),
        }
    }
    let refused = match (column, value) {
        (Column::Text(cells), Value::Text(value)) => fill(cells, row, value).map(Value::Text),
        (Column::Integer(cells), Value::Integer(value)) => {
            fill(cells, row, value).map(Value::Integer)
        }
        (Column::Number(cells), Value::Number(value)) => fill(cells, row, value).map(Value::Number),
        (Column::Boolean(cells), Value::Boolean(value)) => {
            fill(cells, row, value).map(Value::Boolean)
        }
        (Column::Texts(cells), Value::Texts(value)) => fill(cells, row, value).map(Value::Texts),
        (_, value) => Some(value),
    };
    refused.map_or(Ok(()), Err)
}

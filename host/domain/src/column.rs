//! One field of a whole batch, as it crosses the plugin boundary.

use crate::schema::DataType;
use crate::value::Value;

/// The values of one field for a batch, one entry a record; `None` is "no value".
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Text, dates, datetimes, choices, references; and everything of HubSpot.
    Text(Vec<Option<String>>),
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Decimal numbers.
    Number(Vec<Option<f64>>),
    /// Booleans.
    Boolean(Vec<Option<bool>>),
    /// Multiple choices.
    Texts(Vec<Option<Vec<String>>>),
}

/// Which variant a [`Column`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// [`Column::Text`].
    Text,
    /// [`Column::Integer`].
    Integer,
    /// [`Column::Number`].
    Number,
    /// [`Column::Boolean`].
    Boolean,
    /// [`Column::Texts`].
    Texts,
}

impl ColumnKind {
    /// The variant that carries PartnerOS values of this type. HubSpot's values are always text.
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

    /// The name in WIT, such as `texts`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Texts => "texts",
        }
    }
}

impl Column {
    /// An empty column with room for `rows` entries.
    pub fn with_capacity(kind: ColumnKind, rows: usize) -> Self {
        match kind {
            ColumnKind::Text => Self::Text(Vec::with_capacity(rows)),
            ColumnKind::Integer => Self::Integer(Vec::with_capacity(rows)),
            ColumnKind::Number => Self::Number(Vec::with_capacity(rows)),
            ColumnKind::Boolean => Self::Boolean(Vec::with_capacity(rows)),
            ColumnKind::Texts => Self::Texts(Vec::with_capacity(rows)),
        }
    }

    /// Which variant this is.
    pub const fn kind(&self) -> ColumnKind {
        match self {
            Self::Text(_) => ColumnKind::Text,
            Self::Integer(_) => ColumnKind::Integer,
            Self::Number(_) => ColumnKind::Number,
            Self::Boolean(_) => ColumnKind::Boolean,
            Self::Texts(_) => ColumnKind::Texts,
        }
    }

    /// How many records the column covers.
    pub const fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.len(),
            Self::Integer(cells) => cells.len(),
            Self::Number(cells) => cells.len(),
            Self::Boolean(cells) => cells.len(),
            Self::Texts(cells) => cells.len(),
        }
    }

    /// Whether the column covers no record.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a record's value. A value of another kind is appended as "no value" and `false` is returned.
    pub fn push(&mut self, value: Option<Value>) -> bool {
        match (self, value) {
            (Self::Text(cells), Some(Value::Text(text))) => cells.push(Some(text)),
            (Self::Integer(cells), Some(Value::Integer(number))) => cells.push(Some(number)),
            (Self::Number(cells), Some(Value::Number(number))) => cells.push(Some(number)),
            (Self::Boolean(cells), Some(Value::Boolean(flag))) => cells.push(Some(flag)),
            (Self::Texts(cells), Some(Value::Texts(texts))) => cells.push(Some(texts)),
            (column, value) => {
                match column {
                    Self::Text(cells) => cells.push(None),
                    Self::Integer(cells) => cells.push(None),
                    Self::Number(cells) => cells.push(None),
                    Self::Boolean(cells) => cells.push(None),
                    Self::Texts(cells) => cells.push(None),
                }
                return value.is_none();
            }
        }
        true
    }

    /// Makes the column this long: what is missing has no value.
    pub fn resize(&mut self, rows: usize) {
        match self {
            Self::Text(cells) => cells.resize(rows, None),
            Self::Integer(cells) => cells.resize(rows, None),
            Self::Number(cells) => cells.resize(rows, None),
            Self::Boolean(cells) => cells.resize(rows, None),
            Self::Texts(cells) => cells.resize(rows, None),
        }
    }

    /// Puts a record's value in place, making the column longer if need be. A value of another kind is put as "no value"
    /// and `false` is returned.
    pub fn set(&mut self, row: usize, value: Option<Value>) -> bool {
        if self.len() <= row {
            self.resize(row + 1);
        }
        match (self, value) {
            (Self::Text(cells), Some(Value::Text(text))) => cells[row] = Some(text),
            (Self::Integer(cells), Some(Value::Integer(number))) => cells[row] = Some(number),
            (Self::Number(cells), Some(Value::Number(number))) => cells[row] = Some(number),
            (Self::Boolean(cells), Some(Value::Boolean(flag))) => cells[row] = Some(flag),
            (Self::Texts(cells), Some(Value::Texts(texts))) => cells[row] = Some(texts),
            (column, value) => {
                column.take(row);
                return value.is_none();
            }
        }
        true
    }

    /// Takes a record's value out, leaving "no value". A row beyond the end has none.
    pub fn take(&mut self, row: usize) -> Option<Value> {
        match self {
            Self::Text(cells) => cells.get_mut(row)?.take().map(Value::Text),
            Self::Integer(cells) => cells.get_mut(row)?.take().map(Value::Integer),
            Self::Number(cells) => cells.get_mut(row)?.take().map(Value::Number),
            Self::Boolean(cells) => cells.get_mut(row)?.take().map(Value::Boolean),
            Self::Texts(cells) => cells.get_mut(row)?.take().map(Value::Texts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_another_kind_is_no_value_and_is_reported() {
        let mut column = Column::with_capacity(ColumnKind::Integer, 2);
        assert!(column.push(Some(Value::Integer(1))));
        assert!(!column.push(Some(Value::Text("x".into()))));
        assert!(column.push(None));
        assert_eq!(column, Column::Integer(vec![Some(1), None, None]));
        assert!(column.set(4, Some(Value::Integer(5))));
        assert!(column.set(0, None));
        assert!(!column.set(4, Some(Value::Boolean(true))));
        column.resize(6);
        assert_eq!(column, Column::Integer(vec![None; 6]));
    }
}

//! What a rule reads of one record.

use std::fmt;

use crate::bindings::Column;
use crate::column::{self, Kind};
use crate::fault::Coded;
use crate::value::Value;

/// The values that a rule's inputs have in one record, by their position in `rule.inputs`.
///
/// The accessors answer "no value" with `Ok(None)`, also for a position that the rule does not have.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    batch: &'a [Column],
    inputs: &'a [u32],
    record: usize,
}

/// A value of another kind than the mapper asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnexpectedKind {
    /// What was asked for.
    pub expected: Kind,
    /// What there is.
    pub found: Kind,
}

macro_rules! accessor {
    ($(#[$doc:meta])* $name:ident, $variant:ident, $type:ty, $read:expr) => {
        $(#[$doc])*
        pub fn $name(&self, input: usize) -> Result<Option<$type>, UnexpectedKind> {
            match self.column(input) {
                Some(Column::$variant(cells)) => {
                    Ok(cells.get(self.record).and_then(Option::as_ref).map($read))
                }
                Some(other) => Err(UnexpectedKind {
                    expected: Kind::$variant,
                    found: column::kind(other),
                }),
                None => Ok(None),
            }
        }
    };
}

impl<'a> Row<'a> {
    pub(crate) fn new(batch: &'a [Column], inputs: &'a [u32], record: usize) -> Self {
        Self {
            batch,
            inputs,
            record,
        }
    }

    accessor!(
        /// Text, a date, a datetime, a choice or a reference; everything of HubSpot.
        text, Text, &'a str, String::as_str
    );
    accessor!(
        /// A whole number.
        integer, Integer, i64, |value| *value
    );
    accessor!(
        /// A decimal number.
        number, Number, f64, |value| *value
    );
    accessor!(
        /// True or false.
        boolean, Boolean, bool, |value| *value
    );
    accessor!(
        /// Multiple choices.
        texts, Texts, &'a [String], Vec::as_slice
    );

    /// The value, whatever its kind.
    pub fn value(&self, input: usize) -> Option<Value> {
        match self.column(input)? {
            Column::Text(cells) => Some(Value::Text(cells.get(self.record)?.clone()?)),
            Column::Integer(cells) => Some(Value::Integer((*cells.get(self.record)?)?)),
            Column::Number(cells) => Some(Value::Number((*cells.get(self.record)?)?)),
            Column::Boolean(cells) => Some(Value::Boolean((*cells.get(self.record)?)?)),
            Column::Texts(cells) => Some(Value::Texts(cells.get(self.record)?.clone()?)),
        }
    }

    fn column(&self, input: usize) -> Option<&'a Column> {
        self.batch.get(*self.inputs.get(input)? as usize)
    }
}

impl fmt::Display for UnexpectedKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, found } = self;
        write!(
            formatter,
            "the value is of kind `{found}`, not `{expected}`"
        )
    }
}

impl Coded for UnexpectedKind {
    fn code(&self) -> &'static str {
        "unexpected-kind"
    }
}

//! One value on its way from one side to the other, and the cells it comes from and goes into.

use crate::bindings::Column;

use super::date::{Day, Instant};
use super::date_format::DateFormat;
use super::decimal::Decimal;
use super::kind::{Kind, Side};
use super::text::{parse_flag, shown};

/// What separates the values of a multi-choice in HubSpot.
pub const HUBSPOT_SEPARATOR: &str = ";";

/// A value, understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(String),
    Decimal(Decimal),
    Boolean(bool),
    /// A day and the text it was read from, which may already be canonical.
    Day(Day, String),
    /// An instant and the text it was read from.
    Instant(Instant, String),
    Texts(Vec<String>),
}

/// A value as a column carries it.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
    Texts(Vec<String>),
}

/// Why a value could not be transformed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub code: &'static str,
    pub message: String,
}

impl Fault {
    /// A fault whose message begins with the value.
    pub fn of(code: &'static str, value: &str, what: &str) -> Self {
        Self {
            code,
            message: format!("`{}` {what}", shown(value)),
        }
    }
}

/// Which column carries the values of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Text,
    Integer,
    Number,
    Boolean,
    Texts,
}

impl Wire {
    pub fn of(side: Side, kind: Kind) -> Self {
        match (side, kind) {
            (Side::HubSpot, _) => Self::Text,
            (_, Kind::Integer) => Self::Integer,
            (_, Kind::Number) => Self::Number,
            (_, Kind::Boolean) => Self::Boolean,
            (_, Kind::MultiChoice) => Self::Texts,
            _ => Self::Text,
        }
    }

    pub fn column(self, rows: usize) -> Column {
        match self {
            Self::Text => Column::Text(Vec::with_capacity(rows)),
            Self::Integer => Column::Integer(Vec::with_capacity(rows)),
            Self::Number => Column::Number(Vec::with_capacity(rows)),
            Self::Boolean => Column::Boolean(Vec::with_capacity(rows)),
            Self::Texts => Column::Texts(Vec::with_capacity(rows)),
        }
    }

    /// A column without values.
    pub fn empty(self, rows: usize) -> Column {
        match self {
            Self::Text => Column::Text(vec![None; rows]),
            Self::Integer => Column::Integer(vec![None; rows]),
            Self::Number => Column::Number(vec![None; rows]),
            Self::Boolean => Column::Boolean(vec![None; rows]),
            Self::Texts => Column::Texts(vec![None; rows]),
        }
    }
}

impl Cell {
    /// Understands a cell of a field; `None` for an empty text or list, which is no value.
    pub fn read(self, side: Side, kind: Kind) -> Result<Option<Value>, Fault> {
        match self {
            Self::Text(text) if text.is_empty() => Ok(None),
            Self::Text(text) => read_text(text, side, kind),
            Self::Integer(number) => Ok(Some(Value::Decimal(Decimal::from_i64(number)))),
            Self::Number(number) => match Decimal::from_f64(number) {
                Some(decimal) => Ok(Some(Value::Decimal(decimal))),
                None => Err(Fault::of(
                    "not-a-number",
                    &number.to_string(),
                    "is not a finite number",
                )),
            },
            Self::Boolean(flag) => Ok(Some(Value::Boolean(flag))),
            Self::Texts(texts) => Ok(list(texts)),
        }
    }
}

fn read_text(text: String, side: Side, kind: Kind) -> Result<Option<Value>, Fault> {
    let value = match kind {
        Kind::Text | Kind::Choice | Kind::Reference | Kind::Opaque => Value::Text(text),
        Kind::MultiChoice => {
            return Ok(list(
                text.split(HUBSPOT_SEPARATOR).map(str::to_owned).collect(),
            ));
        }
        _ if text.trim().is_empty() => return Ok(None),
        Kind::Integer | Kind::Number => Value::Decimal(read_decimal(&text)?),
        Kind::Boolean => Value::Boolean(read_flag(&text)?),
        Kind::Date | Kind::Datetime => {
            // HubSpot sends milliseconds since 1970 for some dates.
            let epoch = || match side {
                Side::HubSpot => DateFormat::EpochMillis.read(&text),
                Side::PartnerOs => None,
            };
            read_time(text.trim(), kind)
                .or_else(|| epoch().map(|instant| in_kind(instant, kind)))
                .ok_or_else(|| not_a_date(&text, kind))?
                .with_text(text)
        }
    };
    Ok(Some(value))
}

impl Value {
    fn with_text(self, text: String) -> Self {
        match self {
            Self::Day(day, _) => Self::Day(day, text),
            Self::Instant(instant, _) => Self::Instant(instant, text),
            other => other,
        }
    }
}

/// Reads a day or an instant in ISO 8601.
pub fn read_time(text: &str, kind: Kind) -> Option<Value> {
    if kind == Kind::Date {
        Day::parse(text).map(|day| Value::Day(day, String::new()))
    } else {
        Instant::parse(text).map(|instant| Value::Instant(instant, String::new()))
    }
}

/// An instant, or its day.
pub fn in_kind(instant: Instant, kind: Kind) -> Value {
    if kind == Kind::Date {
        Value::Day(instant.day(), String::new())
    } else {
        Value::Instant(instant, String::new())
    }
}

pub fn not_a_date(text: &str, kind: Kind) -> Fault {
    if kind == Kind::Date {
        Fault::of("not-a-date", text, "is not a date such as `2026-11-23`")
    } else {
        Fault::of(
            "not-a-datetime",
            text,
            "is not an instant such as `2026-11-23T09:30:00.000Z`",
        )
    }
}

pub fn read_decimal(text: &str) -> Result<Decimal, Fault> {
    Decimal::parse(text.trim()).ok_or_else(|| {
        Fault::of(
            "not-a-number",
            text,
            "is not a decimal number such as `1250.5`",
        )
    })
}

pub fn read_flag(text: &str) -> Result<bool, Fault> {
    parse_flag(text.trim())
        .ok_or_else(|| Fault::of("not-a-boolean", text, "is neither `true` nor `false`"))
}

/// The texts that are not empty, each once, sorted, since their order means nothing; `None` when
/// there are none.
pub fn list(mut texts: Vec<String>) -> Option<Value> {
    texts.retain(|text| !text.is_empty());
    texts.sort_unstable();
    texts.dedup();
    (!texts.is_empty()).then_some(Value::Texts(texts))
}

/// Appends a cell to a column of its kind. A cell of another kind is a bug of the caller and becomes
/// no value, so that the column keeps its length.
pub fn push(column: &mut Column, cell: Option<Cell>) {
    match (column, cell) {
        (Column::Text(cells), Some(Cell::Text(text))) => cells.push(Some(text)),
        (Column::Integer(cells), Some(Cell::Integer(number))) => cells.push(Some(number)),
        (Column::Number(cells), Some(Cell::Number(number))) => cells.push(Some(number)),
        (Column::Boolean(cells), Some(Cell::Boolean(flag))) => cells.push(Some(flag)),
        (Column::Texts(cells), Some(Cell::Texts(texts))) => cells.push(Some(texts)),
        (Column::Text(cells), _) => cells.push(None),
        (Column::Integer(cells), _) => cells.push(None),
        (Column::Number(cells), _) => cells.push(None),
        (Column::Boolean(cells), _) => cells.push(None),
        (Column::Texts(cells), _) => cells.push(None),
    }
}

/// Takes a record's cell out of a column.
pub fn take(column: &mut Column, row: usize) -> Option<Cell> {
    match column {
        Column::Text(cells) => cells.get_mut(row)?.take().map(Cell::Text),
        Column::Integer(cells) => cells.get_mut(row)?.take().map(Cell::Integer),
        Column::Number(cells) => cells.get_mut(row)?.take().map(Cell::Number),
        Column::Boolean(cells) => cells.get_mut(row)?.take().map(Cell::Boolean),
        Column::Texts(cells) => cells.get_mut(row)?.take().map(Cell::Texts),
    }
}

/// How many records a column covers.
pub fn length(column: &Column) -> usize {
    match column {
        Column::Text(cells) => cells.len(),
        Column::Integer(cells) => cells.len(),
        Column::Number(cells) => cells.len(),
        Column::Boolean(cells) => cells.len(),
        Column::Texts(cells) => cells.len(),
    }
}

/// Whether a column carries the values of a wire.
pub fn is_carried(column: &Column, wire: Wire) -> bool {
    matches!(
        (column, wire),
        (Column::Text(_), Wire::Text)
            | (Column::Integer(_), Wire::Integer)
            | (Column::Number(_), Wire::Number)
            | (Column::Boolean(_), Wire::Boolean)
            | (Column::Texts(_), Wire::Texts)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_each_text_once_and_no_empty_one() {
        let texts = |items: &[&str]| {
            items
                .iter()
                .map(|item| (*item).to_owned())
                .collect::<Vec<_>>()
        };
        let cleaned = list(texts(&["", "c", "b", "a", "", "c", "b"]));
        assert_eq!(cleaned, Some(Value::Texts(texts(&["a", "b", "c"]))));
        assert_eq!(list(texts(&["", ""])), None);
    }

    #[test]
    fn only_hubspot_writes_dates_as_milliseconds() {
        let read = |side, kind| Cell::Text("1762212973632".to_owned()).read(side, kind);
        assert!(read(Side::HubSpot, Kind::Datetime).is_ok());
        assert!(read(Side::HubSpot, Kind::Date).is_ok());
        let fault = read(Side::PartnerOs, Kind::Datetime).expect_err("is no instant");
        assert_eq!(fault.code, "not-a-datetime");
    }

    #[test]
    fn a_cell_of_another_kind_keeps_the_length() {
        let mut column = Wire::Integer.column(2);
        push(&mut column, Some(Cell::Text("x".to_owned())));
        push(&mut column, Some(Cell::Integer(1)));
        assert_eq!(column, Column::Integer(vec![None, Some(1)]));
    }
}

//! The result of an expression, strictly in the data type of the output, and the column it goes to.
//!
//! Nothing is guessed: text is no number and a number no text, since an expression says itself how
//! to convert. Only `null`, empty text and the empty list mean no value everywhere.

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelNull, CelString, CelUInt};
use cel::common::value::{CowVal, Val};
use mapper_values::date::{Day, Instant};
use mapper_values::decimal::Decimal;
use mapper_values::text::shown;

use crate::bindings::{Column, DataType, Direction, FieldSchema};
use crate::scope::HUBSPOT_SEPARATOR;

/// The longest text of a result, in bytes: 65,536 characters, the most that a property of HubSpot
/// holds, at their longest. More fails as `too-long`.
pub const TEXT_BYTES_MAX: usize = 4 * 65_536;

/// The most values of a multi-choice. More fail as `too-long`.
const CHOICES_MAX: usize = 1_000;

/// The largest whole number below which every whole number is a double.
const EXACT_MAX: i64 = 1 << 53;

/// How many allowed values a message lists.
const LISTED_MAX: usize = 10;

/// Why a value could not be transformed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub code: &'static str,
    pub message: String,
}

impl Fault {
    fn of(code: &'static str, value: &str, what: &str) -> Self {
        Self {
            code,
            message: format!("`{}` {what}", shown(value)),
        }
    }
}

/// An output column that is being filled.
#[derive(Debug)]
pub struct Output<'p> {
    field: &'p FieldSchema,
    direction: Direction,
    column: Column,
}

/// A result in the type of its field.
#[derive(Debug, Clone, PartialEq)]
enum Typed {
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
    Texts(Vec<String>),
}

impl<'p> Output<'p> {
    /// A column of the right kind, without values.
    pub fn new(direction: Direction, field: &'p FieldSchema, rows: usize) -> Self {
        let column = match (direction, field.data_type) {
            (Direction::ToHubspot, _) => Column::Text(vec![None; rows]),
            (_, DataType::Integer) => Column::Integer(vec![None; rows]),
            (_, DataType::Number) => Column::Number(vec![None; rows]),
            (_, DataType::Boolean) => Column::Boolean(vec![None; rows]),
            (_, DataType::MultiChoice) => Column::Texts(vec![None; rows]),
            _ => Column::Text(vec![None; rows]),
        };
        Self {
            field,
            direction,
            column,
        }
    }

    pub fn into_column(self) -> Column {
        self.column
    }

    /// Writes the result of a row.
    pub fn write(&mut self, row: usize, value: Option<CowVal>) -> Result<(), Fault> {
        let Some(value) = value else { return Ok(()) };
        let Some(typed) = typed(self.field, &*value)? else {
            return Ok(());
        };
        let typed = match self.direction {
            Direction::ToHubspot => Typed::Text(hubspot_text(typed)?),
            Direction::ToPartneros => typed,
        };
        match (&mut self.column, typed) {
            (Column::Text(cells), Typed::Text(text)) => put(cells, row, text),
            (Column::Integer(cells), Typed::Integer(number)) => put(cells, row, number),
            (Column::Number(cells), Typed::Number(number)) => put(cells, row, number),
            (Column::Boolean(cells), Typed::Boolean(flag)) => put(cells, row, flag),
            (Column::Texts(cells), Typed::Texts(texts)) => put(cells, row, texts),
            // The column was made for the same field.
            _ => {}
        }
        Ok(())
    }
}

fn put<T>(cells: &mut [Option<T>], row: usize, value: T) {
    if let Some(cell) = cells.get_mut(row) {
        *cell = Some(value);
    }
}

/// What HubSpot's API takes for a value.
fn hubspot_text(value: Typed) -> Result<String, Fault> {
    Ok(match value {
        Typed::Text(text) => text,
        Typed::Integer(number) => number.to_string(),
        Typed::Number(number) => {
            Decimal::from_f64(number).map_or_else(String::new, Decimal::to_text)
        }
        Typed::Boolean(flag) => flag.to_string(),
        Typed::Texts(texts) => {
            if let Some(text) = texts.iter().find(|text| text.contains(HUBSPOT_SEPARATOR)) {
                let what =
                    format!("holds `{HUBSPOT_SEPARATOR}`, which separates values in HubSpot");
                return Err(Fault::of("separator-in-choice", text, &what));
            }
            texts.join(";")
        }
    })
}

/// The result in the type of a field; `None` is no value.
fn typed(field: &FieldSchema, value: &dyn Val) -> Result<Option<Typed>, Fault> {
    if value.downcast_ref::<CelNull>().is_some() {
        return Ok(None);
    }
    let text = value.downcast_ref::<CelString>().map(CelString::inner);
    if text == Some("") {
        return Ok(None);
    }
    let wrong = |wanted, hint| wrong_type(field, value, wanted, hint);
    let typed = match field.data_type {
        DataType::Text | DataType::Reference => {
            let text = text.ok_or_else(|| wrong("text", "use `toText()`"))?;
            Typed::Text(short_enough(text)?)
        }
        DataType::Choice => {
            let text = text.ok_or_else(|| wrong("a choice, as text", "use `toText()`"))?;
            Typed::Text(choice(field, text)?)
        }
        DataType::MultiChoice => {
            let list = value.downcast_ref::<CelList>();
            let list = list.ok_or_else(|| wrong("a list of choices", "write `[value]`"))?;
            match choices(field, list)? {
                texts if texts.is_empty() => return Ok(None),
                texts => Typed::Texts(texts),
            }
        }
        DataType::Boolean => {
            let flag = value.downcast_ref::<CelBool>();
            let flag = flag.ok_or_else(|| wrong("`true` or `false`", "use `toBoolean()`"))?;
            Typed::Boolean(*flag.inner())
        }
        DataType::Integer => Typed::Integer(integer(value, &wrong)?),
        DataType::Number => Typed::Number(number(value, &wrong)?),
        DataType::Date => {
            let text = text.ok_or_else(|| wrong("a date, as text", "use `toDate()`"))?;
            // An instant has a day only in some time zone, so the expression has to say `toDate()`.
            let day = Day::parse(text).filter(|_| text.len() == 10);
            let day = day.ok_or_else(|| {
                Fault::of(
                    "not-a-date",
                    text,
                    "is not a date such as `2026-11-23`; use `toDate()` or `parseDate()`",
                )
            })?;
            Typed::Text(day.write_to(text.to_owned()))
        }
        DataType::Datetime => {
            let text = text.ok_or_else(|| wrong("an instant, as text", "use `toDatetime()`"))?;
            let instant = Instant::parse(text).ok_or_else(|| {
                Fault::of("not-a-datetime", text, "is not an instant such as `2026-11-23T09:30:00.000Z`; use `toDatetime()` or `parseDatetime()`")
            })?;
            Typed::Text(instant.write_to(text.to_owned()))
        }
    };
    Ok(Some(typed))
}

fn wrong_type(field: &FieldSchema, value: &dyn Val, wanted: &str, hint: &str) -> Fault {
    let (name, got) = (&field.name, value.get_type().name());
    Fault {
        code: "wrong-type",
        message: format!("the result is of type {got}, but `{name}` takes {wanted}; {hint}"),
    }
}

fn short_enough(text: &str) -> Result<String, Fault> {
    if text.len() > TEXT_BYTES_MAX {
        let what = format!(
            "has {} bytes, at most {TEXT_BYTES_MAX} are allowed",
            text.len()
        );
        return Err(Fault::of("too-long", text, &what));
    }
    Ok(text.to_owned())
}

fn integer(
    value: &dyn Val,
    wrong: &dyn Fn(&'static str, &'static str) -> Fault,
) -> Result<i64, Fault> {
    if let Some(number) = value.downcast_ref::<CelInt>() {
        return Ok(*number.inner());
    }
    if let Some(number) = value.downcast_ref::<CelUInt>() {
        let number = *number.inner();
        return i64::try_from(number)
            .map_err(|_| Fault::of("out-of-range", &number.to_string(), "does not fit 64 bits"));
    }
    let number = value.downcast_ref::<CelDouble>();
    let number = *number
        .ok_or_else(|| wrong("a whole number", "use `toInteger()`"))?
        .inner();
    if number.fract() != 0.0 || !number.is_finite() {
        let what = "is not a whole number; use `round()`";
        return Err(Fault::of("not-an-integer", &number.to_string(), what));
    }
    if number.abs() > EXACT_MAX as f64 {
        let what = "is too large to be an exact whole number";
        return Err(Fault::of("out-of-range", &number.to_string(), what));
    }
    Ok(number as i64)
}

fn number(
    value: &dyn Val,
    wrong: &dyn Fn(&'static str, &'static str) -> Fault,
) -> Result<f64, Fault> {
    if let Some(number) = value.downcast_ref::<CelDouble>() {
        let number = *number.inner();
        return if number.is_finite() {
            Ok(number)
        } else {
            Err(Fault::of(
                "out-of-range",
                &number.to_string(),
                "is not a finite number",
            ))
        };
    }
    let whole = match (
        value.downcast_ref::<CelInt>(),
        value.downcast_ref::<CelUInt>(),
    ) {
        (Some(number), _) => i128::from(*number.inner()),
        (_, Some(number)) => i128::from(*number.inner()),
        _ => return Err(wrong("a number", "use `toNumber()`")),
    };
    if whole.unsigned_abs() > u128::from(EXACT_MAX.unsigned_abs()) {
        let what = "has more digits than a number field can hold";
        return Err(Fault::of("out-of-range", &whole.to_string(), what));
    }
    Ok(whole as f64)
}

fn choice(field: &FieldSchema, text: &str) -> Result<String, Fault> {
    let known = field.choices.iter().any(|choice| choice.value == text);
    if known || field.choices.is_empty() {
        return short_enough(text);
    }
    let listed = field.choices.iter().take(LISTED_MAX);
    let mut allowed: Vec<String> = listed
        .map(|choice| format!("`{}`", shown(&choice.value)))
        .collect();
    if let Some(more @ 1..) = field.choices.len().checked_sub(LISTED_MAX) {
        allowed.push(format!("and {more} more"));
    }
    let what = format!(
        "is not a choice of `{}`; it takes {}",
        field.name,
        allowed.join(", ")
    );
    Err(Fault::of("unknown-choice", text, &what))
}

/// The choices of a list, each once, sorted, since their order means nothing.
fn choices(field: &FieldSchema, list: &CelList) -> Result<Vec<String>, Fault> {
    if list.inner().len() > CHOICES_MAX {
        let count = list.inner().len().to_string();
        let what = format!("values are more than {CHOICES_MAX}");
        return Err(Fault::of("too-long", &count, &what));
    }
    let mut texts = Vec::with_capacity(list.inner().len());
    for item in list.inner() {
        if item.downcast_ref::<CelNull>().is_some() {
            continue;
        }
        let text = item.downcast_ref::<CelString>().map(CelString::inner);
        let text = text.ok_or_else(|| {
            wrong_type(
                field,
                item.as_ref(),
                "a list of choices, each as text",
                "use `toText()`",
            )
        })?;
        if !text.is_empty() {
            texts.push(choice(field, text)?);
        }
    }
    texts.sort_unstable();
    texts.dedup();
    Ok(texts)
}

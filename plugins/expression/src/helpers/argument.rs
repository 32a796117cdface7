//! What a function gets and what it gives back.

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::{CowVal, Val};
use cel::{ExecutionError, Value};
use mapper_values::decimal::Decimal;
use mapper_values::text::shown;

/// The arguments of a call. The errors of the getters complete "`function`: ...".
#[derive(Debug, Clone, Copy)]
pub struct Arguments<'a, 'b, 'v>(&'a [CowVal<'b, 'v>]);

/// The answer of a function.
#[derive(Debug)]
pub enum Answer {
    Null,
    /// The argument at this position.
    Same(usize),
    Owned(Box<dyn Val>),
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
    Texts(Vec<String>),
}

impl<'a, 'b, 'v> Arguments<'a, 'b, 'v> {
    pub fn new(values: &'a [CowVal<'b, 'v>]) -> Self {
        Self(values)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    fn get(&self, position: usize) -> Result<&'a (dyn Val + 'v), String> {
        let value = self.0.get(position).map(|value| &**value);
        value.ok_or_else(|| format!("needs argument {}", position + 1))
    }

    /// Whether an argument is `null` or absent.
    pub fn is_null(&self, position: usize) -> bool {
        self.get(position)
            .map_or(true, |value| value.downcast_ref::<CelNull>().is_some())
    }

    fn wrong(&self, position: usize, wanted: &str) -> String {
        let got = self
            .get(position)
            .map_or("nothing", |value| value.get_type().name());
        format!("argument {} must be {wanted}, not {got}", position + 1)
    }

    pub fn maybe_text(&self, position: usize) -> Option<&'a str> {
        let value = self.get(position).ok()?;
        value.downcast_ref::<CelString>().map(CelString::inner)
    }

    pub fn text(&self, position: usize) -> Result<&'a str, String> {
        self.maybe_text(position)
            .ok_or_else(|| self.wrong(position, "text"))
    }

    /// Text, or what stands in for an absent argument.
    pub fn text_or(&self, position: usize, absent: &'static str) -> Result<&'a str, String> {
        if position < self.count() {
            self.text(position)
        } else {
            Ok(absent)
        }
    }

    pub fn integer(&self, position: usize) -> Result<i64, String> {
        let value = self.get(position)?;
        let number = value.downcast_ref::<CelInt>();
        let number = number.ok_or_else(|| self.wrong(position, "a whole number"))?;
        Ok(*number.inner())
    }

    /// A whole number from 0 to a limit.
    pub fn count_at(&self, position: usize, most: usize) -> Result<usize, String> {
        let number = self.integer(position)?;
        let count = usize::try_from(number).ok().filter(|count| *count <= most);
        count.ok_or_else(|| {
            let place = position + 1;
            format!("argument {place} must be from 0 to {most}, not {number}")
        })
    }

    pub fn maybe_boolean(&self, position: usize) -> Option<bool> {
        let value = self.get(position).ok()?;
        value.downcast_ref::<CelBool>().map(|flag| *flag.inner())
    }

    pub fn maybe_double(&self, position: usize) -> Option<f64> {
        let value = self.get(position).ok()?;
        value
            .downcast_ref::<CelDouble>()
            .map(|number| *number.inner())
    }

    /// An exact number, from a number or from text that is one.
    pub fn decimal(&self, position: usize) -> Result<Decimal, String> {
        let value = self.get(position)?;
        if let Some(text) = self.maybe_text(position) {
            let number = Decimal::parse(text.trim());
            return number.ok_or_else(|| {
                format!("`{}` is not a decimal number such as `1250.5`", shown(text))
            });
        }
        if let Some(number) = value.downcast_ref::<CelInt>() {
            return Ok(Decimal::from_i64(*number.inner()));
        }
        if let Some(number) = value.downcast_ref::<CelUInt>() {
            let number = Decimal::parse(&number.inner().to_string());
            return number.ok_or_else(|| self.wrong(position, "a number"));
        }
        let number = self.maybe_double(position);
        let number = number.ok_or_else(|| self.wrong(position, "a number"))?;
        Decimal::from_f64(number).ok_or_else(|| format!("{number} is not a finite number"))
    }

    /// The items of a list.
    pub fn list(&self, position: usize) -> Result<&'a [Box<dyn Val + 'v>], String> {
        self.maybe_list(position)
            .ok_or_else(|| self.wrong(position, "a list"))
    }

    fn maybe_list(&self, position: usize) -> Option<&'a [Box<dyn Val + 'v>]> {
        let value = self.get(position).ok()?;
        value.downcast_ref::<CelList>().map(CelList::inner)
    }

    /// The texts of a list; `null` in it is left out.
    pub fn texts(&self, position: usize) -> Result<Vec<&'a str>, String> {
        let mut texts = Vec::new();
        for item in self.list(position)? {
            if item.downcast_ref::<CelNull>().is_some() {
                continue;
            }
            let text = item.downcast_ref::<CelString>().map(CelString::inner);
            texts.push(text.ok_or_else(|| self.wrong(position, "a list of text"))?);
        }
        Ok(texts)
    }

    /// What a map holds for a text.
    pub fn lookup(&self, position: usize, key: &str) -> Result<Option<Box<dyn Val>>, String> {
        let map = self.get(position)?.downcast_ref::<CelMap>();
        let map = map.ok_or_else(|| self.wrong(position, "a map"))?;
        let found = map.inner().get(&CelMapKey::from(key));
        found.map(|value| clone_static(value.as_ref())).transpose()
    }

    /// Whether an argument is no value: `null`, empty text or an empty list.
    pub fn is_empty(&self, position: usize) -> bool {
        self.is_null(position)
            || self.maybe_text(position) == Some("")
            || self.maybe_list(position).is_some_and(<[_]>::is_empty)
    }
}

/// A copy that borrows nothing.
fn clone_static(value: &dyn Val) -> Result<Box<dyn Val>, String> {
    let unfit = |error: ExecutionError| error.to_string();
    Value::try_from(value)
        .map_err(unfit)?
        .try_into()
        .map_err(unfit)
}

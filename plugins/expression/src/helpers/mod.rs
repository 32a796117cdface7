//! The functions that an expression may call beyond CEL's own.
//!
//! Each is a plain function of [`Arguments`] in a table; called as a method, the value before the
//! dot is the first argument. `null` in the first place gives `null`, unless the function is there to
//! deal with it. `README.md` lists them all, and a test holds the table against it.

mod argument;
mod choice;
mod date;
mod number;
mod pattern;
mod text;

use std::ops::RangeInclusive;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelNull, CelString};
use cel::common::value::{CowVal, Val};
use cel::functions::FunctionContext;
use cel::{Context, DeclarationError, ExecutionError};
use mapper_values::date_format::DateFormat;

pub use self::argument::{Answer, Arguments};
use crate::options::Issue;
use crate::outcome::TEXT_BYTES_MAX;

/// The most values of a list that a function makes. More are an error of the evaluation.
pub const LIST_MAX: usize = 1_000;

/// The most letters in which a name may differ from one that is suggested instead.
const DISTANCE_MAX: usize = 2;

/// A function of expressions.
#[derive(Debug)]
pub struct Helper {
    pub name: &'static str,
    /// How many arguments it takes, the value before the dot included.
    pub arguments: RangeInclusive<usize>,
    /// Whether it deals with `null` in the first place itself.
    pub takes_null: bool,
    /// What a literal in the second place has to be.
    pub second: Second,
    pub call: fn(&Arguments) -> Result<Answer, String>,
}

/// What the second argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    Any,
    DateFormat,
    Pattern,
}

impl Helper {
    const fn new(
        name: &'static str,
        arguments: RangeInclusive<usize>,
        call: fn(&Arguments) -> Result<Answer, String>,
    ) -> Self {
        Self {
            name,
            arguments,
            takes_null: false,
            second: Second::Any,
            call,
        }
    }

    const fn null(mut self) -> Self {
        self.takes_null = true;
        self
    }

    const fn second(mut self, second: Second) -> Self {
        self.second = second;
        self
    }

    /// How many arguments it takes, in words.
    pub fn arity(&self) -> String {
        match (*self.arguments.start(), *self.arguments.end()) {
            (1, 1) => "1 argument".to_owned(),
            (least, most) if least == most => format!("{least} arguments"),
            (least, usize::MAX) => format!("at least {least} arguments"),
            (least, most) => format!("{least} to {most} arguments"),
        }
    }
}

/// All functions, by theme.
pub static HELPERS: &[&[Helper]] = &[
    choice::HELPERS,
    number::HELPERS,
    text::HELPERS,
    pattern::HELPERS,
    date::HELPERS,
];

fn all() -> impl Iterator<Item = &'static Helper> {
    HELPERS.iter().copied().flatten()
}

pub fn find(name: &str) -> Option<&'static Helper> {
    all().find(|helper| helper.name == name)
}

/// The function whose name differs least from another, if by little.
pub fn nearest<'n>(name: &str, others: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let names = all().map(|helper| helper.name).chain(others);
    let near = names.map(|known| (distance(&name.to_lowercase(), &known.to_lowercase()), known));
    let (distance, known) = near.min()?;
    (distance <= DISTANCE_MAX).then_some(known)
}

/// How many letters must be added, removed or replaced to make one word of the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut costs: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.chars().enumerate() {
        let mut next = Vec::with_capacity(costs.len());
        next.push(row + 1);
        for (pair, other) in costs.windows(2).zip(&right) {
            let [diagonal, above] = pair else { continue };
            let before = next.last().copied().unwrap_or_default();
            let replaced = diagonal + usize::from(letter != *other);
            next.push(replaced.min(above + 1).min(before + 1));
        }
        costs = next;
    }
    costs.last().copied().unwrap_or_default()
}

/// What is wrong with the literal arguments of a call.
pub fn literal_issue<'e>(
    helper: &Helper,
    literal: impl Fn(usize) -> Option<&'e str>,
) -> Option<Issue> {
    let text = literal(1)?;
    match helper.second {
        Second::Any => None,
        Second::DateFormat => {
            let error = DateFormat::parse(text).err()?;
            let message = format!("the date format `{text}` {error}");
            Some(Issue::new("invalid-format", message))
        }
        Second::Pattern => {
            let error = pattern::compile(text).err()?;
            let message = format!("the pattern `{text}` cannot be read: {error}");
            Some(Issue::new("invalid-pattern", message))
        }
    }
}

/// A function as the interpreter keeps it; the crate names the type only privately.
type Function = Box<
    dyn for<'context, 'call> Fn(
            &mut FunctionContext<'context, 'call>,
        ) -> Result<CowVal<'context, 'call>, ExecutionError>
        + Send
        + Sync,
>;

/// Declares all functions in a root context.
pub fn declare(context: &mut Context) -> Result<(), DeclarationError> {
    for helper in all() {
        let function: Function = Box::new(move |call| run(helper, call));
        context.add_function(helper.name, function)?;
    }
    Ok(())
}

fn run<'context, 'call>(
    helper: &Helper,
    call: &mut FunctionContext<'context, 'call>,
) -> Result<CowVal<'context, 'call>, ExecutionError> {
    if let Some(this) = call.this.take() {
        call.args.insert(0, this);
    }
    if !helper.arguments.contains(&call.args.len()) {
        return Err(call.error(format!("takes {}", helper.arity())));
    }
    let arguments = Arguments::new(&call.args);
    if !helper.takes_null && arguments.is_null(0) {
        return Ok(CowVal::owned(CelNull));
    }
    match (helper.call)(&arguments).map_err(|message| call.error(message))? {
        Answer::Same(position) if position < call.args.len() => Ok(call.args.swap_remove(position)),
        Answer::Null | Answer::Same(_) => Ok(CowVal::owned(CelNull)),
        Answer::Owned(value) => Ok(CowVal::Owned(value)),
        Answer::Text(text) if text.len() > TEXT_BYTES_MAX => {
            Err(call.error(format!("the text has more than {TEXT_BYTES_MAX} bytes")))
        }
        Answer::Text(text) => Ok(CowVal::owned(CelString::from(text))),
        Answer::Integer(number) => Ok(CowVal::owned(CelInt::from(number))),
        Answer::Number(number) => Ok(CowVal::owned(CelDouble::from(number))),
        Answer::Boolean(flag) => Ok(CowVal::owned(CelBool::from(flag))),
        Answer::Texts(texts) if texts.len() > LIST_MAX => {
            Err(call.error(format!("the list has more than {LIST_MAX} values")))
        }
        Answer::Texts(texts) => {
            let values = texts
                .into_iter()
                .map(|text| Box::new(CelString::from(text)) as Box<dyn Val>);
            Ok(CowVal::owned(CelList::from(values.collect::<Vec<_>>())))
        }
    }
}

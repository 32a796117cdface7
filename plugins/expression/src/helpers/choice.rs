//! Choosing between values.

use super::{Answer, Arguments, Helper};

pub const HELPERS: &[Helper] = &[
    Helper::new("coalesce", 1..=usize::MAX, coalesce).null(),
    Helper::new("isEmpty", 1..=1, is_empty).null(),
    Helper::new("choose", 2..=3, choose).null(),
];

/// The first argument that is a value.
#[expect(clippy::unnecessary_wraps, reason = "all functions have one type")]
fn coalesce(arguments: &Arguments) -> Result<Answer, String> {
    let mut positions = 0..arguments.count();
    let found = positions.find(|position| !arguments.is_empty(*position));
    Ok(found.map_or(Answer::Null, Answer::Same))
}

#[expect(clippy::unnecessary_wraps, reason = "all functions have one type")]
fn is_empty(arguments: &Arguments) -> Result<Answer, String> {
    Ok(Answer::Boolean(arguments.is_empty(0)))
}

/// What a map holds for a value, else the third argument, else no value.
fn choose(arguments: &Arguments) -> Result<Answer, String> {
    let number;
    let key = match arguments.maybe_text(0) {
        Some(text) => Some(text),
        None if arguments.is_null(0) => None,
        None => {
            number = match arguments.maybe_boolean(0) {
                Some(flag) => flag.to_string(),
                None => arguments.decimal(0)?.to_text(),
            };
            Some(number.as_str())
        }
    };
    let found = match key {
        Some(key) => arguments.lookup(1, key)?,
        None => None,
    };
    Ok(match found {
        Some(value) => Answer::Owned(value),
        None if arguments.count() > 2 => Answer::Same(2),
        None => Answer::Null,
    })
}

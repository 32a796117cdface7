//! Text: case, cutting, joining. Lengths are in characters.

use mapper_values::text::{Case, truncate as truncated};

use super::{Answer, Arguments, Helper, LIST_MAX};
use crate::outcome::TEXT_BYTES_MAX;

pub const HELPERS: &[Helper] = &[
    Helper::new("trim", 1..=1, trim),
    Helper::new("lower", 1..=1, lower),
    Helper::new("upper", 1..=1, upper),
    Helper::new("title", 1..=1, title),
    Helper::new("split", 2..=2, split),
    Helper::new("join", 2..=2, join),
    Helper::new("replace", 3..=3, replace),
    Helper::new("initials", 1..=1, initials),
    Helper::new("firstWord", 1..=1, first_word),
    Helper::new("lastWord", 1..=1, last_word),
    Helper::new("padLeft", 2..=3, pad_left),
    Helper::new("truncate", 2..=2, truncate),
    Helper::new("substring", 2..=3, substring),
];

fn trim(arguments: &Arguments) -> Result<Answer, String> {
    let text = arguments.text(0)?;
    Ok(match text.trim() {
        trimmed if trimmed.len() == text.len() => Answer::Same(0),
        trimmed => Answer::Text(trimmed.to_owned()),
    })
}

fn cased(arguments: &Arguments, case: Case) -> Result<Answer, String> {
    Ok(Answer::Text(case.apply(arguments.text(0)?.to_owned())))
}

fn lower(arguments: &Arguments) -> Result<Answer, String> {
    cased(arguments, Case::Lower)
}

fn upper(arguments: &Arguments) -> Result<Answer, String> {
    cased(arguments, Case::Upper)
}

fn title(arguments: &Arguments) -> Result<Answer, String> {
    cased(arguments, Case::Title)
}

/// The pieces between separators, without white space around them; empty ones are left out.
fn split(arguments: &Arguments) -> Result<Answer, String> {
    let (text, separator) = (arguments.text(0)?, arguments.text(1)?);
    if separator.is_empty() {
        return Err("the separator must not be empty".to_owned());
    }
    let pieces = text.split(separator).map(str::trim);
    let pieces = pieces.filter(|piece| !piece.is_empty());
    // One more than allowed is enough to tell.
    Ok(Answer::Texts(
        pieces.take(LIST_MAX + 1).map(str::to_owned).collect(),
    ))
}

fn join(arguments: &Arguments) -> Result<Answer, String> {
    let (texts, separator) = (arguments.texts(0)?, arguments.text(1)?);
    let bytes = texts.iter().map(|text| text.len() + separator.len());
    check_length(bytes.fold(0, usize::saturating_add))?;
    Ok(Answer::Text(texts.join(separator)))
}

fn replace(arguments: &Arguments) -> Result<Answer, String> {
    let (text, from, to) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
    if from.is_empty() {
        return Err("the text to replace must not be empty".to_owned());
    }
    let added = text.matches(from).count().saturating_mul(to.len());
    check_length(text.len().saturating_add(added))?;
    Ok(Answer::Text(text.replace(from, to)))
}

fn initials(arguments: &Arguments) -> Result<Answer, String> {
    let words = arguments.text(0)?.split_whitespace();
    let letters = words.filter_map(|word| word.chars().next());
    Ok(Answer::Text(letters.flat_map(char::to_uppercase).collect()))
}

fn first_word(arguments: &Arguments) -> Result<Answer, String> {
    Ok(or_null(arguments.text(0)?.split_whitespace().next()))
}

fn last_word(arguments: &Arguments) -> Result<Answer, String> {
    Ok(or_null(arguments.text(0)?.split_whitespace().next_back()))
}

fn or_null(text: Option<&str>) -> Answer {
    text.map_or(Answer::Null, |text| Answer::Text(text.to_owned()))
}

fn pad_left(arguments: &Arguments) -> Result<Answer, String> {
    let (text, padding) = (arguments.text(0)?, arguments.text_or(2, "0")?);
    let width = arguments.count_at(1, TEXT_BYTES_MAX)?;
    if padding.is_empty() {
        return Err("the padding must not be empty".to_owned());
    }
    let missing = width.saturating_sub(text.chars().count());
    let mut padded: String = padding.chars().cycle().take(missing).collect();
    padded += text;
    Ok(Answer::Text(padded))
}

fn truncate(arguments: &Arguments) -> Result<Answer, String> {
    let characters = arguments.count_at(1, TEXT_BYTES_MAX)?;
    Ok(Answer::Text(truncated(
        arguments.text(0)?.to_owned(),
        characters,
    )))
}

/// The characters from one position to before another, both counted from 0.
fn substring(arguments: &Arguments) -> Result<Answer, String> {
    let (text, start) = (arguments.text(0)?, arguments.count_at(1, TEXT_BYTES_MAX)?);
    let end = match arguments.count() {
        3.. => arguments.count_at(2, TEXT_BYTES_MAX)?,
        _ => usize::MAX,
    };
    let length = end.saturating_sub(start);
    Ok(Answer::Text(
        text.chars().skip(start).take(length).collect(),
    ))
}

/// Fails before a text is made that would be too long.
pub fn check_length(bytes: usize) -> Result<(), String> {
    if bytes > TEXT_BYTES_MAX {
        return Err(format!(
            "the text would have more than {TEXT_BYTES_MAX} bytes"
        ));
    }
    Ok(())
}

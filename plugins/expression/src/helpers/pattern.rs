//! Regular expressions. They run in linear time and are compiled once.

use std::cell::RefCell;

use regex::{Regex, RegexBuilder};

use super::{Answer, Arguments, Helper, Second};

pub const HELPERS: &[Helper] = &[
    Helper::new("matches", 2..=2, matches).second(Second::Pattern),
    Helper::new("extract", 2..=2, extract).second(Second::Pattern),
    Helper::new("replacePattern", 3..=3, replace).second(Second::Pattern),
];

/// The longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 500;

/// The most memory that a compiled pattern may take, in bytes. Repetitions of repetitions reach it.
const COMPILED_BYTES_MAX: usize = 256 * 1024;

/// How deeply a pattern may nest.
const NESTING_MAX: u32 = 30;

/// How many compiled patterns are kept. Patterns are literals but for rare cases, so more than a
/// plan has would be made of values.
const KEPT_MAX: usize = 32;

thread_local! {
    static KEPT: RefCell<Vec<(String, Regex)>> = const { RefCell::new(Vec::new()) };
}

/// Reads a pattern; the error completes "cannot be read: ...".
pub fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(format!("it is longer than {PATTERN_BYTES_MAX} bytes"));
    }
    RegexBuilder::new(pattern)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(COMPILED_BYTES_MAX)
        .nest_limit(NESTING_MAX)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let last = text.lines().next_back().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        })
}

/// Calls a function with a compiled pattern.
fn with<T>(pattern: &str, call: impl FnOnce(&Regex) -> T) -> Result<T, String> {
    KEPT.with_borrow_mut(|kept| {
        if let Some((_, regex)) = kept.iter().find(|(known, _)| known == pattern) {
            return Ok(call(regex));
        }
        let regex = compile(pattern)?;
        let answer = call(&regex);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.push((pattern.to_owned(), regex));
        Ok(answer)
    })
}

fn matches(arguments: &Arguments) -> Result<Answer, String> {
    let text = arguments.text(0)?;
    with(arguments.text(1)?, |regex| {
        Answer::Boolean(regex.is_match(text))
    })
}

/// The first group of the first match, or the whole match of a pattern without groups.
fn extract(arguments: &Arguments) -> Result<Answer, String> {
    let text = arguments.text(0)?;
    with(arguments.text(1)?, |regex| {
        let found = regex.captures(text).and_then(|captures| {
            let group = usize::from(regex.captures_len() > 1);
            captures.get(group).map(|found| found.as_str().to_owned())
        });
        found.map_or(Answer::Null, Answer::Text)
    })
}

/// Replaces every match by a text, in which nothing has a meaning.
fn replace(arguments: &Arguments) -> Result<Answer, String> {
    let (text, to) = (arguments.text(0)?, arguments.text(2)?);
    with(arguments.text(1)?, |regex| {
        let added = regex.find_iter(text).count().saturating_mul(to.len());
        super::text::check_length(text.len().saturating_add(added))?;
        let replaced = regex.replace_all(text, regex::NoExpand(to));
        Ok(Answer::Text(replaced.into_owned()))
    })?
}

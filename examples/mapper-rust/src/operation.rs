//! What a rule's options ask for, and how it is done.

use std::collections::BTreeMap;
use std::fmt;

use partneros_guest::{Coded, Direction};
use serde_json::{Map, Value};

use crate::date::Day;
use crate::text;

/// One operation, with all it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    Rename,
    Trim,
    /// What each value becomes, in the direction of the plan.
    MapChoice(BTreeMap<String, String>),
    DateToHubspot,
    DateToPartneros,
    FirstName,
    LastName,
}

/// Options that cannot be used.
#[derive(Debug)]
pub enum BadOptions {
    NotAnObject,
    UnknownOperation(String),
    NoMap,
    AmbiguousMap(String),
    NoPart,
}

/// Fields that this mapper cannot work on.
#[derive(Debug)]
pub struct UnsupportedTypes;

/// A value that an operation cannot work on.
#[derive(Debug)]
pub enum BadValue {
    UnknownChoice(String),
    NotADate(String),
}

impl Operation {
    /// Reads a rule's options.
    pub fn read(options: &str, direction: Direction) -> Result<Self, BadOptions> {
        if options.is_empty() {
            return Ok(Self::Rename);
        }
        let options: Map<String, Value> =
            serde_json::from_str(options).map_err(|_| BadOptions::NotAnObject)?;
        let Some(name) = options.get("op") else {
            return Ok(Self::Rename);
        };
        match (name.as_str(), direction) {
            (Some("rename"), _) => Ok(Self::Rename),
            (Some("trim"), _) => Ok(Self::Trim),
            (Some("map-choice"), _) => choices(&options, direction).map(Self::MapChoice),
            (Some("date-format"), Direction::ToHubspot) => Ok(Self::DateToHubspot),
            (Some("date-format"), Direction::ToPartneros) => Ok(Self::DateToPartneros),
            (Some("split-name"), _) => match options.get("part").and_then(Value::as_str) {
                Some("first") => Ok(Self::FirstName),
                Some("last") => Ok(Self::LastName),
                _ => Err(BadOptions::NoPart),
            },
            _ => Err(BadOptions::UnknownOperation(name.to_string())),
        }
    }

    /// Changes one value; `None` is "no value".
    pub fn apply(&self, value: &str) -> Result<Option<String>, BadValue> {
        let not_a_date = || BadValue::NotADate(value.to_owned());
        match self {
            Self::Rename => Ok(Some(value.to_owned())),
            Self::Trim => Ok(filled(text::trim(value))),
            Self::FirstName => Ok(filled(text::first_word(value))),
            Self::LastName => Ok(filled(text::rest(value))),
            Self::MapChoice(choices) => match choices.get(value) {
                Some(choice) => Ok(Some(choice.clone())),
                None => Err(BadValue::UnknownChoice(value.to_owned())),
            },
            Self::DateToHubspot => {
                let day = Day::from_iso(value).ok_or_else(not_a_date)?;
                Ok(Some(day.to_string()))
            }
            Self::DateToPartneros => {
                let day = Day::from_day_first(value).ok_or_else(not_a_date)?;
                Ok(Some(day.iso()))
            }
        }
    }
}

/// The map of `map-choice`, turned round for the way back. It goes both ways only if no two of its values are alike.
fn choices(
    options: &Map<String, Value>,
    direction: Direction,
) -> Result<BTreeMap<String, String>, BadOptions> {
    let map = options.get("map").and_then(Value::as_object);
    let mut forth = BTreeMap::new();
    let mut back = BTreeMap::new();
    for (name, value) in map.ok_or(BadOptions::NoMap)? {
        let value = value.as_str().ok_or(BadOptions::NoMap)?;
        forth.insert(name.clone(), value.to_owned());
        if back.insert(value.to_owned(), name.clone()).is_some() {
            return Err(BadOptions::AmbiguousMap(value.to_owned()));
        }
    }
    Ok(match direction {
        Direction::ToHubspot => forth,
        Direction::ToPartneros => back,
    })
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl Coded for BadOptions {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownOperation(_) => "unknown-option",
            Self::NotAnObject | Self::NoMap | Self::AmbiguousMap(_) | Self::NoPart => {
                "invalid-options"
            }
        }
    }
}

impl fmt::Display for BadOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => write!(formatter, "The options are not a JSON object."),
            Self::UnknownOperation(name) => write!(formatter, "There is no operation {name}."),
            Self::NoMap => write!(formatter, "`map-choice` needs `map`, an object of strings."),
            Self::AmbiguousMap(value) => {
                write!(
                    formatter,
                    "`map` gives `{value}` twice, so it has no way back."
                )
            }
            Self::NoPart => write!(formatter, "`split-name` needs `part`: `first` or `last`."),
        }
    }
}

impl Coded for UnsupportedTypes {
    fn code(&self) -> &'static str {
        "unsupported-types"
    }
}

impl fmt::Display for UnsupportedTypes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "This mapper works on text, dates, choices and references."
        )
    }
}

impl Coded for BadValue {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownChoice(_) => "unknown-choice",
            Self::NotADate(_) => "not-a-date",
        }
    }
}

impl fmt::Display for BadValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownChoice(value) => write!(formatter, "`{value}` is not among the choices."),
            Self::NotADate(value) => write!(formatter, "`{value}` is not a date."),
        }
    }
}

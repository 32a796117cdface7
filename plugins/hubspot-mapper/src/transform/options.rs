//! The options of a rule, read from JSON.
//!
//! `options.schema.json` beside this file describes the same object to people and editors; a test
//! keeps the names of both equal.

use serde_json::{Map, Value as Json};

use crate::bindings::Direction;

use super::date_format::DateFormat;
use super::decimal::Decimal;
use super::text::{Case, Part, Split, Template};
use super::value::Value;

/// The JSON Schema of a rule's options.
pub const SCHEMA: &str = include_str!("options.schema.json");

const TO_HUBSPOT: &str = "toHubspot";
const TO_PARTNEROS: &str = "toPartneros";

const NAMES: [&str; 16] = [
    "trim",
    "case",
    "default",
    "values",
    "valuesIn",
    "dateFormat",
    "scale",
    "decimals",
    "split",
    "join",
    "template",
    "truncate",
    "separator",
    TO_HUBSPOT,
    TO_PARTNEROS,
    "$schema",
];

/// The most decimals a number can be rounded to.
const DECIMALS_MAX: u64 = 20;

/// The most characters that text can be cut to; no field holds more.
const TRUNCATE_MAX: u64 = 1_000_000;

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub code: &'static str,
    pub message: String,
}

/// The options that apply in one direction.
#[derive(Debug, Default)]
pub struct Options {
    pub trim: bool,
    pub case: Option<Case>,
    pub default: Option<Value>,
    /// From the value of the source to the value of the target.
    pub values: Vec<(String, String)>,
    pub date_format: Option<DateFormat>,
    pub scale: Option<Decimal>,
    pub decimals: Option<u32>,
    pub split: Option<Split>,
    pub join: Option<String>,
    pub template: Option<Template>,
    /// Whether the template was written for this direction alone, so that its names must be known.
    pub template_is_directed: bool,
    pub truncate: Option<usize>,
    pub separator: Option<String>,
}

/// The value maps as they are written, before one of them is chosen.
#[derive(Debug, Default)]
struct Maps {
    values: Vec<(String, String)>,
    values_in: Vec<(String, String)>,
}

impl Options {
    /// Reads the options that apply in a direction; empty text is no options. All that is wrong is
    /// returned at once.
    pub fn parse(text: &str, direction: Direction) -> Result<Self, Vec<Issue>> {
        let mut options = Self::default();
        if text.trim().is_empty() {
            return Ok(options);
        }
        let Ok(Json::Object(object)) = serde_json::from_str(text) else {
            let message = "options must be a JSON object".to_owned();
            return Err(vec![Issue {
                code: "invalid-options",
                message,
            }]);
        };
        let mut issues = Vec::new();
        let mut maps = Maps::default();
        options.apply(&object, &mut maps, &mut issues);
        let (active, passive) = match direction {
            Direction::ToHubspot => (TO_HUBSPOT, TO_PARTNEROS),
            Direction::ToPartneros => (TO_PARTNEROS, TO_HUBSPOT),
        };
        if let Some(directed) = directed(&object, active, &mut issues) {
            options.apply(directed, &mut maps, &mut issues);
            options.template_is_directed = directed.contains_key("template");
        }
        if let Some(other) = directed(&object, passive, &mut issues) {
            // Of no effect here, but a mistake in it should be found in either direction.
            Self::default().apply(other, &mut Maps::default(), &mut issues);
        }
        match maps.choose(direction) {
            Ok(values) => options.values = values,
            Err(issue) => issues.push(issue),
        }
        if issues.is_empty() {
            Ok(options)
        } else {
            Err(issues)
        }
    }

    fn apply(&mut self, object: &Map<String, Json>, maps: &mut Maps, issues: &mut Vec<Issue>) {
        for (name, json) in object {
            if !NAMES.contains(&name.as_str()) {
                issues.push(unknown_option(name));
            } else if let Err(takes) = self.set(name, json, maps) {
                let message = format!("option `{name}` {takes}");
                issues.push(Issue {
                    code: "wrong-option",
                    message,
                });
            }
        }
    }

    /// Sets one option; the error completes "option `name` ...".
    fn set(&mut self, name: &str, json: &Json, maps: &mut Maps) -> Result<(), String> {
        match name {
            "trim" => self.trim = json.as_bool().ok_or("takes `true` or `false`")?,
            "case" => self.case = Some(case(json)?),
            "default" => self.default = default(json)?,
            "values" => maps.values = value_map(json)?,
            "valuesIn" => maps.values_in = value_map(json)?,
            "dateFormat" => self.date_format = Some(DateFormat::parse(text(json)?)?),
            "scale" => self.scale = Some(scale(json)?),
            "decimals" => self.decimals = Some(count(json, 0, DECIMALS_MAX)? as u32),
            "split" => self.split = Some(split(json)?),
            "join" => self.join = Some(separator_of(json)?.to_owned()),
            "template" => self.template = Some(Template::parse(text(json)?)?),
            "truncate" => self.truncate = Some(count(json, 1, TRUNCATE_MAX)? as usize),
            "separator" => {
                let separator = text(json)?;
                if separator.is_empty() {
                    return Err("must not be empty".to_owned());
                }
                self.separator = Some(separator.to_owned());
            }
            _ => {}
        }
        Ok(())
    }
}

impl Maps {
    /// The map for a direction: inbound the inverse of `values`, where `valuesIn` does not say
    /// otherwise.
    fn choose(self, direction: Direction) -> Result<Vec<(String, String)>, Issue> {
        if direction == Direction::ToHubspot {
            return Ok(self.values);
        }
        let mut chosen = self.values_in;
        let said = chosen.len();
        for (partneros, hubspot) in self.values {
            if hubspot.is_empty() {
                continue;
            }
            match chosen
                .iter()
                .position(|(value, _)| value.eq_ignore_ascii_case(&hubspot))
            {
                None => chosen.push((hubspot, partneros)),
                Some(at) if at < said => {}
                Some(at) => {
                    let other = chosen.get(at).map_or("", |(_, value)| value.as_str());
                    let message = format!(
                        "option `values` maps both `{other}` and `{partneros}` to `{hubspot}`; \
                         say with `valuesIn` which of them `{hubspot}` means"
                    );
                    return Err(Issue {
                        code: "values-not-invertible",
                        message,
                    });
                }
            }
        }
        Ok(chosen)
    }
}

fn directed<'j>(
    object: &'j Map<String, Json>,
    name: &str,
    issues: &mut Vec<Issue>,
) -> Option<&'j Map<String, Json>> {
    let directed = object.get(name)?.as_object();
    let nested = directed.is_some_and(|directed| {
        [TO_HUBSPOT, TO_PARTNEROS]
            .iter()
            .any(|name| directed.contains_key(*name))
    });
    if directed.is_none() || nested {
        let message = format!("option `{name}` takes an object of options for that direction");
        issues.push(Issue {
            code: "wrong-option",
            message,
        });
    }
    directed
}

fn unknown_option(name: &str) -> Issue {
    let near = NAMES
        .iter()
        .map(|known| (distance(&name.to_lowercase(), &known.to_lowercase()), known));
    let message = match near.min() {
        Some((0..=2, known)) => {
            format!("there is no option `{name}`; did you mean `{known}`?")
        }
        _ => format!(
            "there is no option `{name}`; there are {}",
            NAMES.join(", ")
        ),
    };
    Issue {
        code: "unknown-option",
        message,
    }
}

/// How many letters must be added, removed or replaced to make one word of the other.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (above, letter) in left.chars().enumerate() {
        let mut diagonal = above;
        let mut previous = above + 1;
        if let Some(first) = row.first_mut() {
            *first = previous;
        }
        for (other, cell) in right.chars().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = *cell;
            previous = replaced.min(*cell + 1).min(previous + 1);
            *cell = previous;
        }
    }
    row.last().copied().unwrap_or_default()
}

fn text(json: &Json) -> Result<&str, String> {
    json.as_str().ok_or_else(|| "takes text".to_owned())
}

fn case(json: &Json) -> Result<Case, String> {
    match json.as_str() {
        Some("lower") => Ok(Case::Lower),
        Some("upper") => Ok(Case::Upper),
        Some("title") => Ok(Case::Title),
        _ => Err("takes `lower`, `upper` or `title`".to_owned()),
    }
}

fn count(json: &Json, min: u64, max: u64) -> Result<u64, String> {
    let number = json.as_u64().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| format!("takes a whole number from {min} to {max}"))
}

fn scale(json: &Json) -> Result<Decimal, String> {
    let factor = json
        .is_number()
        .then(|| Decimal::parse(&json.to_string()))
        .flatten();
    factor
        .filter(|factor| !factor.is_zero())
        .ok_or_else(|| "takes a number other than 0, such as `100` for cents".to_owned())
}

fn separator_of(json: &Json) -> Result<&str, String> {
    let separator = json.get("separator").and_then(Json::as_str);
    let sole = json.as_object().is_some_and(|object| object.len() == 1);
    separator
        .filter(|_| sole)
        .ok_or_else(|| "takes an object such as `{\"separator\": \", \"}`".to_owned())
}

fn split(json: &Json) -> Result<Split, String> {
    let takes = || {
        "takes an object such as `{\"separator\": \" \", \"part\": \"first\"}`, where the part is \
         `first`, `last`, `rest` or a position from 0"
            .to_owned()
    };
    let object = json
        .as_object()
        .filter(|object| object.len() == 2)
        .ok_or_else(takes)?;
    let separator = object
        .get("separator")
        .and_then(Json::as_str)
        .ok_or_else(takes)?;
    let part = match object.get("part").ok_or_else(takes)? {
        Json::String(part) if part == "first" => Part::Index(0),
        Json::String(part) if part == "last" => Part::Last,
        Json::String(part) if part == "rest" => Part::Rest,
        part => Part::Index(part.as_u64().ok_or_else(takes)? as usize),
    };
    if separator.is_empty() {
        return Err("needs a separator that is not empty".to_owned());
    }
    Ok(Split {
        separator: separator.to_owned(),
        part,
    })
}

fn default(json: &Json) -> Result<Option<Value>, String> {
    let takes = || "takes text, a number, `true`, `false` or a list of texts".to_owned();
    Ok(match json {
        Json::Null => None,
        Json::Bool(flag) => Some(Value::Boolean(*flag)),
        Json::Number(_) => Some(Value::Decimal(
            Decimal::parse(&json.to_string()).ok_or_else(takes)?,
        )),
        Json::String(text) => (!text.is_empty()).then(|| Value::Text(text.clone())),
        Json::Array(items) => {
            let texts: Option<Vec<_>> = items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect();
            Some(Value::Texts(texts.ok_or_else(takes)?))
        }
        Json::Object(_) => return Err(takes()),
    })
}

fn value_map(json: &Json) -> Result<Vec<(String, String)>, String> {
    let takes =
        || "takes an object from value to value, such as `{\"won\": \"closedwon\"}`".to_owned();
    let entries = json
        .as_object()
        .ok_or_else(takes)?
        .iter()
        .map(|(from, to)| {
            let to = match to {
                Json::Null => String::new(),
                Json::String(text) => text.clone(),
                Json::Bool(_) | Json::Number(_) => to.to_string(),
                _ => return Err(takes()),
            };
            Ok((from.clone(), to))
        });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issues(json: &str) -> Vec<(&'static str, String)> {
        let issues = Options::parse(json, Direction::ToHubspot)
            .err()
            .unwrap_or_default();
        issues
            .into_iter()
            .map(|issue| (issue.code, issue.message))
            .collect()
    }

    #[test]
    fn the_schema_names_the_same_options() {
        let schema: Json = serde_json::from_str(SCHEMA).expect("the schema is JSON");
        assert_eq!(schema["additionalProperties"], Json::Bool(false));
        let mut described: Vec<&str> = schema["properties"]
            .as_object()
            .expect("has properties")
            .keys()
            .map(String::as_str)
            .collect();
        let mut known = NAMES.to_vec();
        described.sort_unstable();
        known.sort_unstable();
        assert_eq!(described, known);
    }

    #[test]
    fn unknown_names_get_the_nearest_one() {
        let [(code, message)] = &issues(r#"{"Trimm": true}"#)[..] else {
            panic!("one issue")
        };
        assert_eq!(
            (*code, message.as_str()),
            (
                "unknown-option",
                "there is no option `Trimm`; did you mean `trim`?"
            )
        );
        let [(_, message)] = &issues(r#"{"colour": 1}"#)[..] else {
            panic!("one issue")
        };
        assert!(
            message.ends_with("toHubspot, toPartneros, $schema"),
            "{message}"
        );
    }

    #[test]
    fn every_wrong_type_names_its_option() {
        for (name, json) in [
            ("trim", "1"),
            ("case", "\"Lower\""),
            ("default", "{}"),
            ("values", "[]"),
            ("values", r#"{"a": []}"#),
            ("valuesIn", "\"a\""),
            ("dateFormat", "\"%Y\""),
            ("scale", "0"),
            ("scale", "\"100\""),
            ("decimals", "-1"),
            ("decimals", "2.5"),
            ("split", "\" \""),
            ("split", r#"{"separator": " ", "part": "middle"}"#),
            ("split", r#"{"separator": "", "part": 0}"#),
            ("join", r#"{"seperator": ","}"#),
            ("template", "\"{a\""),
            ("truncate", "\"5\""),
            ("separator", "\"\""),
            ("toHubspot", "true"),
            ("toPartneros", r#"{"toHubspot": {}}"#),
        ] {
            let found = issues(&format!(r#"{{"{name}": {json}}}"#));
            let [(code, message)] = &found[..] else {
                panic!("{name} {json}: {found:?}")
            };
            assert_eq!(*code, "wrong-option", "{name} {json}");
            assert!(
                message.starts_with(&format!("option `{name}` ")),
                "{message}"
            );
        }
        assert_eq!(issues("[]")[0].0, "invalid-options");
        assert_eq!(issues("{")[0].0, "invalid-options");
        assert_eq!(issues(r#"{"trim": 1, "cas": 2}"#).len(), 2);
    }

    #[test]
    fn a_direction_may_have_its_own_options() {
        let json = r#"{"trim": true, "toPartneros": {"trim": false, "case": "lower"}}"#;
        let out = Options::parse(json, Direction::ToHubspot).expect("is sound");
        let back = Options::parse(json, Direction::ToPartneros).expect("is sound");
        assert_eq!((out.trim, out.case), (true, None));
        assert_eq!((back.trim, back.case), (false, Some(Case::Lower)));
        assert_eq!(issues(r#"{"toPartneros": {"trim": 1}}"#).len(), 1);
    }

    #[test]
    fn values_are_inverted_unless_they_collide() {
        let back =
            |json| Options::parse(json, Direction::ToPartneros).map(|options| options.values);
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(
            back(r#"{"values": {"won": "closedwon", "dead": null}}"#),
            Ok(vec![pair("closedwon", "won")])
        );
        let two = r#"{"values": {"a": "X", "b": "x"}}"#;
        assert_eq!(
            back(two).expect_err("collides")[0].code,
            "values-not-invertible"
        );
        assert!(Options::parse(two, Direction::ToHubspot).is_ok());
        let said = r#"{"values": {"a": "X", "b": "X"}, "valuesIn": {"X": "b"}}"#;
        assert_eq!(back(said), Ok(vec![pair("X", "b")]));
    }
}

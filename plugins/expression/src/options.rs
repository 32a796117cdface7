//! The options of a rule, read from JSON: one expression for each direction.
//!
//! `options.schema.json` beside this file describes the same object to people and editors; a test
//! keeps the names of both equal.

use serde_json::Value as Json;

use crate::bindings::Direction;

/// The JSON Schema of a rule's options.
pub const SCHEMA: &str = include_str!("options.schema.json");

/// The names that the options may have.
pub const NAMES: [&str; 3] = ["toPartneros", "toHubspot", "$schema"];

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub code: &'static str,
    pub message: String,
}

impl Issue {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// The expressions of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    to_partneros: Option<String>,
    to_hubspot: Option<String>,
}

impl Options {
    /// Reads the options; all that is wrong is returned at once.
    pub fn parse(text: &str) -> Result<Self, Vec<Issue>> {
        let mut options = Self::default();
        if text.trim().is_empty() {
            return Ok(options);
        }
        let Ok(Json::Object(object)) = serde_json::from_str(text) else {
            return Err(vec![Issue::new(
                "invalid-options",
                "options must be a JSON object",
            )]);
        };
        let mut issues = Vec::new();
        for (name, json) in object {
            let place = match name.as_str() {
                "toPartneros" => &mut options.to_partneros,
                "toHubspot" => &mut options.to_hubspot,
                "$schema" => continue,
                _ => {
                    let known = NAMES.join("`, `");
                    let message = format!("there is no option `{name}`; there are `{known}`");
                    issues.push(Issue::new("unknown-option", message));
                    continue;
                }
            };
            match json {
                Json::String(text) => *place = Some(text),
                _ => issues.push(Issue::new(
                    "wrong-option",
                    format!("option `{name}` takes an expression as text"),
                )),
            }
        }
        if issues.is_empty() {
            Ok(options)
        } else {
            Err(issues)
        }
    }

    /// The expression for a direction, or what to do about its absence.
    pub fn expression(&self, direction: Direction) -> Result<&str, Issue> {
        let (expression, name, way, other) = match direction {
            Direction::ToPartneros => (
                &self.to_partneros,
                "toPartneros",
                "PartnerOS",
                "from PartnerOS to HubSpot only",
            ),
            Direction::ToHubspot => (
                &self.to_hubspot,
                "toHubspot",
                "HubSpot",
                "from HubSpot to PartnerOS only",
            ),
        };
        expression.as_deref().ok_or_else(|| {
            let message = format!(
                "there is no expression for values that go to {way}; add the option `{name}`, or \
                 make the mapping one-way, {other}"
            );
            Issue::new("missing-expression", message)
        })
    }

    /// The expression for the direction that the plan does not have.
    pub fn passive(&self, direction: Direction) -> Option<&str> {
        match direction {
            Direction::ToPartneros => self.to_hubspot.as_deref(),
            Direction::ToHubspot => self.to_partneros.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        let issues = Options::parse(text).expect_err("there are issues");
        issues.into_iter().map(|issue| issue.code).collect()
    }

    #[test]
    fn reads_an_expression_for_each_direction() {
        let options =
            Options::parse(r#"{"toPartneros": "a", "toHubspot": "b"}"#).expect("is right");
        assert_eq!(options.expression(Direction::ToPartneros), Ok("a"));
        assert_eq!(options.expression(Direction::ToHubspot), Ok("b"));
        assert_eq!(options.passive(Direction::ToHubspot), Some("a"));
        assert_eq!(options.passive(Direction::ToPartneros), Some("b"));
    }

    #[test]
    fn says_how_to_do_without_an_expression() {
        for (text, direction, option) in [
            ("", Direction::ToHubspot, "`toHubspot`"),
            (
                r#"{"toHubspot": "1"}"#,
                Direction::ToPartneros,
                "`toPartneros`",
            ),
        ] {
            let options = Options::parse(text).expect("is right");
            let issue = options.expression(direction).expect_err("is missing");
            assert_eq!(issue.code, "missing-expression");
            assert!(issue.message.contains(option), "{}", issue.message);
            assert!(issue.message.contains("one-way"), "{}", issue.message);
        }
    }

    #[test]
    fn reports_all_that_is_wrong() {
        let wrong = r#"{"toHubSpot": "1", "toPartneros": 1, "toHubspot": null}"#;
        assert_eq!(
            codes(wrong),
            ["unknown-option", "wrong-option", "wrong-option"]
        );
        for not_an_object in ["[]", "1", "{", "null", "\"value\""] {
            assert_eq!(codes(not_an_object), ["invalid-options"], "{not_an_object}");
        }
    }

    #[test]
    fn the_schema_names_the_same_options() {
        let schema: Json = serde_json::from_str(SCHEMA).expect("is JSON");
        let properties = schema["properties"].as_object().expect("is an object");
        let mut named: Vec<&str> = properties.keys().map(String::as_str).collect();
        let mut known = NAMES.to_vec();
        named.sort_unstable();
        known.sort_unstable();
        assert_eq!(named, known);
        for name in ["toPartneros", "toHubspot"] {
            assert_eq!(
                properties[name]["maxLength"].as_u64(),
                Some(crate::program::EXPRESSION_BYTES_MAX as u64)
            );
        }
    }
}

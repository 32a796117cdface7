//! Which values a property takes, and in which form they are kept.
//!
//! Values arrive as text (numbers and booleans of JSON were turned into text at the edge) and are kept as written;
//! only dates and instants are brought into HubSpot's form. An empty value always clears. Date-based version 2026-09
//! accepts dates that are not midnight and says that it rounded them.

use partneros_domain::Timestamp;

use super::property::{DataType, OptionSource, Property};
use super::version::ApiVersion;
use crate::errors::ValueProblem;

/// The longest text a property holds.
pub const STRING_CHARS_MAX: usize = 65_536;

const DAY_MS: i64 = 86_400_000;

/// A value in the form it is kept, with the notice that HubSpot gives for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What is stored.
    pub value: String,
    /// Whether it differs from what was sent in more than form.
    pub normalized: bool,
}

/// Checks `raw` for `property`. `outside` are the allowed values that the definition itself does not list; `current` is
/// the value the record has, which a leading `;` appends to.
pub fn check(
    property: &Property,
    raw: &str,
    outside: &dyn Fn(&str) -> Result<(), Vec<String>>,
    current: Option<&str>,
    version: ApiVersion,
) -> Result<Kept, ValueProblem> {
    if property.read_only {
        // Unverified: this text is known from a third-party simulator only.
        return Err(problem(
            property,
            "READ_ONLY_VALUE",
            format!(
                "\"{}\" is a read only property; its value cannot be set.",
                property.name
            ),
        ));
    }
    if raw.is_empty() {
        return Ok(kept(raw));
    }
    match property.data_type {
        DataType::Bool => match raw {
            "true" | "false" => Ok(kept(raw)),
            _ => Err(not_an_option(
                property,
                raw,
                &["true".to_owned(), "false".to_owned()],
            )),
        },
        DataType::Number => check_number(property, raw),
        DataType::Date => check_date(property, raw, version),
        DataType::Datetime => check_datetime(property, raw),
        DataType::Enumeration => check_options(property, raw, outside, current),
        DataType::String | DataType::PhoneNumber | DataType::Json | DataType::ObjectCoordinates => {
            check_text(property, raw)
        }
    }
}

/// The instant that a date or datetime text names, in any of the forms HubSpot reads.
pub fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(millis) = text.parse::<i64>() {
        return Some(Timestamp(millis));
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let day: jiff::civil::Date = text.parse().ok()?;
    let midnight = jiff::tz::Offset::UTC
        .to_timestamp(day.to_datetime(jiff::civil::Time::midnight()))
        .ok()?;
    Some(Timestamp(midnight.as_millisecond()))
}

/// The day of an instant, as HubSpot writes it.
pub fn day(instant: Timestamp) -> String {
    instant.to_string().chars().take(10).collect()
}

fn check_text(property: &Property, raw: &str) -> Result<Kept, ValueProblem> {
    let chars = raw.chars().count();
    if chars > STRING_CHARS_MAX {
        // Unverified: the limit is documented, the text is not.
        return Err(problem(
            property,
            "VALUE_TOO_LONG",
            format!(
                "Property value was {chars} characters long, the maximum is {STRING_CHARS_MAX}."
            ),
        ));
    }
    Ok(kept(raw))
}

fn check_number(property: &Property, raw: &str) -> Result<Kept, ValueProblem> {
    match raw.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(kept(raw.trim())),
        _ => Err(problem(
            property,
            "INVALID_INTEGER",
            format!("{raw} was not a valid number"),
        )),
    }
}

fn check_date(property: &Property, raw: &str, version: ApiVersion) -> Result<Kept, ValueProblem> {
    let Some(at) = instant(raw) else {
        return Err(not_a_long(property, raw));
    };
    let past_midnight = at.as_millis().rem_euclid(DAY_MS);
    if past_midnight == 0 {
        return Ok(kept(&day(at)));
    }
    if version == ApiVersion::Dated202609 {
        return Ok(Kept {
            value: day(at),
            normalized: true,
        });
    }
    let seconds = past_midnight / 1_000;
    let clock = format!(
        "{:02}:{:02}:{:02}.{}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60,
        past_midnight % 1_000
    );
    let message = format!("{} is at {clock} UTC, not midnight!", at.as_millis());
    Err(problem(property, "INVALID_DATE", message))
}

fn check_datetime(property: &Property, raw: &str) -> Result<Kept, ValueProblem> {
    instant(raw).map_or_else(
        || Err(not_a_long(property, raw)),
        |at| Ok(kept(&at.to_string())),
    )
}

fn check_options(
    property: &Property,
    raw: &str,
    outside: &dyn Fn(&str) -> Result<(), Vec<String>>,
    current: Option<&str>,
) -> Result<Kept, ValueProblem> {
    let (appended, chosen) = match raw.strip_prefix(';') {
        Some(rest) if property.multiple() => (true, rest),
        _ => (false, raw),
    };
    let parts: Vec<&str> = if property.multiple() {
        chosen
            .split(';')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect()
    } else {
        vec![chosen]
    };
    for part in &parts {
        check_option(property, part, outside)?;
    }
    let mut all: Vec<&str> = Vec::new();
    let before = current
        .filter(|_| appended)
        .into_iter()
        .flat_map(|value| value.split(';'));
    for part in before.chain(parts) {
        if !part.is_empty() && !all.contains(&part) {
            all.push(part);
        }
    }
    Ok(kept(&all.join(";")))
}

fn check_option(
    property: &Property,
    value: &str,
    outside: &dyn Fn(&str) -> Result<(), Vec<String>>,
) -> Result<(), ValueProblem> {
    match property.option_source {
        OptionSource::Open => Ok(()),
        OptionSource::Listed => {
            if property.options.iter().any(|choice| choice.value == value) {
                return Ok(());
            }
            let allowed: Vec<String> = property
                .options
                .iter()
                .map(|choice| choice.value.clone())
                .collect();
            Err(not_an_option(property, value, &allowed))
        }
        OptionSource::Pipelines | OptionSource::Owners => {
            outside(value).map_err(|allowed| not_an_option(property, value, &allowed))
        }
    }
}

/// The problem of a value that is none of the `allowed`.
pub fn not_an_option(property: &Property, value: &str, allowed: &[String]) -> ValueProblem {
    let allowed = allowed.join(", ");
    problem(
        property,
        "INVALID_OPTION",
        format!("{value} was not one of the allowed options: [{allowed}]"),
    )
}

fn not_a_long(property: &Property, raw: &str) -> ValueProblem {
    problem(
        property,
        "INVALID_LONG",
        format!("{raw} was not a valid long."),
    )
}

fn problem(property: &Property, code: &'static str, message: String) -> ValueProblem {
    ValueProblem {
        name: property.name.to_string(),
        code,
        message,
    }
}

fn kept(value: &str) -> Kept {
    Kept {
        value: value.to_owned(),
        normalized: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::property::Choice;

    fn property(data_type: DataType, field_type: &str) -> Property {
        let mut property = Property::new("p", "P", data_type, field_type, "g");
        property.options = ["a", "b", "c"]
            .map(|value| Choice {
                label: value.to_uppercase(),
                value: value.to_owned(),
                description: String::new(),
                display_order: 0,
                hidden: false,
            })
            .into();
        property
    }

    fn outcome(property: &Property, raw: &str, version: ApiVersion) -> Result<String, String> {
        check(property, raw, &|_| Ok(()), Some("a;b"), version)
            .map(|kept| kept.value)
            .map_err(|problem| format!("{} {}", problem.code, problem.message))
    }

    #[test]
    fn each_type_keeps_or_refuses_as_hubspot_does() {
        use DataType::{Bool, Date, Datetime, Enumeration, Number, String};
        let cases = [
            (Bool, "booleancheckbox", "true", Ok("true")),
            (
                Bool,
                "booleancheckbox",
                "yes",
                Err("INVALID_OPTION yes was not one of the allowed options: [true, false]"),
            ),
            (Number, "number", "1500.00", Ok("1500.00")),
            (Number, "number", "-3e2", Ok("-3e2")),
            (
                Number,
                "number",
                "discount",
                Err("INVALID_INTEGER discount was not a valid number"),
            ),
            (
                Number,
                "number",
                "NaN",
                Err("INVALID_INTEGER NaN was not a valid number"),
            ),
            (Date, "date", "2020-02-29", Ok("2020-02-29")),
            (Date, "date", "1582934400000", Ok("2020-02-29")),
            (
                Date,
                "date",
                "1582981872000",
                Err("INVALID_DATE 1582981872000 is at 13:11:12.0 UTC, not midnight!"),
            ),
            (
                Date,
                "date",
                "tomorrow",
                Err("INVALID_LONG tomorrow was not a valid long."),
            ),
            (
                Datetime,
                "date",
                "1726061259356",
                Ok("2024-09-11T13:27:39.356Z"),
            ),
            (
                Datetime,
                "date",
                "2024-09-11T13:27:39Z",
                Ok("2024-09-11T13:27:39.000Z"),
            ),
            (
                Datetime,
                "date",
                "2024-09-11",
                Ok("2024-09-11T00:00:00.000Z"),
            ),
            (
                Datetime,
                "date",
                "1/1/1",
                Err("INVALID_LONG 1/1/1 was not a valid long."),
            ),
            (Enumeration, "select", "b", Ok("b")),
            (
                Enumeration,
                "select",
                "B",
                Err("INVALID_OPTION B was not one of the allowed options: [a, b, c]"),
            ),
            (
                Enumeration,
                "select",
                "a;b",
                Err("INVALID_OPTION a;b was not one of the allowed options: [a, b, c]"),
            ),
            (Enumeration, "checkbox", "c;a", Ok("c;a")),
            (Enumeration, "checkbox", ";c;a", Ok("a;b;c")),
            (
                Enumeration,
                "checkbox",
                "a;x",
                Err("INVALID_OPTION x was not one of the allowed options: [a, b, c]"),
            ),
            (String, "text", " kept as sent ", Ok(" kept as sent ")),
            (String, "text", "", Ok("")),
            (Number, "number", "", Ok("")),
        ];
        for (data_type, field_type, raw, expected) in cases {
            let got = outcome(&property(data_type, field_type), raw, ApiVersion::V3);
            assert_eq!(
                got,
                expected.map(str::to_owned).map_err(str::to_owned),
                "{raw}"
            );
        }
    }

    #[test]
    fn version_2026_09_rounds_dates_and_says_so() {
        let property = property(DataType::Date, "date");
        let kept = check(
            &property,
            "1582981872000",
            &|_| Ok(()),
            None,
            ApiVersion::Dated202609,
        )
        .unwrap();
        assert_eq!(
            kept,
            Kept {
                value: "2020-02-29".to_owned(),
                normalized: true
            }
        );
    }

    #[test]
    fn too_long_and_read_only_values_are_refused() {
        let mut property = property(DataType::String, "text");
        assert!(outcome(&property, &"é".repeat(STRING_CHARS_MAX), ApiVersion::V3).is_ok());
        assert!(outcome(&property, &"x".repeat(STRING_CHARS_MAX + 1), ApiVersion::V3).is_err());
        property.read_only = true;
        assert_eq!(
            outcome(&property, "", ApiVersion::V3),
            Err(
                "READ_ONLY_VALUE \"p\" is a read only property; its value cannot be set."
                    .to_owned()
            )
        );
    }
}

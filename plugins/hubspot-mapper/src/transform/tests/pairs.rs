//! Every PartnerOS type with every HubSpot type, both ways: either a value converts as the table says,
//! or `check` refuses the pair.

use crate::bindings::{Column, DataType, Direction, FieldSchema};
use crate::transform::fixtures::{field, outcome, plan, property, with_choices};
use crate::transform::{check, transform};

const COLOURS: [(&str, &str); 2] = [("red", "Red"), ("deep_blue", "Deep blue")];

/// A sample of every PartnerOS type.
fn partneros() -> Vec<(FieldSchema, Column)> {
    let text = |text: &str| Column::Text(vec![Some(text.to_owned())]);
    let one = |name: &str, data_type, column| (field(name, data_type), column);
    vec![
        one("text", DataType::Text, text("12")),
        one(
            "integer",
            DataType::Integer,
            Column::Integer(vec![Some(12)]),
        ),
        one("number", DataType::Number, Column::Number(vec![Some(12.5)])),
        one(
            "boolean",
            DataType::Boolean,
            Column::Boolean(vec![Some(true)]),
        ),
        one("date", DataType::Date, text("2026-11-23")),
        one(
            "datetime",
            DataType::Datetime,
            text("2026-11-23T09:30:00.000Z"),
        ),
        (
            with_choices(field("choice", DataType::Choice), &COLOURS),
            text("deep_blue"),
        ),
        (
            with_choices(field("choices", DataType::MultiChoice), &COLOURS),
            Column::Texts(vec![Some(vec!["red".to_owned()])]),
        ),
        one("reference", DataType::Reference, text("42")),
    ]
}

/// A sample of every HubSpot type and field type.
fn hubspot() -> Vec<(FieldSchema, &'static str)> {
    let colours = |property| with_choices(property, &[("RED", "red"), ("7", "Deep Blue")]);
    vec![
        (property("string_text", "string", "text"), "12"),
        (property("string_textarea", "string", "textarea"), "12"),
        (property("string_html", "string", "html"), "12"),
        (property("string_file", "string", "file"), "12"),
        (property("string_phone", "string", "phonenumber"), "12"),
        (
            property("string_calculated", "string", "calculation_equation"),
            "12",
        ),
        (property("phone", "phone_number", "phonenumber"), "12"),
        (property("number", "number", "number"), "12.0"),
        (
            property("number_calculated", "number", "calculation_rollup"),
            "12.0",
        ),
        (property("bool", "bool", "booleancheckbox"), "true"),
        (
            property("bool_calculated", "bool", "calculation_equation"),
            "true",
        ),
        (colours(property("select", "enumeration", "select")), "7"),
        (colours(property("radio", "enumeration", "radio")), "7"),
        (
            with_choices(
                property("yes_no", "enumeration", "booleancheckbox"),
                &[("true", "Yes"), ("false", "No")],
            ),
            "true",
        ),
        (property("external", "enumeration", "select"), "42"),
        (
            colours(property("checkbox", "enumeration", "checkbox")),
            "7;RED",
        ),
        (property("date", "date", "date"), "2026-11-23"),
        (property("datetime", "datetime", "date"), "1763890200000"),
        (property("json", "json", "text"), "{}"),
        (property("coordinates", "object_coordinates", "text"), "1-2"),
    ]
}

/// What PartnerOS's sample becomes in each HubSpot property, in the order of [`hubspot`]: a value, `-`
/// where `check` refuses the pair, `!code` where the sample is a failure.
const OUT: [(&str, &str); 9] = [
    (
        "text",
        "12 12 12 12 12 12 12 12 12 !not-a-boolean !not-a-boolean !unknown-choice !unknown-choice !unknown-choice 12 !unknown-choice !not-a-date !not-a-datetime - -",
    ),
    (
        "integer",
        "12 12 12 12 12 12 12 12 12 - - - - - - - - - - -",
    ),
    (
        "number",
        "12.5 12.5 12.5 12.5 12.5 12.5 12.5 12.5 12.5 - - - - - - - - - - -",
    ),
    (
        "boolean",
        "true true true true true true true - - true true - - true - - - - - -",
    ),
    (
        "date",
        "2026-11-23 2026-11-23 2026-11-23 2026-11-23 2026-11-23 2026-11-23 2026-11-23 - - - - - - - - - 2026-11-23 2026-11-23T00:00:00.000Z - -",
    ),
    (
        "datetime",
        "2026-11-23T09:30:00.000Z 2026-11-23T09:30:00.000Z 2026-11-23T09:30:00.000Z 2026-11-23T09:30:00.000Z 2026-11-23T09:30:00.000Z 2026-11-23T09:30:00.000Z 2026-11-23T09:30:00.000Z - - - - - - - - - 2026-11-23 2026-11-23T09:30:00.000Z - -",
    ),
    (
        "choice",
        "deep_blue deep_blue deep_blue deep_blue deep_blue deep_blue deep_blue - - - - 7 7 !unknown-choice deep_blue 7 - - - -",
    ),
    (
        "choices",
        "red red red red red red red - - - - RED RED !unknown-choice red RED - - - -",
    ),
    (
        "reference",
        "42 42 42 42 42 42 42 42 42 - - !unknown-choice !unknown-choice !unknown-choice 42 - - - - -",
    ),
];

/// What HubSpot's samples become in each PartnerOS field, in the same order.
const IN: [(&str, &str); 9] = [
    (
        "text",
        "12 12 12 12 12 12 12 12 12 true true 7 7 true 42 7;RED 2026-11-23 2025-11-23T09:30:00.000Z {} 1-2",
    ),
    (
        "integer",
        "12 12 12 12 12 12 12 12 12 - - - - - - - - - - -",
    ),
    ("number", "12 12 12 12 12 12 12 12 12 - - - - - - - - - - -"),
    (
        "boolean",
        "!not-a-boolean !not-a-boolean !not-a-boolean !not-a-boolean !not-a-boolean !not-a-boolean !not-a-boolean - - true true - - true - - - - - -",
    ),
    (
        "date",
        "!not-a-date !not-a-date !not-a-date !not-a-date !not-a-date !not-a-date !not-a-date - - - - - - - - - 2026-11-23 2025-11-23 - -",
    ),
    (
        "datetime",
        "!not-a-datetime !not-a-datetime !not-a-datetime !not-a-datetime !not-a-datetime !not-a-datetime !not-a-datetime - - - - - - - - - 2026-11-23T00:00:00.000Z 2025-11-23T09:30:00.000Z - -",
    ),
    (
        "choice",
        "!unknown-choice !unknown-choice !unknown-choice !unknown-choice !unknown-choice !unknown-choice !unknown-choice - - - - deep_blue deep_blue !unknown-choice !unknown-choice !too-many-choices - - - -",
    ),
    (
        "choices",
        "!unknown-choice !unknown-choice !unknown-choice !unknown-choice !unknown-choice !unknown-choice !unknown-choice - - - - deep_blue deep_blue !unknown-choice !unknown-choice deep_blue+red - - - -",
    ),
    (
        "reference",
        "12 12 12 12 12 12 12 12 12 - - 7 7 true 42 - - - - -",
    ),
];

/// The one cell of a column, as the tables write it.
fn written(column: &Column) -> Option<String> {
    match column {
        Column::Text(cells) => cells[0].clone(),
        Column::Integer(cells) => cells[0].map(|cell| cell.to_string()),
        Column::Number(cells) => cells[0].map(|cell| cell.to_string()),
        Column::Boolean(cells) => cells[0].map(|cell| cell.to_string()),
        Column::Texts(cells) => cells[0].as_ref().map(|texts| texts.join("+")),
    }
}

fn converted(direction: Direction, from: &FieldSchema, to: &FieldSchema, cell: &Column) -> String {
    let plan = plan(direction, vec![from.clone()], to.clone(), "");
    match &check(&plan)[..] {
        [] => {}
        [problem] => {
            assert_eq!(problem.code, "unsupported-types");
            assert!(
                problem.message.contains(&format!("`{}`", from.name)),
                "{}",
                problem.message
            );
            assert!(
                problem.message.contains(&format!("`{}`", to.name)),
                "{}",
                problem.message
            );
            assert!(
                transform(&plan, vec![cell.clone()]).is_err(),
                "`transform` obeys `check`"
            );
            return "-".to_owned();
        }
        problems => panic!("{} to {}: {problems:?}", from.name, to.name),
    }
    let transformed = transform(&plan, vec![cell.clone()]).expect("`check` accepts the plan");
    let (column, failures) = outcome(transformed);
    match (written(&column), failures.first()) {
        (Some(value), None) => value,
        (None, Some((0, code))) => format!("!{code}"),
        other => panic!("{} to {}: {other:?}", from.name, to.name),
    }
}

#[test]
fn every_pair_converts_or_is_refused_towards_hubspot() {
    for ((from, cell), (name, expected)) in partneros().iter().zip(OUT) {
        assert_eq!(from.name, name);
        let got: Vec<String> = hubspot()
            .iter()
            .map(|(to, _)| converted(Direction::ToHubspot, from, to, cell))
            .collect();
        assert_eq!(got, expected.split(' ').collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn every_pair_converts_or_is_refused_towards_partneros() {
    for ((to, _), (name, expected)) in partneros().iter().zip(IN) {
        assert_eq!(to.name, name);
        let got: Vec<String> = hubspot()
            .iter()
            .map(|(from, text)| {
                let cell = Column::Text(vec![Some((*text).to_owned())]);
                converted(Direction::ToPartneros, from, to, &cell)
            })
            .collect();
        assert_eq!(got, expected.split(' ').collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn no_value_stays_no_value_for_every_accepted_pair() {
    for (from, _) in hubspot() {
        for (to, _) in partneros() {
            let plan = plan(Direction::ToPartneros, vec![from.clone()], to, "");
            if check(&plan).is_empty() {
                let batch = vec![Column::Text(vec![None, Some(String::new())])];
                let (column, failures) = outcome(transform(&plan, batch).expect("is accepted"));
                assert_eq!(failures, []);
                assert_eq!(written(&column), None);
            }
        }
    }
}

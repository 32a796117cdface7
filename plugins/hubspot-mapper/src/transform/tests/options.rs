//! What each option does to values.

use crate::bindings::{Column, DataType, Direction, FieldSchema};
use crate::transform::fixtures::{field, outcome, plan, property, texts, with_choices};
use crate::transform::{check, transform};

fn codes(
    direction: Direction,
    inputs: Vec<FieldSchema>,
    to: FieldSchema,
    options: &str,
) -> Vec<String> {
    check(&plan(direction, inputs, to, options))
        .into_iter()
        .map(|problem| problem.code)
        .collect()
}

/// Text in HubSpot that a PartnerOS column becomes.
fn out(from: FieldSchema, cells: Column, to: FieldSchema, options: &str) -> Vec<Option<String>> {
    let plan = plan(Direction::ToHubspot, vec![from], to, options);
    assert_eq!(check(&plan), []);
    let (column, failures) = outcome(transform(&plan, vec![cells]).expect("is accepted"));
    assert_eq!(failures, []);
    let Column::Text(cells) = column else {
        panic!("HubSpot takes text")
    };
    cells
}

/// The column in PartnerOS that HubSpot's texts become.
fn back(from: FieldSchema, cells: &[Option<&str>], to: FieldSchema, options: &str) -> Column {
    let plan = plan(Direction::ToPartneros, vec![from], to, options);
    assert_eq!(check(&plan), []);
    let (column, failures) = outcome(transform(&plan, vec![texts(cells)]).expect("is accepted"));
    assert_eq!(failures, []);
    column
}

fn some(cells: &[&str]) -> Vec<Option<String>> {
    cells.iter().map(|cell| Some((*cell).to_owned())).collect()
}

fn text() -> FieldSchema {
    field("text", DataType::Text)
}

fn string() -> FieldSchema {
    property("string", "string", "text")
}

#[test]
fn trim_and_case_clean_text() {
    let cells = texts(&[Some("  Ada LOVELACE "), Some("   "), None]);
    let options = r#"{"trim": true, "case": "title"}"#;
    assert_eq!(
        out(text(), cells, string(), options),
        [Some("Ada Lovelace".into()), None, None]
    );
}

#[test]
fn default_stands_in_for_no_value_only() {
    let number = field("n", DataType::Integer);
    let cells = Column::Integer(vec![None, Some(5)]);
    let to = property("number", "number", "number");
    assert_eq!(
        out(number.clone(), cells, to, r#"{"default": 7}"#),
        some(&["7", "5"])
    );
    let from = property("number", "number", "number");
    let column = back(
        from.clone(),
        &[Some(""), Some("5")],
        number.clone(),
        r#"{"default": "7"}"#,
    );
    assert_eq!(column, Column::Integer(vec![Some(7), Some(5)]));
    let wrong = codes(
        Direction::ToPartneros,
        vec![from],
        number,
        r#"{"default": "many"}"#,
    );
    assert_eq!(wrong, ["not-a-number"]);
    let flags = field("f", DataType::Boolean);
    let column = back(
        property("b", "bool", "booleancheckbox"),
        &[None],
        flags,
        r#"{"default": false}"#,
    );
    assert_eq!(column, Column::Boolean(vec![Some(false)]));
    let days = back(
        property("d", "date", "date"),
        &[None],
        field("d", DataType::Date),
        r#"{"default": "2026-01-31"}"#,
    );
    assert_eq!(days, texts(&[Some("2026-01-31")]));
}

#[test]
fn a_default_is_not_scaled() {
    let cells = Column::Number(vec![None, Some(2.0)]);
    let to = property("number", "number", "number");
    let options = r#"{"default": 5, "scale": 100}"#;
    assert_eq!(
        out(field("n", DataType::Number), cells, to, options),
        some(&["5", "200"])
    );
}

#[test]
fn a_failure_has_no_default() {
    let plan = plan(
        Direction::ToPartneros,
        vec![property("n", "number", "number")],
        field("n", DataType::Integer),
        r#"{"default": 1}"#,
    );
    let (column, failures) = outcome(transform(&plan, vec![texts(&[Some("1.5")])]).expect("runs"));
    assert_eq!(column, Column::Integer(vec![None]));
    assert_eq!(failures, [(0, "not-an-integer".to_owned())]);
}

#[test]
fn values_map_both_ways() {
    let stage = with_choices(
        field("stage", DataType::Choice),
        &[("won", "Won"), ("open", "Open")],
    );
    let dealstage = with_choices(
        property("dealstage", "enumeration", "radio"),
        &[
            ("closedwon", "Closed won"),
            ("appointmentscheduled", "Appointment"),
            ("open", "Open"),
        ],
    );
    let options = r#"{"values": {"won": "closedwon"}}"#;
    let cells = texts(&[Some("won"), Some("WON"), Some("open")]);
    let sent = out(stage.clone(), cells, dealstage.clone(), options);
    assert_eq!(sent, some(&["closedwon", "closedwon", "open"]));
    let column = back(
        dealstage.clone(),
        &[Some("closedwon"), Some("open")],
        stage.clone(),
        options,
    );
    assert_eq!(column, texts(&[Some("won"), Some("open")]));
    let wrong = codes(
        Direction::ToHubspot,
        vec![stage],
        dealstage,
        r#"{"values": {"won": "shut"}}"#,
    );
    assert_eq!(wrong, ["unknown-choice"]);
}

#[test]
fn values_bridge_types_that_do_not_convert() {
    let flag = field("isPartner", DataType::Boolean);
    let kind = with_choices(
        property("type", "enumeration", "radio"),
        &[("PARTNER", "Partner"), ("PROSPECT", "Prospect")],
    );
    assert_eq!(
        codes(Direction::ToHubspot, vec![flag.clone()], kind.clone(), ""),
        ["unsupported-types"]
    );
    let options = r#"{"values": {"true": "PARTNER", "false": "PROSPECT"}}"#;
    let sent = out(
        flag.clone(),
        Column::Boolean(vec![Some(true), None]),
        kind.clone(),
        options,
    );
    assert_eq!(sent, [Some("PARTNER".into()), None]);
    let column = back(kind, &[Some("PROSPECT")], flag, options);
    assert_eq!(column, Column::Boolean(vec![Some(false)]));
}

#[test]
fn values_apply_to_each_of_several_choices() {
    let tags = field("tags", DataType::MultiChoice);
    let keywords = property("keywords", "enumeration", "checkbox");
    let options = r#"{"values": {"eu": "Europe", "na": "America"}}"#;
    let cells = Column::Texts(vec![Some(vec!["eu".into(), "na".into()]), Some(vec![])]);
    let sent = out(tags.clone(), cells, keywords.clone(), options);
    assert_eq!(sent, [Some("America;Europe".into()), None]);
    let column = back(keywords, &[Some("Europe;other;")], tags, options);
    assert_eq!(
        column,
        Column::Texts(vec![Some(vec!["eu".into(), "other".into()])])
    );
}

#[test]
fn date_format_is_for_the_side_with_text_or_number() {
    let day = field("day", DataType::Date);
    let options = r#"{"dateFormat": "%d.%m.%Y"}"#;
    assert_eq!(
        out(day.clone(), texts(&[Some("2026-11-23")]), string(), options),
        some(&["23.11.2026"])
    );
    assert_eq!(
        back(string(), &[Some("23.11.2026")], day, options),
        texts(&[Some("2026-11-23")])
    );
    let instant = field("at", DataType::Datetime);
    let number = property("epoch", "number", "number");
    let epoch = r#"{"dateFormat": "epoch-s"}"#;
    let cells = texts(&[Some("2026-11-23T09:30:00.000Z")]);
    assert_eq!(
        out(instant.clone(), cells.clone(), number.clone(), epoch),
        some(&["1795426200"])
    );
    assert_eq!(back(number, &[Some("1795426200")], instant, epoch), cells);
}

#[test]
fn scale_and_decimals_count_in_decimals() {
    let number = field("amount", DataType::Number);
    let cents = property("cents", "number", "number");
    let options = r#"{"scale": 100}"#;
    let cells = Column::Number(vec![Some(19.99), Some(0.07), Some(1.1)]);
    assert_eq!(
        out(number.clone(), cells.clone(), cents.clone(), options),
        some(&["1999", "7", "110"])
    );
    let column = back(
        cents.clone(),
        &[Some("1999"), Some("7"), Some("110")],
        number.clone(),
        options,
    );
    assert_eq!(column, cells);
    let rounded = r#"{"decimals": 1}"#;
    let cells = Column::Number(vec![Some(0.25), Some(-0.25), Some(3.0)]);
    assert_eq!(
        out(number.clone(), cells.clone(), cents, rounded),
        some(&["0.3", "-0.3", "3"])
    );
    assert_eq!(
        out(number, cells, string(), rounded),
        some(&["0.3", "-0.3", "3.0"])
    );
    assert_eq!(
        codes(
            Direction::ToHubspot,
            vec![text()],
            string(),
            r#"{"scale": 2, "decimals": 1}"#
        )
        .len(),
        2
    );
}

#[test]
fn split_takes_a_piece_and_a_missing_piece_is_no_value() {
    let options = r#"{"split": {"separator": " ", "part": "rest"}}"#;
    let cells = texts(&[Some("Ada King Lovelace"), Some("Ada")]);
    assert_eq!(
        out(text(), cells, string(), options),
        [Some("King Lovelace".into()), None]
    );
}

#[test]
fn several_inputs_are_joined_or_put_into_a_template() {
    let inputs = || {
        vec![
            field("firstName", DataType::Text),
            field("age", DataType::Integer),
        ]
    };
    let batch = || {
        let ages = Column::Integer(vec![Some(36), Some(7), None]);
        vec![texts(&[Some("Ada"), None, Some("")]), ages]
    };
    let run = |options: &str| {
        let plan = plan(Direction::ToHubspot, inputs(), string(), options);
        assert_eq!(check(&plan), []);
        outcome(transform(&plan, batch()).expect("is accepted")).0
    };
    let joined = run(r#"{"join": {"separator": ", "}}"#);
    assert_eq!(joined, texts(&[Some("Ada, 36"), Some("7"), None]));
    let filled = run(r#"{"template": "{firstName} is {age}"}"#);
    assert_eq!(filled, texts(&[Some("Ada is 36"), Some(" is 7"), None]));
    assert_eq!(
        codes(Direction::ToHubspot, inputs(), string(), ""),
        ["several-inputs"]
    );
    let unknown = codes(
        Direction::ToHubspot,
        inputs(),
        string(),
        r#"{"template": "{name}"}"#,
    );
    assert_eq!(unknown, ["unknown-input"]);
}

#[test]
fn a_template_for_the_way_out_is_ignored_on_the_way_back() {
    let options = r#"{"template": "{firstName} {lastName}", "toPartneros": {"split": {"separator": " ", "part": "first"}}}"#;
    let column = back(
        string(),
        &[Some("Ada Lovelace")],
        field("firstName", DataType::Text),
        options,
    );
    assert_eq!(column, texts(&[Some("Ada")]));
    let directed = r#"{"toPartneros": {"template": "{nowhere}"}}"#;
    assert_eq!(
        codes(Direction::ToPartneros, vec![string()], text(), directed),
        ["unknown-input"]
    );
}

#[test]
fn truncate_and_separator_shape_text() {
    assert_eq!(
        out(
            text(),
            texts(&[Some("Łódźka")]),
            string(),
            r#"{"truncate": 3}"#
        ),
        some(&["Łód"])
    );
    let tags = || field("tags", DataType::MultiChoice);
    let options = r#"{"separator": ", "}"#;
    let cells = Column::Texts(vec![Some(vec!["a".into(), "b".into()])]);
    assert_eq!(
        out(tags(), cells.clone(), string(), options),
        some(&["a, b"])
    );
    assert_eq!(back(string(), &[Some("b, a")], tags(), options), cells);
    let plan = plan(Direction::ToHubspot, vec![tags()], string(), "");
    let held = Column::Texts(vec![Some(vec!["a;b".into()])]);
    let (_, failures) = outcome(transform(&plan, vec![held]).expect("runs"));
    assert_eq!(failures, [(0, "separator-in-choice".to_owned())]);
}

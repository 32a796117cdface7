//! What expressions make of batches.

use crate::bindings::{Column, DataType, Direction, FieldSchema};
use crate::fixtures::{choices, field, plan, run, texts};

use DataType::{Boolean, Choice, Date, Datetime, Integer, MultiChoice, Number, Text};
use Direction::{ToHubspot, ToPartneros};

/// What a constant becomes in an output: its column, or the code of the failure.
fn constant(direction: Direction, output: FieldSchema, expression: &str) -> Result<Column, String> {
    let plan = plan(direction, vec![field("x", Text)], output, expression);
    let (column, mut failures) = run(&plan, &[texts(&[Some("x")])]);
    match failures.pop() {
        Some(failure) => Err(failure.trim_start_matches("0 ").to_owned()),
        None => Ok(column),
    }
}

fn inward(data_type: DataType, expression: &str) -> Result<Column, String> {
    constant(ToPartneros, field("y", data_type), expression)
}

/// The text that HubSpot gets.
fn outward(data_type: DataType, expression: &str) -> Result<String, String> {
    match constant(ToHubspot, field("y", data_type), expression)? {
        Column::Text(cells) => Ok(cells[0].clone().unwrap_or_default()),
        other => panic!("HubSpot gets {other:?}"),
    }
}

fn code<T>(code: &str) -> Result<T, String> {
    Err(code.to_owned())
}

#[test]
fn one_bad_row_costs_one_cell() {
    let plan = plan(
        ToPartneros,
        vec![field("annualrevenue", Number)],
        field("revenue", Number),
        "inputs.annualrevenue.toNumber() / 1000.0",
    );
    let batch = [texts(&[
        Some("1250000"),
        None,
        Some("many"),
        Some(""),
        Some("1"),
    ])];
    let (column, failures) = run(&plan, &batch);
    let wanted = vec![Some(1250.0), None, None, None, Some(0.001)];
    assert_eq!(column, Column::Number(wanted));
    assert_eq!(failures, ["2 evaluation-failed"]);
}

#[test]
fn rules_do_not_see_each_other() {
    let mut plan = plan(
        ToPartneros,
        vec![field("a", Text), field("b", Text)],
        field("x", Text),
        "value + \"1\"",
    );
    plan.outputs.push(field("unmapped", Boolean));
    plan.outputs.push(field("y", Text));
    let mut second = plan.rules[0].clone();
    plan.rules[0].inputs = vec![0];
    second.inputs = vec![1, 0];
    second.output = 2;
    second.options = r#"{"toPartneros": "value + inputs.a"}"#.to_owned();
    plan.rules.push(second);
    let batch = [texts(&[Some("a"), Some("A")]), texts(&[Some("b"), None])];
    let transformed = crate::transform(&plan, &batch).expect("the plan is right");
    let columns = [
        texts(&[Some("a1"), Some("A1")]),
        Column::Boolean(vec![None, None]),
        texts(&[Some("ba"), None]),
    ];
    assert_eq!(transformed.columns, columns);
    assert_eq!(transformed.failures, []);
}

#[test]
fn results_must_have_the_type_of_the_field() {
    let text = |text: &str| Ok(texts(&[Some(text)]));
    assert_eq!(inward(Text, "\"a\""), text("a"));
    assert_eq!(inward(Text, "1"), code("wrong-type"));
    assert_eq!(inward(Text, "[\"a\"]"), code("wrong-type"));
    assert_eq!(inward(Integer, "7"), Ok(Column::Integer(vec![Some(7)])));
    assert_eq!(inward(Integer, "7.0"), Ok(Column::Integer(vec![Some(7)])));
    assert_eq!(inward(Integer, "7u"), Ok(Column::Integer(vec![Some(7)])));
    assert_eq!(inward(Integer, "7.5"), code("not-an-integer"));
    assert_eq!(inward(Integer, "1e300"), code("out-of-range"));
    assert_eq!(
        inward(Integer, "18446744073709551615u"),
        code("out-of-range")
    );
    assert_eq!(inward(Integer, "\"7\""), code("wrong-type"));
    assert_eq!(inward(Integer, "double(\"NaN\")"), code("not-an-integer"));
    assert_eq!(inward(Number, "7"), Ok(Column::Number(vec![Some(7.0)])));
    assert_eq!(inward(Number, "0.1"), Ok(Column::Number(vec![Some(0.1)])));
    assert_eq!(inward(Number, "9007199254740993"), code("out-of-range"));
    assert_eq!(inward(Number, "1.0 / 0.0"), code("out-of-range"));
    assert_eq!(inward(Number, "true"), code("wrong-type"));
    assert_eq!(
        inward(Boolean, "1 < 2"),
        Ok(Column::Boolean(vec![Some(true)]))
    );
    assert_eq!(inward(Boolean, "\"true\""), code("wrong-type"));
    assert_eq!(inward(Date, "\"2026-11-23\""), text("2026-11-23"));
    assert_eq!(inward(Date, "\"2026-02-29\""), code("not-a-date"));
    assert_eq!(inward(Date, "\"2026-11-23T09:30:00Z\""), code("not-a-date"));
    assert_eq!(inward(Date, "20261123"), code("wrong-type"));
    assert_eq!(
        inward(Datetime, "\"2026-11-23T10:30+01:00\""),
        text("2026-11-23T09:30:00.000Z")
    );
    assert_eq!(inward(Datetime, "\"soon\""), code("not-a-datetime"));
    let list = |items: &[&str]| {
        let items = items.iter().map(|item| (*item).to_owned()).collect();
        Ok(Column::Texts(vec![Some(items)]))
    };
    assert_eq!(
        inward(MultiChoice, "[\"b\", \"a\", \"b\", null]"),
        list(&["a", "b"])
    );
    assert_eq!(inward(MultiChoice, "\"a\""), code("wrong-type"));
    assert_eq!(inward(MultiChoice, "[1]"), code("wrong-type"));
    assert_eq!(inward(Text, "{\"a\": 1}"), code("wrong-type"));
}

#[test]
fn choices_are_those_of_the_field() {
    let stage = || choices("stage", Choice, &[("won", "Closed won"), ("open", "Open")]);
    let won = Ok(texts(&[Some("won")]));
    assert_eq!(constant(ToPartneros, stage(), "\"won\""), won);
    assert_eq!(
        constant(ToPartneros, stage(), "choices[\"Closed won\"]"),
        won
    );
    assert_eq!(
        constant(ToPartneros, stage(), "\"Won\""),
        code("unknown-choice")
    );
    let tags = || choices("tags", MultiChoice, &[("a", "A"), ("b", "B")]);
    assert_eq!(
        constant(ToPartneros, tags(), "[\"a\", \"c\"]"),
        code("unknown-choice")
    );
    let sent = Ok(texts(&[Some("a;b")]));
    assert_eq!(constant(ToHubspot, tags(), "[\"b\", \"a\"]"), sent);
    assert_eq!(
        outward(MultiChoice, "[\"a;b\"]"),
        code("separator-in-choice")
    );
}

#[test]
fn hubspot_gets_text() {
    let sent = |text: &str| Ok(text.to_owned());
    assert_eq!(outward(Number, "1250.50"), sent("1250.5"));
    assert_eq!(outward(Number, "7"), sent("7"));
    assert_eq!(outward(Number, "1e21"), sent("1000000000000000000000"));
    assert_eq!(
        outward(Integer, "9007199254740993"),
        sent("9007199254740993")
    );
    assert_eq!(outward(Boolean, "!true"), sent("false"));
    assert_eq!(outward(Date, "\"2026-11-23\""), sent("2026-11-23"));
    assert_eq!(
        outward(Datetime, "\"2026-11-23\""),
        sent("2026-11-23T00:00:00.000Z")
    );
    assert_eq!(outward(Text, "\"a\""), sent("a"));
    assert_eq!(outward(Text, "1"), code("wrong-type"));
}

#[test]
fn no_value_is_no_value() {
    for data_type in [
        Text,
        Integer,
        Number,
        Boolean,
        Date,
        Datetime,
        Choice,
        MultiChoice,
    ] {
        for expression in ["null", "\"\"", "value == \"x\" ? null : 1"] {
            let (column, failures) = run(
                &plan(
                    ToHubspot,
                    vec![field("x", Text)],
                    field("y", data_type),
                    expression,
                ),
                &[texts(&[Some("x")])],
            );
            assert_eq!((column, failures), (texts(&[None]), vec![]), "{expression}");
        }
    }
    assert_eq!(inward(MultiChoice, "[]"), Ok(Column::Texts(vec![None])));
    // What meets `null` unprepared is no value either.
    for expression in [
        "1.0 + null",
        "null + 1",
        "null < 1",
        "1 >= null",
        "-null",
        "!null",
        "null && true",
        "null ? 1 : 2",
        "null.startsWith(\"a\")",
        "\"a\".startsWith(null)",
        "null.size()",
        "null.map(x, x)",
        "1 in null",
        "null.a",
        "null[0]",
        "null.round(2)",
        "double(null)",
    ] {
        assert_eq!(outward(Text, expression), Ok(String::new()), "{expression}");
    }
}

#[test]
fn failures_say_what_happened() {
    let message = |expression: &str| {
        let plan = plan(
            ToPartneros,
            vec![field("x", Text)],
            field("y", Number),
            expression,
        );
        let transformed = crate::transform(&plan, &[texts(&[Some("x")])]).expect("is right");
        let failure = transformed.failures.first().expect("it fails").clone();
        assert_eq!(failure.code, "evaluation-failed");
        failure.message
    };
    assert!(message("value.toNumber()").contains("`toNumber`: `x` is not a decimal number"));
    assert!(message("1.5 / 2").contains("write whole numbers as `1000.0`"));
    assert!(message("1 / 0").contains("zero"));
    assert!(message("9223372036854775807 + 1").contains("verflow"));
    assert!(message("[1][5]").contains("out of bounds"));
    assert!(message("value.padLeft(9999999)").contains("from 0 to"));
}

#[test]
fn the_functions_of_cel_are_there() {
    for (expression, result) in [
        (
            "size(\"abc\") == 3 && [1].size() == 1 && size({1: 2}) == 1",
            "true",
        ),
        (
            "\"abc\".contains(\"b\") && \"abc\".startsWith(\"a\") && \"abc\".endsWith(\"c\")",
            "true",
        ),
        (
            "string(1) == \"1\" && int(\"1\") == 1 && uint(\"1\") == 1u && double(\"1.5\") == 1.5",
            "true",
        ),
        (
            "bool(\"true\") && bytes(\"a\") == b\"a\" && dyn(1) == 1",
            "true",
        ),
        (
            "type(1) == int && type(\"\") == string && type(1u) == uint && type(b\"\") == bytes",
            "true",
        ),
        (
            "type([]) == list && type({}) == map && type(null) == null_type && type(int) == type",
            "true",
        ),
        ("type(1.5) == double && type(true) == bool", "true"),
        (
            "[1, 2].all(x, x > 0) && [1, 2].exists(x, x > 1) && [1, 2].exists_one(x, x > 1)",
            "true",
        ),
        (
            "[1, 2].filter(x, x > 1) == [2] && [1, 2].map(x, x * 2) == [2, 4]",
            "true",
        ),
        (
            "has({\"a\": 1}.a) && !has({\"a\": 1}.b) && 1 in [1]",
            "true",
        ),
    ] {
        assert_eq!(
            outward(Boolean, expression),
            Ok(result.to_owned()),
            "{expression}"
        );
    }
}

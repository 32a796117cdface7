//! Evaluates every example of the guide for authors.

use cel::Value;

use crate::bindings::{Column, DataType, Direction, Plan};
use crate::fixtures::{choices, field, plan, texts};
use crate::helpers::HELPERS;
use crate::rule::Rule;
use crate::scope::{Evaluator, Scope};

const README: &str = include_str!("../../README.md");

/// The lines of the blocks that hold examples: expression and result.
fn examples() -> Vec<(&'static str, &'static str)> {
    let blocks = README.split("```cel\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap_or_default());
    blocks
        .flat_map(str::lines)
        .map(|line| line.split_once(" // ").expect("an example has a result"))
        .collect()
}

/// The record that the guide describes.
fn record(expression: &str) -> (Plan, Vec<Column>) {
    let stages = [("closedwon", "Closed won"), ("lost", "Lost")];
    let tags = [("a", "Alpha"), ("b", "Beta")];
    let text = |name, cell| (field(name, DataType::Text), texts(&[cell]));
    let (inputs, batch) = [
        text("name", Some("  acme gmbh ")),
        text("firstName", Some("Ada Maria")),
        text("lastName", Some("Lovelace")),
        text("phone", None),
        (
            field("revenue", DataType::Number),
            Column::Number(vec![Some(1_250_000.5)]),
        ),
        (
            field("employees", DataType::Integer),
            Column::Integer(vec![Some(42)]),
        ),
        (
            field("partner", DataType::Boolean),
            Column::Boolean(vec![Some(true)]),
        ),
        (
            choices("stage", DataType::Choice, &stages),
            texts(&[Some("closedwon")]),
        ),
        (
            choices("tags", DataType::MultiChoice, &tags),
            Column::Texts(vec![Some(vec!["a".to_owned(), "b".to_owned()])]),
        ),
        (
            field("founded", DataType::Date),
            texts(&[Some("2024-01-31")]),
        ),
        (
            field("seen", DataType::Datetime),
            texts(&[Some("2026-11-23T09:30:00.000Z")]),
        ),
        text("amount", Some("19.99")),
    ]
    .into_iter()
    .unzip();
    let output = choices(
        "status",
        DataType::Choice,
        &[("open", "Open"), ("won", "Closed won")],
    );
    (
        plan(Direction::ToHubspot, inputs, output, expression),
        batch,
    )
}

fn evaluate(expression: &str) -> Value {
    let (plan, batch) = record(expression);
    let rule = Rule::compile(&plan, &plan.rules[0])
        .unwrap_or_else(|issues| panic!("`{expression}` does not compile: {issues:?}"));
    let rules = [rule];
    let scope = Scope::new(&rules, &batch);
    let evaluator = Evaluator::new(&scope).expect("all functions can be declared");
    let value = evaluator.evaluate(&rules[0].expression);
    let value = value.unwrap_or_else(|fault| panic!("`{expression}` fails: {}", fault.message));
    value.map_or(Value::Null, |value| {
        Value::try_from(&*value).expect("is one of CEL's own values")
    })
}

#[test]
fn every_example_gives_what_the_guide_says() {
    let examples = examples();
    assert!(examples.len() > 60, "found {} examples", examples.len());
    for (expression, result) in examples {
        let (value, wanted) = (evaluate(expression), evaluate(result));
        assert_eq!(value, wanted, "{expression}");
        let types = [value.type_of(), wanted.type_of()].map(|kind| kind.to_string());
        assert_eq!(types[0], types[1], "{expression}");
    }
}

#[test]
fn every_function_has_an_example() {
    let examples = examples();
    for helper in HELPERS.iter().copied().flatten() {
        let call = format!("{}(", helper.name);
        let shown = examples.iter().any(|(expression, _)| {
            let mut at = expression.match_indices(&call).map(|(at, _)| at);
            at.any(|at| !expression[..at].ends_with(|c: char| c.is_alphanumeric()))
        });
        assert!(shown, "`{}` has no example", helper.name);
    }
}

#[test]
fn both_parsers_read_the_examples_alike() {
    for (expression, _) in examples() {
        let ours = crate::program::parse(expression).expect("is an expression");
        let theirs = cel::parser::Parser::new().parse(expression);
        let theirs = theirs.expect("is an expression");
        // Nodes are numbered in another order.
        let unnumbered = |tree: &cel::common::ast::IdedExpr| {
            let text = format!("{tree:?}");
            let pieces = text.split("id: ");
            let pieces = pieces.map(|piece| piece.trim_start_matches(|c: char| c.is_ascii_digit()));
            pieces.collect::<String>()
        };
        assert_eq!(unnumbered(&ours), unnumbered(&theirs), "{expression}");
    }
}

//! Whole plans: what is refused, how columns and failures line up.

use crate::bindings::{Column, DataType, Direction, Plan, Rule};
use crate::transform::fixtures::{field, plan, property, texts};
use crate::transform::{check, transform};

fn rule(input: u32, output: u32) -> Rule {
    Rule {
        inputs: vec![input],
        output,
        options: String::new(),
    }
}

fn two_rules() -> Plan {
    Plan {
        direction: Direction::ToPartneros,
        inputs: vec![
            property("name", "string", "text"),
            property("size", "number", "number"),
        ],
        outputs: vec![
            field("employees", DataType::Integer),
            field("unused", DataType::MultiChoice),
            field("name", DataType::Text),
            field("alias", DataType::Text),
        ],
        rules: vec![rule(0, 2), rule(1, 0), rule(0, 3)],
        extra: Vec::new(),
    }
}

#[test]
fn columns_follow_the_outputs_and_failures_the_rules() {
    let batch = vec![
        texts(&[Some("Acme"), Some(""), Some("Initech")]),
        texts(&[Some("250"), Some("many"), None]),
    ];
    let transformed = transform(&two_rules(), batch).expect("is accepted");
    let names = texts(&[Some("Acme"), None, Some("Initech")]);
    let employees = Column::Integer(vec![Some(250), None, None]);
    let unused = Column::Texts(vec![None, None, None]);
    assert_eq!(
        transformed.columns,
        [employees, unused, names.clone(), names]
    );
    let [failure] = &transformed.failures[..] else {
        panic!("one value is bad")
    };
    assert_eq!(
        (failure.rule, failure.row, failure.code.as_str()),
        (1, 1, "not-a-number")
    );
    assert!(
        failure
            .message
            .starts_with("`many` is not a decimal number"),
        "{}",
        failure.message
    );
}

#[test]
fn an_empty_batch_has_empty_columns() {
    let batch = vec![texts(&[]), texts(&[])];
    let transformed = transform(&two_rules(), batch).expect("is accepted");
    assert_eq!(transformed.columns[0], Column::Integer(Vec::new()));
    assert_eq!(transformed.failures, []);
}

#[test]
fn a_batch_of_another_shape_is_refused() {
    let plan = two_rules();
    let refused = |batch: Vec<Column>| transform(&plan, batch).expect_err("has another shape");
    assert_eq!(
        refused(vec![texts(&[])]),
        "the batch has 1 columns, the plan has 2 inputs"
    );
    let uneven = refused(vec![texts(&[None]), texts(&[])]);
    assert_eq!(
        uneven,
        "column `size` has 0 entries, the first column has 1"
    );
    let kind = refused(vec![texts(&[None]), Column::Integer(vec![None])]);
    assert_eq!(
        kind,
        "column `size` is not of the kind that its data type names"
    );
}

#[test]
fn every_problem_of_a_plan_is_reported() {
    let mut plan = two_rules();
    plan.outputs[3].read_only = true;
    plan.rules.push(rule(0, 2));
    plan.rules.push(rule(9, 1));
    plan.rules.push(rule(0, 9));
    plan.rules.push(Rule {
        inputs: Vec::new(),
        output: 1,
        options: String::new(),
    });
    let problems = check(&plan);
    let found: Vec<_> = problems.iter().map(|p| (p.rule, p.code.as_str())).collect();
    let expected = [
        (2, "read-only"),
        (3, "output-taken"),
        (4, "unknown-input"),
        (5, "unknown-output"),
        (6, "no-input"),
    ];
    assert_eq!(found, expected);
    let error = transform(&plan, vec![texts(&[]), texts(&[])]).expect_err("has problems");
    assert!(error.starts_with("rule 2: `alias` is read-only"), "{error}");
}

#[test]
fn a_message_never_repeats_a_whole_long_value() {
    let long = "x".repeat(100_000);
    let plan = plan(
        Direction::ToPartneros,
        vec![property("n", "number", "number")],
        field("n", DataType::Number),
        "",
    );
    let transformed = transform(&plan, vec![texts(&[Some(&long)])]).expect("runs");
    assert!(transformed.failures[0].message.len() < 200);
}

#[test]
fn numbers_beyond_their_field_are_failures() {
    let cases = [
        (DataType::Integer, "9223372036854775808", "out-of-range"),
        (DataType::Integer, "12.5", "not-an-integer"),
        (DataType::Number, "12345678901234567890", "out-of-range"),
        (DataType::Number, "NaN", "not-a-number"),
        (DataType::Number, "Infinity", "not-a-number"),
    ];
    for (data_type, text, code) in cases {
        let input = property("n", "number", "number");
        let plan = plan(
            Direction::ToPartneros,
            vec![input],
            field("n", data_type),
            "",
        );
        let transformed = transform(&plan, vec![texts(&[Some(text)])]).expect("runs");
        assert_eq!(transformed.failures[0].code, code, "{text}");
    }
    let output = property("n", "number", "number");
    let plan = plan(
        Direction::ToHubspot,
        vec![field("n", DataType::Number)],
        output,
        "",
    );
    let batch = vec![Column::Number(vec![
        Some(f64::NAN),
        Some(f64::INFINITY),
        Some(1e21),
    ])];
    let transformed = transform(&plan, batch).expect("runs");
    assert_eq!(transformed.failures.len(), 2);
    let huge = "1000000000000000000000";
    assert_eq!(transformed.columns, [texts(&[None, None, Some(huge)])]);
}

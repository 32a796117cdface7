//! What `check` finds.

use crate::bindings::{DataType, Direction, Plan};
use crate::check;
use crate::fixtures::{field, plan, with_options};

fn simple(expression: &str) -> Plan {
    let inputs = vec![
        field("amount", DataType::Text),
        field("tags", DataType::Text),
    ];
    plan(
        Direction::ToPartneros,
        inputs,
        field("total", DataType::Number),
        expression,
    )
}

fn problems(expression: &str) -> Vec<(String, String)> {
    let problems = check(&simple(expression)).into_iter();
    problems
        .map(|problem| (problem.code, problem.message))
        .collect()
}

/// The only problem's code, and that its message says something.
fn one(expression: &str, code: &str, said: &str) {
    let problems = problems(expression);
    let [(found, message)] = problems.as_slice() else {
        panic!("`{expression}` has not one problem but {problems:?}");
    };
    assert_eq!(found, code, "{expression}: {message}");
    assert!(message.contains(said), "{expression}: {message}");
}

#[test]
fn accepts_what_is_right() {
    for expression in [
        "value",
        "inputs.amount.toNumber() / 1000.0",
        "inputs[\"amount\"].toNumber()",
        "has(inputs.amount) ? 1 : 2",
        "inputs.tags.split(\";\").map(value, value + \"!\").size()",
        "inputs.tags.split(\";\").filter(t, t.size() > 2).exists_one(t, t == \"abc\") ? 1 : 0",
        "{\"a\": 1}.a + {\"b\": 2}[\"b\"]",
        "type(value) == string ? 1.0 : 2.0",
        "// a comment\nvalue",
        "",
    ]
    .iter()
    .filter(|expression| !expression.is_empty())
    {
        assert_eq!(problems(expression), [], "{expression}");
    }
}

#[test]
fn syntax_errors_have_a_place() {
    one("1 +", "syntax-error", "line 1, column 4: ");
    one("1 +", "syntax-error", "at the end");
    one("1 +\n  * 2", "syntax-error", "line 2, column 3: ");
    one("1 +\n  * 2", "syntax-error", "at `* 2`");
    one("\"ä\" + )", "syntax-error", "line 1, column 7: ");
    one("value value", "syntax-error", "line 1, column 7: ");
    assert!(!problems("\"open").is_empty());
    assert!(!problems("value.?amount").is_empty());
    assert!(!problems("").is_empty());
}

#[test]
fn names_must_exist() {
    one("inputs.amout", "unknown-input", "`amount`, `tags`");
    one("inputs[\"amout\"]", "unknown-input", "`amount`, `tags`");
    one("has(inputs.amout)", "unknown-input", "`amount`, `tags`");
    one("labels.amout", "unknown-input", "`amount`, `tags`");
    one("amount", "unknown-name", "`inputs.amount`");
    one("won", "unknown-name", "text in quotes");
    one("[1].map(x, y)", "unknown-name", "`y`");
    one("[1].map(x, x)[0] + x", "unknown-name", "`x`");
}

#[test]
fn functions_must_exist_and_get_their_arguments() {
    one("value.toNumbr()", "unknown-function", "`toNumber`");
    one(
        "value.startswith(\"a\")",
        "unknown-function",
        "`startsWith`",
    );
    one("frobnicate(value)", "unknown-function", "`frobnicate`");
    one("timestamp(value)", "unknown-function", "`timestamp`");
    one("value.replace(\"a\")", "wrong-arguments", "3 arguments");
    one("coalesce()", "wrong-arguments", "at least 1 argument");
    one("Money{amount: 1}", "unsupported", "`Money{...}`");
}

#[test]
fn literals_must_be_readable() {
    one("value.matches(\"(\")", "invalid-pattern", "unclosed group");
    one(
        "value.matches(\"(a{1000}){1000}\")",
        "invalid-pattern",
        "size limit",
    );
    one("value.parseDate(\"%Q\")", "invalid-format", "`%Q`");
    one(
        "formatDate(value, \"%Y\")",
        "invalid-format",
        "needs a year",
    );
}

#[test]
fn the_other_direction_is_read_as_well() {
    let options = |text| {
        let plan = with_options(
            Direction::ToPartneros,
            vec![field("amount", DataType::Text)],
            field("total", DataType::Text),
            text,
        );
        check(&plan)
            .into_iter()
            .map(|problem| problem.code)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        options(r#"{"toPartneros": "value", "toHubspot": "inputs.total.toText()"}"#),
        Vec::<String>::new()
    );
    assert_eq!(
        options(r#"{"toPartneros": "value", "toHubspot": "inputs.total.totext("}"#),
        ["syntax-error"]
    );
    assert_eq!(
        options(r#"{"toPartneros": "value", "toHubspot": "nothing"}"#),
        ["unknown-name"]
    );
    assert_eq!(options(r#"{"toHubspot": "value"}"#), ["missing-expression"]);
    assert_eq!(
        options(r#"{"toPartneros": "value", "x": 1}"#),
        ["unknown-option"]
    );
    assert_eq!(options(""), ["missing-expression"]);
}

#[test]
fn plans_must_hold_together() {
    let codes = |plan: &Plan| {
        check(plan)
            .into_iter()
            .map(|problem| problem.code)
            .collect::<Vec<_>>()
    };
    let mut plan = simple("1");
    plan.rules.push(plan.rules[0].clone());
    assert_eq!(codes(&plan), ["output-taken"]);
    let mut plan = simple("1");
    plan.rules[0].inputs = vec![];
    assert_eq!(codes(&plan), ["no-input"]);
    plan.rules[0].inputs = vec![2];
    assert_eq!(codes(&plan), ["unknown-input"]);
    let mut plan = simple("1");
    plan.rules[0].output = 1;
    assert_eq!(codes(&plan), ["unknown-output"]);
    let mut plan = simple("1");
    plan.outputs[0].read_only = true;
    assert_eq!(codes(&plan), ["read-only"]);
    assert!(crate::transform(&plan, &[]).is_err());
}

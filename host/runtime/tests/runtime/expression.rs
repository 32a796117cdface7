//! The expressions that ship with the host, as far as a guest's stack can be taken.
//!
//! The limits of the plugin are chosen so that no expression that it accepts traps; only here is the
//! stack the one that counts.

use partneros_artifacts::EXPRESSION;
use partneros_domain::plan::{Plan, Rule, TransformDirection};
use partneros_domain::{DataType, FieldSchema};
use partneros_runtime::{PreparedPlan, World};

use crate::{RUNTIME, load, texts};

fn prepared(expression: &str) -> PreparedPlan {
    let options = serde_json::json!({ "toPartneros": expression });
    let plan = Plan {
        direction: TransformDirection::ToPartnerOs,
        inputs: vec![FieldSchema::new("amount", "Amount", DataType::Text)],
        outputs: vec![FieldSchema::new("total", "Total", DataType::Text)],
        rules: vec![Rule {
            inputs: vec![0],
            output: 0,
            options: options.to_string(),
        }],
        extra: Vec::new(),
    };
    PreparedPlan::new(plan).expect("the plan is sound")
}

#[test]
fn expressions_are_accepted_and_run() {
    let validated = RUNTIME.validate(EXPRESSION).expect("is accepted");
    assert_eq!(validated.world(), World::Transformer);
    let plugin = load(&RUNTIME, EXPRESSION);
    let plan = prepared("formatMoney(inputs.amount.toNumber() / 1000.0, \"$\")");
    assert_eq!(plugin.check(&plan).expect("an answer").value, []);
    let batch = vec![texts(&[Some("1250000"), None, Some("many")])];
    let answer = plugin.transform(&plan, batch).expect("an answer").value;
    assert_eq!(answer.columns, [texts(&[Some("$1,250.00"), None, None])]);
    assert_eq!(answer.failures.len(), 1);
}

#[test]
fn the_deepest_expressions_do_not_trap() {
    let plugin = load(&RUNTIME, EXPRESSION);
    let nested = |open: &str, count, close: &str| {
        [&open.repeat(count), "value", &close.repeat(count)].concat()
    };
    let mut run = 0;
    for count in 1..200 {
        for expression in [
            nested("(", count, ")"),
            nested("lower(", count, ")"),
            nested("\"\" + (", count, ")"),
            nested("true ? ", count, " : \"\""),
            nested("{\"a\": ", count, "}"),
            nested("[[1].map(x, ", count, ")]"),
            nested("[1].filter(x, true || ", count, " == \"\").size().toText()"),
            nested("", count, ".trim()"),
            ["value", &" + \"a\"".repeat(count)].concat(),
            [
                "true",
                &" || value == \"a\"".repeat(count),
                " ? \"a\" : \"\"",
            ]
            .concat(),
        ] {
            let plan = prepared(&expression);
            let problems = plugin.check(&plan).expect("an answer").value;
            if problems.is_empty() {
                let batch = vec![texts(&[Some("a")])];
                plugin.transform(&plan, batch).expect("an answer");
                run += 1;
            }
        }
    }
    assert!(run > 200, "only {run} expressions ran");
    let deepest = [
        "!",
        "-",
        "(",
        "f(",
        "[",
        "{1:",
        "1?",
        "1?1:",
        "[1].map(x,",
        "1+",
        ".a",
        "a.b(",
        "1||",
    ];
    for open in deepest {
        let plan = prepared(&open.repeat(4_000 / open.len()));
        let problems = plugin.check(&plan).expect("an answer").value;
        assert!(!problems.is_empty(), "{open}");
    }
}

//! Nothing that is written panics or takes the stack, and every limit is there.

use proptest::prelude::*;

use crate::bindings::{Column, DataType, Direction};
use crate::fixtures::{field, plan, texts};
use crate::program::EXPRESSION_BYTES_MAX;
use crate::{check, transform};

/// What reading an expression and finding mistakes in it may take of the stack, unoptimised.
const CHECK_STACK_BYTES: usize = 1 << 20;

/// What evaluating one may take. Unoptimised frames of the interpreter are some ten times those of
/// a guest, which has half a megabyte.
const EVALUATION_STACK_BYTES: usize = 5 << 20;

/// Checks and runs an expression; the codes of what is wrong.
fn codes(expression: &str) -> Vec<String> {
    let plan = plan(
        Direction::ToPartneros,
        vec![field("a", DataType::Text)],
        field("y", DataType::Text),
        expression,
    );
    let problems = check(&plan);
    if !problems.is_empty() {
        return problems.into_iter().map(|problem| problem.code).collect();
    }
    let batch = [texts(&[Some("19"), None, Some("é\u{0}\u{10ffff}")])];
    let transformed = transform(&plan, &batch).expect("the check found nothing");
    assert!(matches!(&transformed.columns[..], [Column::Text(cells)] if cells.len() == 3));
    transformed
        .failures
        .into_iter()
        .map(|failure| failure.code)
        .collect()
}

fn on_a_stack_of(bytes: usize, test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(bytes).spawn(test);
    thread
        .expect("a thread starts")
        .join()
        .expect("the test passes");
}

#[test]
fn nesting_and_chains_end_in_a_problem() {
    on_a_stack_of(CHECK_STACK_BYTES, || {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("{1:", "}"),
            ("!", ""),
            ("-", ""),
            ("- ", ""),
            ("!-", ""),
            ("f(", ")"),
            ("a.f(", ")"),
            ("[1].map(x,", ")"),
            ("true?1:", ""),
            ("true?", ":1"),
            ("a[", "]"),
            ("1+(", ")"),
            ("1||", ""),
            ("a{b:", "}"),
            ("size(", ")"),
        ] {
            for count in [
                33,
                200,
                EXPRESSION_BYTES_MAX / (open.len() + close.len()) - 2,
            ] {
                for middle in ["1", ""] {
                    let text = [&open.repeat(count), middle, &close.repeat(count)].concat();
                    assert!(!codes(&text).is_empty(), "{open} {count}");
                }
            }
        }
        for link in [
            "+1", ".a", "[0]", "*2", "&&true", "||false", ".trim()", "==1", "<2", "?1:2",
        ] {
            let text = ["1", &link.repeat((EXPRESSION_BYTES_MAX - 1) / link.len())].concat();
            // Whether it is refused or evaluated, it ends.
            codes(&text);
        }
        assert_eq!(codes(&"+1".repeat(3_000)), ["expression-too-long"]);
        let conditionals = ["true ? 1 : ".repeat(100).as_str(), "2"].concat();
        assert_eq!(codes(&conditionals), ["expression-too-complex"]);
        let deep = ["1", &"+1".repeat(100)].concat();
        assert_eq!(codes(&deep), ["expression-too-complex"]);
        assert_eq!(
            codes(&[&"(".repeat(33), "1", &")".repeat(33)].concat()),
            ["expression-too-complex"]
        );
    });
}

#[test]
fn what_is_within_the_limits_runs() {
    on_a_stack_of(EVALUATION_STACK_BYTES, || {
        let sum = ["value", &" + \"a\"".repeat(70)].concat();
        assert_eq!(codes(&sum), Vec::<String>::new());
        let brackets = [&"(".repeat(32), "value", &")".repeat(32)].concat();
        assert_eq!(codes(&brackets), Vec::<String>::new());
        let calls = [&"lower(".repeat(32), "value", &")".repeat(32)].concat();
        assert_eq!(codes(&calls), Vec::<String>::new());
        let loops = [&"[1].map(x, ".repeat(10), "x", &")".repeat(10)].concat();
        assert_eq!(
            codes(&format!("{loops}.size().toText()")),
            Vec::<String>::new()
        );
    });
}

#[test]
fn results_are_bounded() {
    for expression in [
        "value.padLeft(262144, \"é\")",
        "value.padLeft(200000).replace(\"0\", \"xxxxxxxxxx\")",
        "value.padLeft(200000).replacePattern(\"0\", \"xxxxxxxxxx\")",
        "[value.padLeft(200000), value.padLeft(200000)].join(\",\")",
        "value.padLeft(200000) + value.padLeft(200000)",
        "\"\".padLeft(3000, \"a,\").split(\",\")[0]",
    ] {
        let codes = codes(expression);
        assert!(
            codes.contains(&"evaluation-failed".to_owned())
                || codes.contains(&"too-long".to_owned()),
            "{expression}"
        );
    }
}

#[test]
fn odd_values_are_failures_at_worst() {
    for expression in [
        "1 / 0",
        "1 % 0",
        "-9223372036854775808 / -1",
        "-9223372036854775808 % -1",
        "9223372036854775807 * 2",
        "-(-9223372036854775808)",
        "abs(-9223372036854775808)",
        "1u - 2u",
        "18446744073709551615u + 1u",
        "99999999999999999999",
        "1e999",
        "round(1e308, 20)",
        "round(1.5, -1)",
        "round(1.5, 21)",
        "toCents(1e300)",
        "toInteger(1e300)",
        "formatNumber(1e-300, 20)",
        "formatNumber(-0.0, 2)",
        "\"1e350\".toNumber()",
        "\"1e-350\".formatNumber(20)",
        "\"1e350\".formatMoney(\"\")",
        "addDays(\"9999-12-31\", 1)",
        "addDays(\"2026-01-01\", 9223372036854775807)",
        "addMonths(\"2026-01-31\", -9223372036854775807)",
        "addMonths(\"0000-01-01\", -1)",
        "toDate(9223372036854775807)",
        "toDate(-9223372036854775808)",
        "substring(value, 5, 2)",
        "truncate(value, -1)",
        "[value][-1]",
        "{\"a\": 1}[\"b\"]",
        "value[0]",
        "{1: 2, 1: 3}",
        "[[[]]].join(\",\")",
        "choose([], {})",
        "choose(1.5, {\"1.5\": [1, {}]})",
        "int(\"9999999999999999999\")",
        "double(\"nan\").toText()",
        "string(b\"\\xff\")",
        "formatDate(value, \"%Y-%m-%d\")",
        "bytes(value)",
        "type(value)",
        "dyn(value)",
        "b\"\\xff\"",
        "min()",
        "value.matches(value)",
        "value.matches(\"(a*)*b\")",
        "value.extract(\"\")",
        "value.replacePattern(\"\", \"$0\")",
        "initials(\"  \")",
        "lastWord(\"\")",
        "inputs",
        "labels",
        "choices",
        "inputs.map(x, x)",
        "labels.all(k, k == \"a\")",
        "[1, 2].all(x, x / 0 > 1)",
    ] {
        codes(expression);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_panics(text in "[ -~äß\n]{0,60}") {
        codes(&text);
    }

    #[test]
    fn no_sequence_of_tokens_panics(tokens in prop::collection::vec(prop::sample::select(vec![
        "value", "inputs", "labels", "choices", "inputs.a", ".", "(", ")", "[", "]", "{", "}", ",", ":", "?", "+", "-",
        "*", "/", "%", "!", "==", "<", "&&", "||", "in", "1", "1u", "0", "2.5", "-9223372036854775808", "null",
        "true", "\"a\"", "r\"\\d\"", "b\"x\"", ".map(x, ", ".filter(x, ", ".all(x, ", "has(", "x", ".size()",
        ".split(\"a\")", ".toNumber()", ".toCents()", ".toDate()", ".addDays(1)", ".choose({\"a\": 1})", ".join(\",\")",
        ".matches(\"a\")", ".round(2)", "coalesce(", "min(", ".lower()", ".substring(1)", "@", "`", "'''", "\"",
    ]), 0..14)) {
        codes(&tokens.concat());
    }
}

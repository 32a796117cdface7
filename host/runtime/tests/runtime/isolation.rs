//! What a guest cannot reach: other calls, the machine, and the time of others.

use std::thread;

use partneros_domain::plan::Plan;
use partneros_domain::{Column, DataType, FieldSchema, Value};
use partneros_runtime::{CallFailure, CallLimits, Function, PreparedPlan};

use crate::{RUNTIME, batch, limits, load, plan, runtime, schemas, texts};

#[test]
fn a_good_guest_answers() {
    let plugin = load(&RUNTIME, test_guests::UPPERCASE);
    let answer = plugin.transform(&plan(), batch()).expect("an answer").value;
    assert_eq!(answer.columns[0], texts(&[Some("ACME"), Some("GLOBEX")]));
    assert_eq!(answer.columns[1], texts(&[Some("BERLIN"), None]));
    let (partneros, hubspot) = schemas();
    let suggestions = plugin
        .suggest(&partneros, &hubspot)
        .expect("suggestions")
        .value;
    assert_eq!(suggestions.len(), 3);
    assert_eq!(suggestions[0].candidates[0].property, "name");
}

#[test]
fn every_function_may_trap() {
    let plugin = load(&RUNTIME, test_guests::TRAPS);
    let (partneros, hubspot) = schemas();
    let errors = [
        plugin.describe().expect_err("traps"),
        plugin.suggest(&partneros, &hubspot).expect_err("traps"),
        plugin.check(&plan()).expect_err("traps"),
        plugin.transform(&plan(), batch()).expect_err("traps"),
    ];
    let functions = [
        Function::Describe,
        Function::Suggest,
        Function::Check,
        Function::Transform,
    ];
    for (error, function) in errors.iter().zip(functions) {
        assert_eq!(error.function, function);
        assert_eq!(&error.plugin, plugin.digest());
        assert!(
            matches!(error.failure, CallFailure::Trapped { .. }),
            "{error}"
        );
        assert!(
            error.usage.log_tail.contains("panicked at"),
            "{:?}",
            error.usage
        );
    }
}

#[test]
fn nothing_is_remembered_between_calls() {
    let plugin = load(&RUNTIME, test_guests::REMEMBERS);
    for _ in 0..3 {
        let answer = plugin.transform(&plan(), batch()).expect("an answer").value;
        assert_eq!(answer.columns[0], texts(&[Some("1"), Some("1")]));
    }
}

#[test]
fn the_machine_is_empty_and_stands_still() {
    let plugin = load(&RUNTIME, test_guests::LOOKS_AROUND);
    let look = || plugin.transform(&plan(), batch()).expect("an answer").value;
    let first = look();
    assert_eq!(first, look());
    let Column::Text(cells) = &first.columns[0] else {
        panic!("a text column");
    };
    let found = cells[0].as_deref().unwrap_or_default();
    insta::assert_snapshot!(found.replace("; ", "\n"));
}

#[test]
fn only_the_end_of_the_log_is_kept() {
    let plugin = load(&RUNTIME, test_guests::LOGS_MUCH);
    let error = plugin.transform(&plan(), batch()).expect_err("traps");
    assert!(
        error.usage.log_tail.len() <= 1_000,
        "{}",
        error.usage.log_tail.len()
    );
    assert!(
        error.usage.log_tail.contains("line 19999 "),
        "{}",
        error.usage.log_tail
    );
    assert!(error.to_string().contains("the end"), "{error}");
}

#[test]
fn values_are_left_to_the_field() {
    let plugin = load(&RUNTIME, test_guests::RETURNS_NAN);
    let plan = plan();
    let mut answer = plugin.transform(&plan, batch()).expect("an answer").value;
    let number = answer.columns[2].take(0).expect("a number");
    assert!(matches!(number, Value::Number(number) if number.is_nan()));
    assert!(number.checked(&plan.plan().outputs[2]).is_err());
}

#[test]
fn a_looping_guest_ends_at_its_deadline_and_does_not_stop_others() {
    let runtime = runtime(CallLimits {
        fuel_max: None,
        call_time_ms: 2_000,
        ..limits()
    });
    let looping = load(&runtime, test_guests::LOOPS);
    let good = load(&runtime, test_guests::UPPERCASE);
    let looping = thread::spawn(move || looping.transform(&plan(), batch()));
    for _ in 0..20 {
        good.transform(&plan(), batch()).expect("an answer");
    }
    assert!(!looping.is_finished(), "the other guest had to wait");
    let error = looping
        .join()
        .expect("no panic")
        .expect_err("runs out of time");
    assert_eq!(
        error.failure,
        CallFailure::OutOfTime {
            call_time_ms: 2_000
        }
    );
}

#[test]
fn a_good_guest_answers_amid_hostile_ones() {
    let hostile = [
        test_guests::DRAWS_RANDOMNESS,
        test_guests::EATS_MEMORY,
        test_guests::EXHAUSTS_STACK,
        test_guests::FILLS_MEMORY,
        test_guests::FLOODS_RESOURCES,
        test_guests::FLOODS_TABLE,
        test_guests::LOOPS,
        test_guests::RETURNS_GIBIBYTE_LIST,
        test_guests::RETURNS_LIST_PAST_END,
        test_guests::TRAPS_IN_REALLOC,
    ];
    let runtime = runtime(CallLimits {
        fuel_max: None,
        call_time_ms: 3_000,
        ..limits()
    });
    let hostile = hostile.map(|bytes| load(&runtime, bytes));
    let good = load(&RUNTIME, test_guests::UPPERCASE);
    let expected = good.transform(&plan(), batch()).expect("an answer").value;
    let good = load(&runtime, test_guests::UPPERCASE);
    thread::scope(|scope| {
        let hostile = hostile.map(|plugin| {
            scope.spawn(move || {
                plugin.transform(&plan(), batch()).expect_err("is hostile");
            })
        });
        let mut answers = 0;
        while answers < 20 || hostile.iter().any(|thread| !thread.is_finished()) {
            let answer = good.transform(&plan(), batch()).expect("an answer").value;
            assert_eq!(answer, expected);
            answers += 1;
        }
    });
}

#[test]
fn a_boolean_is_true_unless_its_byte_is_zero() {
    let mut fields = plan().plan().outputs.clone();
    fields[0] = FieldSchema::new("active", "Active", DataType::Boolean);
    let plan = Plan {
        inputs: fields.clone(),
        outputs: fields,
        ..plan().plan().clone()
    };
    let plan = PreparedPlan::new(plan).expect("the plan is sound");
    let plugin = load(&RUNTIME, test_guests::RETURNS_BOOLEAN_COLUMN);
    let answer = plugin.transform(&plan, batch()).expect("an answer").value;
    assert_eq!(
        answer.columns[0],
        Column::Boolean(vec![Some(true), Some(true)])
    );
}

#[test]
fn arguments_that_do_not_fit_are_not_passed_on() {
    let runtime = runtime(CallLimits {
        rows_max: 1,
        ..limits()
    });
    let plugin = load(&runtime, test_guests::TRAPS);
    let problem = |batch| match plugin
        .transform(&plan(), batch)
        .expect_err("refused")
        .failure
    {
        CallFailure::InvalidInput { problem } => problem,
        other => other.to_string(),
    };
    let one = || texts(&[None]);
    assert_eq!(
        problem(vec![one()]),
        "the batch has 1 columns, the plan 3 inputs"
    );
    assert_eq!(
        problem(batch()),
        "the batch has 2 rows, more than `rows_max` = 1"
    );
    let uneven = vec![one(), texts(&[]), one()];
    assert_eq!(problem(uneven), "column 1 of the batch is not 1 rows long");
}

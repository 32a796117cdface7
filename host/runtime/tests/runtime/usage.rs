//! What a call is said to have used.

use partneros_runtime::{CallLimits, Usage};
use test_guests::{DECLINES, UPPERCASE};

use crate::{RUNTIME, batch, limits, load, plan, runtime};

#[test]
fn equal_calls_use_equal_fuel() {
    let other = runtime(limits());
    let use_of = |runtime| {
        let plugin = load(runtime, UPPERCASE);
        plugin.transform(&plan(), batch()).expect("an answer").usage
    };
    let usages = [use_of(&RUNTIME), use_of(&RUNTIME), use_of(&other)];
    for usage in &usages {
        assert!(usage.fuel > 0);
        assert_eq!(usage.fuel, usages[0].fuel);
        assert!(usage.memory_bytes_peak >= 65_536);
        assert!(!usage.duration.is_zero());
        assert_eq!(usage.log_tail, "");
    }
}

#[test]
fn a_larger_batch_uses_more_fuel() {
    let plugin = load(&RUNTIME, UPPERCASE);
    let fuel = |rows: usize| {
        let column = crate::texts(&vec![Some("Acme"); rows]);
        let answer = plugin
            .transform(&plan(), vec![column; 3])
            .expect("an answer");
        answer.usage.fuel
    };
    assert!(fuel(200) > fuel(100));
}

#[test]
fn a_failed_call_reports_its_use() {
    let plugin = load(&RUNTIME, DECLINES);
    let error = plugin.transform(&plan(), batch()).expect_err("declines");
    assert!(error.usage.fuel > 0);
}

#[test]
fn fuel_can_be_turned_off() {
    let runtime = runtime(CallLimits {
        fuel_max: None,
        ..limits()
    });
    let plugin = load(&runtime, UPPERCASE);
    let Usage { fuel, .. } = plugin.transform(&plan(), batch()).expect("an answer").usage;
    assert_eq!(fuel, 0);
}

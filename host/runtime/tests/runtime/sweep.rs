//! Every guest ends as expected, and every guest has an expectation.

use std::io::Write;
use std::sync::LazyLock;

use partneros_runtime::{CallError, CallLimits, LoadError, Runtime, Usage};
use test_guests::{ALL, LEFT_OUT, files};

use crate::{RUNTIME, batch, limits, plan, runtime, schemas};

/// A runtime that counts time only, and has little of it.
static HASTY: LazyLock<Runtime> = LazyLock::new(|| {
    runtime(CallLimits {
        fuel_max: None,
        call_time_ms: 500,
        ..limits()
    })
});

/// What happens to each guest: how it is rejected, or the first of describe, suggest, check and
/// transform that fails, and why.
const EXPECTED: &[(&str, &str)] = &[
    (
        "declines",
        "suggest: it declined: `companies` is not for me",
    ),
    (
        "eats_memory",
        "transform: it needs more memory than `memory_bytes_max` = 67108864 bytes",
    ),
    ("exits", "transform: it crashed: exit with status 1"),
    (
        "hoards_handles",
        "transform: it crashed: resource table has no free keys",
    ),
    ("layers", "needs a mapper beneath"),
    (
        "logs_much",
        "transform: it crashed: wasm `unreachable` instruction executed, its last words were `the end`",
    ),
    ("looks_around", "works"),
    (
        "loops",
        "transform: it used more than `fuel_max` = 300000000 units of fuel",
    ),
    ("next_version", "rejected: wrong-version, missing-export"),
    ("only_describes", "rejected: missing-export"),
    ("opens_socket", "rejected: unknown-import"),
    (
        "recurses",
        "transform: it crashed: out of bounds memory access",
    ),
    ("remembers", "works"),
    (
        "returns_long_list",
        "transform: it returned more than `returned_bytes_max` = 4194304 bytes",
    ),
    (
        "returns_long_text",
        "transform: it returned more than `returned_bytes_max` = 4194304 bytes",
    ),
    ("returns_nan", "works"),
    (
        "returns_wrong_count",
        "transform: its answer breaks the contract: `columns` has 2 columns, the plan has 3 outputs",
    ),
    (
        "returns_wrong_failures",
        "transform: its answer breaks the contract: `failures[0].row` is 2, the batch has 2 rows",
    ),
    (
        "returns_wrong_length",
        "transform: its answer breaks the contract: `columns[0]` for `name` has 1 rows, the batch has 2",
    ),
    (
        "returns_wrong_type",
        "transform: its answer breaks the contract: `columns[0]` for `name` is of `number`, must be of `text`",
    ),
    ("sleeps", "works"),
    (
        "suggests_doubtful",
        "suggest: its answer breaks the contract: `[0].candidates[0].confidence` is not from 0 to 1",
    ),
    (
        "suggests_unknown",
        "suggest: its answer breaks the contract: `[0].candidates[0].property` names no HubSpot property",
    ),
    (
        "traps",
        "describe: it crashed: wasm `unreachable` instruction executed, its last words were `no description`",
    ),
    ("uppercase", "works"),
    ("wrong_types", "rejected: wrong-type"),
];

/// What happens to each file that was never a guest.
const FILES: &[(&str, &str)] = &[
];

#[test]
fn every_guest_ends_as_expected() {
    report_left_out();
    let found: Vec<_> = ALL
        .iter()
        .map(|(name, bytes)| (*name, outcome(runtime_for(name), bytes)))
        .collect();
    let expected: Vec<_> = EXPECTED
        .iter()
        .filter(|(name, _)| !LEFT_OUT.contains(name))
        .map(|(name, outcome)| (*name, (*outcome).to_owned()))
        .collect();
    assert_eq!(found, expected);
}

/// Guests that cost the host more than their fuel tells: for these the clock is what ends them.
fn runtime_for(name: &str) -> &'static Runtime {
    match name {
        "draws_randomness" => &HASTY,
        _ => &RUNTIME,
    }
}

/// Says what this machine could not test, past the capture of the output of tests that pass.
fn report_left_out() {
    if !LEFT_OUT.is_empty() {
        let left_out = LEFT_OUT.join(", ");
        let written = writeln!(
            std::io::stderr(),
            "not tested, since there is no clang for wasm32: {left_out}"
        );
        written.expect("standard error is open");
    }
}

#[test]
fn without_fuel_the_clock_ends_what_does_not_end() {
    let endless = EXPECTED
        .iter()
        .filter(|(_, outcome)| outcome.contains("units of fuel"));
    for (name, by_fuel) in endless {
        let (_, bytes) = ALL
            .iter()
            .find(|(found, _)| found == name)
            .expect("in the list");
        let (function, _) = by_fuel.split_once(": ").expect("names the function");
        let by_time = format!("{function}: it took longer than `call_time_ms` = 500 ms");
        assert_eq!(outcome(&HASTY, bytes), by_time, "{name}");
    }
}

#[test]
fn every_file_that_is_no_plugin_is_refused() {
    let found: Vec<_> = files::all()
        .into_iter()
        .map(|(name, bytes)| (name, outcome(&RUNTIME, &bytes)))
        .collect();
    let expected: Vec<_> = FILES
        .iter()
        .map(|(name, outcome)| (*name, (*outcome).to_owned()))
        .collect();
    assert_eq!(found, expected);
}

/// How the file is rejected, or the first call that fails, each within its limits.
fn outcome(runtime: &Runtime, bytes: &[u8]) -> String {
    match runtime.load(bytes) {
        Ok(plugin) => {
            let (partneros, hubspot) = schemas();
            let calls = plugin
                .describe()
                .map(|called| within_limits(&called.usage))
                .and_then(|()| {
                    let called = plugin.suggest(&partneros, &hubspot)?;
                    within_limits(&called.usage);
                    within_limits(&plugin.check(&plan())?.usage);
                    within_limits(&plugin.transform(&plan(), batch())?.usage);
                    Ok(())
                });
            match calls {
                Ok(()) => "works".to_owned(),
                Err(CallError {
                    function,
                    failure,
                    usage,
                    ..
                }) => {
                    within_limits(&usage);
                    format!("{function}: {failure}")
                }
            }
        }
        Err(LoadError::Rejected(rejected)) => {
            let problems = rejected.problems.iter();
            let mut codes: Vec<_> = problems.map(|problem| problem.code.as_str()).collect();
            codes.dedup();
            format!("rejected: {}", codes.join(", "))
        }
        Err(LoadError::Incomplete { .. }) => "needs a mapper beneath".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn within_limits(usage: &Usage) {
    let limits = limits();
    assert!(usage.memory_bytes_peak <= limits.memory_bytes_max as u64);
    assert!(Some(usage.fuel) <= limits.fuel_max);
    assert!(usage.log_tail.len() <= limits.log_bytes_max);
    assert!(usage.duration.as_millis() <= u128::from(limits.call_time_ms));
}

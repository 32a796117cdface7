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
    ("calls_null", "transform: it crashed: uninitialized element"),
    (
        "calls_wrong_type",
        "transform: it crashed: indirect call type mismatch",
    ),
    (
        "checks_past_end",
        "check: it crashed: list pointer/length out of bounds of memory",
    ),
    (
        "declines",
        "suggest: it declined: `companies` is not for me",
    ),
    (
        "describes_nothing",
        "describe: its answer breaks the contract: `name` is not a short name in kebab case",
    ),
    (
        "describes_past_end",
        "describe: it crashed: string pointer/length out of bounds of memory",
    ),
    (
        "divides_by_zero",
        "transform: it crashed: integer divide by zero",
    ),
    (
        "draws_randomness",
        "transform: it took longer than `call_time_ms` = 500 ms",
    ),
    (
        "eats_memory",
        "transform: it needs more memory than `memory_bytes_max` = 67108864 bytes",
    ),
    ("echoes", "works"),
    (
        "exhausts_own_stack",
        "transform: it crashed: out of bounds memory access",
    ),
    (
        "exhausts_stack",
        "transform: it crashed: call stack exhausted",
    ),
    ("exits", "transform: it crashed: exit with status 1"),
    (
        "fills_memory",
        "transform: it used more than `fuel_max` = 300000000 units of fuel",
    ),
    (
        "floods_resources",
        "describe: it crashed: cannot allocate another handle: store handle limit exceeded",
    ),
    (
        "floods_table",
        "transform: it needs more memory than `memory_bytes_max` = 67108864 bytes",
    ),
    ("grows_and_goes_on", "works"),
    (
        "grows_at_once",
        "transform: it needs more memory than `memory_bytes_max` = 67108864 bytes",
    ),
    (
        "grows_by_page",
        "transform: it needs more memory than `memory_bytes_max` = 67108864 bytes",
    ),
    (
        "grows_in_realloc",
        "suggest: it needs more memory than `memory_bytes_max` = 67108864 bytes",
    ),
    (
        "grows_many_memories",
        "transform: it needs more memory than `memory_bytes_max` = 67108864 bytes",
    ),
    (
        "has_large_table",
        "compile the component: module table does not fit in pooling allocator requirements: table index 0 has a minimum element size of 10000000 which exceeds the limit of 100000",
    ),
    (
        "has_many_instances",
        "compile the component: The component transitively contains 221 core module instances, which exceeds the configured maximum of 200 in the pooling allocator",
    ),
    (
        "has_many_memories",
        "compile the component: module memory does not fit in pooling allocator requirements: defined memories count of 9 exceeds the per-instance limit of 8",
    ),
    (
        "has_many_tables",
        "compile the component: module table does not fit in pooling allocator requirements: defined tables count of 40 exceeds the per-instance limit of 32",
    ),
    (
        "hoards_handles",
        "transform: it crashed: resource table has no free keys",
    ),
    ("imports_function", "rejected: unknown-import"),
    ("imports_http", "rejected: unknown-import"),
    ("imports_module", "rejected: unknown-import"),
    (
        "imports_more_of_wasi",
        "link: component imports instance `wasi:clocks/wall-clock@0.2.6`, but a matching implementation was not found in the linker: instance export `set` has the wrong type: function implementation is missing",
    ),
    ("imports_new_filesystem", "rejected: wrong-version"),
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
    (
        "loops_after_return",
        "transform: it used more than `fuel_max` = 300000000 units of fuel",
    ),
    (
        "loops_at_start",
        "describe: it used more than `fuel_max` = 300000000 units of fuel",
    ),
    (
        "loops_in_realloc",
        "suggest: it used more than `fuel_max` = 300000000 units of fuel",
    ),
    (
        "moody",
        "transform: it crashed: wasm `unreachable` instruction executed, its last words were `not today`",
    ),
    ("next_version", "rejected: wrong-version"),
    ("only_describes", "rejected: missing-export"),
    ("opens_socket", "rejected: unknown-import"),
    (
        "overruns_buffer",
        "transform: it crashed: out of bounds memory access",
    ),
    (
        "overwrites_answer",
        "transform: it crashed: invalid expected discriminant",
    ),
    ("poisoned", "works"),
    (
        "reallocs_misaligned",
        "suggest: it crashed: realloc return: result not aligned",
    ),
    (
        "reallocs_nowhere",
        "suggest: it crashed: realloc return: beyond end of memory",
    ),
    ("reallocs_one_place", "works"),
    (
        "recurses",
        "transform: it crashed: out of bounds memory access",
    ),
    (
        "recurses_in_realloc",
        "suggest: it crashed: call stack exhausted",
    ),
    ("remembers", "works"),
    (
        "returns_boolean_column",
        "transform: its answer breaks the contract: `columns[0]` for `name` is of `boolean`, must be of `text`",
    ),
    (
        "returns_empty_lists",
        "transform: it returned more than `returned_bytes_max` = 4194304 bytes",
    ),
    (
        "returns_failure_of_no_rule",
        "transform: its answer breaks the contract: `failures[0].rule` is 4294967295, the plan has 3 rules",
    ),
    (
        "returns_gibibyte_list",
        "transform: it returned more than `returned_bytes_max` = 4194304 bytes",
    ),
    (
        "returns_gibibyte_text",
        "transform: it crashed: string pointer/length out of bounds of memory",
    ),
    ("returns_infinity", "works"),
    (
        "returns_list_misaligned",
        "transform: it crashed: list pointer is not aligned",
    ),
    (
        "returns_list_past_end",
        "transform: it crashed: list pointer/length out of bounds of memory",
    ),
    (
        "returns_list_wrapping",
        "transform: it crashed: list pointer/length out of bounds of memory",
    ),
    (
        "returns_lone_surrogate",
        "transform: it crashed: invalid utf-8 sequence of 1 bytes from index 0",
    ),
    (
        "returns_long_list",
        "transform: it returned more than `returned_bytes_max` = 4194304 bytes",
    ),
    (
        "returns_long_text",
        "transform: it returned more than `returned_bytes_max` = 4194304 bytes",
    ),
    (
        "returns_misaligned",
        "transform: it crashed: return pointer not aligned",
    ),
    ("returns_nan", "works"),
    (
        "returns_no_utf8",
        "transform: it crashed: invalid utf-8 sequence of 1 bytes from index 0",
    ),
    (
        "returns_overlong",
        "transform: it crashed: invalid utf-8 sequence of 1 bytes from index 0",
    ),
    (
        "returns_past_end",
        "transform: it crashed: pointer out of bounds of memory",
    ),
    (
        "returns_shared_text",
        "transform: it returned more than `returned_bytes_max` = 4194304 bytes",
    ),
    ("returns_signalling_nan", "works"),
    (
        "returns_text_past_end",
        "transform: it crashed: string pointer/length out of bounds of memory",
    ),
    (
        "returns_text_wrapping",
        "transform: it crashed: string pointer/length out of bounds of memory",
    ),
    (
        "returns_unknown_column",
        "transform: it crashed: unexpected discriminant: 5",
    ),
    (
        "returns_unknown_option",
        "transform: it crashed: invalid option discriminant",
    ),
    (
        "returns_unknown_result",
        "transform: it crashed: invalid expected discriminant",
    ),
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
        "spreads_memories",
        "compile the component: The component transitively contains 10 Wasm linear memories, which exceeds the configured maximum of 8 in the pooling allocator",
    ),
    (
        "starts_large",
        "describe: it needs more memory than `memory_bytes_max` = 67108864 bytes",
    ),
    (
        "suggests_doubtful",
        "suggest: its answer breaks the contract: `[0].candidates[0].confidence` is not from 0 to 1",
    ),
    (
        "suggests_nan",
        "suggest: its answer breaks the contract: `[0].candidates[0].confidence` is not from 0 to 1",
    ),
    (
        "suggests_past_end",
        "suggest: it crashed: list pointer/length out of bounds of memory",
    ),
    (
        "suggests_unknown",
        "suggest: its answer breaks the contract: `[0].candidates[0].property` names no HubSpot property",
    ),
    (
        "traps",
        "describe: it crashed: wasm `unreachable` instruction executed, its last words were `no description`",
    ),
    (
        "traps_after_return",
        "transform: it crashed: wasm `unreachable` instruction executed",
    ),
    (
        "traps_at_start",
        "describe: it crashed: wasm `unreachable` instruction executed",
    ),
    (
        "traps_in_inner_start",
        "describe: it crashed: wasm `unreachable` instruction executed",
    ),
    (
        "traps_in_realloc",
        "suggest: it crashed: wasm `unreachable` instruction executed",
    ),
    ("uppercase", "works"),
    ("wrong_types", "rejected: wrong-type"),
];

/// What happens to each file that is made in code. Padding alone is no reason to refuse one.
const FILES: &[(&str, &str)] = &[
    ("component of a later layer", "rejected: not-a-component"),
    ("core module", "rejected: not-a-component"),
    ("deep types", "rejected: malformed"),
    ("empty", "rejected: not-a-component"),
    ("garbage", "rejected: not-a-component"),
    ("garbage after the magic number", "rejected: malformed"),
    ("large types", "rejected: malformed"),
    ("locals", "rejected: too-large"),
    ("loops", "rejected: too-large"),
    ("many components", "rejected: too-large"),
    ("many functions", "rejected: too-large"),
    ("many modules", "rejected: too-large"),
    ("many sections", "works"),
    ("native code", "rejected: not-a-component"),
    ("nested blocks", "rejected: too-large"),
    ("nested components", "rejected: too-large"),
    ("only padding", "rejected: missing-export"),
    ("padded components", "rejected: missing-export"),
    ("padded past the limit", "rejected: too-large"),
    ("padding", "works"),
    ("truncated", "rejected: malformed"),
    ("wide record", "rejected: malformed"),
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
fn every_file_ends_as_expected() {
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
        Err(LoadError::Compile { source, .. }) => source.to_string(),
        Err(LoadError::Link { reason, .. }) => format!("link: {reason}"),
    }
}

fn within_limits(usage: &Usage) {
    let limits = limits();
    assert!(usage.memory_bytes_peak <= limits.memory_bytes_max as u64);
    assert!(Some(usage.fuel) <= limits.fuel_max);
    assert!(usage.log_tail.len() <= limits.log_bytes_max);
    assert!(usage.duration.as_millis() <= u128::from(limits.call_time_ms));
}

//! Every guest ends as expected, and every guest has an expectation.

use partneros_runtime::{CallError, LoadError};
use test_guests::ALL;

use crate::{RUNTIME, batch, plan, schemas};

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
    ("next_version", "rejected: wrong-version"),
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

#[test]
fn every_guest_ends_as_expected() {
    let found: Vec<_> = ALL
        .iter()
        .map(|(name, bytes)| (*name, outcome(bytes)))
        .collect();
    let expected: Vec<_> = EXPECTED
        .iter()
        .map(|(name, outcome)| (*name, (*outcome).to_owned()))
        .collect();
    assert_eq!(found, expected);
}

fn outcome(bytes: &[u8]) -> String {
    match RUNTIME.load(bytes) {
        Ok(plugin) => {
            let (partneros, hubspot) = schemas();
            let calls = plugin
                .describe()
                .map(drop)
                .and_then(|()| plugin.suggest(&partneros, &hubspot).map(drop))
                .and_then(|()| plugin.check(&plan()).map(drop))
                .and_then(|()| plugin.transform(&plan(), batch()).map(drop));
            match calls {
                Ok(()) => "works".to_owned(),
                Err(CallError {
                    function, failure, ..
                }) => format!("{function}: {failure}"),
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

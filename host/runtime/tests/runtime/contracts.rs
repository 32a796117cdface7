//! The contract's documents, and components of every published version.

use std::path::Path;

use partneros_artifacts::HUBSPOT_MAPPER;
use partneros_runtime::{ComposeError, ContractVersion, Runtime, RuntimeConfig, World};
use test_guests::{LAYERS, NEXT_VERSION, UPPERCASE};

use crate::inspecting::told;
use crate::{batch, limits, load, plan, schemas, texts};

#[test]
fn the_reference_says_what_the_wit_files_say() {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let generated = include_str!(concat!(env!("OUT_DIR"), "/reference.md"));
    let committed = std::fs::read_to_string(wit.join("README.md")).expect("is there");
    assert!(
        committed == generated,
        "`wit/README.md` is out of date, run `cargo run -p partneros-runtime --example wit_reference`"
    );
    for word in [
        "`mapper`",
        "`multi-choice`",
        "Function `transform`",
        "field-schema",
    ] {
        assert!(generated.contains(word), "{word} is missing");
    }
}

/// A runtime that knows two versions.
fn runtime() -> Runtime {
    let config = RuntimeConfig {
        call: limits(),
        ..RuntimeConfig::default()
    };
    Runtime::with_test_contract(config).expect("the runtime starts")
}

#[test]
fn components_of_two_versions_run_side_by_side() {
    let runtime = runtime();
    let (old, new) = (load(&runtime, UPPERCASE), load(&runtime, NEXT_VERSION));
    assert_eq!((old.contract(), new.contract()), ("0.1.0", "0.2.0"));
    assert_eq!(new.world(), World::Mapper);
    // One plan serves both.
    let plan = plan();
    let answer = old.transform(&plan, batch()).expect("an answer").value;
    assert_eq!(answer.columns[0], texts(&[Some("ACME"), Some("GLOBEX")]));
    let answer = new.transform(&plan, batch()).expect("an answer").value;
    assert_eq!(answer.columns[0], texts(&[None, None]));
    assert_eq!(
        answer.failures[0].message,
        "was not transformed; try version 0.3"
    );
    assert_eq!(new.check(&plan).expect("an answer").value, []);
    let (partneros, hubspot) = schemas();
    let suggestions = new.suggest(&partneros, &hubspot).expect("an answer").value;
    assert_eq!(suggestions[0].candidates[0].property, "name");
    assert_eq!(new.describe().expect("an answer").value.version, "2.0.0");
}

#[test]
fn a_layer_and_its_mapper_are_of_one_version() {
    let runtime = runtime();
    let error = runtime
        .compose(&[LAYERS, NEXT_VERSION])
        .expect_err("the versions differ");
    let expected = ComposeError::OtherVersion {
        part: 0,
        version: ContractVersion::V0_1_0,
        beneath: ContractVersion::V0_2_0,
    };
    assert_eq!(error, expected);
    assert!(runtime.compose(&[LAYERS, HUBSPOT_MAPPER]).is_ok());
}

#[test]
fn a_version_that_is_not_accepted_is_told_what_is() {
    let report = crate::RUNTIME.inspect(NEXT_VERSION, None);
    assert!(!report.problems.is_empty());
    for problem in &report.problems {
        assert_eq!(problem.code, "wrong-version");
        assert!(problem.message.contains("`partneros:mapper@0.1.0`"));
    }
}

#[test]
fn the_golden_component_of_0_1_0_answers_as_it_always_did() {
    let golden = include_bytes!("../golden/mapper-0.1.0.wasm");
    // Both a host that knows only its version and one that knows a later one.
    for runtime in [&*crate::RUNTIME, &runtime()] {
        let plugin = load(runtime, golden);
        assert_eq!(plugin.contract(), "0.1.0");
        let (partneros, hubspot) = schemas();
        let answers = (
            plugin.describe().expect("an answer").value,
            plugin
                .suggest(&partneros, &hubspot)
                .expect("an answer")
                .value,
            plugin.check(&plan()).expect("an answer").value,
            plugin.transform(&plan(), batch()).expect("an answer").value,
        );
        insta::assert_debug_snapshot!("golden_0_1_0", answers);
        let trials = told(&runtime.inspect(golden, None));
        insta::assert_snapshot!("golden_0_1_0_trials", trials);
    }
}

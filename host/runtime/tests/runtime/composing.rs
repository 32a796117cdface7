//! Layers over a mapper, as one component.

use partneros_artifacts::HUBSPOT_MAPPER;
use partneros_runtime::{
    CallFailure, ComposeError, LoadError, RejectionCode, Runtime, RuntimeConfig, UploadLimits,
    World,
};
use test_guests::{LAYERS, TRAPS, UPPERCASE, files};

use crate::{RUNTIME, batch, load, plan, schemas, texts};

fn composed(parts: &[&[u8]]) -> Vec<u8> {
    RUNTIME.compose(parts).expect("the parts fit")
}

fn refused(parts: &[&[u8]]) -> ComposeError {
    RUNTIME.compose(parts).expect_err("the parts do not fit")
}

#[test]
fn a_layer_is_accepted_and_does_not_run_alone() {
    let validated = RUNTIME.validate(LAYERS).expect("accepted");
    assert_eq!(validated.world(), World::Layer);
    let error = RUNTIME.load(LAYERS).expect_err("incomplete");
    assert!(matches!(error, LoadError::Incomplete { plugin } if &plugin == validated.digest()));
}

#[test]
fn a_layer_changes_what_the_mapper_beneath_answers() {
    let whole = composed(&[LAYERS, HUBSPOT_MAPPER]);
    let validated = RUNTIME.validate(&whole).expect("accepted");
    assert_eq!(validated.world(), World::Mapper);
    let (layered, bare) = (load(&RUNTIME, &whole), load(&RUNTIME, HUBSPOT_MAPPER));
    let name = |plugin: &partneros_runtime::Plugin| plugin.describe().expect("answers").value.name;
    assert_eq!(name(&layered), "test-guest");

    let (partneros, hubspot) = schemas();
    let answer = layered.suggest(&partneros, &hubspot).expect("an answer");
    let beneath = bare.suggest(&partneros, &hubspot).expect("an answer");
    assert_eq!(answer.value.len(), beneath.value.len());
    let reasons = &answer.value[0].candidates[0].reasons;
    assert_eq!(
        reasons.last().map(|reason| reason.code.as_str()),
        Some("layer")
    );

    assert_eq!(layered.check(&plan()).expect("an answer").value, []);
    let answer = layered.transform(&plan(), batch()).expect("an answer");
    assert_eq!(
        answer.value.columns[0],
        texts(&[Some("Acme+"), Some("Globex+")])
    );
    let beneath = bare.transform(&plan(), batch()).expect("an answer");
    assert_eq!(answer.value.columns[2], beneath.value.columns[2]);
    assert!(answer.usage.memory_bytes_peak > beneath.usage.memory_bytes_peak);
}

#[test]
fn four_layers_stand_over_one_mapper() {
    let whole = composed(&[LAYERS, LAYERS, LAYERS, LAYERS, UPPERCASE]);
    let plugin = load(&RUNTIME, &whole);
    let answer = plugin.transform(&plan(), batch()).expect("an answer").value;
    assert_eq!(
        answer.columns[0],
        texts(&[Some("ACME++++"), Some("GLOBEX++++")])
    );
    assert_eq!(answer.columns[1], texts(&[Some("BERLIN++++"), None]));
}

#[test]
fn a_composition_can_be_a_part_of_another() {
    let inner = composed(&[LAYERS, UPPERCASE]);
    let plugin = load(&RUNTIME, &composed(&[LAYERS, &inner]));
    let answer = plugin.transform(&plan(), batch()).expect("an answer").value;
    assert_eq!(
        answer.columns[0],
        texts(&[Some("ACME++"), Some("GLOBEX++")])
    );
}

#[test]
fn equal_parts_give_equal_bytes() {
    let parts: [&[u8]; 3] = [LAYERS, LAYERS, HUBSPOT_MAPPER];
    assert_eq!(composed(&parts), composed(&parts));
    assert_ne!(composed(&parts), composed(&[LAYERS, HUBSPOT_MAPPER]));
}

#[test]
fn a_trap_beneath_ends_the_call() {
    let plugin = load(&RUNTIME, &composed(&[LAYERS, TRAPS]));
    let error = plugin.transform(&plan(), batch()).expect_err("traps");
    assert!(
        matches!(error.failure, CallFailure::Trapped { .. }),
        "{error}"
    );
    plugin.describe().expect("the layer answers for itself");
}

#[test]
fn parts_that_do_not_fit_are_named() {
    assert_eq!(refused(&[]), ComposeError::NoParts);
    assert_eq!(
        refused(&[LAYERS, LAYERS]),
        ComposeError::NotAMapper {
            world: World::Layer
        }
    );
    assert_eq!(
        refused(&[LAYERS, UPPERCASE, UPPERCASE]),
        ComposeError::NotALayer {
            part: 1,
            world: World::Mapper
        }
    );
    assert_eq!(
        refused(&[LAYERS, LAYERS, LAYERS, LAYERS, LAYERS, UPPERCASE]),
        ComposeError::TooManyLayers {
            layers: 5,
            layers_max: 4
        }
    );
    let garbage = files::garbage();
    let error = refused(&[LAYERS, &garbage]);
    assert!(
        matches!(&error, ComposeError::Part { part: 1, source }
            if source.problems[0].code == RejectionCode::NotAComponent),
        "{error}"
    );
}

#[test]
fn the_whole_is_held_against_the_limits_of_an_upload() {
    let config = RuntimeConfig {
        upload: UploadLimits {
            component_bytes_max: LAYERS.len().max(UPPERCASE.len()),
            ..UploadLimits::default()
        },
        ..RuntimeConfig::default()
    };
    let runtime = Runtime::new(config).expect("the runtime starts");
    let error = runtime
        .compose(&[LAYERS, UPPERCASE])
        .expect_err("is too large");
    assert!(
        matches!(&error, ComposeError::Whole(rejected)
            if rejected.problems[0].code == RejectionCode::TooLarge),
        "{error}"
    );
}

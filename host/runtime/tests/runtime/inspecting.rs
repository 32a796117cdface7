//! What an inspection finds out, of good files and of bad ones.

use partneros_artifacts::HUBSPOT_MAPPER;
use partneros_runtime::{Inspection, Outcome, Runtime, RuntimeConfig, UploadLimits, World};
use test_guests::{LAYERS, UPPERCASE, files};

use crate::{RUNTIME, number, section};

fn codes(inspection: &Inspection) -> Vec<&str> {
    let problems = inspection.problems.iter();
    problems.map(|problem| problem.code.as_str()).collect()
}

/// The trials, one a line, and the findings.
pub fn told(inspection: &Inspection) -> String {
    let mut lines = Vec::new();
    for trial in &inspection.trials {
        let direction = trial.direction.as_deref().unwrap_or("-");
        lines.push(format!(
            "{} {direction} {} {}: {:?}, {}",
            trial.function, trial.case, trial.rows, trial.outcome, trial.summary
        ));
    }
    for finding in &inspection.findings {
        lines.push(format!(
            "finding {} in {} ({}): {}",
            finding.code, finding.function, finding.place, finding.message
        ));
    }
    lines.join("\n")
}

#[test]
fn the_default_mapper_passes_every_trial() {
    let inspection = RUNTIME.inspect(HUBSPOT_MAPPER, None);
    assert!(inspection.accepted(), "{}", told(&inspection));
    assert_eq!(inspection.world, Some(World::Mapper));
    assert_eq!(inspection.contract.as_deref(), Some("0.1.0"));
    assert_eq!(inspection.size_bytes, HUBSPOT_MAPPER.len());
    assert!(inspection.modules > 0 && inspection.functions > 10);
    assert!(inspection.compiled_bytes > Some(HUBSPOT_MAPPER.len()));
    let description = inspection.description.as_ref().expect("is described");
    assert_eq!(description.name, "hubspot-mapper");
    // Describe, suggest, and for each direction check and six batches.
    assert_eq!(inspection.trials.len(), 2 + 2 * 7);
    for trial in &inspection.trials {
        assert_eq!(trial.outcome, Outcome::Answered, "{trial:?}");
        assert!(trial.fuel > 0 && trial.memory_bytes_peak > 0, "{trial:?}");
    }
    insta::assert_snapshot!(told(&inspection));
}

/// The component with another `producers` section, as compilers add them; the guests here were stripped of theirs.
fn produced_by(component: &[u8], fields: &[(&str, &[(&str, &str)])]) -> Vec<u8> {
    fn text(content: &mut Vec<u8>, text: &str) {
        number(content, text.len() as u32);
        content.extend(text.bytes());
    }
    let mut content = Vec::new();
    text(&mut content, "producers");
    number(&mut content, fields.len() as u32);
    for (field, values) in fields {
        text(&mut content, field);
        number(&mut content, values.len() as u32);
        for (name, version) in *values {
            text(&mut content, name);
            text(&mut content, version);
        }
    }
    let mut bytes = component.to_vec();
    section(&mut bytes, 0, &content);
    bytes
}

#[test]
fn the_tools_that_made_a_guest_are_named() {
    let rust: &[_] = &[
        ("language", &[("Rust", "")] as &[_]),
        ("processed-by", &[("rustc", "1.95.0"), ("clang", "19")]),
        ("sdk", &[("a-kit", "2")]),
        ("something-else", &[("unknown", "1")]),
    ];
    let bytes = produced_by(&produced_by(UPPERCASE, rust), rust);
    let inspection = RUNTIME.inspect(&bytes, None);
    assert_eq!(inspection.language.as_deref(), Some("Rust"));
    let tools: Vec<_> = (inspection.tools.iter())
        .map(|tool| {
            (
                tool.kind.as_str(),
                tool.name.as_str(),
                tool.version.as_str(),
            )
        })
        .filter(|(_, name, _)| ["Rust", "rustc", "clang", "a-kit", "unknown"].contains(name))
        .collect();
    let expected = [
        ("language", "Rust", ""),
        ("processed-by", "clang", "19"),
        ("processed-by", "rustc", "1.95.0"),
        ("sdk", "a-kit", "2"),
    ];
    assert_eq!(tools, expected);
}

#[test]
fn what_tools_claim_is_bounded() {
    let long = "x".repeat(10_000);
    let names: Vec<String> = (0..1_000).map(|number| format!("tool-{number}")).collect();
    let mut tools: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    tools.insert(0, (&long, &long));
    let bytes = produced_by(UPPERCASE, &[("processed-by", &tools)]);
    let inspection = RUNTIME.inspect(&bytes, None);
    assert_eq!(inspection.tools.len(), 50);
    assert!(inspection.tools.iter().all(|tool| tool.name.len() <= 100));
    // A section that breaks off is no reason to refuse the component.
    let mut broken = UPPERCASE.to_vec();
    section(&mut broken, 0, b"\x09producers\x05\x08lang");
    assert!(RUNTIME.inspect(&broken, None).accepted());
}

#[test]
fn a_report_survives_json() {
    let inspection = RUNTIME.inspect(UPPERCASE, None);
    let json = serde_json::to_value(&inspection).expect("serializes");
    assert_eq!(json["world"], "mapper");
    assert_eq!(json["trials"][0]["function"], "describe");
    assert!(json["sizeBytes"].is_u64());
    let back: Inspection = serde_json::from_value(json).expect("deserializes");
    assert_eq!(back, inspection);
}

#[test]
fn each_misbehaviour_is_a_finding() {
    let bad = [
        ("eats_memory", test_guests::EATS_MEMORY),
        ("loops", test_guests::LOOPS),
        ("returns_long_text", test_guests::RETURNS_LONG_TEXT),
        ("returns_wrong_count", test_guests::RETURNS_WRONG_COUNT),
        ("suggests_unknown", test_guests::SUGGESTS_UNKNOWN),
        ("traps", test_guests::TRAPS),
    ];
    let reports = bad.map(|(name, bytes)| {
        let inspection = RUNTIME.inspect(bytes, None);
        assert!(inspection.problems.is_empty(), "{name}");
        assert!(!inspection.accepted(), "{name} passes");
        format!("{name}\n{}\n", told(&inspection))
    });
    insta::assert_snapshot!(reports.join("\n"));
}

#[test]
fn to_decline_is_no_finding() {
    let inspection = RUNTIME.inspect(test_guests::DECLINES, None);
    assert!(inspection.accepted(), "{}", told(&inspection));
    let declined = |trial: &&partneros_runtime::Trial| trial.outcome == Outcome::Declined;
    assert!(inspection.trials.iter().filter(declined).count() > 0);
}

#[test]
fn a_layer_is_tried_over_the_mapper_beneath() {
    let alone = RUNTIME.inspect(LAYERS, None);
    assert_eq!(codes(&alone), ["needs-beneath"]);
    assert_eq!(alone.world, Some(World::Layer));
    assert!(alone.trials.is_empty());

    let over = RUNTIME.inspect(LAYERS, Some(HUBSPOT_MAPPER));
    assert!(over.accepted(), "{}", told(&over));
    assert_eq!(over.sha256, alone.sha256);
    assert_eq!(over.trials.len(), 2 + 2 * 7);

    let over_trap = RUNTIME.inspect(LAYERS, Some(test_guests::TRAPS));
    assert!(over_trap.problems.is_empty());
    assert!(!over_trap.findings.is_empty());
    let over_garbage = RUNTIME.inspect(LAYERS, Some(&files::garbage()));
    assert_eq!(codes(&over_garbage), ["beneath"]);
}

#[test]
fn a_rejected_file_is_reported_as_far_as_it_is_read() {
    let inspection = RUNTIME.inspect(test_guests::OPENS_SOCKET, None);
    assert!(
        codes(&inspection).len() > 1,
        "all problems are in one report"
    );
    assert!(
        codes(&inspection)
            .iter()
            .all(|code| *code == "unknown-import")
    );
    assert_eq!(inspection.world, Some(World::Mapper));
    assert!(inspection.imports.len() > codes(&inspection).len());
    assert!(inspection.trials.is_empty() && inspection.compiled_bytes.is_none());

    for bytes in [Vec::new(), files::garbage(), files::core_module()] {
        let inspection = RUNTIME.inspect(&bytes, None);
        assert_eq!(codes(&inspection), ["not-a-component"]);
        assert_eq!(inspection.world, None);
    }
    let truncated = files::truncated(UPPERCASE);
    assert_eq!(codes(&RUNTIME.inspect(truncated, None)), ["malformed"]);
}

#[test]
fn a_file_over_the_limits_is_not_compiled() {
    let config = RuntimeConfig {
        upload: UploadLimits {
            functions_max: 10,
            ..UploadLimits::default()
        },
        ..RuntimeConfig::default()
    };
    let runtime = Runtime::new(config).expect("the runtime starts");
    let inspection = runtime.inspect(UPPERCASE, None);
    assert_eq!(codes(&inspection), ["too-large"]);
    assert!(inspection.functions > 10);
    assert_eq!(inspection.compile_ms, None);
}

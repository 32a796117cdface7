//! What an author reads when a file is not accepted.

use partneros_runtime::{Runtime, RuntimeConfig, UploadLimits, World};
use test_guests::files;

use crate::RUNTIME;

/// The report, a problem a line.
fn report(runtime: &Runtime, bytes: &[u8]) -> String {
    match runtime.validate(bytes) {
        Ok(validated) => format!("accepted as {}", validated.world()),
        Err(rejected) => {
            let lines = rejected.problems.iter().map(ToString::to_string);
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}

#[test]
fn files_that_are_no_components_are_named() {
    let truncated = files::truncated(test_guests::UPPERCASE);
    let reports = [
        ("empty", report(&RUNTIME, &[])),
        ("garbage", report(&RUNTIME, &files::garbage())),
        ("native code", report(&RUNTIME, &files::elf())),
        ("core module", report(&RUNTIME, &files::core_module())),
        ("truncated", report(&RUNTIME, truncated)),
    ];
    insta::assert_snapshot!(lines(&reports));
}

#[test]
fn components_of_other_worlds_are_told_what_differs() {
    let guests = [
        ("layers", test_guests::LAYERS),
        ("next version", test_guests::NEXT_VERSION),
        ("only describes", test_guests::ONLY_DESCRIBES),
        ("opens socket", test_guests::OPENS_SOCKET),
        ("wrong types", test_guests::WRONG_TYPES),
    ];
    let reports = guests.map(|(name, bytes)| (name, report(&RUNTIME, bytes)));
    insta::assert_snapshot!(lines(&reports));
}

#[test]
fn what_would_be_costly_to_compile_is_refused_before_it_is() {
    let reports = [
        ("locals", report(&RUNTIME, &files::with_locals(20_000))),
        (
            "functions",
            report(&RUNTIME, &files::with_functions(100_000)),
        ),
        ("nesting", report(&RUNTIME, &files::with_nesting(100_000))),
        ("loops", report(&RUNTIME, &files::with_loops(1_000, 1_000))),
        ("modules", report(&RUNTIME, &files::with_modules(1_000))),
    ];
    insta::assert_snapshot!(lines(&reports));
}

#[test]
fn a_file_is_held_against_the_configured_size() {
    let config = RuntimeConfig {
        upload: UploadLimits {
            component_bytes_max: 1_000,
            ..UploadLimits::default()
        },
        ..RuntimeConfig::default()
    };
    let runtime = Runtime::new(config).expect("the runtime starts");
    assert_eq!(
        report(&runtime, &[0; 1_001]),
        "too-large: `file` has 1001 bytes, `component_bytes_max` is 1000"
    );
}

#[test]
fn any_file_cut_anywhere_is_refused() {
    let component = test_guests::UPPERCASE;
    for end in (0..component.len()).step_by(997) {
        let (start, _) = component.split_at(end);
        assert!(
            RUNTIME.validate(start).is_err(),
            "took the first {end} bytes"
        );
    }
}

#[test]
fn a_mapper_is_accepted() {
    for bytes in [test_guests::UPPERCASE, partneros_artifacts::HUBSPOT_MAPPER] {
        let validated = RUNTIME.validate(bytes).expect("accepted");
        assert_eq!(validated.world(), World::Mapper);
        assert_eq!(
            validated.digest(),
            RUNTIME.load(bytes).expect("loads").digest()
        );
    }
}

fn lines(reports: &[(&str, String)]) -> String {
    let sections = reports
        .iter()
        .map(|(name, report)| format!("{name}\n{report}\n"));
    sections.collect::<Vec<_>>().join("\n")
}

//! Every language's example is built by its one command, loaded by the runtime and held to every golden case.

use std::fmt::Write as _;
use std::io::Write as _;
use std::{env, fs, io};

use partneros_runtime::{Runtime, RuntimeConfig};
use sdk_examples::golden::Golden;
use sdk_examples::{Language, NoComponent, component, workspace};

/// More would bury the table.
const MISMATCHES_SHOWN: usize = 5;

/// Compiled code is kept between runs, since some languages bring an interpreter.
fn runtime() -> Runtime {
    let config = RuntimeConfig {
        cache_dir: Some(workspace().join("target/sdk/compiled")),
        ..RuntimeConfig::default()
    };
    Runtime::new(config).expect("the runtime starts")
}

#[test]
fn every_language_answers_every_golden_case() {
    let runtime = runtime();
    let golden = Golden::load();
    let on_ci = env::var_os("CI").is_some();
    let mut table = format!("{:<28}{:>12}  golden cases\n", "language", "bytes");
    let mut failed = false;
    for language in Language::ALL {
        let path = match component(language) {
            Ok(path) => path,
            Err(missing @ NoComponent::Missing { .. }) if !on_ci => {
                say(&format!("skipped: {language}: {missing}"));
                continue;
            }
            Err(error) => {
                failed = true;
                let _ = writeln!(table, "{language:<28}{:>12}  {error}", "-");
                continue;
            }
        };
        let bytes = fs::read(path).expect("the component can be read");
        let mismatches = match runtime.load(&bytes) {
            Ok(plugin) => golden.mismatches(&plugin, language.folder()),
            Err(error) => vec![format!("not loaded: {error}")],
        };
        let outcome = if mismatches.is_empty() {
            format!("ok, all {}", golden.len())
        } else {
            failed = true;
            format!(
                "failed {} of {}, the first ones:\n{}",
                mismatches.len(),
                golden.len(),
                mismatches[..mismatches.len().min(MISMATCHES_SHOWN)].join("\n")
            )
        };
        let _ = writeln!(table, "{language:<28}{:>12}  {outcome}", bytes.len());
    }
    say(&table);
    assert!(!failed, "\n{table}");
}

/// Shows a line also when the test passes, which `println!` does not.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

#[test]
fn another_mapper_does_not_pass_for_the_example() {
    let plugin = runtime().load(test_guests::UPPERCASE).expect("a mapper");
    let mismatches = Golden::load().mismatches(&plugin, "test-guest");
    for function in ["describe, ", "suggest, ", "check, ", "transform, "] {
        let found = mismatches.iter().any(|line| line.starts_with(function));
        assert!(found, "no mismatch of {function:?} in {mismatches:#?}");
    }
}

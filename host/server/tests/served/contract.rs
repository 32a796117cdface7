//! A running host keeps to its `OpenAPI` document: schemathesis makes calls up from it, good ones and bad ones, and every
//! answer must be one that the document tells of.
//!
//! `make -C tests/api-contract tools` installs schemathesis. Without it the test says so and is left out, except in CI.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::crashes::Story;
use crate::process::{Served, text};

/// Calls made up for each operation, besides those at the edges of its parameters.
const EXAMPLES: &str = "10";
const SEED: &str = "20261126";
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,negative_data_rejection";
/// What is not called: a stream that never ends, and what would take away the access that the calls are made with.
const LEFT_OUT: [&str; 4] = [
    "streamChanges",
    "deleteToken",
    "signOutEverywhere",
    "disconnectIntegration",
];

#[test]
fn every_answer_is_one_that_the_document_tells_of() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/api-contract");
    let tool = folder.join(".venv/bin/schemathesis");
    if !tool.exists() {
        let advice = "schemathesis is missing, run `make -C tests/api-contract tools`";
        assert!(std::env::var_os("CI").is_none(), "{advice}");
        eprintln!("left out: {advice}");
        return;
    }
    let mut story = Story::begin(5, "[api]\nrequests_per_second_max = 0\n");
    let host = Served::start(&story.home);
    let pair = story.pair(&host);
    story.edits(&host);
    let parameters = json!({
        "connectionId": story.connection.0, "object": "partners",
        "pairId": pair.rsplit('/').next(),
    });
    let lines = parameters.as_object().expect("an object").iter();
    let lines = lines.map(|(name, value)| format!("\"path.{name}\" = {value}\n"));
    let settings = format!("[parameters]\n{}", lines.collect::<String>());
    let settings_file = story.home.path().join("schemathesis.toml");
    fs::write(&settings_file, settings).expect("a file");
    let mut command = Command::new(tool);
    command
        .current_dir(story.home.path())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", &folder)
        .arg("--config-file")
        .arg(&settings_file)
        .args(["run", &format!("http://{}/api/openapi.json", host.address)])
        .args([
            "--header",
            &format!("Authorization: Bearer {}", story.token),
        ])
        .args(["--phases", "coverage,fuzzing", "--max-examples", EXAMPLES])
        .args(["--seed", SEED, "--checks", CHECKS, "--no-color"]);
    for operation in LEFT_OUT {
        command.args(["--exclude-operation-id", operation]);
    }
    let output = command.output().expect("schemathesis runs");
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", text(&output.stderr));
    assert!(told.contains("generated"), "it made calls: {told}");
}

//! HubSpot's official JavaScript client against the portal.
//!
//! The client is installed into the target directory from the committed lock file, once for each lock file. Without
//! node and npm the test fails and says what to install; `PARTNEROS_SKIP_NODE=1` skips it and says so.

use std::path::{Path, PathBuf};
use std::process::Command;

use hubspot_sim::{Config, Limits, Server};

use crate::ALL_SCOPES;

const SOURCES: [&str; 4] = [".npmrc", "package.json", "package-lock.json", "check.mjs"];

#[test]
fn the_official_client_works_against_the_portal() {
    if std::env::var("PARTNEROS_SKIP_NODE").is_ok_and(|value| value == "1") {
        eprintln!("skipped: PARTNEROS_SKIP_NODE=1");
        return;
    }
    let folder = prepare();
    let config = Config {
        companies: 40,
        deals: 60,
        limits: Limits::MARKETPLACE,
        ..Config::default()
    };
    let server = Server::start_with(config, hubspot_sim::Clock::real()).expect("the server starts");
    let now = server.now();
    let token = server.sim().install(ALL_SCOPES, now).access_token;
    let output = run(Command::new("node")
        .arg("check.mjs")
        .arg(server.url())
        .arg(token)
        .current_dir(&folder));
    assert!(output.ends_with("all checks passed\n"), "{output}");
    assert!(server.sim().writes.of("companies").creates > 0);
}

/// Copies the sources beside the build's other output and installs what they need.
fn prepare() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hubspot-sdk");
    std::fs::create_dir_all(&folder).expect("the target directory is writable");
    let lock = std::fs::read(source.join("package-lock.json")).expect("the lock file is committed");
    let installed = folder.join("installed.lock");
    for name in SOURCES {
        std::fs::copy(source.join(name), folder.join(name)).expect("the sources are readable");
    }
    if std::fs::read(&installed).ok().as_ref() != Some(&lock) {
        run(Command::new("npm")
            .arg("ci")
            .arg("--no-audit")
            .arg("--no-fund")
            .current_dir(&folder));
        std::fs::write(installed, lock).expect("the target directory is writable");
    }
    folder
}

fn run(command: &mut Command) -> String {
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => panic!(
            "failed to run {}: {error}. Install Node.js 18 or newer with npm (Debian: `apt-get install nodejs npm`), \
             or set PARTNEROS_SKIP_NODE=1",
            command.get_program().display()
        ),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

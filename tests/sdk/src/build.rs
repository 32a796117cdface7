//! Builds an example through `make`, into `target/sdk`, where the next call finds it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::language::Language;

/// Settings of the cargo that runs the tests, which must not reach the one that builds a guest.
const CLEARED: [&str; 10] = [
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MAKEFLAGS",
    "CARGO_TARGET_DIR",
    "MAKEFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
];

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum NoComponent {
    /// The toolchain is not installed.
    #[error("{what} is missing, run `examples/toolchains.sh` or `make -C examples/{} tools`", language.folder())]
    Missing {
        /// Of which language.
        language: Language,
        /// The tool.
        what: &'static str,
    },
    /// The build's command failed.
    #[error("`make` in `examples/{}` failed:\n{output}", language.folder())]
    Build {
        /// Of which language.
        language: Language,
        /// What it wrote.
        output: String,
    },
    /// Files or processes cannot be used.
    #[error("build `examples/{}`: {source}", language.folder())]
    Machine {
        /// Of which language.
        language: Language,
        /// What happened.
        source: io::Error,
    },
}

/// Builds the example in this language, if a source is newer than its component, and returns the component's path.
///
/// Several processes may ask at once; one builds and the others wait.
pub fn component(language: Language) -> Result<PathBuf, NoComponent> {
    let folder = workspace().join("examples").join(language.folder());
    for tool in language.tools() {
        if !folder.join(tool.file).exists() {
            let what = tool.name;
            return Err(NoComponent::Missing { language, what });
        }
    }
    let machine = |source| NoComponent::Machine { language, source };
    let build = workspace().join("target/sdk").join(language.folder());
    fs::create_dir_all(&build).map_err(machine)?;
    let turn = File::create(build.join("lock")).map_err(machine)?;
    turn.lock().map_err(machine)?;
    let output = make(&folder, &build).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => NoComponent::Missing {
            language,
            what: "`make`",
        },
        _ => machine(source),
    })?;
    if let Some(output) = output {
        return Err(NoComponent::Build { language, output });
    }
    Ok(build.join(language.folder()).with_extension("wasm"))
}

/// The root of the repository.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs `make`, and returns what it wrote if it fails.
fn make(folder: &Path, build: &Path) -> io::Result<Option<String>> {
    let mut command = Command::new("make");
    for name in CLEARED {
        command.env_remove(name);
    }
    let mut variable = std::ffi::OsString::from("BUILD=");
    variable.push(build);
    let output = command
        .current_dir(folder)
        .arg(variable)
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(None);
    }
    let text = [output.stdout, output.stderr].concat();
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

//! Builds guest crates of this workspace into WebAssembly components, from a build script.
//!
//! Components are compiled by a nested cargo with the workspace's `guest` profile and a target
//! directory of its own under `OUT_DIR`, because the outer cargo holds the lock of the shared one.
//! The nested build must not inherit the outer build's flags, target or compiler wrappers, which
//! are meant for the host; whatever is added to [`nested_cargo`] has to keep that true.
//!
//! A failure ends the build script with one line for the person who builds, never with a panic.

mod cargo;
mod workspace;

use std::path::PathBuf;
use std::process;

use crate::cargo::Artifacts;
use crate::workspace::Workspace;

/// Builds the `cdylib` of the workspace package `package` and returns the path of its component.
///
/// Meant for `build.rs` only: prints cargo instructions, and exits with a one-line error when the
/// component cannot be built.
pub fn component(package: &str) -> PathBuf {
    or_exit(build(package, Artifacts::Library)).remove(0).1
}

/// Builds every example of the workspace package `package` whose crate type is `cdylib` and returns
/// their names and components, by name.
///
/// Meant for `build.rs` only, as [`component`].
pub fn examples(package: &str) -> Vec<(String, PathBuf)> {
    or_exit(build(package, Artifacts::Examples))
}

fn build(package: &str, artifacts: Artifacts) -> Result<Vec<(String, PathBuf)>, Error> {
    cargo::refuse_nesting()?;
    cargo::require_wasm_target()?;
    let workspace = Workspace::load()?;
    for path in workspace.watched(package)? {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let targets = workspace.component_targets(package, artifacts)?;
    let directory = cargo::build(&workspace, package, artifacts)?;
    targets
        .into_iter()
        .map(|name| {
            let path = directory.join(artifacts.file_name(&name));
            if path.is_file() {
                Ok((name, path))
            } else {
                Err(Error::NoArtifact { path })
            }
        })
        .collect()
}

fn or_exit<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| {
        // Cargo shows each of these lines as an error of its own and fails the build, whereas a
        // non-zero exit code would bury them under everything that was printed before.
        for line in format!("failed to build components: {error}").lines() {
            println!("cargo::error={line}");
        }
        process::exit(0);
    })
}

/// Why a component could not be built.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "the wasm target is missing, run `rustup target add {}`",
        cargo::TARGET
    )]
    NoWasmTarget,
    #[error("the build script of a guest asked for guests, which would never end")]
    Nested,
    #[error("`{variable}` is not set, is this a build script?")]
    NoVariable { variable: &'static str },
    #[error("`{command}` did not run: {source}")]
    Spawn {
        command: String,
        source: std::io::Error,
    },
    #[error("`cargo metadata` gave no answer that can be read")]
    Metadata,
    #[error("the workspace has no package `{package}`")]
    NoPackage { package: String },
    #[error("package `{package}` has no {kind} of crate type `cdylib`")]
    NoTarget { package: String, kind: &'static str },
    #[error(
        "package `{package}` does not compile for {}:\n{output}",
        cargo::TARGET
    )]
    Compile { package: String, output: String },
    #[error("cargo built no `{}`", path.display())]
    NoArtifact { path: PathBuf },
}

//! The nested cargo: its target check, its clean environment and its command line.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Error;
use crate::workspace::Workspace;

/// What components are compiled for.
pub const TARGET: &str = "wasm32-wasip2";

/// The profile of the workspace's manifest that guests are built with.
const PROFILE: &str = "guest";

/// Set for the nested build, so that a guest whose build script asks for guests is noticed.
const NESTED: &str = "GUEST_BUILD_NESTED";

/// Settings of the outer build that must not reach the nested one.
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

/// Which targets of a package become components.
#[derive(Debug, Clone, Copy)]
pub enum Artifacts {
    Library,
    Examples,
}

impl Artifacts {
    /// The target kind as `cargo metadata` and error messages call it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::Examples => "example",
        }
    }

    /// The component's path below the directory of the profile.
    pub fn file_name(self, target: &str) -> PathBuf {
        match self {
            Self::Library => PathBuf::from(format!("{}.wasm", target.replace('-', "_"))),
            Self::Examples => Path::new("examples").join(format!("{target}.wasm")),
        }
    }
}

/// Fails inside a build that this crate started.
pub fn refuse_nesting() -> Result<(), Error> {
    if env::var_os(NESTED).is_some() {
        Err(Error::Nested)
    } else {
        Ok(())
    }
}

/// Fails unless the compiler has a standard library for [`TARGET`].
pub fn require_wasm_target() -> Result<(), Error> {
    let mut command = Command::new(variable("RUSTC")?);
    command.args(["--print", "target-libdir", "--target", TARGET]);
    let output = run(&mut command)?;
    let directory = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && Path::new(directory.trim()).is_dir() {
        Ok(())
    } else {
        Err(Error::NoWasmTarget)
    }
}

/// Builds the package and returns the directory of the profile, where the components are.
pub fn build(workspace: &Workspace, package: &str, wanted: Artifacts) -> Result<PathBuf, Error> {
    let target_dir = PathBuf::from(variable("OUT_DIR")?).join("guests");
    let mut command = nested_cargo()?;
    command
        .current_dir(&workspace.root)
        .args([
            "build",
            "--package",
            package,
            "--target",
            TARGET,
            "--profile",
            PROFILE,
        ])
        .arg(match wanted {
            Artifacts::Library => "--lib",
            Artifacts::Examples => "--examples",
        })
        .arg("--target-dir")
        .arg(&target_dir)
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            same_paths_everywhere(workspace, &target_dir),
        );
    let output = run(&mut command)?;
    if output.status.success() {
        return Ok(target_dir.join(TARGET).join(PROFILE));
    }
    let output = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Error::Compile {
        package: package.to_owned(),
        output,
    })
}

/// Flags that keep this machine's paths out of panic messages, so that the same source gives the same bytes, and with
/// them the same digest, on every machine.
fn same_paths_everywhere(workspace: &Workspace, target_dir: &Path) -> String {
    let cargo_home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let mut remapped = vec![
        (workspace.root.clone(), "/partneros"),
        (target_dir.to_owned(), "/target"),
    ];
    remapped.extend(cargo_home.map(|home| (home, "/cargo")));
    let flags: Vec<_> = remapped
        .iter()
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
        .collect();
    // The separator that cargo splits this variable at.
    flags.join("\u{1f}")
}

/// Answers `cargo metadata` for the workspace of the build script, as JSON text.
pub fn metadata() -> Result<Vec<u8>, Error> {
    let mut command = nested_cargo()?;
    command.args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = run(&mut command)?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Error::Metadata)
    }
}

fn nested_cargo() -> Result<Command, Error> {
    let mut command = Command::new(variable("CARGO")?);
    for name in CLEARED {
        command.env_remove(name);
    }
    command.env(NESTED, "1").stdin(Stdio::null());
    Ok(command)
}

fn run(command: &mut Command) -> Result<std::process::Output, Error> {
    command.output().map_err(|source| Error::Spawn {
        command: command.get_program().to_string_lossy().into_owned(),
        source,
    })
}

fn variable(name: &'static str) -> Result<OsString, Error> {
    env::var_os(name).ok_or(Error::NoVariable { variable: name })
}

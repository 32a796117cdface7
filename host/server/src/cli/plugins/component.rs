//! A component in a file, loaded as the host would load it.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use partneros_runtime::{LoadError, Plugin, Runtime};
use serde_json::Value;

use super::table;
use crate::cli::compiler;
use crate::config::Config;

/// The folders in which a build leaves its component, besides the plugin's own.
const BUILD_FOLDERS: [&str; 3] = ["", "build", "dist"];

/// The magic number, then version 13 of layer 1; a core module says version 1 of layer 0.
const COMPONENT_HEADER: &[u8; 8] = b"\0asm\x0d\x00\x01\x00";

/// The runtime of the host with this configuration. Compiled code is kept where the host keeps it, if there is a
/// data directory; none is made for it.
pub(super) fn runtime(config: &Config) -> anyhow::Result<Runtime> {
    let mut settings = config.runtime.clone();
    compiler::in_a_process_of_its_own(&mut settings)?;
    if settings.cache_dir.is_none() && config.data_dir.is_dir() {
        settings.cache_dir = Some(config.data_dir.join("compiled"));
    }
    Ok(Runtime::new(settings)?)
}

/// Reads a component.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("failed to read the component `{}`", file.display()))
}

/// Loads a component; the error lists every reason why it is not accepted, one a line.
pub(super) fn load(runtime: &Runtime, bytes: &[u8]) -> anyhow::Result<Plugin> {
    match runtime.load(bytes) {
        Ok(plugin) => Ok(plugin),
        Err(LoadError::Rejected(rejected)) => {
            let mut problems = String::new();
            for problem in &rejected.problems {
                problems.push_str("\n  ");
                problems.push_str(&table::plain(&problem.to_string()));
            }
            bail!("failed to accept the component:{problems}");
        }
        Err(error) => Err(error.into()),
    }
}

/// The one component that a plugin's folder holds.
pub(super) fn find(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut found = Vec::new();
    for name in BUILD_FOLDERS {
        // A folder that is not there holds nothing.
        let Ok(entries) = fs::read_dir(folder.join(name)) else {
            continue;
        };
        let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let named = files.filter(|file| file.extension().is_some_and(|end| end == "wasm"));
        found.extend(named.filter(|file| is_component(file)));
    }
    found.sort();
    match found.as_slice() {
        [file] => Ok(file.clone()),
        [] => bail!(
            "there is no component `*.wasm` in `{0}`, `{0}/build` or `{0}/dist`; build it, or name it with `--plugin`",
            folder.display()
        ),
        several => {
            let names: Vec<_> = several
                .iter()
                .map(|file| format!("`{}`", file.display()))
                .collect();
            bail!(
                "there is more than one component, name one with `--plugin`: {}",
                names.join(", ")
            )
        }
    }
}

/// Whether a file begins as a component does; builds leave core modules beside theirs.
fn is_component(file: &Path) -> bool {
    let mut header = [0; COMPONENT_HEADER.len()];
    let read = fs::File::open(file).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && header == *COMPONENT_HEADER
}

/// Loads the component in a file; over the one beneath it, if there is one.
pub(super) fn load_over(
    runtime: &Runtime,
    file: &Path,
    beneath: Option<&Path>,
) -> anyhow::Result<Plugin> {
    let bytes = read(file)?;
    match beneath {
        None => load(runtime, &bytes),
        Some(beneath) => {
            let beneath = read(beneath)?;
            let whole = (runtime.compose(&[&bytes, &beneath]))
                .with_context(|| format!("failed to put `{}` over another", file.display()))?;
            load(runtime, &whole)
        }
    }
}

/// The report that an upload of a component gets.
pub(super) fn inspect(
    runtime: &Runtime,
    bytes: &[u8],
    beneath: Option<&[u8]>,
) -> anyhow::Result<Value> {
    Ok(serde_json::to_value(runtime.inspect(bytes, beneath))?)
}

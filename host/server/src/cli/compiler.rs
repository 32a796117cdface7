//! `partneros compile-component`: compiles one component for another process of this program, which starts it with
//! limits on memory and time.

use std::env;

use anyhow::Context as _;
use partneros_runtime::RuntimeConfig;

/// The command, which `--help` does not show.
pub(super) const COMMAND: &str = "compile-component";

/// Has components compiled by a process of this program, unless the configuration names another.
pub(super) fn in_a_process_of_its_own(settings: &mut RuntimeConfig) -> anyhow::Result<()> {
    if settings.compiler.program.is_none() {
        let program = env::current_exe().context("failed to find this program")?;
        settings.compiler.program = Some(program);
        settings.compiler.arguments = vec![COMMAND.to_owned()];
    }
    Ok(())
}

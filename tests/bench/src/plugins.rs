//! What a loaded plugin takes while nobody calls it.

use std::path::PathBuf;

use anyhow::ensure;
use partneros_artifacts::HUBSPOT_MAPPER;
use partneros_runtime::{Runtime, RuntimeConfig};
use test_guests::files::with_custom_sections;

use crate::task::{Report, Task, measured};

/// Loads the default mapper, and so many more that differ from it by a section that means nothing; each answers once.
///
/// As in a host, a process of its own compiles them and the code is kept in a directory.
pub async fn load(count: usize, directory: PathBuf) -> anyhow::Result<Report> {
    let work = async {
        let runtime = Runtime::new(RuntimeConfig {
            compiler: Task::compiler()?,
            cache_dir: Some(directory),
            ..RuntimeConfig::default()
        })?;
        let mut loaded = Vec::with_capacity(count + 1);
        for number in 0..=count {
            let plugin = runtime.load(&with_custom_sections(HUBSPOT_MAPPER, 1, number))?;
            plugin.describe()?;
            loaded.push(plugin);
        }
        loaded.sort_by_key(|plugin| *plugin.digest());
        loaded.dedup_by_key(|plugin| *plugin.digest());
        ensure!(loaded.len() == count + 1, "some plugins are the same");
        anyhow::Ok(loaded)
    };
    // They stay loaded until the memory was read.
    let (_loaded, report) = measured(work).await?;
    Ok(report)
}

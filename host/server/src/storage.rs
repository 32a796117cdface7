//! Opens the store that the configuration names.

use std::path::PathBuf;

use anyhow::Context as _;
use partneros_store::{Options, SealingKey, Sqlite};
use secrecy::ExposeSecret;

use crate::config::Config;

/// The database within the data directory.
const DATABASE_FILE: &str = "partneros.db";
/// The sealing key within the data directory.
const KEY_FILE: &str = "key";

/// Opens the database, making data directory, key and database if there are none.
pub fn open(config: &Config) -> anyhow::Result<Sqlite> {
    let directory = &config.data_dir;
    std::fs::create_dir_all(directory).with_context(|| {
        format!(
            "failed to make the data directory `{}`",
            directory.display()
        )
    })?;
    let key = match &config.sealing_key {
        Some(text) => SealingKey::parse(text.expose_secret())?,
        None => SealingKey::load_or_create(&directory.join(KEY_FILE))?,
    };
    let file: PathBuf = directory.join(DATABASE_FILE);
    Sqlite::open(&file, key, Options::default())
        .with_context(|| format!("failed to open the database `{}`", file.display()))
}

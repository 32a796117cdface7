//! Opens the store that the configuration names.

use std::path::PathBuf;

use anyhow::Context as _;
use partneros_store::{Options, SealingKey, Sqlite};
use secrecy::ExposeSecret;

use crate::config::Config;

/// The database within the data directory.
pub fn database_file(config: &Config) -> PathBuf {
    config.data_dir.join("partneros.db")
}

/// The sealing key within the data directory.
pub fn key_file(config: &Config) -> PathBuf {
    config.data_dir.join("key")
}

/// The configured sealing key, or that of the key file, which is made if there is none.
pub fn key(config: &Config) -> anyhow::Result<SealingKey> {
    let key = match &config.sealing_key {
        Some(text) => SealingKey::parse(text.expose_secret())?,
        None => SealingKey::load_or_create(&key_file(config))?,
    };
    Ok(key)
}

/// Makes the data directory, for this user only, if there is none.
pub fn create_directory(config: &Config) -> anyhow::Result<()> {
    let directory = &config.data_dir;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).with_context(|| {
        format!(
            "failed to make the data directory `{}`",
            directory.display()
        )
    })
}

/// Opens the database, making data directory, key and database if there are none.
pub fn open(config: &Config) -> anyhow::Result<Sqlite> {
    create_directory(config)?;
    let key = key(config)?;
    let file = database_file(config);
    Sqlite::open(&file, key, Options::default())
        .with_context(|| format!("failed to open the database `{}`", file.display()))
}

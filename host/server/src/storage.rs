//! Opens the store and the key ring that the configuration names.

use std::path::PathBuf;

use anyhow::Context as _;
use partneros_store::{KeyRing, Options, Sqlite};

use crate::config::Config;

/// The database within the data directory.
const DATABASE_FILE: &str = "partneros.db";
/// The key ring within the data directory.
const KEY_FILE: &str = "key";

/// Opens the database, making data directory, key and database if there are none.
pub fn open(config: &Config) -> anyhow::Result<Sqlite> {
    open_with_ring(config).map(|(store, _)| store)
}

/// Opens the database, and returns the ring that its data keys are wrapped under as well.
pub fn open_with_ring(config: &Config) -> anyhow::Result<(Sqlite, KeyRing)> {
    let directory = &config.data_dir;
    std::fs::create_dir_all(directory).with_context(|| {
        format!(
            "failed to make the data directory `{}`",
            directory.display()
        )
    })?;
    let file: PathBuf = directory.join(DATABASE_FILE);
    let ring = ring(config, file.exists())?;
    let store = Sqlite::open(&file, ring.clone(), Options::default())
        .with_context(|| format!("failed to open the database `{}`", file.display()))?;
    Ok((store, ring))
}

/// A key is made with the database only: one that is made later would take the place of one that was lost.
fn ring(config: &Config, has_database: bool) -> anyhow::Result<KeyRing> {
    let file = config.data_dir.join(KEY_FILE);
    match (&config.sealing_key, &config.sealing_keys_old) {
        (Some(current), older) => Ok(KeyRing::parse(current, older.as_ref())?),
        (None, Some(_)) => anyhow::bail!(
            "failed to read the configuration: `sealing_keys_old` needs `sealing_key`, the key that is current"
        ),
        (None, None) if has_database && !file.exists() => anyhow::bail!(
            "failed to find the key ring `{}` of the database beside it; put the file back from its backup, or set \
             `sealing_key`. If the key is lost, so are the tokens: write a new one into the file \
             (`openssl rand -hex 32`, mode 0600), run `partneros keys rotate --data-keys`, and connect the portals again",
            file.display()
        ),
        (None, None) => Ok(KeyRing::load_or_create(&file)?),
    }
}

//! Opens the store that the configuration names.

use std::fs::File;
use std::path::PathBuf;

use anyhow::Context as _;
use partneros_store::{KeyRing, Options, Sqlite, SyncState as _};

use crate::config::Config;

/// The database within the data directory.
pub fn database_file(config: &Config) -> PathBuf {
    config.data_dir.join("partneros.db")
}

/// The key ring within the data directory.
pub fn key_file(config: &Config) -> PathBuf {
    config.data_dir.join("key")
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
    open_with_ring(config).map(|(store, _)| store)
}

/// Opens the database, and returns the ring that its data keys are wrapped under as well.
pub fn open_with_ring(config: &Config) -> anyhow::Result<(Sqlite, KeyRing)> {
    create_directory(config)?;
    let ring = ring(config)?;
    let file = database_file(config);
    let store = Sqlite::open(&file, ring.clone(), Options::default())
        .with_context(|| format!("failed to open the database `{}`", file.display()))?;
    Ok((store, ring))
}

/// The hold of a host that serves on its database, until it is dropped, or its process ends.
#[derive(Debug)]
pub struct Serving(#[expect(dead_code, reason = "it is held, not used")] File);

/// Says to other processes that a host serves the database. Whoever finds nobody else gives back the leases of workers that a crash
/// ended: their pairs would wait for `sync.lease_ms` otherwise.
pub async fn serving(config: &Config, store: &Sqlite) -> anyhow::Result<Serving> {
    let path = config.data_dir.join("serving.lock");
    let what = || format!("failed to hold `{}`", path.display());
    let file = File::create(&path).with_context(what)?;
    if file.try_lock().is_ok() {
        let ended = store.end_leases().await?;
        if ended > 0 {
            tracing::info!(
                pairs = ended,
                "the last host did not end its runs; they begin again"
            );
        }
        file.unlock().with_context(what)?;
    }
    // Others that start meanwhile may find nobody else too: no worker is at anything before this is held.
    let file = tokio::task::spawn_blocking(move || file.lock_shared().map(|()| file));
    Ok(Serving(file.await?.with_context(what)?))
}

/// The configured keys, or those of the key file. A key is made with the database only: one that is made later would take the place
/// of one that was lost.
pub fn ring(config: &Config) -> anyhow::Result<KeyRing> {
    let file = key_file(config);
    match (&config.sealing_key, &config.sealing_keys_old) {
        (Some(current), older) => Ok(KeyRing::parse(current, older.as_ref())?),
        (None, Some(_)) => anyhow::bail!(
            "failed to read the configuration: `sealing_keys_old` needs `sealing_key`, the key that is current"
        ),
        (None, None) if database_file(config).exists() && !file.exists() => anyhow::bail!(
            "failed to find the key ring `{}` of the database beside it; put the file back from its backup, or set \
             `sealing_key`. If the key is lost, so are the tokens: write a new one into the file \
             (`openssl rand -hex 32`, mode 0600), run `partneros keys rotate --data-keys`, and connect the portals again",
            file.display()
        ),
        (None, None) => Ok(KeyRing::load_or_create(&file)?),
    }
}

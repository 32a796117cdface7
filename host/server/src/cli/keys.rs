//! `partneros keys`: the key ring, and what is sealed under it. No key is ever shown.

use clap::Subcommand;
use partneros_store::{KeyRing, KeyUse, Keys as _, Rekeyed, Sqlite};
use partneros_sync::{Environment as _, describe};

use crate::config::Config;
use crate::environment::SystemEnvironment;
use crate::storage;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Lists the keys of the ring and how much is under each, and keys that are missing from the ring.
    List,
    /// Makes a new current key and wraps every organization's data key under it. A running host notices.
    ///
    /// When it is interrupted, everything still works; run it again. Where the ring comes from settings, set
    /// `PARTNEROS_SEALING_KEY` to the new key and `PARTNEROS_SEALING_KEYS_OLD` to those before, start the host again,
    /// then run this: it wraps under the new key.
    Rotate {
        /// Make new data keys too, and seal every secret under them: after a data key may have been seen.
        #[arg(long)]
        data_keys: bool,
    },
    /// Takes keys out of the ring that nothing is under any more. The current one stays.
    ///
    /// Backups of the database from before they were replaced still need them.
    Prune,
}

impl Keys {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let (store, ring) = storage::open_with_ring(config)?;
        match self {
            Self::List => list(&store, &ring).await,
            Self::Rotate { data_keys } => rotate(&store, &ring, data_keys).await,
            Self::Prune => prune(&store, &ring).await,
        }
    }
}

async fn list(store: &Sqlite, ring: &KeyRing) -> anyhow::Result<()> {
    let mut uses = store.key_uses().await?;
    for (at, key) in ring.keys()?.into_iter().enumerate() {
        let place = if at == 0 { "current" } else { "older" };
        let found = uses.iter().position(|of| of.key == key.name);
        let amount = found.map_or_else(|| counted(0, "data key"), |at| amount(&uses.remove(at)));
        let line = format!("{}  {place:7}  {amount}  {}", key.name, key.note);
        println!("{}", line.trim_end());
    }
    for missing in uses {
        println!("{}  missing  {}", missing.key, amount(&missing));
    }
    Ok(())
}

fn amount(of: &KeyUse) -> String {
    let data_keys = counted(of.data_keys, "data key");
    if of.secrets == 0 {
        return data_keys;
    }
    format!(
        "{data_keys}, {} in an old form",
        counted(of.secrets, "secret")
    )
}

/// Adds the key first and wraps second, so that no data key is ever under a key that is not on the disk.
async fn rotate(store: &Sqlite, ring: &KeyRing, data_keys: bool) -> anyhow::Result<()> {
    // Held to the end: nobody else takes keys out meanwhile.
    let mut edit = ring.file().map(|_| ring.edit()).transpose()?;
    match &mut edit {
        Some(edit) => {
            let note = format!("made by `keys rotate` at {}", SystemEnvironment.now());
            println!("key {} is current now", edit.add(&note)?);
        }
        None => eprintln!("the ring comes from settings; the current key is `sealing_key`"),
    }
    let mut rekeyed = store.rewrap_data_keys().await?;
    println!(
        "wrapped {} under it",
        counted(rekeyed.data_keys, "data key")
    );
    if data_keys {
        let renewed = store.renew_data_keys().await?;
        println!(
            "made {}, sealed {} under them, removed {}",
            counted(renewed.data_keys, "data key"),
            counted(renewed.secrets, "secret"),
            counted(renewed.removed, "data key")
        );
        rekeyed.unopened.extend(renewed.unopened);
    }
    store.close().await?;
    tell_unopened(&rekeyed)?;
    if edit.is_some() {
        println!("next: back the key ring up, apart from the database");
    }
    println!("next: partneros keys prune, once no backup needs the keys before");
    Ok(())
}

fn tell_unopened(rekeyed: &Rekeyed) -> anyhow::Result<()> {
    for unopened in &rekeyed.unopened {
        let error = describe(&unopened.error);
        eprintln!("organization {}: {error}", unopened.organization);
    }
    let count = rekeyed.unopened.len();
    if count > 0 {
        anyhow::bail!(
            "{count} could not be opened, and stay as they were; everything else was done"
        );
    }
    Ok(())
}

/// Retires first and takes out second: a host that still has a key in memory wraps nothing more under it.
async fn prune(store: &Sqlite, ring: &KeyRing) -> anyhow::Result<()> {
    let mut edit = ring.file().map(|_| ring.edit()).transpose()?;
    let older = ring.keys()?.into_iter().skip(1).map(|key| key.name);
    let older: Vec<_> = older.collect();
    let retired = store.retire_keys(&older).await?;
    let taken_out = match &mut edit {
        Some(edit) => {
            if !retired.is_empty() {
                edit.remove(&retired)?;
            }
            "nothing is under it; it is out of the ring"
        }
        None => "nothing is under it; take it out of `sealing_keys_old`",
    };
    for key in &older {
        let outcome = if retired.contains(key) {
            taken_out
        } else {
            "it is in use, and stays"
        };
        println!("key {key}: {outcome}");
    }
    if older.is_empty() {
        println!("there is only the current key");
    }
    Ok(())
}

fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

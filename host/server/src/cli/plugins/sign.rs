//! `partneros plugins keygen` and `sign`: who a component comes from.
//!
//! Signatures are Ed25519 over the bytes of the component, detached, in base64. A private key file holds the seed, 32
//! bytes in base64, and is for its owner only.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use ed25519_dalek::{SECRET_KEY_LENGTH, Signer as _, SigningKey};

use super::component;

/// What a signature's file is named after the component's.
const SIGNATURE_SUFFIX: &str = ".sig";

/// Makes an Ed25519 key to sign components with, and prints its public key.
///
/// The private key goes into `FILE`, for your eyes only; give the public key to whoever runs the host.
///
///   partneros plugins keygen publisher.key
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Keygen {
    /// Where the private key goes; the file must not exist.
    file: PathBuf,
}

/// Signs a component.
///
/// Writes the signature, in base64, beside the component, and prints it:
///
///   partneros plugins sign build/my-mapper.wasm --key publisher.key
///   partneros plugins push build/my-mapper.wasm --name my-mapper \
///       --signature build/my-mapper.wasm.sig
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Sign {
    /// The component.
    #[arg(value_name = "COMPONENT")]
    file: PathBuf,
    /// The private key, as `keygen` made it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

impl Keygen {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut seed = [0; SECRET_KEY_LENGTH];
        getrandom::fill(&mut seed).map_err(|error| anyhow!("failed to make a key: {error}"))?;
        let key = SigningKey::from_bytes(&seed);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let failed = || format!("failed to write the key `{}`", self.file.display());
        let mut file = options.open(&self.file).with_context(failed)?;
        writeln!(file, "{}", STANDARD.encode(seed)).with_context(failed)?;
        eprintln!(
            "the private key is in `{}`; its public key:",
            self.file.display()
        );
        println!("{}", STANDARD.encode(key.verifying_key().as_bytes()));
        Ok(())
    }
}

impl Sign {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let key = read_key(&self.key)?;
        let signature = STANDARD.encode(key.sign(&component::read(&self.file)?).to_bytes());
        let mut path = self.file.into_os_string();
        path.push(SIGNATURE_SUFFIX);
        let path = PathBuf::from(path);
        fs::write(&path, format!("{signature}\n"))
            .with_context(|| format!("failed to write the signature `{}`", path.display()))?;
        eprintln!("the signature is in `{}`:", path.display());
        println!("{signature}");
        Ok(())
    }
}

fn read_key(file: &Path) -> anyhow::Result<SigningKey> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("failed to read the key `{}`", file.display()))?;
    let seed = STANDARD.decode(text.trim()).ok();
    let seed: Option<[u8; SECRET_KEY_LENGTH]> = seed.and_then(|seed| seed.try_into().ok());
    match seed {
        Some(seed) => Ok(SigningKey::from_bytes(&seed)),
        None => bail!(
            "failed to read the key `{}`: it holds no 32 bytes in base64, make one with `partneros plugins keygen`",
            file.display()
        ),
    }
}

//! The key ring: the wrapping keys that this host has, one of them current.
//!
//! A ring comes from a file or from settings. The file has a key a line, the current one first, each with an optional
//! comment after `#`; a file with a single key is a ring of one. It is read again before something is wrapped, and when
//! something is under a key that is not known yet, so that a running host notices what `partneros keys` did to it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::aead::{self, KEY_BYTES, KeyBytes};
use super::first_form::FirstForm;
use super::ring_file::{self, Lock};
use super::wrapper::{KeyWrapper, UnwrapError, WrapContext, WrappedKey};
use crate::{Error, Result};

const NAME_BYTES: usize = 4;

/// The wrapping keys of a host. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct KeyRing(Arc<Inner>);

struct Inner {
    file: Option<PathBuf>,
    /// At least one; the first is current.
    keys: RwLock<Arc<Vec<RingKey>>>,
}

struct RingKey {
    name: String,
    note: String,
    bytes: KeyBytes,
}

/// A key of a ring, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingKeyInfo {
    /// Its name: eight hexadecimal digits of a hash.
    pub name: String,
    /// The comment beside it.
    pub note: String,
}

/// The right to change a ring's file, which one process has at a time.
#[derive(Debug)]
pub struct RingEdit {
    ring: KeyRing,
    path: PathBuf,
    _lock: Lock,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("file", &self.0.file)
            .finish_non_exhaustive()
    }
}

impl KeyRing {
    /// Reads the file, or makes one with a new key, readable by its owner only, when there is none.
    ///
    /// A file that others may read is refused.
    pub fn load_or_create(path: &Path) -> Result<Self> {
        let key = Zeroizing::new(hex::encode(aead::random_key()?.expose_secret()));
        ring_file::create_if_missing(path, &key)?;
        Self::load(path)
    }

    /// Reads the file, which must exist.
    pub fn load(path: &Path) -> Result<Self> {
        let keys = read(path)?;
        Ok(Self::new(Some(path.to_owned()), keys))
    }

    /// A ring from settings: the current key, and older ones with spaces, commas or line ends between them. Each is 64
    /// hexadecimal digits, or base64 of 32 bytes.
    pub fn parse(current: &SecretString, older: Option<&SecretString>) -> Result<Self> {
        let current = [RingKey::parse(current.expose_secret(), "")?];
        let older = older.map_or("", |older| older.expose_secret());
        let older = older
            .split([' ', ',', '\n', '\r', '\t'])
            .filter(|text| !text.is_empty());
        let older = older.enumerate().map(|(at, text)| {
            RingKey::parse(text, "").map_err(|error| located(error, &format!("old key {}", at + 1)))
        });
        let older = older.collect::<Result<Vec<_>>>()?;
        let keys = current.into_iter().chain(older).collect();
        Ok(Self::new(None, distinct(keys)?))
    }

    /// A ring whose key is gone with the process, for databases that are.
    pub fn ephemeral() -> Result<Self> {
        let key = RingKey::new(aead::random_key()?, "");
        Ok(Self::new(None, vec![key]))
    }

    /// The file that the ring is kept in, unless it comes from settings.
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// The keys as they are now, the current one first.
    pub fn keys(&self) -> Result<Vec<RingKeyInfo>> {
        let info = |key: &RingKey| RingKeyInfo {
            name: key.name.clone(),
            note: key.note.clone(),
        };
        Ok(self.read_again()?.iter().map(info).collect())
    }

    /// Takes the right to change the file. Refused while another process has it.
    pub fn edit(&self) -> Result<RingEdit> {
        let path = self.0.file.as_ref().ok_or_else(|| {
            unusable("the ring comes from the settings, so it is changed in the settings")
        })?;
        let lock = Lock::take(path)?;
        self.read_again()?;
        Ok(RingEdit {
            ring: self.clone(),
            path: path.clone(),
            _lock: lock,
        })
    }

    /// Wraps a data key under the current key of the file as it is now.
    pub(crate) fn wrap(&self, context: WrapContext, key: &KeyBytes) -> Result<WrappedKey> {
        let keys = self.read_again()?;
        let current = keys.first().ok_or_else(|| unusable("it has no key"))?;
        Ok(WrappedKey {
            under: current.name.clone(),
            bytes: aead::seal(&current.bytes, &context.bound(), key.expose_secret())?,
        })
    }

    pub(crate) fn unwrap(
        &self,
        context: WrapContext,
        wrapped: &WrappedKey,
    ) -> std::result::Result<KeyBytes, UnwrapError> {
        let find = |keys: &[RingKey]| {
            let key = keys.iter().find(|key| key.name == wrapped.under)?;
            Some(aead::open(&key.bytes, &context.bound(), &wrapped.bytes))
        };
        let opened = match find(&self.known()) {
            Some(opened) => opened,
            None => find(&self.read_again().map_err(UnwrapError::Failed)?)
                .ok_or_else(|| UnwrapError::KeyMissing(wrapped.under.clone()))?,
        };
        let mut opened = opened.ok_or(UnwrapError::Changed)?;
        let bytes = <&mut [u8; KEY_BYTES]>::try_from(opened.as_mut_slice());
        Ok(aead::key_of(bytes.map_err(|_| UnwrapError::Changed)?))
    }

    /// Opens a value of the first form, if its key is in the ring and nothing was changed.
    pub(crate) fn open_first_form(&self, form: FirstForm, stored: &[u8]) -> Option<SecretString> {
        let name = super::first_form::ring_key(stored)?;
        let keys = self.known();
        let key = keys.iter().find(|key| key.name == name)?;
        form.open(&key.bytes, stored)
    }

    fn new(file: Option<PathBuf>, keys: Vec<RingKey>) -> Self {
        Self(Arc::new(Inner {
            file,
            keys: RwLock::new(Arc::new(keys)),
        }))
    }

    fn known(&self) -> Arc<Vec<RingKey>> {
        let keys = self.0.keys.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&keys)
    }

    /// The keys as the file has them now. A file of a few lines, read rarely: not worth a thread of its own.
    fn read_again(&self) -> Result<Arc<Vec<RingKey>>> {
        let Some(path) = &self.0.file else {
            return Ok(self.known());
        };
        let keys = Arc::new(read(path)?);
        let mut known = self.0.keys.write().unwrap_or_else(PoisonError::into_inner);
        known.clone_from(&keys);
        Ok(keys)
    }
}

#[async_trait]
impl KeyWrapper for KeyRing {
    async fn current(&self) -> Result<String> {
        let keys = self.read_again()?;
        let current = keys.first().map(|key| key.name.clone());
        current.ok_or_else(|| unusable("it has no key"))
    }

    async fn wrap_key(&self, context: WrapContext, key: &KeyBytes) -> Result<WrappedKey> {
        self.wrap(context, key)
    }

    async fn unwrap_key(
        &self,
        context: WrapContext,
        wrapped: &WrappedKey,
    ) -> std::result::Result<KeyBytes, UnwrapError> {
        self.unwrap(context, wrapped)
    }
}

impl RingEdit {
    /// Makes a new key and puts it first. It is on the disk when this returns. Returns its name.
    pub fn add(&mut self, note: &str) -> Result<String> {
        let key = RingKey::new(aead::random_key()?, "");
        let note: String = note.chars().filter(|char| !char.is_control()).collect();
        let digits = Zeroizing::new(hex::encode(key.bytes.expose_secret()));
        let old = ring_file::read(&self.path)?;
        let text = Zeroizing::new(format!("{}  # {note}\n{}", *digits, *old));
        self.replace(&text)?;
        Ok(key.name.clone())
    }

    /// Takes keys out of the file. The current key stays.
    pub fn remove(&mut self, names: &[String]) -> Result<()> {
        let old = ring_file::read(&self.path)?;
        let current = self.ring.current_name();
        let mut text = Zeroizing::new(String::with_capacity(old.len()));
        for line in old.lines() {
            let key = split(line).map(|(digits, note)| RingKey::parse(digits, note));
            let name = key.transpose()?.map(|key| key.name.clone());
            let goes =
                name.is_some_and(|name| Some(&name) != current.as_ref() && names.contains(&name));
            if !goes {
                text.push_str(line);
                text.push('\n');
            }
        }
        self.replace(&text)
    }

    fn replace(&self, text: &str) -> Result<()> {
        // What could not be read again must not take the place of what can.
        parse_lines(text).map_err(|error| in_file(&self.path, error))?;
        ring_file::replace(&self.path, text)?;
        self.ring.read_again().map(drop)
    }
}

impl KeyRing {
    fn current_name(&self) -> Option<String> {
        self.known().first().map(|key| key.name.clone())
    }
}

impl RingKey {
    fn new(bytes: KeyBytes, note: &str) -> Self {
        let mut digest = Sha256::new();
        digest.update(b"partneros sealing key");
        digest.update(bytes.expose_secret());
        Self {
            name: hex::encode(&digest.finalize()[..NAME_BYTES]),
            note: note.to_owned(),
            bytes,
        }
    }

    /// Reads a key written as 64 hexadecimal digits or as base64 of 32 bytes. Space around it is ignored.
    fn parse(text: &str, note: &str) -> Result<Self> {
        let text = text.trim();
        let bytes = hex::decode(text)
            .ok()
            .or_else(|| base64(&alphabet::STANDARD).decode(text).ok())
            .or_else(|| base64(&alphabet::URL_SAFE).decode(text).ok())
            .ok_or_else(|| unusable("it is neither hexadecimal nor base64"))?;
        let mut bytes = Zeroizing::new(bytes);
        let length = bytes.len();
        match <&mut [u8; KEY_BYTES]>::try_from(bytes.as_mut_slice()) {
            Ok(bytes) => Ok(Self::new(aead::key_of(bytes), note)),
            Err(_) => Err(unusable(&format!(
                "it has {length} bytes and needs {KEY_BYTES}"
            ))),
        }
    }
}

fn read(path: &Path) -> Result<Vec<RingKey>> {
    let text = ring_file::read(path)?;
    parse_lines(&text).map_err(|error| in_file(path, error))
}

fn parse_lines(text: &str) -> Result<Vec<RingKey>> {
    let mut keys = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if let Some((digits, note)) = split(line) {
            let key = RingKey::parse(digits, note);
            keys.push(key.map_err(|error| located(error, &format!("line {}", at + 1)))?);
        }
    }
    if keys.is_empty() {
        return Err(unusable("it has no key"));
    }
    distinct(keys)
}

/// The key and the comment of a line, if it has a key.
fn split(line: &str) -> Option<(&str, &str)> {
    let (digits, note) = line.split_once('#').unwrap_or((line, ""));
    let (digits, note) = (digits.trim(), note.trim());
    (!digits.is_empty()).then_some((digits, note))
}

/// Refuses a ring with two keys of one name: they would be taken for each other.
fn distinct(keys: Vec<RingKey>) -> Result<Vec<RingKey>> {
    for (at, key) in keys.iter().enumerate() {
        if keys[..at].iter().any(|other| other.name == key.name) {
            let name = &key.name;
            return Err(unusable(&format!(
                "it has key `{name}` twice; take one of them out"
            )));
        }
    }
    Ok(keys)
}

fn base64(alphabet: &alphabet::Alphabet) -> GeneralPurpose {
    let padding = DecodePaddingMode::Indifferent;
    GeneralPurpose::new(
        alphabet,
        GeneralPurposeConfig::new().with_decode_padding_mode(padding),
    )
}

fn unusable(problem: &str) -> Error {
    Error::Key(problem.to_owned())
}

fn located(error: Error, location: &str) -> Error {
    match error {
        Error::Key(problem) => Error::Key(format!("{location}: {problem}")),
        other => other,
    }
}

fn in_file(path: &Path, error: Error) -> Error {
    located(error, &format!("file `{}`", path.display()))
}

#[cfg(test)]
mod tests;

//! Sealing of secrets before they are stored: XChaCha20-Poly1305 with a random nonce under one key.
//!
//! Stored form: version byte, 4 bytes that name the key, 24 bytes of nonce, ciphertext with its tag. The organization,
//! the connection and the column are authenticated along, so a sealed value opens only in the place it was sealed for.
//! Key bytes are wiped when dropped and never shown.
//!
//! Invariant: an opened secret leaves this module as a `SecretString` only.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use partneros_domain::{ConnectionId, OrganizationId};
use secrecy::zeroize::Zeroize as _;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use sha2::{Digest as _, Sha256};

use crate::{Error, Result};

const KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 24;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES + NONCE_BYTES;
const FORMAT: u8 = 1;
/// The longest key file that is read; longer ones are no key.
const KEY_FILE_BYTES_MAX: u64 = 4_096;

/// The key that secrets are sealed under.
pub struct SealingKey {
    bytes: SecretBox<[u8; KEY_BYTES]>,
    id: [u8; KEY_ID_BYTES],
}

/// Where a sealed value belongs; it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) organization: OrganizationId,
    pub(crate) connection: ConnectionId,
    pub(crate) column: &'static str,
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(..)")
    }
}

impl SealingKey {
    /// Reads a key written as 64 hexadecimal digits or as base64 of 32 bytes. Space around it is ignored.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let mut bytes = hex::decode(text)
            .ok()
            .or_else(|| base64(&alphabet::STANDARD).decode(text).ok())
            .or_else(|| base64(&alphabet::URL_SAFE).decode(text).ok())
            .ok_or_else(|| unusable("it is neither hexadecimal nor base64"))?;
        let key = <[u8; KEY_BYTES]>::try_from(bytes.as_slice());
        let length = bytes.len();
        bytes.zeroize();
        match key {
            Ok(key) => Ok(Self::new(key)),
            Err(_) => Err(unusable(&format!(
                "it has {length} bytes and needs {KEY_BYTES}"
            ))),
        }
    }

    /// Reads the key file, or writes a new key into it, readable by its owner only, when there is none.
    ///
    /// A file that others may read is refused.
    pub fn load_or_create(path: &Path) -> Result<Self> {
        match fs::metadata(path) {
            Ok(metadata) => Self::load(path, &metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create_file(path).map_err(|error| file(path, "write", &error))?;
                let metadata = fs::metadata(path).map_err(|error| file(path, "read", &error))?;
                Self::load(path, &metadata)
            }
            Err(error) => Err(file(path, "read", &error)),
        }
    }

    /// A key that is gone with the process, for databases that are.
    pub fn ephemeral() -> Result<Self> {
        random().map(Self::new)
    }

    fn load(path: &Path, metadata: &fs::Metadata) -> Result<Self> {
        refuse_shared(path, metadata)?;
        if metadata.len() > KEY_FILE_BYTES_MAX {
            return Err(unusable(&format!(
                "file `{}` is too long to hold a key",
                path.display()
            )));
        }
        let mut text = fs::read_to_string(path).map_err(|error| file(path, "read", &error))?;
        let key = Self::parse(&text);
        text.zeroize();
        key.map_err(|error| match error {
            Error::Key(problem) => unusable(&format!("file `{}`: {problem}", path.display())),
            other => other,
        })
    }

    fn new(mut bytes: [u8; KEY_BYTES]) -> Self {
        let mut digest = Sha256::new();
        digest.update(b"partneros sealing key");
        digest.update(bytes);
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&digest.finalize()[..KEY_ID_BYTES]);
        let key = Self {
            bytes: SecretBox::new(Box::new(bytes)),
            id,
        };
        bytes.zeroize();
        key
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.bytes.expose_secret().into())
    }

    pub(crate) fn seal(&self, place: Place, secret: &SecretString) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let sealed = self
            .cipher()
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: secret.expose_secret().as_bytes(),
                    aad: &place.bound(),
                },
            )
            .map_err(|_| place.broken())?;
        let mut stored = Vec::with_capacity(HEADER_BYTES + sealed.len());
        stored.push(FORMAT);
        stored.extend_from_slice(&self.id);
        stored.extend_from_slice(&nonce);
        stored.extend_from_slice(&sealed);
        Ok(stored)
    }

    pub(crate) fn open(&self, place: Place, stored: &[u8]) -> Result<SecretString> {
        let (header, sealed) = stored
            .split_at_checked(HEADER_BYTES)
            .ok_or_else(|| place.broken())?;
        let (name, nonce) = header.split_at(1 + KEY_ID_BYTES);
        if name[0] != FORMAT || name[1..] != self.id {
            return Err(place.broken());
        }
        let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).map_err(|_| place.broken())?;
        let payload = Payload {
            msg: sealed,
            aad: &place.bound(),
        };
        let opened = self
            .cipher()
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| place.broken())?;
        match String::from_utf8(opened) {
            Ok(text) => Ok(SecretString::from(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                Err(place.broken())
            }
        }
    }
}

impl Place {
    /// Fixed-length ids first and the column last, so that no two places have the same bytes.
    fn bound(self) -> Vec<u8> {
        let mut bound = Vec::with_capacity(33 + self.column.len());
        bound.push(FORMAT);
        bound.extend_from_slice(self.organization.0.as_bytes());
        bound.extend_from_slice(self.connection.0.as_bytes());
        bound.extend_from_slice(self.column.as_bytes());
        bound
    }

    fn broken(self) -> Error {
        Error::Sealed {
            column: self.column,
            row: self.connection.to_string(),
        }
    }
}

fn base64(alphabet: &alphabet::Alphabet) -> GeneralPurpose {
    let padding = DecodePaddingMode::Indifferent;
    GeneralPurpose::new(
        alphabet,
        GeneralPurposeConfig::new().with_decode_padding_mode(padding),
    )
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| unusable(&format!("no randomness: {error}")))?;
    Ok(bytes)
}

/// Writes a new key beside the path and links it into place: a crash leaves no half-written key, and of two processes
/// that start at once both end up with the same one.
fn create_file(path: &Path) -> io::Result<()> {
    let mut key: [u8; KEY_BYTES] = random().map_err(io::Error::other)?;
    let suffix: [u8; 4] = random().map_err(io::Error::other)?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", hex::encode(suffix)));
    let draft = Path::new(&draft);
    let mut text = hex::encode(key);
    text.push('\n');
    let written = write_private(draft, text.as_bytes()).and_then(|()| fs::hard_link(draft, path));
    key.zeroize();
    text.zeroize();
    fs::remove_file(draft)?;
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        written => written,
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn refuse_shared(path: &Path, metadata: &fs::Metadata) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(unusable(&format!(
        "file `{path}` has mode {mode:03o} and is open to others; run `chmod 600 {path}`"
    )))
}

#[cfg(not(unix))]
fn refuse_shared(_: &Path, _: &fs::Metadata) -> Result<()> {
    Ok(())
}

fn unusable(problem: &str) -> Error {
    Error::Key(problem.to_owned())
}

fn file(path: &Path, verb: &str, error: &io::Error) -> Error {
    unusable(&format!("cannot {verb} file `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const PLACE: Place = Place {
        organization: OrganizationId(Uuid::from_u128(1)),
        connection: ConnectionId(Uuid::from_u128(2)),
        column: "access_token",
    };

    fn sealed(key: &SealingKey) -> Vec<u8> {
        key.seal(PLACE, &SecretString::from("s3cret")).unwrap()
    }

    #[test]
    fn a_sealed_secret_opens_in_its_place_only() {
        let key = SealingKey::ephemeral().unwrap();
        let stored = sealed(&key);
        assert_eq!(key.open(PLACE, &stored).unwrap().expose_secret(), "s3cret");
        let elsewhere = [
            Place {
                organization: OrganizationId(Uuid::from_u128(3)),
                ..PLACE
            },
            Place {
                connection: ConnectionId(Uuid::from_u128(3)),
                ..PLACE
            },
            Place {
                column: "refresh_token",
                ..PLACE
            },
        ];
        for place in elsewhere {
            assert!(
                matches!(key.open(place, &stored), Err(Error::Sealed { .. })),
                "{place:?}"
            );
        }
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let key = SealingKey::ephemeral().unwrap();
        let stored = sealed(&key);
        for at in 0..stored.len() {
            let mut edited = stored.clone();
            edited[at] ^= 1;
            assert!(key.open(PLACE, &edited).is_err(), "byte {at}");
            assert!(key.open(PLACE, &stored[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn another_key_opens_nothing_and_equal_secrets_look_different() {
        let key = SealingKey::ephemeral().unwrap();
        let other = SealingKey::ephemeral().unwrap();
        assert!(other.open(PLACE, &sealed(&key)).is_err());
        assert_ne!(sealed(&key), sealed(&key));
        assert_eq!(format!("{key:?}"), "SealingKey(..)");
    }

    #[test]
    fn a_key_is_hexadecimal_or_base64_of_32_bytes() {
        let bytes = [0xfb; KEY_BYTES];
        let standard = base64(&alphabet::STANDARD).encode(bytes);
        let url = base64(&alphabet::URL_SAFE).encode(bytes);
        let stored = sealed(&SealingKey::parse(&hex::encode(bytes)).unwrap());
        for text in [
            format!(" {standard}\n"),
            standard.trim_end_matches('=').to_owned(),
            url,
        ] {
            let key = SealingKey::parse(&text).unwrap();
            assert!(key.open(PLACE, &stored).is_ok(), "{text}");
        }
        let short = SealingKey::parse(&hex::encode([1; 16])).unwrap_err();
        assert_eq!(
            short.to_string(),
            "failed to load the sealing key: it has 16 bytes and needs 32"
        );
        assert!(SealingKey::parse("").is_err());
        assert!(SealingKey::parse("not a key!").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn the_key_file_is_made_once_for_its_owner_and_refused_when_shared() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let stored = sealed(&SealingKey::load_or_create(&path).unwrap());
        let again = SealingKey::load_or_create(&path).unwrap();
        assert!(again.open(PLACE, &stored).is_ok());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = SealingKey::load_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_broken_key_file_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write_private(&path, b"").unwrap();
        let error = SealingKey::load_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("key`: it has 0 bytes"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"");
    }
}

//! The one cipher: XChaCha20-Poly1305, whose nonces are long enough to be random.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::zeroize::{Zeroize as _, Zeroizing};
use secrecy::{ExposeSecret as _, SecretBox};

use crate::{Error, Result};

pub(super) const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// A key's bytes. Wiped when dropped, and not shown by `Debug`.
pub type KeyBytes = SecretBox<[u8; KEY_BYTES]>;

/// Seals; `bound` is authenticated along. Returns 24 bytes of nonce, then the ciphertext with its tag.
pub(super) fn seal(key: &KeyBytes, bound: &[u8], secret: &[u8]) -> Result<Vec<u8>> {
    let nonce: [u8; NONCE_BYTES] = random()?;
    let payload = Payload {
        msg: secret,
        aad: bound,
    };
    let sealed = cipher(key)
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| Error::Engine {
            operation: "seal a secret",
            source: "it is too long".into(),
        })?;
    let mut stored = Vec::with_capacity(NONCE_BYTES + sealed.len());
    stored.extend_from_slice(&nonce);
    stored.extend_from_slice(&sealed);
    Ok(stored)
}

/// Opens what [`seal`] returned. `None` for another key, another `bound`, or changed bytes: they cannot be told apart.
pub(super) fn open(key: &KeyBytes, bound: &[u8], stored: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = stored.split_at_checked(NONCE_BYTES)?;
    let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).ok()?;
    let payload = Payload {
        msg: sealed,
        aad: bound,
    };
    let opened = cipher(key).decrypt(&XNonce::from(nonce), payload).ok()?;
    Some(Zeroizing::new(opened))
}

/// Takes the bytes over as a key, and wipes them where they were.
pub(super) fn key_of(bytes: &mut [u8; KEY_BYTES]) -> KeyBytes {
    let key = SecretBox::new(Box::new(*bytes));
    bytes.zeroize();
    key
}

pub(super) fn random_key() -> Result<KeyBytes> {
    Ok(key_of(&mut random()?))
}

pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Engine {
        operation: "get randomness from the system",
        source: Box::new(error),
    })?;
    Ok(bytes)
}

fn cipher(key: &KeyBytes) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose_secret().into())
}

//! Detached Ed25519 signatures, and the names of plugins and keys.

use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use partneros_store::TrustedKey;

use crate::problem::Problem;

/// The header that carries the signature of a component, in base64.
const HEADER: &str = "partneros-signature";
/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 60;

/// What is wrong with a name, a key or a signature.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "failed to use the name `{0}`: it takes lower case letters, digits and hyphens, and at most {NAME_BYTES_MAX} of them"
    )]
    Name(String),
    #[error("failed to read the public key: it must be the 32 bytes of an Ed25519 key in base64")]
    Key,
    #[error(
        "failed to accept the upload: this organization trusts keys, so send `Partneros-Signature` with an Ed25519 signature of the component in base64, as `partneros plugins sign` makes it"
    )]
    Missing,
    #[error(
        "failed to accept the signature: it must be an Ed25519 signature in base64 of exactly these bytes by a trusted key"
    )]
    Untrusted,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match error {
            Error::Name(_) => (StatusCode::BAD_REQUEST, "invalid_name"),
            Error::Key => (StatusCode::BAD_REQUEST, "invalid_key"),
            Error::Missing => (StatusCode::UNPROCESSABLE_ENTITY, "signature_required"),
            Error::Untrusted => (StatusCode::UNPROCESSABLE_ENTITY, "signature_untrusted"),
        };
        Self::new(status, code, &error)
    }
}

/// The signature that came with a request.
pub fn sent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(HEADER)?.to_str().ok()?;
    Some(text.to_owned())
}

/// Checks the name of a plugin or key.
pub fn name(name: &str) -> Result<(), Problem> {
    let word = |word: &str| {
        let mut bytes = word.bytes();
        !word.is_empty() && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if name.len() <= NAME_BYTES_MAX && name.split('-').all(word) {
        return Ok(());
    }
    Err(Error::Name(name.to_owned()).into())
}

/// Reads a public key.
pub fn public_key(text: &str) -> Result<[u8; 32], Problem> {
    let bytes = BASE64_STANDARD.decode(text.trim()).ok();
    let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
    let key = bytes.filter(|bytes| VerifyingKey::from_bytes(bytes).is_ok_and(|key| !key.is_weak()));
    Ok(key.ok_or(Error::Key)?)
}

/// The name of the trusted key that signed the component; none when no key is trusted and nothing was signed.
pub fn signer(
    keys: &[TrustedKey],
    signature: Option<&str>,
    component: &[u8],
) -> Result<Option<String>, Problem> {
    let Some(text) = signature else {
        return if keys.is_empty() {
            Ok(None)
        } else {
            Err(Error::Missing.into())
        };
    };
    let bytes = BASE64_STANDARD.decode(text.trim()).ok();
    let signature = bytes.and_then(|bytes| Signature::from_slice(&bytes).ok());
    let signature = signature.ok_or(Error::Untrusted)?;
    let signed = |key: &&TrustedKey| {
        VerifyingKey::from_bytes(&key.public_key)
            .is_ok_and(|key| key.verify_strict(component, &signature).is_ok())
    };
    let key = keys.iter().find(signed).ok_or(Error::Untrusted)?;
    Ok(Some(key.name.clone()))
}

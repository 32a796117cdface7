//! Secrets and signatures of the Standard Webhooks specification, version 1: HMAC-SHA256 over id, time and body.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use partneros_sync::Environment;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// What every secret begins with, so that people and secret scanners recognise one.
const PREFIX: &str = "whsec_";
/// As many bytes as the hash has; the specification asks for 24 to 64.
const SECRET_BYTES: usize = 32;

/// A secret that does not open, or is not of the form that was made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook's secret cannot be used; rotate it")]
pub(super) struct InvalidSecret;

/// Makes a secret. It is shown once, to whoever verifies messages with it.
pub fn new_secret(environment: &dyn Environment) -> SecretString {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    environment.random(&mut *bytes);
    SecretString::from(format!(
        "{PREFIX}{}",
        BASE64_STANDARD.encode(bytes.as_slice())
    ))
}

/// The value of `webhook-signature`: one signature for each secret, with a space between them.
pub(super) fn signatures(
    secrets: &[SecretString],
    id: &str,
    timestamp: i64,
    body: &str,
) -> Result<String, InvalidSecret> {
    let signed: Result<Vec<String>, InvalidSecret> = secrets
        .iter()
        .map(|secret| {
            let key = secret.expose_secret().strip_prefix(PREFIX);
            let key = key.and_then(|key| BASE64_STANDARD.decode(key).ok());
            let key = Zeroizing::new(key.ok_or(InvalidSecret)?);
            let mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| InvalidSecret)?;
            let mac = mac.chain_update(format!("{id}.{timestamp}."));
            let mac = mac.chain_update(body).finalize().into_bytes();
            Ok(format!("v1,{}", BASE64_STANDARD.encode(mac)))
        })
        .collect();
    Ok(signed?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::SystemEnvironment;

    /// The specification's own example.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn sign(secrets: &[&str]) -> Result<String, InvalidSecret> {
        let secrets: Vec<_> = secrets
            .iter()
            .map(|secret| SecretString::from(*secret))
            .collect();
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#);
        signatures(&secrets, id, 1_614_265_330, body)
    }

    #[test]
    fn the_signature_is_the_specifications() {
        assert_eq!(sign(&[SECRET]).unwrap(), SIGNATURE);
    }

    #[test]
    fn every_secret_signs() {
        let both = sign(&["whsec_AAAA", SECRET]).unwrap();
        let (first, second) = both.split_once(' ').unwrap();
        assert!(first.starts_with("v1,") && first != second);
        assert_eq!(second, SIGNATURE);
    }

    #[test]
    fn what_is_no_secret_signs_nothing() {
        for secret in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!", ""] {
            assert_eq!(sign(&[secret]), Err(InvalidSecret), "{secret}");
        }
    }

    #[test]
    fn a_secret_is_random_and_long_enough() {
        let secret = new_secret(&SystemEnvironment);
        let bytes = secret.expose_secret().strip_prefix(PREFIX).unwrap();
        assert_eq!(BASE64_STANDARD.decode(bytes).unwrap().len(), SECRET_BYTES);
        let other = new_secret(&SystemEnvironment);
        assert_ne!(secret.expose_secret(), other.expose_secret());
        assert!(!format!("{secret:?}").contains(bytes));
    }
}

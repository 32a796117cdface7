//! An organization's data key, and the form of what is sealed under it.
//!
//! Stored form: the form's number 2, four bytes with the data key's number (big-endian), then nonce and ciphertext.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

use super::aead::{self, KeyBytes};
use super::first_form;
use super::place::Place;
use crate::Result;

const FORM: u8 = 2;
const PREFIX_BYTES: usize = 5;

/// A data key of one organization.
pub(crate) struct DataKey {
    number: u32,
    bytes: KeyBytes,
}

/// What a stored value says it is sealed under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SealedUnder {
    /// The organization's data key of this number.
    DataKey(u32),
    /// A wrapping key of this name, directly: the first form.
    RingKey(String),
    /// Nothing that is known.
    Unknown,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl DataKey {
    pub(crate) fn new(number: u32, bytes: KeyBytes) -> Self {
        Self { number, bytes }
    }

    pub(crate) fn random(number: u32) -> Result<Self> {
        Ok(Self::new(number, aead::random_key()?))
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn bytes(&self) -> &KeyBytes {
        &self.bytes
    }

    pub(crate) fn seal(&self, place: Place, secret: &SecretString) -> Result<Vec<u8>> {
        let mut stored = sealed_prefix(self.number).to_vec();
        let bound = place.bound(FORM);
        let sealed = aead::seal(&self.bytes, &bound, secret.expose_secret().as_bytes())?;
        stored.extend_from_slice(&sealed);
        Ok(stored)
    }

    pub(crate) fn open(&self, place: Place, stored: &[u8]) -> Result<SecretString> {
        let sealed = stored
            .strip_prefix(&sealed_prefix(self.number))
            .ok_or_else(|| place.changed())?;
        let opened = aead::open(&self.bytes, &place.bound(FORM), sealed);
        place.text(&opened.ok_or_else(|| place.changed())?)
    }
}

/// What every value begins with that is sealed under the data key of this number.
pub(crate) fn sealed_prefix(number: u32) -> [u8; PREFIX_BYTES] {
    let [a, b, c, d] = number.to_be_bytes();
    [FORM, a, b, c, d]
}

pub(crate) fn sealed_under(stored: &[u8]) -> SealedUnder {
    match *stored {
        [FORM, a, b, c, d, ..] => SealedUnder::DataKey(u32::from_be_bytes([a, b, c, d])),
        _ => first_form::ring_key(stored).map_or(SealedUnder::Unknown, SealedUnder::RingKey),
    }
}

#[cfg(test)]
mod tests {
    use partneros_domain::OrganizationId;
    use uuid::Uuid;

    use super::super::place::{ACCESS_TOKEN, REFRESH_TOKEN};
    use super::*;
    use crate::Error;
    use crate::error::SealProblem;

    const PLACE: Place = Place {
        organization: OrganizationId(Uuid::from_u128(1)),
        column: &ACCESS_TOKEN,
        row: Uuid::from_u128(2),
    };

    fn sealed(key: &DataKey) -> Vec<u8> {
        key.seal(PLACE, &SecretString::from("s3cret")).unwrap()
    }

    #[test]
    fn a_sealed_secret_opens_in_its_place_only() {
        let key = DataKey::random(1).unwrap();
        let stored = sealed(&key);
        assert_eq!(key.open(PLACE, &stored).unwrap().expose_secret(), "s3cret");
        let elsewhere = [
            Place {
                organization: OrganizationId(Uuid::from_u128(3)),
                ..PLACE
            },
            Place {
                row: Uuid::from_u128(3),
                ..PLACE
            },
            Place {
                column: &REFRESH_TOKEN,
                ..PLACE
            },
        ];
        for place in elsewhere {
            let Error::Sealed { problem, .. } = key.open(place, &stored).unwrap_err() else {
                panic!("{place:?}")
            };
            assert!(
                matches!(problem, SealProblem::Changed { .. }),
                "{problem:?}"
            );
        }
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let key = DataKey::random(1).unwrap();
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
        let key = DataKey::random(1).unwrap();
        let other = DataKey::random(1).unwrap();
        assert!(other.open(PLACE, &sealed(&key)).is_err());
        assert_ne!(sealed(&key), sealed(&key));
        assert_eq!(format!("{key:?}"), "DataKey { number: 1, .. }");
    }

    #[test]
    fn a_stored_value_says_what_it_is_under() {
        let key = DataKey::random(258).unwrap();
        assert_eq!(sealed_under(&sealed(&key)), SealedUnder::DataKey(258));
        for odd in [&[][..], &[9; 60], &[FORM, 0, 0]] {
            assert_eq!(sealed_under(odd), SealedUnder::Unknown);
        }
    }
}

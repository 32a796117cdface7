//! The first form of sealed values, which only tokens had: under a wrapping key directly. It is opened to be sealed anew
//! when a database is opened, and no longer made.
//!
//! Stored form: the form's number 1, four bytes that name the key, then nonce and ciphertext.

use partneros_domain::{ConnectionId, OrganizationId};
use secrecy::SecretString;

use super::aead::{self, KeyBytes};
use super::place::{Place, SealedColumn};

const FORM: u8 = 1;
const KEY_ID_BYTES: usize = 4;

/// What identifies a value of the first form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstForm {
    pub(crate) organization: OrganizationId,
    pub(crate) connection: ConnectionId,
    pub(crate) column: &'static SealedColumn,
}

/// The name of the wrapping key that a value of the first form is under.
pub(super) fn ring_key(stored: &[u8]) -> Option<String> {
    match *stored {
        [FORM, a, b, c, d, ..] => Some(hex::encode([a, b, c, d])),
        _ => None,
    }
}

impl FirstForm {
    pub(crate) fn place(self) -> Place {
        Place {
            organization: self.organization,
            column: self.column,
            row: self.connection.0,
        }
    }

    pub(super) fn open(self, key: &KeyBytes, stored: &[u8]) -> Option<SecretString> {
        let sealed = stored.get(1 + KEY_ID_BYTES..)?;
        let mut bound = vec![FORM];
        bound.extend_from_slice(self.organization.0.as_bytes());
        bound.extend_from_slice(self.connection.0.as_bytes());
        bound.extend_from_slice(self.column.name.as_bytes());
        let opened = aead::open(key, &bound, sealed)?;
        self.place().text(&opened).ok()
    }
}

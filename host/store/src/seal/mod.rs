//! Sealing of secrets before they are stored: XChaCha20-Poly1305 under a data key of the organization.
//!
//! Two layers. A secret is sealed under its organization's data key, 32 random bytes that are stored wrapped: sealed
//! themselves under a wrapping key that is not in the database. Wrapping keys are in a [`KeyRing`], a file or settings;
//! a [`KeyWrapper`] of another kind may ask a key management service. Changing the wrapping key touches one short row an
//! organization; removing that row makes all of its secrets unreadable.
//!
//! What is authenticated along with a secret names its organization, row, table, column and form, so that it opens in
//! the place it was sealed for and nowhere else. A new sealed column is a line in `place`.
//!
//! Invariant: an opened secret leaves this module as a `SecretString`, a key never; key bytes are wiped when dropped.

mod aead;
mod data_key;
mod first_form;
mod place;
mod ring;
mod ring_file;
mod unwrapped;
mod wrapper;

pub use aead::KeyBytes;
pub(crate) use data_key::{DataKey, SealedUnder, sealed_prefix, sealed_under};
pub(crate) use first_form::FirstForm;
pub(crate) use place::{
    ACCESS_TOKEN, Place, REFRESH_PREVIOUS, REFRESH_TOKEN, SEALED_COLUMNS, SealedColumn,
    WEBHOOK_SECRETS,
};
pub use ring::{KeyRing, RingEdit, RingKeyInfo};
pub(crate) use unwrapped::Unwrapped;
pub use wrapper::{KeyWrapper, UnwrapError, WrapContext, WrappedKey};

//! New keys for a device: wrapped under its KEK, as class 64 method `key_transfer` wants them, and under the storage key, for the registry.
//!
//! Each key is made on the token, and is there until both blobs are. Which is in force nobody knows until the device has answered, and
//! perhaps not then: what is given for the registry is *pending*, and goes beside the current one. Not the method call: its octets are
//! put together by whoever makes work orders.

use ca_core::record::{SecretKind, WrappedSecret};

use super::desk::{Desk, wrapping_template};
use super::{RewrapError, Role};
use crate::secret_shape::{KeyLength, SecretShapeError, Shape};

/// Which keys are wanted.
#[derive(Debug, Clone, Copy)]
pub struct NewKeys<'a> {
    /// Their kinds; HLS and LLS are no keys. The answer is in the order in which keys are changed without locking anybody out: GAK, GUEK, GBEK, KEK.
    pub kinds: &'a [SecretKind],
    /// How long they are; as long as the KEK where nobody says.
    pub length: Option<KeyLength>,
    /// The label of the storage key.
    pub storage: &'a str,
}

/// A new key of a device, twice wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTransfer {
    /// Which key: `key_id` of `key_transfer`, 0 GUEK, 1 GBEK, 2 GAK, 3 KEK (class 64, Green Book 9.2.6.6).
    pub key_id: u8,
    /// The key by RFC 3394 under the KEK that the device has: `wrapped_key` of `key_transfer`.
    pub wrapped_key: Vec<u8>,
    /// The same key under the storage key: pending, beside the current one.
    pub pending: WrappedSecret,
}

/// The order of a change (current and pending are held until the device has answered to the new key), with the `key_id` of each.
const ORDER: [(SecretKind, u8); 4] =
    [(SecretKind::Gak, 2), (SecretKind::Guek, 0), (SecretKind::Gbek, 1), (SecretKind::Kek, 3)];

pub(super) fn make(
    desk: &mut Desk,
    kek: &WrappedSecret,
    wanted: &NewKeys<'_>,
) -> Result<Vec<KeyTransfer>, RewrapError> {
    if kek.kind != SecretKind::Kek {
        return Err(RewrapError::NotAKek);
    }
    let Shape::Key(length) = Shape::of(kek)? else { return Err(RewrapError::NotAKek) };
    if let Some(kind) = wanted.kinds.iter().find(|kind| !ORDER.iter().any(|(known, _)| known == *kind)) {
        return Err(SecretShapeError::NotAKey { kind: *kind }.into());
    }
    let length = wanted.length.unwrap_or(length);
    let under = desk.key(&kek.wrapped_by, Role::Unwraps)?;
    let storage = desk.key(wanted.storage, Role::Wraps)?;
    let device = desk.unwrapped((under, kek), &wrapping_template())?;
    let one = |(kind, key_id): (SecretKind, u8)| {
        let made = desk.new_key(length.octets())?;
        let wrapped_key = desk.wrapped(device.handle, (Shape::Key(length), &made))?;
        let octets = desk.wrapped(storage, (Shape::Key(length), &made))?;
        let pending = WrappedSecret { kind, wrapped_by: wanted.storage.to_owned(), octets };
        Ok(KeyTransfer { key_id, wrapped_key, pending })
    };
    ORDER.into_iter().filter(|(kind, _)| wanted.kinds.contains(kind)).map(one).collect()
}

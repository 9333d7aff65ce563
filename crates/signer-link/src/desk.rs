//! Where requests arrive: what whoever holds the keys answers. The link carries requests, and decides none.

use core::fmt;
use std::io;

use ca_core::key_ref::KeyRef;
use ca_core::octets::Octets;
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use der::asn1::OctetString;

use crate::denial::Denial;
use crate::wire::{Frame, KeyStateFields, Kind, StateFields, unsound};

/// Who asks, as the kernel says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// The user id.
    pub user: u32,
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uid-{}", self.user)
    }
}

/// Answers requests; many at a time.
pub trait SigningDesk: Send + Sync {
    /// Lists the public keys of the keys that it may sign with.
    fn keys(&self) -> Vec<PublicKey>;

    /// Tells how it stands.
    fn state(&self) -> SignerState;

    /// Signs octets with a key, if it may.
    ///
    /// # Errors
    /// [`Denial`]
    fn sign(&self, asker: Asker, key: &KeyRef, octets: Octets) -> Result<EcdsaSignature, Denial>;
}

/// How a signer stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignerState {
    /// How many records its log has.
    pub records: u64,
    /// The SHA-256 of the last.
    pub head: [u8; 32],
    /// What each key did.
    pub keys: Vec<KeyState>,
}

/// What a key did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyState {
    /// The key.
    pub key: KeyRef,
    /// What it is for.
    pub purposes: String,
    /// Signatures since the process began.
    pub signed: u64,
    /// Requests denied since the process began.
    pub denied: u64,
    /// Signatures of this day, those before the process began too.
    pub today: u64,
}

impl SignerState {
    pub(crate) fn frame(&self) -> io::Result<Frame> {
        let keys = self.keys.iter().map(|one| {
            Ok(KeyStateFields {
                key: OctetString::new(one.key.octets().as_slice()).map_err(unsound)?,
                purposes: one.purposes.clone(),
                signed: one.signed,
                denied: one.denied,
                today: one.today,
            })
        });
        let fields = StateFields {
            records: self.records,
            head: OctetString::new(self.head.as_slice()).map_err(unsound)?,
            keys: keys.collect::<io::Result<_>>()?,
        };
        Frame::of(Kind::State, &fields)
    }

    pub(crate) fn read(frame: &Frame) -> io::Result<Self> {
        let StateFields { records, head, keys } = frame.value()?;
        let keys = keys.into_iter().map(|fields| {
            let KeyStateFields { key, purposes, signed, denied, today } = fields;
            Ok(KeyState { key: key_ref(&key)?, purposes, signed, denied, today })
        });
        let head = head.as_bytes().try_into().map_err(|_| unsound("a hash has 32 octets"))?;
        Ok(Self { records, head, keys: keys.collect::<io::Result<_>>()? })
    }
}

/// Reads the name of a key.
pub(crate) fn key_ref(octets: &OctetString) -> io::Result<KeyRef> {
    octets.as_bytes().try_into().map(KeyRef::new).map_err(|_| unsound("the name of a key has 20 octets"))
}

/// Writes down public keys.
pub(crate) fn keys_frame(keys: &[PublicKey]) -> io::Result<Frame> {
    let keys = keys.iter().map(|key| OctetString::new(key.spki_der()).map_err(unsound));
    Frame::of(Kind::Keys, &keys.collect::<io::Result<Vec<_>>>()?)
}

/// Reads public keys.
pub(crate) fn read_keys(frame: &Frame) -> io::Result<Vec<PublicKey>> {
    let keys: Vec<OctetString> = frame.value()?;
    keys.iter().map(|key| PublicKey::from_spki_der(key.as_bytes()).map_err(unsound)).collect()
}

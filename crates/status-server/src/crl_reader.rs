//! Reads a CRL as it comes: one pass over any number of octets, in constant memory (RFC 5280 §5.1).
//!
//! A reader of its own: it shares nothing with the code that makes CRLs, so that what goes out was read by two. Values are told
//! apart here by tag and length; what stands in the short ones is for the `der` and `x509-cert` crates. The signature is
//! verified by p256 and p384, whereas it is made and first verified elsewhere by others. What the list should say is not judged.

mod entry;
mod head;
mod signed;
mod values;

use std::io::{self, Read};

use ca_core::public_key::PublicKey;
use ca_core::validity::UnixTime;
use const_oid::ObjectIdentifier;
use der::Decode;
use sha2::Digest;
use x509_cert::ext::Extension;
use x509_cert::time::Time;

pub use entry::ReadEntry;
pub(crate) use head::Entries;
use head::Head;
use signed::Hashes;
use values::{BIT_STRING, CONTEXT_0, SEQUENCE, Values};

/// The most octets that extensions, a name or an entry may have.
const LONGEST: u64 = 64 * 1024;

const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
const DELTA_CRL_INDICATOR: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.27");
const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");

/// What a CRL says besides its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadCrl {
    /// The DER of its issuer's name.
    pub issuer: Vec<u8>,
    /// thisUpdate.
    pub this_update: UnixTime,
    /// nextUpdate.
    pub next_update: UnixTime,
    /// Its extensions, each once.
    pub extensions: Vec<Extension>,
    /// The CRL number.
    pub number: u64,
    /// How many entries it has.
    pub entries: u64,
    /// How many octets it has.
    pub octets: u64,
    /// SHA-256 of all its octets.
    pub sha256: [u8; 32],
}

impl ReadCrl {
    /// Reads a CRL to its end, tells `each` of every entry in its order, and verifies the signature with the key.
    ///
    /// Entries are told before the signature is known to be good: nothing may be done because of one alone.
    ///
    /// # Errors
    /// [`ReadCrlError`].
    pub fn read(
        source: impl Read,
        key: &PublicKey,
        mut each: impl FnMut(&ReadEntry<'_>),
    ) -> Result<Self, ReadCrlError> {
        let mut values = Values::new(source, Some(Hashes::for_key_on(key.curve())));
        let Head { whole, tbs, algorithm, issuer, this_update, next_update, list } = Head::read(&mut values)?;
        let mut entries = 0;
        if let Some(list) = list {
            while values.position() < list {
                each(&ReadEntry::read(values.take(SEQUENCE, LONGEST)?)?);
                entries += 1;
            }
            // RFC 5280 §5.1.2.6: with nothing revoked the list is absent.
            if entries == 0 {
                return Err(ReadCrlError::EmptyList);
            }
            values.leave(list)?;
        }
        let explicit = values.take(CONTEXT_0, LONGEST)?.to_vec();
        values.leave(tbs)?;
        values.end_signed();
        let (outer, signature) =
            (values.take(SEQUENCE, 64)?.to_vec(), values.take(BIT_STRING, 256)?.to_vec());
        values.leave(whole)?;
        let (octets, hashes) = values.finish()?;
        // RFC 5280 §5.1.1.2: the two are the same.
        if outer != algorithm {
            return Err(ReadCrlError::Algorithm);
        }
        let hashes = hashes.ok_or(ReadCrlError::Signature)?;
        hashes.tbs.verify(key, &algorithm, &signature)?;
        let extensions = extensions(&explicit)?;
        let number = number(&extensions, CRL_NUMBER)?.ok_or(ReadCrlError::NoNumber)?;
        Ok(Self {
            issuer,
            this_update,
            next_update,
            number,
            extensions,
            entries,
            octets,
            sha256: hashes.whole.finalize().into(),
        })
    }

    /// Returns an extension's value, and whether it is critical.
    #[must_use]
    pub fn extension(&self, oid: ObjectIdentifier) -> Option<(bool, &[u8])> {
        let found = self.extensions.iter().find(|extension| extension.extn_id == oid)?;
        Some((found.critical, found.extn_value.as_bytes()))
    }

    /// Returns the value of the issuing distribution point: of what the CRL speaks, when not of all.
    #[must_use]
    pub fn issuing_distribution_point(&self) -> Option<&[u8]> {
        self.extension(ISSUING_DISTRIBUTION_POINT).map(|(_, value)| value)
    }

    /// Returns the number of the CRL to which this one is a delta (RFC 5280 §5.2.4).
    ///
    /// # Errors
    /// [`ReadCrlError::NoNumber`] when it is there and no number.
    pub fn base(&self) -> Result<Option<u64>, ReadCrlError> {
        number(&self.extensions, DELTA_CRL_INDICATOR)
    }
}

fn extensions(explicit: &[u8]) -> Result<Vec<Extension>, ReadCrlError> {
    let (_, content) = values::split(explicit)?;
    let extensions = Vec::<Extension>::from_der(content)?;
    let oids = || extensions.iter().map(|extension| extension.extn_id);
    let twice = oids().enumerate().find(|(at, oid)| oids().take(*at).any(|earlier| earlier == *oid));
    match twice {
        Some((_, oid)) => Err(ReadCrlError::Doubled { oid }),
        None => Ok(extensions),
    }
}

fn number(extensions: &[Extension], oid: ObjectIdentifier) -> Result<Option<u64>, ReadCrlError> {
    let found = extensions.iter().find(|extension| extension.extn_id == oid);
    let decode = |extension: &Extension| u64::from_der(extension.extn_value.as_bytes());
    found.map(decode).transpose().map_err(|_| ReadCrlError::NoNumber)
}

fn time(der: &[u8]) -> Result<UnixTime, ReadCrlError> {
    let seconds = Time::from_der(der)?.to_unix_duration().as_secs();
    Ok(UnixTime::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

/// Why octets are not a CRL of this key.
#[derive(Debug, thiserror::Error)]
pub enum ReadCrlError {
    /// They cannot be had.
    #[error("the octets cannot be read: {0}")]
    Octets(#[from] io::Error),
    /// They are not DER of a CRL.
    #[error("it is not DER of a CRL at octet {at}")]
    NotDer {
        /// Where.
        at: u64,
    },
    /// A value in it is not what stands there in a CRL.
    #[error("a value of it is not DER: {0}")]
    Value(#[from] der::Error),
    /// Not of version 2.
    #[error("it is not of version 2")]
    Version,
    /// The list of entries is there and empty.
    #[error("it has an empty list where none should be")]
    EmptyList,
    /// Not signed by ECDSA with the hash that belongs to the key, or said so in one of two places only.
    #[error("its signature algorithm is not the one of this key")]
    Algorithm,
    /// Another key's, or changed after it was signed.
    #[error("it was not signed with this key, or was changed since")]
    Signature,
    /// No CRL number, or one beyond 64 bits.
    #[error("it has no CRL number of at most 64 bits")]
    NoNumber,
    /// An extension stands there twice.
    #[error("it has the extension {oid} twice")]
    Doubled {
        /// Which.
        oid: ObjectIdentifier,
    },
}

//! How messages are protected (RFC 9810 §5.1.3): which algorithm a header names, and the MACs of shared secrets (RFC 9481 §6).
//!
//! Signatures are made and verified by whoever holds keys; here only their algorithm is told. Hashes, HMAC and PBKDF2 are
//! those of aws-lc-rs.

use core::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use ca_core::suite::Curve;
use const_oid::ObjectIdentifier;
use der::asn1::{Any, Null, OctetString};
use der::{Encode, Sequence};
use spki::AlgorithmIdentifierOwned;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// id-PasswordBasedMac (RFC 9481 §6.1.1).
const PASSWORD_BASED_MAC: ObjectIdentifier = oid("1.2.840.113533.7.66.13");
/// id-PBMAC1 (RFC 9481 §6.1.2).
const PBMAC1: ObjectIdentifier = oid("1.2.840.113549.1.5.14");
/// id-PBKDF2 (RFC 9481 §4.4).
const PBKDF2: ObjectIdentifier = oid("1.2.840.113549.1.5.12");

/// HMAC-SHA1 by its two names (RFC 4211 §4.4, RFC 8018 App. B.1.1).
const HMAC_SHA1: [ObjectIdentifier; 2] = [oid("1.3.6.1.5.5.8.1.2"), oid("1.2.840.113549.2.7")];

/// The fewest iterations that are taken: fewer protect nothing.
pub const MIN_ITERATIONS: u32 = 100;
/// The most iterations that are taken: more are work that a stranger makes us do.
pub const MAX_ITERATIONS: u32 = 100_000;
/// How long a salt may be, in octets.
const SALT_OCTETS: core::ops::RangeInclusive<usize> = 8..=64;

/// The hash inside a MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    const fn octets(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    const fn digest_oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha256 => oid("2.16.840.1.101.3.4.2.1"),
            Self::Sha384 => oid("2.16.840.1.101.3.4.2.2"),
            Self::Sha512 => oid("2.16.840.1.101.3.4.2.3"),
        }
    }

    const fn hmac_oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha256 => oid("1.2.840.113549.2.9"),
            Self::Sha384 => oid("1.2.840.113549.2.10"),
            Self::Sha512 => oid("1.2.840.113549.2.11"),
        }
    }

    fn by_digest(algorithm: &AlgorithmIdentifierOwned) -> Option<Self> {
        Self::ALL.into_iter().find(|hash| hash.digest_oid() == algorithm.oid && has_no_parameters(algorithm))
    }

    fn by_hmac(algorithm: &AlgorithmIdentifierOwned) -> Option<Self> {
        Self::ALL.into_iter().find(|hash| hash.hmac_oid() == algorithm.oid && has_no_parameters(algorithm))
    }

    fn digest(self, octets: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, octets)
    }

    fn hmac(self, key: &[u8], octets: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), octets).as_ref().to_vec()
    }
}

/// NULL and nothing both stand for no parameters.
fn has_no_parameters(algorithm: &AlgorithmIdentifierOwned) -> bool {
    algorithm.parameters.as_ref().is_none_or(Any::is_null)
}

/// ```text
/// PBMParameter ::= SEQUENCE {          -- RFC 4211 §4.4
///     salt           OCTET STRING,
///     owf            AlgorithmIdentifier,
///     iterationCount INTEGER,
///     mac            AlgorithmIdentifier }
/// ```
#[derive(Sequence)]
struct PbmParameter {
    salt: OctetString,
    owf: AlgorithmIdentifierOwned,
    iteration_count: u64,
    mac: AlgorithmIdentifierOwned,
}

/// ```text
/// PBMAC1-params ::= SEQUENCE { keyDerivationFunc AlgorithmIdentifier, messageAuthScheme AlgorithmIdentifier }
/// ```
#[derive(Sequence)]
struct Pbmac1Params {
    key_derivation_func: AlgorithmIdentifierOwned,
    message_auth_scheme: AlgorithmIdentifierOwned,
}

/// ```text
/// PBKDF2-params ::= SEQUENCE {         -- RFC 8018 App. A.2
///     salt           CHOICE { specified OCTET STRING, … },
///     iterationCount INTEGER,
///     keyLength      INTEGER OPTIONAL,
///     prf            AlgorithmIdentifier DEFAULT algid-hmacWithSHA1 }
/// ```
///
/// SHA-1, the default, is not taken: prf is always there.
#[derive(Sequence)]
struct Pbkdf2Params {
    salt: OctetString,
    iteration_count: u64,
    #[asn1(optional = "true")]
    key_length: Option<u16>,
    prf: AlgorithmIdentifierOwned,
}

/// How a MAC is made of a shared secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacAlgorithm {
    salt: Vec<u8>,
    iterations: NonZeroU32,
    family: Family,
}

/// How the key of the MAC comes of the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// RFC 4211 §4.4: hashed again and again.
    PasswordBased { owf: Hash, mac: Hash },
    /// The same with HMAC-SHA1, as old peers answer; read and never chosen.
    OldPasswordBased { owf: Hash },
    /// RFC 8018 §7.1: by PBKDF2.
    Pbmac1 { prf: Hash, key_octets: u16, mac: Hash },
}

/// Which family a MAC is made by, for those who choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacFamily {
    /// `PasswordBasedMac`, what older peers know.
    PasswordBasedMac,
    /// PBMAC1.
    Pbmac1,
}

impl MacAlgorithm {
    /// Makes the algorithm of a new message: SHA-256 inside, 10,000 iterations, and this salt of 16 octets.
    #[must_use]
    pub fn new(family: MacFamily, salt: [u8; 16]) -> Self {
        let family = match family {
            MacFamily::PasswordBasedMac => Family::PasswordBased { owf: Hash::Sha256, mac: Hash::Sha256 },
            MacFamily::Pbmac1 => Family::Pbmac1 { prf: Hash::Sha256, key_octets: 32, mac: Hash::Sha256 },
        };
        Self { salt: salt.to_vec(), iterations: NonZeroU32::MIN.saturating_add(9_999), family }
    }

    /// Makes the algorithm that answers this one: the same with another salt (RFC 9483 §4.1.5).
    #[must_use]
    pub fn with_salt(&self, salt: [u8; 16]) -> Self {
        Self { salt: salt.to_vec(), ..self.clone() }
    }

    /// Reads what protectionAlg says.
    ///
    /// # Errors
    /// [`MacAlgorithmError`], before anything is computed.
    pub fn read(algorithm: &AlgorithmIdentifierOwned) -> Result<Self, MacAlgorithmError> {
        let parameters = algorithm.parameters.as_ref().ok_or(MacAlgorithmError::Parameters)?;
        let (salt, iterations, family) = match algorithm.oid {
            PASSWORD_BASED_MAC => read_password_based(parameters)?,
            PBMAC1 => read_pbmac1(parameters)?,
            other => return Err(MacAlgorithmError::Unknown { algorithm: other }),
        };
        Self::bounded(&salt, iterations, family)
    }

    /// Reads what protectionAlg of an old peer's answer says: as [`Self::read`], and HMAC-SHA1 inside
    /// `PasswordBasedMac` as well.
    ///
    /// RFC 4211 §4.4 made HMAC-SHA1 the one that all know, and OpenSSL up to 3 answers by it. A MAC does not rest on what SHA-1
    /// has lost; the hash of the key derivation is still one of SHA-2.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_of_old_peer(algorithm: &AlgorithmIdentifierOwned) -> Result<Self, MacAlgorithmError> {
        let parameters = algorithm.parameters.as_ref().ok_or(MacAlgorithmError::Parameters)?;
        match parameters.decode_as::<PbmParameter>() {
            Ok(old) if algorithm.oid == PASSWORD_BASED_MAC && HMAC_SHA1.contains(&old.mac.oid) => {
                let owf =
                    Hash::by_digest(&old.owf).ok_or(MacAlgorithmError::Unknown { algorithm: old.owf.oid })?;
                Self::bounded(&old.salt, old.iteration_count, Family::OldPasswordBased { owf })
            }
            Ok(_) | Err(_) => Self::read(algorithm),
        }
    }

    fn bounded(salt: &OctetString, iterations: u64, family: Family) -> Result<Self, MacAlgorithmError> {
        if !SALT_OCTETS.contains(&salt.as_bytes().len()) {
            return Err(MacAlgorithmError::Salt { octets: salt.as_bytes().len() });
        }
        let iterations = u32::try_from(iterations)
            .ok()
            .filter(|count| (MIN_ITERATIONS..=MAX_ITERATIONS).contains(count))
            .and_then(NonZeroU32::new)
            .ok_or(MacAlgorithmError::Iterations { iterations })?;
        Ok(Self { salt: salt.as_bytes().to_vec(), iterations, family })
    }

    /// Tells whether protectionAlg names a MAC at all, be it one that is not taken.
    #[must_use]
    pub fn is_mac(algorithm: &AlgorithmIdentifierOwned) -> bool {
        /// KMAC128 and KMAC256 (RFC 9481 §6.2.2).
        const KMACS: [ObjectIdentifier; 2] = [oid("2.16.840.1.101.3.4.2.19"), oid("2.16.840.1.101.3.4.2.20")];
        [PASSWORD_BASED_MAC, PBMAC1].contains(&algorithm.oid)
            || KMACS.contains(&algorithm.oid)
            || Hash::ALL.iter().any(|hash| hash.hmac_oid() == algorithm.oid)
    }

    /// Writes what protectionAlg says.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn identifier(&self) -> der::Result<AlgorithmIdentifierOwned> {
        let salt = OctetString::new(self.salt.as_slice())?;
        let iteration_count = u64::from(self.iterations.get());
        match self.family {
            Family::PasswordBased { owf, mac } => {
                let mac = null(mac.hmac_oid())?;
                let owf = bare(owf.digest_oid());
                named(PASSWORD_BASED_MAC, &PbmParameter { salt, owf, iteration_count, mac })
            }
            Family::OldPasswordBased { owf } => {
                let [mac, _] = HMAC_SHA1.map(bare);
                let owf = bare(owf.digest_oid());
                named(PASSWORD_BASED_MAC, &PbmParameter { salt, owf, iteration_count, mac })
            }
            Family::Pbmac1 { prf, key_octets, mac } => {
                let prf = null(prf.hmac_oid())?;
                let parameters = Pbkdf2Params { salt, iteration_count, key_length: Some(key_octets), prf };
                let key_derivation_func = named(PBKDF2, &parameters)?;
                let message_auth_scheme = null(mac.hmac_oid())?;
                named(PBMAC1, &Pbmac1Params { key_derivation_func, message_auth_scheme })
            }
        }
    }

    /// Makes the MAC of octets under a shared secret.
    #[must_use]
    pub fn mac(&self, secret: &[u8], octets: &[u8]) -> Vec<u8> {
        match self.family {
            Family::PasswordBased { owf, mac } => mac.hmac(&self.hashed_key(owf, secret), octets),
            Family::OldPasswordBased { owf } => {
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.hashed_key(owf, secret));
                hmac::sign(&key, octets).as_ref().to_vec()
            }
            Family::Pbmac1 { prf, key_octets, mac } => {
                let mut key = Zeroizing::new(vec![0; usize::from(key_octets)]);
                pbkdf2::derive(kdf(prf), self.iterations, &self.salt, secret, &mut key);
                mac.hmac(&key, octets)
            }
        }
    }

    /// Tells whether this is the MAC of the octets under the secret, in time that does not depend on where it differs.
    #[must_use]
    pub fn verify(&self, secret: &[u8], octets: &[u8], mac: &[u8]) -> bool {
        self.mac(secret, octets).ct_eq(mac).into()
    }

    /// RFC 4211 §4.4: the secret followed by the salt, hashed as often as there are iterations.
    fn hashed_key(&self, owf: Hash, secret: &[u8]) -> Zeroizing<Vec<u8>> {
        // It never grows, so that no copy of the secret stays behind.
        let mut key = Zeroizing::new(Vec::with_capacity((secret.len() + self.salt.len()).max(owf.octets())));
        key.extend_from_slice(secret);
        key.extend_from_slice(&self.salt);
        for _ in 0..self.iterations.get() {
            let digest = owf.digest(&key);
            key.clear();
            key.extend_from_slice(digest.as_ref());
        }
        key
    }
}

fn read_password_based(parameters: &Any) -> Result<(OctetString, u64, Family), MacAlgorithmError> {
    let PbmParameter { salt, owf, iteration_count, mac } =
        parameters.decode_as().map_err(|_| MacAlgorithmError::Parameters)?;
    let owf = Hash::by_digest(&owf).ok_or(MacAlgorithmError::Unknown { algorithm: owf.oid })?;
    let mac = Hash::by_hmac(&mac).ok_or(MacAlgorithmError::Unknown { algorithm: mac.oid })?;
    Ok((salt, iteration_count, Family::PasswordBased { owf, mac }))
}

fn read_pbmac1(parameters: &Any) -> Result<(OctetString, u64, Family), MacAlgorithmError> {
    let Pbmac1Params { key_derivation_func: kdf, message_auth_scheme: mac } =
        parameters.decode_as().map_err(|_| MacAlgorithmError::Parameters)?;
    let mac = Hash::by_hmac(&mac).ok_or(MacAlgorithmError::Unknown { algorithm: mac.oid })?;
    if kdf.oid != PBKDF2 {
        return Err(MacAlgorithmError::Unknown { algorithm: kdf.oid });
    }
    let Pbkdf2Params { salt, iteration_count, key_length, prf } = kdf
        .parameters
        .as_ref()
        .and_then(|parameters| parameters.decode_as().ok())
        .ok_or(MacAlgorithmError::Parameters)?;
    let prf = Hash::by_hmac(&prf).ok_or(MacAlgorithmError::Unknown { algorithm: prf.oid })?;
    let whole = u16::try_from(mac.octets()).map_err(|_| MacAlgorithmError::Parameters)?;
    // A key shorter than half of the hash is weaker than the hash; one longer than 64 octets costs more and gives nothing.
    let key_octets = key_length.unwrap_or(whole);
    if !(16..=64).contains(&key_octets) {
        return Err(MacAlgorithmError::Parameters);
    }
    Ok((salt, iteration_count, Family::Pbmac1 { prf, key_octets, mac }))
}

const fn kdf(prf: Hash) -> pbkdf2::Algorithm {
    match prf {
        Hash::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        Hash::Sha384 => pbkdf2::PBKDF2_HMAC_SHA384,
        Hash::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
    }
}

fn named<T: Encode + der::EncodeValue + der::Tagged>(
    oid: ObjectIdentifier,
    parameters: &T,
) -> der::Result<AlgorithmIdentifierOwned> {
    Ok(AlgorithmIdentifierOwned { oid, parameters: Some(Any::encode_from(parameters)?) })
}

fn null(oid: ObjectIdentifier) -> der::Result<AlgorithmIdentifierOwned> {
    named(oid, &Null)
}

const fn bare(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters: None }
}

/// Why a MAC cannot be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MacAlgorithmError {
    /// An algorithm that is not taken.
    #[error("the algorithm {algorithm} is not taken")]
    Unknown {
        /// Which.
        algorithm: ObjectIdentifier,
    },
    /// Parameters that are none.
    #[error("the parameters of the MAC are not those of its algorithm")]
    Parameters,
    /// Too few iterations or too many.
    #[error("{iterations} iterations are not between {MIN_ITERATIONS} and {MAX_ITERATIONS}")]
    Iterations {
        /// How many.
        iterations: u64,
    },
    /// A salt too short or too long.
    #[error("the salt has {octets} octets, not 8 to 64")]
    Salt {
        /// How many.
        octets: usize,
    },
}

/// Returns what protectionAlg says of a signature by a key on this curve (RFC 9481 §3.2).
#[must_use]
pub const fn signature_algorithm(curve: Curve) -> AlgorithmIdentifierOwned {
    bare(curve.signature_algorithm())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every() -> [MacAlgorithm; 2] {
        [MacFamily::PasswordBasedMac, MacFamily::Pbmac1].map(|family| MacAlgorithm::new(family, [7; 16]))
    }

    #[test]
    fn what_is_written_is_read_again_and_makes_the_same_mac() {
        for algorithm in every() {
            let again = MacAlgorithm::read(&algorithm.identifier().unwrap()).unwrap();
            assert_eq!(again, algorithm);
            let mac = algorithm.mac(b"secret", b"octets");
            assert!(again.verify(b"secret", b"octets", &mac));
            assert!(!again.verify(b"Secret", b"octets", &mac));
            assert!(!again.verify(b"secret", b"Octets", &mac));
            assert!(!again.verify(b"secret", b"octets", &mac[1..]));
            assert!(!again.with_salt([8; 16]).verify(b"secret", b"octets", &mac));
        }
    }

    // C-21: iterations are bounded on both sides before anything is computed.
    #[test]
    fn c_21_iterations_are_bounded_before_they_are_done() {
        for (count, taken) in [(99, false), (100, true), (100_000, true), (100_001, false), (1 << 31, false)]
        {
            let parameters = PbmParameter {
                salt: OctetString::new([1; 16]).unwrap(),
                owf: bare(Hash::Sha256.digest_oid()),
                iteration_count: count,
                mac: null(Hash::Sha256.hmac_oid()).unwrap(),
            };
            let read = MacAlgorithm::read(&named(PASSWORD_BASED_MAC, &parameters).unwrap());
            assert_eq!(read.is_ok(), taken, "{count}");
            if !taken {
                assert_eq!(read, Err(MacAlgorithmError::Iterations { iterations: count }));
            }
        }
    }

    #[test]
    fn sha_1_is_not_taken() {
        let sha_1 = oid("1.3.14.3.2.26");
        let parameters = PbmParameter {
            salt: OctetString::new([1; 16]).unwrap(),
            owf: bare(sha_1),
            iteration_count: 1_000,
            mac: null(Hash::Sha256.hmac_oid()).unwrap(),
        };
        let read = MacAlgorithm::read(&named(PASSWORD_BASED_MAC, &parameters).unwrap());
        assert_eq!(read, Err(MacAlgorithmError::Unknown { algorithm: sha_1 }));
    }

    // RFC 4211 §4.4: only whoever asks for an old peer's answer reads HMAC-SHA1, and within the same bounds.
    #[test]
    fn hmac_sha_1_is_read_of_old_peers_alone() {
        for mac in HMAC_SHA1 {
            let of = |iteration_count| {
                let parameters = PbmParameter {
                    salt: OctetString::new([1; 16]).unwrap(),
                    owf: bare(Hash::Sha256.digest_oid()),
                    iteration_count,
                    mac: bare(mac),
                };
                named(PASSWORD_BASED_MAC, &parameters).unwrap()
            };
            assert_eq!(MacAlgorithm::read(&of(500)), Err(MacAlgorithmError::Unknown { algorithm: mac }));
            assert!(MacAlgorithm::read_of_old_peer(&of(99)).is_err());
            let read = MacAlgorithm::read_of_old_peer(&of(500)).unwrap();
            assert_eq!(read.mac(b"secret", b"octets").len(), 20);
            assert_eq!(MacAlgorithm::read_of_old_peer(&read.identifier().unwrap()), Ok(read));
        }
        for algorithm in every() {
            let read = MacAlgorithm::read_of_old_peer(&algorithm.identifier().unwrap());
            assert_eq!(read, Ok(algorithm));
        }
    }
}

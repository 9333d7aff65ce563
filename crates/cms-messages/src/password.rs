//! The key that wraps a content key, of a shared secret by PBKDF2 (RFC 5652 §6.2.4, RFC 9481 §4.4.1, RFC 8018 §5.2).

use core::num::NonZeroU32;

use aes::cipher::block_padding::NoPadding;
use aws_lc_rs::pbkdf2;
use ca_core::ports::Entropy;
use cms::content_info::CmsVersion;
use cms::enveloped_data::PasswordRecipientInfo;
use const_oid::ObjectIdentifier;
use der::Sequence;
use der::asn1::{Any, Null, OctetString};
use spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use crate::error::SealError;
use crate::wrap::{BLOCK_OCTETS, KeyWrap};

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// id-PBKDF2 (RFC 9481 §4.4.1).
const PBKDF2: ObjectIdentifier = oid("1.2.840.113549.1.5.12");
/// id-alg-PWRI-KEK (RFC 3211 §2.3).
const PWRI_KEK: ObjectIdentifier = oid("1.2.840.113549.1.9.16.3.9");
/// id-hmacWithSHA256, id-hmacWithSHA384, id-hmacWithSHA512 (RFC 8018 App. B.1.2).
const PRFS: [(ObjectIdentifier, pbkdf2::Algorithm); 3] = [
    (oid("1.2.840.113549.2.9"), pbkdf2::PBKDF2_HMAC_SHA256),
    (oid("1.2.840.113549.2.10"), pbkdf2::PBKDF2_HMAC_SHA384),
    (oid("1.2.840.113549.2.11"), pbkdf2::PBKDF2_HMAC_SHA512),
];

/// Octets of a salt of ours.
const SALT_OCTETS: usize = 16;
/// The fewest iterations that are taken.
const MIN_ITERATIONS: u32 = 1_000;
/// The most: more are work that a stranger makes us do.
const MAX_ITERATIONS: u32 = 2_000_000;
/// How many iterations there are in what we write: the secret is as strong as a key, so that more would add nothing.
const ITERATIONS: u32 = 10_000;

/// How the content key is wrapped under the key of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PasswordWrap {
    /// By AES key wrap (RFC 9483 §4.1.6.3, RFC 9481 §4.3.1).
    #[default]
    AesWrap,
    /// By `PWRI-KEK` (RFC 3211 §2.3), the one that OpenSSL and Bouncy Castle open.
    PwriKek,
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

/// Writes the recipient that holds a secret.
pub(crate) fn lock(
    secret: &[u8],
    (wrap, form): (KeyWrap, PasswordWrap),
    content_key: &[u8],
    entropy: &dyn Entropy,
) -> Result<PasswordRecipientInfo, SealError> {
    let mut salt = [0; SALT_OCTETS];
    entropy.fill(&mut salt)?;
    let [(prf, _), ..] = PRFS;
    let null = Some(Any::encode_from(&Null)?);
    let parameters = Pbkdf2Params {
        salt: OctetString::new(salt)?,
        iteration_count: ITERATIONS.into(),
        key_length: u16::try_from(wrap.octets()).ok(),
        prf: AlgorithmIdentifierOwned { oid: prf, parameters: null },
    };
    let key = derive(&parameters, secret, wrap).ok_or(SealError::Cipher)?;
    let (key_enc_alg, enc_key) = match form {
        PasswordWrap::AesWrap => (
            AlgorithmIdentifierOwned { oid: wrap.oid(), parameters: None },
            wrap.wrap(&key, content_key).ok_or(SealError::Cipher)?,
        ),
        PasswordWrap::PwriKek => {
            let mut iv = [0; BLOCK_OCTETS];
            entropy.fill(&mut iv)?;
            let iv_octets = Any::encode_from(&OctetString::new(iv)?)?;
            let inner =
                AlgorithmIdentifierOwned { oid: wrap.content_encryption(), parameters: Some(iv_octets) };
            let padded = pad(content_key, entropy)?;
            (
                AlgorithmIdentifierOwned { oid: PWRI_KEK, parameters: Some(Any::encode_from(&inner)?) },
                wrap_twice(wrap, &key, (&iv, &padded)).ok_or(SealError::Cipher)?,
            )
        }
    };
    Ok(PasswordRecipientInfo {
        // RFC 5652 §6.2.4: version MUST be 0.
        version: CmsVersion::V0,
        key_derivation_alg: Some(AlgorithmIdentifierOwned {
            oid: PBKDF2,
            parameters: Some(Any::encode_from(&parameters)?),
        }),
        key_enc_alg,
        enc_key: OctetString::new(enc_key)?,
    })
}

/// Takes the content key out; `None` where the secret is another, or an algorithm is not taken.
pub(crate) fn unlock(
    recipient: &PasswordRecipientInfo,
    secret: &[u8],
    wrap: KeyWrap,
) -> Option<Zeroizing<Vec<u8>>> {
    let derivation = recipient.key_derivation_alg.as_ref().filter(|derivation| derivation.oid == PBKDF2)?;
    let parameters: Pbkdf2Params = derivation.parameters.as_ref()?.decode_as().ok()?;
    let key = derive(&parameters, secret, wrap)?;
    let wrapped = recipient.enc_key.as_bytes();
    if recipient.key_enc_alg.oid == wrap.oid() {
        return wrap.unwrap(&key, wrapped);
    }
    let inner =
        recipient.key_enc_alg.parameters.as_ref().filter(|_| recipient.key_enc_alg.oid == PWRI_KEK)?;
    let inner: AlgorithmIdentifierOwned = inner.decode_as().ok()?;
    let iv: OctetString = inner.parameters.as_ref()?.decode_as().ok()?;
    (inner.oid == wrap.content_encryption()).then_some(())?;
    unpad(&unwrap_twice(wrap, &key, (iv.as_bytes(), wrapped))?)
}

fn derive(parameters: &Pbkdf2Params, secret: &[u8], wrap: KeyWrap) -> Option<Zeroizing<Vec<u8>>> {
    let (_, algorithm) = PRFS.into_iter().find(|(prf, _)| *prf == parameters.prf.oid)?;
    let iterations = u32::try_from(parameters.iteration_count).ok()?;
    (MIN_ITERATIONS..=MAX_ITERATIONS).contains(&iterations).then_some(())?;
    let fits = parameters.key_length.is_none_or(|octets| usize::from(octets) == wrap.octets());
    fits.then_some(())?;
    let mut key = Zeroizing::new(vec![0; wrap.octets()]);
    pbkdf2::derive(algorithm, NonZeroU32::new(iterations)?, parameters.salt.as_bytes(), secret, &mut key);
    Some(key)
}

/// RFC 3211 §2.3.1: its length, three octets to check it by, the key, and randomness up to whole blocks, at least two.
fn pad(content_key: &[u8], entropy: &dyn Entropy) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let length = u8::try_from(content_key.len()).map_err(|_| SealError::Cipher)?;
    let octets = content_key.len().saturating_add(4).next_multiple_of(BLOCK_OCTETS).max(2 * BLOCK_OCTETS);
    let mut filled = Zeroizing::new(vec![0; octets]);
    entropy.fill(&mut filled)?;
    let head = core::iter::once(length).chain(content_key.iter().take(3).map(|octet| !octet));
    for (place, octet) in filled.iter_mut().zip(head.chain(content_key.iter().copied())) {
        *place = octet;
    }
    Ok(filled)
}

/// RFC 3211 §2.3.2: the content key, where the octets to check it by are right.
fn unpad(padded: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (length, rest) = padded.split_first()?;
    let (check, rest) = rest.split_first_chunk::<3>()?;
    let key = rest.get(..usize::from(*length))?;
    let is_right = key.len() >= 3 && check.iter().zip(key).all(|(check, octet)| *check == !octet);
    is_right.then(|| Zeroizing::new(key.to_vec()))
}

/// RFC 3211 §2.3.1: encrypted, and once more from the last block on.
fn wrap_twice(wrap: KeyWrap, key: &[u8], (iv, padded): (&[u8], &[u8])) -> Option<Vec<u8>> {
    let once = wrap.chain::<NoPadding>(key, iv, padded)?;
    let last = once.last_chunk::<BLOCK_OCTETS>()?;
    wrap.chain::<NoPadding>(key, last, &once)
}

/// RFC 3211 §2.3.2: the last block first, which the others were chained to.
fn unwrap_twice(wrap: KeyWrap, key: &[u8], (iv, wrapped): (&[u8], &[u8])) -> Option<Zeroizing<Vec<u8>>> {
    let (before, end) = wrapped.split_last_chunk::<BLOCK_OCTETS>()?;
    let last = wrap.unchain::<NoPadding>(key, before.last_chunk::<BLOCK_OCTETS>()?, end)?;
    let once = wrap.unchain::<NoPadding>(key, &last, wrapped)?;
    wrap.unchain::<NoPadding>(key, iv, &once)
}

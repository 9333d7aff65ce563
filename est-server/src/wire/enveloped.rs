//! CMS `EnvelopedData` for one key-agreement key: ECDH, AES key wrap, AES-CBC (RFC 5652 §6.2.2, RFC 5753 §3.1, RFC 3565).
//!
//! The structures are those of the `cms` crate, the algorithms those of `RustCrypto`. CBC, because that is what the content of
//! `EnvelopedData` is under; what is inside is signed.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt, KeyInit, KeyIvInit};
use aes::{Aes128, Aes256};
use aes_kw::AesKw;
use ca_core::ports::{Entropy, Unavailable};
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::enveloped_data::{
    EncryptedContentInfo, EnvelopedData, KeyAgreeRecipientIdentifier, KeyAgreeRecipientInfo,
    OriginatorIdentifierOrKey, OriginatorPublicKey, RecipientEncryptedKey, RecipientInfo, RecipientInfos,
    RecipientKeyIdentifier,
};
use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5911, rfc5912};
use der::asn1::{Any, BitString, OctetString, SetOfVec};
use der::{Decode, Encode, Sequence};
use sha2::{Sha256, Sha384};
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use zeroize::Zeroizing;

/// dhSinglePass-stdDH-sha256kdf-scheme (RFC 5753 §7.1.4).
const DH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.1.11.1");
/// dhSinglePass-stdDH-sha384kdf-scheme (RFC 5753 §7.1.4).
const DH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.1.11.2");

/// ```text
/// ECC-CMS-SharedInfo ::= SEQUENCE {             -- RFC 5753 §7.2
///     keyInfo      AlgorithmIdentifier,
///     entityUInfo  [0] EXPLICIT OCTET STRING OPTIONAL,
///     suppPubInfo  [2] EXPLICIT OCTET STRING }  -- length of the key in bits, 32 bits
/// ```
#[derive(Sequence)]
struct SharedInfo {
    key_info: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    entity_u_info: Option<OctetString>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    supp_pub_info: OctetString,
}

/// How the content key is wrapped, and with keys of which length all is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyWrap {
    /// AES-128.
    Aes128,
    /// AES-256.
    Aes256,
}

impl KeyWrap {
    /// Chooses the stronger of those that a recipient names; AES-256 where it names none.
    #[must_use]
    pub fn choose(capabilities: &[ObjectIdentifier]) -> Option<Self> {
        [Self::Aes256, Self::Aes128]
            .into_iter()
            .find(|wrap| capabilities.is_empty() || capabilities.contains(&wrap.oid()))
    }

    /// Returns the length of its keys, in bits.
    #[must_use]
    pub const fn bits(self) -> u16 {
        match self {
            Self::Aes128 => 128,
            Self::Aes256 => 256,
        }
    }

    const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Aes128 => rfc5911::ID_AES_128_WRAP,
            Self::Aes256 => rfc5911::ID_AES_256_WRAP,
        }
    }

    const fn content_encryption(self) -> ObjectIdentifier {
        match self {
            Self::Aes128 => rfc5911::ID_AES_128_CBC,
            Self::Aes256 => rfc5911::ID_AES_256_CBC,
        }
    }

    const fn octets(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes256 => 32,
        }
    }
}

/// For whom content is sealed.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// The key.
    pub key: &'a PublicKey,
    /// What it is called in the envelope (RFC 7030 §4.4.2).
    pub identifier: &'a [u8],
    /// How its holder unwraps.
    pub wrap: KeyWrap,
}

/// Encrypts content of a type; DER of a `ContentInfo`.
///
/// # Errors
/// [`SealError`].
pub fn seal(
    recipient: &Recipient<'_>,
    (content_type, content): (ObjectIdentifier, &[u8]),
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    let wrap = recipient.wrap;
    let (mut content_key, mut iv) = (Zeroizing::new(vec![0; wrap.octets()]), [0; 16]);
    entropy.fill(&mut content_key)?;
    entropy.fill(&mut iv)?;
    let agreed = agree(recipient)?;
    let data = EnvelopedData {
        // RFC 5652 §6.1: version 2 where a recipient is not of version 0.
        version: CmsVersion::V2,
        originator_info: None,
        recip_infos: RecipientInfos(SetOfVec::try_from(vec![RecipientInfo::Kari(KeyAgreeRecipientInfo {
            version: CmsVersion::V3,
            originator: OriginatorIdentifierOrKey::OriginatorKey(OriginatorPublicKey {
                algorithm: algorithm(rfc5912::ID_EC_PUBLIC_KEY, None),
                public_key: BitString::from_bytes(&agreed.point)?,
            }),
            ukm: None,
            key_enc_alg: algorithm(agreed.scheme, Some(Any::encode_from(&algorithm(wrap.oid(), None))?)),
            recipient_enc_keys: vec![RecipientEncryptedKey {
                rid: KeyAgreeRecipientIdentifier::RKeyId(RecipientKeyIdentifier {
                    subject_key_identifier: SubjectKeyIdentifier(OctetString::new(recipient.identifier)?),
                    date: None,
                    other: None,
                }),
                enc_key: OctetString::new(wrapped(wrap, &agreed.key, &content_key)?)?,
            }],
        })])?),
        encrypted_content: EncryptedContentInfo {
            content_type,
            content_enc_alg: algorithm(
                wrap.content_encryption(),
                Some(Any::encode_from(&OctetString::new(iv)?)?),
            ),
            encrypted_content: Some(OctetString::new(encrypted(wrap, &content_key, (&iv, content))?)?),
        },
        unprotected_attrs: None,
    };
    let content = Any::from_der(&data.to_der()?)?;
    Ok(ContentInfo { content_type: rfc5911::ID_ENVELOPED_DATA, content }.to_der()?)
}

/// What came of the key agreement.
struct Agreed {
    scheme: ObjectIdentifier,
    point: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

/// RFC 5753 §3.1: ephemeral-static ECDH; the KDF of X9.63 with the hash that suits the curve.
fn agree(recipient: &Recipient<'_>) -> Result<Agreed, SealError> {
    use p256::elliptic_curve::Generate as _;
    use p256::elliptic_curve::sec1::ToSec1Point as _;
    let info = shared_info(recipient.wrap)?;
    let mut key = Zeroizing::new(vec![0; recipient.wrap.octets()]);
    let point = recipient.key.point();
    match recipient.key.curve() {
        Curve::P256 => {
            let theirs = p256::PublicKey::from_sec1_bytes(point).map_err(|_| SealError::Cipher)?;
            let ours = p256::ecdh::EphemeralSecret::generate();
            let shared = ours.diffie_hellman(&theirs);
            ansi_x963_kdf::derive_key_into::<Sha256>(shared.raw_secret_bytes(), &info, &mut key)
                .map_err(|_| SealError::Cipher)?;
            let point = ours.public_key().to_sec1_point(false).as_bytes().to_vec();
            Ok(Agreed { scheme: DH_SHA256, point, key })
        }
        Curve::P384 => {
            let theirs = p384::PublicKey::from_sec1_bytes(point).map_err(|_| SealError::Cipher)?;
            let ours = p384::ecdh::EphemeralSecret::generate();
            let shared = ours.diffie_hellman(&theirs);
            ansi_x963_kdf::derive_key_into::<Sha384>(shared.raw_secret_bytes(), &info, &mut key)
                .map_err(|_| SealError::Cipher)?;
            let point = ours.public_key().to_sec1_point(false).as_bytes().to_vec();
            Ok(Agreed { scheme: DH_SHA384, point, key })
        }
    }
}

fn shared_info(wrap: KeyWrap) -> Result<Vec<u8>, SealError> {
    let bits = match wrap {
        KeyWrap::Aes128 => 128_u32,
        KeyWrap::Aes256 => 256,
    };
    let supp_pub_info = OctetString::new(bits.to_be_bytes())?;
    Ok(SharedInfo { key_info: algorithm(wrap.oid(), None), entity_u_info: None, supp_pub_info }.to_der()?)
}

fn wrapped(wrap: KeyWrap, key: &[u8], content_key: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut out = vec![0; content_key.len() + 8];
    match wrap {
        KeyWrap::Aes128 => AesKw::<Aes128>::new_from_slice(key)
            .map_err(|_| SealError::Cipher)?
            .wrap_key(content_key, &mut out)
            .map(|_| ()),
        KeyWrap::Aes256 => AesKw::<Aes256>::new_from_slice(key)
            .map_err(|_| SealError::Cipher)?
            .wrap_key(content_key, &mut out)
            .map(|_| ()),
    }
    .map_err(|_| SealError::Cipher)?;
    Ok(out)
}

fn encrypted(wrap: KeyWrap, key: &[u8], (iv, content): (&[u8], &[u8])) -> Result<Vec<u8>, SealError> {
    Ok(match wrap {
        KeyWrap::Aes128 => cbc::Encryptor::<Aes128>::new_from_slices(key, iv)
            .map_err(|_| SealError::Cipher)?
            .encrypt_padded_vec::<Pkcs7>(content),
        KeyWrap::Aes256 => cbc::Encryptor::<Aes256>::new_from_slices(key, iv)
            .map_err(|_| SealError::Cipher)?
            .encrypt_padded_vec::<Pkcs7>(content),
    })
}

const fn algorithm(oid: ObjectIdentifier, parameters: Option<Any>) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters }
}

/// Why content is not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] Unavailable),
    /// A cipher refused a key.
    #[error("a cipher refused a key")]
    Cipher,
    /// The envelope cannot be encoded.
    #[error("the envelope cannot be encoded: {0}")]
    Encoding(#[from] der::Error),
}

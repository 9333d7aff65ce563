//! The data key of a backup in a CMS envelope that the recovery key opens: ECDH on P-384, AES key wrap, AES-256-CBC.
//!
//! The structures are those of the `cms` crate, the algorithms those of `RustCrypto`; `openssl cms -decrypt` opens it too. The
//! key wrap is what finds an altered envelope; CBC is only what the content of `EnvelopedData` is customarily under.

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use aes_kw::AesKw;
use ca_core::ports::Entropy;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::enveloped_data::{
    EncryptedContentInfo, EnvelopedData, KeyAgreeRecipientIdentifier, KeyAgreeRecipientInfo,
    OriginatorIdentifierOrKey, OriginatorPublicKey, RecipientEncryptedKey, RecipientInfo, RecipientInfos,
    RecipientKeyIdentifier,
};
use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5911, rfc5912};
use der::asn1::{BitString, OctetString, SetOfVec};
use der::{Any, Decode, Encode, Sequence};
use p384::ecdh::{EphemeralSecret, diffie_hellman};
use p384::elliptic_curve::Generate;
use p384::elliptic_curve::sec1::ToSec1Point;
use sha2::Sha384;
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use x509_cert::spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use super::recovery_key::{RecoveryKey, RecoveryKeyId, RecoveryPublicKey};

/// RFC 5753 §7.1.4: dhSinglePass-stdDH-sha384kdf-scheme.
const DH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.1.11.2");

/// The key of the bulk encryption: 32 octets.
pub(super) type DataKey = Zeroizing<[u8; 32]>;

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

/// Puts a data key into an envelope for the recovery key.
pub(super) fn seal(
    recipient: &RecoveryPublicKey,
    data_key: &DataKey,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, EnvelopeError> {
    let (mut content_key, mut iv) = (DataKey::default(), [0; 16]);
    entropy.fill(&mut *content_key).map_err(|_| EnvelopeError::Randomness)?;
    entropy.fill(&mut iv).map_err(|_| EnvelopeError::Randomness)?;
    let ephemeral = EphemeralSecret::generate();
    let shared = ephemeral.diffie_hellman(&recipient.0);
    let mut wrapped = [0; 40];
    key_encryption(shared.raw_secret_bytes())?
        .wrap_key(&*content_key, &mut wrapped)
        .map_err(|_| EnvelopeError::Cipher)?;
    let content = cbc::Encryptor::<Aes256>::new(&(*content_key).into(), &iv.into())
        .encrypt_padded_vec::<Pkcs7>(&**data_key);
    let point = ephemeral.public_key().to_sec1_point(false);
    let data = EnvelopedData {
        version: CmsVersion::V2,
        originator_info: None,
        recip_infos: RecipientInfos(SetOfVec::try_from(vec![RecipientInfo::Kari(KeyAgreeRecipientInfo {
            version: CmsVersion::V3,
            originator: OriginatorIdentifierOrKey::OriginatorKey(OriginatorPublicKey {
                algorithm: algorithm(rfc5912::ID_EC_PUBLIC_KEY, None),
                public_key: BitString::from_bytes(point.as_bytes())?,
            }),
            ukm: None,
            key_enc_alg: algorithm(DH_SHA384, Some(Any::encode_from(&wrap_algorithm())?)),
            recipient_enc_keys: vec![RecipientEncryptedKey {
                rid: KeyAgreeRecipientIdentifier::RKeyId(RecipientKeyIdentifier {
                    subject_key_identifier: SubjectKeyIdentifier(OctetString::new(recipient.id().0)?),
                    date: None,
                    other: None,
                }),
                enc_key: OctetString::new(wrapped)?,
            }],
        })])?),
        encrypted_content: EncryptedContentInfo {
            content_type: rfc5911::ID_DATA,
            content_enc_alg: algorithm(
                rfc5911::ID_AES_256_CBC,
                Some(Any::encode_from(&OctetString::new(iv)?)?),
            ),
            encrypted_content: Some(OctetString::new(content)?),
        },
        unprotected_attrs: None,
    };
    let content = Any::from_der(&data.to_der()?)?;
    Ok(ContentInfo { content_type: rfc5911::ID_ENVELOPED_DATA, content }.to_der()?)
}

/// An envelope as it was read.
pub(super) struct Envelope {
    point: Vec<u8>,
    recipient: RecoveryKeyId,
    wrapped: Vec<u8>,
    iv: [u8; 16],
    content: Vec<u8>,
}

impl Envelope {
    /// Reads an envelope that [`seal`] made; anything else is refused.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let outer = ContentInfo::from_der(der).ok()?;
        let data: EnvelopedData = outer.content.decode_as().ok()?;
        let [RecipientInfo::Kari(recipient)] = data.recip_infos.0.as_slice() else { return None };
        let OriginatorIdentifierOrKey::OriginatorKey(originator) = &recipient.originator else { return None };
        let [key] = recipient.recipient_enc_keys.as_slice() else { return None };
        let KeyAgreeRecipientIdentifier::RKeyId(id) = &key.rid else { return None };
        let known = outer.content_type == rfc5911::ID_ENVELOPED_DATA
            && recipient.key_enc_alg.oid == DH_SHA384
            && data.encrypted_content.content_enc_alg.oid == rfc5911::ID_AES_256_CBC;
        let parameters = data.encrypted_content.content_enc_alg.parameters?;
        let iv: OctetString = parameters.decode_as().ok()?;
        known.then_some(())?;
        Some(Self {
            point: originator.public_key.as_bytes()?.to_vec(),
            recipient: RecoveryKeyId(id.subject_key_identifier.0.as_bytes().try_into().ok()?),
            wrapped: key.enc_key.as_bytes().to_vec(),
            iv: iv.as_bytes().try_into().ok()?,
            content: data.encrypted_content.encrypted_content?.as_bytes().to_vec(),
        })
    }

    /// Returns the name of the recovery key that opens it.
    pub(super) const fn recipient(&self) -> RecoveryKeyId {
        self.recipient
    }

    /// Takes the data key out.
    pub(super) fn open(&self, key: &RecoveryKey) -> Result<DataKey, EnvelopeError> {
        let originator =
            p384::PublicKey::from_sec1_bytes(&self.point).map_err(|_| EnvelopeError::NotOpened)?;
        let shared = diffie_hellman(key.0.to_nonzero_scalar(), originator.as_affine());
        let mut content_key = DataKey::default();
        let unwrapped = key_encryption(shared.raw_secret_bytes())?
            .unwrap_key(&self.wrapped, &mut *content_key)
            .is_ok_and(|octets| octets.len() == 32);
        if !unwrapped {
            return Err(EnvelopeError::NotOpened);
        }
        let content = cbc::Decryptor::<Aes256>::new(&(*content_key).into(), &self.iv.into())
            .decrypt_padded_vec::<Pkcs7>(&self.content)
            .map(Zeroizing::new)
            .map_err(|_| EnvelopeError::NotOpened)?;
        let mut data_key = DataKey::default();
        data_key.copy_from_slice(
            content.first_chunk::<32>().filter(|_| content.len() == 32).ok_or(EnvelopeError::NotOpened)?,
        );
        Ok(data_key)
    }
}

/// Derives the key-encryption key (RFC 5753 §7.2: the KDF of X9.63 over the shared secret).
fn key_encryption(shared: &[u8]) -> Result<AesKw<Aes256>, EnvelopeError> {
    let bits = OctetString::new(256_u32.to_be_bytes())?;
    let info = SharedInfo { key_info: wrap_algorithm(), entity_u_info: None, supp_pub_info: bits };
    let mut key = DataKey::default();
    ansi_x963_kdf::derive_key_into::<Sha384>(shared, &info.to_der()?, &mut *key)
        .map_err(|_| EnvelopeError::Cipher)?;
    Ok(AesKw::new(&(*key).into()))
}

fn wrap_algorithm() -> AlgorithmIdentifierOwned {
    algorithm(rfc5911::ID_AES_256_WRAP, None)
}

const fn algorithm(oid: ObjectIdentifier, parameters: Option<Any>) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters }
}

/// Why a data key is not in its envelope, or does not come out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvelopeError {
    #[error("there is no randomness for the data key")]
    Randomness,
    #[error("a cipher refused the data key")]
    Cipher,
    #[error("the envelope cannot be encoded: {0}")]
    Encoding(#[from] der::Error),
    #[error("the recovery key does not open the envelope: it was altered")]
    NotOpened,
}

#[cfg(test)]
mod tests {
    use p384::pkcs8::{EncodePrivateKey, LineEnding};
    use signer_file::SystemEntropy;

    use super::*;

    #[test]
    fn the_recovery_key_opens_it_and_another_does_not() {
        let key = RecoveryKey::generate();
        let data_key = DataKey::new([7; 32]);
        let der = seal(&key.public(), &data_key, &SystemEntropy).unwrap();
        let envelope = Envelope::from_der(&der).unwrap();
        assert_eq!(envelope.recipient(), key.public().id());
        assert_eq!(envelope.open(&key).unwrap(), data_key);
        assert!(matches!(envelope.open(&RecoveryKey::generate()), Err(EnvelopeError::NotOpened)));
    }

    #[test]
    fn openssl_opens_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let key = RecoveryKey::generate();
        let data_key = DataKey::new(*b"thirty-two octets of a data key!");
        std::fs::write(path("envelope.der"), seal(&key.public(), &data_key, &SystemEntropy).unwrap())
            .unwrap();
        std::fs::write(path("key.pem"), key.0.to_pkcs8_pem(LineEnding::LF).unwrap()).unwrap();
        let output = std::process::Command::new("openssl")
            .args(["cms", "-decrypt", "-inform", "DER", "-binary", "-in"])
            .arg(path("envelope.der"))
            .arg("-inkey")
            .arg(path("key.pem"))
            .output()
            .expect("openssl is not installed: run tests/run, which installs what the tests need");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout, data_key.as_slice());
    }
}

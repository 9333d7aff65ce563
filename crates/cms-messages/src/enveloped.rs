//! `EnvelopedData` for one recipient: a key for key agreement, or a shared secret (RFC 5652 §6, RFC 9481 §4, §5).

use ca_core::certificate::Certificate;
use ca_core::ports::Entropy;
use ca_core::public_key::PublicKey;
use cms::cert::IssuerAndSerialNumber;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::enveloped_data::{
    EncryptedContentInfo, EnvelopedData, KeyAgreeRecipientIdentifier, KeyAgreeRecipientInfo,
    OriginatorIdentifierOrKey, OriginatorPublicKey, PasswordRecipientInfo, RecipientEncryptedKey,
    RecipientInfo, RecipientInfos, RecipientKeyIdentifier,
};
use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5911, rfc5912};
use der::asn1::{Any, BitString, OctetString, SetOfVec};
use der::{Decode, Encode};
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use zeroize::Zeroizing;

use crate::agreement::{AgreementKey, Scheme, meet};
use crate::error::{NotOpened, SealError};
use crate::password::{self, PasswordWrap};
use crate::wrap::{BLOCK_OCTETS, KeyWrap};

/// For whom content is sealed.
#[derive(Debug, Clone, Copy)]
pub enum Recipient<'a> {
    /// Who holds a key.
    Key(KeyRecipient<'a>),
    /// Who shares a secret.
    Secret(SecretRecipient<'a>),
}

/// A key that content is sealed to (RFC 5652 §6.2.2).
#[derive(Debug, Clone, Copy)]
pub struct KeyRecipient<'a> {
    /// The key.
    pub key: &'a PublicKey,
    /// What it is called in the envelope.
    pub name: &'a KeyName,
    /// How its holder unwraps.
    pub wrap: KeyWrap,
    /// User keying material, random (RFC 5753 §3.1.1).
    pub ukm: Option<&'a [u8]>,
}

/// A secret that content is sealed under (RFC 5652 §6.2.4). Not printable on purpose.
#[derive(Clone, Copy)]
pub struct SecretRecipient<'a> {
    /// The secret.
    pub secret: &'a [u8],
    /// How long the keys are.
    pub wrap: KeyWrap,
    /// How the content key is wrapped.
    pub form: PasswordWrap,
}

impl core::fmt::Debug for SecretRecipient<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SecretRecipient")
            .field("wrap", &self.wrap)
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

/// What a recipient's key is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyName {
    /// By its subject key identifier, or another that both sides know.
    Identifier(Vec<u8>),
    /// By its certificate, which has no subject key identifier.
    OfCertificate(IssuerAndSerialNumber),
}

impl KeyName {
    /// Names the key of a certificate: by the subject key identifier, where it has one (RFC 9483 §4.1.6.2).
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn of(certificate: &Certificate) -> der::Result<Self> {
        match certificate.subject_key_identifier() {
            Some(identifier) => Ok(Self::Identifier(identifier)),
            None => named_by_issuer(certificate).map(Self::OfCertificate),
        }
    }

    fn write(&self) -> der::Result<KeyAgreeRecipientIdentifier> {
        Ok(match self {
            Self::Identifier(identifier) => KeyAgreeRecipientIdentifier::RKeyId(RecipientKeyIdentifier {
                subject_key_identifier: SubjectKeyIdentifier(OctetString::new(identifier.as_slice())?),
                date: None,
                other: None,
            }),
            Self::OfCertificate(name) => KeyAgreeRecipientIdentifier::IssuerAndSerialNumber(name.clone()),
        })
    }

    fn read(name: &KeyAgreeRecipientIdentifier) -> Self {
        match name {
            KeyAgreeRecipientIdentifier::RKeyId(id) => {
                Self::Identifier(id.subject_key_identifier.0.as_bytes().to_vec())
            }
            KeyAgreeRecipientIdentifier::IssuerAndSerialNumber(name) => Self::OfCertificate(name.clone()),
        }
    }
}

/// Names a certificate by its issuer and its serial number.
pub(crate) fn named_by_issuer(certificate: &Certificate) -> der::Result<IssuerAndSerialNumber> {
    let certificate = x509_cert::Certificate::from_der(certificate.der())?;
    let tbs = certificate.tbs_certificate();
    Ok(IssuerAndSerialNumber { issuer: tbs.issuer().clone(), serial_number: tbs.serial_number().clone() })
}

/// Encrypts content of a type under a fresh key; DER of an `EnvelopedData`.
///
/// # Errors
/// [`SealError`].
pub fn seal(
    recipient: &Recipient<'_>,
    (content_type, content): (ObjectIdentifier, &[u8]),
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    let wrap = match recipient {
        Recipient::Key(recipient) => recipient.wrap,
        Recipient::Secret(recipient) => recipient.wrap,
    };
    let (mut content_key, mut iv) = (Zeroizing::new(vec![0; wrap.octets()]), [0; BLOCK_OCTETS]);
    entropy.fill(&mut content_key)?;
    entropy.fill(&mut iv)?;
    let (version, info) = match recipient {
        // RFC 5652 §6.1, RFC 9483 §4.1.6: version 2 for key agreement.
        Recipient::Key(recipient) => (CmsVersion::V2, RecipientInfo::Kari(for_key(recipient, &content_key)?)),
        // RFC 9483 §4.1.6: version 0 for a password, where RFC 5652 §6.1 has 3; nobody was found who looks at it.
        Recipient::Secret(SecretRecipient { secret, wrap, form }) => (
            CmsVersion::V0,
            RecipientInfo::Pwri(password::lock(secret, (*wrap, *form), &content_key, entropy)?),
        ),
    };
    let encrypted = wrap.encrypt(&content_key, &iv, content).ok_or(SealError::Cipher)?;
    let data = EnvelopedData {
        version,
        originator_info: None,
        recip_infos: RecipientInfos(SetOfVec::try_from(vec![info])?),
        encrypted_content: EncryptedContentInfo {
            content_type,
            content_enc_alg: algorithm(
                wrap.content_encryption(),
                Some(Any::encode_from(&OctetString::new(iv)?)?),
            ),
            encrypted_content: Some(OctetString::new(encrypted)?),
        },
        unprotected_attrs: None,
    };
    Ok(data.to_der()?)
}

/// RFC 5753 §3.1.1: the originator is the ephemeral key.
fn for_key(recipient: &KeyRecipient<'_>, content_key: &[u8]) -> Result<KeyAgreeRecipientInfo, SealError> {
    let &KeyRecipient { key, name, wrap, ukm } = recipient;
    let scheme = Scheme::of(key.curve());
    let ephemeral = meet(key).ok_or(SealError::Cipher)?;
    let how = algorithm(wrap.oid(), None);
    let wrapping = scheme.derive(&ephemeral.agreed, (wrap, &how), ukm).ok_or(SealError::Cipher)?;
    let wrapped = wrap.wrap(&wrapping, content_key).ok_or(SealError::Cipher)?;
    Ok(KeyAgreeRecipientInfo {
        version: CmsVersion::V3,
        originator: OriginatorIdentifierOrKey::OriginatorKey(OriginatorPublicKey {
            algorithm: algorithm(rfc5912::ID_EC_PUBLIC_KEY, None),
            public_key: BitString::from_bytes(&ephemeral.point)?,
        }),
        ukm: ukm.map(OctetString::new).transpose()?,
        key_enc_alg: algorithm(scheme.oid(), Some(Any::encode_from(&how)?)),
        recipient_enc_keys: vec![RecipientEncryptedKey {
            rid: name.write()?,
            enc_key: OctetString::new(wrapped)?,
        }],
    })
}

/// Puts an `EnvelopedData` into a `ContentInfo`, DER.
///
/// # Errors
/// What the DER codec says.
pub fn to_content_info(enveloped: &[u8]) -> der::Result<Vec<u8>> {
    ContentInfo { content_type: rfc5911::ID_ENVELOPED_DATA, content: Any::from_der(enveloped)? }.to_der()
}

/// An envelope as it was read.
#[derive(Debug)]
pub struct Envelope {
    lock: Lock,
    wrap: KeyWrap,
    iv: Vec<u8>,
    content_type: ObjectIdentifier,
    content: Vec<u8>,
}

/// What is to be undone before the content key is there.
#[derive(Debug)]
enum Lock {
    Agreement(Box<Agreement>),
    Password(Box<PasswordRecipientInfo>),
}

#[derive(Debug)]
struct Agreement {
    scheme: Scheme,
    /// The key wrap, as it came.
    how: AlgorithmIdentifierOwned,
    point: Vec<u8>,
    ukm: Option<OctetString>,
    name: KeyName,
    wrapped: Vec<u8>,
}

/// What was in an envelope.
#[derive(Debug)]
pub struct Opened {
    /// Its type.
    pub content_type: ObjectIdentifier,
    /// Its octets.
    pub content: Zeroizing<Vec<u8>>,
}

impl Envelope {
    /// Reads the DER of an `EnvelopedData` for one recipient, by algorithms as [`seal`] uses them; `None` for anything else.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let data = EnvelopedData::from_der(der).ok()?;
        let content = data.encrypted_content;
        let wrap = KeyWrap::by_content_encryption(content.content_enc_alg.oid)?;
        let iv: OctetString = content.content_enc_alg.parameters?.decode_as().ok()?;
        let lock = match data.recip_infos.0.as_slice() {
            [RecipientInfo::Kari(recipient)] => Lock::Agreement(Box::new(read_agreement(recipient, wrap)?)),
            [RecipientInfo::Pwri(recipient)] => Lock::Password(Box::new(recipient.clone())),
            _ => return None,
        };
        Some(Self {
            lock,
            wrap,
            iv: iv.as_bytes().to_vec(),
            content_type: content.content_type,
            content: content.encrypted_content?.as_bytes().to_vec(),
        })
    }

    /// Reads the DER of a `ContentInfo` with such an `EnvelopedData`.
    #[must_use]
    pub fn from_content_info(der: &[u8]) -> Option<Self> {
        let outer = ContentInfo::from_der(der).ok()?;
        (outer.content_type == rfc5911::ID_ENVELOPED_DATA).then_some(())?;
        Self::from_der(&outer.content.to_der().ok()?)
    }

    /// Returns the name of the key that opens it; none where a secret does.
    #[must_use]
    pub const fn key_name(&self) -> Option<&KeyName> {
        match &self.lock {
            Lock::Agreement(agreement) => Some(&agreement.name),
            Lock::Password(_) => None,
        }
    }

    /// Returns how long its keys are.
    #[must_use]
    pub const fn wrap(&self) -> KeyWrap {
        self.wrap
    }

    /// Takes out what is in it, by the key that it is sealed to.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub fn open_by_key(&self, key: &dyn AgreementKey) -> Result<Opened, NotOpened> {
        let Lock::Agreement(one) = &self.lock else { return Err(NotOpened) };
        let ukm = one.ukm.as_ref().map(OctetString::as_bytes);
        let content_key = key
            .agree(&one.point)
            .and_then(|agreed| one.scheme.derive(&agreed, (self.wrap, &one.how), ukm))
            .and_then(|wrapping| self.wrap.unwrap(&wrapping, &one.wrapped));
        self.open(content_key)
    }

    /// Takes out what is in it, by the secret that it is sealed under.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub fn open_by_secret(&self, secret: &[u8]) -> Result<Opened, NotOpened> {
        let Lock::Password(recipient) = &self.lock else { return Err(NotOpened) };
        self.open(password::unlock(recipient, secret, self.wrap))
    }

    fn open(&self, content_key: Option<Zeroizing<Vec<u8>>>) -> Result<Opened, NotOpened> {
        let content = content_key.and_then(|key| self.wrap.decrypt(&key, &self.iv, &self.content));
        Ok(Opened { content_type: self.content_type, content: content.ok_or(NotOpened)? })
    }
}

/// RFC 9481 §4.3.1: key wrap and content encryption have keys of the same length.
fn read_agreement(recipient: &KeyAgreeRecipientInfo, wrap: KeyWrap) -> Option<Agreement> {
    let OriginatorIdentifierOrKey::OriginatorKey(originator) = &recipient.originator else { return None };
    let [key] = recipient.recipient_enc_keys.as_slice() else { return None };
    let how: AlgorithmIdentifierOwned = recipient.key_enc_alg.parameters.as_ref()?.decode_as().ok()?;
    (KeyWrap::by_oid(how.oid) == Some(wrap)).then_some(())?;
    Some(Agreement {
        scheme: Scheme::by_oid(recipient.key_enc_alg.oid)?,
        how,
        point: originator.public_key.as_bytes()?.to_vec(),
        ukm: recipient.ukm.clone(),
        name: KeyName::read(&key.rid),
        wrapped: key.enc_key.as_bytes().to_vec(),
    })
}

const fn algorithm(oid: ObjectIdentifier, parameters: Option<Any>) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters }
}

#[cfg(test)]
mod tests;

//! Bringing a private key from one token to another, so that it is never in clear outside a token.
//!
//! The token that receives makes an RSA key pair of which the private half cannot leave it. The token that gives makes an AES key, wraps
//! the private key with it (`CKM_AES_KEY_WRAP_PAD`, RFC 5649), and the AES key for the RSA key (`CKM_RSA_PKCS_OAEP`): the two steps that
//! `CKM_RSA_AES_KEY_WRAP` is made of, by mechanisms that more tokens have. What travels is of use to the receiving token alone.
//! Whom a key is wrapped for is decided by an RSA public key: whoever can put in another one gets the private key. That it is the right
//! one is for the caller to see to.

use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::to_be_signed::MessageDigest;
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use der::Encode;
use der::asn1::OctetStringRef;

use crate::call::CallFailed;
use crate::keeper::PROBE;
use crate::key::{self, Export, Hex, TokenKey};
use crate::pin::Pin;
use crate::session::UseTokenError;
use crate::signer::OpenTokenError;
use crate::survey::KeyAttributes;
use crate::token::TokenDescription;
use crate::uri::TokenUri;
use crate::visit::Visit;

/// Bits of the RSA key for which keys are wrapped: as strong as P-256 (NIST SP 800-57 Part 1, table 2).
const RSA_BITS: u64 = 3072;

/// A token, and what opens it.
#[derive(Debug, Clone, Copy)]
pub struct Door<'a> {
    /// The token; for a key that is there, the key as well.
    pub uri: &'a TokenUri,
    /// The PIN of its user, tried once.
    pub pin: &'a Pin,
    /// The PIN of its security officer, tried once, where a key wants a trusted wrapping key.
    pub officer_pin: Option<&'a Pin>,
}

/// Whom a key is wrapped for: an RSA public key, of which a token has the private half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrapRecipient {
    /// `CKA_MODULUS`, big-endian.
    pub modulus: Vec<u8>,
    /// `CKA_PUBLIC_EXPONENT`, big-endian.
    pub exponent: Vec<u8>,
}

/// The hash of RSAES-OAEP (RFC 8017 §7.1); MGF1 has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oaep {
    /// SHA-256
    Sha256,
    /// SHA-1, the only one that SoftHSM2 has; OAEP does not rest on its resistance to collisions.
    Sha1,
}

impl Oaep {
    pub(crate) fn mechanism(self) -> Mechanism<'static> {
        let (hash, mgf) = match self {
            Self::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
            Self::Sha1 => (MechanismType::SHA1, PkcsMgfType::MGF1_SHA1),
        };
        Mechanism::RsaPkcsOaep(PkcsOaepParams::new(hash, mgf, PkcsOaepSource::empty()))
    }
}

/// A private key wrapped for a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Its public half, by which whoever restores it knows it again.
    pub public_key: PublicKey,
    /// Its label.
    pub label: String,
    /// Its `CKA_ID`.
    pub id: Vec<u8>,
    /// How the AES key is wrapped.
    pub oaep: Oaep,
    /// The AES key, wrapped for the recipient: as many octets as the modulus.
    pub transport: Vec<u8>,
    /// The private key (PKCS#8), wrapped with the AES key.
    pub key: Vec<u8>,
}

/// A key that has arrived on a token.
#[derive(Debug, Clone)]
pub struct Copied {
    /// The token where it is now.
    pub token: TokenDescription,
    /// The key.
    pub public_key: PublicKey,
    /// Its label.
    pub label: String,
    /// Its `CKA_ID`.
    pub id: Vec<u8>,
    /// What the token says of the private half.
    pub attributes: KeyAttributes,
}

/// Makes the key pair of a recipient on a token: the private half unwraps, is sensitive, and cannot leave.
///
/// # Errors
/// [`CopyKeyError`].
pub fn make_recipient(at: Door<'_>, label: &str) -> Result<WrapRecipient, CopyKeyError> {
    let visit = Visit::open(at.uri)?;
    visit.log_in(at.pin)?;
    let same_label =
        [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(label.as_bytes().to_vec())];
    if !visit.session.find_objects(&same_label).map_err(call("look for the label"))?.is_empty() {
        return Err(CopyKeyError::Taken { label: label.to_owned() });
    }
    Ok(recipient_in(&visit.session, Some(label))?.1)
}

/// Wraps the one key that a URI names. It stays where it is.
///
/// # Errors
/// [`CopyKeyError`].
pub fn wrap_key(from: Door<'_>, recipient: &WrapRecipient) -> Result<WrappedKey, CopyKeyError> {
    let visit = Visit::open(from.uri)?;
    let source = Source::open(&visit, from)?;
    match source.wrap(recipient, Oaep::Sha256) {
        Err(CopyKeyError::Call { .. }) => source.wrap(recipient, Oaep::Sha1),
        done => done,
    }
}

/// Restores a wrapped key on the token that has the recipient's private half, and proves that it is there: it signs, and the public
/// key verifies that. What does not prove to be the key is destroyed again.
///
/// # Errors
/// [`CopyKeyError`].
pub fn restore_key(
    to: Door<'_>,
    recipient: &WrapRecipient,
    wrapped: &WrappedKey,
    export: Export,
) -> Result<Copied, CopyKeyError> {
    let visit = Visit::open(to.uri)?;
    visit.log_in(to.pin)?;
    let private = private_half(&visit, recipient)?;
    unwrap_in(&visit, private, wrapped, export)
}

/// Finds the private half of a recipient's key.
pub(crate) fn private_half(visit: &Visit, recipient: &WrapRecipient) -> Result<ObjectHandle, CopyKeyError> {
    let template = [
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::KeyType(KeyType::RSA),
        Attribute::Modulus(recipient.modulus.clone()),
    ];
    let found = visit.session.find_objects(&template).map_err(call("look for the recipient's key"))?;
    found.first().copied().ok_or_else(|| CopyKeyError::NotTheRecipient { token: visit.found.description() })
}

/// Copies the one key that a URI names to another token. The keys that carry it live in sessions and end with them.
///
/// # Errors
/// [`CopyKeyError`].
pub fn copy_key(from: Door<'_>, to: Door<'_>, export: Export) -> Result<Copied, CopyKeyError> {
    let (giving, receiving) = (Visit::open(from.uri)?, Visit::open(to.uri)?);
    if giving.found.slot == receiving.found.slot && from.uri.module_path() == to.uri.module_path() {
        return Err(CopyKeyError::SameToken { token: giving.found.description() });
    }
    receiving.log_in(to.pin)?;
    let source = Source::open(&giving, from)?;
    refuse_taken(&receiving.session, &source.key.label, &source.key.id)?;
    let (private, recipient) = recipient_in(&receiving.session, None)?;
    let attempt = |oaep| unwrap_in(&receiving, private, &source.wrap(&recipient, oaep)?, export);
    match attempt(Oaep::Sha256) {
        Err(CopyKeyError::Call { .. }) => attempt(Oaep::Sha1),
        done => done,
    }
}

/// Makes a key that could be wrapped into one that cannot, for good (PKCS#11 v3.1 §4.4: `CKA_EXTRACTABLE` never becomes true again).
///
/// # Errors
/// [`CopyKeyError`].
pub fn seal_key(at: Door<'_>) -> Result<(TokenKey, KeyAttributes), CopyKeyError> {
    let visit = Visit::open(at.uri)?;
    visit.log_in(at.pin)?;
    let key = visit.the_key(at.uri)?;
    let handle = the_handle(&visit.session, &key)?;
    visit
        .session
        .update_attributes(handle, &[Attribute::Extractable(false)])
        .map_err(call("seal the key"))?;
    let said = KeyAttributes::read(&visit.session, handle).map_err(UseTokenError::from)?;
    if said.extractable { Err(CopyKeyError::NotSealed) } else { Ok((key, said)) }
}

/// The key that is given away, and the AES key that it is wrapped with, in a session that is logged in.
struct Source<'a> {
    session: &'a Session,
    key: TokenKey,
    handle: ObjectHandle,
    wrapping: ObjectHandle,
}

impl<'a> Source<'a> {
    fn open(visit: &'a Visit, from: Door<'_>) -> Result<Self, CopyKeyError> {
        let session = &visit.session;
        // First, since a login ends with the next one, and with it every handle of a private object. The key is a public object of
        // the session, which a login does not end, and sensitive, so that nobody reads it.
        let trusted = match from.officer_pin {
            None => None,
            Some(pin) => {
                visit.log_in_officer(pin)?;
                let made = wrapping_key(session, true);
                visit.log_out()?;
                Some(made?)
            }
        };
        visit.log_in(from.pin)?;
        let key = visit.the_key(from.uri)?;
        let handle = the_handle(session, &key)?;
        let said = KeyAttributes::read(session, handle).map_err(UseTokenError::from)?;
        if !said.extractable {
            return Err(CopyKeyError::StaysThere { label: key.label });
        }
        let trusted_only = key::is_wrapped_by_trusted_only(session, handle).map_err(UseTokenError::from)?;
        let wrapping = match trusted {
            Some(wrapping) => wrapping,
            None if trusted_only => return Err(CopyKeyError::NeedsOfficer { label: key.label }),
            None => wrapping_key(session, false)?,
        };
        Ok(Self { session, key, handle, wrapping })
    }

    fn wrap(&self, recipient: &WrapRecipient, oaep: Oaep) -> Result<WrappedKey, CopyKeyError> {
        let session = self.session;
        let wrapped = session
            .wrap_key(&Mechanism::AesKeyWrapPad, self.wrapping, self.handle)
            .map_err(call("wrap the key"))?;
        let transport = wrap_for(session, recipient, (oaep, self.wrapping))?;
        let TokenKey { public_key, label, id, .. } = self.key.clone();
        Ok(WrappedKey { public_key, label, id, oaep, transport, key: wrapped })
    }
}

/// Wraps an AES key for a recipient.
pub(crate) fn wrap_for(
    session: &Session,
    recipient: &WrapRecipient,
    (oaep, key): (Oaep, ObjectHandle),
) -> Result<Vec<u8>, CopyKeyError> {
    let theirs = session
        .create_object(&[
            Attribute::Class(ObjectClass::PUBLIC_KEY),
            Attribute::KeyType(KeyType::RSA),
            Attribute::Token(false),
            Attribute::Private(false),
            Attribute::Wrap(true),
            Attribute::Modulus(recipient.modulus.clone()),
            Attribute::PublicExponent(recipient.exponent.clone()),
        ])
        .map_err(call("take in the recipient's key"))?;
    let wrapped = session
        .wrap_key(&oaep.mechanism(), theirs, key)
        .map_err(call("wrap the wrapping key for the recipient"));
    session.destroy_object(theirs).map_err(call("forget the recipient's key"))?;
    wrapped
}

/// Makes the AES-256 key of one copy.
fn wrapping_key(session: &Session, trusted: bool) -> Result<ObjectHandle, CopyKeyError> {
    let mut template = vec![
        Attribute::Token(false),
        Attribute::Private(!trusted),
        Attribute::Sensitive(true),
        // For the recipient, wrapped.
        Attribute::Extractable(true),
        Attribute::Wrap(true),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
        Attribute::ValueLen(32_u64.into()),
    ];
    if trusted {
        template.push(Attribute::Trusted(true));
    }
    session.generate_key(&Mechanism::AesKeyGen, &template).map_err(call("make a wrapping key"))
}

/// Makes the recipient's key pair, for a session, or with a label for longer.
fn recipient_in(
    session: &Session,
    label: Option<&str>,
) -> Result<(ObjectHandle, WrapRecipient), CopyKeyError> {
    let label_octets = || Attribute::Label(label.unwrap_or("recipient").as_bytes().to_vec());
    let (public, private) = session
        .generate_key_pair(
            &Mechanism::RsaPkcsKeyPairGen,
            &[
                Attribute::Token(label.is_some()),
                Attribute::Private(false),
                Attribute::Wrap(true),
                Attribute::Encrypt(false),
                Attribute::Verify(false),
                Attribute::ModulusBits(RSA_BITS.into()),
                Attribute::PublicExponent(vec![1, 0, 1]),
                label_octets(),
            ],
            &[
                Attribute::Token(label.is_some()),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Unwrap(true),
                Attribute::Decrypt(false),
                Attribute::Sign(false),
                label_octets(),
            ],
        )
        .map_err(call("make the recipient's key"))?;
    let said = KeyAttributes::read(session, private).map_err(UseTokenError::from)?;
    let mut recipient = WrapRecipient { modulus: Vec::new(), exponent: Vec::new() };
    let wanted = [AttributeType::Modulus, AttributeType::PublicExponent];
    for attribute in session.get_attributes(public, &wanted).map_err(call("read the recipient's key"))? {
        if let Attribute::Modulus(octets) = attribute {
            recipient.modulus = octets;
        } else if let Attribute::PublicExponent(octets) = attribute {
            recipient.exponent = octets;
        }
    }
    if said.extractable || !said.sensitive || recipient.modulus.is_empty() || recipient.exponent.is_empty() {
        for half in [private, public] {
            session.destroy_object(half).map_err(call("destroy what is no recipient's key"))?;
        }
        return Err(CopyKeyError::RecipientNotProtected);
    }
    Ok((private, recipient))
}

fn unwrap_in(
    visit: &Visit,
    recipient: ObjectHandle,
    wrapped: &WrappedKey,
    export: Export,
) -> Result<Copied, CopyKeyError> {
    let session = &visit.session;
    refuse_taken(session, &wrapped.label, &wrapped.id)?;
    let transport = session
        .unwrap_key(
            &wrapped.oaep.mechanism(),
            recipient,
            &wrapped.transport,
            &[
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::KeyType(KeyType::AES),
                Attribute::Token(false),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Unwrap(true),
            ],
        )
        .map_err(call("unwrap the wrapping key"))?;
    let mut hidden = vec![
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::KeyType(KeyType::EC),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(export != Export::Never),
        Attribute::Sign(true),
        Attribute::Label(wrapped.label.clone().into_bytes()),
        Attribute::Id(wrapped.id.clone()),
    ];
    if export == Export::ByTrustedWrap {
        hidden.push(Attribute::WrapWithTrusted(true));
    }
    let private = session
        .unwrap_key(&Mechanism::AesKeyWrapPad, transport, &wrapped.key, &hidden)
        .map_err(call("unwrap the key"))?;
    let proven = proven(session, private, (wrapped, export));
    let public = proven.and_then(|said| Ok((said, public_half(session, wrapped)?)));
    match public {
        Ok((attributes, _)) => Ok(Copied {
            token: visit.found.description(),
            public_key: wrapped.public_key.clone(),
            label: wrapped.label.clone(),
            id: wrapped.id.clone(),
            attributes,
        }),
        Err(cause) => {
            session.destroy_object(private).map_err(call("destroy what is not the key"))?;
            Err(cause)
        }
    }
}

/// The key signs, the public key of the original verifies that, and it is as protected as it was to be.
fn proven(
    session: &Session,
    private: ObjectHandle,
    (wrapped, export): (&WrappedKey, Export),
) -> Result<KeyAttributes, CopyKeyError> {
    let digest = MessageDigest::of(wrapped.public_key.curve(), PROBE);
    let r_and_s =
        session.sign(&Mechanism::Ecdsa, private, digest.octets()).map_err(call("sign with the copy"))?;
    EcdsaSignature::from_fixed(digest.curve(), &r_and_s)
        .ok()
        .and_then(|signature| wrapped.public_key.verify_digest(&digest, &signature).ok())
        .ok_or(CopyKeyError::AnotherKey)?;
    let said = KeyAttributes::read(session, private).map_err(UseTokenError::from)?;
    if !said.sensitive || (export == Export::Never && said.extractable) {
        return Err(CopyKeyError::CopyNotProtected);
    }
    Ok(said)
}

fn public_half(session: &Session, wrapped: &WrappedKey) -> Result<ObjectHandle, CopyKeyError> {
    let curve = wrapped.public_key.curve();
    let encoded = curve.oid().to_der().and_then(|parameters| {
        let point = OctetStringRef::new(wrapped.public_key.point())?.to_der()?;
        Ok((parameters, point))
    });
    let (parameters, point) = encoded.map_err(|_| CopyKeyError::AnotherKey)?;
    session
        .create_object(&[
            Attribute::Class(ObjectClass::PUBLIC_KEY),
            Attribute::KeyType(KeyType::EC),
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Verify(true),
            Attribute::EcParams(parameters),
            Attribute::EcPoint(point),
            Attribute::Label(wrapped.label.clone().into_bytes()),
            Attribute::Id(wrapped.id.clone()),
        ])
        .map_err(call("put the public key there"))
}

/// Two keys with one label or one `CKA_ID` would be ambiguous.
fn refuse_taken(session: &Session, label: &str, id: &[u8]) -> Result<(), CopyKeyError> {
    let by_id = key::halves(session, id).map_err(UseTokenError::from)?;
    let by_label = key::labelled(session, label).map_err(UseTokenError::from)?;
    if by_id.is_empty() && by_label.is_empty() {
        return Ok(());
    }
    let what = if by_label.is_empty() { format!("id {}", Hex(id)) } else { label.to_owned() };
    Err(CopyKeyError::Taken { label: what })
}

fn the_handle(session: &Session, key: &TokenKey) -> Result<ObjectHandle, OpenTokenError> {
    match key::find(session, &key.id).map_err(UseTokenError::from)?.as_slice() {
        [handle] => Ok(*handle),
        [] => Err(UseTokenError::KeyGone { key: key.public_key.key_ref() }.into()),
        several => Err(UseTokenError::AmbiguousKey { id: key.id.clone(), count: several.len() }.into()),
    }
}

pub(crate) fn call(act: &'static str) -> impl Fn(cryptoki::error::Error) -> CopyKeyError {
    move |cause| CopyKeyError::Call { act, cause: cause.into() }
}

/// Why a key was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyKeyError {
    /// The token, or the key on it, cannot be reached.
    #[error(transparent)]
    Open(#[from] OpenTokenError),
    /// The token fails.
    #[error(transparent)]
    Token(#[from] UseTokenError),
    /// The token refuses a step.
    #[error("the token does not {act}: {cause}")]
    Call {
        /// What was asked of it.
        act: &'static str,
        /// What it answered.
        #[source]
        cause: CallFailed,
    },
    /// The key was made to stay on its token.
    #[error(
        "the key {label:?} cannot leave its token: CKA_EXTRACTABLE is false, and never becomes true again"
    )]
    StaysThere {
        /// Its label.
        label: String,
    },
    /// Only a trusted key may wrap it, which the security officer makes.
    #[error(
        "the key {label:?} is wrapped by a trusted key only, which the security officer of the token has to make"
    )]
    NeedsOfficer {
        /// Its label.
        label: String,
    },
    /// Both tokens are one.
    #[error("both URIs name the token {token}")]
    SameToken {
        /// The token.
        token: TokenDescription,
    },
    /// The token has a key of that label or id.
    #[error("the receiving token has a key {label:?} already")]
    Taken {
        /// The label, or the id.
        label: String,
    },
    /// The token has not the private half of the recipient's key.
    #[error("the token {token} has not the private key that this was wrapped for")]
    NotTheRecipient {
        /// The token.
        token: TokenDescription,
    },
    /// The token made a recipient's key that could leave it; it was destroyed.
    #[error(
        "the token made a recipient's key that could leave it, although it was told not to; it was destroyed"
    )]
    RecipientNotProtected,
    /// What was unwrapped is another key than the one that was given; it was destroyed.
    #[error("what was unwrapped does not sign for the public key of the original; it was destroyed")]
    AnotherKey,
    /// The token keeps the copy less well than it was told; it was destroyed.
    #[error("the token made a copy that could leave it, although it was told not to; it was destroyed")]
    CopyNotProtected,
    /// The token said that the key was sealed, and it is not.
    #[error("the token was told that the key must not leave it any more, and says that it may")]
    NotSealed,
}

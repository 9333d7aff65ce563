//! One session in which secrets are wrapped anew, one after the other.

use std::collections::HashMap;

use ca_core::record::WrappedSecret;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use super::{RewrapError, Role};
use crate::call::CallFailed;
use crate::secret_shape::Shape;
use crate::session::UseTokenError;
use crate::signer::OpenTokenError;
use crate::token::TokenDescription;
use crate::visit::Visit;
use crate::wrap::Door;
use crate::wrapping_key::{self, WrappingKey};

/// A session, what was found in it, and what it is tried with.
pub(super) struct Desk {
    keys: HashMap<(String, Role), ObjectHandle>,
    probe: Probe,
    visit: Visit,
}

/// A key of the session that nobody knows, and a blob that unwraps under it while the token works.
struct Probe {
    key: ObjectHandle,
    blob: Vec<u8>,
}

/// An object of the session, which ends with this.
pub(super) struct Passing<'a> {
    session: &'a Session,
    pub(super) handle: ObjectHandle,
}

impl Desk {
    /// Opens a session and logs in.
    pub(super) fn open(door: Door<'_>) -> Result<Self, OpenTokenError> {
        let visit = Visit::open_to_read(door.uri)?;
        visit.log_in(door.pin)?;
        Self::at(visit)
    }

    /// Opens a session on a token to which this program is logged in.
    pub(super) fn open_beside(door: Door<'_>) -> Result<Self, OpenTokenError> {
        Self::at(Visit::open_to_read(door.uri)?)
    }

    fn at(visit: Visit) -> Result<Self, OpenTokenError> {
        let probe = Probe::make(&visit.session).map_err(UseTokenError::from)?;
        Ok(Self { keys: HashMap::new(), probe, visit })
    }

    pub(super) fn token(&self) -> TokenDescription {
        self.visit.found.description()
    }

    /// Finds the key with a label, which is fit for what it is wanted for. It is looked at once.
    pub(super) fn key(&mut self, label: &str, role: Role) -> Result<ObjectHandle, RewrapError> {
        let wanted = (label.to_owned(), role);
        if let Some(known) = self.keys.get(&wanted) {
            return Ok(*known);
        }
        let handle = match wrapping_key::labelled(&self.visit.session, label)?.as_slice() {
            [handle] => *handle,
            [] => return Err(RewrapError::UnknownKey { label: label.to_owned() }),
            several => {
                return Err(RewrapError::AmbiguousKey { label: label.to_owned(), count: several.len() });
            }
        };
        if !is_fit(&self.visit.session, handle, role).map_err(UseTokenError::from)? {
            return Err(RewrapError::UnfitKey { label: label.to_owned(), role });
        }
        self.keys.insert(wanted, handle);
        Ok(handle)
    }

    pub(super) fn rewrap(&mut self, secret: &WrappedSecret, to: &str) -> Result<WrappedSecret, RewrapError> {
        let shape = Shape::of(secret)?;
        let (from, to_key) = (self.key(&secret.wrapped_by, Role::Unwraps)?, self.key(to, Role::Wraps)?);
        let passing = self.unwrapped((from, secret), &passing_template(shape))?;
        let octets = self.wrapped(to_key, (shape, &passing))?;
        if shape == Shape::Password {
            self.prove_length(&passing)?;
        }
        Ok(WrappedSecret { kind: secret.kind, wrapped_by: to.to_owned(), octets })
    }

    /// Unwraps a secret into the session.
    pub(super) fn unwrapped(
        &self,
        (from, secret): (ObjectHandle, &WrappedSecret),
        template: &[Attribute],
    ) -> Result<Passing<'_>, RewrapError> {
        let (session, mechanism) = (&*self.visit.session, Shape::of(secret)?.mechanism());
        let attempt = || session.unwrap_key(&mechanism, from, &secret.octets, template);
        let cause = match attempt() {
            Ok(handle) => return Ok(Passing { session, handle }),
            Err(cause) => cause,
        };
        let refused = match verdict(&cause) {
            Verdict::Blob => Ok(()),
            Verdict::Token => Err(cause),
            // SoftHSM2 says CKR_GENERAL_ERROR of an integrity check that fails: the token is asked for something that must succeed, and then
            // once more for this.
            Verdict::Either => match self.probe.works(session).and_then(|()| attempt()) {
                Ok(handle) => return Ok(Passing { session, handle }),
                Err(_) => self.probe.works(session),
            },
        };
        refused.map_err(|cause| UseTokenError::from(CallFailed::from(cause)))?;
        Err(RewrapError::NotUnwrapped { label: secret.wrapped_by.clone() })
    }

    /// Wraps an object of the session.
    pub(super) fn wrapped(
        &self,
        key: ObjectHandle,
        (shape, passing): (Shape, &Passing<'_>),
    ) -> Result<Vec<u8>, RewrapError> {
        let wrapped = passing.session.wrap_key(&shape.mechanism(), key, passing.handle);
        wrapped.map_err(|cause| {
            let cause = CallFailed::from(cause);
            if cause.is(RvError::KeySizeRange) || cause.is(RvError::KeyNotWrappable) {
                RewrapError::NotWrapped
            } else {
                UseTokenError::from(cause).into()
            }
        })
    }

    /// Makes an AES key in the session, of as many octets.
    pub(super) fn new_key(&self, octets: usize) -> Result<Passing<'_>, RewrapError> {
        let session = &*self.visit.session;
        let handle = generated(session, octets, true).map_err(failed)?;
        Ok(Passing { session, handle })
    }

    /// Proves that the token wraps these very octets, without anybody seeing them. SoftHSM2 fills what is wrapped by RFC 5649 with zeros up to a
    /// multiple of 8 octets, so that another password arrives; the length of the blob does not tell.
    fn prove_length(&self, passing: &Passing<'_>) -> Result<(), RewrapError> {
        let session = passing.session;
        let there =
            session.wrap_key(&Mechanism::AesKeyWrapPad, self.probe.key, passing.handle).map_err(failed)?;
        let handle = session
            .unwrap_key(&Mechanism::AesKeyWrapPad, self.probe.key, &there, &passing_template(Shape::Password))
            .map_err(failed)?;
        let back = Passing { session, handle };
        if self.digest(passing)? == self.digest(&back)? { Ok(()) } else { Err(RewrapError::LengthLost) }
    }

    /// Hashes a secret after a key that nobody knows: two hashes tell whether two secrets are the same, and nothing else.
    fn digest(&self, passing: &Passing<'_>) -> Result<Vec<u8>, RewrapError> {
        let session = passing.session;
        session.digest_init(&Mechanism::Sha256).map_err(unproven)?;
        let taken = session.digest_key(self.probe.key).and_then(|()| session.digest_key(passing.handle));
        // Ends the operation, whatever came before.
        let digest = session.digest_final();
        taken.map_err(unproven)?;
        Ok(digest.map_err(failed)?)
    }
}

impl Probe {
    fn make(session: &Session) -> Result<Self, CallFailed> {
        let key = generated(session, 32, false)?;
        let sample = Passing { session, handle: generated(session, 16, true)? };
        let blob = session.wrap_key(&Mechanism::AesKeyWrap, key, sample.handle)?;
        Ok(Self { key, blob })
    }

    /// Tells whether the token unwraps what it must unwrap.
    fn works(&self, session: &Session) -> Result<(), Error> {
        let template = passing_template(Shape::of_a_key());
        let handle = session.unwrap_key(&Mechanism::AesKeyWrap, self.key, &self.blob, &template)?;
        drop(Passing { session, handle });
        Ok(())
    }
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        if let Err(cause) = self.session.destroy_object(self.handle).map_err(CallFailed::from) {
            tracing::error!(%cause, "a secret that was wrapped anew stays in its session until that ends");
        }
    }
}

/// What a secret is while it is in the session: nobody reads it, and it does nothing; it may be wrapped, since that is what it is there for.
fn passing_template(shape: Shape) -> Vec<Attribute> {
    let mut template = session_template(true);
    template.extend([Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(shape.key_type())]);
    template.extend([Attribute::Wrap(false), Attribute::Unwrap(false)]);
    template
}

/// A key of the device while it wraps others: it stays where it is.
pub(super) fn wrapping_template() -> Vec<Attribute> {
    let mut template = session_template(false);
    template.extend([Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)]);
    template.extend([Attribute::Wrap(true), Attribute::Unwrap(false)]);
    template
}

fn session_template(leaves: bool) -> Vec<Attribute> {
    vec![
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(leaves),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
    ]
}

/// Makes an AES key in a session: one that may be wrapped, or one that wraps.
fn generated(session: &Session, octets: usize, leaves: bool) -> Result<ObjectHandle, Error> {
    let mut template = session_template(leaves);
    template.extend([Attribute::Wrap(!leaves), Attribute::Unwrap(!leaves)]);
    template.push(Attribute::ValueLen(u64::try_from(octets)?.into()));
    session.generate_key(&Mechanism::AesKeyGen, &template)
}

/// A key under which secrets may be: AES, it stays on its token, and nothing but wraps and unwraps.
fn is_fit(session: &Session, handle: ObjectHandle, role: Role) -> Result<bool, CallFailed> {
    let of_type = session.get_attributes(handle, &[AttributeType::KeyType])?;
    let key = WrappingKey::read(session, handle)?;
    let may = match role {
        Role::Unwraps => key.uses.unwrap,
        Role::Wraps => key.uses.wrap,
    };
    Ok(may && key.is_kept() && of_type.contains(&Attribute::KeyType(KeyType::AES)))
}

/// At whose fault an answer to `C_UnwrapKey` is.
enum Verdict {
    Blob,
    Token,
    Either,
}

/// Vendors answer what they like to a blob that was altered, so that only what is plainly about the token is taken for that at once.
#[expect(clippy::wildcard_enum_match_arm, reason = "any other answer is looked into")]
const fn verdict(cause: &Error) -> Verdict {
    match cause {
        Error::Pkcs11(
            RvError::WrappedKeyInvalid
            | RvError::WrappedKeyLenRange
            | RvError::EncryptedDataInvalid
            | RvError::EncryptedDataLenRange,
            _,
        ) => Verdict::Blob,
        Error::Pkcs11(
            RvError::CryptokiNotInitialized
            | RvError::UserNotLoggedIn
            | RvError::SessionHandleInvalid
            | RvError::SessionClosed
            | RvError::UnwrappingKeyHandleInvalid
            | RvError::KeyHandleInvalid
            | RvError::TokenNotPresent
            | RvError::TokenNotRecognized
            | RvError::DeviceRemoved
            | RvError::DeviceMemory
            | RvError::HostMemory
            | RvError::MechanismInvalid
            | RvError::KeyFunctionNotPermitted
            | RvError::FunctionNotSupported,
            _,
        ) => Verdict::Token,
        Error::Pkcs11(..) => Verdict::Either,
        _ => Verdict::Token,
    }
}

fn failed(cause: Error) -> UseTokenError {
    CallFailed::from(cause).into()
}

/// A token that has no `C_DigestKey`, or not for these keys.
fn unproven(cause: Error) -> RewrapError {
    let absent = matches!(cause, Error::NullFunctionPointer);
    let cause = CallFailed::from(cause);
    let refused = [RvError::KeyIndigestible, RvError::FunctionNotSupported, RvError::MechanismInvalid];
    if absent || refused.into_iter().any(|answer| cause.is(answer)) {
        RewrapError::LengthUnproven
    } else {
        UseTokenError::from(cause).into()
    }
}

//! Making a key pair on a token, and reading back whether the token keeps it as it was told to.
//!
//! Not the copying of keys, which makes none: see `wrap.rs`.

use ca_core::suite::Curve;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::session::Session;
use der::Encode;

use crate::call::CallFailed;
use crate::key::{self, Export, KeyUse, PrivateKeyObject, TokenKey, Unusable};
use crate::session::UseTokenError;
use crate::survey::KeyAttributes;

/// Makes a key pair and names it by its point; takes it away again when it is not as it must be. The outer error says
/// that none was made, so that another try makes no second one.
pub(crate) fn generate_in(
    session: &Session,
    (curve, export, purpose): (Curve, Export, KeyUse),
    label: &str,
) -> Result<Result<TokenKey, GenerateKeyError>, UseTokenError> {
    let Ok(parameters) = curve.oid().to_der() else {
        return Ok(Err(GenerateKeyError::Refused(Unusable::NotOurCurve)));
    };
    let label_octets = Attribute::Label(label.as_bytes().to_vec());
    let mut hidden = vec![
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(export != Export::Never),
        Attribute::Sign(true),
        label_octets.clone(),
    ];
    if purpose == KeyUse::Agreement {
        hidden.push(Attribute::Derive(true));
    }
    if export == Export::ByTrustedWrap {
        hidden.push(Attribute::WrapWithTrusted(true));
    }
    let (public, private) = session
        .generate_key_pair(
            &Mechanism::EccKeyPairGen,
            &[
                Attribute::Token(true),
                Attribute::Private(false),
                Attribute::Verify(true),
                Attribute::EcParams(parameters),
                label_octets,
            ],
            &hidden,
        )
        .map_err(CallFailed::from)?;
    let named = check_export(session, private, export)
        .and_then(|()| check_use(session, private, purpose))
        .and_then(|()| name_key(session, public, private, label));
    if named.is_err() {
        destroy(session, [private, public]);
    }
    Ok(named)
}

/// Reads whether the token made the key as it was told to.
fn check_export(session: &Session, private: ObjectHandle, export: Export) -> Result<(), GenerateKeyError> {
    let said = KeyAttributes::read(session, private).map_err(UseTokenError::from)?;
    if !said.sensitive || (export == Export::Never && said.extractable) {
        return Err(GenerateKeyError::NotProtected);
    }
    let trusted_only = || key::is_wrapped_by_trusted_only(session, private).map_err(UseTokenError::from);
    if export == Export::ByTrustedWrap && !trusted_only()? {
        return Err(GenerateKeyError::WrappedByAny);
    }
    Ok(())
}

fn check_use(session: &Session, private: ObjectHandle, purpose: KeyUse) -> Result<(), GenerateKeyError> {
    let agrees = || key::agrees(session, private).map_err(UseTokenError::from);
    if purpose == KeyUse::Agreement && !agrees()? {
        return Err(GenerateKeyError::DoesNotAgree);
    }
    Ok(())
}

fn name_key(
    session: &Session,
    public: ObjectHandle,
    private: ObjectHandle,
    label: &str,
) -> Result<TokenKey, GenerateKeyError> {
    let public_key =
        key::public_key(session, public).map_err(UseTokenError::from)?.map_err(GenerateKeyError::Refused)?;
    let protection = key::protection(session, private).map_err(UseTokenError::from)?;
    let id = public_key.key_ref().octets().to_vec();
    // RFC 5280 §4.2.1.2, method 1, as PKCS#11 v3.1 §4.6 suggests for CKA_ID. The private key last: until it has an id,
    // the pair is not usable.
    for half in [public, private] {
        session
            .update_attributes(half, &[Attribute::Id(id.clone())])
            .map_err(|cause| UseTokenError::from(CallFailed::from(cause)))?;
    }
    Ok(TokenKey { public_key, label: label.to_owned(), id, protection })
}

fn destroy(session: &Session, objects: [ObjectHandle; 2]) {
    for object in objects {
        if let Err(cause) = session.destroy_object(object).map_err(CallFailed::from) {
            tracing::error!(%cause, "half of a key that was not finished stays on the token, without a CKA_ID");
        }
    }
}

/// Why no key was made on a token.
#[derive(Debug, thiserror::Error)]
pub enum GenerateKeyError {
    /// The URI means one key, which is there already.
    #[error("the PKCS#11 URI names a key by object= or id=; leave that out to make a new key")]
    UriNamesAKey,
    /// A key without a label cannot be told from others by people.
    #[error("a new key needs a label")]
    NoLabel,
    /// A private key with this label is there; two would be ambiguous.
    #[error("a private key with this label is on the token already: {object}")]
    LabelTaken {
        /// The key that is there.
        object: Box<PrivateKeyObject>,
    },
    /// The token made a key that can leave it, although it was told not to; the key was destroyed.
    #[error("the token made a key that can be extracted, although it was told not to; it was destroyed")]
    NotProtected,
    /// The token made a key that any key may wrap, although it was told otherwise; the key was destroyed.
    #[error(
        "the token made a key that any key may wrap, although it was told that a trusted one must; it was destroyed"
    )]
    WrappedByAny,
    /// The token made a key that may not agree with others, although it was told to; the key was destroyed.
    #[error(
        "the token made a key that may not agree with others (CKA_DERIVE), although it was told to; it was destroyed"
    )]
    DoesNotAgree,
    /// The token made a key that is none; it was destroyed.
    #[error("the token made a key that cannot be used, and it was destroyed: {0}")]
    Refused(#[source] Unusable),
    /// The token is not there, refuses the PIN, or cannot make the key.
    #[error(transparent)]
    Token(#[from] UseTokenError),
}

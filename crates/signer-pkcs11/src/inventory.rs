//! What is on tokens: which there are behind a module, and the keys on each, also those that no signer would use.
//!
//! Without a login only public objects are seen; that private ones are missing from the list then says nothing of them. Nothing is
//! changed. No PIN is tried unless one is given.

use std::path::Path;

use ca_core::public_key::PublicKey;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use crate::call::CallFailed;
use crate::key;
use crate::module::{self, Module};
use crate::pin::Pin;
use crate::session::UseTokenError;
use crate::signer::OpenTokenError;
use crate::survey::{KeyAttributes, TokenSurvey};
use crate::token::FoundToken;
use crate::uri::TokenUri;
use crate::visit::Visit;

/// A token with what can be seen on it.
#[derive(Debug)]
pub struct TokenInventory {
    /// What it says of itself.
    pub survey: TokenSurvey,
    /// Whether it was initialised; one that was not has no label and no keys.
    pub initialised: bool,
    /// Whether its user has a PIN.
    pub user_pin_set: bool,
    /// Whether private objects were looked at.
    pub logged_in: bool,
    /// Its keys.
    pub keys: Vec<KeyObject>,
    /// How many certificates are on it.
    pub certificates: usize,
    /// Why its objects could not be read, if so.
    pub trouble: Option<String>,
}

/// A key, or the half of one that is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyObject {
    /// `CKA_LABEL`, with replacement characters for what is not UTF-8.
    pub label: String,
    /// `CKA_ID`, may be empty.
    pub id: Vec<u8>,
    /// What kind of key it is.
    pub kind: KeyKind,
    /// Which halves are seen.
    pub halves: Halves,
    /// The public key, where it is one that we use.
    pub public_key: Option<PublicKey>,
    /// The attributes of the private or secret key, where that is seen.
    pub attributes: Option<KeyAttributes>,
    /// `CKA_WRAP_WITH_TRUSTED` of it.
    pub wrap_with_trusted: bool,
}

/// The kinds of keys, as far as they matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// On an elliptic curve.
    Ec,
    /// RSA: of whom keys are wrapped for.
    Rsa,
    /// A secret key.
    Secret,
    /// Something else.
    Other,
}

/// Which halves of a key are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halves {
    /// The private one, and the public one with the same `CKA_ID`.
    Both,
    /// The private one alone.
    Private,
    /// The public one alone: the private one is hidden without a login, or is not there.
    Public,
    /// It is a secret key, which has no halves.
    Secret,
}

/// Lists every token behind a module, with its public objects. No PIN is tried.
///
/// # Errors
/// [`OpenTokenError`].
pub fn inventories(module: &Path) -> Result<Vec<TokenInventory>, OpenTokenError> {
    let module = module::load(module)?;
    let _inside = module.gate().enter();
    let failed = |cause| UseTokenError::from(CallFailed::from(cause));
    let mut tokens = Vec::new();
    for slot in module.get_slots_with_token().map_err(failed)? {
        // Pulled out since, or not one that this module reads.
        let Ok(token) = module.get_token_info(slot) else { continue };
        tokens.push(look(&module, &FoundToken { slot, token }));
    }
    Ok(tokens)
}

fn look(module: &Module, found: &FoundToken) -> TokenInventory {
    let mut inventory = TokenInventory::empty(found);
    if inventory.initialised {
        let read = module.gate().open(|| module.open_ro_session(found.slot)).map_err(CallFailed::from);
        if let Err(cause) = read.and_then(|session| inventory.read(&session)) {
            inventory.trouble = Some(cause.to_string());
        }
    }
    inventory
}

/// Lists the one token that a URI names: its public objects, and with a PIN, which is tried once, all of them.
///
/// # Errors
/// [`OpenTokenError`].
pub fn inventory(uri: &TokenUri, pin: Option<&Pin>) -> Result<TokenInventory, OpenTokenError> {
    let visit = Visit::open_to_read(uri)?;
    if let Some(pin) = pin {
        visit.log_in(pin)?;
    }
    let mut inventory = TokenInventory { logged_in: pin.is_some(), ..TokenInventory::empty(&visit.found) };
    inventory.read(&visit.session).map_err(UseTokenError::from)?;
    Ok(inventory)
}

impl TokenInventory {
    fn empty(found: &FoundToken) -> Self {
        Self {
            survey: TokenSurvey::of(found),
            initialised: found.token.token_initialized(),
            user_pin_set: found.token.user_pin_initialized(),
            logged_in: false,
            keys: Vec::new(),
            certificates: 0,
            trouble: None,
        }
    }

    fn read(&mut self, session: &Session) -> Result<(), CallFailed> {
        for handle in of_class(session, ObjectClass::PRIVATE_KEY)? {
            self.keys.push(KeyObject::hidden(session, handle, Halves::Private)?);
        }
        for handle in of_class(session, ObjectClass::PUBLIC_KEY)? {
            self.add_public(session, handle)?;
        }
        for handle in of_class(session, ObjectClass::SECRET_KEY)? {
            self.keys.push(KeyObject::hidden(session, handle, Halves::Secret)?);
        }
        self.certificates = of_class(session, ObjectClass::CERTIFICATE)?.len();
        Ok(())
    }

    /// Puts a public key beside the private one with its `CKA_ID`, or by itself.
    fn add_public(&mut self, session: &Session, handle: ObjectHandle) -> Result<(), CallFailed> {
        let named = Named::read(session, handle)?;
        let public_key =
            if named.kind == KeyKind::Ec { key::public_key(session, handle)?.ok() } else { None };
        let other = self.keys.iter_mut().find(|one| {
            one.halves == Halves::Private
                && one.kind == named.kind
                && !one.id.is_empty()
                && one.id == named.id
        });
        if let Some(one) = other {
            one.halves = Halves::Both;
            one.public_key = public_key;
        } else {
            let Named { label, id, kind } = named;
            self.keys.push(KeyObject {
                label,
                id,
                kind,
                halves: Halves::Public,
                public_key,
                attributes: None,
                wrap_with_trusted: false,
            });
        }
        Ok(())
    }
}

impl KeyObject {
    fn hidden(session: &Session, handle: ObjectHandle, halves: Halves) -> Result<Self, CallFailed> {
        let Named { label, id, kind } = Named::read(session, handle)?;
        Ok(Self {
            label,
            id,
            kind: if halves == Halves::Secret { KeyKind::Secret } else { kind },
            halves,
            public_key: None,
            attributes: Some(KeyAttributes::read(session, handle)?),
            wrap_with_trusted: key::is_wrapped_by_trusted_only(session, handle)?,
        })
    }
}

fn of_class(session: &Session, class: ObjectClass) -> Result<Vec<ObjectHandle>, CallFailed> {
    Ok(session.find_objects(&[Attribute::Class(class), Attribute::Token(true)])?)
}

/// What every key object is known by.
struct Named {
    label: String,
    id: Vec<u8>,
    kind: KeyKind,
}

impl Named {
    fn read(session: &Session, handle: ObjectHandle) -> Result<Self, CallFailed> {
        let mut named = Self { label: String::new(), id: Vec::new(), kind: KeyKind::Other };
        let wanted = [AttributeType::Label, AttributeType::Id, AttributeType::KeyType];
        for attribute in session.get_attributes(handle, &wanted)? {
            if let Attribute::Label(octets) = attribute {
                named.label = String::from_utf8_lossy(&octets).into_owned();
            } else if let Attribute::Id(octets) = attribute {
                named.id = octets;
            } else if attribute == Attribute::KeyType(KeyType::EC) {
                named.kind = KeyKind::Ec;
            } else if attribute == Attribute::KeyType(KeyType::RSA) {
                named.kind = KeyKind::Rsa;
            }
        }
        Ok(named)
    }
}

//! One session on one token, for what an operator's command does once: listing, examining, copying.
//!
//! Not the sessions of a signer (`session.rs`): nothing is recovered and no call has a deadline, since a person waits for it.
//! The PIN is offered once at most, and not at all where a wrong one could lock the token.

use cryptoki::error::RvError;
use cryptoki::session::UserType;

use crate::call::CallFailed;
use crate::gate::{GatedSession, Inside};
use crate::key::{self, PrivateKeyObject, TokenKey};
use crate::module::{self, Module};
use crate::pin::Pin;
use crate::session::{UseTokenError, log_in};
use crate::signer::OpenTokenError;
use crate::token::{self, FoundToken};
use crate::uri::{Keys, TokenUri};

/// A session on the token that a URI names.
pub(crate) struct Visit {
    pub(crate) module: Module,
    pub(crate) found: FoundToken,
    pub(crate) session: GatedSession,
    _inside: Inside,
}

impl Visit {
    /// Opens a session in which objects can be changed. Nobody is logged in by it.
    pub(crate) fn open(uri: &TokenUri) -> Result<Self, OpenTokenError> {
        let (module, inside, found) = Self::look(uri)?;
        let session = module
            .gate()
            .open(|| module.open_rw_session(found.slot))
            .map_err(|cause| UseTokenError::from(CallFailed::from(cause)))?;
        Ok(Self { module, found, session, _inside: inside })
    }

    /// Opens a session in which nothing can be changed, as tokens that are write-protected want it.
    pub(crate) fn open_to_read(uri: &TokenUri) -> Result<Self, OpenTokenError> {
        let (module, inside, found) = Self::look(uri)?;
        let session = module
            .gate()
            .open(|| module.open_ro_session(found.slot))
            .map_err(|cause| UseTokenError::from(CallFailed::from(cause)))?;
        Ok(Self { module, found, session, _inside: inside })
    }

    fn look(uri: &TokenUri) -> Result<(Module, Inside, FoundToken), OpenTokenError> {
        let module = module::load(uri.module_path())?;
        let inside = module.gate().enter();
        let found = token::find(&module, uri.token()).map_err(UseTokenError::from)?;
        Ok((module, inside, found))
    }

    /// Logs the user in; the PIN is tried once (case H-05).
    pub(crate) fn log_in(&self, pin: &Pin) -> Result<(), OpenTokenError> {
        let token = self.found.description();
        if self.found.token.user_pin_locked() {
            return Err(UseTokenError::PinLocked { token }.into());
        }
        if self.found.token.user_pin_final_try() {
            return Err(UseTokenError::PinFinalTry { token }.into());
        }
        Ok(log_in(&self.session, pin)?)
    }

    /// Logs the security officer in; the PIN is tried once.
    pub(crate) fn log_in_officer(&self, pin: &Pin) -> Result<(), OpenTokenError> {
        let token = self.found.description();
        if self.found.token.so_pin_locked() {
            return Err(UseTokenError::PinLocked { token }.into());
        }
        if self.found.token.so_pin_final_try() {
            return Err(UseTokenError::PinFinalTry { token }.into());
        }
        let answer = self.session.login(UserType::So, Some(pin.secret())).map_err(CallFailed::from);
        answer.map_err(|cause| {
            if cause.is(RvError::PinLocked) {
                UseTokenError::LoginLocked(cause).into()
            } else if cause.is_refusal_of_the_pin() {
                UseTokenError::PinRefused(cause).into()
            } else {
                UseTokenError::from(cause).into()
            }
        })
    }

    /// Ends the login of whoever is logged in.
    pub(crate) fn log_out(&self) -> Result<(), OpenTokenError> {
        Ok(self.session.logout().map_err(|cause| UseTokenError::from(CallFailed::from(cause)))?)
    }

    /// Finds the one private key that a URI means; it can be used.
    pub(crate) fn the_key(&self, uri: &TokenUri) -> Result<TokenKey, OpenTokenError> {
        let wanted = uri.key();
        let list = |keys: &Keys| key::list(&self.session, keys).map_err(UseTokenError::from);
        let mut found: Vec<PrivateKeyObject> = list(wanted)?;
        if found.len() > 1 {
            return Err(OpenTokenError::AmbiguousKey { wanted: wanted.to_string(), there: found });
        }
        let Some(object) = found.pop() else {
            let there = list(&Keys::default())?;
            return Err(OpenTokenError::NoSuchKey { wanted: wanted.to_string(), there });
        };
        match object.key {
            Ok(key) => Ok(key),
            Err(_) => Err(OpenTokenError::UnusableKey { object: Box::new(object) }),
        }
    }
}

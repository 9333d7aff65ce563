//! Tokens of SoftHSM2, made for a rehearsal: the one kind of token that is ever initialised here.
//!
//! A module that is not SoftHSM2 is not even loaded, and a token that was initialised is never initialised again. Where
//! SoftHSM2 keeps its tokens it reads from the environment; that this is a place of the rehearsal is for the caller to see to.

use std::fs;
use std::path::{Path, PathBuf};

use cryptoki::session::UserType;
use cryptoki::slot::Slot;

use crate::call::CallFailed;
use crate::module::{self, LoadModuleError, Module};
use crate::pin::Pin;
use crate::token::{FoundToken, TokenDescription};

/// How the file of the module begins, and what the module says of its maker.
const FILE: &str = "libsofthsm2.";
const MAKER: &str = "SoftHSM";

/// SoftHSM2, which can make tokens.
#[derive(Debug)]
pub struct SoftTokens(Module);

impl SoftTokens {
    /// Loads SoftHSM2.
    ///
    /// # Errors
    /// [`MakeSoftTokenError`], before it is loaded when the file has another name.
    pub fn open(path: &Path) -> Result<Self, MakeSoftTokenError> {
        let absent = |cause| LoadModuleError::Absent { path: path.to_owned(), cause };
        let real = fs::canonicalize(path).map_err(absent)?;
        let another = || MakeSoftTokenError::AnotherModule { path: path.to_owned() };
        let name = real.file_name().and_then(|name| name.to_str());
        name.filter(|name| name.starts_with(FILE)).ok_or_else(another)?;
        let module = module::load(&real)?;
        let said = module.get_library_info().map_err(CallFailed::from)?;
        if said.manufacturer_id() == MAKER { Ok(Self(module)) } else { Err(another()) }
    }

    /// Makes a token. The one PIN is that of its user and of its security officer.
    ///
    /// # Errors
    /// [`MakeSoftTokenError`].
    pub fn make(&self, label: &str, pin: &Pin) -> Result<TokenDescription, MakeSoftTokenError> {
        let slot = self.free_slot()?;
        self.0.init_token(slot, pin.secret(), label).map_err(CallFailed::from)?;
        let session = self.0.open_rw_session(slot).map_err(CallFailed::from)?;
        session.login(UserType::So, Some(pin.secret())).map_err(CallFailed::from)?;
        session.init_pin(pin.secret()).map_err(CallFailed::from)?;
        session.logout().map_err(CallFailed::from)?;
        let token = self.0.get_token_info(slot).map_err(CallFailed::from)?;
        Ok(FoundToken { slot, token }.description())
    }

    /// SoftHSM2 always has one slot with a token that is yet to be made.
    fn free_slot(&self) -> Result<Slot, MakeSoftTokenError> {
        for slot in self.0.get_slots_with_token().map_err(CallFailed::from)? {
            if !self.0.get_token_info(slot).map_err(CallFailed::from)?.token_initialized() {
                return Ok(slot);
            }
        }
        Err(MakeSoftTokenError::NoSlot)
    }
}

/// Why there is no soft token.
#[derive(Debug, thiserror::Error)]
pub enum MakeSoftTokenError {
    /// Another module than SoftHSM2: its tokens may be real ones.
    #[error("{path} is not SoftHSM2, and nothing else makes tokens for a rehearsal", path = path.display())]
    AnotherModule {
        /// The module.
        path: PathBuf,
    },
    /// SoftHSM2 cannot be loaded.
    #[error(transparent)]
    Module(#[from] LoadModuleError),
    /// It has no slot for a new token.
    #[error("SoftHSM2 has no slot for a new token")]
    NoSlot,
    /// It refuses.
    #[error("SoftHSM2 makes no token: {0}")]
    Call(#[from] CallFailed),
}

//! What a token says of itself before anybody logs in, and of its private keys afterwards: for the record of a ceremony.
//!
//! Nothing is changed on the token, and no PIN is needed for the first. PKCS#11 v3.1 §4.9, §5.5.

use core::fmt;

use cryptoki::object::{Attribute, AttributeType};
use cryptoki::session::Session;

use crate::call::CallFailed;
use crate::module::{self, LoadModuleError};
use crate::token::{self, FindTokenError, FoundToken, TokenDescription};
use crate::uri::TokenUri;

/// What a token says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSurvey {
    /// Which token it is.
    pub token: TokenDescription,
    /// The version of its firmware.
    pub firmware: String,
    /// How many tries its PIN has left, as far as PKCS#11 tells.
    pub tries: PinTries,
}

/// How many tries a PIN has left: PKCS#11 has flags for it and no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinTries {
    /// No wrong PIN since the last right one.
    All,
    /// At least one wrong PIN.
    Fewer,
    /// A wrong PIN locks the token.
    Last,
    /// None: the security officer must set a new PIN.
    None,
}

impl fmt::Display for PinTries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all tries are left",
            Self::Fewer => "a wrong PIN was entered before, and fewer tries are left",
            Self::Last => "ONE try is left: a wrong PIN locks the token",
            Self::None => "no try is left: the token is locked",
        })
    }
}

/// Looks at the token that a URI names. No PIN is tried.
///
/// # Errors
/// [`SurveyTokenError`].
pub fn survey(uri: &TokenUri) -> Result<TokenSurvey, SurveyTokenError> {
    let module = module::load(uri.module_path())?;
    let _inside = module.gate().enter();
    Ok(TokenSurvey::of(&token::find(&module, uri.token())?))
}

impl TokenSurvey {
    /// Reads what a token in its slot said.
    pub(crate) fn of(found: &FoundToken) -> Self {
        let info = &found.token;
        let tries = if info.user_pin_locked() {
            PinTries::None
        } else if info.user_pin_final_try() {
            PinTries::Last
        } else if info.user_pin_count_low() {
            PinTries::Fewer
        } else {
            PinTries::All
        };
        let firmware = info.firmware_version();
        let firmware = format!("{}.{}", firmware.major(), firmware.minor());
        Self { token: found.description(), firmware, tries }
    }
}

/// Why a token was not looked at.
#[derive(Debug, thiserror::Error)]
pub enum SurveyTokenError {
    /// The token library cannot be used.
    #[error(transparent)]
    Module(#[from] LoadModuleError),
    /// The token is not there, or not alone.
    #[error(transparent)]
    Token(#[from] FindTokenError),
}

/// The attributes of a private key that say whether it can be, or ever was, elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "PKCS#11 attributes are what they are")]
pub struct KeyAttributes {
    /// `CKA_SENSITIVE`.
    pub sensitive: bool,
    /// `CKA_ALWAYS_SENSITIVE`.
    pub always_sensitive: bool,
    /// `CKA_EXTRACTABLE`.
    pub extractable: bool,
    /// `CKA_NEVER_EXTRACTABLE`.
    pub never_extractable: bool,
    /// `CKA_LOCAL`: it was made on this token.
    pub local: bool,
}

impl KeyAttributes {
    /// Reads those of a private key.
    pub(crate) fn read(
        session: &Session,
        handle: cryptoki::object::ObjectHandle,
    ) -> Result<Self, CallFailed> {
        let wanted = [
            AttributeType::Sensitive,
            AttributeType::AlwaysSensitive,
            AttributeType::Extractable,
            AttributeType::NeverExtractable,
            AttributeType::Local,
        ];
        let said = session.get_attributes(handle, &wanted)?;
        // What a token does not say is taken for the worse.
        Ok(Self {
            sensitive: said.contains(&Attribute::Sensitive(true)),
            always_sensitive: said.contains(&Attribute::AlwaysSensitive(true)),
            extractable: !said.contains(&Attribute::Extractable(false)),
            never_extractable: said.contains(&Attribute::NeverExtractable(true)),
            local: said.contains(&Attribute::Local(true)),
        })
    }
}

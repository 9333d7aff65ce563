//! Finding the one token that a URI means, by label, serial number, manufacturer and model; never by slot.
//!
//! Slots are looked through anew each time, since tokens change their slots when they are plugged in again and SoftHSM2
//! renumbers at each start (case H-11).

use core::fmt;

use cryptoki::context::Pkcs11;
use cryptoki::error::RvError;
use cryptoki::slot::{Slot, TokenInfo};

use crate::call::CallFailed;
use crate::uri::Tokens;

/// What a token says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenDescription {
    /// Label, at most 32 octets, without the padding.
    pub label: String,
    /// Serial number, at most 16 octets, without the padding.
    pub serial: String,
    /// Manufacturer, at most 32 octets, without the padding.
    pub manufacturer: String,
    /// Model, at most 16 octets, without the padding.
    pub model: String,
}

impl TokenDescription {
    fn of(token: &TokenInfo) -> Self {
        Self {
            label: token.label().to_owned(),
            serial: token.serial_number().to_owned(),
            manufacturer: token.manufacturer_id().to_owned(),
            model: token.model().to_owned(),
        }
    }

    /// What is known of a token that was not seen yet.
    pub(crate) fn as_wanted(wanted: &Tokens) -> Self {
        let Tokens { label, serial, manufacturer, model } = wanted.clone();
        let [label, serial, manufacturer, model] =
            [label, serial, manufacturer, model].map(Option::unwrap_or_default);
        Self { label, serial, manufacturer, model }
    }
}

impl fmt::Display for TokenDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, serial, manufacturer, model } = self;
        write!(f, "{label:?} (serial {serial}, {manufacturer} {model})")
    }
}

/// What a token is called by whoever has only its URI: the label, with the serial number where both are there.
pub(crate) fn name_of(wanted: &Tokens) -> String {
    let parts: Vec<&str> = [&wanted.label, &wanted.serial].into_iter().filter_map(Option::as_deref).collect();
    parts.join(":")
}

/// A token in its slot of the moment.
pub(crate) struct FoundToken {
    pub(crate) slot: Slot,
    pub(crate) token: TokenInfo,
}

impl FoundToken {
    pub(crate) fn description(&self) -> TokenDescription {
        TokenDescription::of(&self.token)
    }
}

/// Finds the one initialised token that is as wanted. A token that cannot be read does not stand in the way of another.
pub(crate) fn find(module: &Pkcs11, wanted: &Tokens) -> Result<FoundToken, FindTokenError> {
    let slots = module.get_slots_with_token().map_err(CallFailed::from)?;
    if slots.is_empty() {
        return Err(FindTokenError::NoSlots { wanted: wanted.to_string() });
    }
    let (mut matching, mut others, mut unread) = (Vec::new(), Vec::new(), None);
    for slot in slots {
        match module.get_token_info(slot).map_err(CallFailed::from) {
            Ok(token) if !token.token_initialized() => {}
            Ok(token) if is_wanted(&token, wanted) => matching.push(FoundToken { slot, token }),
            Ok(token) => others.push(FoundToken { slot, token }),
            // Pulled out since the slots were listed, or not one that this module reads.
            Err(cause) if cause.is(RvError::TokenNotPresent) || cause.is(RvError::TokenNotRecognized) => {}
            Err(cause) => unread = Some(cause),
        }
    }
    match (matching.len(), matching.pop(), unread) {
        (1, Some(found), _) => Ok(found),
        (_, Some(found), _) => {
            matching.push(found);
            Err(FindTokenError::Ambiguous { wanted: wanted.to_string(), there: descriptions(&matching) })
        }
        (_, None, Some(cause)) => Err(FindTokenError::Call(cause)),
        (_, None, None) => {
            Err(FindTokenError::NotFound { wanted: wanted.to_string(), there: descriptions(&others) })
        }
    }
}

fn is_wanted(token: &TokenInfo, wanted: &Tokens) -> bool {
    let fits =
        |wanted: &Option<String>, present: &str| wanted.as_deref().is_none_or(|wanted| wanted == present);
    fits(&wanted.label, token.label())
        && fits(&wanted.serial, token.serial_number())
        && fits(&wanted.manufacturer, token.manufacturer_id())
        && fits(&wanted.model, token.model())
}

fn descriptions(tokens: &[FoundToken]) -> Vec<TokenDescription> {
    tokens.iter().map(FoundToken::description).collect()
}

/// Writes the members of a list, or that there are none.
pub(crate) fn listed<T: fmt::Display>(members: &[T]) -> String {
    if members.is_empty() {
        return "none".to_owned();
    }
    let members: Vec<String> = members.iter().map(T::to_string).collect();
    members.join(", ")
}

/// Why there is not exactly one token.
#[derive(Debug, thiserror::Error)]
pub enum FindTokenError {
    /// No token is as wanted.
    #[error("no token is {wanted}; tokens there: {tokens}", tokens = listed(there))]
    NotFound {
        /// What was wanted, as in the URI.
        wanted: String,
        /// The tokens that are there.
        there: Vec<TokenDescription>,
    },
    /// The module shows no token at all: none is plugged in, or it has lost what it talks to.
    #[error("no token is {wanted}; tokens there: none, the module has no slot with one")]
    NoSlots {
        /// What was wanted, as in the URI.
        wanted: String,
    },
    /// More than one token is as wanted (case H-10).
    #[error("more than one token is {wanted}: {tokens}; add serial= to the URI", tokens = listed(there))]
    Ambiguous {
        /// What was wanted, as in the URI.
        wanted: String,
        /// The tokens that are so.
        there: Vec<TokenDescription>,
    },
    /// The slots or tokens cannot be read.
    #[error("the tokens cannot be listed: {0}")]
    Call(#[from] CallFailed),
}

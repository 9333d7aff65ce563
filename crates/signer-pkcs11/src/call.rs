//! Failed PKCS#11 calls: which `C_…` function answered what, and what that says about a signature.
//!
//! The judgement is made from the answer alone (PKCS#11 v3.1 §5.1); acting on it is the business of `session.rs`.

use core::fmt;

use cryptoki::context::Function;
use cryptoki::error::{Error, RvError};

/// A PKCS#11 function that did not answer `CKR_OK`, or could not be called.
#[derive(Debug)]
pub struct CallFailed(Error);

/// What a failed call leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing was signed, and the cause may be that the login, the session, a handle or the token is gone: worth one
    /// more try after logging in again.
    TryAgain,
    /// Nothing was signed, and another try would end the same.
    NothingSigned,
    /// `C_Sign` was called and may have signed.
    Unknown,
}

impl CallFailed {
    /// Judges the failure.
    pub(crate) fn standing(&self) -> Standing {
        match &self.0 {
            Error::Pkcs11(answer, Function::Sign) => standing_of_sign(*answer),
            // A key may have been made; another try would make a second one.
            Error::Pkcs11(answer, Function::GenerateKeyPair) if !precedes_the_work(*answer) => {
                Standing::NothingSigned
            }
            Error::Pkcs11(answer, _) if may_heal(*answer) => Standing::TryAgain,
            // The one number that is converted after C_Sign was called is the length of the signature.
            Error::TryFromInt(_) => Standing::Unknown,
            Error::Pkcs11(..)
            | Error::LibraryLoading(_)
            | Error::NotSupported
            | Error::TryFromSlice(_)
            | Error::ParseInt(_)
            | Error::Utf8(_)
            | Error::NulError(_)
            | Error::NullFunctionPointer
            | Error::MissingSymbol(_)
            | Error::InvalidValue
            | Error::PinNotSet => Standing::NothingSigned,
        }
    }

    /// Tells whether the token or its module is at fault, rather than what was asked.
    pub(crate) fn is_trouble(&self) -> bool {
        match &self.0 {
            Error::Pkcs11(answer, Function::Sign) => standing_of_sign(*answer) != Standing::NothingSigned,
            Error::Pkcs11(answer, _) => {
                may_heal(*answer)
                    || matches!(
                        answer,
                        RvError::CryptokiNotInitialized
                            | RvError::DeviceMemory
                            | RvError::HostMemory
                            | RvError::UnknownErrorCode(_)
                            | RvError::VendorDefined(_)
                    )
            }
            Error::TryFromInt(_) => true,
            Error::LibraryLoading(_)
            | Error::NotSupported
            | Error::TryFromSlice(_)
            | Error::ParseInt(_)
            | Error::Utf8(_)
            | Error::NulError(_)
            | Error::NullFunctionPointer
            | Error::MissingSymbol(_)
            | Error::InvalidValue
            | Error::PinNotSet => false,
        }
    }

    /// Tells whether this is the answer, whichever function gave it.
    pub(crate) fn is(&self, wanted: RvError) -> bool {
        matches!(&self.0, Error::Pkcs11(answer, _) if *answer == wanted)
    }

    /// Tells whether the token refused the PIN, so that it must not be tried again (case H-05).
    pub(crate) fn is_refusal_of_the_pin(&self) -> bool {
        matches!(
            self.0,
            Error::Pkcs11(
                RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange | RvError::PinExpired,
                _
            )
        )
    }
}

/// Answers to a call that was refused for what was there before it: no work was begun.
const fn precedes_the_work(answer: RvError) -> bool {
    matches!(answer, RvError::UserNotLoggedIn | RvError::KeyHandleInvalid | RvError::SessionHandleInvalid)
}

/// Answers after which logging in again may help.
const fn may_heal(answer: RvError) -> bool {
    precedes_the_work(answer)
        || matches!(
            answer,
            RvError::ObjectHandleInvalid
                | RvError::SessionClosed
                | RvError::SlotIdInvalid
                | RvError::TokenNotPresent
                | RvError::TokenNotRecognized
                | RvError::DeviceRemoved
                // What proxies of network HSMs answer when the connection was cut.
                | RvError::DeviceError
                | RvError::FunctionFailed
                | RvError::GeneralError
        )
}

/// The answer of `C_Sign` itself. Session closed and device removed are said of the time *during* the call, so the token
/// may have signed; anything else that is not plainly about the arguments or the standing before the call, likewise.
#[expect(clippy::wildcard_enum_match_arm, reason = "an answer not known to be harmless is not harmless")]
const fn standing_of_sign(answer: RvError) -> Standing {
    match answer {
        answer if precedes_the_work(answer) => Standing::TryAgain,
        RvError::ArgumentsBad
        | RvError::CryptokiNotInitialized
        | RvError::DataInvalid
        | RvError::DataLenRange
        | RvError::FunctionNotSupported
        | RvError::FunctionRejected
        | RvError::OperationNotInitialized => Standing::NothingSigned,
        _ => Standing::Unknown,
    }
}

impl From<Error> for CallFailed {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for CallFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Error::Pkcs11(RvError::VendorDefined(code) | RvError::UnknownErrorCode(code), function) => {
                write!(f, "C_{function:?} answered {code:#x}, which only the vendor of the token knows")
            }
            Error::Pkcs11(answer, function) => write!(f, "C_{function:?} answered {}", constant(*answer)),
            other @ (Error::LibraryLoading(_)
            | Error::NotSupported
            | Error::TryFromInt(_)
            | Error::TryFromSlice(_)
            | Error::ParseInt(_)
            | Error::Utf8(_)
            | Error::NulError(_)
            | Error::NullFunctionPointer
            | Error::MissingSymbol(_)
            | Error::InvalidValue
            | Error::PinNotSet) => other.fmt(f),
        }
    }
}

impl core::error::Error for CallFailed {}

/// Writes an answer as the PKCS#11 header and the manuals of tokens do: `CKR_DEVICE_ERROR`.
fn constant(answer: RvError) -> String {
    let mut constant = String::from("CKR");
    for letter in format!("{answer:?}").chars() {
        if letter.is_ascii_uppercase() {
            constant.push('_');
        }
        constant.push(letter.to_ascii_uppercase());
    }
    constant
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(answer: RvError, function: Function) -> Standing {
        CallFailed::from(Error::Pkcs11(answer, function)).standing()
    }

    #[test]
    fn names_the_function_and_the_answer_as_manuals_do() {
        let text = |answer, function| CallFailed::from(Error::Pkcs11(answer, function)).to_string();
        assert_eq!(text(RvError::DeviceError, Function::Sign), "C_Sign answered CKR_DEVICE_ERROR");
        assert_eq!(
            text(RvError::UserNotLoggedIn, Function::FindObjectsInit),
            "C_FindObjectsInit answered CKR_USER_NOT_LOGGED_IN"
        );
        assert!(
            text(RvError::VendorDefined(0x8000_0001), Function::Login)
                .starts_with("C_Login answered 0x80000001")
        );
    }

    // Case H-01 and rule R7: a device error while signing leaves the outcome unknown; before signing it does not.
    #[test]
    fn takes_the_outcome_for_unknown_only_from_sign_itself() {
        for answer in [
            RvError::DeviceError,
            RvError::DeviceMemory,
            RvError::DeviceRemoved,
            RvError::HostMemory,
            RvError::GeneralError,
            RvError::FunctionFailed,
            RvError::FunctionCanceled,
            RvError::SessionClosed,
            RvError::TokenNotPresent,
            RvError::VendorDefined(0x8000_0001),
            RvError::UnknownErrorCode(77),
        ] {
            assert_eq!(standing(answer, Function::Sign), Standing::Unknown, "{answer:?}");
            for function in
                [Function::SignInit, Function::OpenSession, Function::Login, Function::FindObjects]
            {
                assert_ne!(standing(answer, function), Standing::Unknown, "{answer:?} {function:?}");
            }
        }
    }

    // Case H-02: one more try, but only when the answer proves that nothing was signed.
    #[test]
    fn wants_one_more_try_when_the_login_may_be_lost_and_nothing_can_have_been_signed() {
        for answer in [RvError::UserNotLoggedIn, RvError::KeyHandleInvalid, RvError::SessionHandleInvalid] {
            for function in [Function::SignInit, Function::Sign, Function::GenerateKeyPair] {
                assert_eq!(standing(answer, function), Standing::TryAgain, "{answer:?} {function:?}");
            }
        }
        for answer in [
            RvError::DeviceError,
            RvError::DeviceRemoved,
            RvError::GeneralError,
            RvError::SessionClosed,
            RvError::TokenNotPresent,
        ] {
            assert_eq!(standing(answer, Function::SignInit), Standing::TryAgain, "{answer:?}");
            assert_eq!(standing(answer, Function::GenerateKeyPair), Standing::NothingSigned, "{answer:?}");
        }
    }

    #[test]
    fn does_not_try_again_what_would_end_the_same() {
        for answer in [RvError::MechanismInvalid, RvError::KeyFunctionNotPermitted, RvError::PinIncorrect] {
            assert_eq!(standing(answer, Function::SignInit), Standing::NothingSigned, "{answer:?}");
        }
        assert_eq!(standing(RvError::DataLenRange, Function::Sign), Standing::NothingSigned);
        assert_eq!(CallFailed::from(Error::NullFunctionPointer).standing(), Standing::NothingSigned);
    }

    // Case H-05.
    #[test]
    fn knows_every_answer_that_refuses_the_pin() {
        let refuses =
            |answer| CallFailed::from(Error::Pkcs11(answer, Function::Login)).is_refusal_of_the_pin();
        assert!([RvError::PinIncorrect, RvError::PinInvalid, RvError::PinExpired].into_iter().all(refuses));
        // A locked token compares no PIN, and may be unlocked: it is waited for.
        assert!(!refuses(RvError::PinLocked) && !refuses(RvError::UserPinNotInitialized));
        assert!(!refuses(RvError::UserAlreadyLoggedIn) && !refuses(RvError::DeviceError));
    }
}

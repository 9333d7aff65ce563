//! What a wrapped secret looks like from outside: which mechanism it is of, and how long what is in it can be. Nothing is unwrapped here.
//!
//! Keys (KEK, GUEK, GBEK, GAK) are wrapped by RFC 3394: 24 octets hold a key of 16 (suites 0 and 1), 40 one of 32 (suite 2). The secrets
//! that people choose (HLS, LLS) have any length, and are wrapped by RFC 5649: 16 octets or more, a multiple of 8. The kind decides, not
//! the length: 24 octets can be either.

use ca_core::record::{SecretKind, WrappedSecret};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::KeyType;

/// The longest secret that is taken, wrapped, in octets.
pub const LONGEST_SECRET: usize = 1_024;

/// How long the symmetric keys of a suite are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyLength {
    /// 16 octets: AES-128, suites 0 and 1.
    Octets16,
    /// 32 octets: AES-256, suite 2.
    Octets32,
}

impl KeyLength {
    /// Returns the length of the keys of a security suite; there are 0, 1 and 2.
    #[must_use]
    pub const fn of_suite(suite: u8) -> Option<Self> {
        match suite {
            0 | 1 => Some(Self::Octets16),
            2 => Some(Self::Octets32),
            _ => None,
        }
    }

    /// Returns the length in octets.
    #[must_use]
    pub const fn octets(self) -> usize {
        match self {
            Self::Octets16 => 16,
            Self::Octets32 => 32,
        }
    }
}

/// What is in a wrapped secret, by kind and length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An AES key, by RFC 3394.
    Key(KeyLength),
    /// A secret of any length, by RFC 5649.
    Password,
}

impl Shape {
    /// Tells what a secret is, or why it is none.
    pub(crate) fn of(secret: &WrappedSecret) -> Result<Self, SecretShapeError> {
        let (kind, length) = (secret.kind, secret.octets.len());
        if is_password(kind) {
            let fits = length >= 16 && length % 8 == 0 && length <= LONGEST_SECRET;
            return if fits { Ok(Self::Password) } else { Err(SecretShapeError::Length { kind, length }) };
        }
        match length {
            24 => Ok(Self::Key(KeyLength::Octets16)),
            40 => Ok(Self::Key(KeyLength::Octets32)),
            16 | 32 => Err(SecretShapeError::InClear { kind, length }),
            _ => Err(SecretShapeError::Length { kind, length }),
        }
    }

    /// The shape of the shortest key.
    pub(crate) const fn of_a_key() -> Self {
        Self::Key(KeyLength::Octets16)
    }

    pub(crate) const fn mechanism(self) -> Mechanism<'static> {
        match self {
            Self::Key(_) => Mechanism::AesKeyWrap,
            Self::Password => Mechanism::AesKeyWrapPad,
        }
    }

    pub(crate) const fn key_type(self) -> KeyType {
        match self {
            Self::Key(_) => KeyType::AES,
            Self::Password => KeyType::GENERIC_SECRET,
        }
    }
}

const fn is_password(kind: SecretKind) -> bool {
    match kind {
        SecretKind::Hls | SecretKind::Lls => true,
        SecretKind::Kek | SecretKind::Guek | SecretKind::Gbek | SecretKind::Gak => false,
    }
}

/// Looks at all secrets of one device: each has a shape, and its keys are of one length, that of its suite where that is known.
///
/// # Errors
/// [`SecretShapeError`], with the index of the secret.
pub fn check_device(
    secrets: &[WrappedSecret],
    suite: Option<KeyLength>,
) -> Result<(), (usize, SecretShapeError)> {
    let mut wanted = suite;
    for (index, secret) in secrets.iter().enumerate() {
        if let Shape::Key(length) = Shape::of(secret).map_err(|error| (index, error))? {
            let wanted = *wanted.get_or_insert(length);
            if length != wanted {
                return Err((index, SecretShapeError::OtherSuite { kind: secret.kind, length, wanted }));
            }
        }
    }
    Ok(())
}

/// Why octets cannot be a wrapped secret of their kind. None of the octets is ever part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretShapeError {
    /// It has the length of a key that nobody wrapped.
    #[error("{name} has {length} octets, the length of a key in clear; wrapped, it has 24 or 40", name = .kind.name())]
    InClear {
        /// What it is for.
        kind: SecretKind,
        /// How many octets there are.
        length: usize,
    },
    /// It has a length that nothing wrapped has.
    #[error(
        "{name} has {length} octets; a wrapped key has 24 or 40, a wrapped password 16 or more, a multiple of 8",
        name = .kind.name()
    )]
    Length {
        /// What it is for.
        kind: SecretKind,
        /// How many octets there are.
        length: usize,
    },
    /// It is as long as the keys of another suite than the device's.
    #[error(
        "{name} is a key of {} octets, and the keys of this device have {}",
        .length.octets(),
        .wanted.octets(),
        name = .kind.name()
    )]
    OtherSuite {
        /// What it is for.
        kind: SecretKind,
        /// How long the key in it is.
        length: KeyLength,
        /// How long it must be.
        wanted: KeyLength,
    },
    /// A password, where a key is wanted.
    #[error("{name} is no key that can be transferred", name = .kind.name())]
    NotAKey {
        /// What it is for.
        kind: SecretKind,
    },
}

impl SecretShapeError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InClear { .. } => "secret.in-clear",
            Self::Length { .. } => "secret.length",
            Self::OtherSuite { .. } => "secret.other-suite",
            Self::NotAKey { .. } => "secret.not-a-key",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(kind: SecretKind, length: usize) -> WrappedSecret {
        WrappedSecret { kind, wrapped_by: "transport".to_owned(), octets: vec![0xA5; length] }
    }

    fn shape(kind: SecretKind, length: usize) -> Result<Shape, &'static str> {
        Shape::of(&secret(kind, length)).map_err(|error| error.code())
    }

    #[test]
    fn keys_are_of_24_or_40_octets_and_what_has_the_length_of_a_clear_key_is_told() {
        for kind in [SecretKind::Kek, SecretKind::Guek, SecretKind::Gbek, SecretKind::Gak] {
            assert_eq!(shape(kind, 24), Ok(Shape::Key(KeyLength::Octets16)));
            assert_eq!(shape(kind, 40), Ok(Shape::Key(KeyLength::Octets32)));
            assert_eq!(shape(kind, 16), Err("secret.in-clear"));
            assert_eq!(shape(kind, 32), Err("secret.in-clear"));
            for length in [0, 8, 23, 25, 48] {
                assert_eq!(shape(kind, length), Err("secret.length"), "{length}");
            }
        }
    }

    #[test]
    fn passwords_are_of_16_octets_or_more_in_steps_of_8() {
        for kind in [SecretKind::Hls, SecretKind::Lls] {
            for length in [16, 24, 32, 40, 1_024] {
                assert_eq!(shape(kind, length), Ok(Shape::Password), "{length}");
            }
            for length in [0, 8, 15, 17, 1_032] {
                assert_eq!(shape(kind, length), Err("secret.length"), "{length}");
            }
        }
    }

    #[test]
    fn the_keys_of_a_device_are_of_one_suite() {
        let [short, long] = [24, 40].map(|length| secret(SecretKind::Guek, length));
        let password = secret(SecretKind::Lls, 40);
        let code = |secrets: &[WrappedSecret], suite| {
            check_device(secrets, KeyLength::of_suite(suite)).map_err(|(at, error)| (at, error.code()))
        };
        assert_eq!(code(&[short.clone(), password.clone()], 0), Ok(()));
        assert_eq!(code(&[long.clone(), password.clone()], 2), Ok(()));
        assert_eq!(code(&[password, long.clone()], 1), Err((1, "secret.other-suite")));
        assert_eq!(code(std::slice::from_ref(&short), 2), Err((0, "secret.other-suite")));
        // Where the suite is not said, the first key says it.
        assert_eq!(code(&[short, long], 9), Err((1, "secret.other-suite")));
    }
}

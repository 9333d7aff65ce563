//! Whether the octets of a secret can be a wrapped key, or are a key in clear: length and look tell. Nothing is unwrapped.
//!
//! RFC 3394 makes 24 octets of 16 and 40 of 32; RFC 5649 makes a multiple of 8, at least 16. Lengths of DLMS keys: 16 octets
//! in suites 0 and 1, 32 in suite 2 (Green Book 9.2.3.3).

use ca_core::record::SecretKind;

/// What is wrong with the octets of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecretFault {
    /// It is a key in clear, or cannot be told from one.
    Clear,
    /// It is not of a length that wrapping makes.
    Length,
    /// It is wrapped, and not for this suite.
    Suite,
}

/// Looks at the octets of a secret. `suite` is 0, 1 or 2 where the map says it.
pub(crate) fn check(kind: SecretKind, octets: &[u8], suite: Option<u8>) -> Result<(), SecretFault> {
    let readable = octets.iter().all(|octet| octet.is_ascii_graphic() || *octet == b' ');
    match kind {
        SecretKind::Kek | SecretKind::Guek | SecretKind::Gbek | SecretKind::Gak => {
            match (octets.len(), suite) {
                (16 | 32, _) => Err(SecretFault::Clear),
                (24, Some(2)) | (40, Some(0 | 1)) => Err(SecretFault::Suite),
                (24 | 40, _) if readable => Err(SecretFault::Clear),
                (24 | 40, _) => Ok(()),
                (_, _) => Err(SecretFault::Length),
            }
        }
        // A secret of 16 or 32 octets is what is usual in clear; wrapped, it has 24 or 40.
        SecretKind::Hls => match octets.len() {
            0..24 | 32 => Err(SecretFault::Clear),
            _ if readable => Err(SecretFault::Clear),
            length if length % 8 == 0 && length <= MAX_OCTETS => Ok(()),
            _ => Err(SecretFault::Length),
        },
        // A password of up to 8 octets has 16 when it is wrapped.
        SecretKind::Lls => match octets.len() {
            0..16 => Err(SecretFault::Clear),
            _ if readable => Err(SecretFault::Clear),
            length if length % 8 == 0 && length <= MAX_OCTETS => Ok(()),
            _ => Err(SecretFault::Length),
        },
    }
}

/// The most octets of a wrapped secret.
const MAX_OCTETS: usize = 136;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_looks_tell_a_key_in_clear() {
        let keys = [SecretKind::Kek, SecretKind::Guek, SecretKind::Gbek, SecretKind::Gak];
        for kind in keys {
            for (length, suite, told) in [
                (24, None, Ok(())),
                (40, None, Ok(())),
                (24, Some(0), Ok(())),
                (24, Some(1), Ok(())),
                (40, Some(2), Ok(())),
                (40, Some(1), Err(SecretFault::Suite)),
                (24, Some(2), Err(SecretFault::Suite)),
                (16, None, Err(SecretFault::Clear)),
                (32, Some(2), Err(SecretFault::Clear)),
                (0, None, Err(SecretFault::Length)),
                (23, None, Err(SecretFault::Length)),
                (48, None, Err(SecretFault::Length)),
            ] {
                assert_eq!(check(kind, &vec![0xA5; length], suite), told, "{kind:?} {length} {suite:?}");
            }
        }
        for (kind, length, told) in [
            (SecretKind::Hls, 24, Ok(())),
            (SecretKind::Hls, 16, Err(SecretFault::Clear)),
            (SecretKind::Hls, 32, Err(SecretFault::Clear)),
            (SecretKind::Hls, 41, Err(SecretFault::Length)),
            (SecretKind::Hls, 144, Err(SecretFault::Length)),
            (SecretKind::Lls, 16, Ok(())),
            (SecretKind::Lls, 8, Err(SecretFault::Clear)),
            (SecretKind::Lls, 17, Err(SecretFault::Length)),
        ] {
            assert_eq!(check(kind, &vec![0xA5; length], None), told, "{kind:?} {length}");
        }
        assert_eq!(check(SecretKind::Lls, b"password12345678", None), Err(SecretFault::Clear));
        assert_eq!(check(SecretKind::Guek, b"0011223344556677889900AA", None), Err(SecretFault::Clear));
    }
}

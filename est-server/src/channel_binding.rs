//! Whether a request was signed inside the very TLS connection that it came by (RFC 7030 §3.5).
//!
//! It is *not* a password check: a challengePassword that a label reads as an enrolment code does not come here. On TLS 1.3, which has no
//! tls-unique, the value is the exporter of RFC 9266, as RFC 9148 §3 has it for DTLS 1.3; on TLS 1.2 it is tls-unique
//! (RFC 5929 §3), where the listener computes it, and otherwise it cannot be checked and is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use server_kit::listener::PeerConnection;
use server_kit::tls::TlsVersion;
use subtle::ConstantTimeEq as _;

use crate::config::BindingPolicy;

/// Checks the channel binding of a request against the connection it came by.
///
/// # Errors
/// [`BindingError`].
pub(crate) fn check(
    policy: BindingPolicy,
    binding: Option<&str>,
    connection: &PeerConnection,
) -> Result<(), BindingError> {
    let given = match (policy, binding) {
        (BindingPolicy::Off, _) | (BindingPolicy::IfPresent, None) => return Ok(()),
        (BindingPolicy::Required, None) => return Err(BindingError::Missing),
        (BindingPolicy::IfPresent | BindingPolicy::Required, Some(given)) => given,
    };
    let expected = expected(connection).ok_or(BindingError::Unverifiable)?;
    // RFC 7030 §3.5: a value that is there must be verified.
    if bool::from(given.as_bytes().ct_eq(expected.as_bytes())) { Ok(()) } else { Err(BindingError::Mismatch) }
}

/// RFC 7030 §3.5: the base64 (RFC 4648 §4) of the channel binding.
fn expected(connection: &PeerConnection) -> Option<String> {
    match connection.tls_version? {
        TlsVersion::Tls13 => connection.exporter.map(|octets| STANDARD.encode(octets)),
        TlsVersion::Tls12 => connection.tls_unique.map(|octets| STANDARD.encode(octets)),
    }
}

/// Why a request is not bound to its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BindingError {
    /// Required, and not there.
    #[error("the request has no channel binding")]
    Missing,
    /// There, and not that of this connection.
    #[error("the channel binding of the request is not that of this connection")]
    Mismatch,
    /// There, and this connection has none to compare it with.
    #[error("the channel binding of the request cannot be verified on this connection")]
    Unverifiable,
}

impl BindingError {
    /// Returns the stable reason code.
    #[must_use]
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Missing => "binding.missing",
            Self::Mismatch => "binding.mismatch",
            Self::Unverifiable => "binding.unverifiable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(tls_version: Option<TlsVersion>) -> PeerConnection {
        PeerConnection {
            tls_version,
            exporter: Some([0xE0; 32]),
            tls_unique: None,
            ..PeerConnection::plain(([127, 0, 0, 1], 1).into())
        }
    }

    fn if_present(given: &str, connection: &PeerConnection) -> Result<(), BindingError> {
        check(BindingPolicy::IfPresent, Some(given), connection)
    }

    // RFC 9266 §2, RFC 9148 §3: on TLS 1.3 the value is the exporter.
    #[test]
    fn on_tls_1_3_the_exporter_and_nothing_else_is_accepted() {
        let connection = connection(Some(TlsVersion::Tls13));
        let right = STANDARD.encode([0xE0; 32]);
        assert_eq!(if_present(&right, &connection), Ok(()));
        let mut octets = [0xE0; 32];
        octets[31] ^= 1;
        for wrong in [STANDARD.encode(octets), right.replace('=', ""), format!("{right}="), String::new()] {
            assert_eq!(if_present(&wrong, &connection), Err(BindingError::Mismatch), "{wrong}");
        }
    }

    // RFC 7030 §3.5: on TLS 1.2 the value is tls-unique.
    #[test]
    fn on_tls_1_2_tls_unique_is_compared_where_it_is_known_and_otherwise_refused() {
        let right = STANDARD.encode([0x12; 12]);
        let mut connection = connection(Some(TlsVersion::Tls12));
        assert_eq!(if_present(&right, &connection), Err(BindingError::Unverifiable));
        assert_eq!(
            if_present(&STANDARD.encode([0xE0; 32]), &connection),
            Err(BindingError::Unverifiable),
            "the exporter is not what RFC 7030 asks for on TLS 1.2"
        );
        connection.tls_unique = Some([0x12; 12]);
        assert_eq!(if_present(&right, &connection), Ok(()));
        connection.tls_unique = Some([0x13; 12]);
        assert_eq!(if_present(&right, &connection), Err(BindingError::Mismatch));
    }

    #[test]
    fn without_tls_nothing_can_be_verified() {
        assert_eq!(if_present("x", &connection(None)), Err(BindingError::Unverifiable));
    }

    #[test]
    fn absence_is_refused_only_where_presence_is_required() {
        let connection = connection(Some(TlsVersion::Tls13));
        assert_eq!(check(BindingPolicy::IfPresent, None, &connection), Ok(()));
        assert_eq!(check(BindingPolicy::Required, None, &connection), Err(BindingError::Missing));
        assert_eq!(check(BindingPolicy::Off, None, &connection), Ok(()));
        assert_eq!(check(BindingPolicy::Off, Some("an old password"), &connection), Ok(()));
    }
}

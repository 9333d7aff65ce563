//! Who asks: a certificate shown in the TLS handshake, or a one-time token in HTTP Basic, made into an actor.
//!
//! It proves an identity and decides nothing else: whether the actor may have what it asks for is registration's decision,
//! and whether its certificate is revoked or its token spent is the ledger's knowledge. A peer that shows a certificate is
//! judged by it alone; a password beside it is not looked at. RFC 7030 §3.2.3, §3.3.2, §3.7.

mod basic;
mod token;

use std::time::Duration;

use ca_core::actor::{Actor, Identity};
use ca_core::ports::{Registry, Unavailable};
use ca_core::tenant::TenantId;
use ca_core::trust::IdentifyError;
use ca_core::validity::UnixTime;
use server_kit::listener::PeerConnection;

use crate::config::Label;
use crate::guessing::GuessWatch;
use token::Given;

/// What a request brings along to prove who sent it.
#[derive(Clone)]
pub(crate) struct Credentials {
    /// The connection, with the certificates shown in its handshake.
    pub(crate) connection: PeerConnection,
    /// The values of the Authorization fields.
    pub(crate) authorization: Vec<Vec<u8>>,
}

impl core::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Credentials")
            .field("connection", &self.connection)
            .field("authorization", &self.authorization.len())
            .finish()
    }
}

impl Credentials {
    /// Tells whether there is nothing that could prove anything.
    pub(crate) fn are_absent(&self) -> bool {
        self.connection.certificates.is_empty()
            && !self.authorization.iter().any(|value| basic::is_basic(value))
    }

    /// Returns the actor that stands in records before anything is proved.
    pub(crate) fn unauthenticated(&self, tenant: &TenantId) -> Actor {
        let peer = self.connection.peer_addr.to_string();
        Actor { tenant: tenant.clone(), identity: Identity::Unauthenticated { peer } }
    }
}

/// What credentials are checked against.
#[derive(Clone, Copy)]
pub(crate) struct Gate<'a> {
    pub(crate) label: &'a Label,
    pub(crate) registry: Option<&'a dyn Registry>,
    pub(crate) guesses: &'a GuessWatch,
    pub(crate) now: UnixTime,
}

/// Proves who sent a request.
///
/// # Errors
/// [`AuthenticateError`].
pub(crate) fn authenticate(gate: &Gate<'_>, credentials: &Credentials) -> Result<Actor, AuthenticateError> {
    if credentials.are_absent() {
        return Err(AuthenticateError::NoCredentials);
    }
    if credentials.connection.certificates.is_empty() {
        basic::authenticate(gate, credentials)
    } else {
        let owner = gate.label.parts().authority.tenant();
        let shown = &credentials.connection.certificates;
        Ok(gate.label.trust().identify(shown, owner, gate.now)?)
    }
}

/// Proves who sent a request by an enrolment code that stands in it.
///
/// # Errors
/// [`AuthenticateError`].
pub(crate) fn authenticate_by_code(
    gate: &Gate<'_>,
    credentials: &Credentials,
    code: &str,
) -> Result<Actor, AuthenticateError> {
    let given = Given { user: String::new(), secret: code.as_bytes().to_vec() };
    token::authenticate(gate, credentials.connection.peer_addr.ip(), Some(given))
}

/// Why nobody knows who asks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthenticateError {
    /// No certificate, no password.
    #[error("neither a client certificate nor a password was given")]
    NoCredentials,
    /// The user name or the token is wrong, expired, or for somebody else: one answer for all.
    #[error("the user name or the password is wrong")]
    WrongPassword,
    /// Too many wrong passwords from this address or under this name.
    #[error("too many wrong passwords, try again in {} s", wait.as_secs())]
    MustWait {
        /// How long to wait.
        wait: Duration,
    },
    /// The certificates shown tell of nobody whom the label knows.
    #[error(transparent)]
    NotIdentified(#[from] IdentifyError),
    /// The registry cannot say.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl AuthenticateError {
    /// Tells whether a password was shown and not taken.
    pub(crate) const fn is_of_a_password(&self) -> bool {
        match self {
            Self::WrongPassword | Self::MustWait { .. } | Self::Unavailable(_) => true,
            Self::NoCredentials | Self::NotIdentified(_) => false,
        }
    }

    /// Returns the stable reason code.
    #[must_use]
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NoCredentials => "authn.none",
            Self::WrongPassword => "authn.password",
            Self::MustWait { .. } => "authn.wait",
            Self::NotIdentified(error) => error.code(),
            Self::Unavailable(_) => "unavailable",
        }
    }
}

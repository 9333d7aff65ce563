//! What goes with a request in the place of its token.

use std::net::IpAddr;

use ca_core::people::Credential;

use super::fault::TokenRefused;

/// What a token proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedIn {
    /// Where it came from.
    pub(crate) address: IpAddr,
    /// The credential, or why there is none.
    pub(crate) outcome: Result<Credential, TokenRefused>,
}

//! Sign-in at an identity provider by `OpenID` Connect: what of it the server judges, and what the command line does.
//!
//! The server takes a provider's token as proof of one credential, `oidc:ISSUER SUBJECT`, and of nothing else: who that is and
//! what he may do is on record here, and no claim of a token adds to it. The command line gets the token: authorisation code
//! with PKCE over a loopback redirect (RFC 7636, RFC 8252), or device code (RFC 8628). It is *not* an identity provider, sees
//! no password, and does no cryptography of its own: signatures of tokens are jsonwebtoken's (RFC 7515).

mod device;
mod discovery;
mod fault;
#[cfg(test)]
mod fixed;
mod flow;
mod grant;
mod keyring;
mod keys;
mod kept;
mod link;
mod loopback;
mod metadata;
mod provider;
mod sessions;
mod signed_in;
mod token;

pub(crate) use device::by_device;
pub(crate) use fault::{TokenFault, TokenRefused};
pub(crate) use flow::by_browser;
pub(crate) use grant::{SignInPlace, Wanted, revoke};
pub(crate) use kept::TokenFile;
pub(crate) use link::is_fit;
pub(crate) use provider::SignIn;
pub(crate) use sessions::{BACK, NotSignedIn, Sent, Sessions};
pub(crate) use signed_in::SignedIn;
pub(crate) use token::{Expected, TokenKind, algorithm};

//! Whoever knows the secret of a one-time token, wherever it stands: in HTTP Basic, or in a certification request.
//!
//! The look-up is by the SHA-256 of the secret, so that neither its text nor the time it takes tells one wrong secret from
//! another. A spent token still says who asks; that it is spent is decided where it would be spent, because the same request
//! may come again.

use std::net::IpAddr;
use std::time::Duration;

use ca_core::actor::{Actor, Identity};
use ca_core::record::Token;
use sha2::{Digest, Sha256};

use super::{AuthenticateError, Gate};
use crate::guessing::Guesser;

/// What somebody gave for a token. Not printable on purpose.
pub(super) struct Given {
    /// The system title that was named beside it, empty for none.
    pub(super) user: String,
    /// The secret.
    pub(super) secret: Vec<u8>,
}

/// Proves who asks by what was given, `None` for what cannot be read. Wrong ones are counted against address and name.
pub(super) fn authenticate(
    gate: &Gate<'_>,
    address: IpAddr,
    given: Option<Given>,
) -> Result<Actor, AuthenticateError> {
    let mut guessers = vec![Guesser::at(address)];
    if let Some(given) = given.as_ref().filter(|given| !given.user.is_empty()) {
        guessers.push(Guesser::named(&given.user));
    }
    if let Some(seconds) = gate.guesses.wait(gate.now, &guessers) {
        return Err(AuthenticateError::MustWait { wait: Duration::from_secs(seconds) });
    }
    let token = match given {
        Some(given) => look_up(gate, &given)?,
        None => None,
    };
    match token {
        Some(token) => Ok(actor(token)),
        None => {
            gate.guesses.failed(gate.now, &guessers);
            Err(AuthenticateError::WrongPassword)
        }
    }
}

/// The same work for every secret: one hash, one look-up.
fn look_up(gate: &Gate<'_>, given: &Given) -> Result<Option<Token>, AuthenticateError> {
    let hash: [u8; 32] = Sha256::digest(&given.secret).into();
    let owner = gate.label.parts().authority.tenant();
    let fits = |token: &Token| {
        // RFC 7030 §3.2.3: the user name may be empty.
        let user = given.user.is_empty() || given.user.eq_ignore_ascii_case(&token.title.to_string());
        user && token.tenant == *owner && gate.now <= token.expires_at
    };
    let Some(registry) = gate.registry else { return Ok(None) };
    Ok(registry.token(&hash)?.filter(fits))
}

fn actor(token: Token) -> Actor {
    Actor {
        tenant: token.tenant,
        identity: Identity::OneTimeToken { hash: token.hash, title: token.title, profile: token.profile },
    }
}

//! One-time tokens in HTTP Basic (RFC 7617, RFC 7030 §3.2.3): the password is the token, the user name the system title.
//!
//! The look-up is by the SHA-256 of the password, so that neither its text nor the time it takes tells one wrong password
//! from another. A spent token still says who asks; that it is spent is decided where it would be spent, because the same
//! request may come again.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::actor::{Actor, Identity};
use ca_core::record::Token;
use sha2::{Digest, Sha256};

use super::{AuthenticateError, Credentials, Gate};
use crate::guessing::Guesser;

/// User name and password. Not printable on purpose.
struct UserPass {
    user: String,
    password: Vec<u8>,
}

/// Tells whether an Authorization value is of the Basic scheme, whose name is not case-sensitive (RFC 9110 §11.1).
pub(super) fn is_basic(value: &[u8]) -> bool {
    split_scheme(value).is_some()
}

fn split_scheme(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(b"Basic ".len())?;
    scheme.eq_ignore_ascii_case(b"Basic ").then_some(rest)
}

/// RFC 7617 §2: base64 of user name, colon, password; the user name has no colon, the password may have some.
fn parse(value: &[u8]) -> Option<UserPass> {
    let pair = STANDARD.decode(split_scheme(value)?.trim_ascii()).ok()?;
    let colon = pair.iter().position(|octet| *octet == b':')?;
    let (user, password) = pair.split_at_checked(colon)?;
    Some(UserPass { user: String::from_utf8(user.to_vec()).ok()?, password: password.get(1..)?.to_vec() })
}

pub(super) fn authenticate(gate: &Gate<'_>, credentials: &Credentials) -> Result<Actor, AuthenticateError> {
    // More than one Authorization field is no more than one could say in one.
    let given = match credentials.authorization.as_slice() {
        [value] => parse(value),
        _ => None,
    };
    let mut guessers = vec![Guesser::at(credentials.connection.peer_addr.ip())];
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

/// The same work for every password: one hash, one look-up.
fn look_up(gate: &Gate<'_>, given: &UserPass) -> Result<Option<Token>, AuthenticateError> {
    let hash: [u8; 32] = Sha256::digest(&given.password).into();
    let owner = gate.label.parts().authority.issuer().tenant();
    let fits = |token: &Token| {
        // RFC 7030 §3.2.3: the user name may be empty.
        let user = given.user.is_empty() || given.user.eq_ignore_ascii_case(&token.title.to_string());
        user && token.tenant == *owner && gate.now <= token.expires_at
    };
    Ok(gate.registry.token(&hash)?.filter(fits))
}

fn actor(token: Token) -> Actor {
    Actor {
        tenant: token.tenant,
        identity: Identity::OneTimeToken { hash: token.hash, title: token.title, profile: token.profile },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &str) -> Option<(String, Vec<u8>)> {
        parse(value.as_bytes()).map(|pair| (pair.user, pair.password))
    }

    fn basic(pair: &[u8]) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    // RFC 7617 §2: the first colon divides; the scheme is not case-sensitive.
    #[test]
    fn splits_at_the_first_colon() {
        let pair = |user: &str, password: &[u8]| Some((user.to_owned(), password.to_vec()));
        assert_eq!(parsed(&basic(b"user:secret")), pair("user", b"secret"));
        assert_eq!(parsed(&basic(b":secret")), pair("", b"secret"));
        assert_eq!(parsed(&basic(b"user:a:b:")), pair("user", b"a:b:"));
        assert_eq!(parsed(&basic(b"user:")), pair("user", b""));
        assert_eq!(parsed(&basic(b"u:p").replace("Basic", "bASIC")), pair("u", b"p"));
    }

    #[test]
    fn refuses_what_is_not_base64_of_a_pair() {
        for value in ["Basic", "Basic ", "Basic !!!!", "Basic dXNlcg==", "Bearer dTpw", "Basic dTpw=", ""] {
            assert_eq!(parsed(value), None, "{value}");
        }
        assert_eq!(parsed(&basic(b"\xFF\xFE:p")), None, "the user name is not UTF-8");
    }
}

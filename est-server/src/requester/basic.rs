//! One-time tokens in HTTP Basic (RFC 7617, RFC 7030 §3.2.3): the password is the token, the user name the system title.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::actor::Actor;

use super::token::{self, Given};
use super::{AuthenticateError, Credentials, Gate};

/// Tells whether an Authorization value is of the Basic scheme, whose name is not case-sensitive (RFC 9110 §11.1).
pub(super) fn is_basic(value: &[u8]) -> bool {
    split_scheme(value).is_some()
}

fn split_scheme(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(b"Basic ".len())?;
    scheme.eq_ignore_ascii_case(b"Basic ").then_some(rest)
}

/// RFC 7617 §2: base64 of user name, colon, password; the user name has no colon, the password may have some.
fn parse(value: &[u8]) -> Option<Given> {
    let pair = STANDARD.decode(split_scheme(value)?.trim_ascii()).ok()?;
    let colon = pair.iter().position(|octet| *octet == b':')?;
    let (user, password) = pair.split_at_checked(colon)?;
    Some(Given { user: String::from_utf8(user.to_vec()).ok()?, secret: password.get(1..)?.to_vec() })
}

pub(super) fn authenticate(gate: &Gate<'_>, credentials: &Credentials) -> Result<Actor, AuthenticateError> {
    // More than one Authorization field is no more than one could say in one.
    let given = match credentials.authorization.as_slice() {
        [value] => parse(value),
        _ => None,
    };
    token::authenticate(gate, credentials.connection.peer_addr.ip(), given)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &str) -> Option<(String, Vec<u8>)> {
        parse(value.as_bytes()).map(|pair| (pair.user, pair.secret))
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

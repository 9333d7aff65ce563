//! What a token proves: pure, by keys and a time that are given.
//!
//! An access token is judged by RFC 9068 §4, an ID token by `OpenID` Connect Core §3.1.3.7; both are signed JWTs. jsonwebtoken checks the
//! signature. Times are compared here, since it knows no clock but the computer's.

use ca_core::people::Credential;
use ca_core::validity::UnixTime;
use jsonwebtoken::dangerous::insecure_decode;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::fault::{TokenFault, TokenRefused};
use super::keys::Keys;

/// The longest token that is looked at, in octets.
const LONGEST: usize = 8_192;
/// How far clocks may be apart, in seconds.
const LEEWAY: i64 = 30;

/// Which of a provider's tokens are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Access tokens for us as a resource (RFC 9068).
    Access,
    /// ID tokens, for providers whose access tokens are no JWTs.
    Id,
}

impl TokenKind {
    /// Returns the kind of this word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "access-token" => Some(Self::Access),
            "id-token" => Some(Self::Id),
            _ => None,
        }
    }
}

/// What a token has to be.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    /// The issuer, octet for octet.
    pub(crate) issuer: String,
    /// For whom it is.
    pub(crate) audience: String,
    /// Of which kind.
    pub(crate) kind: TokenKind,
    /// To which clients it was issued; whichever, if there is none.
    pub(crate) clients: Vec<String>,
    /// How it is signed.
    pub(crate) algorithms: Vec<Algorithm>,
    /// For how long it is at most, in seconds.
    pub(crate) longest_seconds: i64,
    /// One of which its `acr` is; whichever, if there is none.
    pub(crate) acr_values: Vec<String>,
    /// What is all in its `amr`.
    pub(crate) amr_values: Vec<String>,
}

/// Returns the algorithm of this name, unless it is by a shared secret or none.
pub(crate) fn algorithm(name: &str) -> Option<Algorithm> {
    match name {
        "ES256" => Some(Algorithm::ES256),
        "ES384" => Some(Algorithm::ES384),
        "EdDSA" => Some(Algorithm::EdDSA),
        "PS256" => Some(Algorithm::PS256),
        "PS384" => Some(Algorithm::PS384),
        "PS512" => Some(Algorithm::PS512),
        "RS256" => Some(Algorithm::RS256),
        "RS384" => Some(Algorithm::RS384),
        "RS512" => Some(Algorithm::RS512),
        _ => None,
    }
}

/// What is read of a token's claims.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: Option<String>,
    aud: Option<Audience>,
    exp: Option<i64>,
    iat: Option<i64>,
    nbf: Option<i64>,
    azp: Option<String>,
    client_id: Option<String>,
    nonce: Option<String>,
    acr: Option<String>,
    #[serde(default)]
    amr: Vec<String>,
    /// What security event and logout tokens have (RFC 8417 §2.2).
    events: Option<IgnoredAny>,
}

/// RFC 7519 §4.1.3: one, or an array.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }
}

/// A token of which nothing is known to be true yet.
pub(super) struct Unjudged<'a> {
    text: &'a str,
    header: Header,
}

/// What a token proves.
#[derive(Debug)]
pub(super) struct Judged {
    /// Whose it is.
    pub(super) credential: Credential,
    /// Until when.
    pub(super) expires: UnixTime,
    /// The nonce of the request that it answers.
    pub(super) nonce: Option<String>,
}

impl<'a> Unjudged<'a> {
    /// Reads a token as far as its key has to be known. Another issuer's is refused without a look at any key.
    pub(super) fn read(text: &'a str, expected: &Expected) -> Result<Self, TokenFault> {
        #[derive(Deserialize)]
        struct Issued {
            iss: Option<String>,
        }
        if text.len() > LONGEST || text.split('.').count() != 3 {
            return Err(TokenFault::Malformed);
        }
        // An algorithm that the library does not know, such as none, is to it no JSON.
        let header = decode_header(text).map_err(|error| {
            let is_unknown = matches!(error.kind(), ErrorKind::Json(_));
            if is_unknown { TokenFault::Algorithm } else { TokenFault::Malformed }
        })?;
        if !expected.algorithms.contains(&header.alg) {
            return Err(TokenFault::Algorithm);
        }
        let issued = insecure_decode::<Issued>(text).map_err(|_| TokenFault::Malformed)?;
        if issued.claims.iss.as_deref() != Some(expected.issuer.as_str()) {
            return Err(TokenFault::Issuer);
        }
        Ok(Self { text, header })
    }

    /// Tells whether one of these keys is the one that it names.
    pub(super) fn is_by_one_of(&self, keys: &Keys) -> bool {
        keys.find(&self.header).is_some()
    }

    /// Judges it.
    pub(super) fn judge(
        self,
        keys: &Keys,
        expected: &Expected,
        now: UnixTime,
    ) -> Result<Judged, TokenRefused> {
        let claims = self.verify(keys.find(&self.header).ok_or(TokenFault::Key)?)?;
        if claims.iss != expected.issuer {
            return Err(TokenFault::Issuer.into());
        }
        let subject = claims.sub.as_ref().ok_or(TokenFault::Claim { claim: "sub" })?;
        let credential = Credential::oidc(&claims.iss, subject);
        let credential = credential.map_err(|_| TokenFault::Claim { claim: "sub" })?;
        let of = |fault| TokenRefused { fault, of: Some(credential.clone()) };
        self.check_kind(&claims, expected).map_err(of)?;
        check_audience(&claims, expected).map_err(of)?;
        let expires = check_time(&claims, expected, now).map_err(of)?;
        check_authentication(&claims, expected).map_err(of)?;
        Ok(Judged { credential, expires, nonce: claims.nonce })
    }

    fn verify(&self, key: &DecodingKey) -> Result<Claims, TokenFault> {
        let mut validation = Validation::new(self.header.alg);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let verified = decode::<Claims>(self.text, key, &validation);
        verified.map(|token| token.claims).map_err(|error| {
            if matches!(error.kind(), ErrorKind::InvalidSignature) {
                TokenFault::Signature
            } else if matches!(error.kind(), ErrorKind::Json(_)) {
                TokenFault::Claim { claim: "iss, sub, aud, exp, iat, nbf or amr" }
            } else {
                TokenFault::Malformed
            }
        })
    }

    /// RFC 9068 §2.1 and §4: what kind it is, the header says. What has events in it is neither.
    fn check_kind(&self, claims: &Claims, expected: &Expected) -> Result<(), TokenFault> {
        let typ = self.header.typ.as_deref().map(|typ| {
            let typ = typ.to_ascii_lowercase();
            typ.strip_prefix("application/").map_or_else(|| typ.clone(), str::to_owned)
        });
        let fits = match expected.kind {
            TokenKind::Access => typ.as_deref() == Some("at+jwt"),
            TokenKind::Id => typ.is_none_or(|typ| typ == "jwt"),
        };
        if fits && claims.events.is_none() { Ok(()) } else { Err(TokenFault::Kind) }
    }
}

/// For whom it is, and to whom it was issued.
fn check_audience(claims: &Claims, expected: &Expected) -> Result<(), TokenFault> {
    let audience = claims.aud.as_ref().ok_or(TokenFault::Claim { claim: "aud" })?.all();
    if !audience.contains(&expected.audience) {
        return Err(TokenFault::Audience);
    }
    let is_taken = |client: &String| expected.clients.is_empty() || expected.clients.contains(client);
    let fits = match expected.kind {
        // RFC 9068 §2.2: it is always there.
        TokenKind::Access => {
            is_taken(claims.client_id.as_ref().ok_or(TokenFault::Claim { claim: "client_id" })?)
        }
        // OpenID Connect Core §3.1.3.7, 3 to 5: for us alone, or expressly issued to us.
        TokenKind::Id => match &claims.azp {
            Some(client) => *client == expected.audience || expected.clients.contains(client),
            None => audience.len() == 1,
        },
    };
    if fits { Ok(()) } else { Err(TokenFault::Client) }
}

/// Whether now is in its time, and its time is short.
fn check_time(claims: &Claims, expected: &Expected, now: UnixTime) -> Result<UnixTime, TokenFault> {
    let of = |seconds| UnixTime::from_seconds(seconds);
    let exp = claims.exp.ok_or(TokenFault::Claim { claim: "exp" })?;
    let iat = claims.iat.ok_or(TokenFault::Claim { claim: "iat" })?;
    if of(exp).plus_seconds(LEEWAY) <= now {
        return Err(TokenFault::Expired { at: of(exp) });
    }
    let from = claims.nbf.map_or(iat, |nbf| nbf.max(iat));
    if of(from) > now.plus_seconds(LEEWAY) {
        return Err(TokenFault::NotYet { from: of(from) });
    }
    let seconds = exp.saturating_sub(iat);
    if seconds > expected.longest_seconds {
        return Err(TokenFault::LongLived { seconds, longest: expected.longest_seconds });
    }
    Ok(of(exp))
}

/// How its holder signed in, where it matters (`OpenID` Connect Core §2, RFC 8176).
fn check_authentication(claims: &Claims, expected: &Expected) -> Result<(), TokenFault> {
    let acr = expected.acr_values.is_empty()
        || claims.acr.as_ref().is_some_and(|acr| expected.acr_values.contains(acr));
    let amr = expected.amr_values.iter().all(|method| claims.amr.contains(method));
    if acr && amr { Ok(()) } else { Err(TokenFault::Authentication) }
}

#[cfg(test)]
mod tests;

//! What the command line asks a provider for, and what it keeps of the answer (RFC 6749 §5.1, `OpenID` Connect Core §3.1.3.3).
//!
//! It is a public client (RFC 8252 §8.4): it has no secret. Who signed in, it reads in the ID token, which it judges as the
//! server judges its tokens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ca_core::people::Credential;
use ca_core::ports::Clock;
use ca_core::validity::UnixTime;
use hyper::StatusCode;
use rustls::ClientConfig;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::fault::TokenFault;
use super::link::Link;
use super::metadata::Metadata;
use super::token::{Expected, Judged, TokenKind, Unjudged, algorithm};
use crate::exit::{Exit, Failure};

/// How long an answer of the provider is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// For how long a token is whose answer does not say it, in seconds.
const UNTOLD: i64 = 300;
/// How ID tokens may be signed that we got over TLS from the provider itself.
const ALGORITHMS: [&str; 9] =
    ["ES256", "ES384", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

/// Where and as what one signs in.
#[derive(Clone)]
pub(crate) struct SignInPlace {
    pub(super) link: Link,
    /// The client's id at the provider.
    pub(crate) client_id: String,
    /// What is asked for.
    pub(super) scope: String,
    /// The server's name at the provider (RFC 8707), where that has to be told.
    pub(super) resource: Option<String>,
    /// Which token the server takes.
    kind: TokenKind,
    /// The port of the redirection; one of the system's choice unless the provider wants to know it.
    pub(super) redirect_port: Option<u16>,
    pub(super) clock: Arc<dyn Clock>,
}

impl fmt::Debug for SignInPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInPlace")
            .field("link", &self.link)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// How one wants to be known.
#[derive(Clone)]
pub(crate) struct Wanted {
    /// The client's id at the provider.
    pub(crate) client_id: String,
    /// What is asked for; `openid` unless given.
    pub(crate) scope: Option<String>,
    /// The server's name at the provider.
    pub(crate) resource: Option<String>,
    /// Which token the server takes.
    pub(crate) kind: TokenKind,
    /// The port of the redirection.
    pub(crate) redirect_port: Option<u16>,
    /// The clock.
    pub(crate) clock: Arc<dyn Clock>,
}

/// What was granted.
pub(crate) struct Granted {
    /// What is shown to the server.
    pub(crate) token: Zeroizing<String>,
    /// What gets another one.
    pub(crate) refresh: Option<Zeroizing<String>>,
    /// When the first ends.
    pub(crate) expires: UnixTime,
    /// Who signed in; nothing where a refreshed token comes without telling it.
    pub(crate) credential: Option<Credential>,
}

impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { token: _, refresh, expires, credential } = self;
        let mut written = f.debug_struct("Granted");
        written.field("is_refreshed", &refresh.is_some()).field("expires", expires);
        written.field("credential", credential).finish_non_exhaustive()
    }
}

/// The answer of a token endpoint.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    access_token: Option<String>,
    token_type: String,
    expires_in: Option<i64>,
    refresh_token: Option<String>,
    id_token: Option<String>,
}

/// Why a token endpoint gives nothing.
#[derive(Debug)]
pub(super) enum NotGranted {
    /// Its word (RFC 6749 §5.2, RFC 8628 §3.5).
    Said(String),
    /// It is not reached, or answers what is no answer.
    Away(String),
}

impl NotGranted {
    pub(super) fn failure(self) -> Failure {
        match self {
            Self::Said(word) => Failure::new(
                Exit::Permission,
                "sign-in.refused",
                format!("the identity provider says {word}"),
            )
            .then("sign in anew, or have the client's settings at the identity provider looked at"),
            Self::Away(why) => away(why),
        }
    }
}

impl SignInPlace {
    /// Makes one that trusts nobody but `tls` on the way.
    pub(crate) fn new(issuer: &str, tls: Option<ClientConfig>, wanted: Wanted) -> Self {
        let Wanted { client_id, scope, resource, kind, redirect_port, clock } = wanted;
        let scope = scope.unwrap_or_else(|| "openid".to_owned());
        Self {
            link: Link::new(issuer, tls, PATIENCE),
            client_id,
            scope,
            resource,
            kind,
            redirect_port,
            clock,
        }
    }

    /// Returns the issuer.
    pub(crate) fn issuer(&self) -> &str {
        self.link.issuer()
    }

    pub(super) async fn metadata(&self) -> Result<Metadata, Failure> {
        self.link.metadata().await.map_err(away)
    }

    /// Asks the token endpoint.
    pub(super) async fn ask(
        &self,
        metadata: &Metadata,
        form: &[(&str, &str)],
    ) -> Result<TokenAnswer, NotGranted> {
        let endpoint = metadata.token_endpoint.as_ref();
        let endpoint =
            endpoint.ok_or_else(|| NotGranted::Away("its metadata names no token endpoint".to_owned()))?;
        let own = [("client_id", self.client_id.as_str())];
        let resource = self.resource.as_deref().map(|resource| ("resource", resource));
        let form: Vec<_> = form.iter().copied().chain(own).chain(resource).collect();
        let (status, body) = self.link.post(endpoint, &form).await.map_err(NotGranted::Away)?;
        if status == StatusCode::OK {
            return serde_json::from_slice(&body)
                .map_err(|_| NotGranted::Away("its answer is none".to_owned()));
        }
        Err(said(&body)
            .map_or_else(|| NotGranted::Away(format!("{endpoint} answers {status}")), NotGranted::Said))
    }

    /// Judges what was granted to whoever signed in just now; `nonce` is that of the request, where one was in it.
    pub(super) async fn granted(
        &self,
        (metadata, answer): (&Metadata, TokenAnswer),
        nonce: Option<&str>,
    ) -> Result<Granted, Failure> {
        let id_token = answer.id_token.as_deref();
        let id_token = id_token.ok_or_else(|| untrue("the answer has no ID token"))?;
        let judged = self.judge(metadata, id_token).await?;
        if nonce.is_some() && judged.nonce.as_deref() != nonce {
            return Err(untrue("the ID token answers another request"));
        }
        self.kept(answer, Some(judged))
    }

    /// Gets another token (RFC 6749 §6) for whom `known` is.
    pub(super) async fn refresh(&self, refresh_token: &str, known: &str) -> Result<Granted, Failure> {
        let metadata = self.metadata().await?;
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        let answer = self.ask(&metadata, &form).await.map_err(NotGranted::failure)?;
        let judged = match answer.id_token.as_deref() {
            Some(id_token) => Some(self.judge(&metadata, id_token).await?),
            None => None,
        };
        // OpenID Connect Core §12.2.
        if judged.as_ref().is_some_and(|judged| judged.credential.to_string() != known) {
            return Err(untrue("the refreshed ID token is another person's"));
        }
        self.kept(answer, judged)
    }

    async fn judge(&self, metadata: &Metadata, id_token: &str) -> Result<Judged, Failure> {
        let expected = Expected {
            issuer: self.link.issuer().to_owned(),
            audience: self.client_id.clone(),
            kind: TokenKind::Id,
            clients: Vec::new(),
            algorithms: ALGORITHMS.into_iter().filter_map(algorithm).collect(),
            longest_seconds: i64::MAX,
            acr_values: Vec::new(),
            amr_values: Vec::new(),
        };
        let untrue = |fault: TokenFault| untrue(&format!("of the ID token: {fault}"));
        let unjudged = Unjudged::read(id_token, &expected).map_err(untrue)?;
        let keys = self.link.keys(metadata).await.map_err(away)?;
        unjudged.judge(&keys, &expected, self.clock.now()).map_err(|refused| untrue(refused.fault))
    }

    fn kept(&self, answer: TokenAnswer, judged: Option<Judged>) -> Result<Granted, Failure> {
        if !answer.token_type.eq_ignore_ascii_case("bearer") {
            return Err(untrue("the token is no bearer token"));
        }
        let told = self.clock.now().plus_seconds(answer.expires_in.unwrap_or(UNTOLD).clamp(0, 31_536_000));
        let (token, expires) = match self.kind {
            TokenKind::Access => (answer.access_token, told),
            TokenKind::Id => (answer.id_token, judged.as_ref().map_or(told, |judged| judged.expires)),
        };
        Ok(Granted {
            token: token
                .map(Zeroizing::new)
                .ok_or_else(|| untrue("the answer lacks the token that is taken"))?,
            refresh: answer.refresh_token.map(Zeroizing::new),
            expires,
            credential: judged.map(|judged| judged.credential),
        })
    }
}

/// Has the provider forget a token (RFC 7009).
///
/// # Errors
/// Why it does not.
pub(crate) async fn revoke(place: &SignInPlace, refresh_token: &str) -> Result<(), String> {
    let metadata = place.link.metadata().await?;
    let endpoint = metadata.revocation_endpoint.ok_or("it offers no revocation")?;
    let form = [
        ("token", refresh_token),
        ("token_type_hint", "refresh_token"),
        ("client_id", place.client_id.as_str()),
    ];
    match place.link.post(&endpoint, &form).await? {
        (StatusCode::OK, _) => Ok(()),
        (status, _) => Err(format!("it answers {status}")),
    }
}

/// Reads the provider's word for why not; a word and nothing else is printed of what it answers.
fn said(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let Refusal { error } = serde_json::from_slice(body).ok()?;
    is_word(&error).then_some(error)
}

/// Tells whether it can be printed as it is.
pub(super) fn is_word(text: &str) -> bool {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

pub(super) fn away(why: String) -> Failure {
    Failure::new(Exit::Unavailable, "sign-in.provider-away", format!("the identity provider: {why}"))
        .then("see [server.sign_in] of the file that --config names: issuer, trust_file")
}

pub(super) fn untrue(why: &str) -> Failure {
    Failure::new(
        Exit::Refused,
        "sign-in.answer",
        format!("what the identity provider answers is not taken: {why}"),
    )
    .then("compare [server.sign_in] of the file that --config names with the provider's settings")
}

#[cfg(test)]
mod tests {
    use super::super::fixed::fixed_clock;
    use super::*;

    #[test]
    fn of_a_refusal_a_word_is_told_and_nothing_else() {
        assert_eq!(
            said(br#"{"error":"invalid_grant","error_description":"x"}"#).as_deref(),
            Some("invalid_grant")
        );
        for body in [&br#"{"error":"\u001b[2J"}"#[..], b"{}", b"<html>", br#"{"error":""}"#] {
            assert_eq!(said(body), None);
        }
    }

    fn place(kind: TokenKind) -> SignInPlace {
        let wanted = Wanted {
            client_id: "meter-pki".to_owned(),
            scope: None,
            resource: None,
            kind,
            redirect_port: None,
            clock: fixed_clock(),
        };
        SignInPlace::new("https://id.example", None, wanted)
    }

    #[test]
    fn the_token_that_the_server_takes_is_kept_and_no_other_and_never_printed() {
        let answer = |text: &str| serde_json::from_str::<TokenAnswer>(text).unwrap();
        let both = r#"{"access_token":"AAA","id_token":"BBB","refresh_token":"CCC","token_type":"bearer","expires_in":60}"#;
        let granted = place(TokenKind::Access).kept(answer(both), None).unwrap();
        assert_eq!(granted.token.as_str(), "AAA");
        assert_eq!(place(TokenKind::Id).kept(answer(both), None).unwrap().token.as_str(), "BBB");
        let printed = format!("{granted:?}");
        assert!(["AAA", "BBB", "CCC"].iter().all(|secret| !printed.contains(secret)), "{printed}");
        for wrong in
            [r#"{"access_token":"AAA","token_type":"DPoP"}"#, r#"{"id_token":"BBB","token_type":"bearer"}"#]
        {
            assert_eq!(
                place(TokenKind::Access).kept(answer(wrong), None).unwrap_err().code,
                "sign-in.answer"
            );
        }
    }
}

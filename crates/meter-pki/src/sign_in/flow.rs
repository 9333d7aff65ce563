//! Authorisation code with PKCE in a browser of this machine (RFC 6749 §4.1, RFC 7636, RFC 8252).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ca_core::ports::Entropy as _;
use sha2::{Digest as _, Sha256};
use signer_file::SystemEntropy;
use url::Url;
use zeroize::Zeroizing;

use super::grant::{Granted, NotGranted, SignInPlace, is_word, untrue};
use super::loopback::{Answered, Loopback};
use super::metadata::Metadata;
use crate::exit::{Exit, Failure};

/// How long somebody has to sign in.
const PATIENCE: Duration = Duration::from_secs(300);

/// Signs in; `tell` is told the address that is to be opened in a browser.
///
/// # Errors
/// What went wrong on the way, with what to do next.
pub(crate) async fn by_browser(place: &SignInPlace, tell: impl FnOnce(&Url)) -> Result<Granted, Failure> {
    let metadata = place.metadata().await?;
    let state = random::<16>()?;
    let loopback = Loopback::bind(place.redirect_port, &state).await.map_err(|error| {
        Failure::new(Exit::Unavailable, "sign-in.loopback", format!("cannot listen on this machine: {error}"))
            .then("free the port, or change redirect_port in [server.sign_in]")
    })?;
    let asked = Asked::with_state(state)?;
    tell(&asked.address(place, (&metadata, loopback.redirect_uri()))?);
    let answered = tokio::time::timeout(PATIENCE, loopback.answered()).await.map_err(|_| {
        let message = format!("nobody signed in within {} s", PATIENCE.as_secs());
        Failure::new(Exit::Unavailable, "sign-in.late", message)
            .then("meter-pki --config FILE people sign-in")
    })?;
    asked.granted(place, (&metadata, loopback.redirect_uri()), answered).await
}

/// What ties the answer to the request.
pub(super) struct Asked {
    verifier: Zeroizing<String>,
    nonce: String,
    state: String,
}

impl Asked {
    /// Draws all of it.
    pub(super) fn new() -> Result<Self, Failure> {
        Self::with_state(random::<16>()?)
    }

    fn with_state(state: String) -> Result<Self, Failure> {
        Ok(Self { verifier: Zeroizing::new(random::<32>()?), nonce: random::<16>()?, state })
    }

    /// Returns what the answer brings back.
    pub(super) fn state(&self) -> &str {
        &self.state
    }

    /// Turns what the browser came back with into tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).
    pub(super) async fn granted(
        &self,
        place: &SignInPlace,
        (metadata, redirect_uri): (&Metadata, &str),
        answered: Answered,
    ) -> Result<Granted, Failure> {
        let code = code(place, metadata, answered)?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", self.verifier.as_str()),
        ];
        let answer = place.ask(metadata, &form).await.map_err(NotGranted::failure)?;
        place.granted((metadata, answer), Some(&self.nonce)).await
    }

    /// Returns the address of the authorisation request.
    pub(super) fn address(
        &self,
        place: &SignInPlace,
        (metadata, redirect_uri): (&Metadata, &str),
    ) -> Result<Url, Failure> {
        let endpoint = metadata.authorization_endpoint.as_deref();
        let endpoint = endpoint.ok_or_else(|| untrue("its metadata names no authorization endpoint"))?;
        let mut url = Url::parse(endpoint).map_err(|_| untrue("its authorization endpoint is no address"))?;
        let mut query = url.query_pairs_mut();
        query.extend_pairs([
            ("response_type", "code"),
            ("client_id", &place.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", &place.scope),
            ("state", &self.state),
            ("nonce", &self.nonce),
            ("code_challenge", &challenge(&self.verifier)),
            ("code_challenge_method", "S256"),
        ]);
        query.extend_pairs(place.resource.iter().map(|resource| ("resource", resource)));
        drop(query);
        Ok(url)
    }
}

/// Returns the code, if it is this provider's (RFC 9207 §2.4).
fn code(place: &SignInPlace, metadata: &Metadata, answered: Answered) -> Result<Zeroizing<String>, Failure> {
    let is_his = match &answered.issuer {
        Some(issuer) => issuer == place.issuer(),
        None => !metadata.authorization_response_iss_parameter_supported,
    };
    if !is_his {
        return Err(untrue("the browser came back from another provider"));
    }
    answered.code.map(Zeroizing::new).map_err(|word| {
        let word = Some(word).filter(|word| is_word(word)).unwrap_or_else(|| "no".to_owned());
        NotGranted::Said(word).failure()
    })
}

/// RFC 7636 §4.2.
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

pub(super) fn random<const N: usize>() -> Result<String, Failure> {
    let mut octets = Zeroizing::new([0; N]);
    SystemEntropy
        .fill(octets.as_mut())
        .map_err(|error| Failure::new(Exit::Unavailable, "unavailable", error))?;
    Ok(URL_SAFE_NO_PAD.encode(octets.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::super::fixed::fixed_clock;
    use super::super::grant::Wanted;
    use super::super::token::TokenKind;
    use super::*;

    // RFC 7636 appendix B.
    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        assert_eq!(
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    fn place() -> SignInPlace {
        let wanted = Wanted {
            client_id: "meter-pki".to_owned(),
            scope: Some("openid offline_access".to_owned()),
            resource: Some("https://pki.example".to_owned()),
            kind: TokenKind::Access,
            redirect_port: None,
            clock: fixed_clock(),
        };
        SignInPlace::new("https://id.example", None, wanted)
    }

    fn metadata(names_itself: bool) -> Metadata {
        let text = format!(
            r#"{{"issuer":"https://id.example","jwks_uri":"https://id.example/k","authorization_endpoint":"https://id.example/a?tenant=1",
                "authorization_response_iss_parameter_supported":{names_itself}}}"#
        );
        Metadata::parse("https://id.example", text.as_bytes()).unwrap()
    }

    #[test]
    fn the_request_names_all_that_ties_its_answer_to_it() {
        let asked =
            Asked { verifier: Zeroizing::new("v".repeat(43)), nonce: "n".to_owned(), state: "s".to_owned() };
        let url = asked.address(&place(), (&metadata(false), "http://127.0.0.1:5/callback")).unwrap();
        let of =
            |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        assert_eq!(of("tenant").as_deref(), Some("1"));
        assert_eq!(of("response_type").as_deref(), Some("code"));
        assert_eq!(of("redirect_uri").as_deref(), Some("http://127.0.0.1:5/callback"));
        assert_eq!(of("code_challenge"), Some(challenge(&"v".repeat(43))));
        assert_eq!(of("code_challenge_method").as_deref(), Some("S256"));
        assert_eq!((of("state").as_deref(), of("nonce").as_deref()), (Some("s"), Some("n")));
        assert_eq!(of("resource").as_deref(), Some("https://pki.example"));
        assert!(!url.as_str().contains(&"v".repeat(43)), "the verifier stays here");
    }

    // RFC 9207 §2.4: mix-up.
    #[test]
    fn a_code_of_another_provider_is_not_sent_to_this_one() {
        let came =
            |issuer: Option<&str>| Answered { code: Ok("c".to_owned()), issuer: issuer.map(str::to_owned) };
        let taken = |names_itself, issuer| code(&place(), &metadata(names_itself), came(issuer)).is_ok();
        assert!(taken(false, None) && taken(true, Some("https://id.example")));
        assert!(!taken(true, None) && !taken(false, Some("https://evil.example")));
        let refused = Answered { code: Err("access_denied".to_owned()), issuer: None };
        let failure = code(&place(), &metadata(false), refused).unwrap_err();
        assert_eq!(
            (failure.code.as_str(), failure.message.ends_with("access_denied")),
            ("sign-in.refused", true)
        );
    }
}

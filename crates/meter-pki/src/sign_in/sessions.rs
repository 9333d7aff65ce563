//! Signing in at the console in a browser: authorisation code with PKCE (RFC 6749 §4.1, RFC 7636) over a redirection to this server,
//! and a session that lasts as long as the token that was granted.
//!
//! The browser gets a word that says nothing, and the token stays here. A session proves one credential, as a token does, and no more:
//! who that is and what he may do is looked up at each request. Sessions are in memory: a server that starts again knows none.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use ca_core::people::Credential;
use ca_core::ports::Clock;
use sha2::{Digest as _, Sha256};
use url::form_urlencoded::parse;

use super::discovery::Discovery;
use super::fault::TokenRefused;
use super::flow::{Asked, random};
use super::grant::SignInPlace;
use super::loopback::Answered;
use super::provider::SignIn;
use super::signed_in::SignedIn;
use crate::exit::{Exit, Failure};

/// For how long somebody has to sign in, in seconds.
const PATIENCE: i64 = 300;

/// How many are signing in, or signed in, at most: whoever is beyond takes the place of the oldest.
const MOST: usize = 4_096;

/// The cookies: of a session, and of whoever is signing in. The prefix makes a browser keep them to this host, over TLS (RFC 6265bis).
const SESSION: &str = "__Host-meter-pki";
const SIGNING: &str = "__Host-meter-pki-signing";

/// What the path is that the provider sends browsers back to.
pub(crate) const BACK: &str = "/console/signed-in";

/// Sessions, and how they begin.
pub(crate) struct Sessions {
    place: SignInPlace,
    sign_in: Arc<SignIn>,
    discovery: Discovery,
    redirect_uri: String,
    clock: Arc<dyn Clock>,
    signing: Kept<Asked>,
    open: Kept<Credential>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}

/// An address to which a browser is sent, with the cookie that it is to keep.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) location: String,
    pub(crate) cookies: Vec<String>,
}

impl Sessions {
    /// Opens none yet; `address` is this server's, as browsers know it.
    pub(crate) fn new(
        (place, sign_in): (SignInPlace, Arc<SignIn>),
        address: &str,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let redirect_uri = format!("{}{BACK}", address.trim_end_matches('/'));
        let (discovery, signing, open) = (Discovery::default(), Kept::default(), Kept::default());
        Self { place, sign_in, discovery, redirect_uri, clock, signing, open }
    }

    /// Sends a browser to the provider.
    ///
    /// # Errors
    /// When the provider is away, or there is nothing random.
    pub(crate) async fn begin(&self) -> Result<Sent, NotSignedIn> {
        let metadata = self.discovery.metadata(&self.place).await?;
        let (asked, now) = (Asked::new()?, self.clock.now().seconds());
        let location = asked.address(&self.place, (&metadata, &self.redirect_uri))?;
        let state = asked.state().to_owned();
        self.signing.keep(&state, (asked, now + PATIENCE), now);
        Ok(Sent { location: location.into(), cookies: vec![cookie(SIGNING, &state, "Lax", PATIENCE)] })
    }

    /// Opens a session for whoever comes back from the provider, if he is the one whom we sent there.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn end(&self, headers: &HeaderMap, query: &str) -> Result<Sent, NotSignedIn> {
        let fields: HashMap<_, _> = parse(query.as_bytes()).into_owned().collect();
        let now = self.clock.now().seconds();
        let sent = field(headers, SIGNING).filter(|state| fields.get("state") == Some(state));
        let asked = sent.and_then(|state| self.signing.take(&state, now)).ok_or_else(strayed)?;
        let metadata = self.discovery.metadata(&self.place).await?;
        let refused = || fields.get("error").cloned().unwrap_or_default();
        let answered = Answered {
            code: fields.get("code").cloned().ok_or_else(refused),
            issuer: fields.get("iss").cloned(),
        };
        let granted = asked.granted(&self.place, (&metadata, &self.redirect_uri), answered).await?;
        // What opens a session is the token that opens the interface, judged as there.
        let credential = self.sign_in.credential(&granted.token).await.map_err(NotSignedIn::Token)?;
        let (word, until) = (random::<32>()?, granted.expires.seconds());
        self.open.keep(&word, (credential, until), now);
        let cookies = vec![cookie(SESSION, &word, "Lax", (until - now).max(0)), gone(SIGNING)];
        Ok(Sent { location: "/console".to_owned(), cookies })
    }

    /// Ends a session.
    pub(crate) fn close(&self, headers: &HeaderMap) -> Sent {
        if let Some(word) = field(headers, SESSION) {
            drop(self.open.take(&word, self.clock.now().seconds()));
        }
        Sent { location: "/console".to_owned(), cookies: vec![gone(SESSION)] }
    }

    /// Returns who comes with a session, and a name of the session that says nothing of its word.
    pub(crate) fn of(&self, headers: &HeaderMap, address: IpAddr) -> Option<(SignedIn, String)> {
        let word = field(headers, SESSION)?;
        let credential = self.open.get(&word, self.clock.now().seconds())?;
        Some((SignedIn { address, outcome: Ok(credential) }, hex::encode(digest(&word))))
    }
}

/// Why there is no session. The caller puts it on record.
#[derive(Debug)]
pub(crate) enum NotSignedIn {
    /// The token that the provider granted is not taken.
    Token(TokenRefused),
    /// It did not come to a token.
    Before(Failure),
}

impl From<Failure> for NotSignedIn {
    /// What is told of files is for whoever types; the one who signs in here has none.
    fn from(failure: Failure) -> Self {
        let next = match failure.exit {
            Exit::Unavailable => "try again, or come with a client certificate",
            Exit::Failed
            | Exit::Usage
            | Exit::Partial
            | Exit::Refused
            | Exit::NotFound
            | Exit::Permission
            | Exit::Conflict
            | Exit::Integrity => {
                "sign in anew, at the console, or have its settings compared with those at the identity provider"
            }
        };
        Self::Before(failure.then(next))
    }
}

fn strayed() -> Failure {
    let message = "this browser was not sent to the identity provider within the last five minutes";
    Failure::new(Exit::Refused, "sign-in.strayed", message)
}

fn cookie(name: &str, word: &str, site: &str, seconds: i64) -> String {
    format!("{name}={word}; Path=/; Secure; HttpOnly; SameSite={site}; Max-Age={seconds}")
}

fn gone(name: &str) -> String {
    cookie(name, "", "Strict", 0)
}

/// Reads a cookie; of two with the same name neither.
fn field(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs =
        headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    let mut words = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(known, _)| *known == name);
    let (_, word) = words.next().filter(|(_, word)| !word.is_empty())?;
    words.next().is_none().then(|| word.to_owned())
}

fn digest(word: &str) -> [u8; 32] {
    Sha256::digest(word).into()
}

/// What is kept under words until it ends; by their digests, so that no word is found by how long it takes to look for it.
struct Kept<T>(Mutex<HashMap<[u8; 32], (T, i64)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Kept<T> {
    fn keep(&self, word: &str, (kept, until): (T, i64), now: i64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (_, until)| now <= *until);
        if all.len() >= MOST
            && let Some(oldest) = all.iter().min_by_key(|(_, (_, until))| *until).map(|(key, _)| *key)
        {
            drop(all.remove(&oldest));
        }
        drop(all.insert(digest(word), (kept, until)));
    }

    fn take(&self, word: &str, now: i64) -> Option<T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest(word));
        kept.filter(|(_, until)| now <= *until).map(|(kept, _)| kept)
    }
}

impl<T: Clone> Kept<T> {
    fn get(&self, word: &str, now: i64) -> Option<T> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&digest(word)).filter(|(_, until)| now <= *until).map(|(kept, _)| kept.clone())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn what_is_kept_ends_and_is_taken_once_and_the_oldest_makes_room() {
        let kept = Kept::default();
        kept.keep("a", (1, 10), 0);
        assert_eq!((kept.get("a", 10), kept.get("a", 11), kept.get("b", 0)), (Some(1), None, None));
        assert_eq!((kept.take("a", 10), kept.take("a", 10)), (Some(1), None));
        for number in 0..=MOST {
            let until = 100 + i64::try_from(number).unwrap();
            kept.keep(&number.to_string(), (number, until), 0);
        }
        assert_eq!((kept.get("0", 0), kept.get("1", 0)), (None, Some(1)));
    }

    #[test]
    fn a_cookie_is_read_by_its_whole_name_and_only_if_there_is_one() {
        let read = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(COOKIE, HeaderValue::from_static(line));
            }
            field(&headers, SESSION)
        };
        assert_eq!(read(&["a=b; __Host-meter-pki=word"]).as_deref(), Some("word"));
        for lines in [
            &["__Host-meter-pki="][..],
            &["__Host-meter-pki-signing=x"],
            &["__Host-meter-pki=a; __Host-meter-pki=b"],
            &["__Host-meter-pki=a", "__Host-meter-pki=a"],
            &[],
        ] {
            assert_eq!(read(lines), None, "{lines:?}");
        }
    }
}

//! Device code (RFC 8628): for a machine without a browser, one signs in on another one.

use std::time::Duration;

use hyper::StatusCode;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::grant::{Granted, NotGranted, SignInPlace, away, untrue};
use super::link::is_fit;
use crate::exit::{Exit, Failure};

/// RFC 8628 §3.2: seconds between questions, where the provider says nothing.
const USUAL: u64 = 5;
/// RFC 8628 §3.5: by how many seconds they become fewer when it says that they are too many.
const SLOWER: u64 = 5;
/// The longest that is waited, in seconds, whatever the provider says.
const LONGEST: u64 = 1_800;

/// What is shown to whoever signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prompt {
    /// Where to go.
    pub(crate) address: String,
    /// What to type there.
    pub(crate) code: String,
}

/// RFC 8628 §3.2.
#[derive(Deserialize)]
struct DeviceAnswer {
    device_code: String,
    user_code: String,
    verification_uri: String,
    expires_in: u64,
    interval: Option<u64>,
}

/// Signs in; `tell` is told what is to be shown.
///
/// # Errors
/// What went wrong on the way, with what to do next.
pub(crate) async fn by_device(place: &SignInPlace, tell: impl FnOnce(&Prompt)) -> Result<Granted, Failure> {
    let metadata = place.metadata().await?;
    let endpoint = metadata.device_authorization_endpoint.as_ref();
    let endpoint = endpoint.ok_or_else(|| untrue("it offers no device code"))?;
    let own = [("client_id", place.client_id.as_str()), ("scope", place.scope.as_str())];
    let resource = place.resource.as_deref().map(|resource| ("resource", resource));
    let form: Vec<_> = own.into_iter().chain(resource).collect();
    let (status, body) = place.link.post(endpoint, &form).await.map_err(away)?;
    if status != StatusCode::OK {
        return Err(away(format!("{endpoint} answers {status}")));
    }
    let answer = serde_json::from_slice(&body).map_err(|_| untrue("its device code is unreadable"))?;
    let (code, prompt, mut pace) = begin(answer)?;
    tell(&prompt);
    let form =
        [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code.as_str())];
    loop {
        tokio::time::sleep(pace.next().ok_or_else(late)?).await;
        match place.ask(&metadata, &form).await {
            Ok(answer) => return place.granted((&metadata, answer), None).await,
            Err(why) => pace.after(why)?,
        }
    }
}

fn begin(answer: DeviceAnswer) -> Result<(Zeroizing<String>, Prompt, Pace), Failure> {
    let DeviceAnswer { device_code, user_code, verification_uri, expires_in, interval } = answer;
    let plain =
        |text: &str| (1..=256).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_graphic());
    if !plain(&user_code) || !plain(&verification_uri) || !is_fit(&verification_uri) {
        return Err(untrue("its code, or the address to type it at, cannot be shown"));
    }
    let prompt = Prompt { address: verification_uri, code: user_code };
    let interval = interval.unwrap_or(USUAL).clamp(1, LONGEST);
    Ok((Zeroizing::new(device_code), prompt, Pace { interval, left: expires_in.min(LONGEST) }))
}

/// How often is asked, in seconds, and for how long.
#[derive(Debug)]
struct Pace {
    interval: u64,
    left: u64,
}

impl Pace {
    /// Returns how long is waited before the next question; none when the code is over before.
    fn next(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(self.interval)?;
        Some(Duration::from_secs(self.interval))
    }

    /// Goes on after an answer, or does not.
    fn after(&mut self, why: NotGranted) -> Result<(), Failure> {
        match why {
            NotGranted::Said(word) if word == "authorization_pending" => Ok(()),
            NotGranted::Said(word) if word == "slow_down" => {
                self.interval = self.interval.saturating_add(SLOWER);
                Ok(())
            }
            NotGranted::Said(word) if word == "expired_token" => Err(late()),
            NotGranted::Said(word) => Err(NotGranted::Said(word).failure()),
            // RFC 8628 §3.5: a provider that does not answer is asked half as often.
            NotGranted::Away(_) => {
                self.interval = self.interval.saturating_mul(2);
                Ok(())
            }
        }
    }
}

fn late() -> Failure {
    Failure::new(Exit::Unavailable, "sign-in.late", "nobody signed in before the code was over")
        .then("meter-pki --config FILE people sign-in --device")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(word: &str) -> NotGranted {
        NotGranted::Said(word.to_owned())
    }

    #[test]
    fn it_asks_at_the_pace_that_the_provider_wants_and_not_longer_than_the_code_lasts() {
        let mut pace = Pace { interval: 5, left: 27 };
        assert_eq!(pace.next(), Some(Duration::from_secs(5)));
        pace.after(said("authorization_pending")).unwrap();
        assert_eq!(pace.next(), Some(Duration::from_secs(5)));
        pace.after(said("slow_down")).unwrap();
        assert_eq!(pace.next(), Some(Duration::from_secs(10)));
        pace.after(NotGranted::Away("no answer".to_owned())).unwrap();
        assert_eq!(pace.next(), None, "7 seconds are left, and 20 to wait");
    }

    #[test]
    fn it_ends_when_somebody_says_no() {
        for (word, code) in [
            ("access_denied", "sign-in.refused"),
            ("expired_token", "sign-in.late"),
            ("invalid_client", "sign-in.refused"),
        ] {
            let mut pace = Pace { interval: 5, left: 100 };
            assert_eq!(pace.after(said(word)).unwrap_err().code, code);
        }
    }

    #[test]
    fn nothing_is_shown_that_moves_a_cursor_or_leads_astray() {
        let answer = |code: &str, address: &str| DeviceAnswer {
            device_code: "d".to_owned(),
            user_code: code.to_owned(),
            verification_uri: address.to_owned(),
            expires_in: 600,
            interval: None,
        };
        assert!(begin(answer("ABCD-EFGH", "https://id.example/device")).is_ok());
        for (code, address) in [
            ("A\u{1b}[2J", "https://id.example/device"),
            ("", "https://id.example/device"),
            ("ABCD", "http://id.example/device"),
            ("ABCD", "https://id.example/\u{202e}"),
        ] {
            assert!(begin(answer(code, address)).is_err(), "{code} {address}");
        }
    }
}

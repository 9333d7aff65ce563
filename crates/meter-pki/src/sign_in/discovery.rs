//! What the provider says of itself, kept for a time: however many strangers begin to sign in, and break off, it is asked once in ten
//! minutes; one that is away, once in five seconds, while they all wait for that one answer.

use std::sync::Arc;

use ca_core::validity::UnixTime;
use tokio::sync::Mutex;

use super::grant::SignInPlace;
use super::keyring::{FRESH, PAUSE_AFTER_FAILURE, within};
use super::metadata::Metadata;
use crate::exit::Failure;

/// What was said last.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    said: Mutex<Said>,
}

impl Discovery {
    /// Returns what the provider says of itself.
    ///
    /// # Errors
    /// When it does not, or did not just now.
    pub(super) async fn metadata(&self, place: &SignInPlace) -> Result<Arc<Metadata>, Failure> {
        let mut said = self.said.lock().await;
        if let Some(known) = said.known(place.clock.now()) {
            return known;
        }
        let asked = place.metadata().await.map(Arc::new);
        // The time behind the answer: whoever waited for it does not ask again.
        *said = Said(Some((place.clock.now(), asked.clone())));
        asked
    }
}

/// When the provider was asked, and what it said.
#[derive(Debug, Default)]
struct Said(Option<(UnixTime, Result<Arc<Metadata>, Failure>)>);

impl Said {
    /// Returns what need not be asked again.
    fn known(&self, now: UnixTime) -> Option<Result<Arc<Metadata>, Failure>> {
        let (at, said) = self.0.as_ref()?;
        let seconds = if said.is_ok() { FRESH } else { PAUSE_AFTER_FAILURE };
        within(*at, seconds, now).then(|| said.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::grant::away;
    use super::*;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(1_795_255_200 + seconds)
    }

    #[test]
    fn an_answer_is_kept_for_ten_minutes_and_its_absence_for_five_seconds() {
        let json = br#"{"issuer":"https://id.example","jwks_uri":"https://id.example/keys"}"#;
        let metadata = Metadata::parse("https://id.example", json).unwrap();
        let said = |said| Said(Some((at(0), said)));
        let told = said(Ok(Arc::new(metadata)));
        assert_eq!([0, 599, 600, -1].map(|now| told.known(at(now)).is_some()), [true, true, false, false]);
        let away = said(Err(away("no answer".to_owned())));
        assert_eq!([0, 4, 5].map(|now| away.known(at(now)).is_some()), [true, true, false]);
        assert!(Said::default().known(at(0)).is_none());
    }
}

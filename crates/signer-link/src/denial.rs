//! Why there is no signature, as the signer says it: what it means for whoever asked, a stable reason code, one sentence.

use core::fmt;
use std::io;
use std::time::Duration;

use ca_core::key_ref::KeyRef;
use ca_core::ports::SignError;

use crate::wire::{DenialFields, Frame, Kind, unsound};

/// What a denial means for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// This is not signed with this key, now or later. Nothing was signed.
    Refused,
    /// There is no such key. Nothing was signed.
    NoSuchKey,
    /// Not now. Nothing was signed.
    Unavailable,
    /// A signature may exist.
    OutcomeUnknown,
}

impl Meaning {
    const ALL: [Self; 4] = [Self::Refused, Self::NoSuchKey, Self::Unavailable, Self::OutcomeUnknown];

    const fn number(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::NoSuchKey => 2,
            Self::Unavailable => 3,
            Self::OutcomeUnknown => 4,
        }
    }
}

/// Why there is no signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// What it means for whoever asked.
    pub meaning: Meaning,
    /// A stable reason code.
    pub code: String,
    /// What is wrong, in one sentence.
    pub sentence: String,
    /// After how many seconds it is worth asking again; 0 where nothing is known of it.
    pub again_seconds: u32,
}

impl Denial {
    /// Says that this is not signed with this key.
    pub fn refused(code: &str, sentence: impl fmt::Display) -> Self {
        Self::new(Meaning::Refused, code, sentence)
    }

    /// Says that nothing is signed now, and when it is worth asking again.
    pub fn unavailable(code: &str, sentence: impl fmt::Display, again_seconds: u32) -> Self {
        Self { again_seconds, ..Self::new(Meaning::Unavailable, code, sentence) }
    }

    /// Says that a signature may exist.
    pub fn unknown(code: &str, sentence: impl fmt::Display) -> Self {
        Self::new(Meaning::OutcomeUnknown, code, sentence)
    }

    /// Says that there is no such key.
    #[must_use]
    pub fn no_such_key(key: &KeyRef) -> Self {
        Self::new(Meaning::NoSuchKey, "key.unknown", format!("the signer holds no key {key}"))
    }

    fn new(meaning: Meaning, code: &str, sentence: impl fmt::Display) -> Self {
        Self { meaning, code: code.to_owned(), sentence: sentence.to_string(), again_seconds: 0 }
    }

    /// Says the same in the words of the port.
    #[must_use]
    pub fn into_sign_error(self, key: &KeyRef) -> SignError {
        match self.meaning {
            Meaning::Refused => SignError::Refused { cause: Box::new(self) },
            Meaning::NoSuchKey => SignError::KeyNotFound { key: *key },
            Meaning::Unavailable => {
                SignError::Unavailable { again_in: self.again_in(), cause: Box::new(self) }
            }
            Meaning::OutcomeUnknown => SignError::OutcomeUnknown { cause: Box::new(self) },
        }
    }

    fn again_in(&self) -> Option<Duration> {
        (self.again_seconds > 0).then(|| Duration::from_secs(self.again_seconds.into()))
    }

    pub(crate) fn frame(&self) -> io::Result<Frame> {
        // A sentence may quote what was asked for: a frame has an end.
        let fields = DenialFields {
            meaning: self.meaning.number(),
            code: self.code.clone(),
            sentence: self.sentence.chars().take(4_096).collect(),
            again_seconds: self.again_seconds,
        };
        Frame::of(Kind::Denial, &fields)
    }

    pub(crate) fn read(frame: &Frame) -> io::Result<Self> {
        let DenialFields { meaning, code, sentence, again_seconds } = frame.value()?;
        let meaning = Meaning::ALL.into_iter().find(|one| one.number() == meaning);
        let meaning = meaning.ok_or_else(|| unsound("a denial of no known meaning"))?;
        Ok(Self { meaning, code, sentence, again_seconds })
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.sentence, self.code)?;
        if self.again_seconds > 0 { write!(f, "; again in {} s", self.again_seconds) } else { Ok(()) }
    }
}

impl core::error::Error for Denial {}

/// Seconds, rounded up: who comes too early comes twice.
pub(crate) fn whole_seconds(time: Duration) -> u32 {
    let up = u64::from(time.subsec_nanos() > 0);
    u32::try_from(time.as_secs().saturating_add(up)).unwrap_or(u32::MAX).max(1)
}

/// What the port's signer says, in the words of the link.
impl From<SignError> for Denial {
    fn from(error: SignError) -> Self {
        match error {
            SignError::KeyNotFound { key } => Self::no_such_key(&key),
            SignError::Refused { cause } => Self::refused("signer.refused", cause),
            SignError::Unavailable { cause, again_in } => {
                Self::unavailable("signer.unavailable", cause, again_in.map_or(0, whole_seconds))
            }
            SignError::OutcomeUnknown { cause } => Self::unknown("signer.outcome-unknown", cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_meaning_arrives_as_it_was_sent() {
        for meaning in Meaning::ALL {
            let sent = Denial { meaning, code: "a.b".into(), sentence: "So it is.".into(), again_seconds: 3 };
            assert_eq!(Denial::read(&sent.frame().unwrap()).unwrap(), sent);
        }
    }

    #[test]
    fn when_to_come_again_arrives_in_whole_seconds_and_never_too_early() {
        let key = KeyRef::new([1; 20]);
        for (told, arrives) in
            [(Some(0), Some(1)), (Some(900), Some(1)), (Some(6_001), Some(7)), (None, None)]
        {
            let again_in = told.map(Duration::from_millis);
            let sent = Denial::from(SignError::Unavailable { cause: "it rests".into(), again_in });
            let arrived = Denial::read(&sent.frame().unwrap()).unwrap().into_sign_error(&key);
            assert_eq!(arrived.again_in(), arrives.map(Duration::from_secs), "{told:?}");
        }
    }
}

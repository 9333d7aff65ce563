//! Where requests arrive: what whoever holds the keys answers. The link carries requests, and decides none.

use core::fmt;
use std::io;
use std::time::Duration;

use ca_core::key_ref::KeyRef;
use ca_core::octets::Octets;
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use der::asn1::OctetString;

use crate::denial::{Denial, whole_seconds};
use crate::wire::{Frame, KeyStateFields, KeysFields, Kind, StateFields, TokenFields, unsound};

/// Who asks, as the kernel says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// The user id.
    pub user: u32,
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uid-{}", self.user)
    }
}

/// Answers requests; many at a time.
pub trait SigningDesk: Send + Sync {
    /// Lists the public keys of the keys that it may sign with.
    fn keys(&self) -> Vec<PublicKey>;

    /// Names the keys that it may sign with once their token is there, and says when to ask again.
    fn awaited(&self) -> (Vec<KeyRef>, Option<Duration>) {
        (Vec::new(), None)
    }

    /// Tells how it stands.
    fn state(&self) -> SignerState;

    /// Signs octets with a key, if it may.
    ///
    /// # Errors
    /// [`Denial`]
    fn sign(&self, asker: Asker, key: &KeyRef, octets: Octets) -> Result<EcdsaSignature, Denial>;
}

/// How a signer stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignerState {
    /// How many records its log has.
    pub records: u64,
    /// The SHA-256 of the last.
    pub head: [u8; 32],
    /// What each key did.
    pub keys: Vec<KeyState>,
    /// How each token stands; nothing where keys are in files.
    pub tokens: Vec<TokenReport>,
}

/// How a token stands, and what was asked of it since the process began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenReport {
    /// Its label; where it has none that is known, what it is named by.
    pub token: String,
    /// Whether it is asked.
    pub standing: Standing,
    /// When it is asked again, while it rests.
    pub again_in: Option<Duration>,
    /// What it answered when it failed last; empty where it never did.
    pub cause: String,
    /// What it did.
    pub counts: TokenCounts,
}

/// Whether a token is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is asked.
    Serving,
    /// It failed and is left alone.
    Resting,
    /// It failed, and one signature is asked of it to see whether it works again.
    Probing,
    /// It refused the PIN: it is not asked until its process is started anew.
    Stopped,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Serving, Self::Resting, Self::Probing, Self::Stopped];

    /// Returns the word for metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Resting => "resting",
            Self::Probing => "probing",
            Self::Stopped => "stopped",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Serving => 1,
            Self::Resting => 2,
            Self::Probing => 3,
            Self::Stopped => 4,
        }
    }
}

/// What was asked of a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// Calls that were handed to a thread.
    pub calls: u64,
    /// Signatures that it made.
    pub signed: u64,
    /// Signatures that it certainly did not make.
    pub not_signed: u64,
    /// Signatures that may have been made, and were not received.
    pub unknown: u64,
    /// How often it failed, from when it worked until it was left alone.
    pub failures: u64,
    /// Calls that wait for a thread at this moment.
    pub waiting: u64,
    /// Calls under way at this moment.
    pub under_way: u64,
    /// Calls that were given up and have not come back.
    pub hanging: u64,
}

impl TokenCounts {
    fn numbers(self) -> Vec<u64> {
        let Self { calls, signed, not_signed, unknown, failures, waiting, under_way, hanging } = self;
        vec![calls, signed, not_signed, unknown, failures, waiting, under_way, hanging]
    }

    fn of_numbers(numbers: &[u64]) -> io::Result<Self> {
        let &[calls, signed, not_signed, unknown, failures, waiting, under_way, hanging] = numbers else {
            return Err(unsound("a token has eight counts"));
        };
        Ok(Self { calls, signed, not_signed, unknown, failures, waiting, under_way, hanging })
    }
}

impl TokenReport {
    /// Tells whether the token is asked.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.standing == Standing::Serving
    }

    fn fields(&self) -> TokenFields {
        TokenFields {
            token: self.token.clone(),
            standing: self.standing.number(),
            again_seconds: self.again_in.map_or(0, whole_seconds),
            // A cause may quote what a module says: a frame has an end.
            cause: self.cause.chars().take(1_024).collect(),
            counts: self.counts.numbers(),
        }
    }

    fn read(fields: TokenFields) -> io::Result<Self> {
        let TokenFields { token, standing, again_seconds, cause, counts } = fields;
        let standing = Standing::ALL.into_iter().find(|one| one.number() == standing);
        let standing = standing.ok_or_else(|| unsound("a token stands in no known way"))?;
        let again_in = seconds(again_seconds);
        Ok(Self { token, standing, again_in, cause, counts: TokenCounts::of_numbers(&counts)? })
    }
}

/// What a key did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyState {
    /// The key.
    pub key: KeyRef,
    /// What it is for.
    pub purposes: String,
    /// Signatures since the process began.
    pub signed: u64,
    /// Requests denied since the process began.
    pub denied: u64,
    /// Signatures of this day, those before the process began too.
    pub today: u64,
    /// Whether it is known that it cannot sign now.
    pub absence: Option<KeyAbsence>,
}

/// A key that is known to be away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyAbsence {
    /// When its token is asked again, where that is known.
    pub again_in: Option<Duration>,
}

impl SignerState {
    pub(crate) fn frame(&self) -> io::Result<Frame> {
        let keys = self.keys.iter().map(|one| {
            Ok(KeyStateFields {
                key: OctetString::new(one.key.octets().as_slice()).map_err(unsound)?,
                purposes: one.purposes.clone(),
                signed: one.signed,
                denied: one.denied,
                today: one.today,
                away: one.absence.is_some(),
                again_seconds: one.absence.and_then(|one| one.again_in).map_or(0, whole_seconds),
            })
        });
        let fields = StateFields {
            records: self.records,
            head: OctetString::new(self.head.as_slice()).map_err(unsound)?,
            keys: keys.collect::<io::Result<_>>()?,
            tokens: self.tokens.iter().map(TokenReport::fields).collect(),
        };
        Frame::of(Kind::State, &fields)
    }

    pub(crate) fn read(frame: &Frame) -> io::Result<Self> {
        let StateFields { records, head, keys, tokens } = frame.value()?;
        let keys = keys.into_iter().map(|fields| {
            let KeyStateFields { key, purposes, signed, denied, today, away, again_seconds } = fields;
            let absence = away.then(|| KeyAbsence { again_in: seconds(again_seconds) });
            Ok(KeyState { key: key_ref(&key)?, purposes, signed, denied, today, absence })
        });
        let head = head.as_bytes().try_into().map_err(|_| unsound("a hash has 32 octets"))?;
        let tokens = tokens.into_iter().map(TokenReport::read).collect::<io::Result<_>>()?;
        Ok(Self { records, head, keys: keys.collect::<io::Result<_>>()?, tokens })
    }
}

/// A time that is told; 0 where none is.
fn seconds(told: u32) -> Option<Duration> {
    (told > 0).then(|| Duration::from_secs(told.into()))
}

/// Reads the name of a key.
pub(crate) fn key_ref(octets: &OctetString) -> io::Result<KeyRef> {
    octets.as_bytes().try_into().map(KeyRef::new).map_err(|_| unsound("the name of a key has 20 octets"))
}

/// Which keys there are, as it is told over the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyList {
    /// Those that can be asked for.
    pub(crate) keys: Vec<PublicKey>,
    /// Those whose token is away.
    pub(crate) awaited: Vec<KeyRef>,
    /// When to ask again for these.
    pub(crate) again_in: Option<Duration>,
}

impl KeyList {
    /// Asks a desk.
    pub(crate) fn of(desk: &dyn SigningDesk) -> Self {
        let keys = desk.keys();
        let (awaited, again_in) = desk.awaited();
        Self { keys, awaited, again_in }
    }

    pub(crate) fn frame(&self) -> io::Result<Frame> {
        let keys = self.keys.iter().map(|key| OctetString::new(key.spki_der()).map_err(unsound));
        let awaited =
            self.awaited.iter().map(|key| OctetString::new(key.octets().as_slice()).map_err(unsound));
        let fields = KeysFields {
            keys: keys.collect::<io::Result<_>>()?,
            awaited: awaited.collect::<io::Result<_>>()?,
            again_seconds: self.again_in.map_or(0, whole_seconds),
        };
        Frame::of(Kind::Keys, &fields)
    }

    pub(crate) fn read(frame: &Frame) -> io::Result<Self> {
        let KeysFields { keys, awaited, again_seconds } = frame.value()?;
        let key = |octets: &OctetString| PublicKey::from_spki_der(octets.as_bytes()).map_err(unsound);
        Ok(Self {
            keys: keys.iter().map(key).collect::<io::Result<_>>()?,
            awaited: awaited.iter().map(key_ref).collect::<io::Result<_>>()?,
            again_in: seconds(again_seconds),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_arrives_as_it_was_sent() {
        for standing in Standing::ALL {
            let counts = TokenCounts::of_numbers(&[1, 2, 3, 4, 5, 6, 7, u64::MAX]).unwrap();
            let again_in = (standing == Standing::Resting).then(|| Duration::from_secs(3));
            let cause = "C_Sign answered CKR_DEVICE_REMOVED".to_owned();
            let token = TokenReport { token: "online".into(), standing, again_in, cause, counts };
            let key = KeyRef::new([4; 20]);
            let absence = again_in.map(|_| KeyAbsence { again_in });
            let key = KeyState { key, purposes: "ocsp".into(), signed: 1, denied: 2, today: 3, absence };
            let sent = SignerState { records: 9, head: [7; 32], keys: vec![key], tokens: vec![token] };
            assert_eq!(SignerState::read(&sent.frame().unwrap()).unwrap(), sent);
        }
    }
}

//! Between a draft and the key that signs it: the octets wait at a gate until the people in the room have seen them. So do
//! keys that are about to be made on a token, by their labels.
//!
//! An act runs in a thread of its own; the thread that has the terminal answers. What people are shown is what the key
//! signs, octet for octet: there is no second drafting. Knows nothing of what is presented.

use std::panic;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use ca_core::ports::SignError;
use ca_core::public_key::PublicKey;

/// Where octets wait before a key signs them.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Sender<Option<Presented>>);

/// Says that an act ended, however it ended: gates may outlive it.
struct Ends(Sender<Option<Presented>>);

impl Drop for Ends {
    fn drop(&mut self) {
        // Nobody waits for it if the other thread is gone.
        self.0.send(None).unwrap_or_default();
    }
}

/// What waits at the gate.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// Octets that wait to be signed.
    Signature {
        /// The key that is to sign them.
        key: PublicKey,
        /// What is to be signed.
        octets: Vec<u8>,
    },
    /// Keys that wait to be made.
    Keys {
        /// Their labels on the token.
        labels: Vec<String>,
    },
}

/// What waits at the gate, and whoever waits for an answer.
#[derive(Debug)]
struct Presented {
    waiting: Waiting,
    answer: Sender<bool>,
}

impl Gate {
    fn new() -> (Self, Receiver<Option<Presented>>) {
        let (sender, receiver) = mpsc::channel();
        (Self(sender), receiver)
    }

    /// Waits until the people have seen the octets; an error when they do not want them signed, and nothing is.
    pub(crate) fn pass(&self, key: PublicKey, octets: &[u8]) -> Result<(), SignError> {
        self.present(Waiting::Signature { key, octets: octets.to_vec() })
    }

    /// Waits until it is on record that keys with these labels are about to be made; an error when it is not.
    pub(crate) fn announce(&self, labels: &[String]) -> Result<(), SignError> {
        self.present(Waiting::Keys { labels: labels.to_vec() })
    }

    fn present(&self, waiting: Waiting) -> Result<(), SignError> {
        let (answer, answered) = mpsc::channel();
        let refused = || SignError::unavailable(NotConfirmed);
        self.0.send(Some(Presented { waiting, answer })).map_err(|_| refused())?;
        match answered.recv() {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(refused()),
        }
    }
}

/// Does an act, and has `see` look at everything that is to be signed. When it does not agree, nothing more is signed in
/// this act, and its error is returned.
pub(crate) fn watched<T: Send, E>(
    act: impl FnOnce(Gate) -> T + Send,
    mut see: impl FnMut(&Waiting) -> Result<(), E>,
) -> Result<T, E> {
    thread::scope(|scope| {
        let (gate, presented) = Gate::new();
        let ends = Ends(gate.0.clone());
        let acting = scope.spawn(move || {
            let _ends = ends;
            act(gate)
        });
        let mut refusal = None;
        while let Ok(Some(Presented { waiting, answer })) = presented.recv() {
            if refusal.is_none() {
                refusal = see(&waiting).err();
            }
            // An act that ended meanwhile waits for no answer.
            answer.send(refusal.is_none()).unwrap_or_default();
        }
        let done = acting.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked));
        refusal.map_or(Ok(done), Err)
    })
}

/// The people in the room did not confirm.
#[derive(Debug, thiserror::Error)]
#[error("the people in the room did not confirm what was to be signed")]
struct NotConfirmed;

#[cfg(test)]
mod tests {
    use super::*;
    use ca_core::suite::Curve;

    fn key() -> PublicKey {
        use p256::elliptic_curve::sec1::ToSec1Point;
        let key = p256::SecretKey::from_slice(&[7; 32]).unwrap();
        PublicKey::from_point(Curve::P256, key.public_key().to_sec1_point(false).as_bytes()).unwrap()
    }

    #[test]
    fn what_is_seen_is_what_passes() {
        let mut seen = Vec::new();
        let done = watched(
            |gate| [b"first", b"other"].map(|octets| gate.pass(key(), octets).is_ok()),
            |waiting| {
                let Waiting::Signature { octets, .. } = waiting else { return Err(()) };
                seen.push(octets.clone());
                Ok(())
            },
        );
        assert_eq!(done, Ok([true, true]));
        assert_eq!(seen, [b"first", b"other"]);
    }

    #[test]
    fn a_gate_that_outlives_its_act_keeps_nobody_waiting() {
        let mut kept = None;
        assert_eq!(watched(|gate| kept = Some(gate), |_| Ok::<(), ()>(())), Ok(()));
        assert!(kept.is_some_and(|gate| gate.pass(key(), b"late").is_err()));
    }

    #[test]
    fn nothing_passes_after_a_refusal() {
        let mut looked = 0;
        let mut passed = Vec::new();
        let done = watched(
            |gate| passed.extend([b"a", b"b"].map(|octets| gate.pass(key(), octets).is_ok())),
            |_| {
                looked += 1;
                Err("no")
            },
        );
        assert_eq!((done, looked), (Err("no"), 1));
        assert_eq!(passed, [false, false]);
    }
}

//! Desks of the tests: one that signs whatever it gets, or does as it is told.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ca_core::key_ref::KeyRef;
use ca_core::octets::Octets;
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;
use signer_link::client::{LinkBounds, SignerLink};
use signer_link::denial::Denial;
use signer_link::desk::{Asker, KeyAbsence, KeyState, SignerState, SigningDesk};
use signer_link::server::{LinkServer, Serving};

/// What the desk does with a request.
pub(crate) enum Mood {
    Signs,
    Denies(Denial),
    /// Says that it was asked, and waits to be let go.
    Waits(SyncSender<()>, Receiver<()>),
}

pub(crate) struct OneKey {
    key: SigningKey,
    pub(crate) mood: Mutex<Mood>,
    pub(crate) absence: Mutex<Option<KeyAbsence>>,
}

impl OneKey {
    pub(crate) fn new(mood: Mood) -> Arc<Self> {
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        Arc::new(Self { key, mood: Mutex::new(mood), absence: Mutex::new(None) })
    }

    pub(crate) fn public(&self) -> PublicKey {
        let point = self.key.verifying_key().to_sec1_point(false);
        PublicKey::from_point(Curve::P256, point.as_bytes()).unwrap()
    }
}

impl SigningDesk for OneKey {
    fn keys(&self) -> Vec<PublicKey> {
        vec![self.public()]
    }

    fn state(&self) -> SignerState {
        let key = KeyState {
            key: self.public().key_ref(),
            purposes: "certificate, crl".into(),
            signed: 3,
            denied: 2,
            today: 1,
            absence: *self.absence.lock().unwrap(),
        };
        SignerState { records: 5, head: [9; 32], keys: vec![key], tokens: Vec::new() }
    }

    fn sign(&self, _: Asker, key: &KeyRef, octets: Octets) -> Result<EcdsaSignature, Denial> {
        if *key != self.public().key_ref() {
            return Err(Denial::no_such_key(key));
        }
        match &*self.mood.lock().unwrap() {
            Mood::Signs => {}
            Mood::Denies(denial) => return Err(denial.clone()),
            Mood::Waits(asked, release) => {
                asked.send(()).unwrap();
                release.recv().unwrap();
            }
        }
        let signature: p256::ecdsa::Signature = self.key.sign(&octets.to_vec().unwrap());
        Ok(EcdsaSignature::from_fixed(Curve::P256, &signature.to_bytes()).unwrap())
    }
}

/// A folder for a socket, of mode 0700.
pub(crate) struct Ground(tempfile::TempDir);

impl Ground {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.0.path().join("signer.sock")
    }

    pub(crate) fn serve(&self, desk: Arc<dyn SigningDesk>) -> Serving {
        LinkServer::bind(&self.socket(), &BTreeSet::new(), self.0.path()).unwrap().serve(desk).unwrap()
    }

    pub(crate) fn link(&self, requests: usize, deadline: Duration) -> SignerLink {
        SignerLink::open(&self.socket(), LinkBounds { requests, turn: deadline, answer: deadline }).unwrap()
    }
}

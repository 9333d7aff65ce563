//! The ports: those of ca-core's own tests, which fail at any call that a test names, and two that only CMP needs.
#![expect(dead_code, reason = "shared with the tests of ca-core, which use the rest")]

#[path = "../../../ca-core/tests/doubles/clock.rs"]
pub(crate) mod clock;
#[path = "../../../ca-core/tests/doubles/entropy.rs"]
pub(crate) mod entropy;
#[path = "../../../ca-core/tests/doubles/journal.rs"]
pub(crate) mod journal;
#[path = "../../../ca-core/tests/doubles/ledger.rs"]
pub(crate) mod ledger;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer, Unavailable};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use cmp_server::config::SharedSecrets;
use zeroize::Zeroizing;

use self::journal::{Journal, Step};
use crate::pki::MemorySigner;

/// A signer whose calls stand in the journal.
pub(crate) struct JournaledSigner {
    journal: Arc<Journal>,
    signer: MemorySigner,
}

impl JournaledSigner {
    pub(crate) fn holding(journal: &Arc<Journal>, keys: &[u8]) -> Self {
        Self { journal: Arc::clone(journal), signer: MemorySigner::holding(keys) }
    }

    /// How often it signed.
    pub(crate) fn calls(&self) -> usize {
        self.signer.calls()
    }
}

impl Signer for JournaledSigner {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.signer.public_key(key)
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        let entered = self.journal.enter(Step::Sign);
        entered.map_err(SignError::unavailable)?;
        self.signer.sign(key, message)
    }

    fn check_at_hand(&self, key: &KeyRef) -> Result<(), SignError> {
        self.signer.check_at_hand(key)
    }
}

/// The secrets behind references. It is asked through the journal, where it stands as the registry's neighbour.
pub(crate) struct Secrets {
    journal: Arc<Journal>,
    known: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    asked: AtomicUsize,
}

impl Secrets {
    pub(crate) fn new(journal: &Arc<Journal>) -> Self {
        Self { journal: Arc::clone(journal), known: Mutex::default(), asked: AtomicUsize::default() }
    }

    pub(crate) fn keep(&self, reference: &str, secret: &str) {
        self.known.lock().unwrap().insert(reference.into(), secret.into());
    }

    pub(crate) fn forget(&self, reference: &str) {
        self.known.lock().unwrap().remove(reference.as_bytes());
    }

    /// How often a secret was asked for.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl SharedSecrets for Secrets {
    fn secret(&self, reference: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Unavailable> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.journal.enter(Step::Token)?;
        Ok(self.known.lock().unwrap().get(reference).cloned().map(Zeroizing::new))
    }
}

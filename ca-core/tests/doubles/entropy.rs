//! Octets that are not random at all: as scripted, and after that counted up, so that no two draws are the same.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use ca_core::ports::{Entropy, Unavailable};

use super::journal::{Journal, Step};

pub(crate) struct ScriptedEntropy {
    journal: Arc<Journal>,
    script: Mutex<VecDeque<u8>>,
    count: Mutex<u64>,
}

impl ScriptedEntropy {
    pub(crate) fn new(journal: &Arc<Journal>) -> Self {
        Self { journal: Arc::clone(journal), script: Mutex::default(), count: Mutex::default() }
    }

    /// The next draws are each this octet over and over.
    pub(crate) fn say(&self, octets: &[u8]) {
        self.script.lock().unwrap().extend(octets);
    }
}

impl Entropy for ScriptedEntropy {
    fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable> {
        self.journal.enter(Step::Fill)?;
        if let Some(octet) = self.script.lock().unwrap().pop_front() {
            octets.fill(octet);
            return Ok(());
        }
        let mut count = self.count.lock().unwrap();
        *count += 1;
        octets.fill(0);
        octets[..8].copy_from_slice(&count.to_be_bytes());
        Ok(())
    }
}

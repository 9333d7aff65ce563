//! What the CMP server is told: labels, each with its authority, profile, trust anchors and settings.
//!
//! Made of values by the program that starts the server; no file is read here. Every constructor names all faults it finds. An
//! absent allow-list allows nothing. RFC 9811 §3.4, RFC 9483 §3.1.

mod key_generation;
mod label;
mod secrets;
mod signer;

use std::collections::BTreeMap;
use std::sync::Arc;

use ca_core::ports::{Clock, Registry};
use server_kit::workers::WorkerPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

pub use key_generation::KeyGenerationAuthority;
pub use label::{Confirmations, FinalNonce, Label, LabelFault, LabelParts};
pub use secrets::SharedSecrets;
pub(crate) use signer::SignMessageError;
pub use signer::{MessageSigner, MessageSignerFault};

/// The most octets a message may have unless configured otherwise. What a transaction must remember fits beside it.
pub const DEFAULT_BODY_OCTETS: usize = 48 * 1024;

/// How many messages may come nested in one, in how many octets, and how many such bodies are worked at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Messages.
    pub messages: usize,
    /// Octets.
    pub octets: usize,
    /// Bodies.
    pub at_once: usize,
}

impl Default for BatchLimits {
    /// A concentrator that asks for all its meters at once.
    fn default() -> Self {
        Self { messages: 10_000, octets: 32 * 1024 * 1024, at_once: 2 }
    }
}

/// Everything a CMP server is made of. Public so that a program can fill it; only [`CmpConfig::new`] checks it.
pub struct CmpParts {
    /// The labels, in any order.
    pub labels: Vec<Label>,
    /// The name of the label that answers when neither path nor message names one; none answers without.
    pub default_label: Option<String>,
    /// Further paths of labels, such as `/pkix/`, for clients whose path cannot be changed: path to label.
    pub alias_paths: BTreeMap<String, String>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// One-time tokens, which shared secrets are.
    pub registry: Arc<dyn Registry>,
    /// Where work that blocks is done.
    pub workers: WorkerPool,
    /// The most octets a message may have.
    pub max_body_octets: usize,
    /// What may come nested.
    pub batches: BatchLimits,
    /// By how many seconds the messageTime of a message may differ from ours.
    pub time_window_seconds: i64,
}

impl core::fmt::Debug for CmpParts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CmpParts").field("labels", &self.labels).finish_non_exhaustive()
    }
}

/// The checked configuration of a CMP server.
pub struct CmpConfig {
    parts: CmpParts,
    labels: BTreeMap<String, Arc<Label>>,
    batches: Arc<Semaphore>,
}

impl core::fmt::Debug for CmpConfig {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CmpConfig").field("labels", &self.labels).finish_non_exhaustive()
    }
}

impl CmpConfig {
    /// Checks the parts and makes a configuration of them.
    ///
    /// # Errors
    /// Every [`CmpConfigFault`] found.
    pub fn new(mut parts: CmpParts) -> Result<Self, Vec<CmpConfigFault>> {
        let mut faults = Vec::new();
        let mut labels: BTreeMap<String, Arc<Label>> = BTreeMap::new();
        for label in core::mem::take(&mut parts.labels) {
            let name = label.name().to_owned();
            if labels.insert(name.clone(), Arc::new(label)).is_some() {
                faults.push(CmpConfigFault::DoubledLabel { name });
            }
        }
        let named = parts.default_label.iter().chain(parts.alias_paths.values());
        let unknown = named.filter(|name| !labels.contains_key(*name));
        faults.extend(unknown.map(|name| CmpConfigFault::NoSuchLabel { name: name.clone() }));
        let taken = |path: &&String| !path.starts_with('/') || path.starts_with("/.well-known/");
        let paths = parts.alias_paths.keys().filter(taken);
        faults.extend(paths.map(|path| CmpConfigFault::AliasPath { path: path.clone() }));
        let BatchLimits { messages, octets, at_once } = parts.batches;
        if [messages, octets, at_once, parts.max_body_octets].contains(&0) || at_once > Semaphore::MAX_PERMITS
        {
            faults.push(CmpConfigFault::NoRoom);
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self { labels, batches: Arc::new(Semaphore::new(at_once)), parts })
    }

    /// Returns the label of this name. Names are compared as whole tokens, octet for octet.
    pub(crate) fn label(&self, name: &str) -> Option<&Arc<Label>> {
        self.labels.get(name)
    }

    /// Returns the label that answers when nothing names one.
    pub(crate) fn default_label(&self) -> Option<&Arc<Label>> {
        self.labels.get(self.parts.default_label.as_deref()?)
    }

    /// Returns any label: whoever is refused before a label is known is answered in the name of the first.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &Arc<Label>> {
        self.labels.values()
    }

    pub(crate) const fn alias_paths(&self) -> &BTreeMap<String, String> {
        &self.parts.alias_paths
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.parts.clock
    }

    pub(crate) fn registry(&self) -> &dyn Registry {
        &*self.parts.registry
    }

    pub(crate) const fn workers(&self) -> &WorkerPool {
        &self.parts.workers
    }

    pub(crate) const fn max_body_octets(&self) -> usize {
        self.parts.max_body_octets
    }

    pub(crate) const fn batches(&self) -> BatchLimits {
        self.parts.batches
    }

    pub(crate) const fn time_window_seconds(&self) -> i64 {
        self.parts.time_window_seconds
    }

    /// Takes room for a body with many messages.
    pub(crate) fn room_for_batch(&self) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        Arc::clone(&self.batches).try_acquire_owned()
    }
}

/// What is wrong with a configuration as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CmpConfigFault {
    /// Two labels have the same name.
    #[error("the label {name} is there twice")]
    DoubledLabel {
        /// The name.
        name: String,
    },
    /// The default label, or that of a path, is none of the labels.
    #[error("the label {name} is not among the labels")]
    NoSuchLabel {
        /// The name.
        name: String,
    },
    /// A path that is no path, or a well-known one.
    #[error("{path:?} cannot be another path of a label")]
    AliasPath {
        /// The path.
        path: String,
    },
    /// Nothing would be small enough.
    #[error("octets and numbers of messages must be at least 1")]
    NoRoom,
}

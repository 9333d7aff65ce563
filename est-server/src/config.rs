//! What the EST server is told: labels, each with its authority, profile, trust anchors and settings.
//!
//! Made of values by the program that starts the server; no file is read here. Every constructor names all faults it finds.
//! An absent allow-list allows nothing. RFC 7030 §3.2.2, §3.3.2, §3.7.

mod head_end;
mod label;
mod messages;

use std::collections::BTreeMap;
use std::sync::Arc;

use ca_core::ports::{Clock, Registry};
use server_kit::workers::WorkerPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::guessing::{GuessLimits, GuessWatch};
use crate::pacing::{Pace, RateLimits};

pub use head_end::{DlmsTools, HeadEndParts, UPLOAD_PATH};
pub(crate) use label::Challenge;
pub use label::{BindingPolicy, ChallengeMeaning, Label, LabelFault, LabelParts, ServerKeys};
pub(crate) use messages::SignMessageError;
pub use messages::{MessageSigner, MessageSignerFault};

/// The most octets a request body may have unless configured otherwise.
pub const DEFAULT_BODY_OCTETS: usize = 64 * 1024;

/// Everything an EST server is made of. Public so that a program can fill it; only [`EstConfig::new`] checks it.
pub struct EstParts {
    /// The labels, in any order.
    pub labels: Vec<Label>,
    /// The name of the label that answers when the path has none.
    pub default_label: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// One-time tokens, where the ledger that knows them is here; without it, no password is right.
    pub registry: Option<Arc<dyn Registry>>,
    /// Where work that blocks is done.
    pub workers: WorkerPool,
    /// The most octets a request body may have.
    pub max_body_octets: usize,
    /// What head-ends may do.
    pub head_ends: HeadEndParts,
    /// How often who may ask.
    pub rates: RateLimits,
    /// How often a password may be wrong, and what happens then.
    pub guessing: GuessLimits,
}

impl core::fmt::Debug for EstParts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("EstParts")
            .field("labels", &self.labels)
            .field("default_label", &self.default_label)
            .field("max_body_octets", &self.max_body_octets)
            .field("guessing", &self.guessing)
            .finish_non_exhaustive()
    }
}

/// The checked configuration of an EST server.
pub struct EstConfig {
    labels: BTreeMap<String, Arc<Label>>,
    default_label: Arc<Label>,
    clock: Arc<dyn Clock>,
    registry: Option<Arc<dyn Registry>>,
    workers: WorkerPool,
    max_body_octets: usize,
    head_ends: HeadEndParts,
    uploads: Arc<Semaphore>,
    pace: Pace,
    guesses: GuessWatch,
}

impl core::fmt::Debug for EstConfig {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("EstConfig")
            .field("labels", &self.labels)
            .field("default_label", &self.default_label.name())
            .field("max_body_octets", &self.max_body_octets)
            .finish_non_exhaustive()
    }
}

impl EstConfig {
    /// Checks the parts and makes a configuration of them.
    ///
    /// # Errors
    /// Every [`EstConfigFault`] found.
    pub fn new(parts: EstParts) -> Result<Self, Vec<EstConfigFault>> {
        let mut faults = Vec::new();
        let mut labels: BTreeMap<String, Arc<Label>> = BTreeMap::new();
        for label in parts.labels {
            let name = label.name().to_owned();
            if labels.insert(name.clone(), Arc::new(label)).is_some() {
                faults.push(EstConfigFault::DoubledLabel { name });
            }
        }
        // RFC 7030 §3.2.2: services are provided whether or not the path has a label.
        let default_label = labels.get(&parts.default_label).cloned();
        if default_label.is_none() {
            faults.push(EstConfigFault::NoDefaultLabel { name: parts.default_label });
        }
        if parts.max_body_octets == 0 {
            faults.push(EstConfigFault::NoBody);
        }
        let HeadEndParts { max_lines, max_octets, uploads, .. } = parts.head_ends;
        if [max_lines, max_octets, uploads].contains(&0) || uploads > Semaphore::MAX_PERMITS {
            faults.push(EstConfigFault::NoUpload);
        }
        if let Some(service) = &parts.head_ends.dlms_tools {
            if !service.has_sound_path() {
                faults.push(EstConfigFault::ServicePath { path: service.path.clone() });
            }
            let unknown = service.labels.iter().filter(|name| !labels.contains_key(*name));
            faults.extend(unknown.map(|name| EstConfigFault::ServiceLabel { name: name.clone() }));
        }
        match default_label {
            Some(default_label) if faults.is_empty() => Ok(Self {
                labels,
                default_label,
                clock: parts.clock,
                registry: parts.registry,
                workers: parts.workers,
                max_body_octets: parts.max_body_octets,
                uploads: Arc::new(Semaphore::new(parts.head_ends.uploads)),
                head_ends: parts.head_ends,
                pace: Pace::new(parts.rates),
                guesses: GuessWatch::new(parts.guessing),
            }),
            _ => Err(faults),
        }
    }

    /// Returns the label of this name. Names are compared as whole tokens, octet for octet.
    pub(crate) fn label(&self, name: &str) -> Option<&Arc<Label>> {
        self.labels.get(name)
    }

    /// Returns the label that answers when the path has none.
    pub(crate) const fn default_label(&self) -> &Arc<Label> {
        &self.default_label
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn registry(&self) -> Option<&dyn Registry> {
        self.registry.as_deref()
    }

    pub(crate) const fn workers(&self) -> &WorkerPool {
        &self.workers
    }

    pub(crate) const fn max_body_octets(&self) -> usize {
        self.max_body_octets
    }

    pub(crate) fn labels(&self) -> impl Iterator<Item = &Arc<Label>> {
        self.labels.values()
    }

    pub(crate) const fn pace(&self) -> &Pace {
        &self.pace
    }

    pub(crate) const fn head_ends(&self) -> &HeadEndParts {
        &self.head_ends
    }

    /// Takes room for an upload.
    pub(crate) fn uploads(&self) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        Arc::clone(&self.uploads).try_acquire_owned()
    }

    /// Returns the labels of the service for DLMS tools.
    pub(crate) fn dlms_labels(&self) -> &[String] {
        self.head_ends.dlms_tools.as_ref().map_or(&[], |service| &service.labels)
    }

    pub(crate) const fn guesses(&self) -> &GuessWatch {
        &self.guesses
    }
}

/// What is wrong with a configuration as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EstConfigFault {
    /// Two labels have the same name.
    #[error("the label {name} is there twice")]
    DoubledLabel {
        /// The name.
        name: String,
    },
    /// The default label is none of the labels.
    #[error("the default label {name} is not among the labels")]
    NoDefaultLabel {
        /// The name.
        name: String,
    },
    /// No body would be short enough.
    #[error("the most octets of a body must be at least 1")]
    NoBody,
    /// No upload would be small enough, or none is worked.
    #[error("lines, octets and number of uploads must be at least 1")]
    NoUpload,
    /// The path of the service for DLMS tools is no path, or another's.
    #[error("{path:?} cannot be the path of the service for DLMS tools")]
    ServicePath {
        /// The path.
        path: String,
    },
    /// The service for DLMS tools is to enrol at a label that there is not.
    #[error("the service for DLMS tools names the label {name}, which is not among the labels")]
    ServiceLabel {
        /// The name.
        name: String,
    },
}

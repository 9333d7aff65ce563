//! What the EST server is told: labels, each with its authority, profile, trust anchors and settings.
//!
//! Made of values by the program that starts the server; no file is read here. Every constructor names all faults it finds.
//! An absent allow-list allows nothing. RFC 7030 §3.2.2, §3.3.2, §3.7.

mod label;
mod messages;

use std::collections::BTreeMap;
use std::sync::Arc;

use ca_core::ports::{Clock, Registry};
use server_kit::workers::WorkerPool;

use crate::guessing::{GuessLimits, GuessWatch};

pub(crate) use label::Challenge;
pub use label::{
    Anchor, BindingPolicy, ChallengeMeaning, Label, LabelFault, LabelParts, RegistrationAuthorityEntry,
    RegistrationAuthorityMatch, ServerKeys, Voucher,
};
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
    /// One-time tokens.
    pub registry: Arc<dyn Registry>,
    /// Where work that blocks is done.
    pub workers: WorkerPool,
    /// The most octets a request body may have.
    pub max_body_octets: usize,
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
    registry: Arc<dyn Registry>,
    workers: WorkerPool,
    max_body_octets: usize,
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
        match default_label {
            Some(default_label) if faults.is_empty() => Ok(Self {
                labels,
                default_label,
                clock: parts.clock,
                registry: parts.registry,
                workers: parts.workers,
                max_body_octets: parts.max_body_octets,
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

    pub(crate) fn registry(&self) -> &dyn Registry {
        &*self.registry
    }

    pub(crate) const fn workers(&self) -> &WorkerPool {
        &self.workers
    }

    pub(crate) const fn max_body_octets(&self) -> usize {
        self.max_body_octets
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
}

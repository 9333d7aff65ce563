//! A walk through a work order: what is next, and what an answer changes.
//!
//! In memory only. Whoever needs it over a restart keeps the position and the certificates that were issued, and begins again
//! with [`Conversation::at`].

use std::collections::BTreeMap;

use ca_core::csr::CertificationRequest;

use super::{Call, IssuedCertificate, JudgeError, KnownKeys, Outcome, Reply, Step, Task, WorkOrder};
use crate::security_setup::MeterKey;

/// Where a work order stands.
#[derive(Debug, Clone)]
pub struct Conversation {
    order: WorkOrder,
    done: usize,
    requests: BTreeMap<MeterKey, CertificationRequest>,
    issued: BTreeMap<MeterKey, IssuedCertificate>,
}

/// What is next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// This call is made, and its answer awaited.
    Call(Box<Call>),
    /// A certificate is issued for this key, and given to [`Conversation::issued`].
    Issue(MeterKey),
    /// Nothing: the order is done.
    Done,
}

impl Conversation {
    /// Begins with the first step.
    #[must_use]
    pub const fn new(order: WorkOrder) -> Self {
        Self { order, done: 0, requests: BTreeMap::new(), issued: BTreeMap::new() }
    }

    /// Begins behind the steps that are done, with the certificates that were issued before.
    #[must_use]
    pub fn at(order: WorkOrder, done: usize, issued: impl IntoIterator<Item = IssuedCertificate>) -> Self {
        let issued = issued.into_iter().map(|issued| (issued.key(), issued)).collect();
        Self { order, done, requests: BTreeMap::new(), issued }
    }

    /// Returns how many steps are done.
    #[must_use]
    pub const fn done(&self) -> usize {
        self.done
    }

    /// Returns the work order.
    #[must_use]
    pub const fn order(&self) -> &WorkOrder {
        &self.order
    }

    /// Returns the meter's request for a key, once it has come.
    #[must_use]
    pub fn request(&self, key: MeterKey) -> Option<&CertificationRequest> {
        self.requests.get(&key)
    }

    /// Returns what is next.
    #[must_use]
    pub fn next(&self) -> Next {
        match self.order.steps().get(self.done) {
            None => Next::Done,
            Some(Step::Issue(key)) => Next::Issue(*key),
            Some(Step::Import(key) | Step::Confirm(key)) if !self.issued.contains_key(key) => {
                Next::Issue(*key)
            }
            Some(_) => self.call(self.done).map_or(Next::Done, |call| Next::Call(Box::new(call))),
        }
    }

    /// Returns all calls that can be sent, one after another, before something has to be issued: what a head-end is given at
    /// once. It gives back the answers in the same order.
    #[must_use]
    pub fn ready(&self) -> Vec<Call> {
        (self.done..self.order.steps().len()).map_while(|at| self.call(at)).collect()
    }

    /// Makes the call of a step, if it is one and its certificate is there.
    fn call(&self, at: usize) -> Option<Call> {
        let issued = |key: &MeterKey| self.issued.get(key).cloned();
        let task = match self.order.steps().get(at)? {
            Step::Do(task) => task.clone(),
            Step::Issue(_) => return None,
            Step::Import(key) => Task::ImportOwn(issued(key)?),
            Step::Confirm(key) => Task::Confirm(issued(key)?),
        };
        let number = u16::try_from(at.checked_add(1)?).ok()?;
        Some(Call::new(number, *self.order.addressee(), task))
    }

    /// Judges the reply to the awaited call, and goes on if it is the awaited answer.
    ///
    /// # Errors
    /// [`TurnError`]; the conversation stays where it was.
    pub fn answer(&mut self, reply: &Reply, known: KnownKeys<'_>) -> Result<Outcome, TurnError> {
        let Next::Call(call) = self.next() else { return Err(TurnError::NoCall) };
        let outcome =
            call.judge(reply, known).map_err(|error| TurnError::Judged { call: call.clone(), error })?;
        if let (Outcome::Request(request), Task::GenerateRequest(key)) = (&outcome, call.task()) {
            drop(self.requests.insert(*key, CertificationRequest::clone(request)));
        }
        self.done = self.done.saturating_add(1);
        Ok(outcome)
    }

    /// Goes on behind an import of which nobody knows whether it was carried out: the confirmation will tell.
    ///
    /// # Errors
    /// [`TurnError::NoCall`] when no import of a certificate of the meter's own is awaited.
    pub fn leave_to_confirmation(&mut self) -> Result<(), TurnError> {
        match self.order.steps().get(self.done) {
            Some(Step::Import(_)) => {
                self.done = self.done.saturating_add(1);
                Ok(())
            }
            Some(Step::Do(_) | Step::Issue(_) | Step::Confirm(_)) | None => Err(TurnError::NoCall),
        }
    }

    /// Goes back from a confirmation to its import: the meter shows another certificate.
    ///
    /// # Errors
    /// [`TurnError::NoCall`] when no confirmation is awaited.
    pub fn import_again(&mut self) -> Result<(), TurnError> {
        match self.order.steps().get(self.done) {
            Some(Step::Confirm(_)) => {
                self.done = self.done.saturating_sub(1);
                Ok(())
            }
            Some(Step::Do(_) | Step::Issue(_) | Step::Import(_)) | None => Err(TurnError::NoCall),
        }
    }

    /// Takes what was issued for a key, and goes on if this was awaited.
    ///
    /// # Errors
    /// [`TurnError::OtherKey`] when the certificate's key is not the one that the meter asked for.
    pub fn issued(&mut self, issued: IssuedCertificate) -> Result<(), TurnError> {
        let key = issued.key();
        let asked = self.requests.get(&key).map(CertificationRequest::public_key);
        if asked.is_some_and(|asked| asked != issued.certificate().public_key()) {
            return Err(TurnError::OtherKey { key });
        }
        drop(self.issued.insert(key, issued));
        while let Some(Step::Issue(key)) = self.order.steps().get(self.done) {
            if !self.issued.contains_key(key) {
                break;
            }
            self.done = self.done.saturating_add(1);
        }
        Ok(())
    }
}

/// Why a conversation does not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TurnError {
    /// No call is awaited: something is to be issued, or all is done.
    #[error("no answer is awaited now")]
    NoCall,
    /// The answer is not the awaited one.
    #[error("call {} ({}): {error}", call.number(), call.text())]
    Judged {
        /// The call.
        call: Box<Call>,
        /// Why.
        error: JudgeError,
    },
    /// A certificate was issued for another key than the meter's request has.
    #[error("the certificate for {} has another key than the meter's request", key.name())]
    OtherKey {
        /// Which key.
        key: MeterKey,
    },
}

impl TurnError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoCall => "dlms.out_of_order",
            Self::Judged { error, .. } => error.code(),
            Self::OtherKey { .. } => "dlms.other_key",
        }
    }
}

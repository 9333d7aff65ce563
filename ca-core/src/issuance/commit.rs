//! From a signed to an issued certificate: recorded (T2), and only then in anybody's hands.
//!
//! RFC 5280 says nothing of this order; the house does: what is delivered is on disk.

use std::sync::Arc;

use super::settle::{Unsigned, settle};
use super::sign::SignedCertificate;
use super::{Exit, IssueError};
use crate::audit::Act;
use crate::ports::{Ledger, Unavailable};
use crate::record::{CertificateId, IssuedRecord, StoredCertificate};

/// A certificate that is on disk and may be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCertificate {
    id: CertificateId,
    der: Vec<u8>,
    delivery: Delivery,
}

/// Whether a certificate was made for this request or for an earlier one that was the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Made now.
    New,
    /// Made before; the same octets again.
    Repeated,
}

impl IssuedCertificate {
    /// Returns which certificate it is.
    #[must_use]
    pub const fn id(&self) -> &CertificateId {
        &self.id
    }

    /// Returns its DER octets.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Tells whether it was made now.
    #[must_use]
    pub const fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// The ledger has it already: the same request was answered with it.
    pub(super) fn repeated(stored: StoredCertificate) -> Self {
        Self { id: stored.id, der: stored.certificate, delivery: Delivery::Repeated }
    }
}

/// T2: one durable transaction for all. Only what it holds is delivered; otherwise signatures exist that nobody has.
pub(super) fn commit(
    ledger: &dyn Ledger,
    signed: Vec<SignedCertificate>,
) -> Vec<Result<IssuedCertificate, Exit>> {
    match ledger.record_issued(signed.iter().map(SignedCertificate::record).collect()) {
        Ok(()) => signed.into_iter().map(|one| Ok(one.issued())).collect(),
        Err(unavailable) => lost(ledger, &signed, unavailable),
    }
}

fn lost(
    ledger: &dyn Ledger,
    signed: &[SignedCertificate],
    unavailable: Unavailable,
) -> Vec<Result<IssuedCertificate, Exit>> {
    let shared = Arc::new(unavailable);
    let error = || IssueError::Unavailable(Arc::clone(&shared));
    let ended: Vec<Unsigned> =
        signed.iter().map(|one| Unsigned::lost(one.id(), one.origin(), error())).collect();
    settle(ledger, ended.iter());
    ended.into_iter().map(|one| Err(one.error.into())).collect()
}

impl SignedCertificate {
    fn record(&self) -> IssuedRecord {
        let mut event = self.origin().event(Act::CertificateIssued, self.id(), Some(self.der()));
        if self.discarded() > 0 {
            event.detail.push_str(&format!("; {} short signatures discarded", self.discarded()));
        }
        IssuedRecord {
            id: self.id().clone(),
            certificate: self.der().to_vec(),
            issued_at: self.origin().now(),
            event,
        }
    }

    fn issued(self) -> IssuedCertificate {
        IssuedCertificate { id: self.id().clone(), der: self.der().to_vec(), delivery: Delivery::New }
    }
}

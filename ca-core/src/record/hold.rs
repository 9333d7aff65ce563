//! A revocation and what may follow it: a hold ends in a release or in a revocation for good, which nothing undoes.
//!
//! The one definition of these steps, for the verb that asks and for the ledger that decides. RFC 5280 §5.3.1.

use super::CertificateId;
use crate::audit::AuditEvent;
use crate::reason::ReasonCode;
use crate::validity::UnixTime;

/// A revocation, as the CRL and OCSP tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// Since when: when it was recorded, or the hold that it ends.
    pub time: UnixTime,
    /// Why.
    pub reason: ReasonCode,
    /// Since when the key is suspected, if that was said (RFC 5280 §5.3.2).
    pub invalidity_date: Option<UnixTime>,
}

impl Revocation {
    /// Tells whether it can be lifted.
    #[must_use]
    pub fn is_hold(&self) -> bool {
        self.reason == ReasonCode::CertificateHold
    }

    /// Returns what stands on record once this is asked for where `before` stands.
    ///
    /// A hold that is made final keeps its time: whoever held a CRL or an answer of the time between was told "revoked since
    /// then" (RFC 5280 §5.3.1: a certificate on hold is considered revoked), and no later one may say that it was good.
    ///
    /// # Errors
    /// What stands there, where nothing may follow it.
    pub fn following(self, before: Option<Self>) -> Result<Self, Self> {
        match before {
            None => Ok(self),
            Some(hold) if hold.is_hold() && !self.is_hold() => Ok(Self {
                time: hold.time,
                reason: self.reason,
                invalidity_date: self.invalidity_date.or(hold.invalidity_date),
            }),
            Some(before) => Err(before),
        }
    }
}

/// The release of a certificate from hold, to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseRecord {
    /// Which certificate.
    pub id: CertificateId,
    /// The audit event `CertificateReleased`, in the same transaction.
    pub event: AuditEvent,
}

/// What became of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseOutcome {
    /// It is good again.
    Released {
        /// The number of its audit record.
        sequence: u64,
        /// The hold that is over.
        hold: Revocation,
    },
    /// It is not revoked; nothing changed.
    NotOnHold,
    /// It is revoked for good; nothing changed.
    AlreadyRevoked(Revocation),
    /// No such certificate.
    NotIssued,
}

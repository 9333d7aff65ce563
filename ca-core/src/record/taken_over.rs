//! What was taken over from another program that issued under a key of ours before: what is kept of it, and what may follow what.
//!
//! Never an issuance: it has no intent and no lint, and no record says so.

use super::{CertificateId, CertificateStatus, Revocation};
use crate::audit::AuditEvent;
use crate::profile::KeyPurpose;
use crate::reason::ReasonCode;
use crate::tenant::TenantId;
use crate::validity::Validity;

/// Whether a certificate on record was issued here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provenance {
    /// It was: intended, linted, signed, each on record.
    Issued,
    /// Another program issued it under the same key, and its record was taken over.
    TakenOver,
}

impl Provenance {
    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::TakenOver => "taken-over",
        }
    }
}

/// A certificate that another program issued under a key of ours, as it is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOverCertificate {
    /// Which certificate.
    pub id: CertificateId,
    /// Its DER octets.
    pub certificate: Vec<u8>,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its subject as it is shown: a system title where it is a device's.
    pub subject: String,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub key_fingerprint: [u8; 32],
    /// The purpose of the key.
    pub purpose: KeyPurpose,
    /// The period it is valid.
    pub validity: Validity,
    /// How it was revoked, if it was.
    pub revocation: Option<Revocation>,
    /// The audit event `CertificateTakenOver`.
    pub event: AuditEvent,
}

impl TakenOverCertificate {
    /// What stands in the place of a profile's name.
    pub const PROFILE: &'static str = "taken-over";

    /// Returns the words with which the audit record of its revocation says since when it counts; [`since`](Self::since) reads them.
    #[must_use]
    pub fn told(revocation: &Revocation) -> String {
        let invalid = revocation
            .invalidity_date
            .map(|date| format!("; key suspected since {date} ({})", date.seconds()))
            .unwrap_or_default();
        format!("taken over; revoked on {} ({}){invalid}", revocation.time, revocation.time.seconds())
    }

    /// Reads the times of a revocation out of what [`told`](Self::told) wrote: when it was revoked, since when its key is suspected.
    #[must_use]
    pub fn since(detail: &str) -> Option<(i64, Option<i64>)> {
        let mut parts = detail.strip_prefix("taken over; ")?.split("; ");
        let seconds = |part: &str| part.rsplit_once('(')?.1.strip_suffix(')')?.parse().ok();
        let revoked = seconds(parts.next()?.strip_prefix("revoked on ")?)?;
        match parts.next() {
            Some(part) => Some((revoked, Some(seconds(part.strip_prefix("key suspected since ")?)?))),
            None => Some((revoked, None)),
        }
    }

    /// Says what is to be done beside what stands on record: nothing, or the revocation.
    ///
    /// # Errors
    /// [`TakeOverConflict`] when record and source contradict each other.
    pub fn beside(
        &self,
        kept: &[u8],
        status: &CertificateStatus,
    ) -> Result<TakeOverOutcome, TakeOverConflict> {
        match (status, &self.revocation) {
            _ if *kept != *self.certificate => Err(TakeOverConflict::SerialTaken),
            (CertificateStatus::Good, None) => Ok(TakeOverOutcome::Unchanged),
            (CertificateStatus::Good, Some(_)) => Ok(TakeOverOutcome::Revoked),
            (CertificateStatus::Revoked(here), Some(there)) if here.reason == there.reason => {
                Ok(TakeOverOutcome::Unchanged)
            }
            (CertificateStatus::Revoked(here), Some(_)) if here.is_hold() => Ok(TakeOverOutcome::Revoked),
            (CertificateStatus::Revoked(here), there) => Err(TakeOverConflict::RevokedOtherwise {
                here: here.reason,
                there: there.map(|there| there.reason),
            }),
            (
                CertificateStatus::NeverIssued
                | CertificateStatus::Pending
                | CertificateStatus::Aborted
                | CertificateStatus::Uncertain { .. },
                _,
            ) => Err(TakeOverConflict::SerialTaken),
        }
    }
}

/// What became of a certificate that was to be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeOverOutcome {
    /// It is on record now, with its revocation if it has one.
    Recorded,
    /// It was on record before, and its revocation is new.
    Revoked,
    /// It is on record as it was said to be; nothing changed.
    Unchanged,
}

/// Why a certificate is not taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TakeOverConflict {
    /// The record has something else under its serial number.
    #[error("the record has another certificate or intent under this serial number")]
    SerialTaken,
    /// It is on record, and is revoked there otherwise.
    #[error(
        "the record has it as revoked for {}, and the source as {}",
        here.name(),
        there.map_or("good", ReasonCode::name)
    )]
    RevokedOtherwise {
        /// Why by the record.
        here: ReasonCode,
        /// Why by the source; good where it says none.
        there: Option<ReasonCode>,
    },
}

impl TakeOverConflict {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SerialTaken => "migration.serial-taken",
            Self::RevokedOtherwise { .. } => "migration.revoked-otherwise",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validity::UnixTime;

    fn revoked(reason: ReasonCode) -> Revocation {
        Revocation { time: UnixTime::from_seconds(1_700_000_000), reason, invalidity_date: None }
    }

    #[test]
    fn times_of_a_revocation_are_read_as_they_were_written() {
        let plain = revoked(ReasonCode::Superseded);
        let suspected = Revocation { invalidity_date: Some(UnixTime::from_seconds(1_699_999_999)), ..plain };
        assert_eq!(
            TakenOverCertificate::since(&TakenOverCertificate::told(&plain)),
            Some((1_700_000_000, None))
        );
        let told = TakenOverCertificate::told(&suspected);
        assert_eq!(TakenOverCertificate::since(&told), Some((1_700_000_000, Some(1_699_999_999))));
        assert_eq!(TakenOverCertificate::since("the key is lost"), None);
    }

    #[test]
    fn a_second_run_adds_what_was_revoked_since_and_takes_nothing_back() {
        let good = TakenOverCertificate { revocation: None, ..certificate() };
        let bad =
            TakenOverCertificate { revocation: Some(revoked(ReasonCode::KeyCompromise)), ..certificate() };
        let on = |status| move |one: &TakenOverCertificate| one.beside(&[1], &status);
        let stands_good = on(CertificateStatus::Good);
        assert_eq!(stands_good(&good), Ok(TakeOverOutcome::Unchanged));
        assert_eq!(stands_good(&bad), Ok(TakeOverOutcome::Revoked));
        let held = on(CertificateStatus::Revoked(revoked(ReasonCode::CertificateHold)));
        assert_eq!(held(&bad), Ok(TakeOverOutcome::Revoked));
        let (here, there) = (ReasonCode::CertificateHold, None);
        assert_eq!(held(&good), Err(TakeOverConflict::RevokedOtherwise { here, there }));
        let done = on(CertificateStatus::Revoked(revoked(ReasonCode::KeyCompromise)));
        assert_eq!(done(&bad), Ok(TakeOverOutcome::Unchanged));
        assert_eq!(on(CertificateStatus::Aborted)(&good), Err(TakeOverConflict::SerialTaken));
        assert_eq!(good.beside(&[2], &CertificateStatus::Good), Err(TakeOverConflict::SerialTaken));
    }

    fn certificate() -> TakenOverCertificate {
        use crate::audit::Act;
        use crate::key_ref::KeyRef;
        use crate::serial_number::SerialNumber;
        let now = UnixTime::from_seconds(1_800_000_000);
        let issuer = KeyRef::new([1; 20]);
        let serial = SerialNumber::from_octets(&[1]).unwrap();
        TakenOverCertificate {
            id: CertificateId { issuer, serial },
            certificate: vec![1],
            tenant: TenantId::parse("dso").unwrap(),
            subject: "CN=a".to_owned(),
            key_fingerprint: [2; 32],
            purpose: KeyPurpose::Signature,
            validity: Validity::new(now, now).unwrap(),
            revocation: None,
            event: AuditEvent {
                time: now,
                tenant: TenantId::parse("dso").unwrap(),
                actor: String::new(),
                act: Act::CertificateTakenOver,
                issuer: None,
                serial: None,
                reason: String::new(),
                detail: String::new(),
                digest: Vec::new(),
            },
        }
    }
}

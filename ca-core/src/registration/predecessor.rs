//! The certificate that a re-enrolment succeeds: the valid one in the slot that the new one will hold, and its lineage.
//!
//! Not the certificate that was shown: a device renews a key-agreement certificate by showing its TLS or signature certificate,
//! because the key to be renewed authenticates nothing. RFC 7030 §3.3.2, §4.2.2.

use super::{AdmitError, Grounds};
use crate::ports::{StatusSource, Unavailable};
use crate::profile::{CertificateProfile, length};
use crate::reason::ReasonCode;
use crate::record::{CertificateQuery, CertificateStatus, Revocation, Slot, StoredCertificate};
use crate::request::{EnrolmentKind, EnrolmentRequest};
use crate::system_title::SystemTitle;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// How many certificates of one device are read at a time. A meter has a handful in its life, a hand-held unit some each day.
const PAGE: usize = 256;

/// The certificate that is to be succeeded, and what became of the others that its slot had.
pub(super) struct Lineage {
    /// The latest that is not revoked.
    pub latest: StoredCertificate,
    /// Whether the key of one that is not older was reported compromised.
    pub compromised: bool,
    /// When each that was issued was recorded, the revoked ones too.
    issued: Vec<UnixTime>,
}

impl Lineage {
    /// Puts together what is known of a slot; `None` when it has no certificate to be succeeded.
    fn of(latest: Option<StoredCertificate>, others: &[(UnixTime, CertificateStatus)]) -> Option<Self> {
        let latest = latest?;
        let compromised = others.iter().any(|(recorded_at, status)| {
            let reported = matches!(
                status,
                CertificateStatus::Revoked(Revocation { reason: ReasonCode::KeyCompromise, .. })
            );
            reported && *recorded_at >= latest.recorded_at
        });
        Some(Self {
            latest,
            compromised,
            issued: others.iter().map(|(recorded_at, _)| *recorded_at).collect(),
        })
    }

    /// Returns how often a certificate was replaced within one length of validity before `now`.
    pub(super) fn replacements(&self, now: UnixTime) -> usize {
        let since = now.plus_seconds(-length(&self.latest.validity));
        let recent = self.issued.iter().filter(|recorded_at| **recorded_at > since).count();
        // The first of all replaced nothing.
        if recent == self.issued.len() { recent.saturating_sub(1) } else { recent }
    }
}

/// Finds the predecessor, where the request is to succeed one and a device is its subject.
pub(super) fn find(
    grounds: &Grounds<'_>,
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
) -> Result<Option<Lineage>, AdmitError> {
    match (&request.kind, request.subject.system_title()) {
        (EnrolmentKind::ReEnrolment { .. }, Some(title)) => lineage(grounds, title, profile),
        (EnrolmentKind::First, _) | (EnrolmentKind::ReEnrolment { .. }, None) => Ok(None),
    }
}

/// Reads what the device has and had for the profile's hierarchy and purpose.
fn lineage(
    grounds: &Grounds<'_>,
    title: &SystemTitle,
    profile: &CertificateProfile,
) -> Result<Option<Lineage>, AdmitError> {
    let of_profile =
        |slot: &Slot| slot.hierarchy == profile.parts().hierarchy && slot.purpose == profile.purpose();
    let mut latest: Option<StoredCertificate> = None;
    let mut issued = Vec::new();
    let rows = certificates_of(grounds.status, grounds.issuer.tenant(), title)?;
    for row in rows.into_iter().filter(|row| row.slot.as_ref().is_some_and(of_profile)) {
        match row.status {
            CertificateStatus::Good | CertificateStatus::Revoked(_) => {
                issued.push((row.recorded_at, row.status));
            }
            CertificateStatus::NeverIssued
            | CertificateStatus::Pending
            | CertificateStatus::Aborted
            | CertificateStatus::Uncertain { .. } => {}
        }
        if row.status == CertificateStatus::Good {
            latest = latest.into_iter().chain([row]).max_by_key(StoredCertificate::age);
        }
    }
    Ok(Lineage::of(latest, &issued))
}

/// Reads every certificate of a device, page after page.
pub(crate) fn certificates_of(
    status: &dyn StatusSource,
    tenant: &TenantId,
    title: &SystemTitle,
) -> Result<Vec<StoredCertificate>, Unavailable> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let query = CertificateQuery {
            tenant: Some(tenant.clone()),
            title: Some(*title),
            after,
            limit: PAGE,
            ..CertificateQuery::default()
        };
        let rows = status.certificates(&query)?;
        after = rows.last().map(|row| row.id.clone());
        let full = rows.len() >= PAGE;
        all.extend(rows);
        if !full {
            return Ok(all);
        }
    }
}

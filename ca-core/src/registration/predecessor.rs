//! The certificate that a re-enrolment succeeds: the valid one in the slot that the new one will hold.
//!
//! Not the certificate that was shown: a device renews a key-agreement certificate by showing its TLS or signature certificate,
//! because the key to be renewed authenticates nothing. RFC 7030 §3.3.2, §4.2.2.

use super::{AdmitError, Grounds};
use crate::profile::CertificateProfile;
use crate::record::{CertificateQuery, CertificateStatus, StoredCertificate};
use crate::request::{EnrolmentKind, EnrolmentRequest};
use crate::system_title::SystemTitle;

/// How many certificates of one device are read at a time. A meter has a handful in its life, a hand-held unit some each day.
const PAGE: usize = 256;

/// Finds the predecessor, where the request is to succeed one and a device is its subject.
pub(super) fn find(
    grounds: &Grounds<'_>,
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
) -> Result<Option<StoredCertificate>, AdmitError> {
    match (&request.kind, request.subject.system_title()) {
        (EnrolmentKind::ReEnrolment { .. }, Some(title)) => latest(grounds, title, profile),
        (EnrolmentKind::First, _) | (EnrolmentKind::ReEnrolment { .. }, None) => Ok(None),
    }
}

/// Returns the latest certificate of the device for the profile's hierarchy and purpose that is not revoked.
fn latest(
    grounds: &Grounds<'_>,
    title: &SystemTitle,
    profile: &CertificateProfile,
) -> Result<Option<StoredCertificate>, AdmitError> {
    let holds_slot = |row: &StoredCertificate| {
        row.status == CertificateStatus::Good
            && row.slot.as_ref().is_some_and(|slot| {
                slot.hierarchy == profile.parts().hierarchy && slot.purpose == profile.purpose()
            })
    };
    let mut latest: Option<StoredCertificate> = None;
    let mut after = None;
    loop {
        let query = CertificateQuery {
            tenant: Some(grounds.issuer.tenant().clone()),
            title: Some(*title),
            after,
            limit: PAGE,
            ..CertificateQuery::default()
        };
        let rows = grounds.status.certificates(&query)?;
        after = rows.last().map(|row| row.id.clone());
        let full = rows.len() >= PAGE;
        latest =
            latest.into_iter().chain(rows.into_iter().filter(holds_slot)).max_by_key(|row| row.recorded_at);
        if !full {
            return Ok(latest);
        }
    }
}

//! The certificate that a re-enrolment succeeds: the valid one in the slot that the new one will hold.
//!
//! Not the certificate that was shown: a device renews a key-agreement certificate by showing its TLS or signature certificate,
//! because the key to be renewed authenticates nothing. RFC 7030 §3.3.2, §4.2.2.

use super::{AdmitError, Grounds};
use crate::profile::CertificateProfile;
use crate::record::{CertificateQuery, CertificateStatus, StoredCertificate};
use crate::request::{EnrolmentKind, EnrolmentRequest};

/// How many certificates of one device are looked through; a device has a handful in its life.
const MOST_OF_A_DEVICE: usize = 256;

/// Finds the predecessor, where the request is to succeed one and a device is its subject.
pub(super) fn find(
    grounds: &Grounds<'_>,
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
) -> Result<Option<StoredCertificate>, AdmitError> {
    let (EnrolmentKind::ReEnrolment { .. }, Some(title)) = (&request.kind, request.subject.system_title())
    else {
        return Ok(None);
    };
    let query = CertificateQuery {
        tenant: Some(grounds.issuer.tenant().clone()),
        title: Some(*title),
        limit: MOST_OF_A_DEVICE,
        ..CertificateQuery::default()
    };
    let holds_slot = |row: &StoredCertificate| {
        row.status == CertificateStatus::Good
            && row.slot.as_ref().is_some_and(|slot| {
                slot.hierarchy == profile.parts().hierarchy && slot.purpose == profile.purpose()
            })
    };
    let rows = grounds.status.certificates(&query)?;
    Ok(rows.into_iter().filter(holds_slot).max_by_key(|row| row.recorded_at))
}

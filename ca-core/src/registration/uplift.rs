//! Whether a re-enrolment lifts the device to a higher suite: under another profile than that of the certificate it has, for the same
//! use, on the other curve (Green Book 9.2.3.7).
//!
//! Which devices were cleared for it is configuration. That a device asks is what says that its firmware can.

use super::{AdmitError, Grounds};
use crate::certificate::Certificate;
use crate::profile::CertificateProfile;
use crate::record::StoredCertificate;
use crate::suite::SecuritySuite;
use crate::system_title::SystemTitle;

/// Checks that the device may go from what it has to this profile.
pub(super) fn check(
    grounds: &Grounds<'_>,
    title: &SystemTitle,
    (has, profile): (&StoredCertificate, &CertificateProfile),
) -> Result<(), AdmitError> {
    let wanted = SecuritySuite::of_curve(profile.curve());
    let held = Certificate::from_der(&has.certificate).ok().map(|certificate| certificate.suite());
    if held.is_none_or(|suite| suite >= wanted) {
        return Err(AdmitError::OtherProfile { held: has.profile.clone() });
    }
    let device = grounds.registry.device(title)?;
    let device = device.filter(|device| device.expected.tenant == *grounds.issuer.tenant());
    let device = device.ok_or(AdmitError::DeviceNotExpected { title: *title })?;
    grounds
        .uplifts
        .check(&device.expected, wanted)
        .map_err(|why| AdmitError::NotCleared { title: *title, why })
}

//! Whether the owner expects the device.
//!
//! Whether another key claimed it, and whether its factory certificate still opens the door, is decided by the ledger when the
//! claim is recorded.

use super::{AdmitError, Door, Grounds};
use crate::actor::{DeviceIdentity, Identity, Origin};
use crate::profile::{CertificateProfile, Hierarchy};
use crate::record::Device;
use crate::request::EnrolmentRequest;
use crate::system_title::SystemTitle;

/// Devices in service, and all that come by their factory certificate, must stand on their owner's list; returns the row.
pub(super) fn check(
    grounds: &Grounds<'_>,
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
    door: Door,
) -> Result<Option<Device>, AdmitError> {
    let must_be_expected = match door {
        Door::FactoryCertificate { .. } => true,
        Door::RegistrationAuthority | Door::OneTimeToken | Door::OperationalCertificate => {
            profile.parts().hierarchy == Hierarchy::Operational
        }
        // Somebody answers for what is asked for by hand.
        Door::Operator | Door::Process => false,
    };
    match request.subject.system_title() {
        Some(title) if must_be_expected => expected(grounds, request, title).map(Some),
        Some(_) | None => Ok(None),
    }
}

fn expected(
    grounds: &Grounds<'_>,
    request: &EnrolmentRequest,
    title: &SystemTitle,
) -> Result<Device, AdmitError> {
    grounds
        .registry
        .device(title)?
        // A title on another owner's list is, to this requester, not on the list.
        .filter(|device| device.expected.tenant == *grounds.issuer.tenant())
        .filter(|device| is_of_its_maker(device, &request.actor.identity))
        .ok_or(AdmitError::DeviceNotExpected { title: *title })
}

/// A factory certificate of another manufacturer than the one the owner bought from does not count.
fn is_of_its_maker(device: &Device, identity: &Identity) -> bool {
    match identity {
        Identity::Device(DeviceIdentity { origin: Origin::Factory { manufacturer, .. }, .. }) => {
            device.expected.manufacturer.as_ref().is_none_or(|expected| expected == manufacturer)
        }
        Identity::Device(DeviceIdentity { origin: Origin::Operational, .. })
        | Identity::RegistrationAuthority(_)
        | Identity::OneTimeToken { .. }
        | Identity::Operator { .. }
        | Identity::Process { .. }
        | Identity::Unauthenticated { .. } => true,
    }
}

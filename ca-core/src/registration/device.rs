//! Whether the owner expects the device, and has it in service.
//!
//! Whether another key claimed it, and whether its factory certificate still opens the door, is decided by the ledger when the
//! claim is recorded.

use super::{AdmitError, Door, Grounds};
use crate::actor::{DeviceIdentity, Identity, Origin};
use crate::profile::{CertificateProfile, Hierarchy};
use crate::record::{Device, DeviceState};
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
    let Some(title) = request.subject.system_title() else { return Ok(None) };
    // A title on another owner's list is, to this requester, not on the list.
    let device = grounds.registry.device(title)?;
    let device = device.filter(|device| device.expected.tenant == *grounds.issuer.tenant());
    // Whoever asks, and whichever door it is: what is out of service gets nothing. The ledger decides it again.
    if let Some(out) = device.as_ref().and_then(|device| device.state.out_of_use()) {
        return Err(AdmitError::DeviceOutOfUse { title: *title, out });
    }
    if must_be_expected { expected(request, (title, device)).map(Some) } else { Ok(None) }
}

fn expected(
    request: &EnrolmentRequest,
    (title, device): (&SystemTitle, Option<Device>),
) -> Result<Device, AdmitError> {
    device
        .filter(|device| !is_at_its_makers(device.state))
        .filter(|device| is_of_its_maker(device, &request.actor.identity))
        .ok_or(AdmitError::DeviceNotExpected { title: *title })
}

/// What its maker has still, or has sent and nobody has taken in, is expected by nobody.
const fn is_at_its_makers(state: DeviceState) -> bool {
    matches!(state, DeviceState::Manufactured | DeviceState::Shipped)
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

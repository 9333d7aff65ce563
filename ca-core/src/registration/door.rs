//! Which kinds of requesters an offer lets in, and which door a request comes through.
//!
//! A door looks at who asks and how, never at what for: that is the scope's affair.

use super::{AdmitError, Offer};
use crate::actor::{DeviceIdentity, Identity, Origin};
use crate::request::{EnrolmentKind, EnrolmentRequest};
use crate::validity::UnixTime;

/// A kind of requester that an offer lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A registration authority, within its scope.
    RegistrationAuthority,
    /// Whoever shows a one-time token.
    OneTimeToken,
    /// An expected device, by its manufacturer's certificate: the ownership swap.
    FactoryCertificate {
        /// How long after its first operational certificate the factory certificate still opens the door, in seconds.
        grace_seconds: i64,
        /// How long after its end an expired factory certificate still opens the door, in seconds; not at all for 0.
        expired_seconds: i64,
    },
    /// A device, by a certificate of the same owner: for a further purpose, or again.
    OperationalCertificate,
    /// A person at the operator interface.
    Operator,
    /// A part of this program.
    Process,
}

impl Door {
    /// Tells whether this requester may come through. A token and a factory certificate serve the first enrolment only.
    fn lets_in(self, identity: &Identity, kind: &EnrolmentKind) -> bool {
        let first = *kind == EnrolmentKind::First;
        match self {
            Self::RegistrationAuthority => matches!(identity, Identity::RegistrationAuthority(_)),
            Self::OneTimeToken => first && matches!(identity, Identity::OneTimeToken { .. }),
            Self::FactoryCertificate { .. } => {
                first && origin(identity).is_some_and(|origin| matches!(origin, Origin::Factory { .. }))
            }
            Self::OperationalCertificate => origin(identity) == Some(&Origin::Operational),
            Self::Operator => matches!(identity, Identity::Operator { .. }),
            Self::Process => matches!(identity, Identity::Process { .. }),
        }
    }
}

const fn origin(identity: &Identity) -> Option<&Origin> {
    match identity {
        Identity::Device(DeviceIdentity { origin, .. }) => Some(origin),
        Identity::RegistrationAuthority(_)
        | Identity::OneTimeToken { .. }
        | Identity::Operator { .. }
        | Identity::Process { .. }
        | Identity::Unauthenticated { .. } => None,
    }
}

/// Finds the offer of the profile asked for and the first open door of its offers.
pub(super) fn find<'a>(
    offers: &'a [Offer],
    request: &EnrolmentRequest,
    now: UnixTime,
) -> Result<(&'a Offer, Door), AdmitError> {
    let mut error = AdmitError::ProfileNotOffered { profile: request.profile.clone() };
    for offer in offers.iter().filter(|offer| *offer.profile.id() == request.profile) {
        let identity = &request.actor.identity;
        let mut closed = AdmitError::DoorClosed { profile: request.profile.clone() };
        for door in offer.doors.iter().filter(|door| door.lets_in(identity, &request.kind)) {
            match check_expiry(*door, identity, now) {
                Ok(()) => return Ok((offer, *door)),
                Err(expired) => closed = expired,
            }
        }
        // That a certificate expired says more than that there is no door.
        if !matches!(error, AdmitError::CredentialExpired { .. }) {
            error = closed;
        }
    }
    Err(error)
}

/// A device that lay in store longer than its factory certificate lasted: its end alone is waived, for as long as the door says.
fn check_expiry(door: Door, identity: &Identity, now: UnixTime) -> Result<(), AdmitError> {
    let waived = match door {
        Door::FactoryCertificate { expired_seconds, .. } => expired_seconds,
        Door::RegistrationAuthority
        | Door::OneTimeToken
        | Door::OperationalCertificate
        | Door::Operator
        | Door::Process => 0,
    };
    match identity.expired_at() {
        Some(expired_at) if waived == 0 || now > expired_at.plus_seconds(waived) => {
            Err(AdmitError::CredentialExpired { expired_at })
        }
        Some(_) | None => Ok(()),
    }
}

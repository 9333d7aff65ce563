//! Whether the requester's own bounds cover the subject, its names and the profile.
//!
//! A device asks for itself, a token for the device it names, a registration authority for what its configuration says.
//! RFC 7030 §3.7, §4.2.2.

use super::credential::stored;
use super::{AdmitError, Grounds, uplift};
use crate::actor::{DeviceIdentity, Identity, Origin, Presented, RegistrationAuthority};
use crate::certificate::Certificate;
use crate::oid;
use crate::profile::{CertificateProfile, NameChange};
use crate::record::{Slot, StoredCertificate};
use crate::request::{EnrolmentKind, EnrolmentRequest};
use crate::subject::{AlternativeName, Subject};
use crate::system_title::SystemTitle;

pub(super) fn check(
    grounds: &Grounds<'_>,
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
    predecessor: Option<&StoredCertificate>,
) -> Result<(), AdmitError> {
    check_requester(grounds, request, profile, predecessor)?;
    check_change(request, profile, predecessor)?;
    check_alternative_names(request)
}

/// RFC 6402 §2.8: whoever wants other names repeats those it has. A profile must allow it, and a device stays the same.
fn check_change(
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
    predecessor: Option<&StoredCertificate>,
) -> Result<(), AdmitError> {
    let EnrolmentKind::ReEnrolment { former: Some(former), .. } = &request.kind else {
        return Ok(());
    };
    if profile.parts().name_change == NameChange::Refused || former.name != request.subject.name {
        return Err(AdmitError::SubjectChanged);
    }
    check_unchanged(predecessor.ok_or(AdmitError::SubjectChanged)?, former)
}

fn check_requester(
    grounds: &Grounds<'_>,
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
    predecessor: Option<&StoredCertificate>,
) -> Result<(), AdmitError> {
    match &request.actor.identity {
        Identity::Device(device) => {
            check_same_device(&device.title, &request.subject)?;
            match device.origin {
                Origin::Factory { .. } => Ok(()),
                Origin::Operational => check_operational(grounds, request, (profile, predecessor), device),
            }
        }
        Identity::RegistrationAuthority(authority) => check_authority(authority, request),
        Identity::OneTimeToken { title, profile: opened, .. } => {
            check_same_device(title, &request.subject)?;
            if opened == profile.id() {
                Ok(())
            } else {
                Err(AdmitError::OtherProfile { held: opened.clone() })
            }
        }
        // No door lets the unauthenticated this far.
        Identity::Unauthenticated { .. } => Err(AdmitError::DoorClosed { profile: request.profile.clone() }),
        Identity::Operator { .. } | Identity::Process { .. } => Ok(()),
    }
}

fn check_same_device(proved: &SystemTitle, asked: &Subject) -> Result<(), AdmitError> {
    if asked.system_title() == Some(proved) {
        Ok(())
    } else {
        Err(AdmitError::OtherSubject { proved: *proved })
    }
}

/// A certificate opens the door only to profiles of its own hierarchy, and by re-enrolment only to those under which the device
/// holds a certificate, or to which it may be lifted.
fn check_operational(
    grounds: &Grounds<'_>,
    request: &EnrolmentRequest,
    (profile, predecessor): (&CertificateProfile, Option<&StoredCertificate>),
    device: &DeviceIdentity,
) -> Result<(), AdmitError> {
    let shown = own(grounds, &device.certificate, profile, &device.title)?;
    let EnrolmentKind::ReEnrolment { renewed, .. } = &request.kind else {
        return Ok(());
    };
    // RFC 7030 §4.2.2: the certificate being renewed need not be the one of the TLS session.
    if let Some(renewed) = renewed.as_deref() {
        drop(own(grounds, renewed, profile, &device.title)?);
    }
    let predecessor = predecessor.ok_or(AdmitError::OtherProfile { held: shown.profile })?;
    if predecessor.profile != *profile.id() {
        uplift::check(grounds, &device.title, (predecessor, profile))?;
    }
    check_unchanged(predecessor, request.written_subject())
}

/// Returns the row of a certificate that was shown, if this owner issued it to the device in the profile's hierarchy.
fn own(
    grounds: &Grounds<'_>,
    presented: &Presented,
    profile: &CertificateProfile,
    title: &SystemTitle,
) -> Result<StoredCertificate, AdmitError> {
    let row = stored(grounds, presented)?;
    let fits = |slot: &Slot| {
        slot.tenant == *grounds.issuer.tenant()
            && slot.title == *title
            && slot.hierarchy == profile.parts().hierarchy
    };
    if row.tenant == *grounds.issuer.tenant() && row.slot.as_ref().is_some_and(fits) {
        Ok(row)
    } else {
        Err(AdmitError::OtherProfile { held: row.profile })
    }
}

/// RFC 7030 §4.2.2: subject and subjectAltName are identical to those of the certificate being renewed.
fn check_unchanged(predecessor: &StoredCertificate, asked: &Subject) -> Result<(), AdmitError> {
    let certificate =
        Certificate::from_der(&predecessor.certificate).map_err(|_| AdmitError::CredentialUnknown)?;
    let value = certificate.extension(oid::SUBJECT_ALT_NAME).map(|(_, value)| value);
    let before = Subject::read(certificate.subject(), value);
    if before.as_ref() == Ok(asked) { Ok(()) } else { Err(AdmitError::SubjectChanged) }
}

/// RFC 7030 §3.7: the server checks what a registration authority is authorised for.
pub(super) fn check_authority(
    authority: &RegistrationAuthority,
    request: &EnrolmentRequest,
) -> Result<(), AdmitError> {
    let in_prefix = |title: &SystemTitle| title.octets().starts_with(&authority.title_prefix);
    if authority.profiles.contains(&request.profile) && request.subject.system_title().is_none_or(in_prefix) {
        Ok(())
    } else {
        Err(AdmitError::OutsideScope { name: authority.name.clone() })
    }
}

/// Nobody names hosts, URIs or addresses for a certificate unless entitled to; a renewal keeps what it had.
fn check_alternative_names(request: &EnrolmentRequest) -> Result<(), AdmitError> {
    let names = &request.subject.alternative_names;
    let entitled = match &request.actor.identity {
        Identity::Operator { .. } | Identity::Process { .. } => true,
        Identity::RegistrationAuthority(authority) => {
            names.iter().all(|name| within_suffixes(name, &authority.dns_suffixes))
        }
        // What a device had was given to it by somebody who was entitled; by itself it can only give names up.
        Identity::Device(_) => match &request.kind {
            EnrolmentKind::First => names.is_empty(),
            EnrolmentKind::ReEnrolment { former: None, .. } => true,
            EnrolmentKind::ReEnrolment { former: Some(former), .. } => {
                names.iter().all(|name| former.alternative_names.contains(name))
            }
        },
        Identity::OneTimeToken { .. } | Identity::Unauthenticated { .. } => names.is_empty(),
    };
    if entitled { Ok(()) } else { Err(AdmitError::NamesNotEntitled) }
}

fn within_suffixes(name: &AlternativeName, suffixes: &[String]) -> bool {
    match name {
        AlternativeName::Dns(host) => suffixes.iter().any(|suffix| is_within(host, suffix)),
        AlternativeName::Uri(_) | AlternativeName::Email(_) => false,
    }
}

/// Compares label by label, from the right, whatever the case (RFC 4343 §2): `evil-example.org` is not in `example.org`.
fn is_within(host: &str, domain: &str) -> bool {
    let mut labels = host.rsplit('.');
    !domain.is_empty()
        && domain
            .rsplit('.')
            .all(|wanted| labels.next().is_some_and(|label| label.eq_ignore_ascii_case(wanted)))
}

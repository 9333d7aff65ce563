//! A request that a registration authority forwards for a device that showed it a certificate (RFC 7030 §3.7, RFC 9483 §5.2.3).
//!
//! Its word is taken for one thing: that the device proved possession of the key. Who the device is, whether its certificate is
//! revoked, and whether it may have what it asks for is decided here, as if it had come itself.

use ca_core::actor::{Actor, Identity};
use ca_core::csr::CertificationRequest;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence, asked_names};
use ca_core::trust::IdentifyError;
use cmp_messages::forwarding::Forwarding;
use cmp_messages::header::PkiHeader;
use der::Encode;
use der::asn1::Any;

use super::Case;
use crate::refusal::Refusal;

/// Reads what a header says of the device, if it is one of a request that is forwarded.
pub(super) fn of(header: &PkiHeader) -> Result<Option<Forwarding>, Refusal> {
    Forwarding::read(header)
        .map_err(|_| Refusal::Forwarding { why: "what it says of the device is malformed" })
}

/// Reads a request that is forwarded, from the header of its message and its PKCS#10; `None` where the sender asks for itself.
pub(super) fn read(
    case: &Case<'_>,
    (header, request): (&PkiHeader, Option<&Any>),
) -> Result<Option<EnrolmentRequest>, Refusal> {
    let Some(forwarding) = of(header)? else { return Ok(None) };
    let request = request.ok_or(Refusal::Forwarding { why: "it is not a p10cr" })?;
    // The device waits for one answer: whoever forwards could not tell later whether that arrived.
    if !header.implicit_confirm() {
        return Err(Refusal::Forwarding { why: "it does not ask for implicitConfirm" });
    }
    let csr = CertificationRequest::from_der(&request.to_der()?)?;
    let actor = requester(case, &forwarding)?;
    let kind = kind(&actor, &forwarding)?;
    let (subject, kind) = asked_names(&actor, csr.content(), kind)?;
    Ok(Some(EnrolmentRequest {
        actor,
        profile: case.label.parts().profile.clone(),
        subject,
        evidence: Evidence::Request(Box::new(csr)),
        kind,
        validity_seconds: None,
        // What is the same is told by what is asked: the device comes again in another transaction.
        transaction: None,
    }))
}

/// Tells who showed these certificates, as if they had been shown here.
fn requester(case: &Case<'_>, forwarding: &Forwarding) -> Result<Actor, Refusal> {
    let owner = case.authority().issuer().tenant();
    let mut actor = case.label.trust().identify(&forwarding.shown, owner, case.now)?;
    let Identity::Device(device) = &mut actor.identity else { return Err(IdentifyError::NoDevice.into()) };
    device.forwarded_by = Some(Box::new(case.sender.actor.clone()));
    Ok(actor)
}

/// RFC 7030 §4.2.2: what is renewed is the certificate that was shown.
fn kind(actor: &Actor, forwarding: &Forwarding) -> Result<EnrolmentKind, Refusal> {
    let Some(renewed) = &forwarding.renews else { return Ok(EnrolmentKind::First) };
    let shown = actor.identity.presented().ok_or(Refusal::OldCertificate)?;
    if Forwarding::id_of(&shown.certificate)? != *renewed {
        return Err(Refusal::OldCertificate);
    }
    Ok(EnrolmentKind::ReEnrolment { renewed: Some(Box::new(shown.clone())), former: None })
}

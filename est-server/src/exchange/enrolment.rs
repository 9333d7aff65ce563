//! `/simpleenroll` and `/simplereenroll`: one certification request, one certificate (RFC 7030 §4.2).

use ca_core::actor::{Actor, Identity};
use ca_core::csr::{CertificationRequest, RequestContent};
use ca_core::issuance::IssueError;
use ca_core::public_key::PublicKey;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence, asked_names, claimed_subject};
use ca_core::upstream::Granted;

use super::{Exchange, record};
use crate::answer::Answer;
use crate::channel_binding;
use crate::config::Challenge;
use crate::observation;
use crate::refusal::Refusal;
use crate::wire::simple_enroll::{SimpleRequest, decode};
use cms_messages::certs_only;

/// RFC 7030 §4.2.1: the first certificate.
pub(super) fn enrol(exchange: &Exchange, actor: &Actor) -> Result<Answer, Refusal> {
    issue(exchange, actor, EnrolmentKind::First)
}

/// RFC 7030 §4.2.2: a device renews the certificate that it shows; a registration authority shows its own.
pub(super) fn re_enrol(exchange: &Exchange, actor: &Actor) -> Result<Answer, Refusal> {
    let renewed = match &actor.identity {
        Identity::Device(device) => Some(Box::new(device.certificate.clone())),
        Identity::RegistrationAuthority(_)
        | Identity::OneTimeToken { .. }
        | Identity::Operator { .. }
        | Identity::Process { .. }
        | Identity::Unauthenticated { .. } => None,
    };
    issue(exchange, actor, EnrolmentKind::ReEnrolment { renewed, former: None })
}

/// Where the operation does not say, what the device holds decides whether it asks for the first time or again.
pub(super) fn kind_for(
    exchange: &Exchange,
    actor: &Actor,
    (content, key): (&RequestContent, Option<&PublicKey>),
) -> Result<EnrolmentKind, Refusal> {
    let (parts, subject) = (exchange.label.parts(), claimed_subject(actor, content)?);
    let authority = exchange.authority_at_hand()?;
    Ok(authority.kind_for(actor, &parts.profile, &subject, key).map_err(IssueError::from)?)
}

fn issue(exchange: &Exchange, actor: &Actor, kind: EnrolmentKind) -> Result<Answer, Refusal> {
    let request = read(exchange, actor, kind).map_err(|refusal| record(&exchange.label, actor, refusal))?;
    // What the authority refuses it records itself.
    let issued = exchange.label.parts().authority.enrol(request)?;
    answer(exchange, &issued)
}

/// Reads the body, which nobody does before the requester is known.
fn read(exchange: &Exchange, actor: &Actor, kind: EnrolmentKind) -> Result<EnrolmentRequest, Refusal> {
    let SimpleRequest { csr, form } = decode(&exchange.body)?;
    observation::leniencies(exchange.label.name(), form, csr.leniencies());
    request_for(exchange, actor, csr, kind)
}

/// Makes a request to the authority of a certification request.
pub(super) fn request_for(
    exchange: &Exchange,
    actor: &Actor,
    csr: CertificationRequest,
    kind: EnrolmentKind,
) -> Result<EnrolmentRequest, Refusal> {
    check_binding(exchange, actor, csr.content())?;
    let (subject, kind) = asked_names(actor, csr.content(), kind)?;
    Ok(EnrolmentRequest {
        actor: actor.clone(),
        profile: exchange.label.parts().profile.clone(),
        subject,
        evidence: Evidence::Request(Box::new(csr)),
        kind,
        validity_seconds: None,
        transaction: None,
    })
}

/// RFC 7030 §3.7: a registration authority checked the binding when the device came to it; here it could not match.
pub(super) fn check_binding(
    exchange: &Exchange,
    actor: &Actor,
    content: &RequestContent,
) -> Result<(), Refusal> {
    if matches!(actor.identity, Identity::RegistrationAuthority(_)) {
        return Ok(());
    }
    let parts = exchange.label.parts();
    let binding = content.challenge_password().and_then(|text| match parts.challenge.read(text) {
        Challenge::Binding(binding) => Some(binding),
        // It said who asks, or stands beside a certificate or password, which is believed alone.
        Challenge::Code(_) => None,
    });
    channel_binding::check(parts.channel_binding, binding, &exchange.credentials.connection)?;
    Ok(())
}

/// RFC 7030 §4.2.3: the answer holds the certificate that was issued and no other.
fn answer(exchange: &Exchange, issued: &Granted) -> Result<Answer, Refusal> {
    let parts = exchange.label.parts();
    observation::issued(&*parts.authority, &parts.profile, issued);
    let certs_only = certs_only::encode(&[issued.der()]).map_err(|cause| Refusal::NotEncoded { cause })?;
    Ok(Answer::Issued { certificate: issued.der().to_vec(), certs_only })
}

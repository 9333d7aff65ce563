//! `/simpleenroll` and `/simplereenroll`: one certification request, one certificate (RFC 7030 §4.2).

use ca_core::actor::{Actor, Identity, Origin};
use ca_core::csr::{CertificationRequest, RequestContent};
use ca_core::issuance::{IssueError, IssuedCertificate};
use ca_core::public_key::PublicKey;
use ca_core::record::Slot;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::subject::{Subject, SubjectError};

use super::{Exchange, record};
use crate::answer::Answer;
use crate::channel_binding;
use crate::config::Challenge;
use crate::observation;
use crate::refusal::Refusal;
use crate::wire::certs_only;
use crate::wire::simple_enroll::{SimpleRequest, decode};

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

/// Where the operation does not say: again, where who asks may ask again and the device holds a certificate of the kind for another
/// key than the one asked for. What the ledger then finds otherwise is refused.
///
/// A request for the very key that is certified may be the first one repeated: it is taken for that.
pub(super) fn kind_for(
    exchange: &Exchange,
    actor: &Actor,
    (content, key): (&RequestContent, Option<&PublicKey>),
) -> Result<EnrolmentKind, Refusal> {
    let renewed = match &actor.identity {
        Identity::Device(device) if device.origin == Origin::Operational => {
            Some(Box::new(device.certificate.clone()))
        }
        Identity::RegistrationAuthority(_) => None,
        Identity::Device(_)
        | Identity::OneTimeToken { .. }
        | Identity::Operator { .. }
        | Identity::Process { .. }
        | Identity::Unauthenticated { .. } => return Ok(EnrolmentKind::First),
    };
    let parts = exchange.label.parts();
    let (subject, offer) = (claimed_subject(actor, content)?, parts.authority.offer(&parts.profile));
    let (Some(title), Some(offer)) = (subject.system_title(), offer) else { return Ok(EnrolmentKind::First) };
    let held = parts.authority.valid_certificates(title).map_err(IssueError::from)?;
    let (hierarchy, purpose) = (offer.profile.parts().hierarchy, offer.profile.purpose());
    let of_the_kind = |slot: &Slot| slot.hierarchy == hierarchy && slot.purpose == purpose;
    let again = held.iter().any(|row| {
        row.slot.as_ref().is_some_and(of_the_kind)
            && key.is_none_or(|key| row.key_fingerprint != key.fingerprint())
    });
    Ok(if again { EnrolmentKind::ReEnrolment { renewed, former: None } } else { EnrolmentKind::First })
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
    let (subject, kind) = names(actor, csr.content(), kind)?;
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

/// RFC 7030 §4.2.2: names change by an attribute that says so, and by nothing else; the request repeats those of the certificate.
pub(super) fn names(
    actor: &Actor,
    content: &RequestContent,
    kind: EnrolmentKind,
) -> Result<(Subject, EnrolmentKind), Refusal> {
    let written = claimed_subject(actor, content)?;
    match (content.new_names(), kind) {
        (None, kind) => Ok((written, kind)),
        (Some(new), EnrolmentKind::ReEnrolment { renewed, .. }) => {
            let subject = Subject::read(&new.subject, new.alternative_names.as_deref())?;
            Ok((subject, EnrolmentKind::ReEnrolment { renewed, former: Some(Box::new(written)) }))
        }
        (Some(_), EnrolmentKind::First) => Err(Refusal::NothingToRename),
    }
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
fn answer(exchange: &Exchange, issued: &IssuedCertificate) -> Result<Answer, Refusal> {
    let parts = exchange.label.parts();
    observation::issued(&parts.authority, &parts.profile, issued);
    let certs_only = certs_only::encode(&[issued.der()]).map_err(|cause| Refusal::NotEncoded { cause })?;
    Ok(Answer::Issued { certificate: issued.der().to_vec(), certs_only })
}

/// The subject that the request asks for; when it names none, the device that was authenticated.
fn claimed_subject(actor: &Actor, content: &RequestContent) -> Result<Subject, SubjectError> {
    let names = content.alternative_names();
    match &actor.identity {
        Identity::Device(device) if content.subject().is_empty() && names.is_none() => {
            Ok(Subject::device(device.title))
        }
        Identity::OneTimeToken { title, .. } if content.subject().is_empty() && names.is_none() => {
            Ok(Subject::device(*title))
        }
        Identity::Device(_)
        | Identity::OneTimeToken { .. }
        | Identity::RegistrationAuthority(_)
        | Identity::Operator { .. }
        | Identity::Process { .. }
        | Identity::Unauthenticated { .. } => Subject::read(content.subject(), names),
    }
}

//! `/fullcmc`: certification requests in a signed message, answered by a signed message (RFC 7030 §4.3, RFC 5272).
//!
//! The message is signed with the very certificate that opened the connection, so that there is one requester and not two:
//! a registration authority's, or a device's. Each request is then judged as if it had come alone.

use ca_core::actor::Actor;
use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::fault::Fault;
use ca_core::issuance::{IssueError, ProveError};
use ca_core::record::IntentConflict;
use ca_core::upstream::Granted;
use cms_messages::signed::SignedData;

use super::enrolment::{kind_for, request_for};
use super::{Exchange, record};
use crate::answer::Answer;
use crate::observation;
use crate::refusal::Refusal;
use crate::reply::reply;
use crate::wire::cmc::{
    CmcError, FailInfo, PKI_DATA, PKI_RESPONSE, PkiData, Status, Transaction, open, response,
};
use crate::wire::simple_enroll::DecodeBodyError;

/// RFC 5272 §3.2: the number that stands for the whole message.
const WHOLE: u32 = 0;

pub(super) fn answer(exchange: &Exchange, actor: &Actor) -> Result<Answer, Refusal> {
    let data = match read(exchange) {
        Ok(data) => data,
        Err(refusal) => {
            let refusal = record(&exchange.label, actor, refusal);
            return Err(told(exchange, refusal, (WHOLE, &Transaction::default())));
        }
    };
    // RFC 5272 §3.2: a control that is not known MUST end the processing of the message.
    if let Some((body_part, kind)) = data.unknown_control {
        let error = CmcError::UnknownControl { kind, body_part };
        let refusal = record(&exchange.label, actor, error.into());
        return Err(told(exchange, refusal, (body_part, &data.transaction)));
    }
    answer_each(exchange, actor, &data)
}

/// Answers one request after the other; refused as a whole is only what has no answer at all.
fn answer_each(exchange: &Exchange, actor: &Actor, data: &PkiData) -> Result<Answer, Refusal> {
    let (mut statuses, mut issued, mut refused) = (Vec::new(), Vec::new(), None);
    for (body_part, der) in &data.requests {
        let failure = match one(exchange, actor, der) {
            Ok(certificate) => {
                issued.push(certificate);
                None
            }
            Err(refusal) => {
                let failure = (fail_info(&refusal), sentence(&refusal));
                refused = refused.or(Some(refusal));
                Some(failure)
            }
        };
        statuses.push(Status { body_parts: vec![*body_part], failure });
    }
    match refused {
        Some(refusal) if issued.is_empty() => Err(with_response(exchange, refusal, (&statuses, data))),
        _ => {
            let certificates: Vec<&[u8]> = issued.iter().map(Granted::der).collect();
            Ok(Answer::CmcResponse { der: sign(exchange, (&statuses, &data.transaction), &certificates)? })
        }
    }
}

fn one(exchange: &Exchange, actor: &Actor, der: &[u8]) -> Result<Granted, Refusal> {
    let read = || {
        let csr = CertificationRequest::from_der(der).map_err(DecodeBodyError::from)?;
        let kind = kind_for(exchange, actor, (csr.content(), Some(csr.public_key())))?;
        request_for(exchange, actor, csr, kind)
    };
    let request = read().map_err(|refusal| record(&exchange.label, actor, refusal))?;
    let parts = exchange.label.parts();
    let issued = parts.authority.enrol(request)?;
    observation::issued(&*parts.authority, &parts.profile, &issued);
    Ok(issued)
}

fn read(exchange: &Exchange) -> Result<PkiData, Refusal> {
    let decoded = exchange.body.decode().map_err(DecodeBodyError::from)?;
    let (message, content) = open(&decoded.octets)?;
    check_signature(exchange, &message)?;
    Ok(PkiData::from_der(&content)?)
}

/// RFC 5272 §3.2.1: the signature is checked before anything that it covers is believed. One signature, one key, one check.
fn check_signature(exchange: &Exchange, message: &SignedData) -> Result<(), CmcError> {
    if message.signer_infos.0.len() != 1 {
        return Err(CmcError::Signatures);
    }
    let shown = exchange.credentials.connection.certificates.first().ok_or(CmcError::OtherSigner)?;
    let certificate = Certificate::from_der(shown).map_err(|_| CmcError::OtherSigner)?;
    Ok(message.verify(&certificate, PKI_DATA)?)
}

/// Puts a refusal of one part into a response.
fn told(exchange: &Exchange, refusal: Refusal, (body_part, transaction): (u32, &Transaction)) -> Refusal {
    let failure = Some((fail_info(&refusal), sentence(&refusal)));
    let statuses = [Status { body_parts: vec![body_part], failure }];
    let data = PkiData { transaction: transaction.clone(), requests: Vec::new(), unknown_control: None };
    with_response(exchange, refusal, (&statuses, &data))
}

/// RFC 7030 §4.3.2: a refusal carries a CMC response; where it cannot be signed, the refusal alone is told.
fn with_response(exchange: &Exchange, refusal: Refusal, (statuses, data): (&[Status], &PkiData)) -> Refusal {
    // RFC 7030 §4.2.3: what waits is asked for again, and nothing failed.
    if matches!(&refusal, Refusal::NotIssued(error) if error.is_waiting()) {
        return refusal;
    }
    match sign(exchange, (statuses, &data.transaction), &[]) {
        Ok(response) => Refusal::InCmc { cause: Box::new(refusal), response },
        Err(_) => refusal,
    }
}

fn sign(
    exchange: &Exchange,
    (statuses, transaction): (&[Status], &Transaction),
    certificates: &[&[u8]],
) -> Result<Vec<u8>, Refusal> {
    let encoded = |cause| Refusal::NotEncoded { cause };
    let content = response(statuses, transaction).map_err(encoded)?;
    // A label that offers CMC is not made without a signer.
    let messages = exchange.label.parts().messages.as_ref().ok_or(Refusal::NoSuchOperation)?;
    messages.sign(PKI_RESPONSE, content, certificates)?.to_content_info().map_err(encoded)
}

fn sentence(refusal: &Refusal) -> String {
    reply(refusal).text.trim_end().to_owned()
}

/// RFC 5272 §6.1.4: what has a number of its own is told by it, all else by whose fault it is.
#[expect(clippy::wildcard_enum_match_arm, reason = "few refusals have a number of their own")]
fn fail_info(refusal: &Refusal) -> FailInfo {
    let of_its_own = match refusal {
        Refusal::NotCmc(CmcError::OtherSigner | CmcError::BadSignature) => Some(FailInfo::BadMessageCheck),
        Refusal::NotIssued(error) => fail_info_of_issue(error),
        // RFC 7030 §3.5: a Full PKI Request that is not linked as it must be is answered popFailed.
        Refusal::NotBound(_) => Some(FailInfo::PopFailed),
        _ => None,
    };
    of_its_own.unwrap_or_else(|| match observation::fault(refusal) {
        Fault::Unavailable => FailInfo::TryLater,
        Fault::Ours => FailInfo::InternalCaError,
        Fault::Requester | Fault::Conflict => FailInfo::BadRequest,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "few refusals have a number of their own")]
fn fail_info_of_issue(error: &IssueError) -> Option<FailInfo> {
    match error {
        IssueError::NotProven(ProveError::NotPossessed) => Some(FailInfo::PopFailed),
        IssueError::NotProven(ProveError::KeyReused)
        | IssueError::Conflict(IntentConflict::KeyCertifiedElsewhere { .. }) => Some(FailInfo::NoKeyReuse),
        IssueError::NotProven(ProveError::Extension { .. }) => Some(FailInfo::UnsupportedExtension),
        IssueError::Conflict(IntentConflict::AwaitsApproval(_)) => Some(FailInfo::TryLater),
        IssueError::NotAdmitted(error) if error.fault() == Fault::Requester => Some(FailInfo::BadIdentity),
        _ => None,
    }
}

//! What operators can do with OCSP: have answers signed ahead, to be served by something that has no key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::fault::Fault;
use ca_core::issuer::Issuer;
use ca_core::ocsp::{CertStatus, OcspResponse, usual_requests};
use ca_core::serial_number::SerialNumber;
use status_server::responder::{PrepareError, Responder};

use super::acts::{named, serial};
use super::wire::ocsp::{AnswerView, PreparationText, PreparedView};
use crate::compose::System;
use crate::exit::{Exit, Failure};

/// Signs answers for these certificates, each for every usual form of request. What was not issued is left out: of that no
/// answer is worth keeping.
pub(super) fn prepare(
    system: &System,
    responder: &Responder,
    text: &PreparationText,
) -> Result<Vec<PreparedView>, Failure> {
    let issuer = named(system, &text.authority)?.authority.issuer();
    if text.serials.len() > PreparationText::MOST {
        let message =
            format!("answers are prepared for {} certificates at once at most", PreparationText::MOST);
        return Err(Failure::new(Exit::Usage, "ocsp.count", message));
    }
    let prepared = text.serials.iter().map(|number| one(responder, issuer, &serial(number)?));
    Ok(prepared.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn one(
    responder: &Responder,
    issuer: &Issuer,
    serial: &SerialNumber,
) -> Result<Option<PreparedView>, Failure> {
    let requests =
        usual_requests(issuer, serial).map_err(|error| Failure::new(Exit::Failed, "ocsp.encoding", error))?;
    let mut answers = Vec::new();
    let mut last = None;
    for request in requests {
        let response = responder.prepare(&request).map_err(|error| unprepared(&error))?;
        answers.push(AnswerView {
            request: STANDARD.encode(request),
            response: STANDARD.encode(response.der()),
        });
        last = Some(response);
    }
    Ok(last.and_then(|response| view(serial, &response, answers)))
}

fn view(serial: &SerialNumber, response: &OcspResponse, answers: Vec<AnswerView>) -> Option<PreparedView> {
    let status = match response.statuses().first()? {
        CertStatus::Good => "good",
        CertStatus::Revoked(_) => "revoked",
        CertStatus::NeverIssued | CertStatus::Unknown => return None,
    };
    Some(PreparedView {
        serial: serial.to_string(),
        status: status.to_owned(),
        this_update: response.this_update().to_string(),
        next_update: response.next_update().to_string(),
        answers,
    })
}

fn unprepared(error: &PrepareError) -> Failure {
    let (exit, code) = match error {
        PrepareError::Request(error) => (Exit::Failed, error.code()),
        PrepareError::Respond(error) if error.fault() == Fault::Unavailable => {
            (Exit::Unavailable, error.code())
        }
        PrepareError::Respond(error) => (Exit::Failed, error.code()),
    };
    Failure::new(exit, code, error)
        .then("look at the log of meter-pki: the responder's certificate or its key")
}

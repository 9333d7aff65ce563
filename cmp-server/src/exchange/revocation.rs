//! rr: one certificate is revoked, put on hold or released from it, by its holder or by a registration authority (RFC 9483 §4.2,
//! §5.3.2). Who may do what is the authority's to decide.

use ca_core::distinguished_name::DistinguishedName;
use ca_core::fault::Fault;
use ca_core::oid;
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateId, Outcome, Stage};
use ca_core::request::{ReleaseRequest, RevocationRequest};
use ca_core::serial_number::SerialNumber;
use cmp_messages::body::PkiBody;
use cmp_messages::revocation::{RevDetails, RevRepContent};
use cmp_messages::status::{PkiStatus, PkiStatusInfo};
use der::Encode;

use super::transaction::{self, Opening};
use super::{Case, Note, Worked};
use crate::protect::Draft;
use crate::refusal::Refusal;
use crate::reply::{fault, rejection};

/// What is asked for.
#[derive(Clone, Copy)]
enum Change {
    /// It is revoked, for good or on hold.
    Revoke(ReasonCode),
    /// It is released from hold.
    Release,
}

/// Revokes or releases, in a transaction of its own, so that a repetition gets the same answer.
pub(super) fn revoke(case: &Case<'_>, details: &[RevDetails]) -> Result<Worked, Refusal> {
    let memory = match transaction::open(case)? {
        Opening::Work(memory) => memory,
        Opening::Answered(der) => return Ok(Worked::again(der)),
    };
    let (status, note) = match carry_out(case, details) {
        Ok(()) => (PkiStatusInfo::plain(PkiStatus::Accepted), Note::Answered),
        Err(refusal) if matches!(fault(&refusal), Fault::Requester | Fault::Conflict) => {
            let refusal = case.record(refusal)?;
            (rejection(&refusal)?, Note::Refused(refusal))
        }
        // It may be carried out when it is asked for again.
        Err(refusal) => return Err(refusal),
    };
    let content = RevRepContent { status: vec![status], rev_certs: None, crls: None };
    let sealed = case.seal(Draft::of(PkiBody::Rp(content)))?;
    let closed = (Stage::Closed(Outcome::Answered), case.now);
    let der = transaction::keep(case, (case.digest(), &memory), &sealed, closed)?;
    Ok(Worked { der, note })
}

fn carry_out(case: &Case<'_>, details: &[RevDetails]) -> Result<(), Refusal> {
    // RFC 9483 §4.2: MUST contain a sequence of one element of type RevDetails.
    let [details] = details else { return Err(Refusal::RequestCount { count: details.len() }) };
    let (id, change) = (certificate(case, details)?, change(details)?);
    let authority = case.authority();
    if authority.transactions().unconfirmed(&id)?.is_some() {
        return Err(Refusal::Unconfirmed);
    }
    let actor = case.sender.actor.clone();
    match change {
        Change::Revoke(reason) => {
            authority.revoke(RevocationRequest { actor, id, reason, invalidity_date: None })?;
        }
        Change::Release => {
            authority.release(ReleaseRequest { actor, id })?;
        }
    }
    (case.label.parts().on_revocation)();
    Ok(())
}

/// RFC 9483 §4.2: by issuer and serial number; what else is said of it must be so.
fn certificate(case: &Case<'_>, details: &RevDetails) -> Result<CertificateId, Refusal> {
    let template = &details.cert_details;
    let (Some(issuer), Some(serial)) = (&template.issuer, &template.serial_number) else {
        return Err(Refusal::RevokedCertificate);
    };
    let ours = case.authority().issuer();
    let named = DistinguishedName::from_der(&issuer.to_der()?).ok();
    if !named.is_some_and(|name| name.matches(ours.certificate().subject())) {
        return Err(Refusal::RevokedCertificate);
    }
    let serial = SerialNumber::from_octets(serial.as_bytes()).map_err(|_| Refusal::RevokedCertificate)?;
    if let Some(key) = &template.public_key {
        let stored = case.authority().certificate(&serial)?.ok_or(Refusal::RevokedCertificate)?;
        let key = ca_core::public_key::PublicKey::from_spki_der(&key.to_der()?);
        if !key.is_ok_and(|key| key.fingerprint() == stored.key_fingerprint) {
            return Err(Refusal::RevokedCertificate);
        }
    }
    Ok(CertificateId { issuer: ours.key(), serial })
}

/// RFC 9483 §4.2: one reasonCode. Left out, as OpenSSL leaves out what it is not told, it is unspecified.
fn change(details: &RevDetails) -> Result<Change, Refusal> {
    let value = match details.crl_entry_details.as_deref() {
        None | Some([]) => return Ok(Change::Revoke(ReasonCode::Unspecified)),
        Some([extension]) if extension.extn_id == oid::CRL_REASON => extension.extn_value.as_bytes(),
        Some(_) => return Err(Refusal::Reason),
    };
    // CRLReason ::= ENUMERATED, of one octet (RFC 5280 §5.3.1).
    let [0x0A, 0x01, number] = value else { return Err(Refusal::Reason) };
    // RFC 5280 §5.3.1: removeFromCRL is no reason of a revocation, but the end of a hold.
    if *number == ReasonCode::REMOVE_FROM_CRL {
        return Ok(Change::Release);
    }
    ReasonCode::from_number(*number).map(Change::Revoke).ok_or(Refusal::Reason)
}

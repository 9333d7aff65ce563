//! ir, cr, kur and p10cr: one request, one certificate (RFC 9483 §4.1).

use ca_core::actor::Identity;
use ca_core::authority::holds_place_of;
use ca_core::certificate::Certificate;
use ca_core::csr::{CertificationRequest, RequestContent};
use ca_core::fault::Fault;
use ca_core::issuance::{IssueError, IssuedCertificate};
use ca_core::public_key::PublicKey;
use ca_core::record::{Awaiting, CertificateId, IntentConflict, Outcome, Stage, StoredCertificate};
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence, claimed_subject};
use ca_core::validity::UnixTime;
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_request::{CertId, CertReqMsg};
use cmp_messages::certificate_response::{
    CertOrEncCert, CertRepMessage, CertResponse, CertifiedKeyPair, EncryptedKey,
};
use cmp_messages::header::{InfoTypeAndValue, PkiHeader};
use cmp_messages::status::{PkiStatus, PkiStatusInfo};
use der::asn1::{Any, GeneralizedTime};
use der::{Decode, Encode};

use super::template::{Controls, REQUEST_ID, Reading, template};
use super::transaction::{self, Opening};
use super::{Case, Note, Worked, forwarding};
use crate::memory::Memory;
use crate::observation;
use crate::protect::Draft;
use crate::refusal::Refusal;
use crate::reply::{fault, rejection};
use crate::sender::Means;

/// RFC 9483 §4.1.4: the number of a request that is PKCS#10.
const PKCS10_ID: i64 = -1;

/// What a message asks for.
#[derive(Clone, Copy)]
pub(super) enum Wish<'a> {
    /// ir.
    First(&'a [CertReqMsg]),
    /// cr.
    Further(&'a [CertReqMsg]),
    /// kur.
    Update(&'a [CertReqMsg]),
    /// p10cr.
    Pkcs10(&'a Any),
}

impl<'a> Wish<'a> {
    /// Returns what a message asks for, if it asks for a certificate.
    pub(super) fn of(body: &'a PkiBody) -> Option<Self> {
        if let PkiBody::Ir(messages) = body {
            Some(Self::First(messages))
        } else if let PkiBody::Cr(messages) = body {
            Some(Self::Further(messages))
        } else if let PkiBody::Kur(messages) = body {
            Some(Self::Update(messages))
        } else if let PkiBody::P10cr(request) = body {
            Some(Self::Pkcs10(request))
        } else {
            None
        }
    }
}

/// A request in a message.
pub(super) struct Asked<'a> {
    pub(super) header: &'a PkiHeader,
    pub(super) wish: Wish<'a>,
    /// The header of the message that is answered: the same one, or that of a poll.
    pub(super) answers: &'a PkiHeader,
}

/// What a request came to.
pub(super) enum Came {
    /// With the private key, where it was made here: DER of an `EnvelopedData`.
    Issued(Box<IssuedCertificate>, Option<Vec<u8>>),
    Waits(Awaiting),
    /// It is refused for good.
    Refused(Refusal),
}

/// Answers the first message of a transaction.
pub(super) fn begin(case: &Case<'_>, wish: Wish<'_>) -> Result<Worked, Refusal> {
    let memory = match transaction::open(case)? {
        Opening::Work(memory) => memory,
        Opening::Answered(der) => return Ok(Worked::again(der)),
    };
    let header = case.message.header();
    let asked = Asked { header, wish, answers: header };
    let came = ask(case, &asked)?;
    answer(case, &asked, came, (case.digest(), &memory))
}

/// Asks the authority. What may be granted when it is asked again is an error; nothing of it is kept.
pub(super) fn ask(case: &Case<'_>, asked: &Asked<'_>) -> Result<Came, Refusal> {
    let (request, sealed) = match read(case, asked) {
        Ok(read) => read,
        Err(refusal) if fault(&refusal) == Fault::Requester => {
            return Ok(Came::Refused(case.record(refusal)?));
        }
        Err(refusal) => return Err(refusal),
    };
    // A certificate that nobody could be given would burn a serial number, and its device's place, for nothing.
    case.check_answerable()?;
    match case.authority().enrol(request) {
        Ok(issued) => {
            let parts = case.label.parts();
            observation::issued(&parts.authority, &parts.profile, &issued);
            Ok(Came::Issued(Box::new(issued), sealed))
        }
        Err(IssueError::Conflict(IntentConflict::AwaitsApproval(awaiting))) => Ok(Came::Waits(awaiting)),
        // A crash came before the answer, and the key is lost: what stays unanswered is revoked at its deadline.
        Err(error) if sealed.is_some() && is_repeated(&error) => Err(error.into()),
        Err(error) if matches!(error.fault(), Fault::Requester | Fault::Conflict) => {
            Ok(Came::Refused(error.into()))
        }
        Err(error) => Err(error.into()),
    }
}

fn is_repeated(error: &IssueError) -> bool {
    matches!(error, IssueError::Conflict(IntentConflict::AlreadyIssued(_)))
}

/// Makes the answer of what a request came to, and keeps it. `last` is the message answered before, and what is remembered.
pub(super) fn answer(
    case: &Case<'_>,
    asked: &Asked<'_>,
    came: Came,
    last: ([u8; 32], &Memory),
) -> Result<Worked, Refusal> {
    let (draft, stage, ends_at, note) = match came {
        Came::Issued(issued, sealed) => {
            let by = transaction::confirmed_by(case);
            let is_offered = case.label.parts().confirmations.implicit
                // What is not made in the transaction cannot be confirmed in it.
                || forwarding::of(asked.header)?.is_some();
            let implicit = is_offered && asked.header.implicit_confirm();
            let stage = if implicit {
                Stage::Closed(Outcome::Answered)
            } else {
                Stage::Unconfirmed { certificate: issued.id().clone() }
            };
            let granted = Granted {
                issued: &issued,
                sealed: sealed.as_deref(),
                confirmed_by: (!implicit).then_some(by),
            };
            (granted.draft(case, asked)?, stage, by, Note::Answered)
        }
        Came::Waits(awaiting) => {
            let waiting = PkiStatusInfo::plain(PkiStatus::Waiting);
            (
                Draft::of(response(asked.wish, waiting, None)),
                Stage::Waiting,
                awaiting.expires_at,
                Note::Waiting,
            )
        }
        Came::Refused(refusal) => {
            let draft = Draft::of(response(asked.wish, rejection(&refusal)?, None));
            (draft, Stage::Closed(Outcome::Answered), case.now, Note::Refused(refusal))
        }
    };
    let sealed = case.seal_for(asked.answers, draft)?;
    let der = transaction::keep(case, last, &sealed, (stage, ends_at))?;
    Ok(Worked { der, note })
}

/// What an answer grants.
struct Granted<'a> {
    issued: &'a IssuedCertificate,
    /// The private key, where it was made here.
    sealed: Option<&'a [u8]>,
    /// Until when the certificate is to be confirmed, if at all.
    confirmed_by: Option<UnixTime>,
}

impl Granted<'_> {
    /// The answer that holds a certificate.
    fn draft(&self, case: &Case<'_>, asked: &Asked<'_>) -> Result<Draft, Refusal> {
        let pair = CertifiedKeyPair {
            cert_or_enc_cert: CertOrEncCert::Certificate(Any::from_der(self.issued.der())?),
            private_key: self.sealed.map(EncryptedKey::of_enveloped).transpose()?,
            publication_info: None,
        };
        let mut body = response(asked.wish, PkiStatusInfo::plain(PkiStatus::Accepted), Some(pair));
        let parts = case.label.parts();
        // RFC 9483 §4.1.5: who shares a secret may have no trust anchor yet; the MAC vouches for this one.
        if let (PkiBody::Ip(message), Means::Mac(_)) = (&mut body, &case.sender.means) {
            let mut roots = parts.ca_certificates.iter().filter(|one| one.issuer() == one.subject());
            message.ca_pubs =
                roots.next().map(|root| Any::from_der(root.der())).transpose()?.map(|root| vec![root]);
        }
        let info = match self.confirmed_by {
            None => InfoTypeAndValue::implicit_confirm()?,
            Some(until) => {
                let since_1970 =
                    core::time::Duration::from_secs(u64::try_from(until.seconds()).unwrap_or_default());
                InfoTypeAndValue::confirm_wait_time(&GeneralizedTime::from_unix_duration(since_1970)?)?
            }
        };
        // RFC 9483 §3.3: extraCerts MUST contain the chain of the new certificate; self-signed certificates should be left out.
        let chain = parts.ca_certificates.iter().filter(|one| one.issuer() != one.subject());
        let own_first = chain.map(|one| one.der().to_vec()).rev().collect();
        Ok(Draft { body, general_info: vec![info], certificates: own_first })
    }
}

/// Makes the body that answers a request.
fn response(wish: Wish<'_>, status: PkiStatusInfo, certified_key_pair: Option<CertifiedKeyPair>) -> PkiBody {
    let message = |cert_req_id| CertRepMessage {
        ca_pubs: None,
        response: vec![CertResponse { cert_req_id, status, certified_key_pair, rsp_info: None }],
    };
    match wish {
        Wish::First(_) => PkiBody::Ip(message(REQUEST_ID)),
        Wish::Further(_) => PkiBody::Cp(message(REQUEST_ID)),
        Wish::Update(_) => PkiBody::Kup(message(REQUEST_ID)),
        Wish::Pkcs10(_) => PkiBody::Cp(message(PKCS10_ID)),
    }
}

/// Reads what is asked for; and the private key, where it was made here.
fn read(case: &Case<'_>, asked: &Asked<'_>) -> Result<(EnrolmentRequest, Option<Vec<u8>>), Refusal> {
    let pkcs10 = if let Wish::Pkcs10(request) = asked.wish { Some(request) } else { None };
    if let Some(forwarded) = forwarding::read(case, (asked.header, pkcs10))? {
        return Ok((forwarded, None));
    }
    let (actor, profile) = (&case.sender.actor, &case.label.parts().profile);
    let of_holding = |content: &RequestContent, key: Option<&PublicKey>| -> Result<EnrolmentKind, Refusal> {
        Ok(case.authority().kind_for(actor, profile, &claimed_subject(actor, content)?, key)?)
    };
    let (Reading { evidence, content, sealed, .. }, kind) = match asked.wish {
        Wish::Pkcs10(request) => {
            let csr = CertificationRequest::from_der(&request.to_der()?)?;
            let (content, key) = (csr.content().clone(), Some(csr.public_key().clone()));
            let kind = of_holding(&content, key.as_ref())?;
            let evidence = Evidence::Request(Box::new(csr));
            (Reading { evidence, content, key, sealed: None, old: None }, kind)
        }
        Wish::First(messages) => (template(case, messages, Controls::None)?, EnrolmentKind::First),
        Wish::Further(messages) => {
            let read = template(case, messages, Controls::None)?;
            let kind = of_holding(&read.content, read.key.as_ref())?;
            (read, kind)
        }
        Wish::Update(messages) => {
            let read = template(case, messages, Controls::OldCertId)?;
            check_old(case, read.old.as_ref())?;
            (read, EnrolmentKind::ReEnrolment { renewed: shown(case), former: None })
        }
    };
    let request = EnrolmentRequest {
        actor: actor.clone(),
        profile: profile.clone(),
        subject: claimed_subject(actor, &content)?,
        evidence,
        kind,
        validity_seconds: None,
        transaction: Some(transaction::key(case)),
    };
    Ok((request, sealed))
}

fn shown(case: &Case<'_>) -> Option<Box<ca_core::actor::Presented>> {
    match &case.sender.actor.identity {
        Identity::Device(device) => Some(Box::new(device.certificate.clone())),
        Identity::RegistrationAuthority(_)
        | Identity::OneTimeToken { .. }
        | Identity::Operator { .. }
        | Identity::Process { .. }
        | Identity::Unauthenticated { .. } => None,
    }
}

/// RFC 9483 §4.1.3: the certificate to be updated signs. One for key agreement cannot, so that another of the device's may
/// sign for it where oldCertId names it: what is updated is always the certificate that the new one takes the place of.
fn check_old(case: &Case<'_>, old: Option<&CertId>) -> Result<(), Refusal> {
    // RFC 9483 §5.2.3: nobody signs an update in the place of its holder; a registration authority renews by cr or p10cr.
    let Identity::Device(device) = &case.sender.actor.identity else { return Err(Refusal::OldCertificate) };
    let authority = case.authority();
    let offer = authority.offer(&case.label.parts().profile).ok_or(Refusal::OldCertificate)?;
    let held = authority.valid_certificates(&device.title)?;
    let places: Vec<_> = held.iter().filter(|row| holds_place_of(row, &offer.profile)).collect();
    let is_meant = |row: &&StoredCertificate| match old {
        None => row.id == device.certificate.id(),
        Some(old) => is_named(row, old),
    };
    match places.iter().copied().find(is_meant) {
        Some(row) => check_latest(case, &places, &row.id),
        // The one that signs, when it is revoked or expired, is told as that by the authority.
        None if old.is_none() => Ok(()),
        None => Err(Refusal::OldCertificate),
    }
}

/// Its issuer need not be the authority that is asked: a device that goes to a higher suite has one of the lower (Green Book 9.2.3.7).
fn is_named(row: &StoredCertificate, old: &CertId) -> bool {
    let certificate = Certificate::from_der(&row.certificate);
    let issuer = old.issuer.as_directory();
    old.serial_number.as_bytes() == row.id.serial.octets()
        && certificate.is_ok_and(|one| issuer.is_some_and(|name| name.matches(one.issuer())))
}

/// C-13: one that was updated before is not updated again; as long as its successor is not confirmed, the authority says so.
fn check_latest(
    case: &Case<'_>,
    places: &[&StoredCertificate],
    named: &CertificateId,
) -> Result<(), Refusal> {
    let authority = case.authority();
    let latest = places.iter().max_by_key(|row| row.age()).filter(|latest| latest.id != *named);
    let Some(successor) = latest else { return Ok(()) };
    // A crash came before the answer: it is this message that made it.
    let is_of_this = authority.made_in(&transaction::key(case))?.is_some_and(|made| made.id == successor.id);
    if is_of_this || authority.transactions().unconfirmed(&successor.id)?.is_some() {
        Ok(())
    } else {
        Err(Refusal::OldCertificateUpdated)
    }
}

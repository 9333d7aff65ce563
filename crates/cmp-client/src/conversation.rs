//! One transaction: what was asked, what is to be sent now, and what an answer leads to (RFC 9483 §4).
//!
//! Octets in, octets out. What is kept of a conversation is enough to go on with it later, in another process.

use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::oid;
use ca_core::public_key::PublicKey;
use ca_core::reason::ReasonCode;
use client_kit::MadeKey;
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_request::CertReqMsg;
use cmp_messages::certificate_response::{CertOrEncCert, CertRepMessage, CertResponse, CertifiedKeyPair};
use cmp_messages::header::{InfoTypeAndValue, PkiHeader};
use cmp_messages::message::PkiMessage;
use cmp_messages::polling::{PollRep, PollReq};
use cmp_messages::revocation::{RevDetails, RevRepContent};
use cmp_messages::status::{PkiFailureInfo, PkiStatus, PkiStatusInfo};
use der::asn1::{Any, OctetString};
use der::{Decode, Encode, Sequence};

use crate::central_key;
use crate::certificate::{Came, Issued, Wanted, confirmation, examine};
use crate::client::{CmpClient, Means};
use crate::error::{CmpError, Refusal};
use crate::information::{self, Information};
use crate::inspection::{Author, Expected, inspect};
use crate::question::Question;
use crate::sealing::{Draft, seal};
use cmp_messages::operation::Operation;

/// RFC 9483 §4.4: polls for a message as a whole.
const WHOLE_MESSAGE: i64 = -1;

/// A conversation that goes on.
#[derive(Debug, Clone)]
pub struct Conversation {
    client: Arc<CmpClient>,
    /// The last message of ours that is no poll: what is being answered.
    asked: PkiMessage,
    /// The message that is to be sent, or was.
    last: PkiMessage,
    /// The certificates that came with the first answer, each DER.
    earlier: Vec<Vec<u8>>,
    /// The certificate that is being confirmed or refused.
    granted: Option<Granted>,
}

/// What an answer leads to.
#[derive(Debug)]
pub enum Step {
    /// To sending [`Conversation::outgoing`].
    Send,
    /// To sending it after some time.
    Wait {
        /// After how many seconds.
        seconds: u64,
        /// What the authority says.
        reason: Option<String>,
    },
    /// To the end.
    Done(Outcome),
}

/// What a conversation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A certificate was issued.
    Issued(Issued),
    /// A certificate was revoked, put on hold, or taken off it.
    Revoked,
    /// It was to be revoked, and was so already, or is on hold: perhaps by the same request, whose answer was lost.
    RevokedBefore,
    /// There is an answer to the question.
    Told(Information),
}

/// A certificate whose confirmation is under way.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
struct Granted {
    certificate: Any,
    chain: Vec<Any>,
    roots: Vec<Any>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    changed: Option<String>,
    /// Why it is not accepted.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    refused: Option<String>,
    /// The private key, where the authority made it: an `EnvelopedData`, sealed as it came.
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    sealed: Option<Any>,
}

/// What is kept of a conversation.
#[derive(Sequence)]
struct Kept {
    asked: OctetString,
    last: OctetString,
    earlier: Vec<Any>,
    #[asn1(optional = "true")]
    granted: Option<Granted>,
}

impl CmpClient {
    /// Begins a conversation; its first message is [`Conversation::outgoing`].
    ///
    /// # Errors
    /// [`CmpError`] where the message cannot be made.
    pub fn begin(self: &Arc<Self>, question: &Question<'_>) -> Result<Conversation, CmpError> {
        if question.wants_signature() && matches!(self.means, Means::Mac(_)) {
            return Err(CmpError::SignatureWanted);
        }
        let mut general_info = Vec::new();
        // RFC 9483 §4.1.1: implicitConfirm MUST be asked for, unless a confirmation is wanted: always for a key that the authority
        // makes, so that a certificate whose key does not come out is revoked.
        if question.enrols() && !self.confirms && !question.wants_key() {
            general_info.push(InfoTypeAndValue::implicit_confirm()?);
        }
        if let Some(profile) = self.profile.as_ref().filter(|_| question.may_name_a_profile()) {
            general_info.push(InfoTypeAndValue::cert_profile(profile)?);
        }
        general_info.extend(question.forwarding()?);
        let draft = Draft { body: question.body()?, version: question.version(), general_info, before: None };
        let asked = seal(self, draft)?;
        let (client, last) = (Arc::clone(self), asked.clone());
        Ok(Conversation { client, asked, last, earlier: Vec::new(), granted: None })
    }

    /// Takes up a conversation that was kept.
    ///
    /// # Errors
    /// [`CmpError::NotKept`] for other octets.
    pub fn resume(self: &Arc<Self>, kept: &[u8]) -> Result<Conversation, CmpError> {
        let kept = Kept::from_der(kept).map_err(|_| CmpError::NotKept)?;
        let read =
            |octets: &OctetString| PkiMessage::decode(octets.as_bytes()).map_err(|_| CmpError::NotKept);
        Ok(Conversation {
            client: Arc::clone(self),
            asked: read(&kept.asked)?,
            last: read(&kept.last)?,
            earlier: octets(&kept.earlier)?,
            granted: kept.granted,
        })
    }
}

impl Conversation {
    /// Returns the message that is to be sent, DER; the same each time until it is answered.
    ///
    /// # Errors
    /// [`CmpError::Encode`].
    pub fn outgoing(&self) -> Result<Vec<u8>, CmpError> {
        Ok(self.last.encode()?)
    }

    /// Returns all that is needed to go on later. It holds no secret and no key.
    ///
    /// # Errors
    /// [`CmpError::Encode`].
    pub fn kept(&self) -> Result<Vec<u8>, CmpError> {
        let kept = Kept {
            asked: OctetString::new(self.asked.encode()?)?,
            last: OctetString::new(self.last.encode()?)?,
            earlier: anys(&self.earlier)?,
            granted: self.granted.clone(),
        };
        Ok(kept.to_der()?)
    }

    /// Returns the operation that it began with, as long as it has not come to a confirmation.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        Operation::begun_by(self.asked.body())
    }

    /// Takes the answer to the message that was sent.
    ///
    /// # Errors
    /// [`CmpError`]; the conversation is then over (RFC 9483 §3.6.1), but for answers that are not the authority's.
    pub fn answered(&mut self, answer: &[u8]) -> Result<Step, CmpError> {
        let message = PkiMessage::decode(answer)?;
        let polls = matches!(self.last.body(), PkiBody::PollReq(_));
        let expected = Expected {
            client: &self.client,
            last: self.last.header(),
            delayed: polls.then_some(self.asked.header()),
            earlier: &self.earlier,
        };
        let author = inspect(&expected, &message)?;
        if self.earlier.is_empty() {
            self.earlier = message.extra_certs().to_vec();
        }
        match (self.asked.body(), message.body()) {
            (_, PkiBody::Error(content)) if is_waiting(&content.pki_status_info) => {
                self.poll(WHOLE_MESSAGE, message.header())
            }
            (_, PkiBody::Error(content)) => Err(CmpError::Refused(Refusal::of_error(content, true))),
            (_, PkiBody::PollRep(answers)) => self.wait(answers, message.header()),
            (PkiBody::Ir(_), PkiBody::Ip(answer)) => self.certificate(answer, &message, &author),
            (PkiBody::Cr(_) | PkiBody::P10cr(_), PkiBody::Cp(answer))
            | (PkiBody::Kur(_), PkiBody::Kup(answer)) => self.certificate(answer, &message, &author),
            (PkiBody::CertConf(_), PkiBody::PkiConf(_)) => self.confirmed(),
            (PkiBody::Rr(details), PkiBody::Rp(answer)) => revoked(details, answer, &author),
            (PkiBody::Genm(questions), PkiBody::Genp(answers)) => {
                let question = questions.first().ok_or(CmpError::NotKept)?;
                information::read(question, answers).map(|told| Step::Done(Outcome::Told(told)))
            }
            // RFC 9483 §3.5: the body type MUST be allowed in the current state.
            _ => Err(CmpError::Answer("a message of its type does not answer this one")),
        }
    }

    /// Makes the next message of ours.
    fn say(&mut self, body: PkiBody, theirs: &PkiHeader) -> Result<(), CmpError> {
        let before = Some((self.last.header(), theirs));
        let version = self.last.header().pvno;
        self.last = seal(&self.client, Draft { body, version, general_info: Vec::new(), before })?;
        Ok(())
    }

    /// RFC 9483 §4.4: whoever is told to wait polls.
    fn poll(&mut self, cert_req_id: i64, theirs: &PkiHeader) -> Result<Step, CmpError> {
        if matches!(self.last.body(), PkiBody::PollReq(_)) {
            return Err(CmpError::Answer("whoever polls is told by pollRep to wait"));
        }
        self.say(PkiBody::PollReq(vec![PollReq { cert_req_id }]), theirs)?;
        Ok(Step::Send)
    }

    fn wait(&mut self, answers: &[PollRep], theirs: &PkiHeader) -> Result<Step, CmpError> {
        let (PkiBody::PollReq(polls), [answer]) = (self.last.body(), answers) else {
            return Err(CmpError::Answer("nothing was polled for, or more than one thing"));
        };
        // RFC 9483 §4.4: pollRep has the same certReqId.
        let poll = polls.first().copied().filter(|poll| poll.cert_req_id == answer.cert_req_id);
        let poll = poll.ok_or(CmpError::Answer("it is about another request"))?;
        self.say(PkiBody::PollReq(vec![poll]), theirs)?;
        let reason = answer.reason.as_ref().map(|lines| lines.join("; "));
        Ok(Step::Wait { seconds: answer.check_after, reason })
    }

    fn certificate(
        &mut self,
        answer: &CertRepMessage,
        message: &PkiMessage,
        author: &Author,
    ) -> Result<Step, CmpError> {
        let [response] = answer.response.as_slice() else {
            return Err(CmpError::Answer("it holds another number of responses than one"));
        };
        let (wanted, key) = self.requested()?;
        if response.cert_req_id != wanted {
            return Err(CmpError::Answer("its certReqId is not that of the request"));
        }
        match response.status.status() {
            Some(PkiStatus::Accepted | PkiStatus::GrantedWithMods) => {}
            Some(PkiStatus::Waiting) => return self.poll(wanted, message.header()),
            _ => return Err(CmpError::Refused(Refusal::of(&response.status))),
        }
        let (certificate, sealed) = clear_certificate(response)?;
        let roots = self.roots(answer, message.body())?;
        let came = Came::read(message.extra_certs(), &roots);
        let made = match (&key, &sealed) {
            (Some(_), None) => Ok(None),
            (None, Some(sealed)) => central_key::open(&self.client, sealed).map(Some),
            (Some(_), Some(_)) => {
                return Err(CmpError::Answer("it holds a private key that was not asked for"));
            }
            (None, None) => Err("there is no private key with it".to_owned()),
        };
        let refused = made.and_then(|made| {
            let key = made.as_ref().map(MadeKey::public).or(key.as_ref());
            let key = key.ok_or_else(|| "there is no private key with it".to_owned())?;
            examine(&Wanted { client: &self.client, key, author }, &certificate, &came)
        });
        let chain: Vec<Vec<u8>> = came.chain_of(&certificate).iter().map(|one| one.der().to_vec()).collect();
        let granted = Granted {
            certificate: Any::from_der(certificate.der())?,
            chain: anys(&chain)?,
            roots: anys(&roots)?,
            changed: changed(&response.status),
            refused: refused.err(),
            sealed: sealed.as_deref().map(Any::from_der).transpose()?,
        };
        // RFC 9483 §4.1.1: confirmation MUST be performed if it was not asked to be left out, or that was not granted.
        if self.asked.header().implicit_confirm() && message.header().implicit_confirm() {
            return self.outcome(granted);
        }
        let status = confirmation(&certificate, response.cert_req_id, granted.refused.as_deref())?;
        self.say(PkiBody::CertConf(vec![status]), message.header())?;
        self.asked = self.last.clone();
        self.granted = Some(granted);
        Ok(Step::Send)
    }

    /// RFC 9483 §4.1.1: caPubs MAY be in ip; §4.1.2, §4.1.3: in cp and kup it MUST be absent, and is looked past.
    fn roots(&self, answer: &CertRepMessage, body: &PkiBody) -> Result<Vec<Vec<u8>>, CmpError> {
        let taken = self.client.takes_roots || matches!(self.client.means, Means::Mac(_));
        match (&answer.ca_pubs, body) {
            (Some(roots), PkiBody::Ip(_)) if taken => octets(roots),
            _ => Ok(Vec::new()),
        }
    }

    fn confirmed(&self) -> Result<Step, CmpError> {
        self.outcome(self.granted.clone().ok_or(CmpError::NotKept)?)
    }

    fn outcome(&self, granted: Granted) -> Result<Step, CmpError> {
        if let Some(why) = granted.refused {
            return Err(CmpError::Certificate(why));
        }
        let sealed = granted.sealed.as_ref().map(Encode::to_der).transpose()?;
        let key = sealed.map(|sealed| central_key::open(&self.client, &sealed)).transpose();
        Ok(Step::Done(Outcome::Issued(Issued {
            certificate: granted.certificate.to_der()?,
            chain: octets(&granted.chain)?,
            roots: octets(&granted.roots)?,
            key: key.map_err(CmpError::Certificate)?,
            changed: granted.changed,
        })))
    }

    /// Returns the number and the key of the request, where it has one.
    fn requested(&self) -> Result<(i64, Option<PublicKey>), CmpError> {
        if let PkiBody::P10cr(request) = self.asked.body() {
            // RFC 9483 §4.1.4: the certReqId MUST be -1.
            let request = CertificationRequest::from_der(&request.to_der()?);
            return Ok((-1, Some(request.map_err(|_| CmpError::NotKept)?.public_key().clone())));
        }
        let (PkiBody::Ir(requests) | PkiBody::Cr(requests) | PkiBody::Kur(requests)) = self.asked.body()
        else {
            return Err(CmpError::NotKept);
        };
        Ok((0, template_key(requests)?))
    }
}

fn template_key(requests: &[CertReqMsg]) -> Result<Option<PublicKey>, CmpError> {
    let Some(request) = requests.first() else { return Ok(None) };
    let Some(key) = request.request()?.cert_template.public_key else { return Ok(None) };
    PublicKey::from_spki_der(&key.to_der()?).map(Some).map_err(|_| CmpError::NotKept)
}

fn is_waiting(status: &PkiStatusInfo) -> bool {
    status.status() == Some(PkiStatus::Waiting)
}

/// Returns the certificate of a positive response, and the private key where the authority made it: an `EnvelopedData`, DER.
fn clear_certificate(response: &CertResponse) -> Result<(Certificate, Option<Vec<u8>>), CmpError> {
    let Some(CertifiedKeyPair { cert_or_enc_cert, private_key, .. }) = &response.certified_key_pair else {
        return Err(CmpError::Answer("it grants a certificate and holds none"));
    };
    let CertOrEncCert::Certificate(certificate) = cert_or_enc_cert else {
        return Err(CmpError::Answer("it holds an encrypted certificate"));
    };
    let certificate = Certificate::from_der(&certificate.to_der()?)
        .map_err(|_| CmpError::Answer("the certificate in it cannot be read"))?;
    let sealed = match private_key {
        None => None,
        // RFC 9483 §4.1.6: privateKey MUST be an EnvelopedData structure.
        Some(key) => {
            Some(key.enveloped()?.ok_or(CmpError::Answer("its private key is not in EnvelopedData"))?)
        }
    };
    Ok((certificate, sealed))
}

fn changed(status: &PkiStatusInfo) -> Option<String> {
    let text = || status.status_string.as_ref().map(|lines| lines.join("; ")).unwrap_or_default();
    (status.status() == Some(PkiStatus::GrantedWithMods)).then(text)
}

/// RFC 9483 §4.2: one status; a CA that signs by its own key speaks for its own certificates.
fn revoked(details: &[RevDetails], answer: &RevRepContent, author: &Author) -> Result<Step, CmpError> {
    let [status] = answer.status.as_slice() else {
        return Err(CmpError::Answer("it holds another number of answers than one"));
    };
    let outcome = match status.status() {
        Some(PkiStatus::Accepted) => Outcome::Revoked,
        // RFC 9483 §3.6.4: certRevoked says that it is revoked already, which is what was wanted.
        _ if status.failures() == [PkiFailureInfo::CertRevoked] && !releases(details) => {
            Outcome::RevokedBefore
        }
        _ => return Err(CmpError::Refused(Refusal::of(status))),
    };
    let issuer = details.first().and_then(|one| one.cert_details.issuer.as_ref());
    let issuer = issuer.map(Encode::to_der).transpose()?;
    let issuer = issuer.and_then(|der| DistinguishedName::from_der(&der).ok());
    match author {
        Author::Authority(authority) if issuer.as_ref() != Some(authority.subject()) => {
            Err(CmpError::Unproven("a CA that did not issue the certificate signed it".to_owned()))
        }
        Author::Authority(_) | Author::Appointed | Author::SecretHolder => Ok(Step::Done(outcome)),
    }
}

/// Tells whether a certificate was to be taken off hold.
fn releases(details: &[RevDetails]) -> bool {
    let extensions = details.iter().filter_map(|one| one.crl_entry_details.as_deref()).flatten();
    let mut reasons = extensions.filter(|extension| extension.extn_id == oid::CRL_REASON);
    reasons.any(|reason| reason.extn_value.as_bytes().last() == Some(&ReasonCode::REMOVE_FROM_CRL))
}

fn octets(values: &[Any]) -> Result<Vec<Vec<u8>>, CmpError> {
    Ok(values.iter().map(Encode::to_der).collect::<der::Result<_>>()?)
}

fn anys(all: &[Vec<u8>]) -> der::Result<Vec<Any>> {
    all.iter().map(|der| Any::from_der(der)).collect()
}

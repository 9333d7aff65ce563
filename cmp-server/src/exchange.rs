//! One message, from its octets to those of its answer; and the record that every refusal leaves.
//!
//! Synchronous, for the worker pool: it waits for the ledger and the signer. It knows no HTTP. What each operation does stands
//! in a module of its own. RFC 9483 §3.5, §3.6.

mod nested;
mod general;
mod revocation;
mod polling;
mod confirmation;
mod enrolment;
mod forwarding;
mod template;
mod central_key;
mod transaction;

use std::net::SocketAddr;
use std::sync::Arc;

use ca_core::actor::{Actor, Identity};
use ca_core::authority::CertificationAuthority;
use ca_core::validity::UnixTime;
use cmp_messages::body::PkiBody;
use cmp_messages::error_message::ErrorMsgContent;
use cmp_messages::header::PkiHeader;
use cmp_messages::message::{PkiMessage, header_of};
use server_kit::workers::Party;
use sha2::{Digest, Sha256};

use self::enrolment::Wish;
use crate::config::{CmpConfig, Label, SignMessageError};
use crate::header;
use crate::memory;
use crate::observation;
use crate::protect::{Answering, Draft, Sealed};
use crate::refusal::{Refusal, TransferRefusal};
use crate::reply::rejection;
use crate::sender::{Gate, Means, Sender, Unproven, claimed_client, is_under_mac, prove};
use cmp_messages::operation::Operation;

/// Where a message came in.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) config: Arc<CmpConfig>,
    /// The label that the path names.
    pub(crate) label: Option<Arc<Label>>,
    /// The operation that the path names.
    pub(crate) operation: Option<Operation>,
    pub(crate) peer: SocketAddr,
    /// Whether the message came in another one.
    pub(crate) is_inner: bool,
}

/// A message whose header is checked and whose sender is known.
struct Case<'a> {
    exchange: &'a Exchange,
    label: &'a Label,
    message: &'a PkiMessage,
    octets: &'a [u8],
    transaction_id: Vec<u8>,
    sender: Sender,
    now: UnixTime,
}

/// What became of a message that was worked on.
struct Worked {
    /// The answer, DER.
    der: Vec<u8>,
    note: Note,
}

/// What is counted of an answer.
enum Note {
    Answered,
    Waiting,
    /// The body of the answer refuses what the body of the message asks for.
    Refused(Refusal),
}

impl Worked {
    fn answered(sealed: Sealed) -> Self {
        Self { der: sealed.der, note: Note::Answered }
    }

    fn again(der: Vec<u8>) -> Self {
        Self { der, note: Note::Answered }
    }
}

/// A message that could not be worked on, with all that is known of its sender.
struct Refused {
    refusal: Refusal,
    actor: Option<Box<Actor>>,
    /// How he is answered.
    means: Option<Box<Means>>,
}

impl Refused {
    fn of(sender: Sender, refusal: Refusal) -> Self {
        Self { refusal, actor: Some(Box::new(sender.actor)), means: Some(Box::new(sender.means)) }
    }
}

impl From<Unproven> for Refused {
    fn from(Unproven { refusal, means }: Unproven) -> Self {
        Self { refusal, actor: None, means }
    }
}

impl Exchange {
    /// Answers one message, counted and logged; a refusal is then on record.
    ///
    /// # Errors
    /// [`TransferRefusal`] where there is nothing to answer, or no way to.
    pub(crate) fn answer(&self, octets: &[u8]) -> Result<Vec<u8>, TransferRefusal> {
        let begun = tokio::time::Instant::now();
        let answer = self.answer_octets(octets);
        observation::took(begun.elapsed());
        answer
    }

    fn answer_octets(&self, octets: &[u8]) -> Result<Vec<u8>, TransferRefusal> {
        match PkiMessage::decode(octets) {
            Ok(message) if message.body().is_announcement() => Err(TransferRefusal::Announcement),
            Ok(message) => self.answer_message(octets, &message),
            // C-01: whoever can be answered is answered.
            Err(cause) => {
                let header = header_of(octets).ok_or(cause)?;
                let refused = Unproven::without_proof(&header, cause.into()).into();
                self.refuse(self.some_label()?, &header, "none", refused)
            }
        }
    }

    fn answer_message(&self, octets: &[u8], message: &PkiMessage) -> Result<Vec<u8>, TransferRefusal> {
        let op = message.body().name();
        let label = match self.route(message) {
            Ok(label) => label,
            Err(refusal) => {
                let label = self.some_label()?;
                let refused = self.unexamined(label, message, refusal);
                return self.refuse(label, message.header(), op, refused);
            }
        };
        match self.work(&label, octets, message) {
            Ok(Worked { der, note }) => {
                match note {
                    Note::Answered => observation::answered(op),
                    Note::Waiting => observation::waiting(op),
                    Note::Refused(refusal) => observation::refused(op, self.peer, &refusal),
                }
                Ok(der)
            }
            Err(refused) => self.refuse(&label, message.header(), op, refused),
        }
    }

    /// Whose share of the threads the message takes: the tenant's at whose label it came in (H-09), since nobody has read it yet.
    pub(crate) fn party(&self) -> Party {
        let label = self.label.as_ref().or_else(|| self.config.default_label());
        label.map_or_else(Party::default, |label| label.parts().authority.issuer().tenant().as_str().into())
    }

    /// Finds the label. C-25: what the path names the message may repeat, but not change.
    fn route(&self, message: &PkiMessage) -> Result<Arc<Label>, Refusal> {
        let named = message.header().cert_profile().map_err(|_| Refusal::CertProfile)?;
        match (&self.label, named) {
            (Some(label), None) => Ok(Arc::clone(label)),
            (Some(label), Some(name)) if label.is_called(&name) => Ok(Arc::clone(label)),
            (Some(_), Some(_)) => Err(Refusal::ProfilesDisagree),
            (None, Some(name)) => self.called(&name),
            // RFC 9483 §3.1: certProfile MUST be omitted in the later messages of a transaction.
            (None, None) => match self.begun(message)? {
                Some(begun) => self.route(&begun),
                None => self.config.default_label().cloned().ok_or(Refusal::NoSuchProfile),
            },
        }
    }

    /// Finds a label by its name, or by that of its profile.
    fn called(&self, name: &str) -> Result<Arc<Label>, Refusal> {
        let of_profile = || self.config.labels().find(|label| label.is_called(name));
        self.config.label(name).or_else(of_profile).cloned().ok_or(Refusal::NoSuchProfile)
    }

    /// Returns the message that began the transaction which a later message says it belongs to.
    fn begun(&self, message: &PkiMessage) -> Result<Option<PkiMessage>, Refusal> {
        let (Some(client), Some(id), true) =
            (claimed_client(message), &message.header().transaction_id, message.body().is_later())
        else {
            return Ok(None);
        };
        // One ledger keeps the transactions of all labels.
        let Some(label) = self.config.labels().next() else { return Ok(None) };
        Ok(memory::begun(label.parts().authority.transactions(), &client, id.as_bytes())?)
    }

    /// In whose name those are answered who named nobody.
    fn some_label(&self) -> Result<&Label, TransferRefusal> {
        let first = || self.config.labels().next();
        let label = self.label.as_ref().or_else(|| self.config.default_label()).or_else(first);
        label.map(Arc::as_ref).ok_or(TransferRefusal::NoSuchPath)
    }

    fn work(&self, label: &Label, octets: &[u8], message: &PkiMessage) -> Result<Worked, Refused> {
        let now = self.config.clock().now();
        let transaction_id =
            self.examine(message, now).map_err(|refusal| self.unexamined(label, message, refusal))?;
        let sender = prove(&self.gate(label, now), message)?;
        let case = Case { exchange: self, label, message, octets, transaction_id, sender, now };
        case.work().map_err(|refusal| Refused::of(case.sender, refusal))
    }

    fn gate<'a>(&'a self, label: &'a Label, now: UnixTime) -> Gate<'a> {
        Gate { label, registry: self.config.registry(), now }
    }

    /// Checks what a message says of itself, before its protection is looked at.
    fn examine(&self, message: &PkiMessage, now: UnixTime) -> Result<Vec<u8>, Refusal> {
        let transaction_id = header::check(message.header(), now, self.config.time_window_seconds())?;
        // RFC 9483 §3.1: recipNonce MUST be absent in the first message.
        if message.header().recip_nonce.is_some() && !message.body().is_later() {
            return Err(Refusal::FirstRecipientNonce);
        }
        if self.operation.is_some_and(|operation| !operation.takes(message.body())) {
            return Err(Refusal::OtherOperation { body: message.body().name() });
        }
        Ok(transaction_id)
    }

    /// Refuses a message for what it says of itself. Whoever shares a secret can verify nothing but its MAC, so that it is looked
    /// at for the answer's sake (RFC 9483 §3.6.4): one MAC, whether it is right or wrong.
    fn unexamined(&self, label: &Label, message: &PkiMessage, refusal: Refusal) -> Refused {
        if !is_under_mac(message.header()) {
            return Unproven::without_proof(message.header(), refusal).into();
        }
        match prove(&self.gate(label, self.config.clock().now()), message) {
            Ok(sender) => Refused::of(sender, refusal),
            Err(Unproven { means, .. }) => Unproven { refusal, means }.into(),
        }
    }

    /// Refuses a message with an error message (RFC 9483 §3.6.4).
    fn refuse(
        &self,
        label: &Label,
        request: &PkiHeader,
        op: &'static str,
        Refused { refusal, actor, means }: Refused,
    ) -> Result<Vec<u8>, TransferRefusal> {
        let now = self.config.clock().now();
        let nobody = self.nobody(&label.parts().authority);
        let refusal = record(label, actor.as_deref().unwrap_or(&nobody), refusal);
        observation::refused(op, self.peer, &refusal);
        let content =
            ErrorMsgContent { pki_status_info: rejection(&refusal)?, error_code: None, error_details: None };
        let answering = Answering { label, request, means: means.as_deref(), now };
        match answering.seal(Draft::of(PkiBody::Error(content))) {
            Ok(sealed) => Ok(sealed.der),
            Err(Refusal::Unavailable(unavailable)) => Err(unavailable.into()),
            Err(Refusal::NotEncoded(cause)) => Err(cause.into()),
            Err(Refusal::NotSigned(SignMessageError::Signer(error))) => {
                Err(TransferRefusal::NotSigned(error))
            }
            Err(cause) => {
                tracing::warn!(op, %cause, "an error message cannot be signed");
                Err(TransferRefusal::Unavailable(ca_core::ports::Unavailable {
                    port: "signer",
                    cause: Box::new(cause),
                }))
            }
        }
    }

    /// Whom a record names of whom nothing is known.
    fn nobody(&self, authority: &CertificationAuthority) -> Actor {
        let identity = Identity::Unauthenticated { peer: self.peer.to_string() };
        Actor { tenant: authority.issuer().tenant().clone(), identity }
    }
}

impl Case<'_> {
    /// RFC 9483 §4, §5.2: what each type of message asks for. There is no other way to be answered than by a line here.
    fn work(&self) -> Result<Worked, Refusal> {
        self.check_shown()?;
        match self.message.body() {
            PkiBody::Ir(messages) => enrolment::begin(self, Wish::First(messages)),
            PkiBody::Cr(messages) => enrolment::begin(self, Wish::Further(messages)),
            PkiBody::Kur(messages) => enrolment::begin(self, Wish::Update(messages)),
            PkiBody::P10cr(request) => enrolment::begin(self, Wish::Pkcs10(request)),
            PkiBody::CertConf(statuses) => confirmation::confirm(self, statuses),
            PkiBody::PollReq(polls) => polling::poll(self, polls),
            PkiBody::Rr(details) => revocation::revoke(self, details),
            PkiBody::Genm(questions) => general::tell(self, questions),
            PkiBody::Nested(messages) => nested::answer_each(self, messages),
            // C-23: known, and not done here.
            PkiBody::Ip(_)
            | PkiBody::Cp(_)
            | PkiBody::Popdecc(_)
            | PkiBody::Popdecr(_)
            | PkiBody::Kup(_)
            | PkiBody::Krr(_)
            | PkiBody::Krp(_)
            | PkiBody::Rp(_)
            | PkiBody::Ccr(_)
            | PkiBody::Ccp(_)
            | PkiBody::Ckuann(_)
            | PkiBody::Cann(_)
            | PkiBody::Rann(_)
            | PkiBody::Crlann(_)
            | PkiBody::PkiConf(_)
            | PkiBody::Genp(_)
            | PkiBody::Error(_)
            | PkiBody::PollRep(_) => Err(Refusal::NotServed { body: self.message.body().name() }),
        }
    }

    /// RFC 9483 §3.5: the status of the certificate that protects a message is checked; enrolment and revocation do it themselves.
    fn check_shown(&self) -> Result<(), Refusal> {
        let enrols = Wish::of(self.message.body()).is_some();
        // The authority looks at what the device showed, whose request it is.
        let leads_to_the_authority = enrols && forwarding::of(self.message.header())?.is_none();
        if leads_to_the_authority || matches!(self.message.body(), PkiBody::Rr(_)) {
            return Ok(());
        }
        self.authority().check_shown(&self.sender.actor).map_err(Refusal::Shown)
    }

    fn authority(&self) -> &CertificationAuthority {
        &self.label.parts().authority
    }

    /// SHA-256 of the message, by which it is known again.
    fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.octets).into()
    }

    fn seal(&self, draft: Draft) -> Result<Sealed, Refusal> {
        self.seal_for(self.message.header(), draft)
    }

    /// Seals the answer to this message, or, after polling, to the one that began the transaction.
    fn seal_for(&self, request: &PkiHeader, draft: Draft) -> Result<Sealed, Refusal> {
        let means = Some(&self.sender.means);
        Answering { label: self.label, request, means, now: self.now }.seal(draft)
    }

    /// Tells whether it is known that this message cannot be answered now: then nothing is done for it.
    fn check_answerable(&self) -> Result<(), Refusal> {
        let (request, means) = (self.message.header(), Some(&self.sender.means));
        Answering { label: self.label, request, means, now: self.now }.check_sealable()
    }

    /// Puts the refusal of what a body asks for on record. One that cannot be is an error, so that it is not kept as the answer.
    fn record(&self, refusal: Refusal) -> Result<Refusal, Refusal> {
        let refusal = record(self.label, &self.sender.actor, refusal);
        if matches!(refusal, Refusal::NotRecorded(_)) { Err(refusal) } else { Ok(refusal) }
    }
}

/// Puts a refusal on record under the label's authority, and returns it; or, if that cannot be done, another one. What the
/// authority refused it has recorded itself.
fn record(label: &Label, actor: &Actor, refusal: Refusal) -> Refusal {
    if matches!(refusal, Refusal::NotIssued(_) | Refusal::NotRevoked(_) | Refusal::NotConfirmed(_)) {
        return refusal;
    }
    let detail = format!("CMP message at label {}", label.name());
    match label.parts().authority.record_refusal(actor, &detail, refusal.code()) {
        Ok(()) => refusal,
        Err(unavailable) => Refusal::NotRecorded(unavailable),
    }
}

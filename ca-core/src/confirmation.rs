//! What becomes of a certificate that its holder must confirm: he does, he refuses it, or his time is over. Nothing is issued here.
//!
//! Which end may follow which stage is said in `record`, and decided by the ledger inside its transaction: whatever is not
//! confirmed is revoked with it, once. RFC 9483 §4.1.1.

use crate::actor::{Actor, Identity};
use crate::audit::{Act, AuditEvent};
use crate::fault::Fault;
use crate::hexadecimal::hexadecimal;
use crate::issuer::Issuer;
use crate::ports::{StatusSource, Transactions, Unavailable};
use crate::reason::ReasonCode;
use crate::record::{
    CertificateId, CertificateQuery, CertificateStatus, Conclusion, Outcome, Revocation, RevocationRecord,
    Stage, StatusKind, StoredCertificate, Transaction, TransactionConflict,
};
use crate::validity::UnixTime;

/// The longest reason of a refusal that is put on record, in characters.
const MAX_REASON: usize = 200;

/// What the holder of a certificate says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// Who speaks: the one who asked for the certificate.
    pub actor: Actor,
    /// In which transaction.
    pub key: [u8; 32],
    /// SHA-256 of his message.
    pub message: [u8; 32],
    /// Whether it is the certificate he wants.
    pub acceptance: Acceptance,
    /// What he is answered, if it is on record then.
    pub answer: Vec<u8>,
}

/// Whether a certificate is the one its holder wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    /// It is.
    Accepted,
    /// It is not.
    Refused {
        /// Why, in his words.
        reason: String,
    },
}

/// What one look at the transactions whose time is over came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lapses {
    /// How many were closed.
    pub closed: usize,
    /// How many certificates were revoked with them.
    pub revoked: usize,
    /// Whether others were not looked at.
    pub more: bool,
}

/// What the verbs look at.
pub(crate) struct Confirming<'a> {
    pub issuer: &'a Issuer,
    pub status: &'a dyn StatusSource,
    pub transactions: &'a dyn Transactions,
    pub now: UnixTime,
}

impl Confirmation {
    /// Says in words what was tried, for the record of a refusal.
    pub(crate) fn wish(&self) -> String {
        let what = match &self.acceptance {
            Acceptance::Accepted => "confirmation",
            Acceptance::Refused { .. } => "refusal",
        };
        format!("{what} in transaction {}", hexadecimal(&self.key))
    }
}

impl Confirming<'_> {
    /// Closes a transaction as its requester says. The same message again finds it closed, with the same answer.
    pub(crate) fn confirm(&self, said: Confirmation) -> Result<Transaction, ConfirmError> {
        let known = self.transactions.transaction(&said.key)?;
        let known = known.filter(|known| known.issuer == self.issuer.key());
        let known = known.ok_or(ConfirmError::Conflict(TransactionConflict::Unknown))?;
        if known.tenant != said.actor.tenant || known.requester != said.actor.to_string() {
            return Err(ConfirmError::NotEntitled);
        }
        let stored = match &known.stage {
            Stage::Unconfirmed { certificate } => self.status.certificate(certificate)?,
            Stage::Answering | Stage::Waiting | Stage::Closed(_) => None,
        };
        let (outcome, act, reason) = match &said.acceptance {
            Acceptance::Accepted => (Outcome::Confirmed, Act::CertificateConfirmed, String::new()),
            Acceptance::Refused { reason } => (Outcome::Refused, Act::CertificateRefused, readable(reason)),
        };
        let revoked = stored.as_ref().filter(|_| outcome == Outcome::Refused);
        let conclusion = Conclusion {
            key: said.key,
            outcome,
            last: Some((said.message, said.answer)),
            revocation: revoked
                .and_then(|stored| self.revocation(stored, &said.actor, "refused by its requester")),
            event: AuditEvent { reason, ..self.event(&said.actor, act, &known, stored.as_ref()) },
        };
        match self.transactions.conclude(conclusion)? {
            Ok(closed) => Ok(closed),
            // It came twice, and the other one was quicker.
            Err(TransactionConflict::Closed(_)) => self.answered_before(&said.key, said.message),
            Err(conflict) => Err(ConfirmError::Conflict(conflict)),
        }
    }

    fn answered_before(&self, key: &[u8; 32], message: [u8; 32]) -> Result<Transaction, ConfirmError> {
        match self.transactions.transaction(key)? {
            Some(Transaction { stage: Stage::Closed(outcome), request, .. }) if request != message => {
                Err(ConfirmError::Conflict(TransactionConflict::Closed(outcome)))
            }
            Some(closed) => Ok(closed),
            None => Err(ConfirmError::Conflict(TransactionConflict::Unknown)),
        }
    }

    /// Closes transactions whose time is over, at most `limit`, and revokes what nobody confirmed in them.
    // RFC 9483 §4.1.1: without a certConf in time the CA MUST handle it like a rejection.
    pub(crate) fn lapse(&self, limit: usize) -> Result<Lapses, Unavailable> {
        let due = self.transactions.transactions_due(&self.issuer.key(), self.now, limit)?;
        let full = due.len() >= limit;
        let mut lapses = Lapses::default();
        for transaction in due {
            let stored = self.made_in(&transaction)?;
            // What is being signed at this moment is looked at when it has ended.
            if stored.as_ref().is_some_and(|stored| stored.status == CertificateStatus::Pending) {
                continue;
            }
            let actor = self.clockwork();
            let revocation = stored
                .as_ref()
                .and_then(|stored| self.revocation(stored, &actor, "nobody confirmed it in time"));
            let revoked = usize::from(revocation.is_some());
            let conclusion = Conclusion {
                key: transaction.key,
                outcome: Outcome::Lapsed,
                last: None,
                revocation,
                event: self.event(&actor, Act::TransactionLapsed, &transaction, stored.as_ref()),
            };
            // Whoever was quicker has closed it; what came between is seen at the next look.
            if self.transactions.conclude(conclusion)?.is_ok() {
                lapses.closed = lapses.closed.saturating_add(1);
                lapses.revoked = lapses.revoked.saturating_add(revoked);
            }
        }
        Ok(Lapses { more: full && lapses.closed > 0, ..lapses })
    }

    /// The certificate that was made in a transaction, also when a crash came before its answer.
    fn made_in(&self, transaction: &Transaction) -> Result<Option<StoredCertificate>, Unavailable> {
        if let Stage::Unconfirmed { certificate } = &transaction.stage {
            return self.status.certificate(certificate);
        }
        let query =
            CertificateQuery { request: Some(transaction.key), limit: 1, ..CertificateQuery::default() };
        let made = self.status.certificates(&query)?.pop();
        Ok(made.filter(|stored| stored.recorded_at >= transaction.opened_at))
    }

    /// The revocation of a certificate that is good or on hold. RFC 5280 §5.3.1: nobody uses it, and its key is not suspected.
    fn revocation(&self, stored: &StoredCertificate, actor: &Actor, why: &str) -> Option<RevocationRecord> {
        if !matches!(stored.status.kind(), Some(StatusKind::Good | StatusKind::OnHold)) {
            return None;
        }
        let reason = ReasonCode::CessationOfOperation;
        let event = AuditEvent {
            time: self.now,
            tenant: self.issuer.tenant().clone(),
            actor: actor.to_string(),
            act: Act::CertificateRevoked,
            issuer: Some(stored.id.issuer),
            serial: Some(stored.id.serial.clone()),
            reason: reason.name().to_owned(),
            detail: format!("{}; {why}", stored.subject),
            digest: Vec::new(),
        };
        let revocation = Revocation { time: self.now, reason, invalidity_date: None };
        Some(RevocationRecord { id: stored.id.clone(), revocation, event })
    }

    fn event(
        &self,
        actor: &Actor,
        act: Act,
        transaction: &Transaction,
        stored: Option<&StoredCertificate>,
    ) -> AuditEvent {
        let subject = stored.map_or("no certificate", |stored| &stored.subject);
        AuditEvent {
            time: self.now,
            tenant: transaction.tenant.clone(),
            actor: actor.to_string(),
            act,
            issuer: Some(transaction.issuer),
            serial: stored.map(|StoredCertificate { id: CertificateId { serial, .. }, .. }| serial.clone()),
            reason: String::new(),
            detail: format!("{subject}; asked for by {}", transaction.requester),
            digest: transaction.key.to_vec(),
        }
    }

    fn clockwork(&self) -> Actor {
        Actor {
            tenant: self.issuer.tenant().clone(),
            identity: Identity::Process { name: "confirmation-deadline" },
        }
    }
}

/// Words that a stranger sent, as they may stand on record.
fn readable(reason: &str) -> String {
    reason.chars().take(MAX_REASON).map(|one| if one.is_control() { ' ' } else { one }).collect()
}

/// Why a confirmation was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// Who speaks did not ask for the certificate.
    #[error("only who asked for a certificate confirms or refuses it")]
    NotEntitled,
    /// The transaction does not stand so that this can follow.
    #[error("{}", sentence(.0))]
    Conflict(TransactionConflict),
    /// The ledger cannot answer; nothing was recorded.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

fn sentence(conflict: &TransactionConflict) -> String {
    match conflict {
        TransactionConflict::Unknown => "no such transaction is on record".to_owned(),
        TransactionConflict::Over { ends_at } => format!("the time of the transaction was over at {ends_at}"),
        TransactionConflict::NotOver { ends_at } => format!("the transaction has time until {ends_at}"),
        TransactionConflict::Closed(outcome) => format!("the transaction is closed: {}", outcome.name()),
        TransactionConflict::Overtaken => {
            "another message of the transaction was answered meanwhile".to_owned()
        }
        TransactionConflict::OutOfTurn => "the transaction does not stand so that this can follow".to_owned(),
        TransactionConflict::OtherCertificate => {
            "the certificate was not made in this transaction".to_owned()
        }
        TransactionConflict::BeingIssued => "its certificate is being made at this moment".to_owned(),
        TransactionConflict::TooLong => {
            format!("an answer has at most {} octets", Transaction::MAX_OCTETS)
        }
    }
}

impl ConfirmError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotEntitled => "transaction.other-requester",
            Self::Conflict(conflict) => match conflict {
                TransactionConflict::Unknown => "transaction.unknown",
                TransactionConflict::Over { .. } => "transaction.over",
                TransactionConflict::NotOver { .. } => "transaction.not-over",
                TransactionConflict::Closed(_) => "transaction.closed",
                TransactionConflict::Overtaken => "transaction.overtaken",
                TransactionConflict::OutOfTurn => "transaction.out-of-turn",
                TransactionConflict::OtherCertificate => "transaction.other-certificate",
                TransactionConflict::BeingIssued => "transaction.being-issued",
                TransactionConflict::TooLong => "transaction.too-long",
            },
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::NotEntitled
            | Self::Conflict(TransactionConflict::Unknown | TransactionConflict::OutOfTurn) => {
                Fault::Requester
            }
            Self::Conflict(
                TransactionConflict::Over { .. }
                | TransactionConflict::NotOver { .. }
                | TransactionConflict::Closed(_)
                | TransactionConflict::Overtaken
                | TransactionConflict::OtherCertificate,
            ) => Fault::Conflict,
            Self::Conflict(TransactionConflict::TooLong) => Fault::Ours,
            Self::Conflict(TransactionConflict::BeingIssued) | Self::Unavailable(_) => Fault::Unavailable,
        }
    }
}

//! A transaction: messages under one name that belong together, the last of them answered and perhaps to be confirmed.
//!
//! Pure: the ledger asks here, and writes down what follows, inside its transaction. Which messages there are, and how they are
//! answered, is the front end's; that a certificate which nobody confirms is revoked, is the verb `lapse`'s.
//! RFC 9483 §4.1.1, RFC 9810 §5.1.1.2.

use crate::audit::AuditEvent;
use crate::key_ref::KeyRef;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

use super::{CertificateId, RevocationRecord};

/// A transaction that is open, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// SHA-256 over all that names it: front end, client, and the number the client gave it. Nobody else's name is the same,
    /// whatever number he guesses. It is the idempotency key of the one request for a certificate in it.
    pub key: [u8; 32],
    /// The key that would sign its certificate.
    pub issuer: KeyRef,
    /// Whose certificate it would be.
    pub tenant: TenantId,
    /// Who asked, as audit records name it.
    pub requester: String,
    /// When it began. A certificate that is older is not of it.
    pub opened_at: UnixTime,
    /// The last second in which anything follows but its end.
    pub ends_at: UnixTime,
    /// SHA-256 of the message that was answered last, or is being answered.
    pub request: [u8; 32],
    /// That answer, as it was sent; empty while there is none.
    pub answer: Vec<u8>,
    /// What the front end must remember for the next message.
    pub memo: Vec<u8>,
    /// Where it stands.
    pub stage: Stage,
}

/// Where a transaction stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Its first message is being answered, or a crash came before the answer.
    Answering,
    /// It waits for people, and is asked for again.
    Waiting,
    /// A certificate answered it, and its holder has not said yet whether it is the right one.
    Unconfirmed {
        /// Which.
        certificate: CertificateId,
    },
    /// Nothing follows; the last answer is given again.
    Closed(Outcome),
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It was answered, and there is nothing to be confirmed.
    Answered,
    /// The holder confirmed the certificate.
    Confirmed,
    /// The holder refused the certificate, which is revoked.
    Refused,
    /// Its time was over; a certificate that it had is revoked.
    Lapsed,
}

impl Outcome {
    /// Returns its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::Lapsed => "lapsed",
        }
    }
}

/// How many transactions may be open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransactionBounds {
    /// Of one requester.
    pub of_requester: u32,
    /// Of one tenant.
    pub of_tenant: u32,
}

impl Default for TransactionBounds {
    /// A concentrator that asks for all its meters at once, and a tenant with some of them.
    fn default() -> Self {
        Self { of_requester: 16_384, of_tenant: 65_536 }
    }
}

/// What became of a transaction that was to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It is on record; its message may be worked on.
    New,
    /// One of that name is on record, and as it was.
    Known(Box<Transaction>),
    /// Too many of this requester, or of its tenant, are open.
    TooMany,
}

/// An answer to be kept, before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionAnswer {
    /// Of which transaction.
    pub key: [u8; 32],
    /// The present.
    pub now: UnixTime,
    /// The message answered last, as it was read: if another was answered meanwhile, this answer is not kept.
    pub before: [u8; 32],
    /// SHA-256 of the message that is answered.
    pub request: [u8; 32],
    /// The answer.
    pub answer: Vec<u8>,
    /// What the front end must remember.
    pub memo: Vec<u8>,
    /// Where the transaction stands from now on; not [`Stage::Answering`].
    pub stage: Stage,
    /// Until when.
    pub ends_at: UnixTime,
}

/// The end of a transaction, with the revocation of what was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// Of which transaction.
    pub key: [u8; 32],
    /// How it ends; not [`Outcome::Answered`].
    pub outcome: Outcome,
    /// SHA-256 of the message that ends it, and the answer to that; `None` when time does.
    pub last: Option<([u8; 32], Vec<u8>)>,
    /// The revocation of its certificate, if it has one that was not accepted.
    pub revocation: Option<RevocationRecord>,
    /// The audit event `CertificateConfirmed`, `CertificateRefused` or `TransactionLapsed`, in the same transaction.
    pub event: AuditEvent,
}

/// Why nothing follows in a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionConflict {
    /// No such transaction is on record.
    Unknown,
    /// Its time is over: it lapses, or has.
    Over {
        /// The last second it had.
        ends_at: UnixTime,
    },
    /// Its time is not over yet.
    NotOver {
        /// The last second it has.
        ends_at: UnixTime,
    },
    /// It is closed.
    Closed(Outcome),
    /// Another message was answered meanwhile.
    Overtaken,
    /// It does not stand so that this can follow: nothing waits to be confirmed, or something does.
    OutOfTurn,
    /// The certificate is not the one that was made in it.
    OtherCertificate,
    /// Its certificate is being made at this moment.
    BeingIssued,
    /// The answer or the memo has too many octets.
    TooLong,
}

impl Transaction {
    /// How long it is kept when it is closed, or its time is over, so that the last answer is given again.
    pub const KEPT_SECONDS: i64 = 86_400;

    /// How many octets an answer or a memo may have: a path of certificates and the message around it.
    pub const MAX_OCTETS: usize = 65_536;

    /// Tells whether something can follow, or must.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self.stage {
            Stage::Answering | Stage::Waiting | Stage::Unconfirmed { .. } => true,
            Stage::Closed(_) => false,
        }
    }

    /// Takes an answer in.
    ///
    /// # Errors
    /// [`TransactionConflict`]; nothing has changed.
    pub fn answer(&mut self, next: TransactionAnswer) -> Result<(), TransactionConflict> {
        self.check_in_time(next.now)?;
        if next.before != self.request {
            return Err(TransactionConflict::Overtaken);
        }
        let in_turn = matches!(self.stage, Stage::Answering | Stage::Waiting)
            && matches!(
                next.stage,
                Stage::Waiting | Stage::Unconfirmed { .. } | Stage::Closed(Outcome::Answered)
            );
        if !in_turn {
            return Err(TransactionConflict::OutOfTurn);
        }
        if next.answer.len() > Self::MAX_OCTETS || next.memo.len() > Self::MAX_OCTETS {
            return Err(TransactionConflict::TooLong);
        }
        let TransactionAnswer { request, answer, memo, stage, ends_at, .. } = next;
        *self = Self { request, answer, memo, stage, ends_at, ..self.clone() };
        Ok(())
    }

    /// Takes its end in. Whether a certificate must be revoked with it is for the ledger to see.
    ///
    /// # Errors
    /// [`TransactionConflict`]; nothing has changed.
    pub fn conclude(
        &mut self,
        outcome: Outcome,
        last: Option<([u8; 32], Vec<u8>)>,
        now: UnixTime,
    ) -> Result<(), TransactionConflict> {
        match (&self.stage, outcome) {
            (Stage::Closed(before), _) => return Err(TransactionConflict::Closed(*before)),
            // RFC 9483 §4.1.1: what is not confirmed in time is handled like a rejection, so that the two never meet.
            (Stage::Unconfirmed { .. }, Outcome::Confirmed | Outcome::Refused) => self.check_in_time(now)?,
            (_, Outcome::Lapsed) if now <= self.ends_at => {
                return Err(TransactionConflict::NotOver { ends_at: self.ends_at });
            }
            (_, Outcome::Lapsed) => {}
            (Stage::Answering | Stage::Waiting, Outcome::Confirmed | Outcome::Refused)
            | (_, Outcome::Answered) => return Err(TransactionConflict::OutOfTurn),
        }
        if let Some((request, answer)) = last {
            if answer.len() > Self::MAX_OCTETS {
                return Err(TransactionConflict::TooLong);
            }
            (self.request, self.answer) = (request, answer);
        }
        self.stage = Stage::Closed(outcome);
        Ok(())
    }

    const fn check_in_time(&self, now: UnixTime) -> Result<(), TransactionConflict> {
        match self.stage {
            Stage::Closed(outcome) => Err(TransactionConflict::Closed(outcome)),
            Stage::Answering | Stage::Waiting | Stage::Unconfirmed { .. } => {
                if now.seconds() <= self.ends_at.seconds() {
                    Ok(())
                } else {
                    Err(TransactionConflict::Over { ends_at: self.ends_at })
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serial_number::SerialNumber;

    const NOW: UnixTime = UnixTime::from_seconds(1_795_255_200);

    fn issuer() -> KeyRef {
        KeyRef::new([1; 20])
    }

    fn stages() -> [Stage; 7] {
        let serial = SerialNumber::from_octets(&[1]).unwrap();
        let certificate = CertificateId { issuer: issuer(), serial };
        [
            Stage::Answering,
            Stage::Waiting,
            Stage::Unconfirmed { certificate },
            Stage::Closed(Outcome::Answered),
            Stage::Closed(Outcome::Confirmed),
            Stage::Closed(Outcome::Refused),
            Stage::Closed(Outcome::Lapsed),
        ]
    }

    fn at_stage(stage: Stage) -> Transaction {
        Transaction {
            key: [7; 32],
            issuer: issuer(),
            tenant: TenantId::parse("dso").unwrap(),
            requester: "device:1".to_owned(),
            opened_at: NOW,
            ends_at: NOW.plus_seconds(100),
            request: [1; 32],
            answer: b"before".to_vec(),
            memo: Vec::new(),
            stage,
        }
    }

    /// Whether each stage, in their order, follows by an answer, and whether each outcome does by the end.
    fn follows(stage: &Stage, now: UnixTime) -> ([bool; 7], [bool; 4]) {
        let answers = stages().map(|next| {
            let mut known = at_stage(stage.clone());
            let answer = TransactionAnswer {
                key: known.key,
                now,
                before: known.request,
                request: [2; 32],
                answer: b"after".to_vec(),
                memo: b"memo".to_vec(),
                stage: next,
                ends_at: NOW.plus_seconds(200),
            };
            let done = known.answer(answer).is_ok();
            assert_eq!(known == at_stage(stage.clone()), !done, "nothing changes, or all of it");
            done
        });
        let ends =
            [Outcome::Answered, Outcome::Confirmed, Outcome::Refused, Outcome::Lapsed].map(|outcome| {
                let mut known = at_stage(stage.clone());
                let done = known.conclude(outcome, Some(([3; 32], b"end".to_vec())), now).is_ok();
                assert_eq!(known == at_stage(stage.clone()), !done, "nothing changes, or all of it");
                assert_eq!(known.stage == Stage::Closed(outcome), done || *stage == Stage::Closed(outcome));
                done
            });
        (answers, ends)
    }

    #[test]
    fn in_time_a_stage_is_followed_by_what_can_follow_it_and_nothing_lapses() {
        let [answering, waiting, unconfirmed, closed @ ..] = stages();
        let (last, none) = (NOW.plus_seconds(100), ([false; 7], [false; 4]));
        let answered = ([false, true, true, true, false, false, false], [false; 4]);
        assert_eq!(follows(&answering, last), answered);
        assert_eq!(follows(&waiting, last), answered);
        assert_eq!(follows(&unconfirmed, last), ([false; 7], [false, true, true, false]));
        for stage in closed {
            assert_eq!(follows(&stage, last), none);
        }
    }

    #[test]
    fn after_its_time_whatever_is_open_lapses_and_nothing_else_follows() {
        let late = NOW.plus_seconds(101);
        for stage in stages() {
            let lapses = at_stage(stage.clone()).is_open();
            assert_eq!(follows(&stage, late), ([false; 7], [false, false, false, lapses]));
        }
    }

    #[test]
    fn an_answer_to_another_state_of_things_or_too_long_a_one_is_not_taken() {
        let answer = |before, octets| TransactionAnswer {
            key: [7; 32],
            now: NOW,
            before,
            request: [2; 32],
            answer: vec![0; octets],
            memo: Vec::new(),
            stage: Stage::Waiting,
            ends_at: NOW,
        };
        let mut known = at_stage(Stage::Answering);
        assert_eq!(known.answer(answer([9; 32], 1)), Err(TransactionConflict::Overtaken));
        let longest = Transaction::MAX_OCTETS;
        assert_eq!(known.answer(answer([1; 32], longest + 1)), Err(TransactionConflict::TooLong));
        assert_eq!(known.answer(answer([1; 32], longest)), Ok(()));
        let [_, _, unconfirmed, ..] = stages();
        let end = Some(([3; 32], vec![0; longest + 1]));
        let outcome = at_stage(unconfirmed).conclude(Outcome::Confirmed, end, NOW);
        assert_eq!(outcome, Err(TransactionConflict::TooLong));
    }
}

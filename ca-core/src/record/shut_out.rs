//! What is revoked later, and which authorities are shut out: what is kept of both.

use super::{CertificateId, Mark};
use crate::audit::AuditEvent;
use crate::key_ref::KeyRef;
use crate::reason::ReasonCode;
use crate::validity::UnixTime;

/// A revocation that is due later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledRevocation {
    /// Which certificate.
    pub id: CertificateId,
    /// When it is due.
    pub due: UnixTime,
    /// Why.
    pub reason: ReasonCode,
    /// Since when the key is suspected.
    pub invalidity_date: Option<UnixTime>,
    /// Who asked for it, and when.
    pub asked: Mark,
    /// Whether it holds only while another certificate is in its place.
    pub if_replaced: bool,
}

impl ScheduledRevocation {
    /// Says when it is due, for its audit record: for people, and in seconds since 1970 for whoever reads it back.
    #[must_use]
    pub fn told(&self) -> String {
        format!("due {} ({})", self.due, self.due.seconds())
    }
}

/// An authority that is shut out: nobody is let in by certificates below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedKey {
    /// Its key.
    pub key: KeyRef,
    /// Who blocked it, and when.
    pub blocked: Mark,
    /// Why, in the operator's words.
    pub why: String,
    /// Who asked for it to be let in again, where another operator must agree.
    pub unblock_asked: Option<Mark>,
}

/// Somebody wants an authority to be let in again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unblock {
    /// Who, and when.
    pub mark: Mark,
    /// Whether two must want it.
    pub two_people: bool,
    /// The audit event `UnblockRequested`, if another must agree.
    pub asked: AuditEvent,
    /// The audit event `TrustUnblocked`, if it is let in.
    pub done: AuditEvent,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unblocked {
    /// Another operator must agree.
    Asked,
    /// It is let in again.
    Done,
}

/// Why nothing became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnblockConflict {
    /// It is not shut out.
    NotBlocked,
    /// The same operator asked for it before.
    SameOperator,
}

impl BlockedKey {
    /// Takes in that somebody wants it to be let in again.
    ///
    /// # Errors
    /// [`UnblockConflict`]; nothing has changed.
    pub fn unblock(&mut self, mark: &Mark, two_people: bool) -> Result<Unblocked, UnblockConflict> {
        match &self.unblock_asked {
            _ if !two_people => Ok(Unblocked::Done),
            Some(by) if by.by == mark.by => Err(UnblockConflict::SameOperator),
            Some(_) => Ok(Unblocked::Done),
            None => {
                self.unblock_asked = Some(mark.clone());
                Ok(Unblocked::Asked)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m_02_two_different_operators_let_an_authority_in_again() {
        let by = |name: &str| Mark { by: format!("operator:{name}"), at: UnixTime::from_seconds(1) };
        let blocked = || BlockedKey {
            key: KeyRef::new([1; 20]),
            blocked: by("ada"),
            why: "lost".to_owned(),
            unblock_asked: None,
        };
        let mut one = blocked();
        assert_eq!(one.unblock(&by("ada"), true), Ok(Unblocked::Asked));
        assert_eq!(one.unblock(&by("ada"), true), Err(UnblockConflict::SameOperator));
        assert_eq!(one.unblock(&by("bob"), true), Ok(Unblocked::Done));
        assert_eq!(blocked().unblock(&by("ada"), false), Ok(Unblocked::Done));
    }
}

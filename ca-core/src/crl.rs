//! Certificate revocation lists: which entries, which number, which times, and the one verb that issues them (RFC 5280 §5).
//!
//! Lists of one CA, in the scope of all it has issued or of one shard, complete or as a delta to a complete one: no indirect
//! lists. When a list is made, and where it is published, is decided elsewhere; nothing here decides that a certificate is
//! revoked, except that certificates of which nobody knows whether they exist are revoked after a grace time.

use core::fmt;

use der::Encode;
use der::asn1::BitStringRef;

pub mod restate;
mod draft;
mod before;
mod delta;
mod entries;
mod entry;
mod nested;
pub mod parsed;
#[cfg(test)]
mod tests;
mod wire;

use crate::actor::{Actor, Identity};
use crate::audit::{Act, AuditEvent};
use crate::fault::Fault;
use crate::issuer::Issuer;
use crate::lint::Finding;
use crate::lint::crl::{CrlLintInput, lint_crl};
use crate::octets::{Octets, OctetsError};
use crate::ports::{Clock, Ledger, SignError, Signer, StatusSource, Unavailable};
use crate::profile::CrlProfile;
use crate::reason::ReasonCode;
use crate::record::{
    CertificateId, CrlIntent, CrlNumberTaken, CrlRecord, Revocation, RevocationOutcome, RevocationRecord,
};
use crate::scope::CrlScope;
use crate::serial_number::SerialNumber;
use crate::signing::{IntegerLength, SignFailure, sign_read_verified};
use crate::to_be_signed::ToBeSigned;
use crate::validity::{UnixTime, Validity};
use before::Before;
use draft::{DraftCrl, Heading, algorithm};
use nested::sequence;
use parsed::ReadCrlError;

/// What a CRL is made for, by whom, and with what.
#[derive(Clone, Copy)]
pub struct CrlContext<'a> {
    /// The CA.
    pub issuer: &'a Issuer,
    /// How long its CRLs are valid.
    pub profile: &'a CrlProfile,
    /// Who asks for the CRL.
    pub actor: &'a Actor,
    /// Of what it speaks.
    pub scope: &'a CrlScope,
    /// The number of the complete CRL that it shall be a delta to, which must be published; `None` for a complete one.
    pub base: Option<u64>,
    /// From when it speaks, if not from now: a CA whose key is kept off line signs the CRLs of the time to come ahead.
    pub this_update: Option<UnixTime>,
    /// After how many seconds a certificate of which nobody knows whether it was signed is revoked.
    pub uncertain_grace_seconds: i64,
    /// The clock, asked once.
    pub clock: &'a dyn Clock,
    /// Where intent and CRL are recorded.
    pub ledger: &'a dyn Ledger,
    /// Where the revocations and the previous CRL come from.
    pub status: &'a dyn StatusSource,
    /// Holds the CA's key.
    pub signer: &'a dyn Signer,
}

impl CrlContext<'_> {
    fn speaks_from(&self, now: UnixTime) -> UnixTime {
        self.this_update.unwrap_or(now)
    }
}

impl fmt::Debug for CrlContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrlContext")
            .field("issuer", &self.issuer.key())
            .field("scope", self.scope)
            .field("base", &self.base)
            .field("profile", self.profile)
            .field("actor", self.actor)
            .finish_non_exhaustive()
    }
}

/// Issues the next CRL of a CA: drafted, checked, its intent recorded, signed, verified, recorded; in this order.
///
/// Its number is the last one of its scope plus one, complete CRLs and deltas counted together (RFC 5280 §5.2.3), or the present in seconds since 1970 if that is more, so that a ledger restored from
/// an old copy does not repeat one. Numbers count the order of signing, not of thisUpdate: a CRL that is signed later knows
/// more, and has the higher number also where others were signed ahead. Its nextUpdate never lies beyond the CA
/// certificate's notAfter. A refusal leaves an audit record, and the previous CRL stays the latest.
///
/// # Errors
/// [`CrlError`].
pub fn issue_crl(context: &CrlContext<'_>) -> Result<CrlRecord, CrlError> {
    let now = context.clock.now();
    issue_at(context, now).inspect_err(|refusal| record_refusal(context, now, refusal))
}

fn issue_at(context: &CrlContext<'_>, now: UnixTime) -> Result<CrlRecord, CrlError> {
    let recorded = match prepare(context, now, 0) {
        // A CRL was intended and never came to be, or another process was faster: once more, above that number.
        Err(CrlError::NumberTaken { last, .. }) => prepare(context, now, last)?,
        prepared => prepared?,
    };
    let issued = recorded.sign(context)?.record(context)?;
    Ok(issued.0)
}

/// Everything before the signature, under a number above `taken` and above those of the last CRLs.
fn prepare(context: &CrlContext<'_>, now: UnixTime, taken: u64) -> Result<RecordedCrl, CrlError> {
    let before = Before::read(context)?;
    check_clock(context, before.this_update(), now)?;
    revoke_uncertain(context, now)?;
    DraftCrl::new(context, now, &before, taken)?.lint(context)?.record(context)
}

fn check_clock(
    context: &CrlContext<'_>,
    last_update: Option<UnixTime>,
    now: UnixTime,
) -> Result<(), CrlError> {
    let validity = context.issuer.certificate().validity();
    let this_update = context.speaks_from(now);
    // nextUpdate must lie between thisUpdate and notAfter.
    if let Some(now) =
        [now, this_update].into_iter().find(|time| !validity.contains(*time) || *time == validity.not_after())
    {
        return Err(CrlError::IssuerNotValid { now, validity });
    }
    if this_update < now {
        return Err(CrlError::SpeaksOfThePast { this_update, now });
    }
    match last_update {
        // What was signed ahead says nothing of the clock; whoever signs ahead knows when it did.
        Some(_) if context.profile.signs_ahead() => Ok(()),
        Some(last_update) if now < last_update => Err(CrlError::ClockWentBack { now, last_update }),
        _ => Ok(()),
    }
}

/// Revokes every certificate of which nobody has known for the grace time whether it was signed: should it exist after all,
/// nobody shall rely on it.
fn revoke_uncertain(context: &CrlContext<'_>, now: UnixTime) -> Result<(), CrlError> {
    let issuer = context.issuer.key();
    let until = now.plus_seconds(-context.uncertain_grace_seconds);
    let actor = Actor {
        tenant: context.issuer.tenant().clone(),
        identity: Identity::Process { name: "uncertain-intents" },
    };
    for serial in context.status.uncertain(&issuer, until)? {
        let revocation = Revocation { time: now, reason: ReasonCode::Unspecified, invalidity_date: None };
        let event = AuditEvent {
            actor: actor.to_string(),
            serial: Some(serial.clone()),
            reason: ReasonCode::Unspecified.name().to_owned(),
            detail: "the outcome of signing stayed unknown".to_owned(),
            ..event(context, now, Act::CertificateRevoked)
        };
        let id = CertificateId { issuer, serial };
        match context.ledger.record_revocation(RevocationRecord { id: id.clone(), revocation, event })? {
            RevocationOutcome::Recorded { .. } | RevocationOutcome::AlreadyRevoked(_) => {}
            RevocationOutcome::NotIssued => return Err(CrlError::UncertainNotRevoked { serial: id.serial }),
        }
    }
    Ok(())
}

fn record_refusal(context: &CrlContext<'_>, now: UnixTime, refusal: &CrlError) {
    let event = AuditEvent {
        reason: refusal.code().to_owned(),
        detail: refusal.to_string(),
        ..event(context, now, Act::RequestRefused)
    };
    // When the ledger cannot take even this, the caller learns of the refusal all the same.
    context.ledger.record_event(event).unwrap_or_default();
}

fn event(context: &CrlContext<'_>, now: UnixTime, act: Act) -> AuditEvent {
    AuditEvent {
        time: now,
        tenant: context.issuer.tenant().clone(),
        actor: context.actor.to_string(),
        act,
        issuer: Some(context.issuer.key()),
        serial: None,
        reason: String::new(),
        detail: String::new(),
        digest: Vec::new(),
    }
}

impl Heading {
    /// Says what was done, and with which octets: their SHA-256.
    fn event(&self, context: &CrlContext<'_>, act: Act, digest: Vec<u8>) -> AuditEvent {
        AuditEvent {
            detail: format!(
                "CRL {}{}{}, {} entries, {} to {}",
                self.number,
                context.scope.shard().map(|shard| format!(" of shard {shard}")).unwrap_or_default(),
                context.base.map(|base| format!(", delta to {base}")).unwrap_or_default(),
                self.entries,
                self.this_update,
                self.next_update
            ),
            digest,
            ..event(context, self.made_at, act)
        }
    }
}

impl DraftCrl {
    fn lint(self, context: &CrlContext<'_>) -> Result<LintedCrl, CrlError> {
        let findings = lint_crl(&CrlLintInput {
            tbs: &self.tbs,
            issuer: context.issuer,
            profile: context.profile,
            scope: context.scope,
            base: context.base,
        });
        if findings.is_empty() { Ok(LintedCrl(self)) } else { Err(CrlError::NotLinted { findings }) }
    }
}

/// A draft that passed every check.
struct LintedCrl(DraftCrl);

impl LintedCrl {
    /// Makes the intent durable, and with it the number taken.
    fn record(self, context: &CrlContext<'_>) -> Result<RecordedCrl, CrlError> {
        let DraftCrl { heading, tbs } = self.0;
        let tbs = ToBeSigned::read(context.issuer.curve(), tbs)?;
        let intent = CrlIntent {
            issuer: context.issuer.key(),
            scope: context.scope.clone(),
            number: heading.number,
            this_update: heading.this_update,
            event: heading.event(context, Act::CrlIntended, tbs.sha256()?),
        };
        match context.ledger.record_crl_intent(intent)? {
            Ok(()) => Ok(RecordedCrl { heading, tbs }),
            Err(CrlNumberTaken { last }) => Err(CrlError::NumberTaken { number: heading.number, last }),
        }
    }
}

/// A draft whose intent is durable.
struct RecordedCrl {
    heading: Heading,
    tbs: ToBeSigned,
}

impl RecordedCrl {
    fn sign(self, context: &CrlContext<'_>) -> Result<SignedCrl, CrlError> {
        let Self { heading, tbs } = self;
        let public_key = context.issuer.certificate().public_key();
        let key = context.issuer.key();
        let made = sign_read_verified(context.signer, &key, public_key, &tbs, IntegerLength::Any)?;
        // RFC 5280 §5.1.1: behind the list its algorithm and its signature, around them the SEQUENCE.
        let value = made.signature.to_der()?;
        let algorithm = algorithm(context.issuer).to_der()?;
        let signature = BitStringRef::from_bytes(&value)?.to_der()?;
        let der = sequence(vec![tbs.octets().clone(), algorithm.into(), signature.into()])?;
        Ok(SignedCrl { heading, der })
    }
}

/// A CRL whose signature verifies. It does not leave this module before it is recorded.
struct SignedCrl {
    heading: Heading,
    der: Octets,
}

impl SignedCrl {
    fn record(self, context: &CrlContext<'_>) -> Result<IssuedCrl, CrlError> {
        let event = self.heading.event(context, Act::CrlIssued, self.der.sha256()?.to_vec());
        let record = CrlRecord {
            issuer: context.issuer.key(),
            scope: context.scope.clone(),
            base: context.base,
            seen: self.heading.seen,
            number: self.heading.number,
            this_update: self.heading.this_update,
            next_update: self.heading.next_update,
            entries: self.heading.entries,
            der: self.der,
        };
        context.ledger.record_crl(record.clone(), event)?;
        Ok(IssuedCrl(record))
    }
}

/// A CRL that is on record.
struct IssuedCrl(CrlRecord);

/// Why there is no new CRL. The previous one stays the latest.
#[derive(Debug, thiserror::Error)]
pub enum CrlError {
    /// The clock is behind the last thisUpdate.
    #[error("the clock says {now}, but the last CRL is of {last_update}: set the clock right")]
    ClockWentBack {
        /// What the clock says.
        now: UnixTime,
        /// thisUpdate of the last CRL.
        last_update: UnixTime,
    },
    /// A CRL was to speak from a time that is over.
    #[error("the CRL would speak from {this_update}, and it is {now}")]
    SpeaksOfThePast {
        /// thisUpdate.
        this_update: UnixTime,
        /// The present.
        now: UnixTime,
    },
    /// The CA certificate is not yet or no longer valid.
    #[error(
        "the clock says {now}, but the CA certificate is valid from {} to {}",
        validity.not_before(),
        validity.not_after()
    )]
    IssuerNotValid {
        /// What the clock says.
        now: UnixTime,
        /// When the CA certificate is valid.
        validity: Validity,
    },
    /// Revocations that the previous CRL has are no longer in the ledger, or no longer final, and no release tells why.
    #[error(
        "{missing} of the {previous} entries of the last CRL, the first of them {first}, are no longer in the ledger: \
         it lost records; restore it before a CRL is made"
    )]
    EntriesVanished {
        /// How many are gone.
        missing: u64,
        /// How many the previous CRL has.
        previous: u64,
        /// The first that is gone.
        first: SerialNumber,
    },
    /// The ledger lists serial numbers out of order.
    #[error("the ledger lists the revoked serial number {serial} twice or out of order")]
    NotAscending {
        /// The first that stands wrong.
        serial: SerialNumber,
    },
    /// An uncertain certificate could not be revoked since the ledger does not know it.
    #[error("the ledger lists {serial} as uncertain, but does not know it")]
    UncertainNotRevoked {
        /// Which.
        serial: SerialNumber,
    },
    /// The previous CRL on record cannot be read.
    #[error("the last CRL on record cannot be read: {cause}")]
    PreviousUnreadable {
        /// Why.
        cause: ReadCrlError,
    },
    /// What was to be the base is not the latest complete CRL of the scope that is on record and valid, or was made when
    /// changes were not yet counted.
    #[error("CRL {base} is no base for a delta of {scope}: {}", only_base(*latest))]
    WrongBase {
        /// Of what.
        scope: CrlScope,
        /// The number that was asked for.
        base: u64,
        /// The number of the latest complete CRL.
        latest: Option<u64>,
    },
    /// The profile has no delta CRLs.
    #[error("the CRL profile has no delta CRLs")]
    NoDeltas,
    /// So much changed that a complete CRL is due.
    #[error("more than {most} certificates changed since the base: make a complete CRL")]
    DeltaTooLong {
        /// How many may.
        most: usize,
    },
    /// The draft breaks rules; nothing was signed.
    #[error("the drafted CRL breaks {} rules, the first is {}", findings.len(), first(findings))]
    NotLinted {
        /// Which.
        findings: Vec<Finding>,
    },
    /// The number was taken twice in a row: another process issues CRLs of this CA.
    #[error("the CRL number {number} is taken, the last is {last}: another process issues CRLs of this CA")]
    NumberTaken {
        /// The number drawn.
        number: u64,
        /// The highest on record.
        last: u64,
    },
    /// A value cannot be encoded, such as a time before 1970.
    #[error("the CRL cannot be encoded: {0}")]
    Encode(#[from] der::Error),
    /// There is no usable signature.
    #[error("the CRL was not signed: {0}")]
    NotSigned(#[from] SignFailure),
    /// The ledger cannot answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

fn only_base(latest: Option<u64>) -> String {
    latest.map_or_else(
        || "no complete one is on record".to_owned(),
        |latest| format!("it must be CRL {latest}, valid still, and made since changes are counted"),
    )
}

/// The octets of this CRL or of the last one cannot be kept or read now.
impl From<OctetsError> for CrlError {
    fn from(error: OctetsError) -> Self {
        Self::Unavailable(error.into())
    }
}

fn first(findings: &[Finding]) -> String {
    findings.first().map(ToString::to_string).unwrap_or_default()
}

impl CrlError {
    /// Returns the stable reason code, the same in audit record and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ClockWentBack { .. } => "crl.clock",
            Self::SpeaksOfThePast { .. } => "crl.times",
            Self::IssuerNotValid { .. } => "crl.issuer-not-valid",
            Self::EntriesVanished { .. } => "crl.entries-vanished",
            Self::NotAscending { .. } | Self::UncertainNotRevoked { .. } => "crl.ledger",
            Self::PreviousUnreadable { .. } => "crl.previous-unreadable",
            Self::WrongBase { .. } => "crl.base",
            Self::NoDeltas => "crl.no-deltas",
            Self::DeltaTooLong { .. } => "crl.delta-too-long",
            Self::NotLinted { .. } => "lint.failed",
            Self::NumberTaken { .. } => "crl.number-taken",
            Self::Encode(_) => "crl.encoding",
            Self::NotSigned(SignFailure::Signer(SignError::Refused { .. })) => "signer.refused",
            Self::NotSigned(SignFailure::Signer(_)) => "signer.unavailable",
            Self::NotSigned(SignFailure::DoesNotVerify { .. } | SignFailure::NeverFullLength { .. }) => {
                "signer.broken"
            }
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::NumberTaken { .. } | Self::WrongBase { .. } | Self::DeltaTooLong { .. } => Fault::Conflict,
            Self::NoDeltas => Fault::Requester,
            Self::NotSigned(SignFailure::Signer(
                SignError::Unavailable { .. } | SignError::OutcomeUnknown { .. },
            ))
            | Self::Unavailable(_) => Fault::Unavailable,
            Self::ClockWentBack { .. }
            | Self::SpeaksOfThePast { .. }
            | Self::IssuerNotValid { .. }
            | Self::EntriesVanished { .. }
            | Self::NotAscending { .. }
            | Self::UncertainNotRevoked { .. }
            | Self::PreviousUnreadable { .. }
            | Self::NotLinted { .. }
            | Self::Encode(_)
            | Self::NotSigned(_) => Fault::Ours,
        }
    }
}

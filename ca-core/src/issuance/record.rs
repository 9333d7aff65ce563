//! From a proven request to an intent on disk: drafted under a fresh serial number, linted, recorded (T1).
//!
//! Nothing is signed here, and nothing can be signed that did not come this way. A taken serial number is drawn again.

use std::sync::Arc;

use super::draft::{DraftError, DraftInput, draft};
use super::origin::EventOrigin;
use super::{Bench, Exit, IssueError, IssuedCertificate, ProvenRequest, spread, waiting};
use crate::audit::{Act, AuditEvent};
use crate::csr::TemplateProof;
use crate::hexadecimal::hexadecimal;
use crate::issuer::SignedBy;
use crate::lint::{Finding, LintInput};
use crate::ports::SignError;
use crate::profile::CertificateProfile;
use crate::record::{
    ApprovalCondition, CertificateId, CertificateStatus, Conditions, Intent, IntentConflict,
    StoredCertificate,
};
use crate::request::Evidence;
use crate::scope::CrlListing;
use crate::serial_number::SerialNumber;
use crate::signing::longest;

/// How often a serial number is drawn for one certificate before the randomness is taken to be broken.
const SERIAL_DRAWS: usize = 3;

/// To-be-signed octets under a serial number of their own.
#[derive(Debug)]
struct DraftCertificate {
    proven: ProvenRequest,
    id: CertificateId,
    listing: CrlListing,
    tbs: Vec<u8>,
}

/// To-be-signed octets that break no rule.
#[derive(Debug)]
struct LintedCertificate(DraftCertificate);

/// An intent that is on disk. Signing consumes it.
#[derive(Debug)]
pub(super) struct RecordedIntent {
    id: CertificateId,
    tbs: Vec<u8>,
    profile: CertificateProfile,
    origin: EventOrigin,
}

impl RecordedIntent {
    /// Which certificate it will be.
    pub(super) const fn id(&self) -> &CertificateId {
        &self.id
    }

    /// The octets that were recorded: what is signed, exactly.
    pub(super) fn tbs(&self) -> &[u8] {
        &self.tbs
    }

    /// The profile it was drafted under.
    pub(super) const fn profile(&self) -> &CertificateProfile {
        &self.profile
    }

    /// What its audit events say.
    pub(super) const fn origin(&self) -> &EventOrigin {
        &self.origin
    }
}

/// A step's answers, each at the place of its request.
type Answers = Vec<Option<Result<RecordedIntent, Exit>>>;

/// Drafts and lints under fresh serial numbers and records the intents; a taken serial number is drawn again.
pub(super) fn draft_lint_and_record(
    bench: &Bench<'_>,
    proven: Vec<ProvenRequest>,
) -> Vec<Result<RecordedIntent, Exit>> {
    let mut answers: Answers = proven.iter().map(|_| None).collect();
    let mut waiting: Vec<(usize, ProvenRequest)> = proven.into_iter().enumerate().collect();
    for _ in 0..SERIAL_DRAWS {
        let mut linted = Vec::with_capacity(waiting.len());
        for (place, certificate) in spread(bench.threads, waiting, |one| draft_and_lint(bench, one)) {
            match certificate {
                Ok(certificate) => linted.push((place, certificate)),
                Err(error) => put(&mut answers, place, Err(error.into())),
            }
        }
        waiting = record(bench, linted, &mut answers);
        if waiting.is_empty() {
            break;
        }
    }
    answers
        .into_iter()
        .map(|answer| answer.unwrap_or_else(|| Err(IssueError::NoFreeSerialNumber.into())))
        .collect()
}

fn draft_and_lint(
    bench: &Bench<'_>,
    (place, proven): (usize, ProvenRequest),
) -> (usize, Result<LintedCertificate, IssueError>) {
    (place, DraftCertificate::draw(bench, proven).and_then(|draft| draft.lint(bench)))
}

fn put(answers: &mut Answers, place: usize, answer: Result<RecordedIntent, Exit>) {
    if let Some(slot) = answers.get_mut(place) {
        *slot = Some(answer);
    }
}

impl DraftCertificate {
    fn draw(bench: &Bench<'_>, proven: ProvenRequest) -> Result<Self, IssueError> {
        let mut random = [0; SerialNumber::RANDOM_OCTETS];
        bench.entropy.fill(&mut random)?;
        let serial = SerialNumber::draw(proven.admitted.now, random)?;
        let listing = listing(bench, &proven, &serial)?;
        let tbs = draft(&DraftInput {
            signed_by: bench.signed_by,
            profile: &proven.admitted.profile,
            subject: &proven.admitted.request.subject,
            public_key: &proven.public_key,
            serial: &serial,
            validity: proven.validity,
            shard: listing.shard(),
        })?;
        Ok(Self { id: CertificateId { issuer: bench.issuer_key.key_ref(), serial }, listing, tbs, proven })
    }

    fn lint(self, bench: &Bench<'_>) -> Result<LintedCertificate, IssueError> {
        let profile = &self.proven.admitted.profile;
        let input = LintInput {
            tbs: &self.tbs,
            profile,
            signed_by: bench.signed_by,
            shard: self.listing.shard(),
            now: self.proven.admitted.now,
        };
        let mut findings = bench.linter.lint(&input);
        // What is too long is found before it is signed, not after.
        let octets = longest(&self.tbs, bench.issuer_key.curve()).map_err(DraftError::from)?;
        let max_octets = profile.parts().max_octets;
        if octets > usize::from(max_octets) {
            findings.push(Finding {
                rule: "issuance.max-octets",
                citation: "the profile: max_octets",
                what: format!(
                    "the certificate may have {octets} octets, of which the profile allows {max_octets}"
                ),
            });
        }
        if findings.is_empty() {
            Ok(LintedCertificate(self))
        } else {
            Err(IssueError::NotLinted { findings })
        }
    }
}

/// Finds which CRLs will list the certificate: by its profile, by its serial number or by where its device is. Never asked again.
fn listing(
    bench: &Bench<'_>,
    proven: &ProvenRequest,
    serial: &SerialNumber,
) -> Result<CrlListing, IssueError> {
    if proven.admitted.profile.parts().short_lived {
        return Ok(CrlListing::Never);
    }
    let SignedBy::Issuer(issuer) = bench.signed_by else { return Ok(CrlListing::ON_ALL) };
    let sharding = issuer.crl_plan().sharding;
    let title = proven.admitted.request.subject.system_title().filter(|_| sharding.asks_for_device());
    let device = match (title, bench.registry) {
        (Some(title), Some(registry)) => registry.device(title)?,
        _ => None,
    };
    Ok(CrlListing::Listed(sharding.shard_of(serial, device.as_ref().map(|device| &device.expected))))
}

impl LintedCertificate {
    fn intent(&self, bench: &Bench<'_>, key_is_away: bool) -> Intent {
        let DraftCertificate { proven, id, listing, tbs } = &self.0;
        let admitted = &proven.admitted;
        let origin = EventOrigin::new(admitted);
        let approval = waiting::condition(bench.signed_by, proven, &origin).map(Box::new);
        Intent {
            id: id.clone(),
            tbs: tbs.clone(),
            tenant: origin.tenant().clone(),
            profile: admitted.profile.id().clone(),
            profile_version: admitted.profile.parts().version,
            subject: admitted.request.subject.to_string(),
            key_fingerprint: proven.public_key.fingerprint(),
            purpose: admitted.profile.purpose(),
            validity: proven.validity,
            listing: listing.clone(),
            recorded_at: admitted.now,
            conditions: Conditions { approval: approval.clone(), key_is_away, ..admitted.conditions.clone() },
            event: self.event(&origin, approval.as_deref()),
        }
    }

    /// The record of an intent binds the certificate to the request it answers.
    fn event(&self, origin: &EventOrigin, approval: Option<&ApprovalCondition>) -> AuditEvent {
        let DraftCertificate { proven, id, listing, tbs } = &self.0;
        let mut event = origin.event(Act::IntentRecorded, id, Some(tbs));
        let request = match &proven.admitted.request.evidence {
            Evidence::Request(csr) => Some(csr.digest()),
            Evidence::Template(request) => {
                if request.proof == TemplateProof::RaVerified {
                    event.detail.push_str("; the registration authority has seen the proof of possession");
                }
                Some(request.digest())
            }
            Evidence::MadeHere { request, .. } => {
                event.detail.push_str("; the server made the key");
                Some(request.digest())
            }
            Evidence::SelfSigned(_) | Evidence::OwnSigner { .. } => None,
        };
        if let Some(digest) = request {
            event.detail.push_str(&format!("; request SHA-256 {}", hexadecimal(&digest)));
        }
        match listing {
            CrlListing::Listed(Some(shard)) => event.detail.push_str(&format!("; shard {shard}")),
            CrlListing::Listed(None) => {}
            CrlListing::Never => event.detail.push_str("; on no CRL"),
        }
        if let Some(condition) = approval {
            event.detail.push_str(&format!("; approved {}", hexadecimal(&condition.request.digest)));
        }
        event
    }

    /// A transaction has one certificate, also where another key was made for it after a crash.
    fn certifies(&self, stored: &StoredCertificate) -> bool {
        let made_here = matches!(self.0.proven.admitted.request.evidence, Evidence::MadeHere { .. });
        !made_here || self.0.proven.public_key.fingerprint() == stored.key_fingerprint
    }

    fn recorded(self) -> RecordedIntent {
        let DraftCertificate { proven, id, tbs, .. } = self.0;
        let origin = EventOrigin::new(&proven.admitted);
        RecordedIntent { id, tbs, profile: proven.admitted.profile, origin }
    }
}

/// What the signer says of the key, for one of those that would be signed with it.
fn key_away(away: Option<&SignError>) -> IssueError {
    let Some(away) = away else { return IssueError::Conflict(IntentConflict::KeyAway) };
    SignError::Unavailable { cause: away.to_string().into(), again_in: away.again_in() }.into()
}

/// T1: one durable transaction for all. Returns those whose serial number is taken, to be drawn again.
fn record(
    bench: &Bench<'_>,
    linted: Vec<(usize, LintedCertificate)>,
    answers: &mut Answers,
) -> Vec<(usize, ProvenRequest)> {
    if linted.is_empty() {
        return Vec::new();
    }
    // Known to be away, it would burn a serial number for nothing.
    let away = bench.signer.check_at_hand(&bench.issuer_key.key_ref()).err();
    let intents = linted.iter().map(|(_, one)| one.intent(bench, away.is_some())).collect();
    let outcomes = match bench.ledger.record_intents(intents) {
        Ok(outcomes) => outcomes,
        Err(unavailable) => {
            let shared = Arc::new(unavailable);
            for (place, _) in linted {
                put(answers, place, Err(IssueError::Unavailable(Arc::clone(&shared)).into()));
            }
            return Vec::new();
        }
    };
    let mut again = Vec::new();
    for ((place, one), outcome) in linted.into_iter().zip(outcomes) {
        match outcome {
            Ok(()) => put(answers, place, Ok(one.recorded())),
            Err(IntentConflict::SerialTaken) => again.push((place, one.0.proven)),
            Err(IntentConflict::KeyAway) => put(answers, place, Err(key_away(away.as_ref()).into())),
            // What was revoked is never handed out again, and nothing beside a key that is not its own.
            Err(IntentConflict::AlreadyIssued(stored))
                if stored.status == CertificateStatus::Good && one.certifies(&stored) =>
            {
                put(answers, place, Err(Exit::Answered(IssuedCertificate::repeated(*stored))));
            }
            Err(conflict) => put(answers, place, Err(IssueError::Conflict(conflict).into())),
        }
    }
    again
}

//! The chain of states from an admitted request to an issued certificate. State only moves forward:
//! admitted → proven → drafted → linted → recorded → signed → issued.
//!
//! Each state can be made only by the step before it and is consumed by the step after it, so that nothing is signed that
//! was not linted and recorded, and nothing is signed twice. A batch goes through the same steps with one durable
//! transaction for its intents and one for its certificates. Who may ask was decided in `registration`.

mod batch;
pub mod draft;
mod error;
mod prove;
pub mod root;

use sha2::{Digest, Sha256};

use crate::actor::Actor;
use crate::audit::{Act, AuditEvent};
use crate::certificate::Certificate;
use crate::csr::ProofOfPossession;
use crate::issuer::{Issuer, SignedBy};
use crate::key_ref::KeyRef;
use crate::lint::{LintInput, Linter};
use crate::ports::{Entropy, Ledger, SignError, Signer};
use crate::profile::CertificateProfile;
use crate::public_key::PublicKey;
use crate::record::{CertificateId, Intent, IntentConflict, IssuedRecord, Settlement, StoredCertificate};
use crate::registration::AdmittedRequest;
use crate::serial_number::SerialNumber;
use crate::signature::EcdsaSignature;
use crate::signing::{IntegerLength, SignFailure, assemble, sign_verified};
use crate::tenant::TenantId;
use crate::validity::{UnixTime, Validity};
use batch::{Exit, advance, spread};
use draft::{DraftInput, draft};
pub use error::{IssueError, ProveError};
use prove::prove;

/// How often a serial number is drawn for one certificate before the randomness is taken to be broken.
const SERIAL_DRAWS: usize = 3;

/// What the chain works with.
#[derive(Clone, Copy)]
pub(crate) struct Workshop<'a> {
    pub issuer: &'a Issuer,
    pub own_issuers: &'a [KeyRef],
    pub linter: &'a Linter,
    pub entropy: &'a dyn Entropy,
    pub signer: &'a dyn Signer,
    pub ledger: &'a dyn Ledger,
    pub threads: usize,
}

/// What the chain needs from the draft on, be it for a certificate that an issuer signs or for one that signs itself.
#[derive(Clone, Copy)]
struct Bench<'a> {
    signed_by: SignedBy<'a>,
    issuer_key: &'a PublicKey,
    linter: &'a Linter,
    entropy: &'a dyn Entropy,
    signer: &'a dyn Signer,
    ledger: &'a dyn Ledger,
    threads: usize,
}

impl<'a> Workshop<'a> {
    const fn bench(&self) -> Bench<'a> {
        Bench {
            signed_by: SignedBy::Issuer(self.issuer),
            issuer_key: self.issuer.certificate().public_key(),
            linter: self.linter,
            entropy: self.entropy,
            signer: self.signer,
            ledger: self.ledger,
            threads: self.threads,
        }
    }
}

/// A request whose key is acceptable to the profile and proved to be held.
#[derive(Debug)]
pub(crate) struct ProvenRequest {
    admitted: AdmittedRequest,
    public_key: PublicKey,
    validity: Validity,
    _possession: ProofOfPossession,
}

/// To-be-signed octets under a serial number of their own.
#[derive(Debug)]
struct DraftCertificate {
    proven: ProvenRequest,
    id: CertificateId,
    tbs: Vec<u8>,
}

/// To-be-signed octets that break no rule.
#[derive(Debug)]
struct LintedCertificate(DraftCertificate);

/// An intent that is on disk. Signing consumes it.
#[derive(Debug)]
struct RecordedIntent {
    id: CertificateId,
    tbs: Vec<u8>,
    profile: CertificateProfile,
    origin: EventOrigin,
}

/// A verified signature over exactly the recorded octets.
#[derive(Debug)]
struct SignedCertificate {
    id: CertificateId,
    der: Vec<u8>,
    discarded: u32,
    origin: EventOrigin,
}

/// A certificate that is on disk and may be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCertificate {
    id: CertificateId,
    der: Vec<u8>,
    delivery: Delivery,
}

/// Whether a certificate was made for this request or for an earlier one that was the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Made now.
    New,
    /// Made before; the same octets again.
    Repeated,
}

impl IssuedCertificate {
    /// Returns which certificate it is.
    #[must_use]
    pub const fn id(&self) -> &CertificateId {
        &self.id
    }

    /// Returns its DER octets.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Tells whether it was made now.
    #[must_use]
    pub const fn delivery(&self) -> Delivery {
        self.delivery
    }

    fn repeated(stored: StoredCertificate) -> Self {
        Self { id: stored.id, der: stored.certificate, delivery: Delivery::Repeated }
    }
}

/// What the audit events of one request have in common.
#[derive(Debug, Clone)]
struct EventOrigin {
    now: UnixTime,
    actor: String,
    tenant: TenantId,
    detail: String,
}

impl EventOrigin {
    fn event(&self, act: Act, id: &CertificateId, octets: &[u8]) -> AuditEvent {
        AuditEvent {
            time: self.now,
            tenant: self.tenant.clone(),
            actor: self.actor.clone(),
            act,
            issuer: Some(id.issuer),
            serial: Some(id.serial.clone()),
            reason: String::new(),
            detail: self.detail.clone(),
            digest: Sha256::digest(octets).to_vec(),
        }
    }
}

/// Takes admitted requests through the whole chain; answers in their order.
pub(crate) fn issue(
    workshop: &Workshop<'_>,
    admitted: Vec<Result<AdmittedRequest, IssueError>>,
) -> Vec<Result<IssuedCertificate, IssueError>> {
    let lanes: Vec<Result<AdmittedRequest, Exit>> =
        admitted.into_iter().map(|lane| lane.map_err(Exit::from)).collect();
    let proven = advance(lanes, |all| spread(workshop.threads, all, |one| prove(workshop, one)));
    issue_proven(&workshop.bench(), proven)
}

/// Takes proven requests through the rest of the chain.
fn issue_proven(
    bench: &Bench<'_>,
    proven: Vec<Result<ProvenRequest, Exit>>,
) -> Vec<Result<IssuedCertificate, IssueError>> {
    let recorded = advance(proven, |all| draft_lint_and_record(bench, all));
    let signed = advance(recorded, |all| sign_all(bench, all));
    let issued = advance(signed, |all| commit(bench.ledger, all));
    issued
        .into_iter()
        .map(|lane| match lane {
            Ok(issued) | Err(Exit::Answered(issued)) => Ok(issued),
            Err(Exit::Refused(error)) => Err(error),
        })
        .collect()
}

/// Drafts and lints under fresh serial numbers and records the intents; a taken serial number is drawn again.
fn draft_lint_and_record(bench: &Bench<'_>, proven: Vec<ProvenRequest>) -> Vec<Result<RecordedIntent, Exit>> {
    let mut answers: Vec<Option<Result<RecordedIntent, Exit>>> = proven.iter().map(|_| None).collect();
    let mut waiting: Vec<(usize, ProvenRequest)> = proven.into_iter().enumerate().collect();
    for _ in 0..SERIAL_DRAWS {
        let mut linted = Vec::with_capacity(waiting.len());
        for (place, proven) in waiting.drain(..) {
            match DraftCertificate::draw(bench, proven).and_then(|draft| draft.lint(bench)) {
                Ok(certificate) => linted.push((place, certificate)),
                Err(error) => put(&mut answers, place, Err(error.into())),
            }
        }
        waiting = record(bench.ledger, linted, &mut answers);
        if waiting.is_empty() {
            break;
        }
    }
    answers
        .into_iter()
        .map(|answer| answer.unwrap_or_else(|| Err(Exit::from(IssueError::NoFreeSerialNumber))))
        .collect()
}

fn put<T>(answers: &mut [Option<T>], place: usize, answer: T) {
    if let Some(slot) = answers.get_mut(place) {
        *slot = Some(answer);
    }
}

impl DraftCertificate {
    fn draw(bench: &Bench<'_>, proven: ProvenRequest) -> Result<Self, IssueError> {
        let mut random = [0; SerialNumber::RANDOM_OCTETS];
        bench.entropy.fill(&mut random)?;
        let serial = SerialNumber::draw(proven.admitted.now, random)?;
        let tbs = draft(&DraftInput {
            signed_by: bench.signed_by,
            profile: &proven.admitted.profile,
            subject: &proven.admitted.request.subject,
            public_key: &proven.public_key,
            serial: &serial,
            validity: proven.validity,
        })?;
        Ok(Self { id: CertificateId { issuer: bench.issuer_key.key_ref(), serial }, tbs, proven })
    }

    fn lint(self, bench: &Bench<'_>) -> Result<LintedCertificate, IssueError> {
        let profile = &self.proven.admitted.profile;
        let input =
            LintInput { tbs: &self.tbs, profile, signed_by: bench.signed_by, now: self.proven.admitted.now };
        let findings = bench.linter.lint(&input);
        if findings.is_empty() {
            Ok(LintedCertificate(self))
        } else {
            Err(IssueError::NotLinted { findings })
        }
    }
}

impl LintedCertificate {
    fn intent(&self) -> Intent {
        let DraftCertificate { proven, id, tbs } = &self.0;
        let admitted = &proven.admitted;
        Intent {
            id: id.clone(),
            tbs: tbs.clone(),
            tenant: self.origin().tenant,
            profile: admitted.profile.id().clone(),
            profile_version: admitted.profile.parts().version,
            subject: admitted.request.subject.to_string(),
            key_fingerprint: proven.public_key.fingerprint(),
            purpose: admitted.profile.purpose(),
            validity: proven.validity,
            recorded_at: admitted.now,
            conditions: admitted.conditions.clone(),
            event: self.origin().event(Act::IntentRecorded, id, tbs),
        }
    }

    fn origin(&self) -> EventOrigin {
        let admitted = &self.0.proven.admitted;
        let parts = admitted.profile.parts();
        let tenant = match &admitted.conditions.slot {
            Some((slot, _)) => slot.tenant.clone(),
            None => admitted.request.actor.tenant.clone(),
        };
        EventOrigin {
            now: admitted.now,
            actor: admitted.request.actor.to_string(),
            tenant,
            detail: format!("{} under {} version {}", admitted.request.subject, parts.id, parts.version),
        }
    }
}

/// T1: one durable transaction for all. Returns those whose serial number is taken, to be drawn again.
fn record(
    ledger: &dyn Ledger,
    linted: Vec<(usize, LintedCertificate)>,
    answers: &mut [Option<Result<RecordedIntent, Exit>>],
) -> Vec<(usize, ProvenRequest)> {
    if linted.is_empty() {
        return Vec::new();
    }
    let outcomes = match ledger.record_intents(linted.iter().map(|(_, one)| one.intent()).collect()) {
        Ok(outcomes) => outcomes,
        Err(unavailable) => {
            let shared = std::sync::Arc::new(unavailable);
            for (place, _) in linted {
                put(answers, place, Err(IssueError::Unavailable(std::sync::Arc::clone(&shared)).into()));
            }
            return Vec::new();
        }
    };
    let mut again = Vec::new();
    for ((place, one), outcome) in linted.into_iter().zip(outcomes) {
        match outcome {
            Ok(()) => {
                let origin = one.origin();
                let DraftCertificate { proven, id, tbs } = one.0;
                put(answers, place, Ok(RecordedIntent { id, tbs, profile: proven.admitted.profile, origin }));
            }
            Err(IntentConflict::SerialTaken) => again.push((place, one.0.proven)),
            Err(IntentConflict::AlreadyIssued(stored)) => {
                put(answers, place, Err(Exit::Answered(IssuedCertificate::repeated(*stored))));
            }
            Err(conflict) => put(answers, place, Err(IssueError::Conflict(conflict).into())),
        }
    }
    again
}

/// Signs recorded intents, each once. What cannot be signed is settled in the ledger before the answer leaves.
fn sign_all(bench: &Bench<'_>, recorded: Vec<RecordedIntent>) -> Vec<Result<SignedCertificate, Exit>> {
    let ids: Vec<CertificateId> = recorded.iter().map(|intent| intent.id.clone()).collect();
    if let Err(unavailable) = bench.ledger.begin_signing(&ids) {
        // Nothing was given to the signer; the next start aborts these intents.
        let shared = std::sync::Arc::new(unavailable);
        return recorded
            .into_iter()
            .map(|_| Err(IssueError::Unavailable(std::sync::Arc::clone(&shared)).into()))
            .collect();
    }
    let mut ended = Vec::new();
    let signed = spread(bench.threads, recorded, |intent| intent.sign(bench))
        .into_iter()
        .map(|outcome| {
            outcome.map_err(|unsigned| {
                ended.push(unsigned.settled());
                Exit::from(unsigned.error)
            })
        })
        .collect();
    if !ended.is_empty() {
        // If this fails as well, recovery at the next start settles them by the same rule.
        drop(bench.ledger.settle_intents(ended));
    }
    signed
}

/// An intent that did not become a certificate, and what is known of it.
struct Unsigned {
    id: CertificateId,
    origin: EventOrigin,
    settlement: Settlement,
    error: IssueError,
}

impl Unsigned {
    fn settled(&self) -> (CertificateId, Settlement, AuditEvent) {
        let act = match self.settlement {
            Settlement::Aborted => Act::IntentAborted,
            Settlement::Uncertain => Act::IntentUncertain,
        };
        let event =
            AuditEvent { reason: self.error.code().to_owned(), ..self.origin.event(act, &self.id, &[]) };
        (self.id.clone(), self.settlement, event)
    }
}

/// An intent is aborted only when it is certain that no signature exists outside the signer.
const fn settlement(failure: &SignFailure) -> Settlement {
    match failure {
        SignFailure::Signer(SignError::KeyNotFound { .. } | SignError::Unavailable { .. })
        | SignFailure::NeverFullLength { .. } => Settlement::Aborted,
        SignFailure::Signer(SignError::OutcomeUnknown { .. }) | SignFailure::DoesNotVerify { .. } => {
            Settlement::Uncertain
        }
    }
}

impl RecordedIntent {
    fn sign(self, bench: &Bench<'_>) -> Result<SignedCertificate, Box<Unsigned>> {
        let length =
            if self.profile.parts().full_length_signature { IntegerLength::Full } else { IntegerLength::Any };
        let made = match sign_verified(bench.signer, &self.id.issuer, bench.issuer_key, &self.tbs, length) {
            Ok(made) => made,
            Err(failure) => return Err(self.unsigned(settlement(&failure), failure.into())),
        };
        match self.compare(&made.signature) {
            Some(der) => {
                Ok(SignedCertificate { id: self.id, der, discarded: made.discarded, origin: self.origin })
            }
            None => Err(self.unsigned(Settlement::Uncertain, IssueError::Altered)),
        }
    }

    /// What is delivered must be, octet for octet, what was recorded, and no longer than the profile allows.
    fn compare(&self, signature: &EcdsaSignature) -> Option<Vec<u8>> {
        let der = assemble(&self.tbs, signature).ok()?;
        let certificate = Certificate::from_der(&der).ok()?;
        let fits = der.len() <= usize::from(self.profile.parts().max_octets);
        (fits && certificate.tbs() == self.tbs).then_some(der)
    }

    fn unsigned(self, settlement: Settlement, error: IssueError) -> Box<Unsigned> {
        Box::new(Unsigned { id: self.id, origin: self.origin, settlement, error })
    }
}

/// T2: one durable transaction for all. Only what it holds is delivered.
fn commit(ledger: &dyn Ledger, signed: Vec<SignedCertificate>) -> Vec<Result<IssuedCertificate, Exit>> {
    let records = signed.iter().map(SignedCertificate::record).collect();
    match ledger.record_issued(records) {
        Ok(()) => signed
            .into_iter()
            .map(|one| Ok(IssuedCertificate { id: one.id, der: one.der, delivery: Delivery::New }))
            .collect(),
        Err(unavailable) => {
            let shared = std::sync::Arc::new(unavailable);
            signed
                .into_iter()
                .map(|_| Err(IssueError::Unavailable(std::sync::Arc::clone(&shared)).into()))
                .collect()
        }
    }
}

impl SignedCertificate {
    fn record(&self) -> IssuedRecord {
        let mut event = self.origin.event(Act::CertificateIssued, &self.id, &self.der);
        if self.discarded > 0 {
            event.detail.push_str(&format!("; {} short signatures discarded", self.discarded));
        }
        IssuedRecord { id: self.id.clone(), certificate: self.der.clone(), issued_at: self.origin.now, event }
    }
}

/// Makes the audit event of a refusal, which the verb records once.
pub(crate) fn refusal(actor: &Actor, subject: &str, code: &str, now: UnixTime) -> AuditEvent {
    AuditEvent {
        time: now,
        tenant: actor.tenant.clone(),
        actor: actor.to_string(),
        act: Act::RequestRefused,
        issuer: None,
        serial: None,
        reason: code.to_owned(),
        detail: subject.to_owned(),
        digest: Vec::new(),
    }
}

//! The chain of states from an admitted request to an issued certificate. State only moves forward:
//! admitted → proven → drafted → linted → recorded → signed → issued.
//!
//! Each state can be made only by the step before it and is consumed by the step after it, so that nothing is signed that
//! was not linted and recorded, and nothing is signed twice: one file per step, in which alone its state can be made. A batch
//! goes through the same steps, each thousand with one durable transaction for its intents and one for its certificates. Who may
//! ask was decided in `registration`.

pub mod root;
mod commit;
mod sign;
mod settle;
mod record;
mod waiting;
pub mod draft;
mod prove;
mod asked;
mod batch;
mod origin;
mod error;

use crate::csr::ProofOfPossession;
use crate::issuer::{Issuer, SignedBy};
use crate::key_ref::KeyRef;
use crate::lint::Linter;
use crate::ports::{Entropy, Ledger, Registry, Signer};
use crate::public_key::PublicKey;
use crate::registration::AdmittedRequest;
use crate::validity::Validity;
use batch::{Exit, advance, in_parts, spread};
use commit::commit;
pub use commit::{Delivery, IssuedCertificate};
pub use error::{IssueError, ProveError};
pub(crate) use origin::refusal;
use prove::prove;
use record::{RecordedIntent, draft_lint_and_record};
use sign::sign_all;

/// What the chain works with.
#[derive(Clone, Copy)]
pub(crate) struct Workshop<'a> {
    pub issuer: &'a Issuer,
    pub own_issuers: &'a [KeyRef],
    pub linter: &'a Linter,
    pub entropy: &'a dyn Entropy,
    pub signer: &'a dyn Signer,
    pub ledger: &'a dyn Ledger,
    pub registry: &'a dyn Registry,
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
    /// Where devices are; a root has none.
    registry: Option<&'a dyn Registry>,
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
            registry: Some(self.registry),
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

/// How many requests go through the chain together. Of a longer batch, a part is signed while the one behind it is proved and
/// recorded: otherwise processors and ledger would wait for each other in turns.
const PART: usize = 1_000;

/// Takes admitted requests through the whole chain; answers each, in their order.
pub(crate) fn issue(
    workshop: &Workshop<'_>,
    admitted: Vec<Result<AdmittedRequest, IssueError>>,
) -> Vec<Result<IssuedCertificate, IssueError>> {
    let bench = workshop.bench();
    let lanes: Vec<Result<AdmittedRequest, Exit>> =
        admitted.into_iter().map(|lane| lane.map_err(Exit::from)).collect();
    let record = |part| {
        let proven = advance(part, |all| spread(workshop.threads, all, |one| prove(workshop, one)));
        advance(proven, |all| draft_lint_and_record(&bench, all))
    };
    in_parts(PART, lanes, record, |part| sign_and_commit(&bench, part))
}

/// Takes proven requests through the rest of the chain.
fn issue_proven(
    bench: &Bench<'_>,
    proven: Vec<Result<ProvenRequest, Exit>>,
) -> Vec<Result<IssuedCertificate, IssueError>> {
    sign_and_commit(bench, advance(proven, |all| draft_lint_and_record(bench, all)))
}

/// Takes recorded intents to the end.
fn sign_and_commit(
    bench: &Bench<'_>,
    recorded: Vec<Result<RecordedIntent, Exit>>,
) -> Vec<Result<IssuedCertificate, IssueError>> {
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

/// Takes the answer to the one request of a batch of one.
#[expect(
    clippy::expect_used,
    reason = "every step of the chain answers each lane once, so one request has one answer"
)]
pub(crate) fn only_answer(
    answers: Vec<Result<IssuedCertificate, IssueError>>,
) -> Result<IssuedCertificate, IssueError> {
    answers.into_iter().next().expect("a batch of one has one answer")
}

//! The OCSP responder: from the octets of a request to those of a response, for every CA that delegated its answers.
//!
//! What is kept is the signature. An answer is given again only if it says what the ledger says now, so that a revocation shows at
//! once, here and on every other node: the ledger is asked each time, but where it can tell that no status has changed since. Blocks
//! where it is asked; knows no HTTP. RFC 6960, 5019, 9654.

mod kept;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use ca_core::fault::Fault;
use ca_core::ocsp::{
    CertId, CertStatus, DecodeRequestError, ErrorStatus, IssuerHashes, OcspContext, OcspRequest,
    OcspResponse, ReadStatuses, RespondError, ResponderIdentity,
};
use ca_core::ports::{Clock, Signer, StatusSource};
use ca_core::profile::OcspProfile;
use ca_core::validity::UnixTime;
use tokio::sync::watch;

use crate::config::KeepingPolicy;
use kept::KeptAnswers;

/// One CA that is answered for.
#[derive(Clone)]
pub struct ServedAuthority {
    /// Its delegated responder.
    pub identity: ResponderIdentity,
    /// How long answers are valid, and how many certificates one request may ask for.
    pub profile: OcspProfile,
    /// Holds the responder's key.
    pub signer: Arc<dyn Signer>,
}

impl core::fmt::Debug for ServedAuthority {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ServedAuthority")
            .field("issuer", &self.identity.issuer())
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// What all answers are made with.
#[derive(Clone)]
pub struct ResponderPorts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where statuses come from.
    pub status: Arc<dyn StatusSource>,
}

impl core::fmt::Debug for ResponderPorts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ResponderPorts").finish_non_exhaustive()
    }
}

/// The responder of every CA served.
#[derive(Debug)]
pub struct Responder {
    authorities: RwLock<Vec<Arc<ServedAuthority>>>,
    /// CAs that are answered for once their responder has a certificate.
    awaited: Vec<IssuerHashes>,
    ports: ResponderPorts,
    policy: KeepingPolicy,
    kept: KeptAnswers,
    /// Whether the ledger is away, where that is found out by somebody else.
    away: Option<watch::Receiver<bool>>,
}

/// What a requester gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A signed response.
    Signed(SignedAnswer),
    /// An unsigned error.
    Error(ErrorStatus),
}

/// A signed response and for whom it is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedAnswer {
    /// The response.
    pub response: Arc<OcspResponse>,
    /// For how long HTTP caches may give it to others who ask the same; `None` when it is for this requester alone.
    pub fresh: Option<Freshness>,
}

/// For how long HTTP caches may give an answer to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// Until when they may without asking again.
    pub until: UnixTime,
    /// What those are told that know no more than an end: nextUpdate, or the same time where that is long.
    pub expires: UnixTime,
}

/// How long HTTP caches may say that a certificate is unknown or was never issued, in seconds.
const PASSING_SECONDS: i64 = 10;

impl Responder {
    /// Makes a responder for these CAs. Where two are of the same key, the first is asked.
    #[must_use]
    pub fn new(served: Vec<ServedAuthority>, ports: ResponderPorts, policy: KeepingPolicy) -> Self {
        Self {
            authorities: RwLock::new(served.into_iter().map(Arc::new).collect()),
            awaited: Vec::new(),
            ports,
            kept: KeptAnswers::new(policy.kept_answers()),
            policy,
            away: None,
        }
    }

    /// Tells whoever asks about certificates of these CAs to come again, until they are answered for.
    #[must_use]
    pub fn awaiting(self, awaited: Vec<IssuerHashes>) -> Self {
        Self { awaited, ..self }
    }

    /// Asks nothing of a ledger that is said to be away, so that nobody waits for it.
    #[must_use]
    pub fn hearing(self, away: watch::Receiver<bool>) -> Self {
        Self { away: Some(away), ..self }
    }

    /// Waits until the ledger is said to be away; for ever where nobody says so.
    pub(crate) async fn ledger_away(&self) {
        let Some(away) = &self.away else { return std::future::pending().await };
        if away.clone().wait_for(|away| *away).await.is_err() {
            // Whoever said so is gone: the server closes.
            std::future::pending::<()>().await;
        }
    }

    /// Answers a request by what was signed before, without asking anybody: by a kept answer until its nextUpdate, and with
    /// tryLater where there is none. Never says of a certificate what was not signed of it.
    pub(crate) fn answer_from_kept(&self, request: &OcspRequest) -> Answer {
        counted(self.kept_answer(request))
    }

    /// Answers a request by what was signed before, where no status has changed since the ledger was asked for it; `None` where
    /// the ledger is to be asked. Does not block.
    pub(crate) fn answer_unchanged(&self, request: &OcspRequest) -> Option<Answer> {
        let certificate = keepable(request)?;
        let revision = self.ports.status.revision()?;
        let authority = self.authority_of(request)?;
        // What is told of a certificate that is over changes with time alone.
        if authority.profile.expired_answered_seconds().is_some() {
            return None;
        }
        let now = self.ports.clock.now();
        let response = self.kept.unchanged(certificate, now, revision)?;
        Some(counted(Answer::Signed(self.shared(response, now))))
    }

    /// Reads a request; where it is none, that is the answer.
    pub(crate) fn read(&self, request: &[u8]) -> Result<OcspRequest, Answer> {
        OcspRequest::from_der(request, self.max_requests()).map_err(|error| {
            tracing::debug!(reason = error.code(), %error, "OCSP request refused");
            counted(Answer::Error(ErrorStatus::MalformedRequest))
        })
    }

    /// RFC 6960 §2.3: tryLater, since the service exists and cannot answer at this moment.
    fn kept_answer(&self, request: &OcspRequest) -> Answer {
        if self.authority_of(request).is_none() && !self.awaits(request) {
            return refused(&RespondError::ForeignIssuer);
        }
        let now = self.ports.clock.now();
        let kept = keepable(request).and_then(|certificate| self.kept.valid(certificate, now));
        kept.map_or(Answer::Error(ErrorStatus::TryLater), |response| {
            Answer::Signed(self.shared(response, now))
        })
    }

    /// Answers for a CA from now on; with another responder certificate, such as a renewed one, where it is answered for already.
    /// The CA's kept answers were signed by the one before, and are dropped.
    pub fn serve(&self, served: ServedAuthority) {
        let hashes = served.identity.issuer_hashes().clone();
        let (issuer, served) = (served.identity.issuer(), Arc::new(served));
        let mut authorities = self.authorities.write().unwrap_or_else(PoisonError::into_inner);
        match authorities.iter_mut().find(|one| one.identity.issuer() == issuer) {
            Some(before) => *before = served,
            None => authorities.push(served),
        }
        drop(authorities);
        self.kept.drop_answers_of(&hashes);
    }

    /// Returns the identities in use, for whoever renews them.
    #[must_use]
    pub fn identities(&self) -> Vec<ResponderIdentity> {
        self.authorities().iter().map(|authority| authority.identity.clone()).collect()
    }

    fn authorities(&self) -> RwLockReadGuard<'_, Vec<Arc<ServedAuthority>>> {
        self.authorities.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose request it is shows only after decoding; the CA's own bound is held then.
    fn max_requests(&self) -> u8 {
        self.authorities().iter().map(|served| served.profile.max_requests()).max().unwrap_or(1)
    }

    /// Answers the DER octets of a request.
    #[must_use]
    pub fn answer(&self, request: &[u8]) -> Answer {
        self.read(request).map_or_else(|answer| answer, |request| self.answer_read(&request))
    }

    /// Answers a request, and asks the ledger for it.
    pub(crate) fn answer_read(&self, request: &OcspRequest) -> Answer {
        counted(self.answer_decoded(request))
    }

    /// Signs an answer to a request, for whoever prepares answers ahead; none is taken from those kept, and none is kept.
    ///
    /// # Errors
    /// [`PrepareError`].
    pub fn prepare(&self, request: &[u8]) -> Result<OcspResponse, PrepareError> {
        let request = OcspRequest::from_der(request, 1)?;
        let authority = self.authority_of(&request).ok_or(RespondError::ForeignIssuer)?;
        Ok(ca_core::ocsp::respond(&self.context(&authority), &request)?)
    }

    fn context<'a>(&'a self, authority: &'a ServedAuthority) -> OcspContext<'a> {
        OcspContext {
            responder: &authority.identity,
            profile: &authority.profile,
            clock: self.ports.clock.as_ref(),
            status: self.ports.status.as_ref(),
            signer: authority.signer.as_ref(),
        }
    }

    fn answer_decoded(&self, request: &OcspRequest) -> Answer {
        let Some(authority) = self.authority_of(request) else {
            if self.awaits(request) {
                return Answer::Error(ErrorStatus::TryLater);
            }
            return refused(&RespondError::ForeignIssuer);
        };
        if request.certificates().len() > usize::from(authority.profile.max_requests()) {
            return Answer::Error(ErrorStatus::MalformedRequest);
        }
        let context = self.context(&authority);
        let outcome = match keepable(request) {
            Some(certificate) => self.answer_or_repeat(&context, request, certificate),
            None => ca_core::ocsp::respond(&context, request)
                .map(|response| SignedAnswer { response: Arc::new(response), fresh: None }),
        };
        outcome.map_or_else(|error| refused(&error), Answer::Signed)
    }

    /// Finds the CA of the first certificate that is one of ours. Of two CAs with the same name, the key decides.
    fn authority_of(&self, request: &OcspRequest) -> Option<Arc<ServedAuthority>> {
        request.certificates().iter().find_map(|certificate| {
            let authorities = self.authorities();
            authorities.iter().find(|authority| authority.identity.issuer_hashes().name(certificate)).cloned()
        })
    }

    fn awaits(&self, request: &OcspRequest) -> bool {
        request.certificates().iter().any(|one| self.awaited.iter().any(|hashes| hashes.name(one)))
    }

    /// Gives the kept answer if it says what the ledger says and is young enough, and a new one otherwise.
    fn answer_or_repeat(
        &self,
        context: &OcspContext<'_>,
        request: &OcspRequest,
        certificate: &CertId,
    ) -> Result<SignedAnswer, RespondError> {
        // Before the status: what changes meanwhile makes this number an old one.
        let revision = self.ports.status.revision();
        let read = match ReadStatuses::of(context, request) {
            Ok(read) => read,
            Err(error) => return self.stand_in(certificate, context.clock.now(), error),
        };
        let (now, told) = (read.read_at(), read.statuses().first().copied().unwrap_or(CertStatus::Unknown));
        if let Some(response) = self.kept.young(certificate, now, (told, revision)) {
            return Ok(self.shared(response, now));
        }
        match read.sign(context) {
            Ok(response) => {
                let response = Arc::new(response);
                if !told.is_of_issued() {
                    return Ok(Self::passing(response, now));
                }
                self.kept.keep(certificate, now, (told, revision), &response);
                Ok(self.shared(response, now))
            }
            Err(error) => self.stand_in(certificate, now, error),
        }
    }

    /// An answer signed before stands in until its nextUpdate when ledger or signer fail. It is there only while nothing newer
    /// is known of the certificate.
    fn stand_in(
        &self,
        certificate: &CertId,
        now: UnixTime,
        error: RespondError,
    ) -> Result<SignedAnswer, RespondError> {
        let Some(response) = self.kept.valid(certificate, now) else {
            return Err(error);
        };
        log(&error, "a kept OCSP answer stands in");
        Ok(self.shared(response, now))
    }

    /// What is said of a certificate that was not issued changes when it is.
    fn passing(response: Arc<OcspResponse>, now: UnixTime) -> SignedAnswer {
        let end = now.plus_seconds(PASSING_SECONDS).min(response.next_update());
        SignedAnswer { response, fresh: Some(Freshness { until: end, expires: end }) }
    }

    fn shared(&self, response: Arc<OcspResponse>, now: UnixTime) -> SignedAnswer {
        let allowed = now.plus_seconds(i64::from(self.policy.max_age_seconds()));
        // RFC 5019 §6.1: renewed before max-age is over; when it could not be, nextUpdate is the end.
        let renewed = kept::renewal(&response);
        let end = if now < renewed { renewed } else { response.next_update() };
        let expires = response.next_update();
        SignedAnswer { response, fresh: Some(Freshness { until: allowed.min(end), expires }) }
    }
}

fn counted(answer: Answer) -> Answer {
    metrics::counter!("pki_ocsp_responses_total", "status" => answer.name()).increment(1);
    answer
}

/// A request for one certificate without a nonce is answered alike whoever asks.
fn keepable(request: &OcspRequest) -> Option<&CertId> {
    match (request.certificates(), request.nonce()) {
        ([certificate], None) => Some(certificate),
        _ => None,
    }
}

fn refused(error: &RespondError) -> Answer {
    log(error, "OCSP request not answered");
    Answer::Error(error.status())
}

fn log(error: &RespondError, what: &'static str) {
    match error.fault() {
        Fault::Requester | Fault::Conflict => tracing::debug!(reason = error.code(), %error, "{what}"),
        Fault::Unavailable => tracing::warn!(reason = error.code(), %error, "{what}"),
        Fault::Ours => tracing::error!(reason = error.code(), %error, "{what}"),
    }
}

impl Answer {
    /// Returns the word under which it is counted.
    fn name(&self) -> &'static str {
        match self {
            Self::Error(status) => status.name(),
            Self::Signed(answer) => match answer.response.statuses().first() {
                Some(CertStatus::Good) => "good",
                Some(CertStatus::Revoked(_)) => "revoked",
                Some(CertStatus::NeverIssued) => "never-issued",
                Some(CertStatus::Unknown) | None => "unknown",
            },
        }
    }
}

/// Why no answer was prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// It is no request for one certificate.
    #[error(transparent)]
    Request(#[from] DecodeRequestError),
    /// There is no answer.
    #[error(transparent)]
    Respond(#[from] RespondError),
}

//! The certification authority: eight verbs, each of which is a walk through the modules below.
//!
//! One value per issuing CA. Synchronous: callers bring their own threads. RFC 5280 §3, RFC 4949.

use std::sync::Arc;

use crate::actor::{Actor, Identity, Origin};
use crate::approval::{self, ApprovalRequest, DecideError};
use crate::audit::AuditEvent;
use crate::confirmation::{ConfirmError, Confirmation, Confirming, Lapses};
use crate::crl::{self, CrlError};
use crate::fleet::uplift::UpliftMatrix;
use crate::issuance::draft::DraftError;
use crate::issuance::{IssueError, IssuedCertificate, Workshop, issue, only_answer, refusal};
use crate::issuer::Issuer;
use crate::key_ref::KeyRef;
use crate::lint::Linter;
use crate::made_key::MadeKey;
use crate::ports::{
    Clock, Entropy, Ledger, Registry, Signer, StatusSource, Transactions, Unavailable, WaitingRoom,
};
use crate::profile::{CertificateProfile, CrlProfile, ProfileId};
use crate::public_key::PublicKey;
use crate::record::{
    CertificateId, CertificateQuery, CertificateStatus, CrlRecord, ProductionId, StoredCertificate,
    Transaction, WaitingRequest,
};
use crate::registration::{self, AdmitError, Door, Grounds, Offer, admit};
use crate::request::{EnrolmentKind, EnrolmentRequest, Evidence, ReleaseRequest, RevocationRequest};
use crate::revocation::{
    RecordedRelease, RecordedRevocation, RevocationGrounds, RevokeError, decide, release,
};
use crate::scope::CrlScope;
use crate::serial_number::SerialNumber;
use crate::subject::Subject;
use crate::system_title::SystemTitle;
use crate::template::RequestTemplate;
use crate::validity::UnixTime;
use crate::visits::Visit;
use sha2::{Digest, Sha256};

/// Adapters for everything the authority needs of the world.
#[derive(Clone)]
pub struct Ports {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for serial numbers.
    pub entropy: Arc<dyn Entropy>,
    /// Private keys.
    pub signer: Arc<dyn Signer>,
    /// Durable records.
    pub ledger: Arc<dyn Ledger>,
    /// What the records say.
    pub status: Arc<dyn StatusSource>,
    /// Devices and tokens.
    pub registry: Arc<dyn Registry>,
    /// Requests that wait for people.
    pub waiting: Arc<dyn WaitingRoom>,
    /// Messages that belong together.
    pub transactions: Arc<dyn Transactions>,
}

impl core::fmt::Debug for Ports {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}

/// What an authority is made of, beside its ports.
#[derive(Debug, Clone)]
pub struct Charter {
    /// Who it is.
    pub issuer: Issuer,
    /// What it issues, and to whom.
    pub offers: Vec<Offer>,
    /// The rules that every draft must keep.
    pub linter: Linter,
    /// The profile of its CRLs.
    pub crl_profile: CrlProfile,
    /// How long a signing outcome may stay unknown before its serial number is revoked, in seconds.
    pub uncertain_grace_seconds: i64,
    /// The keys of every CA whose certificates the same ledger keeps, this one included.
    pub own_issuers: Vec<KeyRef>,
    /// Which devices may be lifted to which suite when they ask by themselves.
    pub uplifts: UpliftMatrix,
    /// On how many threads a batch is verified and signed.
    pub threads: usize,
}

/// A certification authority (RFC 5280 §3).
#[derive(Debug, Clone)]
pub struct CertificationAuthority {
    charter: Charter,
    ports: Ports,
}

impl CertificationAuthority {
    /// Puts an authority together.
    #[must_use]
    pub const fn new(charter: Charter, ports: Ports) -> Self {
        Self { charter, ports }
    }

    /// Returns the same authority with another profile of CRLs, such as that of its last one.
    #[must_use]
    pub fn with_crl_profile(&self, crl_profile: CrlProfile) -> Self {
        let deltas = crl_profile.deltas().is_some();
        let issuer = self.charter.issuer.clone().with_deltas(deltas);
        Self { charter: Charter { issuer, crl_profile, ..self.charter.clone() }, ports: self.ports.clone() }
    }

    /// Issues a certificate, for the first time or again as the request says.
    ///
    /// # Errors
    /// [`IssueError`]; an audit record of the refusal is on disk when it returns, or of the request that waits.
    pub fn enrol(&self, request: EnrolmentRequest) -> Result<IssuedCertificate, IssueError> {
        only_answer(self.enrol_batch(vec![request]))
    }

    /// Issues many certificates, each thousand with one durable transaction for the intents and one for the results; answers in
    /// order. What comes first in it is recorded first.
    ///
    /// One refusal does not touch its neighbours.
    #[must_use]
    pub fn enrol_batch(&self, requests: Vec<EnrolmentRequest>) -> Vec<Result<IssuedCertificate, IssueError>> {
        self.enrol_in(&self.grounds(), requests)
    }

    /// Issues many certificates as [`enrol_batch`](Self::enrol_batch) does, all under one production order.
    #[must_use]
    pub fn enrol_batch_under(
        &self,
        order: &ProductionId,
        requests: Vec<EnrolmentRequest>,
    ) -> Vec<Result<IssuedCertificate, IssueError>> {
        self.enrol_in(&Grounds { production: Some(order), ..self.grounds() }, requests)
    }

    /// Issues a certificate for the hand-held unit of a visit, valid no longer than the visit.
    ///
    /// # Errors
    /// As [`enrol`](Self::enrol).
    pub fn enrol_on_visit(
        &self,
        visit: &Visit,
        request: EnrolmentRequest,
    ) -> Result<IssuedCertificate, IssueError> {
        only_answer(self.enrol_in(&Grounds { visit: Some(visit), ..self.grounds() }, vec![request]))
    }

    fn enrol_in(
        &self,
        grounds: &Grounds<'_>,
        requests: Vec<EnrolmentRequest>,
    ) -> Vec<Result<IssuedCertificate, IssueError>> {
        let now = self.ports.clock.now();
        let if_refused: Vec<AuditEvent> = requests.iter().map(|request| self.refused(request, now)).collect();
        let admitted = requests
            .into_iter()
            .map(|request| admit(grounds, request, now).map_err(IssueError::from))
            .collect();
        issue(&self.workshop(), admitted)
            .into_iter()
            .zip(if_refused)
            .map(|(outcome, event)| match outcome {
                // Nothing is refused yet, and that it waits was recorded once.
                Err(error) if !error.is_waiting() => self.refuse(event, error.code(), error),
                outcome => outcome,
            })
            .collect()
    }

    /// Records a revocation, for good or on hold. The next CRL and every later OCSP answer will say so.
    ///
    /// # Errors
    /// [`RevokeError`]; an audit record of the refusal is on disk when it returns.
    pub fn revoke(&self, request: RevocationRequest) -> Result<RecordedRevocation, RevokeError> {
        let now = self.ports.clock.now();
        let if_refused = refused_change((&request.actor, &request.id), "revocation", now);
        decide(&self.revocation_grounds(), request, now)
            .and_then(|admitted| admitted.record(&*self.ports.ledger))
            .or_else(|error| self.refuse(if_refused, error.code(), error))
    }

    /// Tells whether a revocation would be legal now; records nothing but a refusal.
    ///
    /// # Errors
    /// [`RevokeError`]; an audit record of the refusal is on disk when it returns.
    pub fn check_revocation(&self, request: RevocationRequest) -> Result<(), RevokeError> {
        let now = self.ports.clock.now();
        let if_refused = refused_change((&request.actor, &request.id), "revocation", now);
        decide(&self.revocation_grounds(), request, now)
            .map(drop)
            .or_else(|error| self.refuse(if_refused, error.code(), error))
    }

    /// Tells whether another certificate, good and younger, is in the place of this one.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn is_replaced(&self, id: &CertificateId) -> Result<bool, Unavailable> {
        let Some(old) = self.ports.status.certificate(id)? else { return Ok(false) };
        let Some(slot) = &old.slot else { return Ok(false) };
        let rows =
            registration::certificates_of(&*self.ports.status, self.charter.issuer.tenant(), &slot.title)?;
        let follows = |row: &StoredCertificate| {
            row.status == CertificateStatus::Good && row.slot.as_ref() == Some(slot) && row.age() > old.age()
        };
        Ok(rows.iter().any(follows))
    }

    /// Records that a certificate is released from hold. The next CRL no longer lists it.
    ///
    /// # Errors
    /// [`RevokeError`]; an audit record of the refusal is on disk when it returns.
    pub fn release(&self, request: ReleaseRequest) -> Result<RecordedRelease, RevokeError> {
        let now = self.ports.clock.now();
        let if_refused = refused_change((&request.actor, &request.id), "release", now);
        release::decide(&self.revocation_grounds(), request, now)
            .and_then(|admitted| admitted.record(&*self.ports.ledger))
            .or_else(|error| self.refuse(if_refused, error.code(), error))
    }

    fn revocation_grounds(&self) -> RevocationGrounds<'_> {
        RevocationGrounds {
            issuer: &self.charter.issuer,
            own_issuers: &self.charter.own_issuers,
            crl_profile: &self.charter.crl_profile,
            status: &*self.ports.status,
        }
    }

    /// Records what an operator decides of a request that waits. Nothing is issued before the requester asks again.
    ///
    /// # Errors
    /// [`DecideError`]; an audit record of the refusal is on disk when it returns.
    pub fn decide(&self, request: ApprovalRequest) -> Result<WaitingRequest, DecideError> {
        let now = self.ports.clock.now();
        let if_refused = AuditEvent {
            issuer: Some(self.charter.issuer.key()),
            digest: request.digest.to_vec(),
            ..refusal(&request.actor, &request.wish(), "", now)
        };
        approval::decide(&self.charter.issuer, &*self.ports.waiting, request, now)
            .or_else(|error| self.refuse(if_refused, error.code(), error))
    }

    /// Records that the holder of a certificate confirms or refuses it. The same message again gets the same answer.
    ///
    /// # Errors
    /// [`ConfirmError`]; an audit record of the refusal is on disk when it returns.
    pub fn confirm(&self, confirmation: Confirmation) -> Result<Transaction, ConfirmError> {
        let now = self.ports.clock.now();
        let if_refused = AuditEvent {
            issuer: Some(self.charter.issuer.key()),
            digest: confirmation.key.to_vec(),
            ..refusal(&confirmation.actor, &confirmation.wish(), "", now)
        };
        self.confirming(now)
            .confirm(confirmation)
            .or_else(|error| self.refuse(if_refused, error.code(), error))
    }

    /// Closes transactions whose time is over, at most `limit`, and revokes what nobody confirmed in them.
    ///
    /// # Errors
    /// [`Unavailable`]; what was closed until then is.
    pub fn lapse(&self, limit: usize) -> Result<Lapses, Unavailable> {
        self.confirming(self.ports.clock.now()).lapse(limit)
    }

    /// Signs and records a new CRL from the rows committed so far.
    ///
    /// # Errors
    /// [`CrlError`]; the CRL before stays the latest.
    pub fn issue_crl(&self, actor: &Actor) -> Result<CrlRecord, CrlError> {
        self.issue_crl_in(actor, &CrlScope::All, None)
    }

    /// Signs and records a CRL that speaks from a later time than now and is to be published then.
    ///
    /// # Errors
    /// [`CrlError`]; the CRL before stays the latest.
    pub fn issue_crl_ahead(&self, actor: &Actor, this_update: UnixTime) -> Result<CrlRecord, CrlError> {
        crl::issue_crl(&crl::CrlContext {
            this_update: Some(this_update),
            ..self.crl_context(actor, &CrlScope::All, None)
        })
    }

    /// Signs and records a new CRL of a scope: a complete one, or a delta to the complete one with the number `base`, which
    /// must be published.
    ///
    /// # Errors
    /// [`CrlError`]; the CRL before stays the latest.
    pub fn issue_crl_in(
        &self,
        actor: &Actor,
        scope: &CrlScope,
        base: Option<u64>,
    ) -> Result<CrlRecord, CrlError> {
        crl::issue_crl(&self.crl_context(actor, scope, base))
    }

    fn crl_context<'a>(
        &'a self,
        actor: &'a Actor,
        scope: &'a CrlScope,
        base: Option<u64>,
    ) -> crl::CrlContext<'a> {
        crl::CrlContext {
            issuer: &self.charter.issuer,
            profile: &self.charter.crl_profile,
            clock: &*self.ports.clock,
            ledger: &*self.ports.ledger,
            status: &*self.ports.status,
            signer: &*self.ports.signer,
            actor,
            scope,
            base,
            this_update: None,
            uncertain_grace_seconds: self.charter.uncertain_grace_seconds,
        }
    }

    /// Returns what the ledger knows of a serial number of this authority.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn status_of(&self, serial: &SerialNumber) -> Result<CertificateStatus, Unavailable> {
        let id = CertificateId { issuer: self.charter.issuer.key(), serial: serial.clone() };
        self.ports.status.status_of(&id)
    }

    /// Records that a front end refused a request before it could become one, such as octets that are no request.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn record_refusal(&self, actor: &Actor, detail: &str, code: &str) -> Result<(), Unavailable> {
        let event = refusal(actor, detail, code, self.ports.clock.now());
        self.ports.ledger.record_event(AuditEvent { issuer: Some(self.charter.issuer.key()), ..event })
    }

    /// Returns the issuing identity.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.charter.issuer
    }

    /// Tells whether it puts certificates on hold.
    #[must_use]
    pub fn offers_hold(&self) -> bool {
        self.charter.crl_profile.offers_hold()
    }

    /// Returns the source of randomness.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.ports.entropy
    }

    /// Returns the offer of a profile.
    #[must_use]
    pub fn offer(&self, profile: &ProfileId) -> Option<&Offer> {
        self.charter.offers.iter().find(|offer| offer.profile.id() == profile)
    }

    /// Returns every door that is open for a profile.
    #[must_use]
    pub fn doors(&self, profile: &ProfileId) -> Vec<Door> {
        let offers = self.charter.offers.iter().filter(|offer| offer.profile.id() == profile);
        offers.flat_map(|offer| offer.doors.iter().copied()).collect()
    }

    /// Tells what a request under a profile should say, or `None` for a profile that is not offered.
    ///
    /// # Errors
    /// [`DraftError`] where a value cannot be written, which no sound profile causes.
    pub fn template(
        &self,
        profile: &ProfileId,
        title: Option<&SystemTitle>,
    ) -> Result<Option<RequestTemplate>, DraftError> {
        self.offer(profile).map(|offer| RequestTemplate::of(&offer.profile, title)).transpose()
    }

    /// Makes a key pair for a subject of this profile, or `None` for a profile that is not offered. It is kept nowhere.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no randomness.
    pub fn make_key(&self, profile: &ProfileId) -> Result<Option<MadeKey>, Unavailable> {
        self.offer(profile)
            .map(|offer| MadeKey::make(offer.profile.curve(), &*self.ports.entropy))
            .transpose()
    }

    /// Checks the certificate that somebody shows who asks for none: it is not revoked, and has not expired.
    ///
    /// # Errors
    /// [`AdmitError`].
    pub fn check_shown(&self, actor: &Actor) -> Result<(), AdmitError> {
        registration::check_shown(&self.grounds(), actor)
    }

    /// Tells whether a request that does not say so is the first or another one: another, where who asks may ask again and the
    /// device holds a certificate of the kind for another key than the one asked for.
    ///
    /// A request for the very key that is certified may be the first one repeated, and is taken for that. What the ledger then
    /// finds otherwise is refused.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn kind_for(
        &self,
        actor: &Actor,
        profile: &ProfileId,
        subject: &Subject,
        key: Option<&PublicKey>,
    ) -> Result<EnrolmentKind, Unavailable> {
        let renewed = match &actor.identity {
            Identity::Device(device) if device.origin == Origin::Operational => {
                Some(Box::new(device.certificate.clone()))
            }
            Identity::RegistrationAuthority(_) => None,
            Identity::Device(_)
            | Identity::OneTimeToken { .. }
            | Identity::Operator { .. }
            | Identity::Process { .. }
            | Identity::Unauthenticated { .. } => return Ok(EnrolmentKind::First),
        };
        let (Some(title), Some(offer)) = (subject.system_title(), self.offer(profile)) else {
            return Ok(EnrolmentKind::First);
        };
        let another = |row: &StoredCertificate| {
            holds_place_of(row, &offer.profile)
                && key.is_none_or(|key| row.key_fingerprint != key.fingerprint())
        };
        let again = self.valid_certificates(title)?.iter().any(another);
        Ok(if again { EnrolmentKind::ReEnrolment { renewed, former: None } } else { EnrolmentKind::First })
    }

    /// Returns the certificates of a device that are valid now, of every hierarchy and purpose.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn valid_certificates(&self, title: &SystemTitle) -> Result<Vec<StoredCertificate>, Unavailable> {
        let now = self.ports.clock.now();
        let rows = registration::certificates_of(&*self.ports.status, self.charter.issuer.tenant(), title)?;
        let valid =
            |row: &StoredCertificate| row.status == CertificateStatus::Good && row.validity.contains(now);
        Ok(rows.into_iter().filter(valid).collect())
    }

    /// Returns a certificate of this authority with all that is known of it.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn certificate(&self, serial: &SerialNumber) -> Result<Option<StoredCertificate>, Unavailable> {
        let id = CertificateId { issuer: self.charter.issuer.key(), serial: serial.clone() };
        self.ports.status.certificate(&id)
    }

    /// Returns the certificate that was asked for in this transaction, if one is on record.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn made_in(&self, transaction: &[u8; 32]) -> Result<Option<StoredCertificate>, Unavailable> {
        let query = CertificateQuery { request: Some(*transaction), limit: 1, ..CertificateQuery::default() };
        Ok(self.ports.status.certificates(&query)?.pop())
    }

    /// Returns the last CRL on record.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn latest_crl(&self) -> Result<Option<CrlRecord>, Unavailable> {
        self.ports.status.latest_crl(&self.charter.issuer.key())
    }

    /// Returns where transactions are kept.
    #[must_use]
    pub fn transactions(&self) -> &dyn Transactions {
        &*self.ports.transactions
    }

    /// What the record will say if this request is refused.
    fn refused(&self, request: &EnrolmentRequest, now: UnixTime) -> AuditEvent {
        let wish = format!("{} under {}", request.subject, request.profile);
        let digest = match &request.evidence {
            Evidence::Request(csr) => csr.digest().to_vec(),
            Evidence::Template(request) => request.digest().to_vec(),
            Evidence::SelfSigned(certificate) => Sha256::digest(certificate.der()).to_vec(),
            Evidence::MadeHere { request, .. } => request.digest().to_vec(),
            Evidence::OwnSigner { .. } => Vec::new(),
        };
        AuditEvent {
            issuer: Some(self.charter.issuer.key()),
            digest,
            ..refusal(&request.actor, &wish, "", now)
        }
    }

    /// Puts a refusal on record before it is answered; what cannot be recorded is answered as unavailable.
    fn refuse<T, E: From<Unavailable>>(&self, event: AuditEvent, code: &str, error: E) -> Result<T, E> {
        self.ports.ledger.record_event(AuditEvent { reason: code.to_owned(), ..event })?;
        Err(error)
    }

    fn confirming(&self, now: UnixTime) -> Confirming<'_> {
        Confirming {
            issuer: &self.charter.issuer,
            status: &*self.ports.status,
            transactions: &*self.ports.transactions,
            now,
        }
    }

    fn grounds(&self) -> Grounds<'_> {
        Grounds {
            issuer: &self.charter.issuer,
            offers: &self.charter.offers,
            own_issuers: &self.charter.own_issuers,
            status: &*self.ports.status,
            registry: &*self.ports.registry,
            transactions: &*self.ports.transactions,
            uplifts: &self.charter.uplifts,
            production: None,
            visit: None,
        }
    }

    fn workshop(&self) -> Workshop<'_> {
        Workshop {
            issuer: &self.charter.issuer,
            own_issuers: &self.charter.own_issuers,
            linter: &self.charter.linter,
            entropy: &*self.ports.entropy,
            signer: &*self.ports.signer,
            ledger: &*self.ports.ledger,
            registry: &*self.ports.registry,
            threads: self.charter.threads,
        }
    }
}

/// What the record will say if a revocation or a release is refused.
fn refused_change((actor, id): (&Actor, &CertificateId), what: &str, now: UnixTime) -> AuditEvent {
    AuditEvent {
        issuer: Some(id.issuer),
        serial: Some(id.serial.clone()),
        ..refusal(actor, &format!("{what} of {}", id.serial), "", now)
    }
}

/// Tells whether a certificate holds the place of a device that one under this profile would take.
#[must_use]
pub fn holds_place_of(row: &StoredCertificate, profile: &CertificateProfile) -> bool {
    row.slot
        .as_ref()
        .is_some_and(|slot| slot.hierarchy == profile.parts().hierarchy && slot.purpose == profile.purpose())
}

//! When two requests are the same, and whether one was answered before.
//!
//! What follows from it is decided by the ledger inside its transaction. RFC 7030 §4.2.3 has no transaction id: a client that
//! lost an answer posts its request again.

use der::Encode;
use sha2::{Digest, Sha256};

use super::{Offer, ProductionRule};
use crate::csr::CertificationRequest;
use crate::issuer::Issuer;
use crate::ports::{StatusSource, Unavailable};
use crate::record::{AfterWindow, CertificateQuery, CertificateStatus, Idempotency};
use crate::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use crate::validity::UnixTime;

/// "The same request again" asks the same of the same issuer under the same profile by the same requester, for the same
/// subject and period, for the first time or again; or it is asked in the same transaction.
pub(super) fn idempotency(
    issuer: &Issuer,
    request: &EnrolmentRequest,
    offer: &Offer,
    (now, approved): (UnixTime, bool),
) -> Option<Idempotency> {
    if let Some(key) = request.transaction {
        // One certificate for all time: once it is revoked the transaction gets no other.
        let since = UnixTime::from_seconds(i64::MIN);
        return Some(Idempotency { key, since, after: AfterWindow::ReturnExisting });
    }
    let Evidence::Request(csr) = &request.evidence else {
        // A key that was made here is nowhere kept: whoever lost it can only be given another, with another certificate.
        return None;
    };
    let kind = match &request.kind {
        EnrolmentKind::First => "first",
        EnrolmentKind::ReEnrolment { .. } => "again",
    };
    let mut hash = Fields::new();
    hash.add(issuer.key().octets());
    let purpose = offer.profile.purpose().name();
    for text in [request.profile.as_str(), purpose, request.actor.tenant.as_str(), kind] {
        hash.add(text.as_bytes());
    }
    hash.add(request.actor.requester().as_bytes());
    hash.add(request.subject.to_string().as_bytes());
    for name in &request.subject.alternative_names {
        hash.add(name.to_string().as_bytes());
    }
    hash.add(&request.validity_seconds.map_or_else(Vec::new, |seconds| seconds.to_be_bytes().to_vec()));
    add_request(csr, approved, &mut hash);
    let rule = offer.repeats;
    let since = now.plus_seconds(-rule.window_seconds);
    Some(Idempotency { key: hash.finish(), since, after: after_window(offer) })
}

/// A line that was stopped goes on however long it stood: under a production order the same request has the same answer for as
/// long as that is good.
const fn after_window(offer: &Offer) -> AfterWindow {
    match (offer.production, offer.repeats.after) {
        (ProductionRule::Required, AfterWindow::New) => AfterWindow::ReturnExisting,
        (ProductionRule::Required | ProductionRule::Unasked, after) => after,
    }
}

/// A request bound to its TLS connection (RFC 7030 §3.5) carries another challengePassword, and thus another signature, each
/// time: it is the same when it asks the same for the same key. So it is when operators approve what is asked.
fn add_request(csr: &CertificationRequest, approved: bool, hash: &mut Fields) {
    if csr.challenge_password().is_none() && !approved {
        hash.add(&csr.digest());
        return;
    }
    hash.add(&csr.public_key().fingerprint());
    for extension in csr.requested_extensions() {
        hash.add(&extension.to_der().unwrap_or_default());
    }
}

/// Fields to be hashed, each with its length in front, so that no two lists of fields are the same octets.
pub(super) struct Fields(Sha256);

impl Fields {
    pub(super) fn new() -> Self {
        Self(Sha256::new())
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    pub(super) fn add(&mut self, octets: &[u8]) {
        self.0.update(u64::try_from(octets.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(octets);
    }
}

/// Tells whether the ledger will answer the request with a certificate that it holds.
pub(super) fn is_answered(
    status: &dyn StatusSource,
    idempotency: Option<&Idempotency>,
) -> Result<bool, Unavailable> {
    let Some(Idempotency { key, since, after }) = idempotency else { return Ok(false) };
    let query = CertificateQuery { request: Some(*key), limit: 1, ..CertificateQuery::default() };
    let counts = |recorded_at| recorded_at >= *since || *after != AfterWindow::New;
    let rows = status.certificates(&query)?;
    Ok(rows.iter().any(|row| row.status == CertificateStatus::Good && counts(row.recorded_at)))
}

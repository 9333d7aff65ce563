//! Issues once more, under the key of another root of the same name, what a root has issued: with the same serial number, name,
//! key and validity.
//!
//! For the stand-in of a rehearsal, which is to follow, revoke and close what its original issued. No request is proven, and
//! what is made stays in the ledger of the stand-in. Nothing of it is written anywhere else.

use std::slice;

use ca_core::audit::{Act, AuditEvent};
use ca_core::certificate::Certificate;
use ca_core::issuance::IssueError;
use ca_core::issuance::draft::{DraftError, DraftInput, draft};
use ca_core::issuer::SignedBy;
use ca_core::ports::{Ledger, Signer};
use ca_core::profile::CertificateProfile;
use ca_core::record::{CertificateId, Conditions, Intent, IssuedRecord};
use ca_core::scope::CrlListing;
use ca_core::signing::{IntegerLength, assemble, sign_verified};
use ca_core::subject::Subject;
use sha2::{Digest, Sha256};

use super::certify::CertifyError;
use super::{Ceremony, OpenRootError};

/// Issues a certificate once more.
pub(crate) fn issue_again(
    ceremony: &Ceremony,
    (before, profile): (&Certificate, &CertificateProfile),
    signer: &dyn Signer,
) -> Result<(), CertifyError> {
    let issuer = ceremony.issuer().map_err(OpenRootError::from)?;
    let subject = Subject::distinguished(before.subject().clone());
    let input = DraftInput {
        signed_by: SignedBy::Issuer(&issuer),
        profile,
        subject: &subject,
        public_key: before.public_key(),
        serial: before.serial(),
        validity: before.validity(),
        shard: None,
    };
    let tbs = draft(&input).map_err(IssueError::from)?;
    let id = CertificateId { issuer: issuer.key(), serial: before.serial().clone() };
    let event = |act, octets: &[u8]| AuditEvent {
        serial: Some(before.serial().clone()),
        digest: Sha256::digest(octets).to_vec(),
        ..ceremony.event(act, format!("{subject} under {}, issued once more for a rehearsal", profile.id()))
    };
    let intent = Intent {
        id: id.clone(),
        tbs: tbs.clone(),
        tenant: ceremony.charter.tenant.clone(),
        profile: profile.id().clone(),
        profile_version: profile.parts().version,
        subject: subject.to_string(),
        key_fingerprint: before.public_key().fingerprint(),
        purpose: profile.purpose(),
        validity: before.validity(),
        recorded_at: ceremony.time.time(),
        conditions: Conditions::default(),
        event: event(Act::IntentRecorded, &tbs),
        listing: CrlListing::ON_ALL,
    };
    for recorded in ceremony.ledger.record_intents(vec![intent])? {
        recorded.map_err(IssueError::Conflict)?;
    }
    ceremony.ledger.begin_signing(slice::from_ref(&id))?;
    let key = issuer.certificate().public_key();
    let signed =
        sign_verified(signer, &id.issuer, key, &tbs, IntegerLength::Any).map_err(IssueError::from)?;
    let made = assemble(&tbs, &signed.signature).map_err(DraftError::from).map_err(IssueError::from)?;
    let event = event(Act::CertificateIssued, &made);
    let issued_at = ceremony.time.time();
    Ok(ceremony.ledger.record_issued(vec![IssuedRecord { id, certificate: made, issued_at, event }])?)
}

//! The certificate of a root: the steps of every other certificate, for one that signs itself.
//!
//! Used once in the life of a root, by the ceremony; there is no issuer yet, and so no certification authority to ask. What a
//! root may look like is the profile's and the linter's affair. RFC 5280 §3.2, §4.

use super::{
    Bench, IssueError, IssuedCertificate, ProveError, ProvenRequest, issue_proven, only_answer, refusal,
};
use crate::actor::Actor;
use crate::csr::ProofOfPossession;
use crate::distinguished_name::DistinguishedName;
use crate::issuer::SignedBy;
use crate::key_ref::KeyRef;
use crate::lint::Linter;
use crate::ports::{Entropy, Ledger, Signer};
use crate::profile::CertificateProfile;
use crate::record::Conditions;
use crate::registration::{AdmitError, AdmittedRequest};
use crate::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use crate::subject::Subject;
use crate::validity::UnixTime;

/// What a root is made of, and with what.
#[derive(Clone, Copy)]
pub struct RootFounding<'a> {
    /// Who makes it, and on whose behalf.
    pub actor: &'a Actor,
    /// A profile for CAs, whose suite is that of the key.
    pub profile: &'a CertificateProfile,
    /// Its name.
    pub subject: &'a DistinguishedName,
    /// Its key, which the signer holds.
    pub key: &'a KeyRef,
    /// The present, by the one sample of the clock that this founding takes. The root is valid from now on, for as long as the
    /// profile says.
    pub now: UnixTime,
    /// The rules that the draft must keep.
    pub linter: &'a Linter,
    /// Randomness for the serial number.
    pub entropy: &'a dyn Entropy,
    /// Holds the key.
    pub signer: &'a dyn Signer,
    /// Where intent and certificate are recorded.
    pub ledger: &'a dyn Ledger,
}

impl core::fmt::Debug for RootFounding<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RootFounding")
            .field("actor", self.actor)
            .field("profile", self.profile.id())
            .field("subject", self.subject)
            .field("key", self.key)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// Makes the certificate of a root: drafted, linted, its intent recorded, signed, verified, compared, recorded.
///
/// # Errors
/// [`IssueError`]; an audit record of the refusal is on disk when it returns.
pub fn establish_root(founding: &RootFounding<'_>) -> Result<IssuedCertificate, IssueError> {
    found(founding).or_else(|error| {
        let wish = format!("root {} under {}", founding.subject, founding.profile.id());
        founding.ledger.record_event(refusal(founding.actor, &wish, error.code(), founding.now))?;
        Err(error)
    })
}

fn found(founding: &RootFounding<'_>) -> Result<IssuedCertificate, IssueError> {
    let proven = prove(founding)?;
    let issuer_key = proven.public_key.clone();
    let bench = Bench {
        signed_by: SignedBy::Itself,
        issuer_key: &issuer_key,
        linter: founding.linter,
        entropy: founding.entropy,
        signer: founding.signer,
        ledger: founding.ledger,
        registry: None,
        threads: 1,
    };
    only_answer(issue_proven(&bench, vec![Ok(proven)]))
}

/// There is nobody to admit and no request to prove: the signer answers for the key, the caller for the rest.
fn prove(founding: &RootFounding<'_>) -> Result<ProvenRequest, IssueError> {
    let profile = founding.profile;
    if !profile.is_authority() {
        return Err(AdmitError::ProfileNotOffered { profile: profile.id().clone() }.into());
    }
    let public_key = founding.signer.public_key(founding.key)?;
    if public_key.curve() != profile.curve() {
        return Err(ProveError::Curve { found: public_key.curve(), wanted: profile.curve() }.into());
    }
    let request = EnrolmentRequest {
        actor: founding.actor.clone(),
        profile: profile.id().clone(),
        subject: Subject::distinguished(founding.subject.clone()),
        evidence: Evidence::OwnSigner { key: *founding.key },
        kind: EnrolmentKind::First,
        validity_seconds: None,
        transaction: None,
    };
    let admitted = AdmittedRequest {
        request,
        profile: profile.clone(),
        conditions: Conditions::default(),
        predecessor_key: None,
        approval: None,
        now: founding.now,
    };
    Ok(ProvenRequest {
        admitted,
        public_key,
        validity: profile
            .validity_at(founding.now, None)
            .ok_or(IssueError::ValidityOutsideProfile { seconds: None })?,
        _possession: ProofOfPossession::held_by_own_signer(),
    })
}

#[cfg(test)]
mod tests;

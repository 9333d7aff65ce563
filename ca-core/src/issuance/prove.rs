//! From an admitted to a proven request: the key suits profile and issuer, its possession is proved, and the certification
//! request asks for nothing that the profile does not give. Touches nothing.

use super::asked::check_extension;
use super::{Exit, IssueError, ProveError, ProvenRequest, Workshop};
use crate::actor::Identity;
use crate::csr::{ProofOfPossession, RequestContent};
use crate::made_key::MadeKey;
use crate::profile::{CertificateProfile, KeyReuse};
use crate::public_key::PublicKey;
use crate::registration::AdmittedRequest;
use crate::request::Evidence;
use crate::subject::{Subject, SubjectName};
use crate::suite::Curve;
use crate::validity::Validity;

/// Proves one request.
pub(super) fn prove(workshop: &Workshop<'_>, admitted: AdmittedRequest) -> Result<ProvenRequest, Exit> {
    check(workshop, admitted).map_err(Exit::from)
}

fn check(workshop: &Workshop<'_>, admitted: AdmittedRequest) -> Result<ProvenRequest, IssueError> {
    let validity = check_validity(workshop, &admitted)?;
    let (public_key, possession) = match &admitted.request.evidence {
        Evidence::Request(csr) => {
            check_key(workshop, &admitted.profile, csr.public_key())?;
            check_content(csr.content(), admitted.request.written_subject(), &admitted.profile)?;
            (csr.public_key().clone(), csr.prove_possession().map_err(|_| ProveError::NotPossessed)?)
        }
        Evidence::Template(template) => {
            check_key(workshop, &admitted.profile, &template.public_key)?;
            check_content(&template.content, admitted.request.written_subject(), &admitted.profile)?;
            // RFC 9483 §5.1.1: the word of a registration authority counts, and nobody else's.
            let identity = &admitted.request.actor.identity;
            let word_counts = matches!(identity, Identity::RegistrationAuthority(_));
            let possession = template.prove_possession(word_counts);
            (template.public_key.clone(), possession.map_err(|_| ProveError::NotPossessed)?)
        }
        Evidence::SelfSigned(root) => {
            check_key(workshop, &admitted.profile, root.public_key())?;
            let subject = Subject::distinguished(root.subject().clone());
            if subject != admitted.request.subject {
                let (found, wanted) = (subject.to_string(), admitted.request.subject.to_string());
                return Err(ProveError::SubjectDiffers { found, wanted }.into());
            }
            let possession = ProofOfPossession::shown_by(root).map_err(|_| ProveError::NotPossessed)?;
            (root.public_key().clone(), possession)
        }
        Evidence::OwnSigner { key } => {
            let public_key = workshop.signer.public_key(key).map_err(IssueError::from)?;
            check_key(workshop, &admitted.profile, &public_key)?;
            (public_key, ProofOfPossession::held_by_own_signer())
        }
        Evidence::MadeHere { key, request } => {
            let purpose = admitted.profile.purpose();
            if !MadeKey::may_serve(purpose) {
                return Err(ProveError::MadeHere { purpose }.into());
            }
            check_key(workshop, &admitted.profile, key.public_key())?;
            check_content(request.content(), admitted.request.written_subject(), &admitted.profile)?;
            (key.public_key().clone(), ProofOfPossession::made_here())
        }
    };
    check_reuse(&admitted, &public_key)?;
    Ok(ProvenRequest { admitted, public_key, validity, _possession: possession })
}

/// Fixes the period of the certificate inside that of its issuer.
fn check_validity(workshop: &Workshop<'_>, admitted: &AdmittedRequest) -> Result<Validity, IssueError> {
    let now = admitted.now;
    let asked = admitted.request.validity_seconds;
    let outside = IssueError::ValidityOutsideProfile { seconds: asked };
    let Some(validity) = admitted.profile.validity_at(now, asked) else {
        return Err(outside);
    };
    let issuer = workshop.issuer.certificate().validity();
    // Status is spoken of until the issuer's certificate ends, long after its issuing window.
    let speaks_of_status = admitted.profile.parts().ocsp_no_check;
    let window_closed = now > workshop.issuer.window_ends() && !speaks_of_status;
    if window_closed || !issuer.contains(now) {
        return Err(IssueError::WindowClosed { now, window_ends: workshop.issuer.window_ends() });
    }
    // Refused, never truncated: a shorter certificate than asked for is a different certificate.
    if validity.not_after() > issuer.not_after() {
        return Err(IssueError::ValidityExceedsIssuer {
            not_after: validity.not_after(),
            issuer_not_after: issuer.not_after(),
        });
    }
    // RFC 9810 §4.4.1: an old root certified by the new one was valid before that.
    if admitted.profile.certifies_again() {
        return Ok(validity);
    }
    // The minutes that a profile dates back are for slow clocks; nothing was valid before its issuer.
    let not_before = validity.not_before().max(issuer.not_before());
    Validity::new(not_before, validity.not_after()).ok_or(outside)
}

fn check_key(
    workshop: &Workshop<'_>,
    profile: &CertificateProfile,
    key: &PublicKey,
) -> Result<(), ProveError> {
    if key.curve() != profile.curve() {
        return Err(ProveError::Curve { found: key.curve(), wanted: profile.curve() });
    }
    // Green Book 9.2.6.5: P-384 under P-256 never; P-256 under P-384 only as a declared transition.
    let fits = match (key.curve(), workshop.issuer.curve()) {
        (Curve::P256, Curve::P256) | (Curve::P384, Curve::P384) => true,
        (Curve::P256, Curve::P384) => profile.parts().transition_issuer,
        (Curve::P384, Curve::P256) => false,
    };
    if !fits {
        return Err(ProveError::IssuerCurve { found: key.curve(), issuer: workshop.issuer.curve() });
    }
    if workshop.own_issuers.contains(&key.key_ref()) {
        return Err(ProveError::KeyOfAuthority);
    }
    Ok(())
}

/// Re-enrolment with the key unchanged is a renewal, which the profile may rule out.
fn check_reuse(admitted: &AdmittedRequest, key: &PublicKey) -> Result<(), ProveError> {
    let same = admitted.predecessor_key == Some(key.fingerprint());
    if same && admitted.profile.parts().key_reuse == KeyReuse::Refused {
        return Err(ProveError::KeyReused);
    }
    Ok(())
}

/// The request may repeat what the profile gives anyway; anything else it asks for is refused.
fn check_content(
    content: &RequestContent,
    subject: &Subject,
    profile: &CertificateProfile,
) -> Result<(), ProveError> {
    let names = content.alternative_names();
    let asked = Subject::read(content.subject(), names).map_err(|cause| ProveError::Subject { cause })?;
    // A device that cannot write its name leaves the subject empty; it was authenticated all the same.
    let unnamed = content.subject().is_empty() && names.is_none() && subject.system_title().is_some();
    if asked != *subject && !unnamed {
        return Err(ProveError::SubjectDiffers { found: asked.to_string(), wanted: subject.to_string() });
    }
    if let (true, SubjectName::Distinguished(_)) = (profile.names_system_title(), &subject.name) {
        return Err(ProveError::NotSystemTitle { found: subject.to_string() });
    }
    content.requested_extensions().iter().try_for_each(|extension| check_extension(extension, profile))
}

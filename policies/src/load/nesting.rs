//! Whether the profiles of a set fit under those of their issuers: a certificate must not outlive the CA that signs it.
//!
//! What one certificate may do under one issuer is held against the real issuer again at issuance. RFC 5280 §6.1.3 (a)(2).

use ca_core::oid;
use ca_core::profile::{CertificateProfile, ProfileId, ValidityRule};

use super::Loading;
use crate::fault::KeyFault;

impl Loading<'_> {
    pub(super) fn check_nesting(&mut self) {
        let mut found = Vec::new();
        for (id, (profile, issuers)) in &self.set.certificates {
            if issuers.is_empty() && !profile.is_authority() {
                found.push((id, KeyFault::NoIssuer));
            }
            found.extend(issuers.iter().filter_map(|issuer| Some((id, self.misfit(profile, issuer)?))));
        }
        let located = found
            .into_iter()
            .filter_map(|(id, fault)| Some(self.homes.get(id)?.fault("issuers", fault)))
            .collect::<Vec<_>>();
        self.faults.extend(located);
    }

    fn misfit(&self, profile: &CertificateProfile, issuer_id: &ProfileId) -> Option<KeyFault> {
        let (id, issuer) = (profile.id().clone(), issuer_id.clone());
        let Some((above, _)) = self.set.certificates.get(issuer_id).filter(|(above, _)| above.is_authority())
        else {
            return Some(KeyFault::IssuerUnknown { id, issuer });
        };
        (!fits(profile, above)).then_some(KeyFault::OutlivesIssuer { id, issuer })
    }
}

/// Tells whether a certificate issued at the last moment of the issuer's window ends in time.
fn fits(profile: &CertificateProfile, issuer: &CertificateProfile) -> bool {
    // It ends with whichever of the two ends first.
    if profile.certifies_again() {
        return true;
    }
    let (Some(own), Some(limit)) = (longest(profile), longest(issuer)) else {
        return longest(issuer).is_none();
    };
    // A responder's certificates are made until the CA itself expires, each shorter than what is left.
    let responder = profile
        .parts()
        .extended_key_usage
        .as_ref()
        .is_some_and(|rule| rule.purposes.contains(&oid::OCSP_SIGNING));
    let window = issuer.parts().issuing_window_seconds.filter(|_| !responder);
    window.unwrap_or(0).saturating_add(own) <= limit
}

/// Returns the longest validity in seconds, or `None` for certificates that do not expire.
const fn longest(profile: &CertificateProfile) -> Option<i64> {
    match profile.parts().validity {
        ValidityRule::NoExpiry | ValidityRule::AsCertified { .. } => None,
        ValidityRule::Fixed { seconds } => Some(seconds),
        ValidityRule::Range { max_seconds, .. } => Some(max_seconds),
    }
}

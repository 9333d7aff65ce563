//! One label: which authority and profile it opens, whom it trusts, and how it answers.
//!
//! The label decides the profile, never the request. RFC 9811 §3.4, RFC 9810 §5.1.1.4.

use std::sync::Arc;

use ca_core::authority::CertificationAuthority;
use ca_core::certificate::Certificate;
use ca_core::made_key::MadeKey;
use ca_core::profile::ProfileId;
use ca_core::trust::{Anchor, RegistrationAuthorityEntry, TrustDatabase, TrustFault};

use super::key_generation::KeyGenerationAuthority;
use super::secrets::SharedSecrets;
use super::signer::MessageSigner;

/// What is done about the confirmation of certificates (RFC 9483 §4.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmations {
    /// Whether who asks to confirm nothing is granted that.
    pub implicit: bool,
    /// How long a confirmation is waited for, in seconds. What is not confirmed then is revoked.
    pub wait_seconds: i64,
}

impl Default for Confirmations {
    /// Five minutes, and none where none is wanted.
    fn default() -> Self {
        Self { implicit: true, wait_seconds: 300 }
    }
}

/// What the answer gives back that comes after polling: the senderNonce of which message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FinalNonce {
    /// Of the request that was delayed (RFC 9483 §4.4).
    #[default]
    OfRequest,
    /// Of the last poll, as RFC 4210 had it and OpenSSL before 3.3 wants it.
    OfPoll,
}

/// Everything a label says. Public so that a program can fill it; only [`Label::new`] makes a label of it.
#[derive(Clone)]
pub struct LabelParts {
    /// Its name: the path segment after `/.well-known/cmp/p/`, and a name for it in certProfile.
    pub name: String,
    /// The authority that issues.
    pub authority: Arc<CertificationAuthority>,
    /// The profile that it issues under.
    pub profile: ProfileId,
    /// The explicit trust anchor database.
    pub anchors: Vec<Anchor>,
    /// The registration authorities that are served.
    pub registration_authorities: Vec<RegistrationAuthorityEntry>,
    /// Who signs the answers.
    pub messages: MessageSigner,
    /// The secrets of those who have no certificate; without, nobody is known by a MAC.
    pub secrets: Option<Arc<dyn SharedSecrets>>,
    /// Who signs keys that are made here; without, none are made.
    pub central_keys: Option<KeyGenerationAuthority>,
    /// What is done about confirmations.
    pub confirmations: Confirmations,
    /// What is given back after polling.
    pub final_nonce: FinalNonce,
    /// Called when something was revoked, so that a CRL is made soon.
    pub on_revocation: Arc<dyn Fn() + Send + Sync>,
    /// The certificates between the current root and the authority's own, both of them too, and around a change of the root
    /// those that link old and new.
    pub ca_certificates: Vec<Certificate>,
}

impl core::fmt::Debug for LabelParts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LabelParts")
            .field("name", &self.name)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// A checked label.
#[derive(Debug, Clone)]
pub struct Label {
    parts: LabelParts,
    trust: TrustDatabase,
}

impl Label {
    /// Checks the parts and makes a label of them.
    ///
    /// # Errors
    /// Every [`LabelFault`] found.
    pub fn new(parts: LabelParts) -> Result<Self, Vec<LabelFault>> {
        let mut faults = Vec::new();
        let allowed = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-');
        if !(1..=64).contains(&parts.name.len()) || !parts.name.chars().all(allowed) {
            faults.push(LabelFault::Name { name: parts.name.clone() });
        }
        match parts.authority.offer(&parts.profile) {
            None => faults.push(LabelFault::ProfileNotOffered { profile: parts.profile.clone() }),
            Some(offer) if parts.central_keys.is_some() && !MadeKey::may_serve(offer.profile.purpose()) => {
                faults.push(LabelFault::CentralKeys { profile: parts.profile.clone() });
            }
            Some(_) => {}
        }
        if !parts.ca_certificates.contains(parts.authority.issuer().certificate()) {
            faults.push(LabelFault::IssuerMissing);
        }
        if !(1..=86_400).contains(&parts.confirmations.wait_seconds) {
            faults.push(LabelFault::Wait { seconds: parts.confirmations.wait_seconds });
        }
        let trust = TrustDatabase::new(parts.anchors.clone(), parts.registration_authorities.clone())
            .map_err(|found| faults.extend(found.into_iter().map(LabelFault::from)));
        match trust {
            Ok(trust) if faults.is_empty() => Ok(Self { parts, trust }),
            Ok(_) | Err(()) => Err(faults),
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    pub(crate) const fn parts(&self) -> &LabelParts {
        &self.parts
    }

    /// Returns whom the label knows by certificate.
    pub(crate) const fn trust(&self) -> &TrustDatabase {
        &self.trust
    }

    /// Tells whether a certProfile means this label: by its name, or by that of its profile.
    pub(crate) fn is_called(&self, cert_profile: &str) -> bool {
        self.parts.name == cert_profile || self.parts.profile.as_str() == cert_profile
    }
}

/// What is wrong with a label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelFault {
    /// The name is malformed.
    #[error("a label is 1 to 64 of the characters a-z, 0-9 and -, not {name:?}")]
    Name {
        /// The name.
        name: String,
    },
    /// The authority does not issue under the profile.
    #[error("the authority does not issue under profile {profile}")]
    ProfileNotOffered {
        /// The profile.
        profile: ProfileId,
    },
    /// A key that somebody else made is not for signatures that speak for their signer, nor for an authority.
    #[error("keys for profile {profile} are not made here: only those for key agreement and TLS may be")]
    CentralKeys {
        /// The profile.
        profile: ProfileId,
    },
    /// The authority's own certificate is not among the CA certificates.
    #[error("the CA certificates lack the one of the authority itself")]
    IssuerMissing,
    /// A confirmation is waited for no time, or for more than a day.
    #[error("a confirmation is waited for 1 to 86400 seconds, not {seconds}")]
    Wait {
        /// How long.
        seconds: i64,
    },
    /// An anchor or a registration authority is.
    #[error(transparent)]
    Trust(#[from] TrustFault),
}

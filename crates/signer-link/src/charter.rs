//! What a key is for, and whether octets are that: a certificate of a profile, a CRL, an answer, a checkpoint, a message.
//!
//! The signer looks by itself, with the parsers and the lint of `ca-core`, and believes nobody. What it cannot know is whether
//! somebody may have the certificate: that is the authority's, and the ledger's to prove.

mod authority;
mod other;

use ca_core::issuer::Issuer;
use ca_core::key_ref::KeyRef;
use ca_core::lint::Linter;
use ca_core::ocsp::IssuerHashes;
use ca_core::octets::Octets;
use ca_core::profile::{CertificateProfile, CrlProfile};
use ca_core::public_key::PublicKey;
use ca_core::validity::UnixTime;

use crate::denial::Denial;
use crate::log::Kind;

/// How far the clocks of the signer and of whoever asks may be apart, with the time that a request waits, in seconds.
const CLOCKS_APART: u64 = 300;

/// What a key may sign, and how often.
#[derive(Debug, Clone)]
pub struct KeyCharter {
    /// Its name.
    pub key: KeyRef,
    /// What it is for. A key is for one of these, so that nothing can be taken for something else.
    pub purpose: Purpose,
    /// How often it signs at most.
    pub rates: Rates,
}

/// What a key is for.
#[derive(Debug, Clone)]
pub enum Purpose {
    /// The key of an authority.
    Authority(Box<AuthorityCharter>),
    /// The key of a responder, which speaks of the certificates of one authority.
    Responder {
        /// The authority's key.
        issuer: KeyRef,
        /// By what requests name the authority.
        hashes: Box<IssuerHashes>,
    },
    /// Checkpoints of the audit trail of this origin.
    Checkpoint {
        /// The name of the log.
        origin: String,
    },
    /// Messages of enrolment protocols, and requests for a certificate of the key itself.
    Messages,
}

/// What the key of an authority may sign.
#[derive(Debug, Clone)]
pub struct AuthorityCharter {
    /// The authority.
    pub issuer: Issuer,
    /// The rules that certificates are held against.
    pub linter: Linter,
    /// The profiles of certificates; none, where it signs no certificates.
    pub profiles: Vec<CertificateProfile>,
    /// The profiles of CRLs; none, where it signs no CRLs.
    pub crl_profiles: Vec<CrlProfile>,
}

/// How often a key signs at most; nothing is no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// In a second.
    pub per_second: Option<u32>,
    /// In a day, which begins at midnight UTC.
    pub per_day: Option<u64>,
}

/// What octets say that they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    pub(crate) issuer: Option<KeyRef>,
    /// As in the log.
    pub(crate) name: String,
    /// As in the log.
    pub(crate) scope: String,
    /// What follows each other in its scope: the number of a CRL, the size of a tree.
    pub(crate) number: Option<u64>,
}

impl Subject {
    const fn of(kind: Kind, issuer: Option<KeyRef>) -> Self {
        Self { kind, issuer, name: String::new(), scope: String::new(), number: None }
    }

    const fn unknown() -> Self {
        Self::of(Kind::Unknown, None)
    }
}

/// What octets are, and why they are not signed, if so.
pub(crate) type Judgement = (Subject, Result<(), Denial>);

impl KeyCharter {
    /// Returns the names of what the key is for.
    #[must_use]
    pub fn purposes(&self) -> &'static str {
        match &self.purpose {
            Purpose::Authority(charter) => {
                match (charter.profiles.is_empty(), charter.crl_profiles.is_empty()) {
                    (false, false) => "certificate, crl",
                    (false, true) => "certificate",
                    (true, _) => "crl",
                }
            }
            Purpose::Responder { .. } => "ocsp",
            Purpose::Checkpoint { .. } => "checkpoint",
            Purpose::Messages => "message",
        }
    }

    /// Returns the public key that a certificate names; for other keys than an authority's, nobody but their token can say it.
    #[must_use]
    pub const fn certified(&self) -> Option<&PublicKey> {
        match &self.purpose {
            Purpose::Authority(charter) => Some(charter.issuer.certificate().public_key()),
            Purpose::Responder { .. } | Purpose::Checkpoint { .. } | Purpose::Messages => None,
        }
    }

    /// Looks at what is to be signed with this key, of which `public_key` is the public half.
    pub(crate) fn judge(&self, public_key: &PublicKey, octets: &Octets, now: UnixTime) -> Judgement {
        match &self.purpose {
            Purpose::Authority(charter) => charter.judge(octets, now),
            Purpose::Responder { issuer, hashes } => other::answer((*issuer, hashes), self.key, octets, now),
            Purpose::Checkpoint { origin } => other::checkpoint(origin, octets),
            Purpose::Messages => other::message(octets, public_key),
        }
    }
}

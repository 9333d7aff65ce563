//! Who asks, whom it trusts, and how it wants to be answered.

use core::fmt;
use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::path::TrustAnchor;
use ca_core::ports::{Clock, Entropy};
use client_kit::Credential;
use cmp_messages::protection::MacFamily;
use cms_messages::AgreementKey;
use zeroize::Zeroizing;

/// How messages are protected, in a conversation always the same way (RFC 9483 §3.2).
#[derive(Debug, Clone)]
pub enum Means {
    /// By signature.
    Signature(Credential),
    /// By a MAC under a shared secret (RFC 9483 §4.1.5).
    Mac(SharedSecret),
}

/// A secret that the authority has too. Not printable on purpose.
#[derive(Clone)]
pub struct SharedSecret {
    /// What names it.
    pub reference: String,
    /// The secret.
    pub secret: Zeroizing<Vec<u8>>,
    /// How MACs are made of it.
    pub family: MacFamily,
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSecret").field("reference", &self.reference).finish_non_exhaustive()
    }
}

/// A client.
///
/// Where it asks for a key that the authority makes, `agreement` opens what that is sealed in, unless a secret does.
#[derive(Clone)]
pub struct CmpClient {
    /// How it protects its messages, and how answers must be protected.
    pub means: Means,
    /// The key of the certificate that signs, for key agreement; none where it cannot be had, as on a token.
    pub agreement: Option<Arc<dyn AgreementKey + Send + Sync>>,
    /// The roots that vouch for the authority and for new certificates; may be empty where a secret is shared.
    pub trust: Vec<Certificate>,
    /// For whom messages are; empty, the NULL-DN, where nobody knows (RFC 9483 §3.1).
    pub recipient: DistinguishedName,
    /// The certificate profile to name, if any (RFC 9810 §5.1.1.4).
    pub profile: Option<String>,
    /// Whether each certificate is confirmed, rather than only where the authority wants that.
    pub confirms: bool,
    /// Whether roots are taken from a signed answer too (`caPubs`); under a shared secret they are.
    pub takes_roots: bool,
    /// How far the authority's clock may be from this one, in seconds; not looked at unless given.
    pub clock_window: Option<u64>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for CmpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CmpClient").field("means", &self.means).finish_non_exhaustive()
    }
}

impl CmpClient {
    pub(crate) fn anchors(&self) -> Vec<TrustAnchor> {
        self.trust.iter().map(TrustAnchor::from_certificate).collect()
    }
}

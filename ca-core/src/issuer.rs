//! The issuing identity of a certification authority: its certificate, its key's name, its owner and its publication points.
//!
//! Holds no private key. Made once, checked at construction, shared by issuance, CRL and OCSP drafting.

use crate::certificate::Certificate;
use crate::distinguished_name::DistinguishedName;
use crate::key_ref::KeyRef;
use crate::ports::{SignError, Signer};
use crate::scope::{CrlLine, CrlScope};
use crate::sharding::CrlPlan;
use crate::suite::Curve;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// Where relying parties find the issuer's CRL, certificate and OCSP responder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublicationPoints {
    /// `http://` URI of the CRL.
    pub crl: Option<String>,
    /// `http://` URI of the issuer's certificate, one DER object.
    pub ca_issuers: Option<String>,
    /// `http://` URI of the OCSP responder.
    pub ocsp: Option<String>,
}

impl PublicationPoints {
    /// Checks that every URI is one that certificates may carry.
    ///
    /// # Errors
    /// [`IssuerError::NotPlainHttp`].
    pub fn check(&self) -> Result<(), IssuerError> {
        // RFC 5280 §4.2.1.13: clients must be able to fetch by plain HTTP; HTTPS would loop.
        let uris = [&self.crl, &self.ca_issuers, &self.ocsp];
        match uris.into_iter().flatten().find(|uri| !uri.starts_with("http://") || !uri.is_ascii()) {
            Some(uri) => Err(IssuerError::NotPlainHttp { uri: uri.clone() }),
            None => Ok(()),
        }
    }
}

/// A certification authority's issuing identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    certificate: Certificate,
    /// That of the certificate's key: every certificate asks for it a dozen times.
    key: KeyRef,
    tenant: TenantId,
    window_ends: UnixTime,
    points: PublicationPoints,
    crl_plan: CrlPlan,
}

impl Issuer {
    /// Makes an issuer of a CA certificate. `window_ends` is the last second at which it issues certificates.
    ///
    /// # Errors
    /// [`IssuerError`] when the certificate is not a CA's, or a URI is not plain HTTP.
    pub fn new(
        certificate: Certificate,
        tenant: TenantId,
        window_ends: UnixTime,
        points: PublicationPoints,
    ) -> Result<Self, IssuerError> {
        // RFC 5280 §4.2.1.9: a key signs certificates only if cA is asserted.
        if !certificate.basic_constraints().is_some_and(|constraints| constraints.ca) {
            return Err(IssuerError::NotAuthority { subject: certificate.subject().clone() });
        }
        // RFC 5280 §4.2.1.3: keyCertSign to sign certificates, cRLSign to sign CRLs.
        if !certificate.key_usage().is_some_and(|usage| usage.key_cert_sign() && usage.crl_sign()) {
            return Err(IssuerError::KeyUsage { subject: certificate.subject().clone() });
        }
        points.check()?;
        let key = certificate.public_key().key_ref();
        Ok(Self { certificate, key, tenant, window_ends, points, crl_plan: CrlPlan::default() })
    }

    /// Returns the same issuer with its CRLs divided by this plan.
    ///
    /// # Errors
    /// [`IssuerError::NoPlaceForPlan`] when there is a plan and no URI of the CRL of all that ends in `.crl`.
    pub fn with_crl_plan(self, crl_plan: CrlPlan) -> Result<Self, IssuerError> {
        let placed = self.points.crl.as_deref().is_some_and(|uri| uri.ends_with(".crl"));
        if placed || crl_plan == CrlPlan::default() {
            Ok(Self { crl_plan, ..self })
        } else {
            Err(IssuerError::NoPlaceForPlan)
        }
    }

    /// Returns the same issuer without delta CRLs, unless it has them and goes on to.
    #[must_use]
    pub(crate) const fn with_deltas(mut self, deltas: bool) -> Self {
        self.crl_plan.deltas = self.crl_plan.deltas && deltas;
        self
    }

    /// Returns how its CRLs are divided.
    #[must_use]
    pub const fn crl_plan(&self) -> CrlPlan {
        self.crl_plan
    }

    /// Returns where the complete CRLs of a scope are, if they have a place.
    #[must_use]
    pub fn crl_uri(&self, scope: &CrlScope) -> Option<String> {
        let line = CrlLine::complete(self.key(), scope.clone());
        Some(line.beside(self.points.crl.as_deref()?))
    }

    /// Returns where the delta CRLs of a scope are, if there are any.
    #[must_use]
    pub fn freshest_uri(&self, scope: &CrlScope) -> Option<String> {
        let line = CrlLine::delta(self.key(), scope.clone());
        let whole = self.points.crl.as_deref().filter(|_| self.crl_plan.deltas)?;
        Some(line.beside(whole))
    }

    /// Returns the CA certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Returns the name that goes into the issuer field, octet for octet the subject of the CA certificate.
    #[must_use]
    pub const fn name(&self) -> &DistinguishedName {
        self.certificate.subject()
    }

    /// Returns the name of the signing key.
    #[must_use]
    pub const fn key(&self) -> KeyRef {
        self.key
    }

    /// Returns the curve of the signing key.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        self.certificate.public_key().curve()
    }

    /// Looks that a signer holds the key of the CA certificate: that very key, and not another that goes by its name.
    ///
    /// # Errors
    /// [`KeyMatchError`].
    pub fn check_key(&self, signer: &dyn Signer) -> Result<(), KeyMatchError> {
        let held = signer.public_key(&self.key())?;
        if held == *self.certificate.public_key() {
            Ok(())
        } else {
            Err(KeyMatchError::Another { key: self.key() })
        }
    }

    /// Returns the key identifier that certificates and CRLs point to: the SKI of the CA certificate, or by method 1.
    #[must_use]
    pub fn key_identifier(&self) -> Vec<u8> {
        self.certificate.subject_key_identifier().unwrap_or_else(|| self.key().octets().to_vec())
    }

    /// Returns the owner.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Returns the last second at which the CA issues certificates; CRLs and OCSP go on until its certificate expires.
    #[must_use]
    pub const fn window_ends(&self) -> UnixTime {
        self.window_ends
    }

    /// Returns the publication points.
    #[must_use]
    pub const fn points(&self) -> &PublicationPoints {
        &self.points
    }
}

/// Who signs a certificate.
#[derive(Debug, Clone, Copy)]
pub enum SignedBy<'a> {
    /// The subject itself: a root.
    Itself,
    /// This issuer.
    Issuer(&'a Issuer),
}

/// Why a certificate does not make an issuer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// basicConstraints does not assert cA.
    #[error("{subject} is not a certification authority: basicConstraints does not say so")]
    NotAuthority {
        /// The subject of the certificate.
        subject: DistinguishedName,
    },
    /// keyUsage lacks keyCertSign or cRLSign.
    #[error("{subject} may not sign certificates and CRLs: keyUsage does not say so")]
    KeyUsage {
        /// The subject of the certificate.
        subject: DistinguishedName,
    },
    /// Shards and deltas stand beside the CRL of all, which has no place.
    #[error("shards and delta CRLs need a crl_uri that ends in .crl")]
    NoPlaceForPlan,
    /// A publication point is not an `http://` URI.
    #[error("{uri} is not a plain http:// URI")]
    NotPlainHttp {
        /// The URI.
        uri: String,
    },
}

/// Why an issuer cannot sign with what a signer holds.
#[derive(Debug, thiserror::Error)]
pub enum KeyMatchError {
    /// The signer does not hold the key, or cannot be asked.
    #[error(transparent)]
    Signer(#[from] SignError),
    /// The signer holds another key under the name of this one.
    #[error("the signer holds another key under the name {key} than the one in the issuer's certificate")]
    Another {
        /// The name.
        key: KeyRef,
    },
}

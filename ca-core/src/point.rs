//! The ASN.1 of places where CRLs are, the same in certificates and in CRLs, octet for octet (RFC 5280 §4.2.1.13, §5.2.5).
//!
//! One URI each. Which URI is decided elsewhere.

use der::asn1::Ia5String;
use x509_cert::ext::pkix::CrlDistributionPoints;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};

/// Returns the name of a place.
pub(crate) fn full_name(uri: &str) -> der::Result<DistributionPointName> {
    Ok(DistributionPointName::FullName(vec![GeneralName::UniformResourceIdentifier(Ia5String::new(uri)?)]))
}

/// Returns the value of cRLDistributionPoints or of freshestCRL with this one place.
pub(crate) fn distribution_points(uri: &str) -> der::Result<CrlDistributionPoints> {
    Ok(CrlDistributionPoints(vec![DistributionPoint {
        distribution_point: Some(full_name(uri)?),
        reasons: None,
        crl_issuer: None,
    }]))
}

//! A key that is drawn here, and the certificate that the server's operators' interface gives for it.

use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::exchange::certification_request;
use ca_core::suite::Curve;
use client_kit::FileKey;
use const_oid::ObjectIdentifier;

use super::file::certificates;
use crate::exit::{Exit, Failure};
use crate::operator::wire::CertificateView;

/// Draws a key on the curve of a profile and asks with it, under these attributes: a PKCS#10 request, DER, and the key.
pub(in crate::commands) fn drawn_request(
    attributes: &[(ObjectIdentifier, &str)],
    profile: &str,
) -> Result<(Vec<u8>, FileKey), Failure> {
    let not_made = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "key.not-made", error);
    let curve = if profile.ends_with("-s2") { Curve::P384 } else { Curve::P256 };
    let key = FileKey::generate(curve).map_err(|error| not_made(&error))?;
    let subject = DistinguishedName::from_attributes(attributes)
        .map_err(|error| Failure::new(Exit::Usage, "subject.unfit", error))?;
    let request = certification_request(&subject, &key.public().key_ref(), &key);
    Ok((request.map_err(|error| not_made(&error))?.der().to_vec(), key))
}

/// Reads the certificate that an answer holds, DER.
pub(in crate::commands) fn issued_der(issued: &CertificateView) -> Result<Vec<u8>, Failure> {
    let unreadable =
        |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "certificate.unreadable", error);
    let all = certificates(issued.pem.as_deref().unwrap_or_default().as_bytes())
        .map_err(|error| unreadable(&error))?;
    let der = all.into_iter().next().ok_or_else(|| unreadable(&"the answer has no certificate"))?;
    Certificate::from_der(&der).map_err(|error| unreadable(&error))?;
    Ok(der)
}

//! Rules for what a key may be used for: keyUsage, basicConstraints, extendedKeyUsage.
//!
//! Which usages a profile allows is not decided here. RFC 5280 §4.2.1.3, §4.2.1.9, §4.2.1.12; RFC 3161 §2.3;
//! RFC 6960 §4.2.2.2.

use const_oid::ObjectIdentifier;
use der::flagset::FlagSet;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsages};

use crate::lint::{Examined, require};
use crate::oid;

/// keyUsage is there, critical, and asserts a bit.
pub(super) fn key_usage(examined: &Examined<'_>) -> Result<(), String> {
    let extension = examined.extension(oid::KEY_USAGE);
    require(extension.is_some(), || "there is no key usage".to_owned())?;
    require(extension.is_some_and(|extension| extension.critical), || {
        "the key usage is not critical".to_owned()
    })?;
    // Octets that cannot be decoded are a finding on the extension's DER.
    let empty = examined
        .decoded(oid::KEY_USAGE)
        .is_some_and(|usage: x509_cert::ext::pkix::KeyUsage| usage.0 == FlagSet::<KeyUsages>::default());
    require(!empty, || "the key usage asserts no bit".to_owned())
}

/// keyCertSign is asserted exactly when cA is.
pub(super) fn key_cert_sign(examined: &Examined<'_>) -> Result<(), String> {
    let (signs, authority) = (examined.key_usage().key_cert_sign(), examined.is_authority());
    require(signs == authority, || format!("keyCertSign is asserted: {signs}; cA is asserted: {authority}"))
}

/// basicConstraints is critical in CA certificates.
pub(super) fn basic_constraints(examined: &Examined<'_>) -> Result<(), String> {
    let critical = examined.extension(oid::BASIC_CONSTRAINTS).is_none_or(|extension| extension.critical);
    require(critical || !examined.is_authority(), || {
        "basicConstraints asserts cA and is not critical".to_owned()
    })
}

/// pathLenConstraint is there only where cA is asserted.
pub(super) fn path_length(examined: &Examined<'_>) -> Result<(), String> {
    let constraints = examined.decoded::<BasicConstraints>(oid::BASIC_CONSTRAINTS);
    let sound =
        constraints.is_none_or(|constraints| constraints.ca || constraints.path_len_constraint.is_none());
    require(sound, || "a path length stands where cA is not asserted".to_owned())
}

/// A CA below another has a shorter path length than that one; a link certificate, which is self-issued, no longer one.
pub(super) fn path_depth(examined: &Examined<'_>) -> Result<(), String> {
    let length = |constraints: BasicConstraints| constraints.path_len_constraint;
    let above =
        examined.issuer().and_then(|issuer| issuer.certificate().basic_constraints()).and_then(length);
    let Some(above) = above.filter(|_| examined.is_authority()) else {
        return Ok(());
    };
    let own = examined.decoded(oid::BASIC_CONSTRAINTS).and_then(length);
    // RFC 5280 §6.1.4 (l): what is self-issued uses none of it up.
    let room = if examined.is_self_issued() { above.saturating_add(1) } else { above };
    require(own.is_some_and(|own| own < room), || {
        format!("the issuer's path length of {above} leaves no room for a CA with path length {own:?}")
    })
}

/// extendedKeyUsage names at least one purpose, none twice, and never anyExtendedKeyUsage.
pub(super) fn extended_key_usage(examined: &Examined<'_>) -> Result<(), String> {
    let Some(x509_cert::ext::pkix::ExtendedKeyUsage(purposes)) = examined.decoded(oid::EXTENDED_KEY_USAGE)
    else {
        return Ok(());
    };
    require(!purposes.is_empty(), || "the extended key usage is empty".to_owned())?;
    require(!purposes.contains(&oid::ANY_EXTENDED_KEY_USAGE), || {
        "the extended key usage is anyExtendedKeyUsage".to_owned()
    })?;
    let mut seen = Vec::new();
    for purpose in purposes {
        require(!seen.contains(&purpose), || format!("the purpose {purpose} appears twice"))?;
        seen.push(purpose);
    }
    Ok(())
}

/// Each known purpose finds a key usage bit that it can be exercised with.
pub(super) fn agree(examined: &Examined<'_>) -> Result<(), String> {
    for purpose in examined.extended_key_usages() {
        let bits = bits_for(purpose);
        let agrees = bits.is_empty() || !(bits & examined.key_usage().0).is_empty();
        require(agrees, || format!("no key usage bit fits the purpose {purpose}"))?;
    }
    Ok(())
}

/// Returns the bits of which one must be asserted; none for purposes that are not known here.
fn bits_for(purpose: ObjectIdentifier) -> FlagSet<KeyUsages> {
    let signature = FlagSet::from(KeyUsages::DigitalSignature);
    match purpose {
        oid::SERVER_AUTH => signature | KeyUsages::KeyEncipherment | KeyUsages::KeyAgreement,
        oid::CLIENT_AUTH => signature | KeyUsages::KeyAgreement,
        oid::CODE_SIGNING | oid::TIME_STAMPING => signature | KeyUsages::NonRepudiation,
        oid::OCSP_SIGNING | oid::CMC_CA | oid::CMC_RA | oid::CM_KGA => signature,
        _ => FlagSet::default(),
    }
}

/// timeStamping stands alone and critical.
pub(super) fn time_stamping(examined: &Examined<'_>) -> Result<(), String> {
    let purposes = examined.extended_key_usages();
    let critical = examined.extension(oid::EXTENDED_KEY_USAGE).is_some_and(|extension| extension.critical);
    require(!purposes.contains(&oid::TIME_STAMPING) || critical && purposes.len() == 1, || {
        "the purpose timeStamping must stand alone in a critical extended key usage".to_owned()
    })
}

/// OCSPSigning is for delegated responders only: never a CA, always with id-pkix-ocsp-nocheck, which nobody else has.
pub(super) fn ocsp_signing(examined: &Examined<'_>) -> Result<(), String> {
    let responder = examined.extended_key_usages().contains(&oid::OCSP_SIGNING);
    require(!(responder && examined.is_authority()), || {
        "a CA certificate has the purpose OCSPSigning".to_owned()
    })?;
    let unchecked = examined.has(oid::OCSP_NO_CHECK);
    require(responder == unchecked, || {
        format!("OCSPSigning is named: {responder}; ocsp-nocheck is present: {unchecked}")
    })
}

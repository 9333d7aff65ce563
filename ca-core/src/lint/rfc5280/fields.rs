//! Rules for the basic fields of a certificate: version to validity, and the subject public key.
//!
//! Not for names, which have their own file. RFC 5280 §4.1.2.1 to §4.1.2.8.

use der::Encode;
use x509_cert::certificate::Version;
use x509_cert::time::Time;

use crate::lint::{Examined, encodes_to, require};
use crate::serial_number::SerialNumber;
use crate::validity::UnixTime;

/// The octets are the one DER encoding of what they say.
pub(super) fn der(examined: &Examined<'_>) -> Result<(), String> {
    require(encodes_to(examined.fields(), examined.input().tbs), || {
        "decoding and encoding again gives other octets, so the draft is not DER".to_owned()
    })
}

/// The version is v3.
pub(super) fn version(examined: &Examined<'_>) -> Result<(), String> {
    let version = examined.fields().version();
    require(version == Version::V3, || format!("the version is {version:?}, not V3"))
}

/// The serial number is positive and has at most 20 octets.
pub(super) fn serial_number(examined: &Examined<'_>) -> Result<(), String> {
    SerialNumber::from_octets(examined.fields().serial_number().as_bytes())
        .map(|_| ())
        .map_err(|cause| cause.to_string())
}

/// The signature algorithm is the one that the signing key's curve fixes, its parameters absent.
///
/// # Errors
/// Which algorithm there is, and which there should be.
pub fn signature_algorithm(examined: &Examined<'_>) -> Result<(), String> {
    // A self-signed certificate with an unusable key is a finding on the key.
    let Some(curve) = examined.signing_curve() else {
        return Ok(());
    };
    let algorithm = examined.fields().signature();
    require(algorithm.oid == curve.signature_algorithm(), || {
        format!(
            "the signature algorithm is {}, and a key on {curve} signs with {}",
            algorithm.oid,
            curve.signature_algorithm()
        )
    })?;
    require(algorithm.parameters.is_none(), || {
        "the signature algorithm has parameters, which must be absent".to_owned()
    })
}

/// The issuer name is, octet for octet, the subject name of the issuer's certificate.
pub(super) fn issuer_name(examined: &Examined<'_>) -> Result<(), String> {
    let name = examined.fields().issuer();
    require(!name.is_empty(), || "the issuer name is empty".to_owned())?;
    let octets = name.to_der().map_err(|cause| cause.to_string())?;
    let same = match examined.issuer() {
        Some(issuer) => octets == issuer.name().der(),
        None => name == examined.fields().subject(),
    };
    require(same, || format!("the issuer name {name} is not octet for octet the issuer's subject name"))
}

/// notAfter does not lie before notBefore.
pub(super) fn validity_order(examined: &Examined<'_>) -> Result<(), String> {
    let (not_before, not_after) = (examined.not_before(), examined.not_after());
    require(not_before <= not_after, || {
        format!("the validity ends at {not_after}, before it begins at {not_before}")
    })
}

/// Times through 2049 are UTCTime, later ones GeneralizedTime.
pub(super) fn time_encoding(examined: &Examined<'_>) -> Result<(), String> {
    let validity = examined.fields().validity();
    for time in [validity.not_before, validity.not_after] {
        check_time_encoding(time)?;
    }
    Ok(())
}

/// Checks one time; UTCTime cannot say more than 2049, so only GeneralizedTime can be wrong.
pub(in crate::lint) fn check_time_encoding(time: Time) -> Result<(), String> {
    let early = super::super::unix_time(time) < UnixTime::UTC_TIME_END;
    require(!(early && matches!(time, Time::GeneralTime(_))), || {
        format!("{time} is a GeneralizedTime, and before 2050 it must be a UTCTime")
    })
}

/// notAfter does not lie after that of the issuer's certificate.
///
/// # Errors
/// Both times.
pub fn ends_before_issuer(examined: &Examined<'_>) -> Result<(), String> {
    let Some(issuer) = examined.issuer() else {
        return Ok(());
    };
    let (not_after, limit) = (examined.not_after(), issuer.certificate().validity().not_after());
    require(not_after <= limit, || {
        format!("the validity ends at {not_after}, after the issuer's own at {limit}")
    })
}

/// The issuer's certificate is valid now.
pub(super) fn issuer_valid_now(examined: &Examined<'_>) -> Result<(), String> {
    let Some(issuer) = examined.issuer() else {
        return Ok(());
    };
    let validity = issuer.certificate().validity();
    let now = examined.input().now;
    require(validity.contains(now), || {
        format!(
            "the issuer's certificate is valid from {} to {}, and now is {now}",
            validity.not_before(),
            validity.not_after()
        )
    })
}

/// The key is an uncompressed point on its curve, which is named.
///
/// # Errors
/// What is wrong with the key.
pub fn public_key(examined: &Examined<'_>) -> Result<(), String> {
    examined.public_key().map(|_| ()).map_err(|cause| cause.to_string())
}

/// issuerUniqueID and subjectUniqueID are absent.
pub(super) fn unique_identifiers(examined: &Examined<'_>) -> Result<(), String> {
    let fields = examined.fields();
    require(fields.issuer_unique_id().is_none() && fields.subject_unique_id().is_none(), || {
        "the certificate has a unique identifier, which conforming CAs must not write".to_owned()
    })
}

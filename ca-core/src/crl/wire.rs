//! The ASN.1 of certificate revocation lists, one type per production (RFC 5280 §5.1).
//!
//! Types of our own: those at hand write an empty list where §5.1.2.6 wants none, and hold a million entries as a million
//! objects. Names, serial numbers and extensions stay the octets they are. Decides nothing.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef, ContextSpecific, OctetString};
use der::{DateTime, Decode, Encode, Reader, Sequence, TagNumber};
use spki::AlgorithmIdentifierRef;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::DistributionPointName;
use x509_cert::time::Time;

use crate::validity::UnixTime;

/// ```text
/// CertificateList ::= SEQUENCE {
///     tbsCertList        TBSCertList,
///     signatureAlgorithm AlgorithmIdentifier,
///     signatureValue     BIT STRING }
/// ```
#[derive(Sequence)]
pub(super) struct CertificateList<'a> {
    pub(super) tbs_cert_list: AnyRef<'a>,
    pub(super) signature_algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) signature: BitStringRef<'a>,
}

/// ```text
/// TBSCertList ::= SEQUENCE {
///     version             Version OPTIONAL,          -- if present, MUST be v2
///     signature           AlgorithmIdentifier,
///     issuer              Name,
///     thisUpdate          Time,
///     nextUpdate          Time OPTIONAL,
///     revokedCertificates SEQUENCE OF SEQUENCE { … } OPTIONAL,   -- read apart from the rest
///     crlExtensions   [0] EXPLICIT Extensions OPTIONAL }
/// ```
pub(super) struct TbsCertList<'a> {
    pub(super) version: Option<u8>,
    pub(super) signature: AlgorithmIdentifierRef<'a>,
    pub(super) issuer: AnyRef<'a>,
    pub(super) this_update: Time,
    pub(super) next_update: Option<Time>,
    pub(super) crl_extensions: Option<Vec<Extension>>,
}

impl<'a> TbsCertList<'a> {
    /// Reads the fields in their order, without the entries.
    pub(super) fn from_der(der: &'a [u8]) -> der::Result<Self> {
        AnyRef::from_der(der)?.sequence(|reader| {
            Ok(Self {
                version: reader.decode()?,
                signature: reader.decode()?,
                issuer: reader.decode()?,
                this_update: reader.decode()?,
                next_update: reader.decode()?,
                crl_extensions: ContextSpecific::decode_explicit(reader, TagNumber(0))?
                    .map(|field| field.value),
            })
        })
    }
}

/// ```text
/// SEQUENCE {                                         -- read here; [`entry`](super::entry) writes it
///     userCertificate    CertificateSerialNumber,
///     revocationDate     Time,
///     crlEntryExtensions Extensions OPTIONAL }       -- if present, version MUST be v2
/// ```
#[derive(Sequence)]
pub(super) struct RevokedCertificate<'a> {
    pub(super) user_certificate: AnyRef<'a>,
    pub(super) revocation_date: Time,
    pub(super) crl_entry_extensions: Option<Vec<Extension>>,
}

/// ```text
/// IssuingDistributionPoint ::= SEQUENCE {
///     distributionPoint [0] DistributionPointName OPTIONAL, … }   -- all else is DEFAULT FALSE, or absent
/// ```
#[derive(Sequence)]
pub(super) struct PlaceOfScope {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) distribution_point: DistributionPointName,
}

/// Makes a critical extension.
pub(super) fn critical(extn_id: ObjectIdentifier, value: &impl Encode) -> der::Result<Extension> {
    Ok(Extension { critical: true, ..extension(extn_id, value)? })
}

/// Makes a non-critical extension.
pub(super) fn extension(extn_id: ObjectIdentifier, value: &impl Encode) -> der::Result<Extension> {
    Ok(Extension { extn_id, critical: false, extn_value: OctetString::new(value.to_der()?)? })
}

/// Makes a time as RFC 5280 §5.1.2.4 wants it: UTCTime to the end of 2049, GeneralizedTime from 2050 on.
pub(super) fn time(time: UnixTime) -> der::Result<Time> {
    date_time(time).map(Time::from)
}

/// Returns the seconds that a time says.
pub(super) fn unix_time(time: Time) -> der::Result<UnixTime> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).map_err(|_| der::ErrorKind::DateTime)?;
    Ok(UnixTime::from_seconds(seconds))
}

fn date_time(time: UnixTime) -> der::Result<DateTime> {
    let seconds = u64::try_from(time.seconds()).map_err(|_| der::ErrorKind::DateTime)?;
    DateTime::from_unix_duration(core::time::Duration::from_secs(seconds))
}

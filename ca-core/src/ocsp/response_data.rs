//! `ResponseData`: what an OCSP response says, and its signature covers (RFC 6960 §4.2.1).
//!
//! Types only; which status a certificate has, and from when to when it is told, is decided in [`ocsp`](super).

use der::asn1::{AnyRef, GeneralizedTime, Null, OctetString};
use der::{Choice, DateTime, Decode, Encode, Sequence};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::CrlReason;

use super::cert_id::CertId;
use super::request::Nonce;
use super::statuses::CertStatus;
use crate::key_ref::KeyRef;
use crate::oid;
use crate::reason::ReasonCode;
use crate::validity::UnixTime;

/// ```text
/// ResponseData ::= SEQUENCE {
///     version            [0] EXPLICIT Version DEFAULT v1,
///     responderID            ResponderID,
///     producedAt             GeneralizedTime,
///     responses              SEQUENCE OF SingleResponse,
///     responseExtensions [1] EXPLICIT Extensions OPTIONAL }
/// ResponderID ::= CHOICE {
///     byName             [1] Name,
///     byKey              [2] KeyHash } -- SHA-1 hash of responder's public key
/// ```
#[derive(Sequence)]
pub(super) struct ResponseData<'a> {
    // RFC 6960 §4.2.2.3: the version is v1, which DER says by leaving it out.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", default = "Default::default")]
    version: u8,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    pub(super) by_key: OctetString,
    pub(super) produced_at: GeneralizedTime,
    pub(super) responses: Vec<SingleResponse<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    response_extensions: Option<Vec<Extension>>,
}

impl<'a> ResponseData<'a> {
    /// Puts a response together that `responder` produces at `produced_at`.
    pub(super) fn new(
        responder: &KeyRef,
        produced_at: UnixTime,
        responses: Vec<SingleResponse<'a>>,
        response_extensions: Option<Vec<Extension>>,
    ) -> der::Result<Self> {
        Ok(Self {
            version: 0,
            by_key: OctetString::new(responder.octets().as_slice())?,
            produced_at: time(produced_at)?,
            responses,
            response_extensions,
        })
    }
}

/// What is said of the whole response; nothing in most, which are kept short.
pub(super) fn response_extensions(
    nonce: Option<&Nonce>,
    statuses: &[CertStatus],
) -> der::Result<Option<Vec<Extension>>> {
    let mut extensions = Vec::new();
    // RFC 9654 §2.1: the nonce of the request, in responseExtensions.
    if let Some(nonce) = nonce {
        extensions.push(extension(oid::OCSP_NONCE, &OctetString::new(nonce.octets())?)?);
    }
    // RFC 6960 §2.2, §4.4.8: who tells what was never issued as revoked says that this is meant; NULL, not critical, and in
    // responseExtensions.
    if statuses.contains(&CertStatus::NeverIssued) {
        extensions.push(extension(oid::OCSP_EXTENDED_REVOKE, &Null)?);
    }
    Ok((!extensions.is_empty()).then_some(extensions))
}

/// ```text
/// SingleResponse ::= SEQUENCE {
///     certID               CertID,
///     certStatus           CertStatus,
///     thisUpdate           GeneralizedTime,
///     nextUpdate       [0] EXPLICIT GeneralizedTime OPTIONAL,
///     singleExtensions [1] EXPLICIT Extensions OPTIONAL }
/// ```
#[derive(Sequence)]
pub(super) struct SingleResponse<'a> {
    pub(super) cert_id: AnyRef<'a>,
    cert_status: WireCertStatus,
    this_update: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    next_update: Option<GeneralizedTime>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    single_extensions: Option<Vec<Extension>>,
}

impl<'a> SingleResponse<'a> {
    /// Tells `status` of `certificate` for a period. `archive_cutoff` is since when statuses are kept.
    pub(super) fn new(
        certificate: &'a CertId,
        status: CertStatus,
        (this_update, next_update): (UnixTime, UnixTime),
        archive_cutoff: UnixTime,
    ) -> der::Result<Self> {
        Ok(Self {
            cert_id: AnyRef::from_der(certificate.der())?,
            cert_status: WireCertStatus::try_from(status)?,
            this_update: time(this_update)?,
            next_update: Some(time(next_update)?),
            single_extensions: single_extensions(status, archive_cutoff)?,
        })
    }
}

fn single_extensions(status: CertStatus, archive_cutoff: UnixTime) -> der::Result<Option<Vec<Extension>>> {
    let revocation = match status {
        CertStatus::Good => None,
        CertStatus::Revoked(revocation) => Some(revocation),
        // RFC 6960 §2.2: nothing is added to what is said of a certificate that was never issued.
        CertStatus::NeverIssued | CertStatus::Unknown => return Ok(None),
    };
    // RFC 6960 §4.4.4: who goes on answering for expired certificates should say since when it remembers.
    let mut extensions = vec![extension(oid::OCSP_ARCHIVE_CUTOFF, &time(archive_cutoff)?)?];
    // RFC 6960 §4.4.5: what a CRL would say in the entry. The reason of a revocation stands in RevokedInfo, never here.
    if let Some(date) = revocation.and_then(|revocation| revocation.invalidity_date) {
        extensions.push(extension(oid::INVALIDITY_DATE, &time(date)?)?);
    }
    Ok(Some(extensions))
}

/// ```text
/// CertStatus ::= CHOICE {
///     good    [0] IMPLICIT NULL,
///     revoked [1] IMPLICIT RevokedInfo,
///     unknown [2] IMPLICIT UnknownInfo }   -- UnknownInfo ::= NULL
/// ```
#[derive(Choice)]
enum WireCertStatus {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    Good(Null),
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true")]
    Revoked(RevokedInfo),
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT")]
    Unknown(Null),
}

/// ```text
/// RevokedInfo ::= SEQUENCE {
///     revocationTime       GeneralizedTime,
///     revocationReason [0] EXPLICIT CRLReason OPTIONAL }
/// ```
#[derive(Sequence)]
struct RevokedInfo {
    revocation_time: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    revocation_reason: Option<CrlReason>,
}

impl TryFrom<CertStatus> for WireCertStatus {
    type Error = der::Error;

    fn try_from(status: CertStatus) -> der::Result<Self> {
        Ok(match status {
            CertStatus::Good => Self::Good(Null),
            CertStatus::Unknown => Self::Unknown(Null),
            CertStatus::Revoked(revocation) => Self::Revoked(RevokedInfo {
                revocation_time: time(revocation.time)?,
                revocation_reason: reason(revocation.reason),
            }),
            // RFC 6960 §2.2: certificateHold, since 1 January 1970.
            CertStatus::NeverIssued => Self::Revoked(RevokedInfo {
                revocation_time: time(UnixTime::from_seconds(0))?,
                revocation_reason: Some(CrlReason::CertificateHold),
            }),
        })
    }
}

/// As on CRLs, "unspecified" is said by silence (RFC 5280 §5.3.1).
const fn reason(reason: ReasonCode) -> Option<CrlReason> {
    Some(match reason {
        ReasonCode::Unspecified => return None,
        ReasonCode::KeyCompromise => CrlReason::KeyCompromise,
        ReasonCode::CaCompromise => CrlReason::CaCompromise,
        ReasonCode::AffiliationChanged => CrlReason::AffiliationChanged,
        ReasonCode::Superseded => CrlReason::Superseded,
        ReasonCode::CessationOfOperation => CrlReason::CessationOfOperation,
        ReasonCode::CertificateHold => CrlReason::CertificateHold,
        ReasonCode::PrivilegeWithdrawn => CrlReason::PrivilegeWithdrawn,
        ReasonCode::AaCompromise => CrlReason::AaCompromise,
    })
}

fn extension(extn_id: const_oid::ObjectIdentifier, value: &impl Encode) -> der::Result<Extension> {
    Ok(Extension { extn_id, critical: false, extn_value: OctetString::new(value.to_der()?)? })
}

// RFC 6960 §4.2.2.1: GeneralizedTime as in RFC 5280 §4.1.2.5.2, which is to the second, without fractions.
fn time(time: UnixTime) -> der::Result<GeneralizedTime> {
    let seconds = u64::try_from(time.seconds()).map_err(|_| der::ErrorKind::DateTime)?;
    DateTime::from_unix_duration(core::time::Duration::from_secs(seconds))
        .map(GeneralizedTime::from_date_time)
}

//! `ResponseData`: what an OCSP response says, and its signature covers (RFC 6960 §4.2.1).
//!
//! Types only; which status a certificate has, and from when to when it is told, is decided in [`ocsp`](super).

use der::asn1::{AnyRef, GeneralizedTime, Null, OctetString};
use der::{Choice, DateTime, Decode, Encode, Sequence};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::CrlReason;

use super::cert_id::CertId;
use super::request::Nonce;
use crate::key_ref::KeyRef;
use crate::oid;
use crate::reason::ReasonCode;
use crate::record::{CertificateStatus, Revocation};
use crate::validity::UnixTime;

/// What is told of a certificate (RFC 6960 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertStatus {
    /// We issued it, and it is not revoked; it may have expired.
    Good,
    /// We issued it, or may have, and it is revoked.
    Revoked(Revocation),
    /// We say nothing of it: not ours, never issued, or nobody knows yet whether it was.
    Unknown,
}

impl From<CertificateStatus> for CertStatus {
    // RFC 6960 §2.2: "good" is for what is known to be issued, and for nothing that merely is not revoked.
    fn from(status: CertificateStatus) -> Self {
        match status {
            CertificateStatus::Good => Self::Good,
            CertificateStatus::Revoked(revocation) => Self::Revoked(revocation),
            CertificateStatus::NeverIssued
            | CertificateStatus::Pending
            | CertificateStatus::Aborted
            | CertificateStatus::Uncertain { .. } => Self::Unknown,
        }
    }
}

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
    by_key: OctetString,
    produced_at: GeneralizedTime,
    responses: Vec<SingleResponse<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    response_extensions: Option<Vec<Extension>>,
}

impl<'a> ResponseData<'a> {
    /// Puts a response together that `responder` produces at `produced_at`.
    pub(super) fn new(
        responder: &KeyRef,
        produced_at: UnixTime,
        responses: Vec<SingleResponse<'a>>,
        nonce: Option<&Nonce>,
    ) -> der::Result<Self> {
        // RFC 9654 §2.1: the nonce of the request, in responseExtensions.
        let nonce =
            nonce.map(|nonce| extension(oid::OCSP_NONCE, &OctetString::new(nonce.octets())?)).transpose()?;
        Ok(Self {
            version: 0,
            by_key: OctetString::new(responder.octets().as_slice())?,
            produced_at: time(produced_at)?,
            responses,
            response_extensions: nonce.map(|nonce| vec![nonce]),
        })
    }
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
    cert_id: AnyRef<'a>,
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
        // RFC 6960 §4.4.4: who goes on answering for expired certificates should say since when it remembers. The reason of
        // a revocation stands in RevokedInfo, never here.
        let cutoff = match status {
            CertStatus::Good | CertStatus::Revoked(_) => {
                Some(vec![extension(oid::OCSP_ARCHIVE_CUTOFF, &time(archive_cutoff)?)?])
            }
            CertStatus::Unknown => None,
        };
        Ok(Self {
            cert_id: AnyRef::from_der(certificate.der())?,
            cert_status: WireCertStatus::try_from(status)?,
            this_update: time(this_update)?,
            next_update: Some(time(next_update)?),
            single_extensions: cutoff,
        })
    }
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

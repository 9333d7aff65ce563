//! What a client asks for, as the body of the first message (RFC 9483 §4).

use ca_core::actor::Presented;
use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::key_ref::KeyRef;
use ca_core::oid;
use ca_core::ports::Signer;
use ca_core::reason::ReasonCode;
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_request::{
    AttributeTypeAndValue, CertId, CertReqMsg, CertRequest, CertTemplate, OLD_CERT_ID, PopoSigningKey,
    ProofOfPossession, TemplateKey,
};
use cmp_messages::forwarding::Forwarding;
use cmp_messages::general::{
    CA_CERTS, CERT_REQ_TEMPLATE, CRL_STATUS_LIST, CrlSource, CrlStatus, ROOT_CA_CERT,
};
use cmp_messages::header::{CMP_2000, CMP_2021, InfoTypeAndValue};
use cmp_messages::name::GeneralName;
use cmp_messages::protection::signature_algorithm;
use cmp_messages::revocation::RevDetails;
use der::Decode;
use der::asn1::{Any, BitString, GeneralizedTime, Ia5String, Int, OctetString, UtcTime};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName as PointName};
use x509_cert::time::Time;

use crate::error::CmpError;

/// RFC 9483 §4.1.1: the number of the one request in a message.
const REQUEST_ID: i64 = 0;

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Question<'a> {
    /// ir: the first certificate.
    Initialization(Request<'a>),
    /// cr: a further certificate.
    Certification(Request<'a>),
    /// kur: a certificate in the place of the one that signs.
    KeyUpdate(Request<'a>, &'a Certificate),
    /// ir, cr or kur: a certificate with a key that the authority makes (RFC 9483 §4.1.6).
    CentralKey(KeylessRequest<'a>),
    /// p10cr: a certificate, by PKCS#10.
    Pkcs10(&'a CertificationRequest),
    /// p10cr: a certificate for a device that asks through the registration authority which signs (RFC 7030 §3.7).
    Forwarded(Forwarded<'a>),
    /// rr: a revocation, or its end.
    Revocation(Revocation<'a>),
    /// genm: the CA certificates.
    CaCertificates,
    /// genm: the root that follows this one.
    RootUpdate(&'a Certificate),
    /// genm: what a request should say.
    Template,
    /// genm: a CRL.
    Crl(CrlWanted<'a>),
}

/// What a certificate should say, and the key it is for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The subject.
    pub subject: &'a DistinguishedName,
    /// The extensions to ask for.
    pub extensions: &'a [Extension],
    /// The key.
    pub key: &'a KeyRef,
    /// Where it signs.
    pub signer: &'a dyn Signer,
}

impl core::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Request({} for {})", self.key, self.subject)
    }
}

/// What a certificate should say whose key the authority makes.
#[derive(Debug, Clone, Copy)]
pub struct KeylessRequest<'a> {
    /// By which message it is asked for.
    pub by: KeylessBody<'a>,
    /// The subject.
    pub subject: &'a DistinguishedName,
    /// The extensions to ask for.
    pub extensions: &'a [Extension],
}

/// The message that asks for a key.
#[derive(Debug, Clone, Copy)]
pub enum KeylessBody<'a> {
    /// ir.
    Initialization,
    /// cr.
    Certification,
    /// kur, of this certificate.
    KeyUpdate(&'a Certificate),
}

/// What a device asks through a registration authority.
#[derive(Debug, Clone, Copy)]
pub struct Forwarded<'a> {
    /// Its request.
    pub request: &'a CertificationRequest,
    /// The certificate that it showed, with those above it.
    pub shown: &'a Presented,
    /// Whether that certificate is to be renewed.
    pub renews: bool,
}

/// Which certificate is to be revoked, or no longer.
#[derive(Debug, Clone, Copy)]
pub struct Revocation<'a> {
    /// Who issued it.
    pub issuer: &'a DistinguishedName,
    /// Its serial number.
    pub serial: &'a SerialNumber,
    /// What is to change.
    pub change: RevocationChange,
}

/// What is to become of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationChange {
    /// It is revoked, for good or on hold.
    Revoke(ReasonCode),
    /// It is taken off hold: removeFromCRL (RFC 5280 §5.3.1).
    TakeOffHold,
}

/// Which CRL is wanted.
#[derive(Debug, Clone, Copy)]
pub struct CrlWanted<'a> {
    /// Where it is published, if that is known.
    pub distribution_point: Option<&'a str>,
    /// Who issues it.
    pub issuer: &'a DistinguishedName,
    /// thisUpdate of the one that is there already.
    pub this_update: Option<UnixTime>,
}

impl Question<'_> {
    /// Tells whether a certificate comes in the answer.
    pub(crate) const fn enrols(&self) -> bool {
        matches!(
            self,
            Self::Initialization(_)
                | Self::Certification(_)
                | Self::KeyUpdate(..)
                | Self::CentralKey(_)
                | Self::Pkcs10(_)
                | Self::Forwarded(_)
        )
    }

    /// RFC 9483 §4.1.3, §4.2: an update and a revocation MUST be signed. RFC 7030 §3.7: who forwards shows its certificate.
    pub(crate) const fn wants_signature(&self) -> bool {
        match self {
            Self::KeyUpdate(..) | Self::Forwarded(_) | Self::Revocation(_) => true,
            Self::CentralKey(request) => matches!(request.by, KeylessBody::KeyUpdate(_)),
            Self::Initialization(_)
            | Self::Certification(_)
            | Self::Pkcs10(_)
            | Self::CaCertificates
            | Self::RootUpdate(_)
            | Self::Template
            | Self::Crl(_) => false,
        }
    }

    /// RFC 9483 §4.1.6: version 3, since `EnvelopedData` comes in the answer; otherwise 2 (§3.1).
    pub(crate) const fn version(&self) -> u64 {
        if self.wants_key() { CMP_2021 } else { CMP_2000 }
    }

    /// Tells whether the authority is to make the key.
    pub(crate) const fn wants_key(&self) -> bool {
        matches!(self, Self::CentralKey(_))
    }

    /// RFC 9483 §3.1: certProfile MAY be in these and MUST be omitted in all other messages.
    pub(crate) const fn may_name_a_profile(&self) -> bool {
        self.enrols() || matches!(self, Self::Template)
    }

    /// What the header says of whoever asks through the one who signs.
    pub(crate) fn forwarding(&self) -> Result<Vec<InfoTypeAndValue>, CmpError> {
        let Self::Forwarded(Forwarded { shown, renews, .. }) = self else { return Ok(Vec::new()) };
        let renews = renews.then(|| Forwarding::id_of(&shown.certificate)).transpose()?;
        let shown = core::iter::once(&shown.certificate).chain(&shown.above);
        Ok(Forwarding { shown: shown.map(|one| one.der().to_vec()).collect(), renews }.write()?)
    }

    pub(crate) fn body(&self) -> Result<PkiBody, CmpError> {
        Ok(match self {
            Self::Initialization(request) => PkiBody::Ir(vec![request_message(request, None)?]),
            Self::Certification(request) => PkiBody::Cr(vec![request_message(request, None)?]),
            Self::KeyUpdate(request, old) => PkiBody::Kur(vec![request_message(request, Some(old))?]),
            Self::CentralKey(request) => {
                let message = vec![keyless_message(request)?];
                match request.by {
                    KeylessBody::Initialization => PkiBody::Ir(message),
                    KeylessBody::Certification => PkiBody::Cr(message),
                    KeylessBody::KeyUpdate(_) => PkiBody::Kur(message),
                }
            }
            Self::Pkcs10(request) | Self::Forwarded(Forwarded { request, .. }) => {
                PkiBody::P10cr(Any::from_der(request.der())?)
            }
            Self::Revocation(revocation) => PkiBody::Rr(vec![details(revocation)?]),
            Self::CaCertificates => PkiBody::Genm(vec![InfoTypeAndValue::empty(CA_CERTS)]),
            // RFC 9483 §4.3.2: the old root SHOULD be there.
            Self::RootUpdate(old) => {
                let info_value = Some(Any::from_der(old.der())?);
                PkiBody::Genm(vec![InfoTypeAndValue { info_type: ROOT_CA_CERT, info_value }])
            }
            Self::Template => PkiBody::Genm(vec![InfoTypeAndValue::empty(CERT_REQ_TEMPLATE)]),
            Self::Crl(wanted) => {
                PkiBody::Genm(vec![InfoTypeAndValue::of(CRL_STATUS_LIST, &vec![crl_status(wanted)?])?])
            }
        })
    }
}

fn request_message(request: &Request<'_>, old: Option<&Certificate>) -> Result<CertReqMsg, CmpError> {
    let public_key = request.signer.public_key(request.key)?;
    let controls = old.map(old_cert_id).transpose()?;
    let cert_request = CertRequest {
        cert_req_id: REQUEST_ID,
        cert_template: CertTemplate {
            subject: Some(Any::from_der(request.subject.der())?),
            public_key: Some(TemplateKey::from_der(public_key.spki_der())?),
            extensions: (!request.extensions.is_empty()).then(|| request.extensions.to_vec()),
            ..CertTemplate::default()
        },
        controls,
    };
    // RFC 9483 §4.1.1: the signature is over the DER-encoded certReq, and poposkInput MUST NOT be used.
    let unproven = CertReqMsg::new(&cert_request, None)?;
    let signature = request.signer.sign(request.key, &unproven.request_octets()?)?.to_der()?;
    let proof = PopoSigningKey {
        input: None,
        algorithm: signature_algorithm(public_key.curve()),
        signature: BitString::from_bytes(&signature)?,
    };
    Ok(CertReqMsg::new(&cert_request, Some(ProofOfPossession::Signature(proof)))?)
}

/// RFC 9483 §4.1.6: publicKey MUST be omitted where there is no preference; §4.1.1: popo MUST be absent then.
fn keyless_message(request: &KeylessRequest<'_>) -> Result<CertReqMsg, CmpError> {
    let controls = match request.by {
        KeylessBody::KeyUpdate(old) => Some(old_cert_id(old)?),
        KeylessBody::Initialization | KeylessBody::Certification => None,
    };
    let cert_template = CertTemplate {
        subject: Some(Any::from_der(request.subject.der())?),
        extensions: (!request.extensions.is_empty()).then(|| request.extensions.to_vec()),
        ..CertTemplate::default()
    };
    Ok(CertReqMsg::new(&CertRequest { cert_req_id: REQUEST_ID, cert_template, controls }, None)?)
}

/// RFC 9483 §4.1.3: oldCertId makes clear which certificate is to be updated.
fn old_cert_id(old: &Certificate) -> der::Result<Vec<AttributeTypeAndValue>> {
    let id = CertId {
        issuer: GeneralName::directory(old.issuer())?,
        serial_number: Int::new(old.serial().octets())?,
    };
    Ok(vec![AttributeTypeAndValue { kind: OLD_CERT_ID, value: Any::encode_from(&id)? }])
}

/// RFC 9483 §4.2: serialNumber and issuer, and one reasonCode.
fn details(revocation: &Revocation<'_>) -> Result<RevDetails, CmpError> {
    let reason = match revocation.change {
        RevocationChange::Revoke(reason) => reason.number(),
        RevocationChange::TakeOffHold => ReasonCode::REMOVE_FROM_CRL,
    };
    let enumerated = [0x0A, 0x01, reason];
    Ok(RevDetails {
        cert_details: CertTemplate {
            serial_number: Some(Int::new(revocation.serial.octets())?),
            issuer: Some(Any::from_der(revocation.issuer.der())?),
            ..CertTemplate::default()
        },
        crl_entry_details: Some(vec![Extension {
            extn_id: oid::CRL_REASON,
            critical: false,
            extn_value: OctetString::new(enumerated.to_vec())?,
        }]),
    })
}

/// RFC 9483 §4.3.4: by distribution point, where that is known, otherwise by issuer.
fn crl_status(wanted: &CrlWanted<'_>) -> Result<CrlStatus, CmpError> {
    let source = match wanted.distribution_point {
        Some(uri) => {
            let name = PointName::UniformResourceIdentifier(Ia5String::new(uri)?);
            CrlSource::DistributionPoint(DistributionPointName::FullName(vec![name]))
        }
        None => CrlSource::Issuer(vec![GeneralName::directory(wanted.issuer)?]),
    };
    Ok(CrlStatus { source, this_update: wanted.this_update.map(time).transpose()? })
}

/// RFC 5280 §5.1.2.4: UTCTime until 2049.
fn time(time: UnixTime) -> der::Result<Time> {
    let since_1970 = core::time::Duration::from_secs(u64::try_from(time.seconds()).unwrap_or_default());
    if time < UnixTime::UTC_TIME_END {
        UtcTime::from_unix_duration(since_1970).map(Time::UtcTime)
    } else {
        GeneralizedTime::from_unix_duration(since_1970).map(Time::GeneralTime)
    }
}

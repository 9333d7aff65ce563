//! General messages (RFC 9810 §5.3.19), as far as RFC 9483 §4.3 uses them. Certificates and CRLs stay octets.

use const_oid::ObjectIdentifier;
use der::asn1::Any;
use der::{Choice, Sequence};
use x509_cert::ext::pkix::name::DistributionPointName;
use x509_cert::time::Time;

use crate::certificate_request::{AttributeTypeAndValue, CertTemplate};
use crate::name::GeneralName;

const fn info_type(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// id-it-caCerts (RFC 9810 §5.3.19.14): asked for with nothing, answered with a `SEQUENCE OF CMPCertificate`.
pub const CA_CERTS: ObjectIdentifier = info_type("1.3.6.1.5.5.7.4.17");
/// id-it-rootCaKeyUpdate (RFC 9810 §5.3.19.15).
pub const ROOT_CA_KEY_UPDATE: ObjectIdentifier = info_type("1.3.6.1.5.5.7.4.18");
/// id-it-certReqTemplate (RFC 9810 §5.3.19.16): asked for with nothing, answered with [`CertReqTemplate`].
pub const CERT_REQ_TEMPLATE: ObjectIdentifier = info_type("1.3.6.1.5.5.7.4.19");
/// id-it-rootCaCert (RFC 9810 §5.3.19.15): a `CMPCertificate`, to ask for its successor.
pub const ROOT_CA_CERT: ObjectIdentifier = info_type("1.3.6.1.5.5.7.4.20");
/// id-it-crlStatusList (RFC 9810 §5.3.19.17): a `SEQUENCE OF` [`CrlStatus`].
pub const CRL_STATUS_LIST: ObjectIdentifier = info_type("1.3.6.1.5.5.7.4.22");
/// id-it-crls (RFC 9810 §5.3.19.17): a `SEQUENCE OF CertificateList`.
pub const CRLS: ObjectIdentifier = info_type("1.3.6.1.5.5.7.4.23");

/// ```text
/// RootCaKeyUpdateContent ::= SEQUENCE {
///     newWithNew     CMPCertificate,
///     newWithOld [0] CMPCertificate OPTIONAL,
///     oldWithNew [1] CMPCertificate OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct RootCaKeyUpdate {
    /// The new root, signed by itself.
    pub new_with_new: Any,
    /// The new root, signed by the old one.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub new_with_old: Option<Any>,
    /// The old root, signed by the new one.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub old_with_new: Option<Any>,
}

/// ```text
/// CertReqTemplateContent ::= SEQUENCE { certTemplate CertTemplate, keySpec Controls OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct CertReqTemplate {
    /// What a request should say.
    pub cert_template: CertTemplate,
    /// Which keys will do.
    #[asn1(optional = "true")]
    pub key_spec: Option<Vec<AttributeTypeAndValue>>,
}

/// ```text
/// CRLStatus ::= SEQUENCE { source CRLSource, thisUpdate Time OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct CrlStatus {
    /// Which CRL.
    pub source: CrlSource,
    /// How old the one is that the requester has.
    #[asn1(optional = "true")]
    pub this_update: Option<Time>,
}

/// ```text
/// CRLSource ::= CHOICE { dpn [0] DistributionPointName, issuer [1] GeneralNames }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Choice)]
pub enum CrlSource {
    /// By its distribution point.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true")]
    DistributionPoint(DistributionPointName),
    /// By its issuer.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    Issuer(Vec<GeneralName>),
}

//! The operations of CMP and how each is called (RFC 9811 §3.4, RFC 9483 §6.1, Table 1).

use crate::body::PkiBody;
use crate::general::{CA_CERTS, CERT_REQ_TEMPLATE, CRL_STATUS_LIST, ROOT_CA_CERT};

/// An operation. Confirmations and polls go where their request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// ir: the first certificate (RFC 9483 §4.1.1).
    Initialization,
    /// cr: a further certificate (RFC 9483 §4.1.2).
    Certification,
    /// kur: a certificate in the place of another (RFC 9483 §4.1.3).
    KeyUpdate,
    /// p10cr: a certificate by PKCS#10 (RFC 9483 §4.1.4).
    Pkcs10,
    /// rr: the revocation of a certificate (RFC 9483 §4.2).
    Revocation,
    /// genm: the CA certificates (RFC 9483 §4.3.1).
    GetCaCerts,
    /// genm: the root that follows another (RFC 9483 §4.3.2).
    GetRootUpdate,
    /// genm: what a request should say (RFC 9483 §4.3.3).
    GetCertReqTemplate,
    /// genm: a CRL (RFC 9483 §4.3.4).
    GetCrls,
    /// nested: messages in a message (RFC 9483 §5.2.2).
    Nested,
}

impl Operation {
    const ALL: [Self; 10] = [
        Self::Initialization,
        Self::Certification,
        Self::KeyUpdate,
        Self::Pkcs10,
        Self::Revocation,
        Self::GetCaCerts,
        Self::GetRootUpdate,
        Self::GetCertReqTemplate,
        Self::GetCrls,
        Self::Nested,
    ];

    /// Reads a path segment, octet for octet.
    #[must_use]
    pub fn parse(segment: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.segment() == segment)
    }

    /// Returns the path segment that names it.
    #[must_use]
    pub const fn segment(self) -> &'static str {
        match self {
            Self::Initialization => "initialization",
            Self::Certification => "certification",
            Self::KeyUpdate => "keyupdate",
            Self::Pkcs10 => "pkcs10",
            Self::Revocation => "revocation",
            Self::GetCaCerts => "getcacerts",
            Self::GetRootUpdate => "getrootupdate",
            Self::GetCertReqTemplate => "getcertreqtemplate",
            Self::GetCrls => "getcrls",
            Self::Nested => "nested",
        }
    }

    /// Returns the operation that a body begins, if it is one.
    #[must_use]
    pub fn begun_by(body: &PkiBody) -> Option<Self> {
        let plain = [
            (matches!(body, PkiBody::Ir(_)), Self::Initialization),
            (matches!(body, PkiBody::Cr(_)), Self::Certification),
            (matches!(body, PkiBody::Kur(_)), Self::KeyUpdate),
            (matches!(body, PkiBody::P10cr(_)), Self::Pkcs10),
            (matches!(body, PkiBody::Rr(_)), Self::Revocation),
            (matches!(body, PkiBody::Nested(_)), Self::Nested),
        ];
        let PkiBody::Genm(questions) = body else {
            return plain.into_iter().find_map(|(is_it, operation)| is_it.then_some(operation));
        };
        match questions.first()?.info_type {
            CA_CERTS => Some(Self::GetCaCerts),
            ROOT_CA_CERT => Some(Self::GetRootUpdate),
            CERT_REQ_TEMPLATE => Some(Self::GetCertReqTemplate),
            CRL_STATUS_LIST => Some(Self::GetCrls),
            _ => None,
        }
    }

    /// Tells whether a message of this body is part of the operation. Confirmations and polls go where their request went; so
    /// does a request under an added protection (RFC 9483 §6.1), in which the inner message is asked the same.
    #[must_use]
    pub const fn takes(self, body: &PkiBody) -> bool {
        if matches!(body, PkiBody::Nested(_)) {
            return true;
        }
        match self {
            Self::Initialization => {
                matches!(body, PkiBody::Ir(_) | PkiBody::CertConf(_) | PkiBody::PollReq(_))
            }
            Self::Certification => {
                matches!(body, PkiBody::Cr(_) | PkiBody::CertConf(_) | PkiBody::PollReq(_))
            }
            Self::KeyUpdate => {
                matches!(body, PkiBody::Kur(_) | PkiBody::CertConf(_) | PkiBody::PollReq(_))
            }
            Self::Pkcs10 => {
                matches!(body, PkiBody::P10cr(_) | PkiBody::CertConf(_) | PkiBody::PollReq(_))
            }
            Self::Revocation => matches!(body, PkiBody::Rr(_)),
            Self::GetCaCerts | Self::GetRootUpdate | Self::GetCertReqTemplate | Self::GetCrls => {
                matches!(body, PkiBody::Genm(_))
            }
            Self::Nested => false,
        }
    }
}

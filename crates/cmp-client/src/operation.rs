//! The operations of CMP and how each is called (RFC 9811 §3.4, RFC 9483 §6.1, Table 1).

use cmp_messages::body::PkiBody;
use cmp_messages::general::{CA_CERTS, CERT_REQ_TEMPLATE, CRL_STATUS_LIST, ROOT_CA_CERT};

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
}

impl Operation {
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
        }
    }

    /// Returns the operation that a body begins, if it is one.
    pub(crate) fn begun_by(body: &PkiBody) -> Option<Self> {
        let plain = [
            (matches!(body, PkiBody::Ir(_)), Self::Initialization),
            (matches!(body, PkiBody::Cr(_)), Self::Certification),
            (matches!(body, PkiBody::Kur(_)), Self::KeyUpdate),
            (matches!(body, PkiBody::P10cr(_)), Self::Pkcs10),
            (matches!(body, PkiBody::Rr(_)), Self::Revocation),
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
}

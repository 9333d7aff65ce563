//! The operations of CMP and how each is called (RFC 9811 §3.4, RFC 9483 §6.1, Table 1).

use cmp_messages::body::PkiBody;

/// An operation that a path may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// RFC 9483 §4.1.1.
    Initialization,
    /// RFC 9483 §4.1.2.
    Certification,
    /// RFC 9483 §4.1.3.
    KeyUpdate,
    /// RFC 9483 §4.1.4.
    Pkcs10,
    /// RFC 9483 §4.2.
    Revocation,
    /// RFC 9483 §4.3.1.
    GetCaCerts,
    /// RFC 9483 §4.3.2.
    GetRootUpdate,
    /// RFC 9483 §4.3.3.
    GetCertReqTemplate,
    /// RFC 9483 §4.3.4.
    GetCrls,
    /// RFC 9483 §5.2.2.
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
    pub(crate) fn parse(segment: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.segment() == segment)
    }

    const fn segment(self) -> &'static str {
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

    /// Tells whether a message of this body is part of the operation. Confirmations and polls go where their request went; so
    /// does a request under an added protection (RFC 9483 §6.1), in which the inner message is asked the same.
    pub(crate) const fn takes(self, body: &PkiBody) -> bool {
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

//! The operations of EST and how each is asked for (RFC 7030 §3.2.2, §3.2.4).
//!
//! What they do stands in `exchange`.

/// An operation that is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// RFC 7030 §4.1.
    CaCerts,
    /// RFC 7030 §4.5.
    CsrAttrs,
    /// RFC 7030 §4.2.1.
    SimpleEnroll,
    /// RFC 7030 §4.2.2.
    SimpleReenroll,
    /// RFC 7030 §4.4.
    ServerKeyGen,
    /// RFC 7030 §4.3.
    FullCmc,
}

/// How an operation is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// By GET, without a body and whoever asks.
    Open,
    /// By POST, with a body announced as this media type, from somebody who shows credentials.
    Submission {
        /// The media type, in small letters and without parameters.
        media_type: &'static str,
    },
}

/// RFC 7030 §4.2.1.
const PKCS10: Form = Form::Submission { media_type: "application/pkcs10" };

/// RFC 7030 §4.3.1.
const CMC: Form = Form::Submission { media_type: "application/pkcs7-mime" };

impl Operation {
    /// Reads a path segment, octet for octet. Operations that are not offered are not known.
    pub(crate) fn parse(segment: &str) -> Option<Self> {
        [
            Self::CaCerts,
            Self::CsrAttrs,
            Self::SimpleEnroll,
            Self::SimpleReenroll,
            Self::ServerKeyGen,
            Self::FullCmc,
        ]
        .into_iter()
        .find(|operation| operation.name() == segment)
    }

    /// Returns its path segment, which is also its name in metrics and logs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CaCerts => "cacerts",
            Self::CsrAttrs => "csrattrs",
            Self::SimpleEnroll => "simpleenroll",
            Self::SimpleReenroll => "simplereenroll",
            Self::ServerKeyGen => "serverkeygen",
            Self::FullCmc => "fullcmc",
        }
    }

    /// Returns how it is asked for.
    pub(crate) const fn form(self) -> Form {
        match self {
            Self::CaCerts | Self::CsrAttrs => Form::Open,
            Self::SimpleEnroll | Self::SimpleReenroll | Self::ServerKeyGen => PKCS10,
            Self::FullCmc => CMC,
        }
    }
}

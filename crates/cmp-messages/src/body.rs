//! The body of a message (RFC 9810 §5.1.2).

use der::Choice;
use der::asn1::{Any, Null};

use crate::certificate_request::CertReqMsg;
use crate::certificate_response::CertRepMessage;
use crate::confirmation::CertStatus;
use crate::error_message::ErrorMsgContent;
use crate::header::InfoTypeAndValue;
use crate::polling::{PollRep, PollReq};
use crate::revocation::{RevDetails, RevRepContent};

/// ```text
/// PKIBody ::= CHOICE {
///     ir [0] CertReqMessages, ip [1] CertRepMessage, cr [2] CertReqMessages, cp [3] CertRepMessage,
///     p10cr [4] CertificationRequest, popdecc [5] …, popdecr [6] …, kur [7] CertReqMessages, kup [8] CertRepMessage,
///     krr [9] …, krp [10] …, rr [11] RevReqContent, rp [12] RevRepContent, ccr [13] …, ccp [14] …, ckuann [15] …,
///     cann [16] …, rann [17] …, crlann [18] …, pkiconf [19] PKIConfirmContent, nested [20] NestedMessageContent,
///     genm [21] GenMsgContent, genp [22] GenRepContent, error [23] ErrorMsgContent, certConf [24] CertConfirmContent,
///     pollReq [25] PollReqContent, pollRep [26] PollRepContent }
/// ```
///
/// What nobody of this house takes or sends is told by its number and not looked into.
#[derive(Debug, Clone, PartialEq, Eq, Choice)]
pub enum PkiBody {
    /// Initialization request.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true")]
    Ir(Vec<CertReqMsg>),
    /// Initialization response.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    Ip(CertRepMessage),
    /// Certification request.
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", constructed = "true")]
    Cr(Vec<CertReqMsg>),
    /// Certification response.
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", constructed = "true")]
    Cp(CertRepMessage),
    /// Certification request of PKCS#10.
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", constructed = "true")]
    P10cr(Any),
    /// Challenge to decrypt.
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", constructed = "true")]
    Popdecc(Any),
    /// Response to it.
    #[asn1(context_specific = "6", tag_mode = "EXPLICIT", constructed = "true")]
    Popdecr(Any),
    /// Key update request.
    #[asn1(context_specific = "7", tag_mode = "EXPLICIT", constructed = "true")]
    Kur(Vec<CertReqMsg>),
    /// Key update response.
    #[asn1(context_specific = "8", tag_mode = "EXPLICIT", constructed = "true")]
    Kup(CertRepMessage),
    /// Key recovery request.
    #[asn1(context_specific = "9", tag_mode = "EXPLICIT", constructed = "true")]
    Krr(Any),
    /// Key recovery response.
    #[asn1(context_specific = "10", tag_mode = "EXPLICIT", constructed = "true")]
    Krp(Any),
    /// Revocation request.
    #[asn1(context_specific = "11", tag_mode = "EXPLICIT", constructed = "true")]
    Rr(Vec<RevDetails>),
    /// Revocation response.
    #[asn1(context_specific = "12", tag_mode = "EXPLICIT", constructed = "true")]
    Rp(RevRepContent),
    /// Cross-certification request.
    #[asn1(context_specific = "13", tag_mode = "EXPLICIT", constructed = "true")]
    Ccr(Any),
    /// Cross-certification response.
    #[asn1(context_specific = "14", tag_mode = "EXPLICIT", constructed = "true")]
    Ccp(Any),
    /// Announcement of a CA's key update.
    #[asn1(context_specific = "15", tag_mode = "EXPLICIT", constructed = "true")]
    Ckuann(Any),
    /// Announcement of a certificate.
    #[asn1(context_specific = "16", tag_mode = "EXPLICIT", constructed = "true")]
    Cann(Any),
    /// Announcement of a revocation.
    #[asn1(context_specific = "17", tag_mode = "EXPLICIT", constructed = "true")]
    Rann(Any),
    /// Announcement of a CRL.
    #[asn1(context_specific = "18", tag_mode = "EXPLICIT", constructed = "true")]
    Crlann(Any),
    /// Confirmation of a confirmation.
    #[asn1(context_specific = "19", tag_mode = "EXPLICIT", constructed = "true")]
    PkiConf(Null),
    /// Messages in a message.
    #[asn1(context_specific = "20", tag_mode = "EXPLICIT", constructed = "true")]
    Nested(Vec<Any>),
    /// General message.
    #[asn1(context_specific = "21", tag_mode = "EXPLICIT", constructed = "true")]
    Genm(Vec<InfoTypeAndValue>),
    /// General response.
    #[asn1(context_specific = "22", tag_mode = "EXPLICIT", constructed = "true")]
    Genp(Vec<InfoTypeAndValue>),
    /// Error message.
    #[asn1(context_specific = "23", tag_mode = "EXPLICIT", constructed = "true")]
    Error(ErrorMsgContent),
    /// Certificate confirmation.
    #[asn1(context_specific = "24", tag_mode = "EXPLICIT", constructed = "true")]
    CertConf(Vec<CertStatus>),
    /// Polling request.
    #[asn1(context_specific = "25", tag_mode = "EXPLICIT", constructed = "true")]
    PollReq(Vec<PollReq>),
    /// Polling response.
    #[asn1(context_specific = "26", tag_mode = "EXPLICIT", constructed = "true")]
    PollRep(Vec<PollRep>),
}

impl PkiBody {
    /// Returns the name of its type in RFC 9810.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ir(_) => "ir",
            Self::Ip(_) => "ip",
            Self::Cr(_) => "cr",
            Self::Cp(_) => "cp",
            Self::P10cr(_) => "p10cr",
            Self::Popdecc(_) => "popdecc",
            Self::Popdecr(_) => "popdecr",
            Self::Kur(_) => "kur",
            Self::Kup(_) => "kup",
            Self::Krr(_) => "krr",
            Self::Krp(_) => "krp",
            Self::Rr(_) => "rr",
            Self::Rp(_) => "rp",
            Self::Ccr(_) => "ccr",
            Self::Ccp(_) => "ccp",
            Self::Ckuann(_) => "ckuann",
            Self::Cann(_) => "cann",
            Self::Rann(_) => "rann",
            Self::Crlann(_) => "crlann",
            Self::PkiConf(_) => "pkiconf",
            Self::Nested(_) => "nested",
            Self::Genm(_) => "genm",
            Self::Genp(_) => "genp",
            Self::Error(_) => "error",
            Self::CertConf(_) => "certConf",
            Self::PollReq(_) => "pollReq",
            Self::PollRep(_) => "pollRep",
        }
    }

    /// Tells whether the message follows another one of the same sender in a transaction, of those that are sent to a server.
    #[must_use]
    pub const fn is_later(&self) -> bool {
        matches!(self, Self::CertConf(_) | Self::PollReq(_))
    }

    /// Tells whether the message announces something, which asks for no CMP answer (RFC 9811 §3.5).
    #[must_use]
    pub const fn is_announcement(&self) -> bool {
        matches!(self, Self::Ckuann(_) | Self::Cann(_) | Self::Rann(_) | Self::Crlann(_))
    }
}

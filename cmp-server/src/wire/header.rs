//! The message header (RFC 9810 §5.1.1).

use der::asn1::{Any, GeneralizedTime, OctetString};
use der::{Sequence, TagNumber, Tagged};
use spki::AlgorithmIdentifierOwned;

/// cmp2000, the lowest version spoken here.
pub const CMP_2000: u64 = 2;
/// cmp2021, the highest version spoken here.
pub const CMP_2021: u64 = 3;

/// ```text
/// PKIHeader ::= SEQUENCE {
///     pvno              INTEGER { cmp1999(1), cmp2000(2), cmp2021(3) },
///     sender            GeneralName,
///     recipient         GeneralName,
///     messageTime   [0] GeneralizedTime                     OPTIONAL,
///     protectionAlg [1] AlgorithmIdentifier{ALGORITHM, {...}} OPTIONAL,
///     senderKID     [2] KeyIdentifier                       OPTIONAL,
///     recipKID      [3] KeyIdentifier                       OPTIONAL,
///     transactionID [4] OCTET STRING                        OPTIONAL,
///     senderNonce   [5] OCTET STRING                        OPTIONAL,
///     recipNonce    [6] OCTET STRING                        OPTIONAL,
///     freeText      [7] PKIFreeText                         OPTIONAL,
///     generalInfo   [8] SEQUENCE SIZE (1..MAX) OF InfoTypeAndValue OPTIONAL }
///
/// PKIFreeText ::= SEQUENCE SIZE (1..MAX) OF UTF8String
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct PkiHeader {
    /// The version.
    pub pvno: u64,
    /// Who sent it: a `GeneralName`, see [`is_general_name`].
    pub sender: Any,
    /// For whom it is: a `GeneralName`, see [`is_general_name`].
    pub recipient: Any,
    /// When it was made.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub message_time: Option<GeneralizedTime>,
    /// How it is protected.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub protection_alg: Option<AlgorithmIdentifierOwned>,
    /// The key that protects it.
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    pub sender_kid: Option<OctetString>,
    /// The recipient's key.
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    pub recip_kid: Option<OctetString>,
    /// The transaction it belongs to.
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", optional = "true")]
    pub transaction_id: Option<OctetString>,
    /// The sender's fresh octets.
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", optional = "true")]
    pub sender_nonce: Option<OctetString>,
    /// The senderNonce of the message before it.
    #[asn1(context_specific = "6", tag_mode = "EXPLICIT", optional = "true")]
    pub recip_nonce: Option<OctetString>,
    /// For human readers.
    #[asn1(context_specific = "7", tag_mode = "EXPLICIT", optional = "true")]
    pub free_text: Option<Vec<String>>,
    /// `InfoTypeAndValue`s, not looked into.
    #[asn1(context_specific = "8", tag_mode = "EXPLICIT", optional = "true")]
    pub general_info: Option<Vec<Any>>,
}

/// Tells whether a value has a tag that `GeneralName` has (RFC 5280 §4.2.1.6): context-specific, 0 to 8.
#[must_use]
pub fn is_general_name(value: &Any) -> bool {
    let tag = value.tag();
    tag.is_context_specific() && tag.number() <= TagNumber(8)
}

//! The message header (RFC 9810 §5.1.1) and what it says in general (§5.1.1.1 – §5.1.1.5).

use const_oid::ObjectIdentifier;
use der::Sequence;
use der::asn1::{Any, GeneralizedTime, Null, OctetString};
use spki::AlgorithmIdentifierOwned;

use crate::name::GeneralName;

/// cmp2000, the lowest version spoken here.
pub const CMP_2000: u64 = 2;
/// cmp2021, the highest version spoken here.
pub const CMP_2021: u64 = 3;
/// The octets of a transactionID and of a nonce (RFC 9483 §3.1).
pub const RANDOM_OCTETS: usize = 16;

/// id-it-implicitConfirm (RFC 9810 §5.1.1.1).
pub const IMPLICIT_CONFIRM: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.4.13");
/// id-it-confirmWaitTime (RFC 9810 §5.1.1.2).
pub const CONFIRM_WAIT_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.4.14");
/// id-it-certProfile (RFC 9810 §5.1.1.4).
pub const CERT_PROFILE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.4.21");

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
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct PkiHeader {
    /// The version.
    pub pvno: u64,
    /// Who sent it.
    pub sender: GeneralName,
    /// For whom it is.
    pub recipient: GeneralName,
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
    /// What else there is to say.
    #[asn1(context_specific = "8", tag_mode = "EXPLICIT", optional = "true")]
    pub general_info: Option<Vec<InfoTypeAndValue>>,
}

/// ```text
/// InfoTypeAndValue ::= SEQUENCE { infoType OBJECT IDENTIFIER, infoValue ANY DEFINED BY infoType OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct InfoTypeAndValue {
    /// What it is about.
    pub info_type: ObjectIdentifier,
    /// What it says.
    pub info_value: Option<Any>,
}

impl InfoTypeAndValue {
    /// Asks about something, or says that there is nothing to say.
    #[must_use]
    pub const fn empty(info_type: ObjectIdentifier) -> Self {
        Self { info_type, info_value: None }
    }

    /// Says something.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn of<T: der::EncodeValue + der::Tagged>(
        info_type: ObjectIdentifier,
        value: &T,
    ) -> der::Result<Self> {
        Ok(Self { info_type, info_value: Some(Any::encode_from(value)?) })
    }

    /// Asks for no confirmation, or grants that there need be none (RFC 9810 §5.1.1.1).
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn implicit_confirm() -> der::Result<Self> {
        Self::of(IMPLICIT_CONFIRM, &Null)
    }

    /// Says until when a confirmation is waited for (RFC 9810 §5.1.1.2).
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn confirm_wait_time(until: &GeneralizedTime) -> der::Result<Self> {
        Self::of(CONFIRM_WAIT_TIME, until)
    }

    /// Names a certificate profile (RFC 9810 §5.1.1.4).
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn cert_profile(name: &str) -> der::Result<Self> {
        Self::of(CERT_PROFILE, &vec![name.to_owned()])
    }
}

impl PkiHeader {
    /// Returns the general information of a kind, each time it is there.
    pub fn information(&self, info_type: ObjectIdentifier) -> impl Iterator<Item = &InfoTypeAndValue> {
        self.general_info.iter().flatten().filter(move |info| info.info_type == info_type)
    }

    /// Tells whether implicitConfirm is there. RFC 9483 §3.1: its value is NULL; what OpenSSL leaves out is taken for it.
    #[must_use]
    pub fn implicit_confirm(&self) -> bool {
        self.information(IMPLICIT_CONFIRM).next().is_some()
    }

    /// Returns confirmWaitTime.
    #[must_use]
    pub fn confirm_wait_time(&self) -> Option<GeneralizedTime> {
        self.information(CONFIRM_WAIT_TIME).next()?.info_value.as_ref()?.decode_as().ok()
    }

    /// Returns the one certificate profile that is named.
    ///
    /// # Errors
    /// What the DER codec says; RFC 9483 §3.1: a sequence of one UTF8String, once.
    pub fn cert_profile(&self) -> der::Result<Option<String>> {
        let mut named = self.information(CERT_PROFILE);
        let wrong = || der::Error::from(der::Tag::Sequence.value_error());
        match (named.next(), named.next()) {
            (None, _) => Ok(None),
            (Some(InfoTypeAndValue { info_value: Some(value), .. }), None) => {
                let names: Vec<String> = value.decode_as()?;
                <[String; 1]>::try_from(names).map(|[name]| Some(name)).map_err(|_| wrong())
            }
            (Some(_), _) => Err(wrong()),
        }
    }
}

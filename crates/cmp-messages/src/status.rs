//! Status and failure information (RFC 9810 §5.2.3).

use der::Sequence;
use der::asn1::BitString;

/// ```text
/// PKIStatus ::= INTEGER { accepted(0), grantedWithMods(1), rejection(2), waiting(3), revocationWarning(4),
///     revocationNotification(5), keyUpdateWarning(6) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PkiStatus {
    /// "You got exactly what you asked for."
    Accepted,
    /// "You got something like what you asked for."
    GrantedWithMods,
    /// "You do not get it."
    Rejection,
    /// "The request body part has not yet been processed; expect to hear more later."
    Waiting,
    /// "A revocation is imminent."
    RevocationWarning,
    /// "A revocation has occurred."
    RevocationNotification,
    /// "Update already done for the oldCertId specified in the key update request message."
    KeyUpdateWarning,
}

impl PkiStatus {
    /// Every status, each at its number.
    const ALL: [Self; 7] = [
        Self::Accepted,
        Self::GrantedWithMods,
        Self::Rejection,
        Self::Waiting,
        Self::RevocationWarning,
        Self::RevocationNotification,
        Self::KeyUpdateWarning,
    ];

    /// Returns the status of a number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Returns the number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::GrantedWithMods => 1,
            Self::Rejection => 2,
            Self::Waiting => 3,
            Self::RevocationWarning => 4,
            Self::RevocationNotification => 5,
            Self::KeyUpdateWarning => 6,
        }
    }
}

/// Makes the enum of failures from one table: variant, number of the bit, name in RFC 9810.
macro_rules! failures {
    ($($(#[$doc:meta])* $variant:ident = $bit:literal, $name:literal;)*) => {
        /// ```text
        /// PKIFailureInfo ::= BIT STRING { badAlg(0), badMessageCheck(1), …, duplicateCertReq(26) }
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum PkiFailureInfo {
            $($(#[$doc])* $variant,)*
        }

        impl PkiFailureInfo {
            /// Every failure.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the number of its bit.
            #[must_use]
            pub const fn bit(self) -> u8 {
                match self { $(Self::$variant => $bit,)* }
            }

            /// Returns its name in RFC 9810.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

failures! {
    /// "Unrecognized or unsupported algorithm identifier."
    BadAlg = 0, "badAlg";
    /// "Integrity check failed (e.g., signature did not verify)."
    BadMessageCheck = 1, "badMessageCheck";
    /// "Transaction not permitted or supported."
    BadRequest = 2, "badRequest";
    /// "messageTime was not sufficiently close to the system time, as defined by local policy."
    BadTime = 3, "badTime";
    /// "No certificate could be found matching the provided criteria."
    BadCertId = 4, "badCertId";
    /// "The data submitted has the wrong format."
    BadDataFormat = 5, "badDataFormat";
    /// "The authority indicated in the request is different from the one creating the response token."
    WrongAuthority = 6, "wrongAuthority";
    /// "The requester's data is incorrect (for notary services)."
    IncorrectData = 7, "incorrectData";
    /// "When the timestamp is missing but should be there (by policy)."
    MissingTimeStamp = 8, "missingTimeStamp";
    /// "The proof-of-possession failed."
    BadPop = 9, "badPOP";
    /// "The certificate has already been revoked."
    CertRevoked = 10, "certRevoked";
    /// "The certificate has already been confirmed."
    CertConfirmed = 11, "certConfirmed";
    /// "Not valid integrity, based on the password instead of the signature or vice versa."
    WrongIntegrity = 12, "wrongIntegrity";
    /// "Not valid recipient nonce, either missing or wrong value."
    BadRecipientNonce = 13, "badRecipientNonce";
    /// "The time source of the TSA is not available."
    TimeNotAvailable = 14, "timeNotAvailable";
    /// "The requested TSA policy is not supported by the TSA."
    UnacceptedPolicy = 15, "unacceptedPolicy";
    /// "The requested extension is not supported by the TSA."
    UnacceptedExtension = 16, "unacceptedExtension";
    /// "The additional information requested could not be understood or is not available."
    AddInfoNotAvailable = 17, "addInfoNotAvailable";
    /// "Not valid sender nonce, either missing or wrong size."
    BadSenderNonce = 18, "badSenderNonce";
    /// "Not valid certificate template or missing mandatory information."
    BadCertTemplate = 19, "badCertTemplate";
    /// "Signer of the message unknown or not trusted."
    SignerNotTrusted = 20, "signerNotTrusted";
    /// "The transaction identifier is already in use."
    TransactionIdInUse = 21, "transactionIdInUse";
    /// "The version of the message is not supported."
    UnsupportedVersion = 22, "unsupportedVersion";
    /// "The sender was not authorized to make the preceding request or perform the preceding action."
    NotAuthorized = 23, "notAuthorized";
    /// "The request cannot be handled due to system unavailability."
    SystemUnavail = 24, "systemUnavail";
    /// "The request cannot be handled due to system failure."
    SystemFailure = 25, "systemFailure";
    /// "The certificate cannot be issued because a duplicate certificate already exists."
    DuplicateCertReq = 26, "duplicateCertReq";
}

impl PkiFailureInfo {
    /// Encodes it as the only bit that is set. X.690 §11.2.2: zero bits at the end are left out.
    ///
    /// # Errors
    /// What the DER codec says; it has no cause with fewer than eight unused bits.
    pub fn bits(self) -> der::Result<BitString> {
        let (octets_before, bit) = (usize::from(self.bit() / 8), self.bit() % 8);
        let mut octets = vec![0; octets_before];
        octets.push(0x80 >> bit);
        BitString::new(7 - bit, octets)
    }

    /// Returns the failures whose bits are set.
    #[must_use]
    pub fn of(bits: &BitString) -> Vec<Self> {
        let is_set = |bit: u8| bits.bits().nth(usize::from(bit)).unwrap_or_default();
        Self::ALL.iter().copied().filter(|failure| is_set(failure.bit())).collect()
    }
}

/// ```text
/// PKIStatusInfo ::= SEQUENCE {
///     status       PKIStatus,
///     statusString PKIFreeText    OPTIONAL,
///     failInfo     PKIFailureInfo OPTIONAL }
///
/// PKIFreeText ::= SEQUENCE SIZE (1..MAX) OF UTF8String
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct PkiStatusInfo {
    /// The status, a number of [`PkiStatus`].
    pub status: u8,
    /// For human readers.
    #[asn1(optional = "true")]
    pub status_string: Option<Vec<String>>,
    /// What failed.
    #[asn1(optional = "true")]
    pub fail_info: Option<BitString>,
}

impl PkiStatusInfo {
    /// Says that all is well, or that one waits, or what else needs no reason.
    #[must_use]
    pub const fn plain(status: PkiStatus) -> Self {
        Self { status: status.number(), status_string: None, fail_info: None }
    }

    /// Says why something is not granted. RFC 9483 §3.6.4: the status is rejection.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn rejection(failure: PkiFailureInfo, sentence: String) -> der::Result<Self> {
        Ok(Self {
            status: PkiStatus::Rejection.number(),
            status_string: Some(vec![sentence]),
            fail_info: Some(failure.bits()?),
        })
    }

    /// Returns the status, if it is one.
    #[must_use]
    pub fn status(&self) -> Option<PkiStatus> {
        PkiStatus::from_number(self.status)
    }

    /// Returns what failed, if the sender says so.
    #[must_use]
    pub fn failures(&self) -> Vec<PkiFailureInfo> {
        self.fail_info.as_ref().map(PkiFailureInfo::of).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::Encode;

    // X.690 §11.2.2: the bits of RFC 9810 §5.2.3, each at its number, without zero bits after it.
    #[test]
    fn each_failure_is_the_bit_of_its_number() {
        for (number, failure) in PkiFailureInfo::ALL.iter().enumerate() {
            let bits = failure.bits().unwrap();
            let set: Vec<usize> =
                bits.bits().enumerate().filter_map(|(place, bit)| bit.then_some(place)).collect();
            assert_eq!((set, bits.bit_len()), (vec![number], number + 1), "{}", failure.name());
            assert_eq!(PkiFailureInfo::of(&bits), [*failure]);
        }
        assert_eq!(PkiFailureInfo::BadRequest.bits().unwrap().to_der().unwrap(), [0x03, 0x02, 0x05, 0x20]);
    }

    #[test]
    fn statuses_lead_back_to_their_numbers() {
        for number in 0..7 {
            assert_eq!(PkiStatus::from_number(number).map(PkiStatus::number), Some(number));
        }
        assert_eq!(PkiStatus::from_number(7), None);
    }
}

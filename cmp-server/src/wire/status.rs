//! Status and failure information (RFC 9810 §5.2.3).

use der::Sequence;
use der::asn1::BitString;

/// ```text
/// PKIStatus ::= INTEGER { accepted(0), grantedWithMods(1), rejection(2), waiting(3), … }
/// ```
///
/// Those in use here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PkiStatus {
    /// The request is not granted.
    Rejection,
}

impl PkiStatus {
    /// Returns the number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Rejection => 2,
        }
    }
}

/// ```text
/// PKIFailureInfo ::= BIT STRING { badAlg(0), …, badRequest(2), …, badDataFormat(5), …, badSenderNonce(18), …,
///     unsupportedVersion(22), … }
/// ```
///
/// Those in use here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PkiFailureInfo {
    /// "Transaction not permitted or supported."
    BadRequest,
    /// "The data submitted has the wrong format."
    BadDataFormat,
    /// "Not valid sender nonce, either missing or wrong size."
    BadSenderNonce,
    /// "The version of the message is not supported."
    UnsupportedVersion,
}

impl PkiFailureInfo {
    /// Returns its name in RFC 9810.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "badRequest",
            Self::BadDataFormat => "badDataFormat",
            Self::BadSenderNonce => "badSenderNonce",
            Self::UnsupportedVersion => "unsupportedVersion",
        }
    }

    /// Returns its bit and the octets before it; bit 0 is the highest of the first octet.
    const fn place(self) -> (usize, u8) {
        match self {
            Self::BadRequest => (0, 2),
            Self::BadDataFormat => (0, 5),
            Self::BadSenderNonce => (2, 2),
            Self::UnsupportedVersion => (2, 6),
        }
    }

    /// Encodes it as the only bit that is set. X.690 §11.2.2: zero bits at the end are left out.
    ///
    /// # Errors
    /// What the DER codec says; it has no cause with fewer than eight unused bits.
    pub fn bits(self) -> der::Result<BitString> {
        let (octets_before, bit) = self.place();
        let mut octets = vec![0; octets_before];
        octets.push(0x80 >> bit);
        BitString::new(7 - bit, octets)
    }
}

/// ```text
/// PKIStatusInfo ::= SEQUENCE {
///     status       PKIStatus,
///     statusString PKIFreeText    OPTIONAL,
///     failInfo     PKIFailureInfo OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct PkiStatusInfo {
    /// The status.
    pub status: u8,
    /// For human readers.
    #[asn1(optional = "true")]
    pub status_string: Option<Vec<String>>,
    /// What failed.
    #[asn1(optional = "true")]
    pub fail_info: Option<BitString>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::Encode;

    // X.690 §11.2.2: the bits of RFC 9810 §5.2.3, each at its number, without zero bits after it.
    #[test]
    fn each_failure_is_the_bit_of_its_number() {
        for (failure, number) in [
            (PkiFailureInfo::BadRequest, 2),
            (PkiFailureInfo::BadDataFormat, 5),
            (PkiFailureInfo::BadSenderNonce, 18),
            (PkiFailureInfo::UnsupportedVersion, 22),
        ] {
            let bits = failure.bits().unwrap();
            let set: Vec<usize> =
                bits.bits().enumerate().filter_map(|(place, bit)| bit.then_some(place)).collect();
            assert_eq!((set, bits.bit_len()), (vec![number], number + 1), "{}", failure.name());
        }
        assert_eq!(PkiFailureInfo::BadRequest.bits().unwrap().to_der().unwrap(), [0x03, 0x02, 0x05, 0x20]);
    }
}

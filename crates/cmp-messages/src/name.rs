//! The names of sender and recipient (RFC 9810 §5.1.1): a `GeneralName`, of which only the directory name is looked into.

use ca_core::distinguished_name::DistinguishedName;
use ca_core::oid;
use der::asn1::Any;
use der::{EncodeValue, Length, Reader, Tag, TagNumber, Tagged, Writer};

/// directoryName, the alternative of `GeneralName` that CMP uses (RFC 5280 §4.2.1.6).
const DIRECTORY_NAME: TagNumber = TagNumber(4);

/// ```text
/// GeneralName ::= CHOICE { otherName [0] …, directoryName [4] Name, …, registeredID [8] OBJECT IDENTIFIER }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneralName(Any);

impl GeneralName {
    /// Makes a directory name. An empty one is what RFC 9483 §3.1 calls the NULL-DN.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn directory(name: &DistinguishedName) -> der::Result<Self> {
        let tag = Tag::ContextSpecific { constructed: true, number: DIRECTORY_NAME };
        Any::new(tag, name.der()).map(Self)
    }

    /// Makes a directory name of one common name, as MAC-based protection wants it (RFC 9483 §3.1).
    ///
    /// # Errors
    /// What the DER codec says of a common name that cannot be one.
    pub fn common_name(text: &str) -> der::Result<Self> {
        let name = DistinguishedName::from_attributes(&[(oid::COMMON_NAME, text)])
            .map_err(|_| Tag::Utf8String.value_error())?;
        Self::directory(&name)
    }

    /// Returns the directory name, if it is one that we can read.
    #[must_use]
    pub fn as_directory(&self) -> Option<DistinguishedName> {
        let is_directory = self.0.tag().number() == DIRECTORY_NAME && self.0.tag().is_constructed();
        if is_directory { DistinguishedName::from_der(self.0.value()).ok() } else { None }
    }
}

impl<'a> der::Decode<'a> for GeneralName {
    type Error = der::Error;

    fn decode<R: Reader<'a>>(reader: &mut R) -> der::Result<Self> {
        let value = Any::decode(reader)?;
        let tag = value.tag();
        if tag.is_context_specific() && tag.number() <= TagNumber(8) {
            Ok(Self(value))
        } else {
            Err(tag.unexpected_error(None).into())
        }
    }
}

impl EncodeValue for GeneralName {
    fn value_len(&self) -> der::Result<Length> {
        self.0.value_len()
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        self.0.encode_value(writer)
    }
}

impl Tagged for GeneralName {
    fn tag(&self) -> Tag {
        self.0.tag()
    }
}

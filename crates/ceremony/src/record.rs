//! What a signed object was made of: enough to derive its to-be-signed octets once more, by anybody.
//!
//! One record for each object in `outputs/`, as JSON in `records/`. A record is no authority: what it says is held against
//! the ceremony file and the inputs, and what it derives against the object.

pub mod certificate;
pub mod crl;
pub mod armour;

use serde::{Deserialize, Serialize};

use crate::exact_json;
use crate::file::act::FileName;
use crate::file::root::RootName;
pub use certificate::CertificateRecord;
pub use crl::CrlStatement;

/// The record of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The act by which it was made.
    pub act: u32,
    /// The name of the object in `outputs/`.
    pub object: FileName,
    /// The root that signed it.
    pub root: RootName,
    /// What it was made of.
    pub content: Content,
}

/// What an object was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// A certificate.
    Certificate(Box<CertificateRecord>),
    /// A CRL.
    Crl(CrlStatement),
    /// A signed response, which carries a certificate of the same act to where the request came from.
    Response {
        /// The name of the certificate in `outputs/`.
        certificate: FileName,
    },
}

impl Record {
    /// Returns the name of its file in the bundle.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("records/{}.json", self.object)
    }

    /// Returns the name of the object's file in the bundle.
    #[must_use]
    pub fn object_name(&self) -> String {
        format!("outputs/{}", self.object)
    }

    /// Writes the record.
    ///
    /// # Errors
    /// What the encoder says; it has no cause with these types.
    pub fn to_octets(&self) -> Result<Vec<u8>, serde_json::Error> {
        exact_json::write(self)
    }

    /// Reads a record in the one form in which records are written.
    ///
    /// # Errors
    /// Why it is none, in a sentence.
    pub fn read(octets: &[u8]) -> Result<Self, String> {
        exact_json::read(octets)
    }
}

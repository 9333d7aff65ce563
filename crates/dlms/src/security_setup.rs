//! "Security setup", `class_id` 64 version 1: its methods and attributes as types (IEC 62056-6-2; Green Book 9.2.6.6).
//!
//! What a method takes and gives back, both ways. Which of them is called when, and what an answer is worth, is
//! [`work_order`](crate::work_order)'s affair. Version 0 of the class has methods 1 and 2 only.

mod attribute;
mod certificates;
mod identification;
mod method;
mod policy;
mod symmetric;
mod usage;

pub use attribute::Attribute;
pub use certificates::{CertificateEntry, certificates_to_data, read_certificates};
pub use identification::{CertificateEntity, CertificateIdentification, CertificateType, MeterKey};
pub use method::Method;
pub use policy::SecurityPolicy;
pub use symmetric::{AgreedKey, KeyId, TransferredKey};
pub(crate) use usage::{is_authority, key_of};

use crate::axdr::Data;

/// Why a value is not what a method or attribute of class 64 has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Another type stands there.
    #[error("{what} is {wanted}, not {found}")]
    Type {
        /// Of what.
        what: &'static str,
        /// Which type it has.
        wanted: &'static str,
        /// Which type was found.
        found: &'static str,
    },
    /// A structure has another number of elements.
    #[error("{what} has {wanted} elements, not {found}")]
    Elements {
        /// Of what.
        what: &'static str,
        /// How many it has.
        wanted: usize,
        /// How many were found.
        found: usize,
    },
    /// A number that means nothing there.
    #[error("{number} is no {what}")]
    Number {
        /// Of what.
        what: &'static str,
        /// Which number.
        number: u8,
    },
    /// A string has another length.
    #[error("{what} has {wanted} octets, not {found}")]
    Length {
        /// Of what.
        what: &'static str,
        /// How many it has.
        wanted: usize,
        /// How many were found.
        found: usize,
    },
    /// A serial number is not a DER INTEGER, or a name not DER.
    #[error("{what} is not DER")]
    NotDer {
        /// What.
        what: &'static str,
    },
    /// The class has no method or attribute of this number.
    #[error("class 64 has no {what} {number}")]
    Unknown {
        /// Method or attribute.
        what: &'static str,
        /// Which number.
        number: i8,
    },
}

fn wrong_type(what: &'static str, wanted: &'static str, found: &Data) -> SetupError {
    SetupError::Type { what, wanted, found: found.type_name() }
}

pub(crate) fn octet_string<'a>(data: &'a Data, what: &'static str) -> Result<&'a [u8], SetupError> {
    if let Data::OctetString(octets) = data {
        Ok(octets)
    } else {
        Err(wrong_type(what, "an octet-string", data))
    }
}

fn enumerated(data: &Data, what: &'static str) -> Result<u8, SetupError> {
    if let Data::Enum(number) = data { Ok(*number) } else { Err(wrong_type(what, "an enum", data)) }
}

fn array<'a>(data: &'a Data, what: &'static str) -> Result<&'a [Data], SetupError> {
    if let Data::Array(elements) = data { Ok(elements) } else { Err(wrong_type(what, "an array", data)) }
}

fn structure<'a, const N: usize>(data: &'a Data, what: &'static str) -> Result<&'a [Data; N], SetupError> {
    let Data::Structure(elements) = data else { return Err(wrong_type(what, "a structure", data)) };
    let wrong = SetupError::Elements { what, wanted: N, found: elements.len() };
    elements.as_slice().try_into().map_err(|_| wrong)
}

fn eight_octets(data: &Data, what: &'static str) -> Result<[u8; 8], SetupError> {
    let octets = octet_string(data, what)?;
    octets.try_into().map_err(|_| SetupError::Length { what, wanted: 8, found: octets.len() })
}

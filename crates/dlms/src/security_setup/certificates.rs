//! Attribute 6: which certificates a meter has.
//!
//! Each certificate by its kind, its serial number as DER INTEGER with tag and length, and its names as DER. A meter may hold
//! certificates of others whose serial numbers and names this suite would not issue; they are listed all the same.

use ca_core::distinguished_name::DistinguishedName;
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;

use super::{CertificateEntity, CertificateType, SetupError, array, octet_string, structure};
use crate::axdr::Data;
use crate::der_text::{integer_content, integer_tlv};

/// One certificate of attribute 6.
///
/// ```text
/// certificate_info ::= structure {
///     certificate_entity enum, certificate_type enum, serial_number octet-string,
///     issuer octet-string, subject octet-string, subject_alt_name octet-string }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateEntry {
    /// Whose it is.
    pub entity: CertificateEntity,
    /// What for.
    pub kind: CertificateType,
    /// The content octets of the serial number's DER INTEGER.
    pub serial: Vec<u8>,
    /// The issuer's DER name.
    pub issuer: Vec<u8>,
    /// The subject's DER name.
    pub subject: Vec<u8>,
    /// `subject_alt_name`, as the meter gives it; most often empty.
    pub alternative_name: Vec<u8>,
}

impl CertificateEntry {
    /// Returns the serial number, if it is one by RFC 5280.
    #[must_use]
    pub fn serial_number(&self) -> Option<SerialNumber> {
        SerialNumber::from_octets(&self.serial).ok()
    }

    /// Returns the system title that the subject is, if it is one.
    #[must_use]
    pub fn title(&self) -> Option<SystemTitle> {
        DistinguishedName::from_der(&self.subject).ok()?.system_title()
    }
}

/// Reads the value of attribute 6.
///
/// # Errors
/// [`SetupError`].
pub fn read_certificates(data: &Data) -> Result<Vec<CertificateEntry>, SetupError> {
    array(data, "certificates")?.iter().map(read_entry).collect()
}

/// Writes a value of attribute 6.
#[must_use]
pub fn certificates_to_data(entries: &[CertificateEntry]) -> Data {
    let one = |entry: &CertificateEntry| {
        Data::Structure(vec![
            Data::Enum(entry.entity.number()),
            Data::Enum(entry.kind.number()),
            Data::OctetString(integer_tlv(&entry.serial)),
            Data::OctetString(entry.issuer.clone()),
            Data::OctetString(entry.subject.clone()),
            Data::OctetString(entry.alternative_name.clone()),
        ])
    };
    Data::Array(entries.iter().map(one).collect())
}

fn read_entry(data: &Data) -> Result<CertificateEntry, SetupError> {
    let [entity, kind, serial, issuer, subject, alternative_name] =
        structure(data, "an element of certificates")?;
    let serial = octet_string(serial, "serial_number")?;
    let serial = integer_content(serial).ok_or(SetupError::NotDer { what: "serial_number" })?.to_vec();
    Ok(CertificateEntry {
        entity: CertificateEntity::read(entity)?,
        kind: CertificateType::read(kind)?,
        serial,
        issuer: octet_string(issuer, "issuer")?.to_vec(),
        subject: octet_string(subject, "subject")?.to_vec(),
        alternative_name: octet_string(alternative_name, "subject_alt_name")?.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security_setup::MeterKey;

    fn entry() -> CertificateEntry {
        let subject = DistinguishedName::of_device(&SystemTitle::new(*b"MPK\0\0\0\0\x07")).unwrap();
        CertificateEntry {
            entity: CertificateEntity::Server,
            kind: CertificateType::Of(MeterKey::Tls),
            serial: vec![0x40, 1, 2],
            issuer: subject.der().to_vec(),
            subject: subject.der().to_vec(),
            alternative_name: Vec::new(),
        }
    }

    #[test]
    fn a_list_comes_back_and_says_whose_each_is() {
        let entries = vec![entry(), CertificateEntry { entity: CertificateEntity::Authority, ..entry() }];
        let data = certificates_to_data(&entries);
        assert_eq!(read_certificates(&data), Ok(entries.clone()));
        let first = entries.first().unwrap();
        assert_eq!(first.title(), Some(SystemTitle::new(*b"MPK\0\0\0\0\x07")));
        assert_eq!(first.serial_number().unwrap().to_string(), "400102");
    }

    // facts 1.4: the serial number stands there with tag and length.
    #[test]
    fn a_serial_number_without_tag_and_length_is_refused() {
        let Data::Array(mut elements) = certificates_to_data(&[entry()]) else { panic!() };
        let Some(Data::Structure(parts)) = elements.first_mut() else { panic!() };
        parts[2] = Data::OctetString(vec![0x40, 1, 2]);
        assert_eq!(
            read_certificates(&Data::Array(elements)),
            Err(SetupError::NotDer { what: "serial_number" })
        );
    }

    // facts 1.5.3d: one octet of length in front of a name of 138 octets, as a library writes it.
    #[test]
    fn a_name_behind_a_length_of_one_octet_is_told_as_what_it_is() {
        let long = CertificateEntry { issuer: vec![0x30; 138], ..entry() };
        let mut octets = certificates_to_data(&[long]).encode();
        let at = octets.windows(2).position(|window| window == [0x81, 138]).unwrap();
        octets.remove(at);
        let error = Data::decode(&octets).unwrap_err();
        assert_eq!((error.position, error.to_string().contains("0x8A begins a length")), (at, true));
    }
}

//! The eight methods, with their parameters, and what each gives back.

use super::{
    AgreedKey, CertificateIdentification, MeterKey, SecurityPolicy, SetupError, TransferredKey, enumerated,
    octet_string,
};
use crate::axdr::Data;

/// A method of class 64 version 1 and its parameter.
///
/// Whatever can be on the wire; a work order cannot have everything in it, see
/// [`RemovableCertificate`](crate::work_order::RemovableCertificate).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// 1, `security_activate`: enum, the new policy. Returns nothing.
    SecurityActivate(SecurityPolicy),
    /// 2, `key_transfer`: array of structure { `key_id`, `key_wrapped` }. Returns nothing.
    KeyTransfer(Vec<TransferredKey>),
    /// 3, `key_agree`: array of structure { `key_id`, `key_data` }. Returns the same with the server's data.
    KeyAgree(Vec<AgreedKey>),
    /// 4, `generate_key_pair`: enum `certificate_type`. Returns nothing.
    GenerateKeyPair(MeterKey),
    /// 5, `generate_certificate_request`: enum `certificate_type`. Returns octet-string, a DER PKCS#10.
    GenerateCertificateRequest(MeterKey),
    /// 6, `import_certificate`: octet-string, a DER certificate. Returns nothing.
    ImportCertificate(Vec<u8>),
    /// 7, `export_certificate`: `certificate_identification`. Returns octet-string, a DER certificate.
    ExportCertificate(CertificateIdentification),
    /// 8, `remove_certificate`: `certificate_identification`. Returns nothing. On a certificate of the server's own it destroys
    /// the private key as well (Green Book 9.2.6.6.7).
    RemoveCertificate(CertificateIdentification),
}

impl Method {
    /// Returns the number of the method: 1 to 8.
    #[must_use]
    pub const fn number(&self) -> i8 {
        match self {
            Self::SecurityActivate(_) => 1,
            Self::KeyTransfer(_) => 2,
            Self::KeyAgree(_) => 3,
            Self::GenerateKeyPair(_) => 4,
            Self::GenerateCertificateRequest(_) => 5,
            Self::ImportCertificate(_) => 6,
            Self::ExportCertificate(_) => 7,
            Self::RemoveCertificate(_) => 8,
        }
    }

    /// Returns the name of the method.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SecurityActivate(_) => "security_activate",
            Self::KeyTransfer(_) => "key_transfer",
            Self::KeyAgree(_) => "key_agree",
            Self::GenerateKeyPair(_) => "generate_key_pair",
            Self::GenerateCertificateRequest(_) => "generate_certificate_request",
            Self::ImportCertificate(_) => "import_certificate",
            Self::ExportCertificate(_) => "export_certificate",
            Self::RemoveCertificate(_) => "remove_certificate",
        }
    }

    /// Returns the parameter as it goes on the wire.
    #[must_use]
    pub fn parameter(&self) -> Data {
        match self {
            Self::SecurityActivate(policy) => Data::Enum(policy.bits()),
            Self::KeyTransfer(keys) => Data::Array(keys.iter().map(TransferredKey::to_data).collect()),
            Self::KeyAgree(keys) => Data::Array(keys.iter().map(AgreedKey::to_data).collect()),
            Self::GenerateKeyPair(key) | Self::GenerateCertificateRequest(key) => Data::Enum(key.number()),
            Self::ImportCertificate(certificate) => Data::OctetString(certificate.clone()),
            Self::ExportCertificate(identification) | Self::RemoveCertificate(identification) => {
                identification.to_data()
            }
        }
    }

    /// Reads the parameter of the method with this number.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn read(number: i8, parameter: &Data) -> Result<Self, SetupError> {
        Ok(match number {
            1 => {
                let bits = enumerated(parameter, "security_policy")?;
                let wrong = SetupError::Number { what: "security_policy of version 1", number: bits };
                Self::SecurityActivate(SecurityPolicy::from_bits(bits).ok_or(wrong)?)
            }
            2 => Self::KeyTransfer(TransferredKey::read_all(parameter)?),
            3 => Self::KeyAgree(AgreedKey::read_all(parameter)?),
            4 => Self::GenerateKeyPair(MeterKey::read(parameter)?),
            5 => Self::GenerateCertificateRequest(MeterKey::read(parameter)?),
            6 => Self::ImportCertificate(octet_string(parameter, "certificate")?.to_vec()),
            7 => Self::ExportCertificate(CertificateIdentification::read(parameter)?),
            8 => Self::RemoveCertificate(CertificateIdentification::read(parameter)?),
            number => return Err(SetupError::Unknown { what: "method", number }),
        })
    }

    /// Reads what `key_agree` gives back.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn read_agreed(returned: &Data) -> Result<Vec<AgreedKey>, SetupError> {
        AgreedKey::read_all(returned)
    }
}

//! For whom a registration authority asks: what a device showed it, in the general information of the header.
//!
//! No RFC has a field for it: the types are the attribute of X.509 whose value is a certificate, and the control of RFC 4211 that
//! names one to be updated. Who does not know them looks past them (RFC 9810 §5.1.1). Unlike `extraCerts`, they are protected.

use ca_core::certificate::Certificate;
use const_oid::ObjectIdentifier;
use der::asn1::{Any, Int};
use der::{Decode, Encode};

use crate::certificate_request::{CertId, OLD_CERT_ID};
use crate::header::{InfoTypeAndValue, PkiHeader};
use crate::name::GeneralName;

/// id-at-userCertificate (RFC 4523 §2.1), whose value is a `Certificate`.
pub const USER_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.36");

/// What a device showed that asks through a registration authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarding {
    /// The certificates it showed, each DER, its own first. At least one.
    pub shown: Vec<Vec<u8>>,
    /// The certificate that is to be renewed, where one is.
    pub renews: Option<CertId>,
}

impl Forwarding {
    /// Names a certificate.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn id_of(certificate: &Certificate) -> der::Result<CertId> {
        let issuer = GeneralName::directory(certificate.issuer())?;
        Ok(CertId { issuer, serial_number: Int::new(certificate.serial().octets())? })
    }

    /// Writes it for a header.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn write(&self) -> der::Result<Vec<InfoTypeAndValue>> {
        let shown = self.shown.iter().map(|certificate| {
            Ok(InfoTypeAndValue {
                info_type: USER_CERTIFICATE,
                info_value: Some(Any::from_der(certificate)?),
            })
        });
        let renews = self.renews.iter().map(|renewed| InfoTypeAndValue::of(OLD_CERT_ID, renewed));
        shown.chain(renews).collect()
    }

    /// Reads it from a header; `None` where nothing is forwarded.
    ///
    /// # Errors
    /// What the DER codec says; also where a certificate is to be renewed and none was shown, or more than one.
    pub fn read(header: &PkiHeader) -> der::Result<Option<Self>> {
        let wrong = || der::Error::from(der::Tag::Sequence.value_error());
        let shown = header
            .information(USER_CERTIFICATE)
            .map(|info| info.info_value.as_ref().ok_or_else(wrong)?.to_der())
            .collect::<der::Result<Vec<_>>>()?;
        let mut named = header.information(OLD_CERT_ID);
        let renews = match (named.next(), named.next()) {
            (None, _) => None,
            (Some(info), None) => Some(info.info_value.as_ref().ok_or_else(wrong)?.decode_as()?),
            (Some(_), Some(_)) => return Err(wrong()),
        };
        match (shown.is_empty(), &renews) {
            (true, None) => Ok(None),
            (true, Some(_)) => Err(wrong()),
            (false, _) => Ok(Some(Self { shown, renews })),
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use ca_core::distinguished_name::DistinguishedName;

    /// A header with this general information.
    fn header(info: Vec<InfoTypeAndValue>) -> PkiHeader {
        let nobody = GeneralName::directory(&DistinguishedName::empty()).unwrap();
        PkiHeader {
            pvno: 2,
            sender: nobody.clone(),
            recipient: nobody,
            message_time: None,
            protection_alg: None,
            sender_kid: None,
            recip_kid: None,
            transaction_id: None,
            sender_nonce: None,
            recip_nonce: None,
            free_text: None,
            general_info: Some(info),
        }
    }

    fn forwarding() -> Forwarding {
        let issuer = GeneralName::directory(&DistinguishedName::empty()).unwrap();
        let renews = Some(CertId { issuer, serial_number: Int::new(&[7]).unwrap() });
        Forwarding { shown: vec![vec![0x30, 0x00], vec![0x30, 0x03, 0x02, 0x01, 0x05]], renews }
    }

    #[test]
    fn what_was_shown_stands_in_the_header_octet_for_octet() {
        let octets: Vec<Vec<u8>> =
            forwarding().write().unwrap().iter().map(|info| info.to_der().unwrap()).collect();
        assert_eq!(
            octets,
            [
                // 2.5.4.36 with the certificate as it is.
                b"\x30\x07\x06\x03\x55\x04\x24\x30\x00".to_vec(),
                b"\x30\x0A\x06\x03\x55\x04\x24\x30\x03\x02\x01\x05".to_vec(),
                // 1.3.6.1.5.5.7.5.1.5 with directoryName and serial number.
                b"\x30\x14\x06\x09\x2B\x06\x01\x05\x05\x07\x05\x01\x05\x30\x07\xA4\x02\x30\x00\x02\x01\x07"
                    .to_vec(),
            ]
        );
        let read = Forwarding::read(&header(forwarding().write().unwrap())).unwrap();
        assert_eq!(read, Some(forwarding()));
    }

    #[test]
    fn half_of_it_or_twice_of_it_is_an_error_and_nothing_is_nothing() {
        assert_eq!(Forwarding::read(&header(Vec::new())).unwrap(), None);
        let whole = forwarding().write().unwrap();
        let old = whole.last().unwrap().clone();
        for faulty in [
            vec![old.clone()],
            [whole.clone(), vec![old]].concat(),
            vec![InfoTypeAndValue::empty(USER_CERTIFICATE)],
            [whole[..1].to_vec(), vec![InfoTypeAndValue::empty(OLD_CERT_ID)]].concat(),
        ] {
            assert!(Forwarding::read(&header(faulty)).is_err());
        }
    }
}

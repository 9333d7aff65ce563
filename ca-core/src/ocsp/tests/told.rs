//! An answer of OCSP taken apart by hand, its signature verified with the certificate in it (RFC 6960 §4.2.1).

use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader};
use x509_cert::ext::Extension;

use crate::certificate::Certificate;
use crate::ocsp::ResponderIdentity;
use crate::oid;
use crate::signature::EcdsaSignature;
use crate::suite::Curve;

/// A response taken apart, its signature verified with the certificate in it.
pub(super) struct Told {
    pub(super) produced_at: String,
    pub(super) extensions: Vec<Extension>,
    pub(super) singles: Vec<Single>,
}

pub(super) struct Single {
    pub(super) cert_id: Vec<u8>,
    pub(super) status: (u8, Vec<u8>),
    pub(super) this_update: String,
    pub(super) next_update: String,
    pub(super) extensions: Vec<Extension>,
}

pub(super) const GOOD: (u8, &[u8]) = (0x80, &[]);
pub(super) const UNKNOWN: (u8, &[u8]) = (0x82, &[]);

impl Told {
    pub(super) fn from_der(der: &[u8], responder: &ResponderIdentity) -> Self {
        let mut outer = elements(content(der, 0x30)).into_iter();
        assert_eq!(outer.next().unwrap(), [0x0A, 1, 0], "successful");
        let bytes = elements(content(content(outer.next().unwrap(), 0xA0), 0x30));
        assert_eq!(ObjectIdentifier::from_der(bytes[0]), Ok(oid::OCSP_BASIC));
        let basic = elements(content(content(bytes[1], 4), 0x30));
        assert_eq!(basic.len(), 4);
        let certificate = Certificate::from_der(content(content(basic[3], 0xA0), 0x30)).unwrap();
        assert_eq!(&certificate, responder.certificate());
        let signature = EcdsaSignature::from_der(Curve::P256, &content(basic[2], 3)[1..]).unwrap();
        certificate.public_key().verify(basic[0], &signature).unwrap();
        Self::from_data(&elements(content(basic[0], 0x30)), responder)
    }

    fn from_data(data: &[&[u8]], responder: &ResponderIdentity) -> Self {
        // byKey [2] with the SHA-1 of the key.
        assert_eq!(content(content(data[0], 0xA2), 4), responder.key().octets());
        Self {
            produced_at: time(data[1]),
            singles: elements(content(data[2], 0x30)).into_iter().map(Single::from_der).collect(),
            extensions: data.get(3).map(|field| extensions(content(field, 0xA1))).unwrap_or_default(),
        }
    }

    pub(super) fn status(&self) -> (u8, &[u8]) {
        let status = &self.singles.first().unwrap().status;
        (status.0, &status.1)
    }
}

impl Single {
    fn from_der(der: &[u8]) -> Self {
        let fields = elements(content(der, 0x30));
        Self {
            cert_id: fields[0].to_vec(),
            status: (fields[1][0], content(fields[1], fields[1][0]).to_vec()),
            this_update: time(fields[2]),
            next_update: time(content(fields[3], 0xA0)),
            extensions: fields.get(4).map(|field| extensions(content(field, 0xA1))).unwrap_or_default(),
        }
    }

    pub(super) fn extension_oids(&self) -> Vec<ObjectIdentifier> {
        self.extensions.iter().map(|extension| extension.extn_id).collect()
    }
}

fn content(der: &[u8], tag: u8) -> &[u8] {
    assert_eq!(der[0], tag, "{der:02X?}");
    AnyRef::from_der(der).unwrap().value()
}

fn elements(content: &[u8]) -> Vec<&[u8]> {
    let mut reader = SliceReader::new(content).unwrap();
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(reader.tlv_bytes().unwrap());
    }
    elements
}

fn extensions(der: &[u8]) -> Vec<Extension> {
    Vec::from_der(der).unwrap()
}

pub(super) fn time(der: &[u8]) -> String {
    let text = String::from_utf8(content(der, 0x18).to_vec()).unwrap();
    // RFC 6960 §4.2.2.1: to the second, in UTC.
    assert!(text.len() == 15 && text.ends_with('Z'), "{text}");
    text
}

//! Damages a draft: takes its fields apart and writes them again, with what a test has changed.
//!
//! Writes DER by hand, so that it can also write what no encoder would.

use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{Decode, Encode, Reader, SliceReader};

/// Writes one DER value.
pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(value.len()).unwrap().to_be_bytes();
    let mut all = match value.len() {
        0..=0x7F => vec![tag, low],
        0x80..=0xFF => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    all.extend_from_slice(value);
    all
}

/// Writes a SEQUENCE of values.
pub(crate) fn sequence(values: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &values.concat())
}

pub(crate) fn identifier(oid: ObjectIdentifier) -> Vec<u8> {
    oid.to_der().unwrap()
}

/// Writes a name; the attributes of each inner slice share an RDN.
pub(crate) fn name(rdns: &[&[(ObjectIdentifier, u8, &str)]]) -> Vec<u8> {
    let attribute = |(oid, tag, text): &(ObjectIdentifier, u8, &str)| {
        sequence(&[identifier(*oid), tlv(*tag, text.as_bytes())])
    };
    let rdn = |attributes: &&[(ObjectIdentifier, u8, &str)]| {
        tlv(0x31, &attributes.iter().map(attribute).collect::<Vec<_>>().concat())
    };
    sequence(&rdns.iter().map(rdn).collect::<Vec<_>>())
}

/// Returns the content of a DER value.
fn content(der: &[u8]) -> &[u8] {
    AnyRef::from_der(der).unwrap().value()
}

/// Returns the values that stand one after the other.
fn values(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = SliceReader::new(octets).unwrap();
    let mut all = Vec::new();
    while !reader.is_finished() {
        all.push(reader.tlv_bytes().unwrap().to_vec());
    }
    all
}

/// The fields of a `TBSCertificate`, each as DER; extensions as type, criticality and value.
#[derive(Clone)]
pub(crate) struct Tbs {
    version: Vec<u8>,
    pub(crate) serial: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) not_before: Vec<u8>,
    pub(crate) not_after: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) public_key: Vec<u8>,
    extensions: Vec<(Vec<u8>, bool, Vec<u8>)>,
}

impl Tbs {
    pub(crate) fn of(der: &[u8]) -> Self {
        let fields = values(content(der));
        let [version, serial, signature, issuer, validity, subject, public_key, extensions] =
            fields.as_slice()
        else {
            panic!("a draft has eight fields");
        };
        let times = values(content(validity));
        let extension = |der: &Vec<u8>| match values(content(der)).as_slice() {
            [oid, value] => (oid.clone(), false, content(value).to_vec()),
            [oid, _, value] => (oid.clone(), true, content(value).to_vec()),
            _ => panic!("an extension has two or three fields"),
        };
        Self {
            version: version.clone(),
            serial: serial.clone(),
            signature: signature.clone(),
            issuer: issuer.clone(),
            not_before: times[0].clone(),
            not_after: times[1].clone(),
            subject: subject.clone(),
            public_key: public_key.clone(),
            extensions: values(content(content(extensions))).iter().map(extension).collect(),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let extension = |(oid, critical, value): &(Vec<u8>, bool, Vec<u8>)| {
            let flag = if *critical { vec![0x01, 0x01, 0xFF] } else { Vec::new() };
            sequence(&[oid.clone(), flag, tlv(0x04, value)])
        };
        let extensions: Vec<_> = self.extensions.iter().map(extension).collect();
        sequence(&[
            self.version.clone(),
            self.serial.clone(),
            self.signature.clone(),
            self.issuer.clone(),
            sequence(&[self.not_before.clone(), self.not_after.clone()]),
            self.subject.clone(),
            self.public_key.clone(),
            tlv(0xA3, &sequence(&extensions)),
        ])
    }

    /// Sets the value of an extension, or adds one that is not critical.
    pub(crate) fn set(&mut self, oid: ObjectIdentifier, value: Vec<u8>) {
        let oid = identifier(oid);
        match self.extensions.iter_mut().find(|(known, ..)| *known == oid) {
            Some((_, _, old)) => *old = value,
            None => self.extensions.push((oid, false, value)),
        }
    }

    pub(crate) fn mark(&mut self, oid: ObjectIdentifier, critical: bool) {
        let oid = identifier(oid);
        self.extensions.iter_mut().find(|(known, ..)| *known == oid).expect("the extension is there").1 =
            critical;
    }

    pub(crate) fn remove(&mut self, oid: ObjectIdentifier) {
        let before = self.extensions.len();
        let oid = identifier(oid);
        self.extensions.retain(|(known, ..)| *known != oid);
        assert!(self.extensions.len() < before, "the extension is there");
    }
}

//! Manifests of deliveries and what they are made of. Whoever makes one can sign it with a key of his own, so that readers see
//! what nobody vouches for.

use ca_core::path::TrustAnchor;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use p256::pkcs8::DecodePrivateKey as _;
use shipment::{DeviceProof, Expected, Header, ReadRecord, Shipment};

use super::vectors;

/// When the vectors were made, in seconds since 1970.
const NOW: UnixTime = UnixTime::from_seconds(1_795_963_248);

/// Two messages of CMS are held at a time: the header, and the chunk that is opened.
pub(crate) const HELD_TOGETHER: u64 = 2;

/// A proof holds a signed header, the certificate of its signer and the one above, and a record; each is read and written again.
pub(crate) const IN_A_PROOF: u64 = 4;

/// Header and chunks are read to the end or to the first fault; what is opened has as many records as the list says.
pub(crate) fn manifest(octets: &[u8]) {
    let Ok(mut manifest) = Shipment::open(octets) else { return };
    let (key, mut found) = (recipient(), 0);
    while let Ok(Some(sealed)) = manifest.next_chunk() {
        let Ok(chunk) = sealed.open(&key) else { return };
        found += u64::try_from(chunk.records.len()).expect("they were in memory");
        assert!(found <= manifest.header().devices);
    }
}

/// A header comes back when it is written again.
pub(crate) fn header(octets: &[u8]) {
    if let Ok(header) = Header::from_der(octets) {
        assert_eq!(header.to_der().as_deref(), Ok(octets), "there is one form");
    }
}

/// A record is for one device, whose certificates are DER each.
pub(crate) fn record(octets: &[u8]) {
    if let Ok(read) = ReadRecord::from_der(octets) {
        assert_eq!(read.octets, octets);
    }
}

/// A record with its proof: whatever is read comes back when it is written again, and is judged.
pub(crate) fn proof(octets: &[u8]) {
    let Ok(proof) = DeviceProof::from_der(octets) else { return };
    assert_eq!(proof.to_der().as_deref(), Ok(octets), "there is one form");
    let (manufacturer, anchor) = (TenantId::parse("maker").expect("a name"), anchor());
    let expected = Expected {
        manufacturer: &manufacturer,
        anchors: std::slice::from_ref(&anchor),
        organization: None,
        now: NOW,
    };
    if let Ok(device) = proof.verify(&expected) {
        assert!(proof.index() < proof.header().header().devices, "{}", device.title);
    }
}

pub(crate) fn manifests() -> Vec<Vec<u8>> {
    vec![vectors::file("shipment/two.ship")]
}

pub(crate) fn headers() -> Vec<Vec<u8>> {
    let read = |octets: &Vec<u8>| {
        let manifest = Shipment::open(octets.as_slice()).expect("a vector is in order");
        manifest.header().to_der().expect("it was read")
    };
    manifests().iter().map(read).collect()
}

pub(crate) fn records() -> Vec<Vec<u8>> {
    let octets = vectors::file("shipment/two.ship");
    let mut manifest = Shipment::open(octets.as_slice()).expect("a vector is in order");
    let sealed = manifest.next_chunk().expect("it is in order").expect("there is one");
    let chunk = sealed.open(&recipient()).expect("it is for this key");
    chunk.records.into_iter().map(|record| record.octets).collect()
}

pub(crate) fn proofs() -> Vec<Vec<u8>> {
    vec![vectors::file("shipment/one.record")]
}

fn recipient() -> p256::SecretKey {
    let pem = String::from_utf8(vectors::file("shipment/recipient.key.pem")).expect("PEM is text");
    p256::SecretKey::from_pkcs8_pem(&pem).expect("a vector is in order")
}

fn anchor() -> TrustAnchor {
    let root = ca_core::certificate::Certificate::from_der(&vectors::file("shipment/root.cer"));
    TrustAnchor::from_certificate(&root.expect("a vector is in order"))
}

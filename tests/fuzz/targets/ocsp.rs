//! Requests for the status of certificates, as the status listener takes them from anybody.

use std::sync::LazyLock;

use ca_core::certificate::Certificate;
use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::ocsp::{IssuerHashes, OcspRequest, usual_requests};
use ca_core::serial_number::SerialNumber;
use ca_core::tenant::TenantId;

use super::vectors;

/// As many certificates as the profiles of this suite allow.
const MAX_REQUESTS: u8 = 16;

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| {
    let certificate = Certificate::from_der(&vectors::file("path/sub.cer")).expect("a vector is in order");
    let (tenant, end) = (TenantId::parse("dso").expect("a name"), certificate.validity().not_after());
    Issuer::new(certificate, tenant, end, PublicationPoints::default()).expect("it is a CA")
});

static HASHES: LazyLock<IssuerHashes> = LazyLock::new(|| IssuerHashes::of(&ISSUER));

/// What is read keeps the bounds of RFC 9654 and of the profile, and each certificate is named by octets that were sent.
pub(crate) fn request(octets: &[u8]) {
    let Ok(request) = OcspRequest::from_der(octets, MAX_REQUESTS) else { return };
    let certificates = request.certificates();
    assert!((1..=usize::from(MAX_REQUESTS)).contains(&certificates.len()));
    assert!(request.nonce().is_none_or(|nonce| (1..=128).contains(&nonce.octets().len())));
    for certificate in certificates {
        let named = certificate.der();
        assert!(octets.windows(named.len()).any(|window| window == named));
        assert!(certificate.serial().is_none_or(|serial| serial.octets().len() <= 20));
        let _ = HASHES.name(certificate);
    }
}

/// The usual requests, and one with a nonce that asks for two certificates.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let serial = SerialNumber::parse("4001020304050607").expect("a serial number");
    let usual = usual_requests(&ISSUER, &serial).expect("requests");
    for request in &usual {
        let read = OcspRequest::from_der(request, 1).expect("a request");
        assert!(HASHES.name(&read.certificates()[0]), "it asks for a certificate of the vectors' CA");
    }
    // OCSPRequest, TBSRequest, requestList, and each Request with its tag and length.
    let singles: Vec<u8> = usual[..2].iter().flat_map(|request| request[6..].to_vec()).collect();
    let nonce =
        [&[0x30, 0x1F, 6, 9, 0x2B, 6, 1, 5, 5, 7, 0x30, 1, 2, 4, 0x12, 4, 0x10][..], &[7; 16]].concat();
    let extensions = tlv(0xA2, &tlv(0x30, &nonce));
    let tbs = tlv(0x30, &[tlv(0x30, &singles), extensions].concat());
    let both = tlv(0x30, &tbs);
    let read = OcspRequest::from_der(&both, MAX_REQUESTS).expect("a request");
    assert!(read.certificates().len() == 2 && read.nonce().is_some());
    usual.into_iter().chain([both]).collect()
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("it is short").to_be_bytes();
    match length {
        [0, short @ 0..128] => [&[tag, short][..], content].concat(),
        [0, long] => [&[tag, 0x81, long][..], content].concat(),
        [high, low] => [&[tag, 0x82, high, low][..], content].concat(),
    }
}

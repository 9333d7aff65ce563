//! What may not be in a work order, above all the removal of a certificate of the meter's own.

use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use dlms::security_setup::{CertificateEntity, CertificateEntry, CertificateType, MeterKey};
use dlms::work_order::{
    AuthorityCertificate, ClientCertificate, IssuedCertificate, MaterialError, RemovableCertificate,
};

use crate::issuing::{Authority, HEAD_END, TITLE};

fn scene() -> (Authority, Vec<u8>) {
    let authority = Authority::new(SecuritySuite::Suite1, "Grid North");
    let own = authority.issue(TITLE, MeterKey::Tls, authority.root().public_key().point());
    (authority, own)
}

fn code<T>(result: Result<T, MaterialError>) -> &'static str {
    result.err().unwrap().code()
}

// Green Book 9.2.6.6.7: removing a certificate of the server's own destroys its private key.
#[test]
fn a_certificate_of_the_meters_own_cannot_be_removed() {
    let (authority, own) = scene();
    let addressee = authority.addressee(300);
    let signature = CertificateType::Of(MeterKey::Signature);
    assert_eq!(code(RemovableCertificate::of_client(&addressee, TITLE, signature)), "dlms.own_certificate");
    assert_eq!(code(RemovableCertificate::of_certificate(&addressee, &own)), "dlms.own_certificate");
    let certificate = ca_core::certificate::Certificate::from_der(&own).unwrap();
    let entry = |entity, subject: &[u8]| CertificateEntry {
        entity,
        kind: signature,
        serial: certificate.serial().octets().to_vec(),
        issuer: certificate.issuer().der().to_vec(),
        subject: subject.to_vec(),
        alternative_name: Vec::new(),
    };
    let server = entry(CertificateEntity::Server, b"");
    assert_eq!(code(RemovableCertificate::listed(&addressee, &server)), "dlms.own_certificate");
    // A meter that lists its own under another entity.
    let disguised = entry(CertificateEntity::Client, certificate.subject().der());
    assert_eq!(code(RemovableCertificate::listed(&addressee, &disguised)), "dlms.own_certificate");
    let client = ca_core::distinguished_name::DistinguishedName::of_device(&HEAD_END).unwrap();
    assert!(
        RemovableCertificate::listed(&addressee, &entry(CertificateEntity::Client, client.der())).is_ok()
    );
    assert!(RemovableCertificate::of_client(&addressee, HEAD_END, signature).is_ok());
    assert!(RemovableCertificate::of_certificate(&addressee, authority.der()).is_ok());
}

#[test]
fn a_certificate_for_the_meter_fits_title_purpose_and_suite() {
    let (authority, own) = scene();
    let addressee = authority.addressee(300);
    assert!(IssuedCertificate::new(&addressee, MeterKey::Tls, &own).is_ok());
    assert_eq!(code(IssuedCertificate::new(&addressee, MeterKey::Signature, &own)), "dlms.other_purpose");
    let other = dlms::work_order::Addressee { title: SystemTitle::new([1; 8]), ..addressee };
    assert_eq!(code(IssuedCertificate::new(&other, MeterKey::Tls, &own)), "dlms.other_title");
    let suite = dlms::work_order::Addressee { suite: SecuritySuite::Suite2, ..addressee };
    assert_eq!(code(IssuedCertificate::new(&suite, MeterKey::Tls, &own)), "dlms.other_curve");
    assert_eq!(code(IssuedCertificate::new(&addressee, MeterKey::Tls, b"")), "dlms.certificate_unreadable");
}

#[test]
fn authorities_and_clients_are_what_they_are_said_to_be() {
    let (authority, own) = scene();
    let addressee = authority.addressee(300);
    assert_eq!(code(AuthorityCertificate::new(&own)), "dlms.not_an_authority");
    assert_eq!(code(ClientCertificate::new(&addressee, authority.der())), "dlms.not_a_client");
    assert_eq!(code(ClientCertificate::new(&addressee, &own)), "dlms.own_certificate");
    assert!(ClientCertificate::new(&addressee, &authority.client(MeterKey::Tls)).is_ok());
}

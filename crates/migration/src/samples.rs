//! Certificates for the tests of this crate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use policies::{ProfileSet, Settings};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose, SerialNumber};

use crate::drafts::Draft;

/// Makes a certificate with this serial number and common name.
pub(crate) fn certificate(serial: &[u8], name: &str) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(serial));
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.is_ca = IsCa::ExplicitNoCa;
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

/// Makes one of an authority.
pub(crate) fn authority(serial: &[u8]) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(serial));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

/// Loads drafts beside the profiles that come with the program: a draft that does not load is none.
pub(crate) fn load(drafts: &[Draft]) -> ProfileSet {
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/profiles");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(place).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        files.push((name, std::fs::read_to_string(&file).unwrap()));
    }
    files.extend(drafts.iter().map(|draft| (format!("{}.toml", draft.id), draft.text.clone())));
    let files = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    ProfileSet::load_files(files, &Settings::default()).unwrap()
}

/// Writes a certificate as PEM.
pub(crate) fn pem(der: &[u8]) -> String {
    let lines: Vec<String> = STANDARD
        .encode(der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

//! Keys of the simulation and the certification requests they sign, made by rcgen: not by the code that will judge them.

use ca_core::suite::{Curve, SecuritySuite};
use ca_core::system_title::SystemTitle;
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};

/// Makes a key on the curve of a suite.
pub(super) fn generate(suite: SecuritySuite) -> anyhow::Result<KeyPair> {
    let algorithm = match suite.curve() {
        Curve::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        Curve::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
    };
    Ok(KeyPair::generate_for(algorithm)?)
}

/// The request of a device: its system title as common name, nothing else.
pub(super) fn device_request(title: &SystemTitle, key: &KeyPair) -> anyhow::Result<Vec<u8>> {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, DnValue::Utf8String(title.to_string()));
    request(name, Vec::new(), key)
}

/// The request of something with a distinguished name, and host names if it has any.
pub(super) fn named_request(
    organization: &str,
    common_name: &str,
    hosts: &[&str],
    key: &KeyPair,
) -> anyhow::Result<Vec<u8>> {
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, DnValue::PrintableString("DE".try_into()?));
    name.push(DnType::OrganizationName, DnValue::Utf8String(organization.to_owned()));
    name.push(DnType::CommonName, DnValue::Utf8String(common_name.to_owned()));
    request(name, hosts.iter().map(|host| (*host).to_owned()).collect(), key)
}

fn request(name: DistinguishedName, hosts: Vec<String>, key: &KeyPair) -> anyhow::Result<Vec<u8>> {
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name = name;
    Ok(params.serialize_request(key)?.der().to_vec())
}

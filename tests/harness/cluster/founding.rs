//! What a house has before anything runs in it: the authority's key and certificate, and the nodes' directories.

use std::fs;
use std::path::Path;

use ca_core::public_key::PublicKey;
use ca_store::{Database, Store};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, PublicKeyData,
};

use super::NODES;

/// Makes the authority: its key, and a certificate that it signs itself.
///
/// # Panics
/// When it cannot be made.
pub fn authority(house: &Path) {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let public = PublicKey::from_spki_der(&key.subject_public_key_info()).expect("of P-256");
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Cluster CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // The ledger calls an authority by it.
    params.key_identifier_method = KeyIdMethod::PreSpecified(public.key_ref().octets().to_vec());
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2046, 1, 1);
    let certificate = params.self_signed(&key).expect("a certificate");
    fs::write(house.join("issuer.key"), key.serialize_pem()).expect("the house has space");
    fs::write(house.join("issuer.cer"), certificate.der()).expect("the house has space");
    for folder in ["authorities", "published"] {
        fs::create_dir(house.join(folder)).expect("the house has space");
    }
    fs::write(house.join("authorities/ca.cer"), certificate.der()).expect("the house has space");
    fs::write(house.join("signatures"), "").expect("the house has space");
}

/// Makes the ledger in a database, which is reached by this address, and the directories of all nodes.
///
/// # Panics
/// When it cannot be made.
pub fn ledger(house: &Path, address: &str) {
    let database = Database::parse(address).expect("the address of the database");
    for (number, name) in (1_u8..).zip(NODES) {
        fs::create_dir(house.join(name)).expect("the house has space");
        let store = house.join(name).join("store");
        let made = if number == 1 {
            Store::create_shared(&store, &database, ([number; 16], "the harness"))
        } else {
            Store::join_shared(&store, &database, [number; 16])
        };
        made.expect("a ledger in the database");
    }
}

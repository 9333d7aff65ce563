//! What head-ends send: lines of an upload, and the JSON of DLMS tools.

use est_server::wire::{bulk, dlms_tools};

use super::vectors;

pub(crate) fn line(octets: &[u8]) {
    match bulk::read(octets) {
        Ok(item) => assert!(item.id.len() <= octets.len()),
        Err((_, error)) => assert!(!error.code().is_empty()),
    }
}

pub(crate) fn order(octets: &[u8]) {
    match dlms_tools::read(octets) {
        Ok(wishes) => assert!(!wishes.is_empty()),
        Err(error) => assert!(!error.code().is_empty()),
    }
}

pub(crate) fn lines() -> Vec<Vec<u8>> {
    let line =
        |csr: String| format!(r#"{{"id":"a-1","label":"meter-op-ds-s1","kind":"first","csr":"{csr}"}}"#);
    requests().into_iter().map(|csr| line(csr).into_bytes()).collect()
}

pub(crate) fn orders() -> Vec<Vec<u8>> {
    let requests = requests();
    let [first, second, ..] = requests.as_slice() else { panic!("there are vectors") };
    let listed = format!(
        r#"{{"Certificates":[{{"KeyUsage":1,"CSR":"{first}"}},{{"KeyUsage":17,"ExtendedKeyUsage":3,"CSR":"{second}"}}]}}"#
    );
    let single = format!(r#"{{"KeyUsage":16,"CSR":["{first}","{second}"]}}"#);
    vec![listed.into_bytes(), single.into_bytes()]
}

/// Requests as one line of base64.
fn requests() -> Vec<String> {
    use est_server::wire::base64::{LineLength, encode};
    vectors::requests().iter().map(|der| encode(der, LineLength::ONE_LINE)).collect()
}

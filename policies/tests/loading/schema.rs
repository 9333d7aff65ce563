//! The JSON schema of profile files.

use std::path::Path;

use crate::samples::{CRL, METER, OCSP};

#[test]
fn the_committed_schema_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/profile-v1.json");
    assert_eq!(std::fs::read_to_string(file).unwrap(), policies::schema());
}

#[test]
fn the_schema_knows_the_keys_of_every_kind_and_which_are_required() {
    let schema: serde_json::Value = serde_json::from_str(&policies::schema()).unwrap();
    for (kind, text) in [("CertificateFile", METER), ("CrlFile", CRL), ("OcspFile", OCSP)] {
        let of_kind = &schema["$defs"][kind];
        assert_eq!(of_kind["additionalProperties"], false);
        assert_eq!(of_kind["properties"]["format"]["const"], 1);
        for line in text.lines() {
            let key = line.split(' ').next().unwrap();
            assert!(of_kind["properties"][key].is_object(), "{kind} has {key}");
        }
        for key in of_kind["required"].as_array().unwrap() {
            let key = key.as_str().unwrap();
            assert!(text.contains(&format!("{key} = ")), "{kind} requires {key}");
        }
    }
}

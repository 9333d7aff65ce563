//! Request, profile, fixed clock and fixed serial number give exactly the octets on file.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ca_core::suite::Curve;
use const_oid::ObjectIdentifier;
use policies::{Settings, Variant};

use crate::hierarchy::{Hierarchy, NOW};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

fn files(directory: &Path) -> BTreeSet<String> {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let vectors = files.filter(|file| file.extension().is_some_and(|extension| extension == "der"));
    vectors.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_profile_drafts_its_golden_octets() {
    let hierarchy = Hierarchy::new(&Settings::default());
    let ids: BTreeSet<String> = hierarchy.profiles.ids().map(ToString::to_string).collect();
    assert_eq!(files(&golden("")), ids, "vectors and profiles are the same names");
    for id in &ids {
        let expected = std::fs::read(golden(&format!("{id}.der"))).unwrap();
        assert!(hierarchy.drafted(id).tbs == expected, "{id} is drafted otherwise than its vector");
    }
}

#[test]
fn every_variant_drafts_its_golden_octets() {
    let mut names = BTreeSet::new();
    for variant in other_variants() {
        let hierarchy = Hierarchy::new(&Settings { variant, ..Settings::default() });
        for id in ["meter-op-ds-s1", "meter-op-tls-s2"] {
            let name = format!("{id}-{}", variant.name());
            let expected = std::fs::read(golden(&format!("variants/{name}.der"))).unwrap();
            assert!(hierarchy.drafted(id).tbs == expected, "{name} is drafted otherwise than its vector");
            names.insert(name);
        }
    }
    assert_eq!(files(&golden("variants")), names);
}

fn other_variants() -> [Variant; 3] {
    let hw_type = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.2.1");
    [Variant::GreenBookSan { hw_type }, Variant::StrictEmpty { hw_type }, Variant::Small]
}

/// Lengths in octets of complete certificates that OpenSSL made under the same profiles, for suite 1 and suite 2.
const MEASURED: [(&str, usize, usize); 19] = [
    ("root", 450, 512),
    ("sub-factory", 515, 576),
    ("sub-operational", 509, 572),
    ("sub-maintenance", 507, 569),
    ("ocsp", 497, 559),
    ("meter-factory-ds", 460, 521),
    ("meter-factory-ka", 461, 521),
    ("meter-factory-tls", 493, 553),
    ("meter-op-ds", 457, 517),
    ("meter-op-ka", 456, 516),
    ("meter-op-tls", 488, 549),
    ("gw-op-tls", 519, 581),
    ("hes-ds", 455, 516),
    ("hes-ka", 456, 517),
    ("hes-tls", 488, 550),
    ("hhu-op-ds", 454, 515),
    ("hhu-op-ka", 454, 515),
    ("hhu-op-tls", 475, 536),
    ("fw-signer-dlms", 458, 518),
];

/// Names of CAs, of which one certificate has up to two, and policy arcs were of other lengths there, and signatures vary by
/// two octets. Profiles with URIs are left out: nothing about their length can be compared.
#[test]
fn certificates_are_as_long_as_those_that_were_measured() {
    let hierarchy = Hierarchy::new(&Settings::default());
    for (name, suite_1, suite_2) in MEASURED {
        for (suffix, measured) in [("s1", suite_1), ("s2", suite_2)] {
            let id = format!("{name}-{suffix}");
            let drafted = hierarchy.drafted(&id);
            let octets = hierarchy.signed(&drafted).len();
            let tolerance = if drafted.profile.is_meter_facing() { 6 } else { 14 };
            assert!(octets.abs_diff(measured) <= tolerance, "{id}: {octets} octets, measured {measured}");
        }
    }
}

/// Runs OpenSSL on `input`; returns whether it agreed and what it said.
fn openssl(arguments: &[&str], input: &[u8]) -> (bool, String) {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the openssl program is installed");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn openssl_reads_every_golden_vector() {
    for name in files(&golden("")) {
        let octets = std::fs::read(golden(&format!("{name}.der"))).unwrap();
        let (agrees, said) = openssl(&["asn1parse", "-inform", "DER", "-i"], &octets);
        assert!(agrees && !said.contains("BAD"), "{name}: {said}");
    }
}

// RFC 5280 §6.1, as OpenSSL has it with every optional check switched on.
#[test]
fn openssl_validates_the_path_of_every_profile_strictly() {
    let hierarchy = Hierarchy::new(&Settings::default());
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, der: &[&[u8]]| {
        let path = directory.path().join(name);
        let pem = der.iter().map(|der| openssl(&["x509", "-inform", "DER"], der).1).collect::<String>();
        std::fs::write(&path, pem).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let at = NOW.seconds().to_string();
    for id in hierarchy.profiles.ids() {
        let certificate = hierarchy.signed(&hierarchy.drafted(id.as_str()));
        let above = hierarchy.path_above(id.as_str());
        let mut path: Vec<&[u8]> = above.iter().map(Vec::as_slice).collect();
        let root = file("root.pem", &[path.pop().unwrap_or(&certificate)]);
        let untrusted = file("untrusted.pem", &path);
        let certificate = file("certificate.pem", &[&certificate]);
        let mut arguments = vec!["verify", "-x509_strict", "-check_ss_sig", "-attime", &at, "-CAfile", &root];
        if !path.is_empty() {
            arguments.extend(["-untrusted", &untrusted]);
        }
        arguments.push(&certificate);
        let (agrees, said) = openssl(&arguments, &[]);
        assert!(agrees, "{id}: {said}");
    }
}

#[test]
fn each_suite_signs_on_its_own_curve() {
    let hierarchy = Hierarchy::new(&Settings::default());
    for id in hierarchy.profiles.ids() {
        let curve = if id.as_str().ends_with("-s1") { Curve::P256 } else { Curve::P384 };
        let drafted = hierarchy.drafted(id.as_str());
        assert_eq!(drafted.profile.curve(), curve);
        assert!(drafted.issuer.is_none_or(|issuer| issuer.curve() == curve));
    }
}

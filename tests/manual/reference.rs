//! The reference of profiles, beside a certificate that the quickstart issued and a CRL that it published.

use std::collections::BTreeMap;

use e2e::peer::{field, path, to_der};
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;
use serde_json::Value;

/// The names that OpenSSL has for extensions, and the standards'.
const NAMES: [(&str, &str); 10] = [
    ("X509v3 Basic Constraints", "basicConstraints"),
    ("X509v3 Key Usage", "keyUsage"),
    ("X509v3 Extended Key Usage", "extendedKeyUsage"),
    ("X509v3 Subject Key Identifier", "subjectKeyIdentifier"),
    ("X509v3 Authority Key Identifier", "authorityKeyIdentifier"),
    ("X509v3 Certificate Policies", "certificatePolicies"),
    ("X509v3 Subject Alternative Name", "subjectAltName"),
    ("X509v3 CRL Distribution Points", "cRLDistributionPoints"),
    ("Authority Information Access", "authorityInfoAccess"),
    ("OCSP No Check", "id-pkix-ocsp-nocheck"),
];

/// Each extension that OpenSSL prints, and whether it is critical.
fn printed(text: &str) -> BTreeMap<String, bool> {
    let found = text.lines().filter_map(|line| {
        let line = line.trim();
        let (name, rest) = line.split_once(':')?;
        let (_, name) = NAMES.iter().find(|(theirs, _)| *theirs == name)?;
        Some(((*name).to_owned(), rest.trim() == "critical"))
    });
    found.collect()
}

fn told(profile: &Value) -> BTreeMap<String, bool> {
    let all = profile["extensions"].as_array().expect("extensions");
    let certain = all.iter().filter_map(|one| {
        Some((one["name"].as_str().expect("a name").to_owned(), one["critical"].as_bool()?))
    });
    certain.collect()
}

/// One issued certificate of each profile that the quickstart uses: extensions, criticality, and size within what the signature varies.
#[test]
fn real_certificates_have_the_extensions_and_the_size_that_the_reference_tells() {
    let rehearsal = Rehearsal::start(1);
    let reference = rehearsal.operator_json(&["profile", "reference", "--configured"]);
    let mut judged = 0;
    for profile in reference["certificates"].as_array().expect("profiles") {
        let suite = &profile["suites"][0];
        let name = suite["profile"].as_str().expect("a name");
        let page = rehearsal.operator_json(&["cert", "list", "--profile", name, "--limit", "1"]);
        let Some(serial) = page["certificates"][0]["serial"].as_str() else { continue };
        let pem = rehearsal.unique("issued.pem");
        let shown = rehearsal.operator_json(&["cert", "show", serial]);
        std::fs::write(&pem, shown["pem"].as_str().expect("PEM")).expect("a file");
        let text = openssl(["x509", "-noout", "-text", "-in", &path(&pem)]).ok().out;
        let (printed, told) = (printed(&text), told(profile));
        for (extension, critical) in &told {
            assert_eq!(printed.get(extension), Some(critical), "{name}: {extension}\n{text}");
        }
        for extension in printed.keys() {
            let optional = extension == "subjectAltName";
            assert!(told.contains_key(extension) || optional, "{name} has {extension}\n{text}");
        }
        assert!(
            text.contains(suite["hash"].as_str().expect("a hash").replace('-', "").as_str()),
            "{name}\n{text}"
        );
        if profile["subject"] == "system title" {
            size(&rehearsal, name, suite, &pem);
        }
        judged += 1;
    }
    assert!(judged > 8, "{judged} profiles have certificates");
}

/// A device's name is as long as the sample's; the authority's is not, and a signature is two octets shorter at most.
fn size(rehearsal: &Rehearsal, name: &str, suite: &Value, pem: &std::path::Path) {
    let octets = |value: &Value| usize::try_from(value.as_u64().expect("a number")).expect("a size");
    let authorities = rehearsal.operator_json(&["ca", "list"]);
    let issuer = field(pem, "-issuer");
    let authority = authorities.as_array().expect("authorities").iter().find(|one| {
        let pem = rehearsal.authority(one["name"].as_str().expect("a name"));
        field(&pem, "-subject") == issuer
    });
    let authority = authority.unwrap_or_else(|| panic!("{name}: {issuer}"));
    let pem_of_authority = rehearsal.authority(authority["name"].as_str().expect("a name"));
    let name_octets = subject_octets(&pem_of_authority);
    let most = octets(&suite["octets"]) + name_octets - octets(&suite["issuer_octets"]);
    let found = to_der(pem).len();
    assert!(
        found <= most && found + 2 >= most,
        "{name}: {found} octets, and {most} at most by the reference"
    );
}

/// How long the DER of a subject is: the fifth value of a `TBSCertificate`, at depth 2, that is a SEQUENCE after the validity.
fn subject_octets(pem: &std::path::Path) -> usize {
    let text = openssl(["asn1parse", "-in", &path(pem)]).ok().out;
    let depth_two: Vec<&str> = text.lines().filter(|line| line.contains(":d=2 ")).collect();
    // version, serialNumber, signature, issuer, validity, subject.
    let line = depth_two.get(5).expect("a subject");
    let number = |key: &str| {
        let rest = line.split(key).nth(1).expect("a length").trim_start();
        rest.split(' ').next().expect("a number").parse::<usize>().expect("a number")
    };
    number("hl=") + number(" l=")
}

/// The table of CRL extensions.
#[test]
fn a_published_crl_has_the_extensions_that_the_reference_tells() {
    let rehearsal = Rehearsal::start(1);
    let view = rehearsal.operator_json(&["ca", "show", "dso-operational-s1"]);
    let file = rehearsal.state(&format!("published/{}.crl", view["key"].as_str().expect("a key")));
    let text = openssl(["crl", "-inform", "DER", "-noout", "-text", "-in", &path(&file)]).ok().out;
    let extensions = text.split("CRL extensions:").nth(1).expect("extensions");
    let extensions = extensions.split("Revoked").next().unwrap_or(extensions);
    let found: Vec<&str> =
        extensions.lines().map(str::trim).filter(|line| line.starts_with("X509v3")).collect();
    assert_eq!(found, ["X509v3 Authority Key Identifier:", "X509v3 CRL Number:"], "{text}");
    let markdown = rehearsal.operator(&["profile", "reference"]).ok().out;
    for row in
        ["| authorityKeyIdentifier (2.5.29.35) | no | every CRL", "| cRLNumber (2.5.29.20) | no | every CRL"]
    {
        assert!(markdown.contains(row), "{row}");
    }
}

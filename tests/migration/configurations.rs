//! Drafts of profiles from the configurations of real `openssl ca` and real CFSSL: they say the same as drafts from what these programs
//! issue by them, and `config check` takes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{finish, openssl};
use serde_json::Value;

use crate::elsewhere::{NAME, OldAuthority, adopted};

/// How people write it: variables, continued lines, comments, lists in sections. `$place` is put in.
const CONFIGURATION: &str = r#"
# HOME is not read.
dir = $place     # where everything is
domain = example
oid_section = numbers

[ numbers ]
readout = 1.3.6.1.4.1.32473.8
ourPolicy = 1.3.6.1.4.1.32473.7

[ ca ]
default_ca = CA_default

[ CA_default ]
database = $dir/index.txt
new_certs_dir = ${dir}/newcerts
serial = $(dir)/serial
crlnumber = $dir/crlnumber
certificate = "$place/ca.pem"
private_key = $dir/ca.key
default_md = sha256
default_days = 90
default_crl_days = 7
policy = policy_match
unique_subject = no
x509_extensions = usr_cert
copy_extensions = none

[ policy_match ]
countryName = optional
commonName = supplied

[ req ]
distinguished_name = asked
x509_extensions = v3_ca
req_extensions = asked_for

[ asked ]

[ asked_for ]
subjectAltName = email:copy

[ usr_cert ]
basicConstraints = CA:FALSE
nsComment = "Made by # hand\, for all"
keyUsage = critical, \
           digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid,issuer

[ web_server ]
keyUsage = critical,digitalSignature,keyAgreement,keyEncipherment
extendedKeyUsage = critical, serverAuth, readout
subjectAltName = @names
certificatePolicies = ourPolicy
crlDistributionPoints = URI:http://crl.${domain}/old.crl
authorityInfoAccess = OCSP;URI:http://ocsp.$domain,caIssuers;URI:http://ca.$domain/old.cer
subjectKeyIdentifier = hash

[ names ]
DNS.1 = one.$domain
DNS.2 = two.$domain

[ responder ]
keyUsage = critical, digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = ignored

[ agreement ]
basicConstraints = @no_ca
keyUsage = critical, keyAgreement

[ no_ca ]
CA = false

[ strange ]
keyUsage = digitalSignature
extendedKeyUsage = anyExtendedKeyUsage, 1.3.6.1.4.1.32473.9
subjectAltName = IP:192.0.2.1,URI:urn:example:a
1.3.6.1.4.1.32473.10 = ASN1:UTF8String:anything
policyConstraints = requireExplicitPolicy:3
tlsfeature = status_request

[ v3_ca ]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"#;

/// The sections by which certificates are issued.
const SECTIONS: [&str; 5] = ["usr_cert", "web_server", "responder", "agreement", "strange"];

/// Reads the drafts of a directory, by name.
fn drafts(directory: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(directory).expect("the drafts");
    let read = |file: fs::DirEntry| {
        let name = file.file_name().to_string_lossy().trim_end_matches(".toml").to_owned();
        (name, fs::read_to_string(file.path()).expect("a draft"))
    };
    files.map(|file| read(file.expect("a draft"))).collect()
}

/// What a draft says, without its name and its comments, and without lines that begin so.
fn said(text: &str, without: &[&str]) -> Vec<String> {
    let fixed = ["#", "id = "];
    let told = |line: &&str| !fixed.iter().chain(without).any(|begin| line.starts_with(begin));
    text.lines().filter(told).map(str::to_owned).collect()
}

/// Whether it is made of a shape of certificates, and not of a section.
fn is_of_shape(name: &str) -> bool {
    name.trim_start_matches("taken-over-").chars().all(|character| character.is_ascii_digit())
}

/// Puts drafts beside the profiles that come with the program, and offers one of them.
fn checked(rehearsal: &mut Rehearsal, drafts: &BTreeMap<String, String>, offered: &str) {
    let (built_in, place) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/profiles"), rehearsal.state("profiles"));
    fs::create_dir(&place).expect("a directory");
    for file in fs::read_dir(built_in).expect("profiles") {
        let file = file.expect("a profile");
        fs::copy(file.path(), place.join(file.file_name())).expect("a copy");
    }
    for (name, text) in drafts {
        fs::write(place.join(format!("{name}.toml")), text).expect("a profile");
    }
    rehearsal.configure("drafts.toml", |text| {
        let offer = format!("[[authority.offer]]\nprofile = \"{offered}\"\ndoors = [\"operator\"]\n");
        format!("{text}\n{offer}\n[profiles]\ndirectory = \"profiles\"\n")
    });
    drop(rehearsal.operator(&["config", "check"]).ok());
    let listed = rehearsal.operator(&["profile", "list"]);
    assert!(listed.success, "{}", listed.all());
}

#[test]
fn sections_of_openssl_cnf_say_what_the_certificates_say_that_openssl_issues_by_them() {
    let mut rehearsal = Rehearsal::start(1);
    let old = OldAuthority::found(&rehearsal.scratch("old"));
    let configuration = old.file("full.cnf");
    fs::write(&configuration, CONFIGURATION.replace("$place", &path(&old.place))).expect("a file");
    for section in SECTIONS {
        old.key(section);
        let request = old.request(section, &format!("/CN={section}.example"));
        let out = old.text(&format!("{section}.pem"));
        let by = ["ca", "-batch", "-config", &path(&configuration), "-in", &request, "-out", &out, "-notext"];
        // The first is what the authority's section names.
        let named = ["-extensions", section];
        let named = if section == "usr_cert" { &named[..0] } else { &named[..] };
        drop(openssl(by.iter().chain(named)).ok());
    }
    adopted(&old, &mut rehearsal);

    let place = rehearsal.scratch("drafts");
    let (index, configuration, directory) = (old.text("index.txt"), path(&configuration), path(&place));
    let whence = ["--json", "migrate", "from", "openssl-ca", &index, "--issuer", NAME];
    let more = ["--drafts", &directory, "--program-config", &configuration];
    let looked = rehearsal.operator(&[&whence[..], &more].concat()).ok();
    let view: Value = serde_json::from_str(&looked.out).expect("a view");
    let left: Vec<&str> =
        view["without_draft"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].starts_with("full.cnf: [v3_ca] is of certificates of authorities"), "{left:?}");

    let drafts = drafts(&place);
    let of = |section: &str| &drafts[&format!("taken-over-{}", section.replace('_', "-"))];
    let crl = said(of("crl-CA_default".to_lowercase().as_str()), &[]);
    assert_eq!(crl, ["format = 1", "kind = \"crl\"", "validity_hours = 168", "reissue_hours = 24"]);
    let shapes: BTreeSet<Vec<String>> =
        drafts.iter().filter(|(name, _)| is_of_shape(name)).map(|(_, text)| said(text, &[])).collect();
    let sections: BTreeSet<Vec<String>> = SECTIONS.iter().map(|section| said(of(section), &[])).collect();
    assert_eq!((shapes.len(), drafts.len()), (SECTIONS.len(), 2 * SECTIONS.len() + 1));
    assert_eq!(sections, shapes);
    for (section, told) in [
        (
            "usr_cert",
            &["nsComment = Made by # hand, for all", "policy_match", "x509_extensions of [CA_default]"][..],
        ),
        (
            "web_server",
            &[
                "http://crl.example/old.crl",
                "http://ca.example/old.cer",
                "keyEncipherment",
                "DNS.1:one.example",
            ],
        ),
        (
            "strange",
            &[
                "2.5.29.37.0",
                "iPAddress",
                "ASN1:UTF8String",
                "policyConstraints",
                "tlsfeature",
                "not critical",
            ],
        ),
    ] {
        for told in told {
            let tells = |line: &str| line.starts_with("# ") && line.contains(told);
            assert!(of(section).lines().any(tells), "{told}: {}", of(section));
        }
    }
    checked(&mut rehearsal, &drafts, "taken-over-usr-cert-s1");
}

/// A default and three profiles; keys that authenticate requests are secrets.
const OF_CFSSL: &str = r#"{
    "signing": {
        "default": {"usages": ["digital signature", "client auth"], "expiry": "2160h"},
        "profiles": {
            "web": {"usages": ["signing", "key agreement", "key encipherment", "server auth"], "expiry": "8760h",
                    "ocsp_url": "http://ocsp.example", "crl_url": "http://crl.example/ca.crl",
                    "policies": [{"ID": "1.3.6.1.4.1.32473.7"}]},
            "responder": {"usages": ["digital signature", "ocsp signing"], "expiry": "72h", "backdate": "1h", "ocsp_no_check": true},
            "guarded": {"usages": ["signing", "client auth", "code signing"], "expiry": "12h", "auth_key": "of-the-line"},
            "intermediate": {"usages": ["cert sign", "crl sign"], "expiry": "43800h", "ca_constraint": {"is_ca": true}}
        }
    },
    "auth_keys": {"of-the-line": {"type": "standard", "key": "0123456789ABCDEF0123456789ABCDEF"}}
}"#;

#[test]
fn profiles_of_cfssl_say_what_the_certificates_say_that_cfssl_signs_by_them() {
    let mut rehearsal = Rehearsal::start(1);
    let old = OldAuthority::found(&rehearsal.scratch("old"));
    let configuration = path(&old.file("config.json"));
    fs::write(&configuration, OF_CFSSL).expect("a file");
    let mut rows = "pem,status,reason,revoked_at\n".to_owned();
    for (profile, host) in [("", ""), ("web", "web.example"), ("responder", ""), ("guarded", "")] {
        let name = format!("by-{profile}");
        old.key(&name);
        let request = old.request(&name, &format!("/CN={name}.example"));
        let (ca, key) = (old.text("ca.pem"), old.text("ca.key"));
        let by = ["sign", "-ca", &ca, "-ca-key", &key, "-config", &configuration, "-profile", profile];
        let signed = finish(Command::new("cfssl").args(by).args(["-hostname", host, &request])).ok();
        let signed: Value = serde_json::from_str(&signed.out).expect("an answer");
        let pem = signed["cert"].as_str().expect("a certificate");
        rows.push_str(&format!("\"{pem}\",good,0,\n"));
    }
    let list = path(&old.file("cfssl.csv"));
    fs::write(&list, rows).expect("a file");
    adopted(&old, &mut rehearsal);

    let place = rehearsal.scratch("drafts");
    let whence = ["migrate", "from", "cfssl", &list, "--issuer", NAME];
    let more = ["--drafts", &path(&place), "--program-config", &configuration];
    let looked = rehearsal.operator(&[&whence[..], &more].concat()).ok();
    let told = "no draft: config.json: signing.profiles.intermediate is of certificates of authorities";
    assert!(looked.out.contains(told), "{}", looked.all());

    let drafts = drafts(&place);
    // Names come with requests, and how far notBefore is set back no certificate says.
    let beside = ["alternative_name", "backdate_minutes"];
    let shapes: BTreeSet<Vec<String>> =
        drafts.iter().filter(|(name, _)| is_of_shape(name)).map(|(_, text)| said(text, &beside)).collect();
    let profiles: BTreeSet<Vec<String>> =
        drafts.iter().filter(|(name, _)| !is_of_shape(name)).map(|(_, text)| said(text, &beside)).collect();
    assert_eq!((shapes.len(), drafts.len()), (4, 8));
    assert_eq!(profiles, shapes);
    let has = |profile: &str, line: &str| {
        let text = &drafts[&format!("taken-over-{profile}")];
        assert!(text.lines().any(|known| known == line), "{line}: {text}");
    };
    has("web", "alternative_name = \"dns-names\"");
    has("responder", "backdate_minutes = 60");
    assert!(!drafts.values().any(|text| text.contains("of-the-line") || text.contains("0123456789ABCDEF")));
    checked(&mut rehearsal, &drafts, "taken-over-web-s1");
}

#[test]
fn a_configuration_that_is_none_is_told_before_anything_is_asked_or_written() {
    let mut rehearsal = Rehearsal::start(1);
    let old = OldAuthority::found(&rehearsal.scratch("old"));
    drop(old.issue("good", "/CN=good.example", "server", &[]));
    adopted(&old, &mut rehearsal);
    let (index, place) = (old.text("index.txt"), rehearsal.scratch("drafts"));
    let wrong = |name: &str, text: &str| {
        let file = old.file(name);
        fs::write(&file, text).expect("a file");
        path(&file)
    };
    let own = wrong("own.csv", "certificate,status\n");
    for (program, list, file, code) in [
        ("openssl-ca", &index, wrong("no.cnf", "[ca]\ndefault_ca\n"), "migration.config"),
        ("openssl-ca", &index, wrong("empty.cnf", "a = b\n"), "migration.config"),
        ("openssl-ca", &index, wrong("json.cnf", OF_CFSSL), "migration.config"),
        ("openssl-ca", &index, old.text("absent.cnf"), "migration.file"),
        ("csv", &own, wrong("any.cnf", "a = b\n"), "migration.config"),
    ] {
        let directory = path(&place);
        let whence = ["--json", "migrate", "from", program, list, "--issuer", NAME];
        let refused =
            rehearsal.operator(&[&whence[..], &["--drafts", &directory, "--program-config", &file]].concat());
        assert_eq!(refused.code, Some(2), "{file}: {}", refused.all());
        assert!(refused.all().contains(&format!("\"{code}\"")), "{file}: {}", refused.all());
        assert!(!place.exists(), "{file}: nothing is half written");
    }
    // Drafts are what it is read for.
    let whence = ["migrate", "from", "openssl-ca", &index, "--issuer", NAME];
    let refused =
        rehearsal.operator(&[&whence[..], &["--program-config", &old.text("openssl.cnf")]].concat());
    assert!(refused.code == Some(2) && refused.err.contains("--drafts"), "{}", refused.all());
}

//! `sign-subca`: what becomes a certificate, and what does not.

use std::fs;

use ca_core::certificate::to_be_signed;
use ca_core::csr::CertificationRequest;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::exchange::SubordinateRequest;
use ca_core::oid;
use ca_core::ports::Signer;
use ca_core::signing::assemble;
use ca_core::suite::Curve;
use ca_core::validity::UnixTime;
use signer_file::{FileSigner, KeyDirectory, Passphrase};

use crate::harness::{DAY, NEXT_UPDATE, NOW, PASSPHRASE, Place, SubCa, TIME, csr, name, names, request_by};

const PROFILE: &str = "sub-operational-s1";

#[test]
fn a_request_becomes_a_certificate_that_openssl_accepts_strictly() {
    for (suite, curve) in [("1", Curve::P256), ("2", Curve::P384)] {
        let place = Place::with_root(suite);
        let request = SubCa::new(curve).request(&format!("sub-operational-s{suite}"));
        let made = place.sign(&request).ok().json();
        assert_eq!((&made["resumed"], &made["not_before"]), (&false.into(), &TIME.into()));
        let accepted = place.accept(&request);
        assert_eq!(accepted.crl, None);
        place.put_pem("sub.crt", "CERTIFICATE", accepted.certificate.der());
        place.openssl_ok("verify -x509_strict -attime 1795300000 -CAfile root/public/root.crt sub.crt");
        let text = place.openssl_ok("x509 -in sub.crt -noout -text");
        assert!(text.contains("CA:TRUE, pathlen:0") && text.contains("Certificate Sign, CRL Sign"), "{text}");
        assert_eq!(accepted.certificate.public_key(), request.csr().public_key());
        place.verify().ok();
    }
}

#[test]
fn the_response_brings_the_latest_crl_of_the_root() {
    let place = Place::with_root("1");
    place.crl("crl", TIME, NEXT_UPDATE).ok();
    let request = SubCa::new(Curve::P256).request(PROFILE);
    place.sign(&request).ok();
    assert_eq!(place.accept(&request).crl, Some(place.read("crl")));
}

#[test]
fn an_infrastructure_ca_points_to_the_crl_and_certificate_of_the_root() {
    let place = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request("sub-infra-s1");
    place.sign(&request).ok();
    place.put_pem("sub.crt", "CERTIFICATE", place.accept(&request).certificate.der());
    let text = place.openssl_ok("x509 -in sub.crt -noout -text");
    assert!(text.contains("URI:http://pki.example/root.crl"), "{text}");
    assert!(text.contains("CA Issuers - URI:http://pki.example/root.cer"), "{text}");
}

#[test]
fn the_form_of_the_certificate_can_be_another_than_that_of_the_root() {
    let place = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request(PROFILE);
    place.put_request(&request);
    let fixed = ["--passphrase-file", "pass", "--request", "request", "--out", "response", "--time", TIME];
    place.verb("sign-subca", &[&fixed[..], &["--profile-set", "small"]].concat()).ok();
    assert_eq!(place.accept(&request).certificate.subject_key_identifier().unwrap().len(), 8);
}

/// Makes a key and a certification request with openssl, the latter with these extensions.
fn by_openssl(place: &Place, extensions: &str) -> SubordinateRequest {
    let section =
        format!("[req]\ndistinguished_name=dn\nreq_extensions=asked\n[dn]\n[asked]\n{extensions}\n");
    fs::write(place.path("req.cnf"), section).unwrap();
    place.openssl_ok("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out sub.key");
    let subject = "/C=ZZ/O=Example_Utility/CN=Example_Sub-CA";
    place.openssl_ok(&format!("req -new -utf8 -config req.cnf -subj {subject} -key sub.key -out sub.csr"));
    let read = csr(&place.read("sub.csr"));
    let sub_ca = SubCa::from_pkcs8_pem(&String::from_utf8(place.read("sub.key")).unwrap());
    sub_ca.request_with(PROFILE, |parts| {
        parts.subject = read.subject().clone();
        parts.csr = read;
    })
}

#[test]
fn a_certification_request_by_openssl_is_signed() {
    let place = Place::with_root("1");
    let request = by_openssl(
        &place,
        "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign",
    );
    place.sign(&request).ok();
    let certificate = place.accept(&request).certificate;
    assert_eq!(certificate.subject().to_string(), "CN=Example_Sub-CA,O=Example_Utility,C=ZZ");
}

#[test]
fn p_01_r_17_a_request_for_more_than_the_profile_gives_is_refused() {
    let place = Place::with_root("1");
    for asked in [
        "basicConstraints=critical,CA:TRUE,pathlen:5",
        "extendedKeyUsage=OCSPSigning",
        "keyUsage=critical,keyCertSign,cRLSign,digitalSignature",
        "nameConstraints=permitted;DNS:example.org",
    ] {
        let request = by_openssl(&place, asked);
        place.sign(&request).refused(4, "csr.extension");
    }
    assert_eq!(place.certificates(), 1);
    assert!(!place.path("response").exists());
}

#[test]
fn a_key_of_another_suite_is_refused() {
    let place = Place::with_root("1");
    let p384 = SubCa::new(Curve::P384);
    place.sign(&p384.request(PROFILE)).refused(4, "key.curve");
    place.sign(&p384.request("sub-operational-s2")).refused(4, "profile.unknown");
    let place = Place::with_root("2");
    let p256 = SubCa::new(Curve::P256);
    place.sign(&p256.request("sub-operational-s2")).refused(4, "key.curve");
    place.sign(&p256.request("sub-operational-s1")).refused(4, "profile.unknown");
}

#[test]
fn only_profiles_of_sub_cas_are_signed() {
    let place = Place::with_root("1");
    let sub_ca = SubCa::new(Curve::P256);
    for profile in ["root-s1", "root-30y-s1", "recovery-s1", "meter-op-ds-s1", "no-such-profile"] {
        place.sign(&sub_ca.request(profile)).refused(4, "profile.unknown");
    }
}

#[test]
fn a_factory_ca_without_end_needs_a_root_without_end() {
    let place = Place::new();
    place.init("1", &["--profile", "root-30y"]).ok();
    let sub_ca = SubCa::new(Curve::P256);
    place.sign(&sub_ca.request("sub-factory-s1")).refused(4, "profile.unknown");
    place.sign(&sub_ca.request(PROFILE)).ok();
}

#[test]
fn a_sub_ca_name_of_more_than_127_octets_is_refused() {
    let place = Place::with_root("1");
    let long = DistinguishedName::from_attributes(&[
        (oid::COUNTRY_NAME, "ZZ"),
        (oid::ORGANIZATION_NAME, &"x".repeat(50)),
        (oid::COMMON_NAME, &"y".repeat(60)),
    ])
    .unwrap();
    let sub_ca = SubCa::new(Curve::P256);
    let csr = ca_core::exchange::certification_request(&long, &sub_ca.key().key_ref(), &sub_ca).unwrap();
    let request = sub_ca.request_with(PROFILE, |parts| {
        parts.subject = long;
        parts.csr = csr;
    });
    place.sign(&request).refused(4, "subject.unfit");
}

#[test]
fn the_name_of_the_root_is_nobody_elses() {
    let place = Place::with_root("1");
    let sub_ca = SubCa::new(Curve::P256);
    let request = sub_ca.request_with(PROFILE, |parts| parts.subject = name("example  ROOT g1"));
    place.sign(&request).refused(4, "subject.root");
}

#[test]
fn a_name_that_the_certification_request_does_not_have_is_refused() {
    let place = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request_with(PROFILE, |parts| parts.subject = name("Another CA"));
    place.sign(&request).refused(4, "subject.other");
}

#[test]
fn p_11_the_key_of_the_root_is_certified_for_nobody() {
    let place = Place::with_root("1");
    let keys = KeyDirectory::open(&place.path("root/keys")).unwrap();
    let passphrase = Passphrase::new(PASSPHRASE.as_bytes().to_vec().into()).unwrap();
    let signer = FileSigner::unlock(&keys, &passphrase).unwrap();
    let root = ca_core::certificate::Certificate::from_der(
        &der::pem::decode_vec(&place.read("root/public/root.crt")).unwrap().1,
    )
    .unwrap();
    let request = request_by(&signer, &root.public_key().key_ref(), PROFILE, |_| {});
    place.sign(&request).refused(4, "key.authority");
}

#[test]
fn i_04_an_output_that_exists_is_refused_before_anything_is_signed() {
    let place = Place::with_root("1");
    fs::write(place.path("response"), "mine").unwrap();
    let before = place.ledger();
    place.sign(&SubCa::new(Curve::P256).request(PROFILE)).refused(7, "file.exists");
    assert_eq!((place.ledger(), place.read("response")), (before, b"mine".to_vec()));
    assert_eq!(names(&place.path("root/exchanges")), Vec::<String>::new());
}

#[test]
fn r_08_a_request_altered_in_any_field_is_refused_and_the_refusal_is_on_record() {
    let place = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request(PROFILE);
    let der = request.der().to_vec();
    let find = |octets: &[u8]| der.windows(octets.len()).position(|window| window == octets).unwrap();
    let key = request.csr().public_key().point();
    for (field, at) in [
        ("kind", find(&[0x0A, 0x01, 0x00]) + 2),
        ("version", find(&[0x0A, 0x01, 0x00, 0x02, 0x01, 0x01]) + 5),
        ("nonce", find(request.nonce().octets())),
        ("created", find(b"20261121100000Z") + 3),
        ("profile", find(b"sub-operational-s1") + 4),
        ("subject", find(b"Example Sub-CA G1") + 3),
        ("key", find(key) + 40),
        ("signature", der.len() - 1),
    ] {
        let mut altered = der.clone();
        altered[at] ^= 1;
        place.put_pem("request", "METER PKI SUBORDINATE REQUEST", &altered);
        let run = place.sign_file(TIME);
        assert_eq!(run.exit, Some(4), "{field}: {run:?}");
        let code = run.error()["code"].as_str().unwrap().to_owned();
        let entry = place.last_entry();
        assert!(entry.contains("request-refused") && entry.contains(&code), "{field}: {code}: {entry}");
    }
    assert_eq!(names(&place.path("root/exchanges")), Vec::<String>::new());
    assert_eq!(place.certificates(), 1);
    place.sign(&request).ok();
}

#[test]
fn what_is_no_request_at_all_is_refused_and_on_record() {
    let place = Place::with_root("1");
    for (text, code) in [
        (String::new(), "exchange.not-text"),
        ("-----BEGIN METER PKI SUBORDINATE REQUEST-----\n".to_owned(), "exchange.not-text"),
        (String::from_utf8(place.read("root/public/root.crt")).unwrap(), "exchange.not-text"),
        ("x".repeat(100_000), "exchange.not-text"),
    ] {
        fs::write(place.path("request"), text).unwrap();
        place.sign_file(TIME).refused(4, code);
        assert!(place.last_entry().contains(code));
    }
    fs::remove_file(place.path("request")).unwrap();
    place.sign_file(TIME).refused(5, "file.unreadable");
}

#[test]
fn r_04_a_request_that_is_not_the_one_compared_is_refused() {
    let place = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request(PROFILE);
    place.put_request(&request);
    let sign = |digest: &[u8]| {
        let digest = hex::encode(digest);
        let fixed =
            ["--passphrase-file", "pass", "--request", "request", "--out", "response", "--time", TIME];
        place.verb("sign-subca", &[&fixed[..], &["--request-sha256", &digest]].concat())
    };
    sign(&[7; 32]).refused(4, "exchange.other-digest");
    sign(&request.digest()).ok();
}

#[test]
fn r_09_a_request_is_answered_once() {
    let place = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request(PROFILE);
    place.sign(&request).ok();
    fs::rename(place.path("response"), place.path("kept")).unwrap();
    let run = place.sign(&request);
    run.refused(7, "exchange.answered");
    assert!(place.last_entry().contains("exchange.answered"));
    assert_eq!(place.certificates(), 2);
    // The answer is there, where the message says.
    let kept = format!("root/exchanges/{}.response.pem", request.nonce());
    assert!(run.error()["next"].as_str().unwrap().contains(&kept), "{run:?}");
    assert_eq!(place.read(&kept), place.read("kept"));
}

#[test]
fn r_09_a_nonce_is_used_once() {
    let place = Place::with_root("1");
    let sub_ca = SubCa::new(Curve::P256);
    let first = sub_ca.request(PROFILE);
    let same_nonce = |profile| sub_ca.request_with(profile, |parts| parts.nonce = *first.nonce());
    // Taken up, and refused by the chain: the nonce is used all the same.
    place.sign(&same_nonce("root-s1")).refused(4, "profile.unknown");
    place.sign(&same_nonce(PROFILE)).refused(7, "exchange.nonce-reused");
    assert_eq!(place.certificates(), 1);
}

#[test]
fn a_stale_request_is_refused() {
    let place = Place::with_root("1");
    let made_at = |created: i64| {
        let created = UnixTime::from_seconds(created);
        SubCa::new(Curve::P256).request_with(PROFILE, |parts| parts.created = created)
    };
    place.sign(&made_at(NOW - 14 * DAY - 1)).refused(4, "exchange.stale");
    place.sign(&made_at(NOW + DAY + 1)).refused(4, "exchange.future");
    place.sign(&made_at(NOW - 14 * DAY)).ok();
}

#[test]
fn a_sub_ca_is_not_signed_before_the_root_is_valid() {
    let place = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request(PROFILE);
    place.sign_at(&request, "2026-11-21T09:59:59Z").refused(4, "issuer.window-closed");
    place.sign(&request).ok();
}

#[test]
fn a_certification_request_signed_by_another_key_is_refused() {
    let place = Place::with_root("1");
    let (own, other) = (SubCa::new(Curve::P256), SubCa::new(Curve::P256));
    // The message is signed rightly; the certification request in it is not.
    let request = own.request_with(PROFILE, |parts| {
        let info = to_be_signed(parts.csr.der()).unwrap();
        let forged = assemble(info, &other.sign(&other.key().key_ref(), info).unwrap()).unwrap();
        parts.csr = CertificationRequest::from_der(&forged).unwrap();
    });
    place.sign(&request).refused(4, "pop.invalid");
}

#[test]
fn show_says_in_words_what_is_in_a_request_and_a_response() {
    let place = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request(PROFILE);
    place.sign(&request).ok();
    let shown = place.run(["show", "request"]).ok().out;
    for part in ["Request for", "CN=Example Sub-CA G1", PROFILE, "P-256", "2026-12-05T10:00:00Z"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let last = shown.lines().rfind(|line| line.contains("SHA-256")).unwrap();
    let digest: String = last.split("SHA-256").nth(1).unwrap().split(' ').collect();
    assert_eq!(digest, hex::encode(request.digest()));
    let shown = place.run(["show", "--json", "response"]).ok().json();
    assert!(shown["kind"].as_str().unwrap().starts_with("Response"), "{shown}");
    place.run(["show", "--json", "pass"]).refused(2, "file.unknown");
}

#[test]
fn r_05_a_draft_that_breaks_a_rule_is_not_signed() {
    let place = Place::with_root("1");
    // The country is a rule of the linter, which the request alone does not break.
    let parts = [(oid::COUNTRY_NAME, "zz"), (oid::COMMON_NAME, "Sub")];
    let subject = DistinguishedName::from_attributes(&parts).unwrap();
    let sub_ca = SubCa::new(Curve::P256);
    let csr = ca_core::exchange::certification_request(&subject, &sub_ca.key().key_ref(), &sub_ca).unwrap();
    let request = sub_ca.request_with(PROFILE, |parts| {
        parts.subject = subject;
        parts.csr = csr;
    });
    place.sign(&request).refused(4, "lint.failed");
    assert!(place.last_entry().contains("lint.failed"));
    assert_eq!((place.certificates(), place.path("response").exists()), (1, false));
}

#[test]
fn r_17_what_no_sub_ca_may_be_is_refused() {
    let place = Place::new();
    place.init("1", &["--profile", "root-30y"]).ok();
    // A responder's profile, and that of a root.
    for profile in ["ocsp-s1", "est-tls-s1", "root-s1"] {
        place.sign(&SubCa::new(Curve::P256).request(profile)).refused(4, "profile.unknown");
    }
    // Extensions that the profile does not give: OCSPSigning, another path length, another usage.
    place.openssl_ok("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out sub.key");
    let sub_ca = SubCa::from_pkcs8_pem(&String::from_utf8(place.read("sub.key")).unwrap());
    let subject = "/C=ZZ/O=Example Utility/CN=Example Sub-CA G1".replace(' ', "\u{a0}");
    for extension in [
        "extendedKeyUsage=OCSPSigning",
        "basicConstraints=critical,CA:true,pathlen:1",
        "keyUsage=critical,digitalSignature",
    ] {
        let arguments =
            format!("req -new -key sub.key -utf8 -subj {subject} -addext {extension} -out sub.csr");
        let arguments: Vec<String> = arguments.split(' ').map(|word| word.replace('\u{a0}', " ")).collect();
        let mut tool = std::process::Command::new("openssl");
        assert!(tool.args(arguments).current_dir(place.path("")).output().unwrap().status.success());
        let request = sub_ca.request_with("sub-operational-s1", |parts| {
            parts.csr = csr(&place.read("sub.csr"));
        });
        place.sign(&request).refused(4, "csr.extension");
    }
    // A validity beyond that of the root.
    let request = sub_ca.request_with("sub-operational-s1", |parts| {
        parts.created = UnixTime::from_seconds(NOW + 20 * 365 * DAY);
    });
    place.sign_at(&request, &request.created().to_string()).refused(4, "validity.exceeds-issuer");
    assert_eq!((place.certificates(), place.path("response").exists()), (1, false));
}

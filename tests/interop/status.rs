//! OCSP and CRLs, asked for and judged by OpenSSL and GnuTLS. RFC 6960, RFC 9654, RFC 5280 §5.

use std::path::{Path, PathBuf};

use e2e::fleet::Meter;
use e2e::peer::{curl, make_key, path};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, openssl, run};

use crate::chosen::{FLEET, authorities};
use crate::relying::Relying;

/// A serial number that the random part of ours makes as good as impossible.
const NEVER_ISSUED: &str = "0x0102030405060708090A0B0C0D0E0F10";

/// An authority of the fleet with a certificate that is good and one that is revoked.
struct Scene {
    relying: Relying,
    good: PathBuf,
    revoked: PathBuf,
}

/// One scene in each suite.
fn scenes(rehearsal: &Rehearsal) -> [Scene; 2] {
    FLEET.map(|(title, suite)| {
        let meter = Meter::new(rehearsal, title, suite);
        let revoked = meter.held("meter-op-ka");
        rehearsal.revoke(&revoked.serial(), "keyCompromise");
        Scene {
            relying: Relying::on(rehearsal, &format!("dso-operational-{}", suite.suffix())),
            good: meter.held("meter-op-tls").certificate,
            revoked: revoked.certificate,
        }
    })
}

/// Asks by OpenSSL, which sends a nonce unless told otherwise; returns what it said once it has verified the response.
#[track_caller]
fn ask(rehearsal: &Rehearsal, relying: &Relying, arguments: &[&str]) -> Said {
    let url = format!("{}/ocsp", rehearsal.status());
    let said = ask_whatever(relying, &[arguments, &["-url", &url]].concat()).ok();
    assert!(said.err.contains("Response verify OK"), "{}", said.all());
    assert!(!said.all().contains("WARNING"), "{}", said.all());
    said
}

fn ask_whatever(relying: &Relying, arguments: &[&str]) -> Said {
    let (root, authority) = (path(&relying.root), path(&relying.authority));
    let fixed = ["ocsp", "-CAfile", &root, "-verify_other", &authority, "-issuer", &authority];
    openssl(fixed.iter().chain(arguments))
}

#[test]
fn openssl_hears_good_revoked_and_unknown_by_sha_1_and_sha_256_with_its_nonce() {
    let rehearsal = Rehearsal::start(2);
    for Scene { relying, good, revoked } in scenes(&rehearsal) {
        let (good, revoked) = (path(&good), path(&revoked));
        for hash in ["-sha1", "-sha256"] {
            let said = ask(&rehearsal, &relying, &[hash, "-cert", &good]);
            assert!(said.out.contains(&format!("{good}: good\n")), "{}", said.out);
            let said = ask(&rehearsal, &relying, &[hash, "-cert", &revoked]);
            assert!(said.out.contains(&format!("{revoked}: revoked\n")), "{}", said.out);
            assert!(said.out.contains("Reason: keyCompromise\n"), "{}", said.out);
            let said = ask(&rehearsal, &relying, &[hash, "-serial", NEVER_ISSUED]);
            assert!(said.out.contains(&format!("{NEVER_ISSUED}: unknown\n")), "{}", said.out);
        }
    }
}

// RFC 6960 §4.4.1, RFC 9654 §2: the nonce of the request stands in the response; without one there is none.
#[test]
fn the_nonce_comes_back_exactly_when_one_was_sent() {
    let rehearsal = Rehearsal::start(2);
    for Scene { relying, good, .. } in scenes(&rehearsal) {
        let good = path(&good);
        let said = ask(&rehearsal, &relying, &["-cert", &good, "-text"]);
        let nonces: Vec<&str> = nonces(&said.out);
        assert_eq!(nonces.len(), 2, "in request and response: {}", said.out);
        assert_eq!(nonces[0], nonces[1]);
        let said = ask(&rehearsal, &relying, &["-no_nonce", "-cert", &good, "-text"]);
        assert!(!said.out.contains("OCSP Nonce"), "{}", said.out);
    }
}

fn nonces(text: &str) -> Vec<&str> {
    text.split("OCSP Nonce:").skip(1).filter_map(|rest| rest.lines().nth(1)).map(str::trim).collect()
}

#[test]
fn one_request_may_ask_for_several_certificates() {
    let rehearsal = Rehearsal::start(2);
    for Scene { relying, good, revoked } in scenes(&rehearsal) {
        let (good, revoked) = (path(&good), path(&revoked));
        let asked = ["-cert", &good, "-cert", &revoked, "-serial", NEVER_ISSUED];
        let said = ask(&rehearsal, &relying, &asked);
        for line in
            [format!("{good}: good"), format!("{revoked}: revoked"), format!("{NEVER_ISSUED}: unknown")]
        {
            assert!(said.out.contains(&format!("{line}\n")), "{}", said.out);
        }
    }
}

// RFC 6960 §2.3: unauthorized, where the responder does not speak for the issuer.
#[test]
fn the_responder_says_nothing_for_an_issuer_that_it_does_not_speak_for() {
    let rehearsal = Rehearsal::start(1);
    let relying = Relying::on(&rehearsal, "dso-operational-s1");
    let (root, authority) = (path(&relying.root), path(&relying.authority));
    let url = format!("{}/ocsp", rehearsal.status());
    let said = openssl(["ocsp", "-CAfile", &root, "-issuer", &root, "-cert", &authority, "-url", &url]);
    assert!(said.all().contains("Responder Error: unauthorized (6)"), "{}", said.all());
}

#[test]
fn gnutls_hears_good_revoked_and_unknown_with_its_nonce() {
    let rehearsal = Rehearsal::start(2);
    for Scene { relying, good, revoked } in scenes(&rehearsal) {
        let stranger = stranger(&rehearsal, &relying);
        for (certificate, status) in [(&good, "good"), (&revoked, "revoked"), (&stranger, "unknown")] {
            let said = ask_by_gnutls(&rehearsal, &relying, certificate).ok();
            assert!(said.out.contains(&format!("Certificate Status: {status}\n")), "{status}: {}", said.out);
            assert!(said.out.contains("Verifying OCSP Response: Success."), "{}", said.out);
            assert!(said.out.contains("Nonce: "), "{}", said.out);
        }
    }
}

fn ask_by_gnutls(rehearsal: &Rehearsal, relying: &Relying, certificate: &Path) -> Said {
    let (issuer, certificate) = (path(&relying.authority), path(certificate));
    let url = format!("--ask={}/ocsp", rehearsal.status());
    let out = path(&rehearsal.unique("ocsp.der"));
    let who = ["--load-issuer", &issuer, "--load-cert", &certificate, "--load-trust", &issuer];
    run("ocsptool", [&url, "--nonce", "--outfile", &out].iter().chain(&who))
}

/// A certificate that bears the authority's name as issuer and was never issued by it.
fn stranger(rehearsal: &Rehearsal, relying: &Relying) -> PathBuf {
    let (key, certificate) = (rehearsal.unique("stranger.key"), rehearsal.unique("stranger.pem"));
    make_key(&key, "P-256");
    let name = e2e::peer::field(&relying.authority, "-subject");
    let subject: String = name.split(',').rev().map(|part| format!("/{part}")).collect();
    let (key, out) = (path(&key), path(&certificate));
    let fixed = ["req", "-x509", "-new", "-utf8", "-key", &key, "-subj", &subject, "-days", "9"];
    drop(openssl(fixed.iter().chain(&["-set_serial", NEVER_ISSUED, "-out", &out])).ok());
    certificate
}

// RFC 6960 App. A.1, RFC 5019 §5, §6: by GET, what caches need.
#[test]
fn a_request_by_get_is_answered_with_what_caches_need() {
    let rehearsal = Rehearsal::start(2);
    for Scene { relying, good, revoked } in scenes(&rehearsal) {
        for (certificate, status) in [(path(&good), "good"), (path(&revoked), "revoked")] {
            let (request, response) = (rehearsal.unique("request.der"), rehearsal.unique("response.der"));
            let (file, response_file) = (path(&request), path(&response));
            drop(ask_whatever(&relying, &["-no_nonce", "-cert", &certificate, "-reqout", &file]));
            let answer =
                curl(&rehearsal, &by_get(&rehearsal, &std::fs::read(&request).unwrap()), &[] as &[&str]);
            assert_eq!(answer.status, 200);
            assert_eq!(answer.field("Content-Type"), Some("application/ocsp-response"));
            for field in ["ETag", "Last-Modified", "Expires", "Cache-Control"] {
                assert!(answer.field(field).is_some(), "{field} is missing: {}", answer.head);
            }
            std::fs::write(&response, answer.body).unwrap();
            let said =
                ask_whatever(&relying, &["-no_nonce", "-cert", &certificate, "-respin", &response_file]);
            assert!(said.err.contains("Response verify OK"), "{}", said.all());
            assert!(said.out.contains(&format!("{certificate}: {status}\n")), "{}", said.out);
        }
    }
}

fn by_get(rehearsal: &Rehearsal, request: &[u8]) -> String {
    let text = e2e::peer::encoded(request).replace('\n', "");
    let text = text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("{}/ocsp/{text}", rehearsal.status())
}

#[test]
fn openssl_and_gnutls_verify_every_crl() {
    let rehearsal = Rehearsal::start(2);
    for name in authorities(&rehearsal) {
        let relying = Relying::on(&rehearsal, &name);
        for (crl, issuer) in [(&relying.crl, &relying.authority), (&relying.root_crl, &relying.root)] {
            let (crl, issuer) = (path(crl), path(issuer));
            let said = openssl(["crl", "-noout", "-verify", "-CAfile", &issuer, "-in", &crl]).ok();
            assert!(said.err.contains("verify OK"), "{}", said.all());
            let checked = ["--verify-crl", "--load-ca-certificate", &issuer, "--infile", &crl];
            let said = run("certtool", checked).ok();
            assert!(said.all().contains("Verification output: Verified."), "{}", said.all());
        }
    }
}

#[test]
fn the_crl_lists_what_was_revoked_with_number_date_and_reason() {
    let rehearsal = Rehearsal::start(2);
    for Scene { relying, revoked, good } in scenes(&rehearsal) {
        let text = openssl(["crl", "-noout", "-text", "-in", &path(&relying.crl)]).ok().out;
        let entry =
            text.split("Serial Number: ").find(|entry| entry.starts_with(&e2e::peer::serial(&revoked)));
        let entry = entry.unwrap_or_else(|| panic!("the CRL does not list it: {text}"));
        assert!(entry.contains("Key Compromise"), "{entry}");
        assert!(!text.contains(&e2e::peer::serial(&good)), "{text}");
        assert!(text.contains("X509v3 CRL Number:"), "{text}");
    }
}

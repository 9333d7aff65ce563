//! pkilint over every kind of certificate, CRL and OCSP response that the system makes, and over every profile.
//!
//! Every finding counts, down to mere observations; what is waived stands in [`WAIVED`] with its reason, and a waiver that
//! waives nothing is a failure, too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use e2e::fleet::Meter;
use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{openssl, pkilint, run};
use serde_json::Value;

use crate::chosen::{FLEET, authorities, end_entities};
use crate::relying::Relying;

/// Findings that are no faults: the program that finds, the code, and why it is waived.
const WAIVED: [(&str, &str, &str); 3] = [
    (
        CERTIFICATE,
        "pkix.subject_key_identifier_method_1_identified",
        "an observation: the key identifier is made by method (1) of RFC 5280 §4.2.1.2, as it is meant to be",
    ),
    (
        CERTIFICATE,
        "pkix.invalid_domain_name_syntax",
        "the EST server of a rehearsal is called localhost, a host name without a domain",
    ),
    (
        PATH,
        "pkix.certificate_has_no_certificate_policies_extension",
        "an observation: servers and OCSP responders are certified under no policy, and no path asks for one",
    ),
];

/// What is waived for the golden vectors: no server called localhost is among them.
const WAIVED_IN_VECTORS: [&str; 1] = [WAIVED[0].1];

const CERTIFICATE: &str = "lint_pkix_cert";
const PATH: &str = "lint_pkix_signer_signee_cert_chain";
const CRL: &str = "lint_crl";
const OCSP: &str = "lint_ocsp_response";

/// What one of pkilint's programs found.
struct Findings {
    program: &'static str,
    waived: BTreeSet<&'static str>,
    standing: Vec<String>,
    looked_at: usize,
}

impl Findings {
    const fn of(program: &'static str) -> Self {
        Self { program, waived: BTreeSet::new(), standing: Vec::new(), looked_at: 0 }
    }

    /// Lints one document.
    #[track_caller]
    fn look(&mut self, what: &str, arguments: &[&str]) {
        let fixed = ["lint", "-s", "DEBUG", "-f", "JSON"];
        let said = run(&pkilint(self.program).to_string_lossy(), fixed.iter().chain(arguments));
        // The exit code counts findings; only what is said tells a document without findings from one that was not read.
        let report: Value =
            serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{what}: {}", said.all()));
        let results = report["results"].as_array().unwrap_or_else(|| panic!("{what}: {}", said.out));
        self.looked_at += 1;
        for result in results {
            for finding in result["finding_descriptions"].as_array().into_iter().flatten() {
                self.judge(what, &result["node_path"], finding);
            }
        }
    }

    fn judge(&mut self, what: &str, place: &Value, finding: &Value) {
        let waiver =
            WAIVED.iter().find(|(program, code, _)| *program == self.program && finding["code"] == *code);
        match waiver {
            Some((_, code, _)) => drop(self.waived.insert(code)),
            None => self.standing.push(format!("{what}: {place}: {finding}")),
        }
    }

    /// Asserts that nothing stands, that every waiver was needed, and that so many documents were looked at.
    #[track_caller]
    fn nothing_stands(self, documents: usize) {
        let waivers = WAIVED.iter().filter(|(program, ..)| *program == self.program);
        let codes: Vec<&str> = waivers.map(|(_, code, _)| *code).collect();
        self.nothing_stands_beside(&codes, documents);
    }

    #[track_caller]
    fn nothing_stands_beside(self, codes: &[&str], documents: usize) {
        assert!(self.standing.is_empty(), "{}", self.standing.join("\n"));
        let waived: Vec<&str> = self.waived.into_iter().collect();
        let codes: Vec<&str> = codes.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        assert_eq!(waived, codes, "every waiver waives something");
        assert_eq!(self.looked_at, documents, "documents looked at");
    }
}

#[test]
fn pkilint_finds_no_fault_in_certificates_of_any_kind_that_is_issued() {
    let rehearsal = Rehearsal::start(2);
    let mut findings = Findings::of(CERTIFICATE);
    for one in end_entities(&rehearsal) {
        findings.look(&one.what, &[&path(&one.certificate)]);
    }
    for entry in std::fs::read_dir(rehearsal.state("authorities")).unwrap() {
        let file = path(&entry.unwrap().path());
        findings.look(&file, &[&file]);
    }
    // Meters, servers and responders; authorities and roots.
    findings.nothing_stands((12 + 2 + 7) + (7 + 4));
}

#[test]
fn pkilint_finds_no_fault_between_issuers_and_what_they_issued() {
    let rehearsal = Rehearsal::start(2);
    let mut findings = Findings::of(PATH);
    let all = end_entities(&rehearsal);
    for name in authorities(&rehearsal) {
        let relying = Relying::on(&rehearsal, &name);
        let (root, authority) = (path(&relying.root), path(&relying.authority));
        findings.look(&name, &[&root, &authority]);
        for one in all.iter().filter(|one| one.issuer == name) {
            findings.look(&one.what, &[&authority, &path(&one.certificate)]);
        }
    }
    findings.nothing_stands(7 + 21);
}

#[test]
fn pkilint_finds_no_fault_in_crls_with_and_without_entries() {
    let rehearsal = Rehearsal::start(2);
    let mut findings = Findings::of(CRL);
    for name in authorities(&rehearsal) {
        let relying = Relying::on(&rehearsal, &name);
        findings.look(&name, &["-t", "CRL", "-p", "PKIX", &path(&relying.crl)]);
        findings.look(&name, &["-t", "ARL", "-p", "PKIX", &path(&relying.root_crl)]);
    }
    findings.nothing_stands(14);
}

/// Lints one CRL of an online authority.
#[track_caller]
pub(crate) fn crl_stands(what: &str, crl: &Path) {
    let mut findings = Findings::of(CRL);
    findings.look(what, &["-t", "CRL", "-p", "PKIX", &path(crl)]);
    findings.nothing_stands(1);
}

#[test]
fn pkilint_finds_no_fault_in_ocsp_responses_of_every_status() {
    let rehearsal = Rehearsal::start(2);
    let mut findings = Findings::of(OCSP);
    for (title, suite) in FLEET {
        let meter = Meter::new(&rehearsal, title, suite);
        let revoked = meter.held("meter-op-ka");
        rehearsal.revoke(&revoked.serial(), "superseded");
        let relying = Relying::on(&rehearsal, &format!("dso-operational-{}", suite.suffix()));
        let (good, revoked) = (path(&meter.held("meter-op-tls").certificate), path(&revoked.certificate));
        let questions: [&[&str]; 5] = [
            &["-cert", &good],
            &["-sha256", "-cert", &good, "-no_nonce"],
            &["-cert", &revoked],
            &["-serial", "0x0102030405060708090A0B0C0D0E0F10"],
            &["-cert", &good, "-cert", &revoked, "-serial", "0x01"],
        ];
        for question in questions {
            let response = ocsp_response(&rehearsal, &relying, question);
            findings.look(&format!("{question:?}"), &[&path(&response)]);
        }
    }
    findings.nothing_stands(10);
}

// RFC 6960 §2.2, §4.4.8: what was never issued is on hold since 1970, and the answer says that it may say so.
#[test]
fn pkilint_finds_no_fault_where_what_was_never_issued_is_extended_revoked() {
    let mut rehearsal = Rehearsal::renewing_at_any_time(1, core::convert::identity);
    rehearsal.stop();
    let profile = rehearsal.state("profiles/ocsp-online.toml");
    let text = std::fs::read_to_string(&profile).expect("the profile");
    std::fs::write(&profile, format!("{text}never_issued = \"extended-revoked\"\n"))
        .expect("it can be written");
    rehearsal.serve();
    let relying = Relying::on(&rehearsal, "dso-operational-s1");
    let never = ["-serial", "0x0102030405060708090A0B0C0D0E0F10"];
    let response = ocsp_response(&rehearsal, &relying, &never);
    let said = openssl(["ocsp", "-respin", &path(&response), "-noverify", "-text"]).ok().out;
    for told in ["Cert Status: revoked", "Revocation Time: Jan  1 00:00:00 1970 GMT", "certificateHold"] {
        assert!(said.contains(told), "{told}: {said}");
    }
    let mut findings = Findings::of(OCSP);
    findings.look("extended-revoked", &[&path(&response)]);
    let good = Meter::new(&rehearsal, FLEET[0].0, FLEET[0].1).held("meter-op-tls").certificate;
    let both = ocsp_response(&rehearsal, &relying, &["-cert", &path(&good), never[0], never[1]]);
    findings.look("good and extended-revoked", &[&path(&both)]);
    findings.nothing_stands(2);
}

fn ocsp_response(rehearsal: &Rehearsal, relying: &Relying, question: &[&str]) -> PathBuf {
    let response = rehearsal.unique("response.der");
    let (root, authority, out) = (path(&relying.root), path(&relying.authority), path(&response));
    let url = format!("{}/ocsp", rehearsal.status());
    let whom = ["ocsp", "-url", &url, "-CAfile", &root, "-verify_other", &authority, "-issuer", &authority];
    drop(openssl(whom.iter().chain(question).chain(&["-respout", &out])).ok());
    response
}

/// The golden vectors are what a certificate of each profile has to be signed: they are linted with a signature that is
/// none. pkilint verifies a signature only where issuer and subject are one, so the roots are left to the tests above; the
/// suites differ in nothing else that it looks at, so one of them is enough.
#[test]
fn pkilint_finds_no_fault_in_the_golden_vector_of_any_profile() {
    let folder = e2e::ground::directory();
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/golden");
    let mut findings = Findings::of(CERTIFICATE);
    let mut count = 0;
    for entry in std::fs::read_dir(vectors).unwrap() {
        let vector = entry.unwrap().path();
        let name = vector.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with("-s1.der") && !name.starts_with("root") {
            let certificate = folder.path().join(&name);
            std::fs::write(&certificate, signed(std::fs::read(&vector).unwrap())).unwrap();
            findings.look(&name, &[&path(&certificate)]);
            count += 1;
        }
    }
    assert!(count >= 30, "only {count} vectors were found");
    findings.nothing_stands_beside(&WAIVED_IN_VECTORS, count);
}

/// `Certificate { tbsCertificate, signatureAlgorithm, signatureValue }` (RFC 5280 §4.1), ecdsa-with-SHA256 with r = s = 1.
fn signed(tbs: Vec<u8>) -> Vec<u8> {
    let algorithm = [0x30, 10, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2];
    let signature = [3, 9, 0, 0x30, 6, 2, 1, 1, 2, 1, 1];
    let content = [tbs, algorithm.to_vec(), signature.to_vec()].concat();
    let length = u16::try_from(content.len()).expect("a certificate is short").to_be_bytes();
    [vec![0x30, 0x82], length.to_vec(), content].concat()
}

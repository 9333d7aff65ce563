//! Responder certificates: renewed by themselves, and never one that does not fit. O-10, by the program and a clock that is set.

use std::path::PathBuf;

use e2e::clock::WallClock;
use e2e::peer::{path, serial, to_pem};
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;

const DAY: i64 = 86_400;
const AUTHORITY: &str = "dso-operational-s1";

/// The responder certificate of the authority, on file.
fn file(rehearsal: &Rehearsal, authority: &str) -> PathBuf {
    let view = rehearsal.operator_json(&["ca", "show", authority]);
    rehearsal.state(&format!("published/{}.ocsp.cer", view["key"].as_str().expect("a key")))
}

/// Its serial number.
fn number(rehearsal: &Rehearsal, file: &std::path::Path) -> String {
    let pem = rehearsal.unique("responder.pem");
    to_pem(file, &pem);
    serial(&pem)
}

fn is_valid_for(rehearsal: &Rehearsal, file: &std::path::Path, seconds: i64) -> bool {
    let pem = rehearsal.unique("responder.pem");
    to_pem(file, &pem);
    openssl(["x509", "-noout", "-checkend", &seconds.to_string(), "-in", &path(&pem)]).success
}

#[test]
fn o_10_a_responder_certificate_is_renewed_at_half_of_its_life_and_when_it_is_over() {
    let mut rehearsal = Rehearsal::start(1);
    let file = file(&rehearsal, AUTHORITY);
    let first = number(&rehearsal, &file);
    rehearsal.stop();
    let clock = WallClock::new(&mut rehearsal);
    // 14 days: six of them are less than half, eight are more, and thirty more are over.
    clock.set_by(6 * DAY);
    rehearsal.serve();
    assert_eq!(number(&rehearsal, &file), first);
    rehearsal.stop();
    clock.set_by(2 * DAY);
    rehearsal.serve();
    let second = number(&rehearsal, &file);
    assert_ne!(second, first);
    assert!(is_valid_for(&rehearsal, &file, 21 * DAY), "from the eighth day on, for fourteen");
    rehearsal.stop();
    clock.set_by(20 * DAY);
    rehearsal.serve();
    assert_ne!(number(&rehearsal, &file), second);
    assert!(is_valid_for(&rehearsal, &file, 41 * DAY));
    let log = rehearsal.log();
    assert!(log.contains("the responder certificate on file is not used"), "what is over is told of: {log}");
}

#[test]
fn o_10_a_responder_certificate_of_another_issuer_or_no_certificate_is_told_of_and_replaced() {
    let mut rehearsal = Rehearsal::start(1);
    let (own, other) = (file(&rehearsal, AUTHORITY), file(&rehearsal, "dso-infra-s1"));
    rehearsal.stop();
    for foreign in [std::fs::read(&other).unwrap(), b"no certificate".to_vec()] {
        std::fs::write(&own, &foreign).unwrap();
        rehearsal.serve();
        assert_ne!(std::fs::read(&own).unwrap(), foreign);
        assert!(is_valid_for(&rehearsal, &own, 13 * DAY));
        assert!(rehearsal.log().contains("the responder certificate on file is not used"));
        rehearsal.stop();
    }
}

// Signing answers is no purpose of these, or not the only usage: the authority issues what the profile says, and it is not used.
#[test]
fn o_10_a_server_whose_responder_certificates_would_not_fit_does_not_start() {
    let mut rehearsal = Rehearsal::start(1);
    let files: Vec<PathBuf> = vec![file(&rehearsal, AUTHORITY)];
    rehearsal.stop();
    rehearsal.configure("unfit.toml", |text| {
        text.replace("responder_profile = \"ocsp-s1\"", "responder_profile = \"log-signer-s1\"")
    });
    for file in &files {
        std::fs::remove_file(file).unwrap();
    }
    let (code, said) = rehearsal.serve_to_its_end();
    assert_ne!(code, Some(0));
    assert!(said.contains("ocsp.responder") || said.contains("responder"), "{said}");
    assert!(files.iter().all(|file| !file.exists()), "nothing unfit is kept");
}

//! A relying party in Python: the package `cryptography` asks OCSP, reads CRLs, and checks the signatures of both.

use std::path::Path;

use e2e::fleet::{Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{pkilint, run};

use crate::chosen::FLEET;
use crate::relying::{Relying, fetch};
use crate::scopes::{AUTHORITY, Pointed, begin};

/// Runs the reader in the environment that has the package, and returns its lines.
#[track_caller]
fn read(arguments: &[&str]) -> Vec<String> {
    let program = path(&Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/read_status.py"));
    let said = run(&path(&pkilint("python")), [&[program.as_str()], arguments].concat()).ok();
    said.out.lines().map(|line| line.trim().to_owned()).collect()
}

// RFC 6960 §3.2, RFC 9654 §2: the signature, the responder, the nonce and the times are checked by the reader.
#[test]
fn python_asks_and_checks_good_revoked_and_unknown_by_sha_1_and_sha_256_with_its_nonce() {
    let rehearsal = Rehearsal::start(2);
    let url = format!("{}/ocsp", rehearsal.status());
    for (title, suite) in FLEET {
        let meter = Meter::new(&rehearsal, title, suite);
        let (good, revoked) = (meter.held("meter-op-tls").serial(), meter.held("meter-op-ka").serial());
        rehearsal.revoke(&revoked, "keyCompromise");
        let relying = Relying::on(&rehearsal, &format!("dso-operational-{}", suite.suffix()));
        let issuer = path(&relying.authority);
        let ask = |serial: &str, hash: &str| read(&["ocsp", &url, &issuer, serial, hash]);
        for hash in ["sha1", "sha256"] {
            assert_eq!(ask(&good, hash), ["status GOOD"]);
            assert_eq!(ask(&revoked, hash), ["status REVOKED key_compromise"]);
            assert_eq!(ask("0102030405060708090A0B0C0D0E0F10", hash), ["status UNKNOWN"]);
        }
        let crl = read(&["crl", &issuer, &path(&fetch(&rehearsal, &crl_uri(&rehearsal, suite)))]);
        assert!(crl[0].starts_with("number "), "{crl:?}");
    }
}

fn crl_uri(rehearsal: &Rehearsal, suite: Suite) -> String {
    let view = rehearsal.operator_json(&["ca", "show", &format!("dso-operational-{}", suite.suffix())]);
    view["crl_uri"].as_str().expect("a CRL").to_owned()
}

// RFC 5280 §5.2.4, §5.2.5, §5.2.6.
#[test]
fn python_reads_shard_and_delta_with_their_extensions() {
    let rehearsal = begin();
    let held = Pointed::issue(&rehearsal, "Held");
    let relying = Relying::on(&rehearsal, AUTHORITY);
    let issuer = path(&relying.authority);
    eventually("the shard is published", || {
        (e2e::peer::curl(&rehearsal, &held.delta, &[] as &[&str]).status == 200).then_some(())
    });
    let look = |uri: &str| read(&["crl", &issuer, &path(&fetch(&rehearsal, uri))]);
    drop(rehearsal.operator_json(&["cert", "revoke", &held.serial, "--reason", "superseded"]));
    let serial = held.serial.trim_start_matches('0');
    let entry = format!("entry {serial} superseded");
    let delta =
        eventually("the delta lists it", || Some(look(&held.delta)).filter(|said| said.contains(&entry)));
    let base = look(&held.crl);
    let number = base[0].strip_prefix("number ").expect("a number");
    let point = format!("point {} critical", held.crl);
    assert_eq!(delta[1..3], [format!("base {number} critical"), point.clone()], "{delta:?}");
    assert_eq!(base[1..], [point, format!("freshest {}", held.delta)], "{base:?}");
    assert_eq!(look(&crl_of_all(&rehearsal)).iter().filter(|line| line.starts_with("point ")).count(), 0);
}

fn crl_of_all(rehearsal: &Rehearsal) -> String {
    rehearsal.operator_json(&["ca", "show", AUTHORITY])["crl_uri"].as_str().expect("a CRL").to_owned()
}

//! The ownership swap: from the manufacturer's certificates to the owner's.

use e2e::peer::{Shown, encoded, enrol, make_key, make_request, post, to_pem};
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;

/// A meter of the rehearsal's fleet that has been swapped; its factory TLS credential is still in its memory.
fn factory_credential(rehearsal: &Rehearsal, title: &str) -> Shown {
    let memory = rehearsal.state("fleet").join(title);
    let certificates = rehearsal.scratch(&format!("{title}-factory.pem"));
    let key = rehearsal.scratch(&format!("{title}-factory.key"));
    to_pem(&memory.join("meter-factory-tls.cer"), &certificates);
    let der = memory.join("meter-factory-tls.key");
    let _ = openssl(["pkey", "-inform", "DER", "-in", &der.to_string_lossy(), "-out", &key.to_string_lossy()]).ok();
    Shown::Certificate { certificates, key }
}

#[test]
fn a_device_that_is_not_on_the_list_is_refused_and_leaves_one_audit_record() {
    let rehearsal = Rehearsal::start(2);
    let key = rehearsal.scratch("stranger.key");
    make_key(&key, "P-256");
    let request = make_request(&key, "/CN=4D504B01000000FF", "sha256", &[]);
    let shown = factory_credential(&rehearsal, "4D504B0100000000");
    let before = rehearsal.operator_json(&["audit", "verify"])["records"].as_u64().unwrap();
    let url = format!("{}/simpleenroll", rehearsal.est("meter-op-ds-s1"));
    let answer = post(&rehearsal, &url, "application/pkcs10", encoded(&request).as_bytes(), &shown);
    assert_eq!(answer.status, 403, "{}", answer.text());
    let after = rehearsal.operator_json(&["audit", "verify"])["records"].as_u64().unwrap();
    assert_eq!(after, before + 1, "one audit record tells of the refusal");
}

#[test]
fn a_slot_that_is_taken_is_refused_with_409_and_a_repeated_request_gets_the_same_certificate() {
    let rehearsal = Rehearsal::start(2);
    let title = "4D504B0100000000";
    let shown = factory_credential(&rehearsal, title);
    let key = rehearsal.scratch("again.key");
    make_key(&key, "P-256");
    let request = make_request(&key, &format!("/CN={title}"), "sha256", &[]);
    let url = format!("{}/simpleenroll", rehearsal.est("meter-op-ka-s1"));
    let answer = post(&rehearsal, &url, "application/pkcs10", encoded(&request).as_bytes(), &shown);
    assert_eq!(answer.status, 409, "{}", answer.text());
    let first = std::fs::read(rehearsal.state("fleet").join(title).join("meter-op-ka.csr")).unwrap();
    let again = rehearsal.scratch("repeated.pem");
    enrol(&rehearsal, "meter-op-ka-s1", &first, &shown, &again);
    let held = rehearsal.scratch("held.pem");
    to_pem(&rehearsal.state("fleet").join(title).join("meter-op-ka.cer"), &held);
    let text = |path: &std::path::Path| openssl(["x509", "-in", &path.to_string_lossy(), "-outform", "PEM"]).ok().out;
    assert_eq!(text(&again), text(&held));
}

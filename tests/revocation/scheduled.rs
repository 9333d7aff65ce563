//! Revocations that are due later: by an operator's word, and of what was replaced.

use e2e::fleet::{Credential, Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::{Operation, certificate_of, send_request};
use e2e::rehearsal::Rehearsal;
use e2e::tool::run;
use serde_json::Value;

use crate::{METER, is_on_crl, ocsp};

/// The time some seconds from now, as it is typed.
fn in_seconds(seconds: u32) -> String {
    run("date", ["-u", "-d", &format!("{seconds} seconds"), "+%Y-%m-%dT%H:%M:%SZ"]).ok().out.trim().to_owned()
}

fn schedule(rehearsal: &Rehearsal, serial: &str, at: &str) -> Value {
    rehearsal.operator_json(&["cert", "revoke", serial, "--reason", "superseded", "--at", at])
}

fn acts(rehearsal: &Rehearsal, serial: &str) -> Vec<String> {
    let records = rehearsal.audit_after(0);
    let of_it = records.iter().filter(|record| record["serial"] == serial);
    of_it.map(|record| record["act"].as_str().expect("an act").to_owned()).collect()
}

#[test]
fn a_certificate_is_revoked_when_it_is_due_and_not_when_that_was_taken_back() {
    let mut rehearsal = Rehearsal::start(1);
    let meter = || Meter::new(&rehearsal, METER, Suite::One);
    let (due, kept) = (meter().held("meter-op-ka"), meter().held("meter-op-tls"));
    schedule(&rehearsal, &due.serial(), &in_seconds(3_600));
    schedule(&rehearsal, &kept.serial(), &in_seconds(3_600));
    let listed = rehearsal.operator_json(&["revocation", "scheduled"]);
    assert_eq!(listed["scheduled"].as_array().map(Vec::len), Some(2), "{listed}");
    drop(rehearsal.operator(&["cert", "revoke", &kept.serial(), "--cancel"]).ok());
    let again = rehearsal.operator(&["cert", "revoke", &kept.serial(), "--cancel"]);
    assert_eq!((again.code, again.err.contains("(schedule.none)")), (Some(5), true), "{}", again.all());
    let past = ["cert", "revoke", &kept.serial(), "--reason", "superseded", "--at", "2020-01-01T00:00:00Z"];
    let past = rehearsal.operator(&past);
    assert_eq!((past.code, past.err.contains("(schedule.past)")), (Some(4), true), "{}", past.all());
    // The same command names another time; and a server that is killed meanwhile does not forget it.
    let (serial, certificate) = (due.serial(), due.certificate.clone());
    schedule(&rehearsal, &serial, &in_seconds(6));
    assert_eq!(ocsp(&rehearsal, &certificate), "good");
    let kept = kept.certificate.clone();
    rehearsal.kill();
    rehearsal.serve();
    eventually("it is revoked", || (ocsp(&rehearsal, &certificate) == "revoked").then_some(()));
    eventually("the CRL lists it", || is_on_crl(&rehearsal, &serial).then_some(()));
    assert_eq!(ocsp(&rehearsal, &kept), "good");
    let told = acts(&rehearsal, &serial);
    let told: Vec<&str> = told.iter().map(String::as_str).filter(|act| !act.starts_with("intent")).collect();
    assert_eq!(
        told,
        ["certificate-issued", "revocation-scheduled", "revocation-scheduled", "certificate-revoked"]
    );
    let listed = rehearsal.operator_json(&["revocation", "scheduled"]);
    assert_eq!(listed["scheduled"].as_array().map(Vec::len), Some(0), "{listed}");
}

#[test]
fn what_was_replaced_is_revoked_after_as_many_days_as_its_profile_says() {
    let mut rehearsal = Rehearsal::renewing_at_any_time(1, core::convert::identity);
    rehearsal.stop();
    let profile = rehearsal.state("profiles/meter-op-tls.toml");
    let text = std::fs::read_to_string(&profile).expect("the profile");
    std::fs::write(&profile, format!("{text}revoke_replaced_after_days = 0\n")).expect("it can be written");
    rehearsal.serve();
    let meter = Meter::new(&rehearsal, METER, Suite::One);
    let held = meter.held("meter-op-tls");
    let asked = meter.ask();
    let label = meter.label("meter-op-tls");
    let answer = send_request(&rehearsal, (Operation::ReEnrol, &label), &asked.request, &held.shown(), &[]);
    let new = Credential {
        certificate: certificate_of(&rehearsal, &answer),
        key: asked.key,
        request: asked.request,
    };
    eventually("the old one is revoked", || (ocsp(&rehearsal, &held.certificate) == "revoked").then_some(()));
    assert_eq!(ocsp(&rehearsal, &new.certificate), "good");
    let shown = rehearsal.operator_json(&["cert", "show", &held.serial()]);
    assert_eq!(shown["reason"], "superseded");
    assert!(acts(&rehearsal, &held.serial()).contains(&"revocation-scheduled".to_owned()));
}

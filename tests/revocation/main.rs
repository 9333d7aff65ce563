//! Revocation, from the operator's command to what relying parties hear. RFC 5280 §5, RFC 6960.

mod chapter;
mod many;
mod scheduled;
mod uncertain;

use e2e::fleet::{Asked, Credential, Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::{Answer, Operation, certificate_of, curl, enrol, make_request, path, send_request};
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;
use serde_json::Value;

/// A meter of the rehearsed fleet; its signature certificate is revoked by the rehearsal.
const METER: &str = "4D504B0100000000";

const AUTHORITY: &str = "dso-operational-s1";

/// What OCSP says of a certificate of the owner's authority at this moment.
#[track_caller]
fn ocsp(rehearsal: &Rehearsal, certificate: &std::path::Path) -> String {
    let (root, issuer) = (path(&rehearsal.authority("dso-root-s1")), path(&rehearsal.authority(AUTHORITY)));
    let (url, certificate) = (format!("{}/ocsp", rehearsal.status()), path(certificate));
    let whom = ["ocsp", "-url", &url, "-CAfile", &root, "-verify_other", &issuer, "-issuer", &issuer];
    let said = openssl(whom.iter().chain(&["-cert", &certificate])).ok();
    assert!(said.err.contains("Response verify OK"), "{}", said.all());
    let line = said.out.lines().find_map(|line| line.strip_prefix(&format!("{certificate}: ")));
    line.expect("a status").to_owned()
}

/// Tells whether the published CRL lists a serial number.
fn is_on_crl(rehearsal: &Rehearsal, serial: &str) -> bool {
    crl_text(rehearsal).contains(&format!("Serial Number: {serial}\n"))
}

fn crl_text(rehearsal: &Rehearsal) -> String {
    let uri = rehearsal.operator_json(&["ca", "show", AUTHORITY])["crl_uri"].clone();
    let answer = curl(rehearsal, uri.as_str().expect("a CRL"), &[] as &[&str]);
    let file = rehearsal.unique("crl.der");
    std::fs::write(&file, answer.body).expect("it can be written");
    openssl(["crl", "-inform", "DER", "-noout", "-text", "-in", &path(&file)]).ok().out
}

/// Why the published CRL lists a serial number, as OpenSSL prints it; nothing where it does not list it.
fn listed_for(rehearsal: &Rehearsal, serial: &str) -> Option<String> {
    let text = crl_text(rehearsal);
    let entry = text.split("Serial Number: ").find(|entry| entry.starts_with(&format!("{serial}\n")))?;
    let reason = entry.split("X509v3 CRL Reason Code:").nth(1).and_then(|rest| rest.lines().nth(1));
    Some(reason.unwrap_or_default().trim().to_owned())
}

fn revoke(rehearsal: &Rehearsal, serial: &str, reason: &str) -> Value {
    rehearsal.operator_json(&["cert", "revoke", serial, "--reason", reason])
}

#[test]
fn ocsp_says_revoked_at_once_and_the_crl_follows() {
    let rehearsal = Rehearsal::start(1);
    let held = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-ka");
    assert_eq!(ocsp(&rehearsal, &held.certificate), "good");
    assert!(!is_on_crl(&rehearsal, &held.serial()));
    let told = revoke(&rehearsal, &held.serial(), "affiliationChanged");
    assert_eq!(ocsp(&rehearsal, &held.certificate), "revoked");
    eventually("the CRL lists it", || is_on_crl(&rehearsal, &held.serial()).then_some(()));
    // What the operator was told holds: the CRL is there by the time that was named.
    let crls = rehearsal.operator_json(&["crl", "list"]);
    let crl = crls.as_array().unwrap().iter().find(|crl| crl["authority"] == AUTHORITY).unwrap();
    assert!(crl["this_update"].as_str() <= told["next_crl_by"].as_str(), "{crl} {told}");
}

// RFC 5280 §5.3.1, RFC 6960 §2.2: a certificate on hold is revoked for certificateHold; released, it is good and on no CRL; made
// final, it is revoked for its new reason since the hold. Over a kill, and with a backup's check of the whole ledger.
#[test]
fn a_certificate_on_hold_is_revoked_until_it_is_released_and_for_ever_when_it_is_made_final() {
    let mut rehearsal = Rehearsal::start(1);
    let held = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-tls");
    let (serial, certificate) = (held.serial(), held.certificate.clone());
    let meter = || Meter::new(&rehearsal, METER, Suite::One);
    let told = revoke(&rehearsal, &serial, "certificateHold");
    assert_eq!(ocsp(&rehearsal, &certificate), "revoked");
    assert_eq!(rehearsal.operator_json(&["cert", "show", &serial])["status"], "on-hold");
    let on_hold = rehearsal.operator_json(&["cert", "list", "--status", "on-hold"]);
    assert_eq!(on_hold["certificates"].as_array().map(Vec::len), Some(1), "{on_hold}");
    eventually("the CRL lists it", || (listed_for(&rehearsal, &serial)? == "Certificate Hold").then_some(()));
    // It authenticates nobody, and its place takes no other.
    let refused = meter().try_enrol("meter-op-ka", &held.shown());
    assert!(refused.text().contains("(authn.revoked)"), "{}", refused.text());
    let again = rehearsal.operator(&["cert", "revoke", &serial, "--reason", "certificateHold"]);
    assert_eq!(again.code, Some(7), "{}", again.all());

    let released = rehearsal.operator_json(&["cert", "release", &serial]);
    assert_eq!(released["held_since"], told["revoked_at"]);
    assert_eq!(ocsp(&rehearsal, &certificate), "good");
    eventually("the CRL forgets it", || (!is_on_crl(&rehearsal, &serial)).then_some(()));
    let again = rehearsal.operator(&["cert", "release", &serial]);
    assert_eq!(again.code, Some(7), "{}", again.all());
    assert!(again.err.contains("(revoke.not-on-hold)"), "{}", again.err);

    let second = revoke(&rehearsal, &serial, "certificateHold");
    rehearsal.kill();
    rehearsal.serve();
    assert_eq!(ocsp(&rehearsal, &certificate), "revoked");
    let last = revoke(&rehearsal, &serial, "keyCompromise");
    assert_eq!(last["revoked_at"], second["revoked_at"], "since the hold");
    eventually("the CRL says why", || (listed_for(&rehearsal, &serial)? == "Key Compromise").then_some(()));
    let said = rehearsal.operator(&["cert", "release", &serial]);
    assert_eq!(said.code, Some(7), "{}", said.all());
    assert!(said.err.contains("(revoke.already)"), "{}", said.err);
}

#[test]
fn a_revocation_is_on_record_with_who_when_and_why() {
    let rehearsal = Rehearsal::start(1);
    let held = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-ka");
    let before = rehearsal.audited();
    let told = revoke(&rehearsal, &held.serial(), "superseded");
    assert_eq!(told["sequence"], before + 1);
    let record = &rehearsal.audit_after(before)[0];
    assert_eq!(record["act"], "certificate-revoked");
    assert_eq!(record["reason"], "superseded");
    assert_eq!(record["serial"], held.serial());
    assert!(record["actor"].as_str().unwrap().starts_with("operator:uid-"), "{record}");
    let shown = rehearsal.operator_json(&["cert", "show", &held.serial()]);
    assert_eq!((&shown["status"], &shown["reason"]), (&"revoked".into(), &"superseded".into()));
    assert_eq!(shown["revoked_at"], told["revoked_at"]);
}

#[test]
fn the_place_of_a_revoked_certificate_is_free_for_a_new_key() {
    let rehearsal = Rehearsal::start(1);
    let meter = Meter::new(&rehearsal, METER, Suite::One);
    let held = meter.held("meter-op-ka");
    let tls = meter.held("meter-op-tls").shown();
    assert_eq!(meter.try_enrol("meter-op-ka", &tls).status, 409, "the place is taken");
    revoke(&rehearsal, &held.serial(), "superseded");
    let next: Credential = meter.enrol("meter-op-ka", &tls);
    assert_eq!(ocsp(&rehearsal, &next.certificate), "good");
    assert_eq!(ocsp(&rehearsal, &held.certificate), "revoked");
}

/// Asks for a certificate of the revoked purpose with a key of before.
fn ask_with_old_key(rehearsal: &Rehearsal, meter: &Meter<'_>, title: &str, old: &Credential) -> Answer {
    let request = make_request(&old.key, &format!("/CN={title}"), "sha256", &[]);
    enrol(rehearsal, "meter-op-ka-s1", &request, &meter.held("meter-op-tls").shown())
}

#[test]
fn a_compromised_key_is_never_certified_again_not_even_after_a_restart_or_for_another_device() {
    let mut rehearsal = Rehearsal::start(1);
    let serial = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-ka").serial();
    revoke(&rehearsal, &serial, "keyCompromise");
    for restarted in [false, true] {
        if restarted {
            rehearsal.stop();
            rehearsal.serve();
        }
        let meter = Meter::new(&rehearsal, METER, Suite::One);
        let answer = ask_with_old_key(&rehearsal, &meter, METER, &meter.held("meter-op-ka"));
        assert_eq!(answer.status, 403, "{}", answer.text());
        assert!(answer.text().contains("(key.blocked)"), "{}", answer.text());
    }
    let (other, old) = ("4D504B01000000F1", Meter::new(&rehearsal, METER, Suite::One).held("meter-op-ka"));
    rehearsal.expect_devices("dso", &[other]);
    let token = rehearsal.token(other, "meter-op-ka-s1").into();
    let request = make_request(&old.key, &format!("/CN={other}"), "sha256", &[]);
    let answer = enrol(&rehearsal, "meter-op-ka-s1", &request, &token);
    assert!(answer.text().contains("(key.blocked)"), "{}", answer.text());
    // The meter itself goes on with a new key.
    let meter = Meter::new(&rehearsal, METER, Suite::One);
    drop(meter.enrol("meter-op-ka", &meter.held("meter-op-tls").shown()));
}

#[test]
fn a_second_revocation_changes_nothing_and_ends_with_7() {
    let rehearsal = Rehearsal::start(1);
    let serial = rehearsal.text("revoked_serial").to_owned();
    let before = rehearsal.operator_json(&["cert", "show", &serial]);
    let said = rehearsal.operator(&["cert", "revoke", &serial, "--reason", "keyCompromise"]);
    assert_eq!(said.code, Some(7), "{}", said.all());
    assert!(said.err.contains("(revoke.already)"), "{}", said.err);
    assert_eq!(rehearsal.operator_json(&["cert", "show", &serial]), before, "first time and reason stay");
}

#[test]
fn what_cannot_be_revoked_ends_with_the_code_of_its_reason() {
    let rehearsal = Rehearsal::start(1);
    let good = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-ka").serial();
    let before = rehearsal.operator_json(&["cert", "show", &good]);
    let cases: [(&[&str], i32, &str); 5] = [
        (&["0102030405060708090A0B0C0D0E0F10", "--reason", "superseded"], 5, "certificate.unknown"),
        (&["not-a-number", "--reason", "superseded"], 2, "serial.malformed"),
        (&[&good, "--reason", "boredom"], 2, "reason.unknown"),
        (&[&good, "--reason", "superseded", "--issuer", "nobody"], 5, "authority.unknown"),
        (&[&good, "--reason", "superseded", "--issuer", "dso-infra-s1"], 5, "certificate.unknown"),
    ];
    for (arguments, code, reason) in cases {
        let said = rehearsal.operator(&[&["cert", "revoke"], arguments].concat());
        assert_eq!(said.code, Some(code), "{}", said.all());
        assert!(said.err.contains(&format!("({reason})")), "{}", said.err);
    }
    let future = ["--reason", "keyCompromise", "--invalidity-date", "2099-01-01T00:00:00Z"];
    let said = rehearsal.operator(&[&["cert", "revoke", &good], future.as_slice()].concat());
    assert_eq!(said.code, Some(4), "{}", said.all());
    assert!(said.err.contains("(revoke.invalidity)"), "{}", said.err);
    assert_eq!(rehearsal.operator_json(&["cert", "show", &good]), before);
}

#[test]
fn a_revocation_outlives_a_kill() {
    let mut rehearsal = Rehearsal::start(1);
    let serial = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-ka").serial();
    revoke(&rehearsal, &serial, "superseded");
    // Killed before the CRL is due: what was told to the operator must hold all the same.
    rehearsal.kill();
    rehearsal.serve();
    let held = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-ka");
    assert_eq!(ocsp(&rehearsal, &held.certificate), "revoked");
    eventually("the CRL lists it after the restart", || is_on_crl(&rehearsal, &serial).then_some(()));
}

#[test]
fn what_is_enrolled_after_a_revocation_has_a_serial_number_of_its_own() {
    let rehearsal = Rehearsal::start(1);
    let meter = Meter::new(&rehearsal, METER, Suite::One);
    let tls = meter.held("meter-op-tls").shown();
    for _ in 0..3 {
        let Asked { request, .. } = meter.ask();
        let held = meter.on_record();
        let good: Vec<_> = rehearsal
            .certificates_of(METER)
            .into_iter()
            .filter(|one| one["profile"] == "meter-op-ka-s1" && one["status"] == "good")
            .collect();
        revoke(&rehearsal, good[0]["serial"].as_str().unwrap(), "superseded");
        let next = e2e::peer::serial(&certificate_of(
            &rehearsal,
            &enrol(&rehearsal, "meter-op-ka-s1", &request, &tls),
        ));
        assert!(held.iter().all(|(serial, _)| *serial != next), "{next}");
    }
}

// A profile that says so issues what no CRL lists: OCSP, the registry and the operator know it like any other. Also after a kill.
#[test]
fn a_short_lived_certificate_that_is_revoked_is_told_by_ocsp_and_stands_on_no_crl() {
    let mut rehearsal = Rehearsal::renewing_at_any_time(1, core::convert::identity);
    rehearsal.stop();
    let profile = rehearsal.state("profiles/meter-op-tls.toml");
    let text = std::fs::read_to_string(&profile).expect("the profile");
    let text = text.replace("validity_years = 5", "validity_days = 7").replace("version = 2", "version = 3");
    std::fs::write(&profile, format!("{text}short_lived = true\n")).expect("it can be written");
    rehearsal.serve();
    let meter = || Meter::new(&rehearsal, METER, Suite::One);
    let before = meter().held("meter-op-tls");
    let (asked, label) = (meter().ask(), meter().label("meter-op-tls"));
    let answer = send_request(&rehearsal, (Operation::ReEnrol, &label), &asked.request, &before.shown(), &[]);
    let short = Credential {
        certificate: certificate_of(&rehearsal, &answer),
        key: asked.key,
        request: asked.request,
    };
    let crl = |serial: &str| is_on_crl(&rehearsal, serial);
    let told = revoke(&rehearsal, &short.serial(), "keyCompromise");
    assert!(told["next_crl_by"].is_null(), "{told}");
    assert_eq!(ocsp(&rehearsal, &short.certificate), "revoked");
    // What was issued before its profile said so is listed; the CRL that lists it was made after both.
    let told = revoke(&rehearsal, &before.serial(), "superseded");
    assert!(told["next_crl_by"].is_string(), "{told}");
    eventually("the CRL lists the older one", || crl(&before.serial()).then_some(()));
    assert!(!crl(&short.serial()));
    drop(rehearsal.operator_json(&["crl", "publish", AUTHORITY]));
    assert!(!crl(&short.serial()));
    eventually("what is published agrees", || {
        rehearsal.operator(&["crl", "verify", AUTHORITY]).success.then_some(())
    });
    let (serial, certificate) = (short.serial(), short.certificate.clone());
    rehearsal.kill();
    rehearsal.serve();
    let shown = rehearsal.operator_json(&["cert", "show", &serial]);
    assert_eq!((&shown["status"], &shown["on_no_crl"]), (&"revoked".into(), &true.into()), "{shown}");
    let said = rehearsal.operator(&["cert", "show", &serial]).ok().out;
    assert!(said.contains("none lists it, it is short-lived"), "{said}");
    assert_eq!(ocsp(&rehearsal, &certificate), "revoked");
    assert!(!is_on_crl(&rehearsal, &serial));
}

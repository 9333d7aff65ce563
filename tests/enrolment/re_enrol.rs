//! Renewal of a certificate in service by `/simplereenroll`. RFC 7030 §4.2.2.

use e2e::fleet::{Meter, Suite};
use e2e::peer::{Answer, Operation, certificate_of, field, make_request, public_key, send_request};
use e2e::rehearsal::Rehearsal;

use crate::refused::refused;

/// The meters of the rehearsed fleet.
const METERS: [(&str, Suite); 2] = [("4D504B0100000000", Suite::One), ("4D504B0200000001", Suite::Two)];

/// Meters that need not wait for years.
fn renewing_at_any_time() -> Rehearsal {
    Rehearsal::renewing_at_any_time(2, core::convert::identity)
}

fn renew(rehearsal: &Rehearsal, meter: &Meter<'_>, request: &[u8], row: &str) -> Answer {
    let shown = meter.held(row).shown();
    send_request(rehearsal, (Operation::ReEnrol, &meter.label("meter-op-tls")), request, &shown, &[])
}

#[test]
fn a_certificate_in_service_is_renewed_with_a_new_key_and_renews_again() {
    let rehearsal = renewing_at_any_time();
    for (title, suite) in METERS {
        let meter = Meter::new(&rehearsal, title, suite);
        let held = meter.held("meter-op-tls");
        let asked = meter.ask();
        let renewed = certificate_of(&rehearsal, &renew(&rehearsal, &meter, &asked.request, "meter-op-tls"));
        for option in ["-subject", "-issuer", "-ext"] {
            let options = if option == "-ext" { "-ext=keyUsage,extendedKeyUsage" } else { option };
            assert_eq!(field(&renewed, options), field(&held.certificate, options), "{option}");
        }
        assert_ne!(public_key(&renewed), public_key(&held.certificate));
        let new = e2e::fleet::Credential { certificate: renewed, key: asked.key, request: asked.request };
        let label = meter.label("meter-op-tls");
        let next = meter.ask();
        let answer = send_request(&rehearsal, (Operation::ReEnrol, &label), &next.request, &new.shown(), &[]);
        drop(certificate_of(&rehearsal, &answer));
    }
}

// Case E-09.
#[test]
fn e_09_a_renewal_with_the_same_key_is_refused() {
    let rehearsal = renewing_at_any_time();
    for (title, suite) in METERS {
        let meter = Meter::new(&rehearsal, title, suite);
        let key = meter.held("meter-op-tls").key;
        let request = make_request(&key, &format!("/CN={title}"), suite.digest(), &[]);
        refused(&rehearsal, title, (400, "key.reuse"), || {
            renew(&rehearsal, &meter, &request, "meter-op-tls")
        });
    }
}

// Case E-07. RFC 7030 §4.2.2: subject and alternative names are those of the certificate.
#[test]
fn e_07_a_renewal_under_another_name_is_refused() {
    let rehearsal = Rehearsal::start(1);
    let meter = Meter::new(&rehearsal, METERS[0].0, Suite::One);
    let asked = meter.ask_as("/CN=4D504B01000000C1");
    refused(&rehearsal, "4D504B01000000C1", (403, "subject.other"), || {
        renew(&rehearsal, &meter, &asked.request, "meter-op-tls")
    });
}

// RFC 7030 §4.2.2: the certificate that is renewed need not be the one of the TLS session. The key-agreement certificate of a
// meter cannot even be shown there.
#[test]
fn a_meter_renews_each_of_its_certificates_by_showing_its_tls_certificate() {
    let rehearsal = renewing_at_any_time();
    for (title, suite) in METERS {
        let meter = Meter::new(&rehearsal, title, suite);
        let label = meter.label("meter-op-ka");
        let (asked, shown) = (meter.ask(), meter.held("meter-op-tls").shown());
        let answer = send_request(&rehearsal, (Operation::ReEnrol, &label), &asked.request, &shown, &[]);
        assert_eq!(field(&certificate_of(&rehearsal, &answer), "-subject"), format!("CN={title}"));
    }
}

// Case E-08.
#[test]
fn e_08_a_renewal_of_what_the_meter_does_not_hold_is_refused() {
    let rehearsal = Rehearsal::start(1);
    let title = "4D504B01000000C2";
    let meter = Meter::new(&rehearsal, title, Suite::One);
    meter.deliver();
    let shown = meter.enrol("meter-op-tls", &rehearsal.token(title, "meter-op-tls-s1").into()).shown();
    refused(&rehearsal, title, (403, "profile.other"), || {
        send_request(&rehearsal, (Operation::ReEnrol, "meter-op-ds-s1"), &meter.ask().request, &shown, &[])
    });
}

// Case E-02.
#[test]
fn e_02_a_revoked_certificate_renews_nothing_and_opens_nothing() {
    let rehearsal = Rehearsal::start(1);
    let (title, suite) = METERS[0];
    let meter = Meter::new(&rehearsal, title, suite);
    let held = meter.held("meter-op-tls");
    rehearsal.revoke(&held.serial(), "superseded");
    let asked = meter.ask();
    refused(&rehearsal, title, (403, "authn.revoked"), || {
        renew(&rehearsal, &meter, &asked.request, "meter-op-tls")
    });
    refused(&rehearsal, title, (403, "authn.revoked"), || meter.try_enrol("meter-op-tls", &held.shown()));
}

// Case E-10: the fleet was enrolled this minute, and its profile opens the window years later.
#[test]
fn e_10_a_renewal_out_of_season_is_refused() {
    let rehearsal = Rehearsal::start(1);
    let (title, suite) = METERS[0];
    let meter = Meter::new(&rehearsal, title, suite);
    let asked = meter.ask();
    refused(&rehearsal, title, (403, "renewal.too-early"), || {
        renew(&rehearsal, &meter, &asked.request, "meter-op-tls")
    });
}

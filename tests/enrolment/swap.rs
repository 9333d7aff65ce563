//! The ownership swap: from the manufacturer's certificates to the owner's.

use e2e::fleet::{Meter, Suite};
use e2e::peer::{Operation, certificate_of, decoded, enrol, field, send_request, to_der};
use e2e::rehearsal::Rehearsal;

use crate::refused::refused;

/// A meter that has been swapped when the rehearsal is at its end.
const SWAPPED: &str = "4D504B0100000000";

/// A meter that is not on any list at the beginning.
const DELIVERED: &str = "4D504B01000000B1";

/// A meter that asks many times at once.
const TWICE: &str = "4D504B01000000B7";

#[test]
fn a_delivered_meter_gets_all_its_operational_certificates_by_its_factory_certificate() {
    let rehearsal = Rehearsal::start(1);
    for (title, suite) in [(DELIVERED, Suite::One), ("4D504B02000000B2", Suite::Two)] {
        let meter = Meter::new(&rehearsal, title, suite);
        meter.deliver();
        let factory = meter.manufacture().shown();
        for row in ["meter-op-tls", "meter-op-ds", "meter-op-ka"] {
            let credential = meter.enrol(row, &factory);
            assert_eq!(field(&credential.certificate, "-subject"), format!("CN={title}"));
            let owner = format!(
                "CN=Example Grid Operational CA {} G1,O=Example Grid,C=DE",
                suite.suffix().to_uppercase()
            );
            assert_eq!(field(&credential.certificate, "-issuer"), owner);
        }
        assert_eq!(meter.on_record().len(), 4);
        let devices = rehearsal.operator_json(&["device", "list", "--tenant", "dso"]);
        let devices = devices["devices"].as_array().expect("a list");
        let device =
            devices.iter().find(|device| device["system_title"] == *title).expect("it is on the list");
        assert_eq!(device["state"], "operational");
        assert!(device["factory_superseded_at"].is_string(), "its factory certificates are superseded");
    }
}

#[test]
fn a_meter_that_is_on_no_list_is_refused() {
    let rehearsal = Rehearsal::start(1);
    let meter = Meter::new(&rehearsal, DELIVERED, Suite::One);
    let factory = meter.manufacture().shown();
    refused(&rehearsal, DELIVERED, (403, "device.not-expected"), || meter.try_enrol("meter-op-ds", &factory));
}

#[test]
fn a_meter_on_the_list_of_another_tenant_is_refused() {
    let rehearsal = Rehearsal::start(1);
    rehearsal.expect_devices("maker", &[DELIVERED]);
    let meter = Meter::new(&rehearsal, DELIVERED, Suite::One);
    let factory = meter.manufacture().shown();
    refused(&rehearsal, DELIVERED, (403, "device.not-expected"), || meter.try_enrol("meter-op-ds", &factory));
}

// Case E-29 for factory certificates.
#[test]
fn e_29_a_factory_certificate_is_refused_for_another_meter_of_the_list() {
    let rehearsal = Rehearsal::start(1);
    let meter = Meter::new(&rehearsal, DELIVERED, Suite::One);
    meter.deliver();
    let other = Meter::new(&rehearsal, SWAPPED, Suite::One).held("meter-factory-tls").shown();
    refused(&rehearsal, DELIVERED, (403, "subject.other"), || meter.try_enrol("meter-op-ds", &other));
}

#[test]
fn a_meter_that_was_claimed_with_another_certificate_is_refused() {
    let rehearsal = Rehearsal::start(1);
    let meter = Meter::new(&rehearsal, DELIVERED, Suite::One);
    meter.deliver();
    let first = meter.manufacture();
    drop(meter.enrol("meter-op-tls", &first.shown()));
    // A second birth: the manufacturer takes its first certificate back, which frees the place for another.
    rehearsal.revoke(&first.serial(), "superseded");
    let second = meter.manufacture().shown();
    refused(&rehearsal, DELIVERED, (403, "device.claimed"), || meter.try_enrol("meter-op-ds", &second));
}

#[test]
fn a_second_certificate_for_the_same_purpose_is_refused() {
    let rehearsal = Rehearsal::start(1);
    let meter = Meter::new(&rehearsal, SWAPPED, Suite::One);
    let factory = meter.held("meter-factory-tls").shown();
    refused(&rehearsal, SWAPPED, (409, "slot.taken"), || meter.try_enrol("meter-op-ka", &factory));
}

// Case E-22; E-23 with the restart in between.
#[test]
fn e_22_a_repeated_request_gets_the_same_certificate_octet_for_octet_also_after_a_restart() {
    let mut rehearsal = Rehearsal::start(1);
    for restarted in [false, true] {
        if restarted {
            rehearsal.kill();
            rehearsal.serve();
        }
        let meter = Meter::new(&rehearsal, SWAPPED, Suite::One);
        let factory = meter.held("meter-factory-tls").shown();
        let held = meter.held("meter-op-ka");
        let before = meter.on_record();
        let answer = enrol(&rehearsal, "meter-op-ka-s1", &held.request, &factory);
        let again = certificate_of(&rehearsal, &answer);
        assert_eq!(to_der(&again), to_der(&held.certificate));
        let once_more = enrol(&rehearsal, "meter-op-ka-s1", &held.request, &factory);
        assert_eq!(decoded(&once_more.body), decoded(&answer.body), "the whole answer is the same");
        assert_eq!(meter.on_record(), before, "nothing more is on record");
    }
}

// Case E-22 under load: a meter that posts its request again and again before it has an answer gets one certificate. Who comes
// while it is being signed is told to come again, and then gets the same octets.
#[test]
fn e_22_a_hundred_posts_of_one_request_at_the_same_time_make_one_certificate() {
    let rehearsal = Rehearsal::for_a_crowd();
    let meter = Meter::new(&rehearsal, TWICE, Suite::One);
    meter.deliver();
    let token = rehearsal.token(TWICE, "meter-op-tls-s1").into();
    let request = meter.ask().request;
    let until_answered = || loop {
        let answer = enrol(&rehearsal, "meter-op-tls-s1", &request, &token);
        match answer.status {
            200 => return decoded(&answer.body),
            503 => assert!(answer.field("retry-after").is_some(), "{}", answer.text()),
            other => panic!("{other}: {}", answer.text()),
        }
    };
    let answers: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..100).map(|_| scope.spawn(until_answered)).collect();
        asking.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]), "the same octets for each");
    assert_eq!(meter.on_record().len(), 1, "{:?}", meter.on_record());
}

#[test]
fn a_factory_certificate_does_not_renew_an_operational_one() {
    let rehearsal = Rehearsal::start(1);
    let meter = Meter::new(&rehearsal, SWAPPED, Suite::One);
    let factory = meter.held("meter-factory-tls").shown();
    refused(&rehearsal, SWAPPED, (403, "authn.door"), || {
        send_request(&rehearsal, (Operation::ReEnrol, "meter-op-tls-s1"), &meter.ask().request, &factory, &[])
    });
}

#[test]
fn after_the_grace_time_the_operational_certificate_opens_the_doors_that_the_factory_certificate_no_longer_does()
 {
    let rehearsal = Rehearsal::start_with(1, |text| text.replace("grace_minutes = 60", "grace_minutes = 0"));
    let meter = Meter::new(&rehearsal, DELIVERED, Suite::One);
    meter.deliver();
    let factory = meter.manufacture().shown();
    let operational = meter.enrol("meter-op-tls", &factory).shown();
    refused(&rehearsal, DELIVERED, (403, "factory.superseded"), || meter.try_enrol("meter-op-ds", &factory));
    drop(meter.enrol("meter-op-ds", &operational));
    drop(meter.enrol("meter-op-ka", &operational));
    assert_eq!(meter.on_record().len(), 4, "one from the factory, three from the owner");
}

//! Birth: the line station enrols meters as a registration authority, within its bounds. RFC 7030 §3.7.

use e2e::fleet::{Meter, Suite, station};
use e2e::peer::{field, serial};
use e2e::rehearsal::Rehearsal;

use crate::refused::refused;

/// A meter that nobody has heard of.
const NEWBORN: &str = "4D504B01000000A1";

#[test]
fn a_station_enrols_each_purpose_of_a_meter_in_its_own_suite() {
    let rehearsal = Rehearsal::start(1);
    for (title, suite) in [(NEWBORN, Suite::One), ("4D504B02000000A2", Suite::Two)] {
        let meter = Meter::new(&rehearsal, title, suite);
        for row in ["meter-factory-tls", "meter-factory-ds", "meter-factory-ka"] {
            let credential = meter.enrol(row, &station(&rehearsal));
            assert_eq!(field(&credential.certificate, "-subject"), format!("CN={title}"));
            let good = (serial(&credential.certificate), "good".to_owned());
            assert!(meter.on_record().contains(&good), "{row} is on record");
        }
        assert_eq!(meter.on_record().len(), 3);
    }
}

#[test]
fn a_station_is_refused_a_title_outside_its_prefix() {
    let rehearsal = Rehearsal::start(1);
    let foreign = Meter::new(&rehearsal, "5858580100000001", Suite::One);
    refused(&rehearsal, foreign.title, (403, "ra.scope"), || {
        foreign.try_enrol("meter-factory-tls", &station(&rehearsal))
    });
}

// Case E-04.
#[test]
fn e_04_a_station_is_refused_on_a_label_of_another_authority() {
    let rehearsal = Rehearsal::start(1);
    rehearsal.expect_devices("dso", &[NEWBORN]);
    let meter = Meter::new(&rehearsal, NEWBORN, Suite::One);
    refused(&rehearsal, NEWBORN, (403, "authn.no-path"), || {
        meter.try_enrol("meter-op-ds", &station(&rehearsal))
    });
}

#[test]
fn a_station_is_refused_once_its_certificate_is_revoked() {
    let rehearsal = Rehearsal::start(1);
    rehearsal.revoke(&serial(&rehearsal.state("tls/line-station.pem")), "keyCompromise");
    let meter = Meter::new(&rehearsal, NEWBORN, Suite::One);
    refused(&rehearsal, NEWBORN, (403, "authn.revoked"), || {
        meter.try_enrol("meter-factory-tls", &station(&rehearsal))
    });
}

//! The pictures of the README and the manual: of a PKI in a quiet year.
//!
//! They are made anew by each run, and kept where `METER_PKI_PICTURES` says: `METER_PKI_PICTURES=docs/manual/images`.

use std::path::PathBuf;

use e2e::office::Office;

use crate::look::Found;
use crate::work::{METER, ORDINARY, at_work};

/// How long a picture may be, in octets.
const LONGEST: u64 = 200 * 1024;

#[test]
fn pictures_of_the_manual_are_of_pages_in_order_and_small() {
    let office = Office::open(2);
    let things = at_work(&office, &ORDINARY);
    let browser = office.browser();
    let [eva, kim, lee, mia] = ["eva", "kim", "lee", "mia"].map(|id| office.window(&browser, id));
    let folder = std::env::var_os("METER_PKI_PICTURES")
        .map(PathBuf::from)
        .unwrap_or_else(|| office.rehearsal.scratch("pictures"));
    std::fs::create_dir_all(&folder).expect("a directory");
    let mut found = Found::default();
    let revoke = format!("do/v1/revocations?serial={}&issuer=dso-operational-s1", things.good);
    for (window, name, page) in [
        (&eva, "overview", String::new()),
        (&kim, "certificates", "v1/certificates?tenant=dso".to_owned()),
        (&kim, "certificate", format!("v1/certificates/dso-operational-s1/{}", things.good)),
        (&kim, "revoke", revoke),
        (&lee, "request", format!("v1/requests/{}", things.request)),
        (&lee, "devices", "v1/devices?tenant=dso".to_owned()),
        (&lee, "device", format!("v1/devices/{METER}")),
        (&lee, "campaign", format!("v1/campaigns/{}", things.campaign)),
        (&lee, "visit", format!("v1/visits/{}", things.visit)),
        (&eva, "people", "v1/people".to_owned()),
        (&mia, "emergencies", "v1/emergencies".to_owned()),
        (&eva, "interface", "interface".to_owned()),
    ] {
        assert_eq!(window.open(&format!("/console/{page}")), 200, "{name}: {}", window.text("main"));
        found.look(window, name);
        let file = folder.join(format!("{name}.png"));
        window.picture(&file, false);
        let octets = file.metadata().expect("a picture").len();
        if octets > LONGEST {
            found.add(name, &format!("{octets} octets"));
        }
    }
    found.is_nothing(12);
}

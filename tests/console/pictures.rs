//! The pictures of the README and the manual: of a PKI in a quiet year, of every page that the navigation leads to and some that lie beneath.
//!
//! They are made anew by each run, and kept where `METER_PKI_PICTURES` says: `METER_PKI_PICTURES=docs/manual/images`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use e2e::browser::Window;
use e2e::office::Office;

use crate::look::Found;
use crate::work::{METER, ORDINARY, Things, at_work};

/// How long a picture may be, in octets.
const LONGEST: u64 = 200 * 1024;

/// The chapter that shows them all.
const CHAPTER: &str = include_str!("../../docs/manual/console.md");

/// Who looks.
const READERS: [&str; 4] = ["eva", "kim", "mia", "tim"];

/// Pages that are lists or stand alone: who looks at each, how its picture is called, and what is asked for. The overview tells what the
/// doctor said last.
const WHOLE: &[(&str, &str, &str)] = &[
    ("eva", "doctor", "v1/doctor"),
    ("eva", "overview", ""),
    ("kim", "certificates", "v1/certificates"),
    ("kim", "requests", "v1/requests"),
    ("kim", "mass-revocations", "v1/orders"),
    ("kim", "due-revocations", "v1/schedule"),
    ("kim", "devices", "v1/devices?tenant=dso"),
    ("kim", "device-counts", "v1/device-counts?tenant=dso&by=model"),
    ("kim", "campaigns", "v1/campaigns"),
    ("kim", "production-orders", "v1/production"),
    ("kim", "deliveries", "v1/deliveries"),
    ("kim", "visits", "v1/visits"),
    ("tim", "my-visits", "v1/own-visits"),
    ("kim", "authorities", "v1/authorities"),
    ("kim", "keys", "v1/keys"),
    ("kim", "trust", "v1/trust"),
    ("kim", "profiles", "v1/profiles"),
    ("kim", "crls", "v1/crls"),
    ("kim", "profile-differences", "v1/profile-differences?one=meter-op-ds-s1&other=meter-op-tls-s1"),
    ("kim", "ceremonies", "v1/ceremonies"),
    ("kim", "releases", "v1/releases"),
    ("kim", "ends", "v1/statistics/expiries"),
    ("kim", "issued-and-revoked", "v1/statistics/issuance"),
    ("kim", "swaps", "v1/statistics/swaps?tenant=dso"),
    ("kim", "length-of-crls", "v1/statistics/crls"),
    ("kim", "time-of-signatures", "v1/statistics/signing"),
    ("eva", "people", "v1/people"),
    ("mia", "emergencies", "v1/emergencies"),
    ("mia", "audit-trail", "v1/audit-records"),
    ("eva", "nodes", "v1/nodes"),
    ("eva", "process", "v1/process"),
    ("eva", "ledger", "v1/store"),
    ("eva", "interface", "interface"),
];

/// Pages of single things, and forms.
fn single(things: &Things) -> Vec<(&'static str, &'static str, String)> {
    let of = |noun: &str, id: &str| format!("v1/{noun}/{id}");
    vec![
        ("kim", "certificate", of("certificates/dso-operational-s1", &things.good)),
        ("kim", "revoke", format!("do/v1/revocations?serial={}&issuer=dso-operational-s1", things.good)),
        ("kim", "request", of("requests", &things.request)),
        ("kim", "mass-revocation", of("orders", &things.order)),
        ("kim", "device", of("devices", METER)),
        ("kim", "campaign", of("campaigns", &things.campaign)),
        ("kim", "production-order", of("production", &things.production)),
        ("kim", "visit", of("visits", &things.visit)),
        ("kim", "profile", of("profiles", "meter-op-tls-s1")),
        ("eva", "person", of("people", "kim")),
        ("mia", "audit-record", of("audit-records", "100")),
    ]
}

/// Where the pictures go.
fn folder(office: &Office) -> PathBuf {
    let kept = std::env::var_os("METER_PKI_PICTURES").map(PathBuf::from);
    let folder = kept.unwrap_or_else(|| office.rehearsal.scratch("pictures"));
    std::fs::create_dir_all(&folder).expect("a directory");
    folder
}

/// Takes a picture of a page that is in order.
fn take(window: &Window<'_>, name: &str, page: &str, folder: &Path, found: &mut Found) {
    assert_eq!(window.open(&format!("/console/{page}")), 200, "{name}: {}", window.text("main"));
    found.look(window, name);
    let file = folder.join(format!("{name}.png"));
    window.picture(&file, false);
    let octets = file.metadata().expect("a picture").len();
    if octets > LONGEST {
        found.add(name, &format!("{octets} octets"));
    }
    if !CHAPTER.contains(&format!("](images/{name}.png)")) {
        found.add(name, "the manual does not show it");
    }
}

/// Where the navigation of a window leads to.
fn navigation(window: &Window<'_>) -> Vec<String> {
    window.open("/console/interface");
    let links = window
        .run("() => [...document.querySelectorAll('nav.pages a')].map((one) => one.getAttribute('href'))");
    let links = links.as_array().cloned().unwrap_or_default();
    links.iter().filter_map(|link| link.as_str().map(str::to_owned)).collect()
}

#[test]
fn pictures_of_the_manual_are_of_every_page_in_order_and_small() {
    let office = Office::open(2);
    let things = at_work(&office, &ORDINARY);
    let browser = office.browser();
    let windows = READERS.map(|id| office.window(&browser, id));
    let of = |who: &str| {
        let place = READERS.iter().position(|one| *one == who).expect("a reader");
        &windows[place]
    };
    let folder = folder(&office);
    let mut found = Found::default();
    let single = single(&things);
    let pages = WHOLE.iter().map(|(who, name, page)| (*who, *name, (*page).to_owned())).chain(single);
    let mut seen = BTreeSet::new();
    let mut count = 0;
    for (who, name, page) in pages {
        take(of(who), name, &page, &folder, &mut found);
        let path = page.split('?').next().unwrap_or_default();
        seen.insert(format!("/console/{path}").trim_end_matches('/').to_owned());
        count += 1;
    }
    for link in windows.iter().flat_map(navigation) {
        if !seen.contains(link.split('?').next().unwrap_or_default()) {
            found.add(&link, "no picture of it");
        }
    }
    found.is_nothing(count);
}

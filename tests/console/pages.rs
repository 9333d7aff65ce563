//! Every page, in the midst of work and with texts of somebody hostile: read by who may read it.

use e2e::browser::Window;
use e2e::office::Office;
use serde_json::Value;

use crate::look::Found;
use crate::work::{HOSTILE, METER, WAITS, at_work};

/// Who looks, one after the other until one may.
const READERS: [&str; 4] = ["eva", "mia", "tim", "kim"];

/// Paths of the interface that say more than a page can: another program reads them.
const NO_PAGE: [&str; 1] = ["/v1/openapi.json"];

/// What a page cannot do without.
const ASKED: &[(&str, &str)] =
    &[("after", "0"), ("tenant", "dso"), ("part", "0"), ("earlier", "1"), ("later", "2")];

/// Opens a page as somebody who may see it; returns the window.
#[track_caller]
fn read<'a, 'b>(windows: &'a [Window<'b>], page: &str, found: &mut Found) -> &'a Window<'b> {
    for window in windows {
        let status = window.open(page);
        if status == 200 {
            return window;
        }
        if status != 403 {
            found.add(page, &format!("status {status}: {}", window.text("main")));
            return window;
        }
        drop((window.faults(), window.requests()));
    }
    found.add(page, "nobody may see it");
    &windows[0]
}

/// Every path without names, each with what it cannot do without.
fn whole(document: &Value) -> Vec<String> {
    let paths = document["paths"].as_object().expect("paths");
    let reads = paths.iter().filter(|(path, item)| !path.contains('{') && item.get("get").is_some());
    let page = |(path, item): (&String, &Value)| {
        let asked = item["get"]["parameters"].as_array().cloned().unwrap_or_default();
        let needed = asked.iter().filter(|one| one["in"] == "query" && one["required"] == true);
        let known = needed.filter_map(|one| ASKED.iter().find(|(name, _)| one["name"] == *name));
        let query: Vec<String> = known.map(|(name, value)| format!("{name}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/console{path}{mark}{}", query.join("&"))
    };
    reads.filter(|(path, _)| !NO_PAGE.contains(&path.as_str())).map(page).collect()
}

#[test]
fn every_page_of_a_list_is_in_order_for_who_may_see_it() {
    let office = Office::open(2);
    drop(at_work(&office, &HOSTILE));
    let browser = office.browser();
    let windows = READERS.map(|id| office.window(&browser, id));
    let mut found = Found::default();
    let own = ["/console", "/console/interface"].map(str::to_owned);
    for page in own.into_iter().chain(whole(&office.ask("/v1/openapi.json", None))) {
        let window = read(&windows, &page, &mut found);
        found.look(window, &page);
    }
    // Whatever the navigation leads to is there.
    let window = &windows[0];
    window.open("/console");
    let links = window
        .run("() => [...document.querySelectorAll('nav.pages a')].map((one) => one.getAttribute('href'))");
    for link in links.as_array().expect("links") {
        let page = link.as_str().expect("an address");
        let status = window.open(page);
        if ![200, 403].contains(&status) {
            found.add(page, &format!("the navigation leads to status {status}"));
        }
    }
    // So is what somebody is told who may not see what he asks for, or asks for nothing that there is.
    let (eva, tim) = (&windows[0], &windows[2]);
    for (window, page, status) in [
        (tim, "/console", 403),
        (tim, "/console/v1/people", 403),
        (tim, "/console/nowhere", 404),
        (eva, "/console/v1/certificates/-/0A", 404),
        (eva, "/console/v1/certificates/-/%3Cscript%3Eran=1%3C%2Fscript%3E", 400),
        (eva, "/console/v1/certificates?issuer=%22%3E%3Cimg%20src=x%20onerror=ran=1%3E", 404),
    ] {
        let told = window.open(page);
        if told != status {
            found.add(page, &format!("status {told}: {}", window.text("main")));
        }
        found.look(window, page);
    }
    found.is_nothing(30);
}

#[test]
fn every_page_of_a_single_thing_is_in_order() {
    let office = Office::open(2);
    let things = at_work(&office, &HOSTILE);
    let browser = office.browser();
    let windows = READERS.map(|id| office.window(&browser, id));
    let mut found = Found::default();
    let (good, revoked) = (&things.good, &things.revoked);
    let delivery = "ab".repeat(32);
    for page in [
        format!("certificates/dso-operational-s1/{good}"),
        format!("certificates/-/{revoked}"),
        format!("audit/proofs/dso-operational-s1/{good}"),
        format!("recorded-crls/dso-operational-s1/released/{good}"),
        "recorded-crls/dso-operational-s1/revoked".to_owned(),
        format!("requests/{}", things.request),
        format!("orders/{}", things.order),
        format!("orders/{}/certificates?part=0", things.order),
        format!("campaigns/{}", things.campaign),
        format!("campaigns/{}/devices", things.campaign),
        format!("campaigns/{}/devices/{WAITS}", things.campaign),
        format!("devices/{METER}"),
        format!("devices/{WAITS}"),
        format!("devices/{METER}/history"),
        format!("devices/{METER}/proofs"),
        format!("production/{}", things.production),
        format!("production/{}/devices", things.production),
        format!("visits/{}", things.visit),
        "profiles/meter-op-tls-s1".to_owned(),
        "profiles/meter-op-tls-s1/versions".to_owned(),
        "profiles/meter-op-tls-s1/versions/1".to_owned(),
        "profile-differences?one=meter-op-tls-s1&from=1".to_owned(),
        "people/eva".to_owned(),
        "emergencies/hal".to_owned(),
        "people/hal".to_owned(),
        "people/ida".to_owned(),
        format!("deliveries?delivery={delivery}"),
        "certificates?tenant=dso&issuer=dso-operational-s1&status=revoked".to_owned(),
        format!("devices?tenant=dso&title_prefix={}", &WAITS[..10]),
    ] {
        let page = format!("/console/v1/{page}");
        let window = read(&windows, &page, &mut found);
        found.look(window, &page);
    }
    // From a profile to its versions, and on to what one of them said.
    let profile = "/console/v1/profiles/meter-op-tls-s1";
    for (page, link) in [("", "/versions"), ("/versions", "/versions/1")] {
        let window = read(&windows, &format!("{profile}{page}"), &mut found);
        let links = window.count(&format!("main a[href='{profile}{link}']"));
        assert_eq!(links, 1, "{page}: {}", window.text("main"));
    }
    found.is_nothing(29);
}

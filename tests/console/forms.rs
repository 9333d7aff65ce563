//! Every form: it opens, it says what its fields are, and axe has nothing against it.

use e2e::browser::Window;
use e2e::office::Office;
use serde_json::Value;

use crate::look::Found;
use crate::work::{HOSTILE, METER, Things, at_work};

/// What stands in the place of a name of a path.
fn named(things: &Things, path: &str) -> String {
    let id = match path.split('/').nth(2).unwrap_or_default() {
        "campaigns" => &things.campaign,
        "orders" => &things.order,
        "production" => &things.production,
        "requests" => &things.request,
        "visits" => &things.visit,
        _ => "hal",
    };
    let digest = "ab".repeat(32);
    let names = [
        ("{id}", id),
        ("{person}", "hal"),
        ("{title}", METER),
        ("{digest}", &digest),
        ("{authority}", "dso-operational-s1"),
    ];
    names.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value))
}

/// Every path of a change.
fn changes(document: &Value) -> Vec<String> {
    let paths = document["paths"].as_object().expect("paths");
    paths.iter().filter(|(_, item)| item.get("post").is_some()).map(|(path, _)| path.clone()).collect()
}

#[track_caller]
fn look(window: &Window<'_>, found: &mut Found, page: &str) {
    let status = window.open(page);
    if status != 200 {
        found.add(page, &format!("status {status}"));
    }
    if window.count("main form[method=post] button.main") != 1 {
        found.add(page, "not one button that sends it");
    }
    found.look(window, page);
}

#[test]
fn every_form_opens_and_says_what_its_fields_are() {
    let office = Office::open(2);
    let things = at_work(&office, &HOSTILE);
    let browser = office.browser();
    let window = office.window(&browser, "eva");
    let mut found = Found::default();
    let changes = changes(&office.ask("/v1/openapi.json", None));
    for path in &changes {
        let named = named(&things, path);
        if named.contains('{') {
            found.add(path, "a name that the test does not know");
        }
        look(&window, &mut found, &format!("/console/do{named}"));
    }
    // What was filled in badly is told at its field, and so is what the interface refuses.
    window.open("/console/do/v1/devices");
    window.fill("Tenant", "dso");
    window.fill("Devices", "[{");
    window.click_within("main form", "button", "Put devices on their owner's list");
    assert!(window.text("main").contains("This is not JSON."), "{}", window.text("main"));
    found.look(&window, "a form with a fault");
    found.is_nothing(changes.len() + 1);
}

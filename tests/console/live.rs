//! Pages that change by themselves while somebody looks, until he stops them.

use e2e::office::Office;
use serde_json::json;

use crate::work::{HOSTILE, METER, at_work, is_harmless, short};

#[test]
fn a_page_changes_by_itself_until_somebody_stops_it() {
    let office = Office::open(2);
    let things = at_work(&office, &HOSTILE);
    let browser = office.browser();
    let ron = office.window(&browser, "ron");
    let path = format!("/v1/campaigns/{}", things.campaign);
    assert_eq!(ron.open(&format!("/console{path}")), 200);
    assert_eq!(ron.text("#follow"), "Stop following");
    ron.await_text("[data-live]", "waiting");
    // Somebody else approves.
    let kim = office.window(&browser, "kim");
    kim.open(&format!("/console/do{path}/decisions"));
    kim.fill("Act", "approve");
    kim.click_within("main form", "button", "Approve or refuse a campaign of somebody else");
    assert!(kim.text("main").contains("Done."), "{}", kim.text("main"));
    ron.await_text("[data-live] dl.members", "running");
    is_harmless(&ron, "a campaign");

    // The same of what waits for somebody; from here on the page's time goes by when the test says so.
    let lee = office.window(&browser, "lee");
    lee.stop_clock();
    let path = format!("/v1/visits/{}", things.visit);
    assert_eq!(lee.open("/console/v1/requests?state=waiting"), 200);
    lee.await_text("[data-live]", &short(&things.request));
    lee.click("button", "Stop following");
    drop(lee.requests());
    let decided = json!({"refused_for": "not ordered by us"});
    drop(office.ask(&format!("/v1/requests/{}/decisions", things.request), Some(&decided)));
    lee.let_pass(600);
    assert!(lee.requests().is_empty(), "nothing is asked for any more");
    assert!(lee.text("[data-live]").contains(&short(&things.request)), "what was shown stays");
    lee.click("button", "Read it anew every five seconds");
    lee.let_pass(1);
    lee.await_text("[data-live]", "There is none here.");
    assert_eq!(lee.text("#follow"), "Stop following");
    assert!(office.ask(&path, None)["plan"]["meters"].to_string().contains(METER));
    is_harmless(&lee, "requests");
}

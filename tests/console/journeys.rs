//! Forms that are filled in and sent, and what came of it as another program sees it.

use e2e::browser::{Browser, Comes, Window};
use e2e::office::Office;
use e2e::patience::eventually;
use serde_json::{Value, json};

use crate::work::{HOSTILE, IMAGE, METER, SCRIPT, TURNED, Things, WAITS, at_work, short, text, time};

/// Somebody's window in which a form is sent.
struct Desk<'a> {
    office: &'a Office,
    window: Window<'a>,
}

impl<'a> Desk<'a> {
    fn of(office: &'a Office, browser: &'a Browser, id: &str) -> Self {
        Self { office, window: office.window(browser, id) }
    }

    /// Fills in the form of a change and sends it, by its only button.
    #[track_caller]
    fn send(&self, path: &str, fields: &[(&str, &str)]) {
        let status = self.window.open(&format!("/console/do/v1/{path}"));
        assert_eq!(status, 200, "{path}: {}", self.window.text("main"));
        self.fill(fields);
    }

    /// Fills in the form of the page and sends it.
    #[track_caller]
    fn fill(&self, fields: &[(&str, &str)]) {
        for (label, text) in fields {
            self.window.fill(label, text);
        }
        let button = self.window.text("main form button.main");
        self.window.click_within("main form", "button", &button);
    }

    /// The same, and it is done.
    #[track_caller]
    fn does(&self, path: &str, fields: &[(&str, &str)]) {
        self.send(path, fields);
        self.is_done(path);
    }

    #[track_caller]
    fn is_done(&self, path: &str) {
        let told = self.window.text("main");
        assert!(told.contains("Done."), "{path}: {told}");
        assert_eq!(self.window.faults(), [] as [&str; 0], "{path}");
    }

    /// The same, and it is refused with this code, with what was filled in still there.
    #[track_caller]
    fn is_refused(&self, path: &str, fields: &[(&str, &str)], code: &str) {
        self.send(path, fields);
        let told = self.window.text("main");
        assert!(told.contains(code), "{path}: {told}");
        for (label, text) in fields {
            assert_eq!(self.window.value(label), *text, "{path}: {label}");
        }
    }

    #[track_caller]
    fn told(&self, target: &str) -> Value {
        self.office.ask(target, None)
    }
}

#[test]
fn m_14_what_is_done_in_a_browser_is_done_as_others_see_it() {
    let office = Office::open(2);
    let things = at_work(&office, &HOSTILE);
    let browser = office.browser();
    let [eva, kim, ron, lee, zoe, mia] =
        ["eva", "kim", "ron", "lee", "zoe", "mia"].map(|id| Desk::of(&office, &browser, id));
    people(&eva, &mia);
    ceremonies(&eva);
    certificates(&kim, &things);
    issues_what_a_file_asks_for(&kim);
    requests(&lee, &zoe, &things);
    visits(&ron, &lee, &zoe);
    campaigns([&kim, &ron], &things);
    orders(&kim, &things);
    devices(&ron, &things);
    plans_a_campaign(&ron, "4D504B0100000C14");
    trust(&eva, &kim);
}

fn people(eva: &Desk<'_>, mia: &Desk<'_>) {
    eva.window.open("/console/v1/people");
    eva.window.click("link", "Put somebody on record");
    eva.fill(&[("ID", "kay"), ("Name", SCRIPT)]);
    eva.is_done("people");
    assert_eq!(eva.told("/v1/people/kay")["name"], SCRIPT);
    eva.does(
        "people/kay/changes",
        &[("Act", "grant"), ("Role", "approver"), ("Until", "2099-12-31T23:59:59Z")],
    );
    assert_eq!(eva.told("/v1/people/kay")["grants"][0]["role"], "approver");
    eva.is_refused("people/eva/changes", &[("Act", "grant"), ("Role", "approver")], "person.oneself");
    eva.does("people/kay/changes", &[("Act", "remove")]);
    assert!(eva.told("/v1/people/kay")["removed"].is_object());
    // In an emergency: Eva agrees to what Hal asked for, ends it, and Mia looks at what was done.
    eva.window.open("/console/v1/emergencies");
    let told = eva.window.text("main");
    assert!(told.contains("2 hours") && !told.contains("7200") && !told.contains("7\u{202f}200"), "{told}");
    eva.window.click_within("main", "link", "hal");
    eva.window.click("link", "Agree to somebody's emergency");
    eva.fill(&[]);
    eva.is_done("emergencies/hal/agreement");
    assert!(
        text(&eva.told("/v1/emergencies")[0]["state"]).contains("open"),
        "{}",
        eva.told("/v1/emergencies")
    );
    eva.does("emergencies/hal/end", &[]);
    mia.does("emergencies/hal/review", &[("Finding", IMAGE)]);
    assert!(
        mia.told("/v1/emergencies").to_string().contains("onerror=ran=1"),
        "{}",
        mia.told("/v1/emergencies")
    );
}

/// Where the configuration has no ceremonies held, nothing is made; a bundle is looked at all the same.
fn ceremonies(eva: &Desk<'_>) {
    eva.window.open("/console/v1/ceremonies");
    eva.window.click(
        "link",
        "Make the key of an authority and a request to the offline root, which is open from then on",
    );
    let asked = [
        ("Profile", "sub-operational-s1"),
        ("Country", "DE"),
        ("Organization", "Grid"),
        ("Common name", "Grid Sub S1 G2"),
    ];
    eva.fill(&asked);
    assert!(eva.window.text("main").contains("ceremony.elsewhere"), "{}", eva.window.text("main"));
    let bundle = eva.office.rehearsal.unique("bundle.tar");
    std::fs::write(&bundle, SCRIPT).expect("a file");
    eva.window.open("/console/do/v1/ceremonies/bundle-reports");
    eva.window.attach("Bundle", &bundle);
    eva.fill(&[]);
    eva.is_done("ceremonies/bundle-reports");
    let told = eva.window.text("main");
    assert!(told.contains("is not the .tar of a bundle"), "{told}");
}

fn certificates(kim: &Desk<'_>, things: &Things) {
    let show = |serial: &str| kim.told(&format!("/v1/certificates/-/{serial}"));
    // From the list to the certificate, and from there to the form, which knows already which one it is.
    kim.window.open("/console/v1/certificates?issuer=dso-operational-s1&status=good");
    kim.window.click("link", &things.good);
    kim.window.click("link", "Revoke a certificate");
    assert_eq!(kim.window.value("Serial"), things.good);
    kim.fill(&[("Reason", "certificateHold")]);
    kim.is_done("revocations");
    assert_eq!(show(&things.good)["status"], "on-hold");
    let one = [("Serial", things.good.as_str()), ("Issuer", "dso-operational-s1")];
    kim.does("hold-releases", &one);
    assert_eq!(show(&things.good)["status"], "good");
    let later = [&one[..], &[("Reason", "superseded"), ("At", "2035-01-01T00:00:00Z")]].concat();
    kim.does("schedule", &later);
    assert!(kim.told("/v1/schedule?limit=10").to_string().contains(&things.good));
    kim.does("schedule/cancellations", &one);
    assert!(!kim.told("/v1/schedule?limit=10").to_string().contains(&things.good));
    kim.is_refused("revocations", &[("Serial", "0ABC"), ("Reason", "superseded")], "unknown");
    kim.does("crls/dso-operational-s1", &[]);
    kim.does("ocsp-answers", &[("Authority", "dso-operational-s1"), ("Serials", &things.good)]);
}

/// A hostile name as RFC 4514 writes it.
const DESK: &str = r"CN=\<b\>Desk\</b\>";

/// The name of a file is nobody's business, and no script.
fn issues_what_a_file_asks_for(kim: &Desk<'_>) {
    let file = kim.office.request_file(
        "/C=DE/O=Grid Operations/CN=<b>Desk<\\/b>",
        &format!("{IMAGE}{SCRIPT}.csr").replace('/', "\u{2044}"),
    );
    kim.window.open("/console/v1/certificates");
    kim.window.click("link", "Have a certificate issued by the door of operators");
    kim.window.attach("Request", &file);
    kim.fill(&[("Issuer", "dso-infra-s1"), ("Profile", "ra-operator-s1")]);
    kim.is_done("certificates");
    assert!(kim.window.text("main").contains(DESK), "{}", kim.window.text("main"));
    let all = kim.told("/v1/certificates?issuer=dso-infra-s1&limit=50");
    let is_desk = |one: &Value| one["subject"].as_str().is_some_and(|subject| subject.starts_with(DESK));
    assert!(all["certificates"].as_array().is_some_and(|all| all.iter().any(is_desk)), "{all}");
    let nothing = kim.office.rehearsal.unique("no-request");
    std::fs::write(&nothing, SCRIPT).expect("a file");
    kim.window.open("/console/do/v1/certificates");
    kim.window.attach("Request", &nothing);
    kim.fill(&[("Issuer", "dso-infra-s1"), ("Profile", "ra-operator-s1")]);
    assert!(kim.window.text("main").contains("request.unreadable"), "{}", kim.window.text("main"));
    assert_eq!(kim.window.run("() => typeof window.ran"), "undefined");
}

/// Four eyes: two people, in a browser each.
fn requests(lee: &Desk<'_>, zoe: &Desk<'_>, things: &Things) {
    let path = format!("requests/{}/decisions", things.request);
    lee.window.open("/console/v1/requests?state=waiting");
    lee.window.click("link", &short(&things.request));
    lee.window.click("link", "Approve or refuse a request");
    lee.fill(&[]);
    lee.is_done(&path);
    lee.is_refused(&path, &[], "approval.same-operator");
    let state = || lee.told(&format!("/v1/requests/{}", things.request));
    assert_eq!(state()["state"], "waiting");
    zoe.does(&path, &[]);
    assert_eq!(state()["state"], "approved", "{}", state());
}

/// No region is named: whatever has to be there and may be empty may be left empty.
fn visits(ron: &Desk<'_>, lee: &Desk<'_>, zoe: &Desk<'_>) {
    let (from, until) = (time("now"), time("10 hours"));
    let opens = [
        ("ID", "V-2"),
        ("Tenant", "dso"),
        ("Technician", "tim"),
        ("Unit", "4D504B4800000002"),
        ("Meters", METER),
        ("From", &from),
        ("Until", &until),
        ("Reason", IMAGE),
    ];
    let mut wrong = opens;
    wrong[2].1 = "lee";
    ron.is_refused("visits", &wrong, "visit.no-technician");
    ron.does("visits", &opens);
    // A hand-held unit is no device on record: nothing leads there.
    ron.window.open("/console/v1/visits/V-2");
    assert!(ron.window.text("main").contains("4D504B4800000002"), "{}", ron.window.text("main"));
    assert_eq!(ron.window.count("main a[href*='4D504B4800000002']"), 0);
    assert_eq!(ron.window.count(&format!("main a[href*='devices/{METER}']")), 1);
    let visit = || ron.told("/v1/visits/V-2");
    assert_eq!((&visit()["state"], &visit()["plan"]["reason"]), (&json!("waiting"), &json!(IMAGE)));
    let digest = text(&visit()["digest"]);
    for who in [lee, zoe] {
        who.window.open("/console/v1/visits/V-2");
        assert!(who.window.text("main").contains(&digest), "{}", who.window.text("main"));
        who.does("visits/V-2/decisions", &[("Digest", &digest)]);
    }
    assert_eq!(visit()["state"], "under-way", "{}", visit());
    ron.does("visits/V-2/end", &[("Reason", "the meter was exchanged")]);
    assert_eq!(visit()["state"], "ended", "{}", visit());
}

fn campaigns([kim, ron]: [&Desk<'_>; 2], things: &Things) {
    let path = format!("campaigns/{}", things.campaign);
    let state = || kim.told(&format!("/v1/{path}"))["state"].clone();
    // By what people call it.
    kim.window.open("/console/v1/campaigns");
    kim.window.click_within("main", "link", IMAGE);
    assert!(kim.window.text("main").contains(&things.campaign), "{}", kim.window.text("main"));
    kim.window.click("link", "Approve or refuse a campaign of somebody else");
    kim.fill(&[("Act", "approve")]);
    kim.is_done(&path);
    assert_eq!(state(), "running");
    let acts = format!("{path}/acts");
    ron.does(&acts, &[("Act", "pause"), ("Reason", SCRIPT)]);
    assert_eq!(state(), "paused");
    ron.does(&acts, &[("Act", "resume")]);
    assert_eq!(state(), "running");
    ron.does(&format!("{path}/work-orders"), &[("Limit", "10"), ("Max pdu", "1024")]);
    ron.does(&acts, &[("Act", "abandon"), ("Reason", "not in this year")]);
    eventually("the campaign is given up", || (state() == "abandoned").then_some(()));
}

/// Planned, asked for and begun: one meter is no affair of two people.
fn plans_a_campaign(ron: &Desk<'_>, meter: &str) {
    let plan = [
        ("Tenant", "dso"),
        ("Name", TURNED),
        ("Goal", "swap"),
        ("Road", "head-end"),
        ("Profiles", "meter-op-tls-s1"),
        ("System titles", meter),
        ("Waves", "1"),
        ("Stop percent", "50"),
        ("Per minute", "60"),
        ("Per concentrator", "0"),
    ];
    ron.does("campaign-plans", &plan);
    let planned = ron.told("/v1/campaigns?limit=10&state=planned")["campaigns"][0].clone();
    assert_eq!((&planned["name"], &planned["count"]), (&json!(TURNED), &json!(1)), "{planned}");
    let path = format!("campaigns/{}", text(&planned["digest"]));
    ron.does(&format!("{path}/acts"), &[("Act", "request")]);
    assert_eq!(ron.told(&format!("/v1/{path}"))["state"], "running");
}

fn orders(kim: &Desk<'_>, things: &Things) {
    let path = format!("orders/{}", things.order);
    kim.does(&format!("{path}/decisions"), &[("Act", "approve")]);
    let order = eventually("the order is carried out", || {
        Some(kim.told(&format!("/v1/{path}"))).filter(|order| order["state"] == "done")
    });
    assert_eq!((&order["changed"], &order["count"]), (&json!(3), &json!(3)), "{order}");
    let plan =
        [("Show", "5"), ("Reason", "superseded"), ("Issuer", "dso-operational-s1"), ("System titles", METER)];
    kim.does("plans", &plan);
    let planned = kim.told("/v1/orders?limit=10&state=planned");
    assert_eq!(planned["orders"].as_array().map(Vec::len), Some(1), "{planned}");
}

fn devices(ron: &Desk<'_>, things: &Things) {
    let fields = [("Tenant", "dso"), ("Reason", SCRIPT), ("System titles", WAITS)];
    let act = |act| [&fields[..], &[("Act", act)]].concat();
    let state = || ron.told(&format!("/v1/devices/{WAITS}"))["device"]["state"].clone();
    ron.does("device-changes", &act("suspend"));
    assert_eq!(state(), "suspended");
    ron.does("device-changes", &act("resume"));
    assert_eq!(state(), "expected");
    let token = [("System title", WAITS), ("Profile", "meter-op-tls-s1"), ("Valid minutes", "60")];
    ron.does("tokens", &token);
    ron.does("devices", &[("Tenant", "dso"), ("Devices", "[{\"system_title\": \"4D504B0100000C14\"}]")]);
    assert_eq!(ron.told("/v1/devices/4D504B0100000C14")["device"]["state"], "expected");
    ron.does(
        "production",
        &[
            ("ID", "PO-2"),
            ("Tenant", "maker"),
            ("Ordered", "1"),
            ("Profiles", "meter-factory-ds-s1\nmeter-factory-ka-s1"),
            ("Until", &time("30 days")),
            ("System titles", "4D504B0200000201"),
        ],
    );
    ron.does(&format!("production/{}/end", things.production), &[("Cancelled for", IMAGE)]);
    assert_eq!(ron.told(&format!("/v1/production/{}", things.production))["state"], "cancelled");
    let delivery = format!("deliveries/{}/close", "ab".repeat(32));
    ron.does(&delivery, &[("Accept count", "true")]);
}

fn trust(eva: &Desk<'_>, kim: &Desk<'_>) {
    let authority = |place: usize| eva.told("/v1/trust")[place].clone();
    let [key, other] = [1, 2].map(|place: usize| text(&authority(place)["key"]));
    let fields = [("Key", key.as_str())];
    eva.does("trust/unblocks", &fields);
    assert!(authority(1)["unblock_asked"].is_object(), "{}", authority(1));
    eva.is_refused("trust/unblocks", &fields, "trust.same-operator");
    kim.does("trust/blocks", &[("Key", &other), ("Why", IMAGE)]);
    assert_eq!(authority(2)["why"], IMAGE);
}

#[test]
fn without_a_script_the_same_forms_do_the_same() {
    let office = Office::open(2);
    let things = at_work(&office, &HOSTILE);
    let browser = office.browser();
    let plain = |id: &str| {
        let comes =
            Comes { certificate: Some(office.certificate(id)), without_script: true, ..Comes::default() };
        Desk { office: &office, window: browser.window(&office.origin, &comes) }
    };
    let [kim, lee, zoe] = ["kim", "lee", "zoe"].map(plain);
    requests(&lee, &zoe, &things);
    issues_what_a_file_asks_for_plainly(&kim);
    // What would be done by a script alone is not offered.
    kim.window.open(&format!("/console/v1/campaigns/{}", things.campaign));
    assert_eq!(kim.window.count("#follow:visible"), 0);
    kim.window.open("/console/v1/certificates?issuer=dso-operational-s1&status=good");
    kim.window.click("link", &things.good);
    kim.window.click("link", "Revoke a certificate");
    kim.fill(&[("Reason", "keyCompromise")]);
    kim.is_done("revocations");
    assert_eq!(kim.told(&format!("/v1/certificates/-/{}", things.good))["status"], "revoked");
}

fn issues_what_a_file_asks_for_plainly(kim: &Desk<'_>) {
    let file = kim.office.request_file("/C=DE/O=Grid Operations/CN=Plain", "plain.csr");
    kim.window.open("/console/do/v1/certificates");
    kim.window.attach("Request", &file);
    kim.fill(&[("Issuer", "dso-infra-s1"), ("Profile", "ra-operator-s1")]);
    kim.is_done("certificates");
}

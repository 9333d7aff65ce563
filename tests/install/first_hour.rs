//! The chapter for newcomers, typed as it is printed: from the package to a meter's certificate in the console, and its end.
//!
//! apt and dpkg are the machine's own, and install below a private root; ports are those of the chapter, in a network of the test's own.

use e2e::browser::{Browser, Comes, Window};
use e2e::chapter::{Shell, steps};
use e2e::network;
use e2e::patience::eventually;
use e2e::process::Process;

use crate::packages::Packages;
use crate::root::PrivateRoot;

const CHAPTER: &str = include_str!("../../docs/manual/first-hour.md");

/// The meter of the chapter.
const METER: &str = "4D504B0100F1257A";

#[test]
fn a_newcomer_comes_from_the_package_to_a_meters_certificate_in_the_console() {
    network::own(
        "first_hour::a_newcomer_comes_from_the_package_to_a_meters_certificate_in_the_console",
        first_hour,
    );
}

fn first_hour() {
    let [install, quickstart, look, come, list, enrol, revoked, again] = steps(CHAPTER);
    let folder = tempfile::tempdir().expect("a private directory");
    let package = Packages::make(folder.path(), "1.0.0").server;
    let root = PrivateRoot::new();
    let shell = Shell::with_programs(package.parent().expect("a folder"), &root.at("/usr/bin"))
        .with("APT_CONFIG", root.for_apt());

    let said = shell.run(install).ok();
    assert_eq!(root.version("meter-pki").as_deref(), Some("1.0.0"), "{}", said.all());
    let log = folder.path().join("quickstart.log");
    let serving = shell.begin(quickstart, &log);
    eventually("the quickstart serves", || serving.log().contains("serving; stop with Ctrl-C").then_some(()));

    let seen = shell.run(look).ok().out;
    assert!(seen.contains("4D504B01000000") && seen.contains("operational"), "{seen}");
    drop(shell.run(come).ok());
    let place = package.parent().expect("a folder").join("first-hour");
    let browser = Browser::start(folder.path(), &place.join("root.pem"));
    let bundle = Some((place.join("me.p12"), "first-hour".to_owned()));
    let me = browser.window("https://localhost:9443", &Comes { bundle, ..Comes::default() });
    assert_eq!(me.open("https://localhost:9443/console"), 200);
    assert_eq!(me.text("h1"), "Overview");

    drop(shell.run(list).ok());
    let enrolled = shell.run(enrol).ok().out;
    assert!(enrolled.contains("meter.pem: OK"), "{enrolled}");
    is_seen(&me);
    is_revoked(&me);
    let told = shell.run(revoked).ok().all();
    assert!(told.contains("revoked") && told.contains("keyCompromise"), "{told}");
    let refused = shell.run(again).ok().all();
    assert!(refused.contains("token"), "{refused}");
    assert_eq!(me.faults(), [] as [&str; 0]);
    ends(serving);
}

/// Section 6, word for word.
fn is_seen(me: &Window<'_>) {
    me.click("link", "Certificates");
    me.unfold("Search");
    me.fill("System title", METER);
    me.click("button", "Search");
    let rows = me.texts("main tbody tr");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0].contains(METER) && rows[0].contains("good"), "{rows:?}");
    let serial = me.text("main tbody tr a");
    me.click("link", &serial);
    let page = me.text("main");
    assert!(page.contains(METER) && page.contains("good"), "{page}");
}

/// Section 7.
fn is_revoked(me: &Window<'_>) {
    me.click("link", "Revoke a certificate");
    me.fill("Reason", "keyCompromise");
    let button = me.text("main form button.main");
    me.click_within("main form", "button", &button);
    let told = me.text("main");
    assert!(told.contains("Done."), "{told}");
}

fn ends(serving: Process) {
    let status = serving.stop();
    assert!(status.success(), "{status}");
}

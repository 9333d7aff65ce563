//! Without a mouse: from the address to a certificate that is revoked, by Tab, Enter and typing.

use e2e::browser::{Focus, Window};
use e2e::office::Office;

use crate::work::{HOSTILE, at_work, is_harmless};

/// How often Tab is pressed at most until something has the focus.
const PATIENCE: usize = 150;

/// Presses Tab until something has the focus; wherever the focus is meanwhile, it is seen.
#[track_caller]
fn tab_to(window: &Window<'_>, what: &str, is_it: impl Fn(&Focus) -> bool) {
    for _ in 0..PATIENCE {
        window.press("Tab");
        let focus = window.focus().unwrap_or_else(|| panic!("{what}: the focus left the page"));
        assert!(focus.is_seen, "{what}: nobody sees that this has the focus: {focus:?}");
        if is_it(&focus) {
            return;
        }
    }
    panic!("{what}: not reached by pressing Tab {PATIENCE} times");
}

#[track_caller]
fn follow(window: &Window<'_>, link: &str) {
    tab_to(window, link, |focus| focus.tag == "a" && focus.text == link);
    window.go("Enter");
}

#[test]
fn a_certificate_is_revoked_by_keyboard_alone() {
    let office = Office::open(2);
    let things = at_work(&office, &HOSTILE);
    let browser = office.browser();
    let kim = office.window(&browser, "kim");
    assert_eq!(kim.open("/"), 200, "whoever types the address alone is led to the console");
    follow(&kim, "Certificates");
    // The first thing is the way past the navigation.
    kim.press("Tab");
    let first = kim.focus().expect("something has the focus");
    assert!(first.is_seen && first.text == "Skip to the content", "{first:?}");
    kim.go("Enter");
    let main = kim.focus().expect("the content has the focus");
    assert_eq!(main.tag, "main", "{main:?}");
    tab_to(&kim, "the search", |focus| focus.tag == "summary");
    kim.press("Enter");
    tab_to(&kim, "the authority", |focus| focus.name == "issuer");
    kim.write("dso-operational-s1");
    kim.go("Enter");
    follow(&kim, &things.good);
    follow(&kim, "Revoke a certificate");
    tab_to(&kim, "the reason", |focus| focus.name == "reason");
    kim.write("keyCompromise");
    tab_to(&kim, "the button", |focus| focus.tag == "button");
    kim.go("Enter");
    assert!(kim.text("main").contains("Done."), "{}", kim.text("main"));
    is_harmless(&kim, "revoked");
    let told = office.ask(&format!("/v1/certificates/-/{}", things.good), None);
    assert_eq!((&told["status"], &told["reason"]), (&"revoked".into(), &"keyCompromise".into()), "{told}");
}

//! Texts that would be scripts if they were taken for anything but text: shown as they were written, wherever they are shown.

use e2e::browser::Window;
use e2e::office::Office;

use crate::work::{HOSTILE, IMAGE, LONG, SCRIPT, WAITS, at_work, is_harmless};

/// How a name is shown that would be read in another order than it is written.
const SEEN: &str = "report[U+202E]gpj.exe";

/// Opens everything that is folded away.
const UNFOLD: &str =
    "() => { for (const one of document.querySelectorAll('main details')) one.open = true; }";

#[track_caller]
fn shows(window: &Window<'_>, page: &str, texts: &[&str]) {
    let page = format!("/console{page}");
    assert_eq!(window.open(&page), 200, "{page}: {}", window.text("main"));
    drop(window.run(UNFOLD));
    let shown = window.text("main");
    for text in texts {
        assert!(shown.contains(text), "{page}: {text}: {shown}");
    }
    assert_eq!(window.count("main img, main script, main b, main iframe"), 0, "{page}");
    is_harmless(window, &page);
}

#[test]
fn m_08_hostile_texts_are_shown_as_texts_on_every_page_that_has_them() {
    let office = Office::open(2);
    let things = at_work(&office, &HOSTILE);
    let browser = office.browser();
    let [eva, mia] = ["eva", "mia"].map(|id| office.window(&browser, id));
    shows(&eva, "/v1/people", &[SCRIPT, SEEN]);
    shows(&eva, "/v1/people/hal", &[SCRIPT]);
    shows(&eva, "/v1/people/ida", &[SEEN]);
    shows(&eva, "/v1/devices?tenant=dso", &[SCRIPT, IMAGE, LONG]);
    shows(&eva, &format!("/v1/devices/{WAITS}"), &[SCRIPT]);
    shows(&eva, "/v1/campaigns", &[IMAGE]);
    shows(&eva, &format!("/v1/campaigns/{}", things.campaign), &[IMAGE]);
    shows(&eva, &format!("/v1/visits/{}", things.visit), &[SCRIPT]);
    shows(&eva, "/v1/deliveries", &[IMAGE]);
    shows(&eva, "/v1/production", &[IMAGE]);
    shows(&eva, &format!("/v1/production/{}", things.production), &[IMAGE]);
    shows(&eva, "/v1/emergencies", &[IMAGE]);
    shows(&eva, "/v1/trust", &[SCRIPT]);
    shows(&mia, "/v1/audit?after=0", &[]);
    // What an address brings along stands in fields, and in what is told of it.
    let given = "%22%3E%3Cimg%20src%3Dx%20onerror%3Dran%3D1%3E";
    for page in [
        format!("/v1/people/{given}"),
        format!("/v1/certificates?issuer={given}&after={given}"),
        format!("/v1/certificates/{given}/{given}"),
        format!("/do/v1/people?id={given}&name={given}"),
        format!("/do/v1/people/{given}/changes"),
        format!("/ask?method=GET&template={given}"),
        format!("/ask?method=GET&template=/v1/people/{{id}}&part.id={given}"),
        format!("/{given}"),
    ] {
        let page = format!("/console{page}");
        eva.open(&page);
        // Plots are ours: the first page has some.
        assert_eq!(
            eva.count("main img:not(figure.plot > img), main script, main b, main iframe"),
            0,
            "{page}"
        );
        is_harmless(&eva, &page);
    }
    eva.open(&format!("/console/do/v1/people?id={given}"));
    assert_eq!(eva.value("ID"), IMAGE);
    // What a form brings back after it was refused.
    eva.fill("Name", SCRIPT);
    drop(eva.run("() => { document.querySelector('main form').noValidate = true; }"));
    eva.click_within("main form", "button", "Put somebody on record");
    assert_eq!((eva.value("ID"), eva.value("Name")), (IMAGE.to_owned(), SCRIPT.to_owned()));
    is_harmless(&eva, "a form that was refused");
}

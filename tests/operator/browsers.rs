//! Browsers that hold an operator's certificate: what pages of other sites and hostile texts come to (case M-08).

use e2e::rehearsal::Rehearsal;
use serde_json::{Value, json};

use crate::desk::Desk;

/// What a page would run if it were taken for anything but text.
const HOSTILE: &str = "</script><script>alert(1)</script><img src=x onerror=alert(2)>";

#[test]
fn m_08_hostile_texts_and_pages_of_other_sites_come_to_nothing() {
    let desk = Desk { rehearsal: Rehearsal::start(1) };
    let hostile = format!("--json '{{\"id\":\"kay\",\"name\":\"{HOSTILE}\"}}'");
    assert_eq!(desk.call("/v1/people", &hostile).0, 200);
    // A text comes back as data, which no browser runs, frames, guesses at or keeps.
    for path in ["/v1/people/kay", "/v1/people", "/v1/no-such-path", "/v1/people/%3Cscript%3E"] {
        let (_, head, _) = desk.call(path, "-H 'Host: evil.example'");
        let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).expect("a type");
        assert!(["application/json", "application/problem+json"].contains(&kind.trim()), "{path}: {head}");
        for said in [
            "x-content-type-options: nosniff",
            "content-security-policy: default-src 'none'; frame-ancestors 'none'",
            "x-frame-options: deny",
            "cross-origin-resource-policy: same-origin",
            "referrer-policy: no-referrer",
            "cache-control: private, no-cache",
        ] {
            assert!(head.contains(said), "{path}: {said}: {head}");
        }
        assert!(!head.contains("evil.example") && !head.contains("access-control-"), "{path}: {head}");
    }
    // A page of another site: by what browsers say of it, and by the forms that need nobody's leave.
    let before = desk.rehearsal.audited();
    let lou = "--json '{\"id\":\"lou\",\"name\":\"Lou\"}'";
    for site in ["cross-site", "same-site"] {
        desk.refused(("/v1/people", &format!("{lou} -H 'Sec-Fetch-Site: {site}'")), (403, "api.cross-site"));
        desk.refused(("/v1/people", &format!("-H 'Sec-Fetch-Site: {site}'")), (403, "api.cross-site"));
    }
    for form in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let (status, ..) = desk.call("/v1/people", &format!("{lou} -H 'Content-Type: {form}'"));
        assert_eq!(status, 415, "{form}");
    }
    let (status, head, _) = desk.call("/v1/people", "-X OPTIONS -H 'Origin: https://evil.example'");
    assert!(status == 405 && !head.contains("access-control-"), "{head}");
    // Nothing was changed; that another site's page asked is on record, once a minute, since whoever has one can have it ask.
    let records = desk.rehearsal.audit_after(before);
    let is_that =
        |one: &Value| (&one["act"], &one["reason"]) == (&json!("request-refused"), &json!("api.cross-site"));
    assert!(!records.is_empty() && records.len() < 4 && records.iter().all(is_that), "{records:?}");
    // Who typed the address, or is of this server, is not kept out; nor is who is no browser.
    for site in ["none", "same-origin"] {
        assert_eq!(desk.call("/v1/people", &format!("-H 'Sec-Fetch-Site: {site}'")).0, 200);
    }
    let (_, head, _) = desk.call("/v1/people", lou);
    assert!(head.contains("cache-control: no-store"), "{head}");
}

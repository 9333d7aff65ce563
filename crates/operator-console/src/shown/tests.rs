//! Values as readers see them.

use serde_json::json;

use super::*;
use crate::document::tests::document;

fn shown(document: &Document) -> Shown<'_> {
    let written = |seconds| format!("{seconds} s");
    Shown { document, now: "2031-11-21T00:00:00Z", written, here: "/console/v1/people/x" }
}

/// The interface as it is.
fn interface() -> Document {
    let text = include_str!("../../../../docs/operate/openapi.json");
    Document::new(serde_json::from_str(text).unwrap())
}

#[test]
fn what_is_worst_comes_first_and_what_is_equally_bad_as_it_came() {
    let document = interface();
    let report = document.find(Method::Get, "/v1/doctor").unwrap().operation.answer().unwrap();
    let of_findings = report.members().into_iter().find(|member| member.name == "findings").unwrap();
    let finding =
        |severity: &str, says: &str| json!({ "id": "x", "severity": severity, "says": says, "next": "" });
    let findings = [("ok", "AA"), ("fault", "BB"), ("notice", "CC"), ("ok", "DD"), ("fault", "EE")];
    let findings = findings.map(|(severity, says)| finding(severity, says));
    let written = shown(&document).value(of_findings.schema, &json!(findings), "").into_string();
    let places = ["BB", "EE", "CC", "AA", "DD"].map(|says| written.find(says).unwrap());
    assert!(places.is_sorted(), "{written}");
}

#[test]
fn a_time_in_seconds_is_told_as_a_time() {
    let document = interface();
    let process = document.find(Method::Get, "/v1/process").unwrap().operation.answer().unwrap();
    let written = shown(&document).value(process, &json!({ "now": 1_952_985_600 }), "").into_string();
    assert!(written.contains("1952985600 s"), "{written}");
}

#[test]
fn a_digest_alone_has_a_beginning() {
    assert_eq!(beginning(&"ab".repeat(32)), Some("abababababab"));
    for text in ["", "ada", &"é".repeat(32), &"x".repeat(64)] {
        assert_eq!(beginning(text), None, "{text}");
    }
}

#[test]
fn what_strangers_wrote_is_text() {
    let document = document();
    let shown = shown(&document);
    let operation = document.find(Method::Get, "/v1/people/x").unwrap().operation;
    let person = json!({ "id": "\"><img src=x>", "name": "<script>alert(1)</script>", "grants": ["'><b>"] });
    let written = shown.value(operation.answer().unwrap(), &person, "Person").into_string();
    for tag in ["<script", "<img", "<b>"] {
        assert!(!written.contains(tag), "{written}");
    }
    assert!(written.contains("&lt;script&gt;"), "{written}");
}

#[test]
fn what_turns_or_hides_what_is_around_it_is_told_by_its_number() {
    assert_eq!(seen("report\u{202e}gpj.exe"), "report[U+202E]gpj.exe");
    assert_eq!(seen("a\u{200b}b\u{1b}[2J\nZähler 7"), "a[U+200B]b[U+001B][2J\nZähler 7");
}

/// Words of standings that mean neither.
const NEITHER: &[&str] = &[
    "answered",
    "ended",
    "later",
    "manufactured",
    "next",
    "out",
    "over",
    "overtaken",
    "retired",
    "shipped",
    "notice",
    "unknown",
];

#[test]
fn every_word_by_which_something_stands_is_meant_one_way() {
    let document = interface();
    let mut words = std::collections::BTreeSet::new();
    let mut rest: Vec<Schema<'_>> = document.operations().filter_map(|one| one.answer()).collect();
    while let Some(schema) = rest.pop() {
        if let Kind::List(item) = schema.kind() {
            rest.push(item);
        }
        rest.extend(schema.members().iter().map(|member| member.schema));
        let standing = schema.members().into_iter().filter(|member| STANDING.contains(&member.name));
        for member in standing {
            if let Kind::Words(of) = member.schema.kind() {
                words.extend(of);
            }
        }
    }
    assert!(words.len() > 20, "{words:?}");
    for word in words {
        let meant = [GOOD, WAIT, BAD, NEITHER].iter().filter(|list| list.contains(&word)).count();
        assert_eq!(meant, 1, "{word}");
    }
}

#[test]
fn a_duration_is_told_in_words() {
    let told = [0, 1, 59, 60, 90, 3_600, 7_260, 86_400, 90_061, 31_536_000].map(duration);
    let words = [
        "0 seconds",
        "1 second",
        "59 seconds",
        "1 minute",
        "1 minute 30 seconds",
        "1 hour",
        "2 hours 1 minute",
        "1 day",
        "1 day 1 hour",
        "365 days",
    ];
    assert_eq!(told, words);
}

#[test]
fn names_become_headings_and_numbers_are_read_easily() {
    assert_eq!(heading("crl_uri"), "CRL URI");
    assert_eq!(heading("not_after"), "Not after");
    assert_eq!(grouped("1234567"), "1\u{202f}234\u{202f}567");
    assert_eq!((grouped("2031").as_str(), grouped("-12345").as_str()), ("2031", "-12345"));
}

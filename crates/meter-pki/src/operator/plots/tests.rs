//! What plots say and show of numbers, and what comes with them.

use std::collections::BTreeMap;

use super::super::wire::statistics::{
    CrlLineView, CrlSizeView, ExpirySpanView, IssuanceSpanView, KeyPaceView, SwapCountView,
};
use super::*;

fn text(picture: Result<Picture, Failure>) -> String {
    String::from_utf8(picture.unwrap().octets).unwrap()
}

fn ends(good: u64) -> ExpiriesView {
    let by = if good > 0 { BTreeMap::from([("dso-s1".to_owned(), good)]) } else { BTreeMap::new() };
    let span = |from: &str, until: &str, good, by| ExpirySpanView {
        from: from.to_owned(),
        until: until.to_owned(),
        good,
        by,
    };
    let spans = vec![
        span("2026-11-30", "2026-12-01", 0, BTreeMap::new()),
        span("2026-12-01", "2027-01-01", good, by),
    ];
    ExpiriesView { span: "month".to_owned(), series: "issuer".to_owned(), good, endless: 2, spans }
}

#[test]
fn a_plot_tells_in_a_sentence_what_is_to_be_seen() {
    let svg = text(expiries(&ends(1_234), Form::Svg));
    let told =
        "1,234 good certificates end, 2 have no end; most of them, 1,234, in the month from 2026-12-01.";
    assert!(svg.contains(told) && svg.contains(">2026-12<"), "{svg}");
    assert!(text(expiries(&ends(0), Form::Svg)).contains("No good certificate ends in this time."));
}

#[test]
fn a_table_has_the_numbers_of_the_plot() {
    assert_eq!(
        text(expiries(&ends(7), Form::Csv)),
        "from,until,issuer,good\r\n2026-12-01,2027-01-01,dso-s1,7\r\n"
    );
    assert_eq!(text(expiry_calendar(&ends(7), Form::Csv)), "day,good\r\n2026-11-30,0\r\n2026-12-01,7\r\n");
    let span = IssuanceSpanView {
        from: "2026-11-30".to_owned(),
        until: "2026-12-01".to_owned(),
        issued: 5,
        revoked: 2,
        issued_by: BTreeMap::from([("a".to_owned(), 5)]),
        revoked_of: BTreeMap::from([("=b".to_owned(), 2)]),
    };
    let view = IssuanceView { span: "day".to_owned(), issued: 5, revoked: 2, spans: vec![span] };
    assert_eq!(
        text(issuance(&view, Form::Csv)),
        "from,until,issuer,issued,revoked\r\n2026-11-30,2026-12-01,'=b,0,2\r\n2026-11-30,2026-12-01,a,5,0\r\n"
    );
}

#[test]
fn devices_without_a_text_are_told_as_not_known() {
    let count = SwapCountView {
        value: String::new(),
        total: 4,
        swapped: 1,
        under_way: 1,
        factory: 1,
        out_of_service: 1,
    };
    let view = SwapsView { tenant: "dso".to_owned(), by: "region".to_owned(), texts: vec![count] };
    let svg = text(swaps(&view, Form::Svg));
    assert!(
        svg.contains(">not known<")
            && svg.contains(">25 % of 4<")
            && svg.contains("1 of 4 devices are swapped.")
    );
}

#[test]
fn lines_of_crls_are_named_by_authority_shard_and_kind() {
    let size =
        CrlSizeView { number: 9, this_update: "2026-11-30T06:00:00Z".to_owned(), octets: 812, entries: 3 };
    let line = CrlLineView {
        authority: "dso-s1".to_owned(),
        shard: Some("0a".to_owned()),
        kind: "delta".to_owned(),
        crls: 1,
        sizes: vec![size],
    };
    let view =
        CrlSizesView { from: "2026-11-29".to_owned(), until: "2026-12-01".to_owned(), lines: vec![line] };
    assert!(text(crls(&view, Form::Svg)).contains(">dso-s1, shard 0a, delta<"));
    let csv = text(crls(&view, Form::Csv));
    assert!(csv.ends_with("dso-s1,0a,delta,9,2026-11-30T06:00:00Z,812,3\r\n"), "{csv}");
}

#[test]
fn durations_are_told_in_the_unit_in_which_they_are_short() {
    let told = [7, 999, 1_000, 2_500, 25_000, 1_000_000, 2_500_000].map(duration);
    assert_eq!(told, ["7 µs", "999 µs", "1 ms", "2.5 ms", "25 ms", "1 s", "2.5 s"]);
    let key = KeyPaceView {
        key: "00".repeat(20),
        authority: None,
        signatures: 3,
        mean_microseconds: 900,
        counts: vec![2, 1],
    };
    let view = SigningView { at_most_microseconds: vec![1_000], keys: vec![key] };
    let svg = text(signing(&view, Form::Svg));
    assert!(svg.contains("≤ 1 ms") && svg.contains("> 1 ms".replace('>', "&gt;").as_str()), "{svg}");
    assert!(
        text(signing(&view, Form::Csv))
            .ends_with(",1000,2\r\n0000000000000000000000000000000000000000,,,1\r\n")
    );
}

#[test]
fn a_picture_says_what_it_is_and_what_to_call_it() {
    for (word, media_type, name) in [
        ("svg", "image/svg+xml", "swaps.svg"),
        ("png", "image/png", "swaps.png"),
        ("csv", "text/csv", "swaps.csv"),
    ] {
        let view = SwapsView { tenant: "dso".to_owned(), by: "region".to_owned(), texts: Vec::new() };
        let response = swaps(&view, Form::parse(word).unwrap()).unwrap().into_response();
        assert_eq!(response.headers()[CONTENT_TYPE], media_type);
        assert_eq!(response.headers()[CONTENT_DISPOSITION], format!("inline; filename=\"{name}\""));
    }
    assert_eq!(Form::parse("pdf").unwrap_err().code, "plot.form.unknown");
}

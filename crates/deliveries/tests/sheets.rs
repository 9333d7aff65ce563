//! Archives that are no honest XLSX: bombs, stated numbers that take memory, sheets out of order. Written here by hand,
//! since no honest program writes them.

#![cfg(test)]

#[path = "files/gathered.rs"]
#[expect(dead_code, reason = "this needs a part of what tests look at")]
mod gathered;

use std::io::{Cursor, Write as _};

use deliveries::fault::{FaultKind, Place};
use deliveries::map::Map;
use deliveries::reading::Limits;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use gathered::{limits, read, read_within};

const MAP: &str = "version = 1\nname = \"m\"\n[xlsx]\n[device]\nsystem_title = { column = \"title\" }\n";

const SHEET: &str = "<worksheet><sheetData>\
    <row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row>\
    <row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>454C560000F42400</t></is></c></row>\
    </sheetData></worksheet>";

const TEXTS: &str = "<sst uniqueCount=\"1\"><si><t>title</t></si></sst>";

/// A workbook with one sheet.
fn workbook(sheet: &str, texts: &str, others: &[(&str, &[u8])]) -> Vec<u8> {
    let relationships = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let packages = "http://schemas.openxmlformats.org/package/2006/relationships";
    let parts = [
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{packages}\"><Relationship Id=\"rId1\" Type=\"{relationships}/officeDocument\" \
                 Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"{relationships}\">\
                 <sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{packages}\"><Relationship Id=\"rId1\" Type=\"{relationships}/worksheet\" \
                 Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        ("xl/worksheets/sheet1.xml", sheet.to_owned()),
        ("xl/sharedStrings.xml", texts.to_owned()),
    ];
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let parts = parts.iter().map(|(name, text)| (*name, text.as_bytes())).chain(others.iter().copied());
    for (name, octets) in parts {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(octets).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn map() -> Map {
    Map::parse(MAP).unwrap()
}

#[test]
fn the_workbook_that_the_others_are_made_of_is_read() {
    let gathered = read(&workbook(SHEET, TEXTS, &[]), &map()).unwrap();
    assert_eq!(gathered.devices[0].title.to_string(), "454C560000F42400");
    assert_eq!(gathered.faults, []);
}

#[test]
fn what_unpacks_to_too_much_is_refused_before_it_is_held() {
    let zeros = vec![0; 3_000_000];
    let bounds = Limits { unpacked_octets: 2_000_000, ..limits() };
    let texts = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(3_000_000));
    for archive in [workbook(SHEET, TEXTS, &[("xl/styles.xml", &zeros)]), workbook(SHEET, &texts, &[])] {
        assert!(archive.len() < 20_000, "a bomb is small");
        assert_eq!(read_within(&archive, &map(), &bounds).unwrap_err().code(), "delivery.limit");
    }
}

#[test]
fn a_stated_number_of_texts_takes_no_memory_that_the_texts_would_not() {
    for texts in [
        "<sst uniqueCount=\"1000000000000000\"><si><t>title</t></si></sst>",
        "<sst uniqueCount=\"11\"><si><t>title</t></si></sst>",
        "<sst uniqueCount=\"99999999999999999999999999\"><si><t>title</t></si></sst>",
        "<other/>",
        "",
    ] {
        let error = read(&workbook(SHEET, texts, &[]), &map()).unwrap_err();
        assert_eq!(error.code(), "delivery.limit", "{texts}");
    }
}

#[test]
fn a_row_of_a_sheet_has_a_bound_on_what_it_is_unpacked_from() {
    // Octets that do not pack, so that the bound on what is packed is met.
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'0' + u8::try_from((state >> 33) % 62).unwrap())
    };
    let long: String = (0..3_000_000).map(|_| noise()).filter(char::is_ascii_alphanumeric).collect();
    let sheet = SHEET.replace("454C560000F42400", &long);
    let bounds = Limits { row_octets: 300_000, ..limits() };
    assert_eq!(
        read_within(&workbook(&sheet, TEXTS, &[]), &map(), &bounds).unwrap_err().code(),
        "delivery.limit"
    );
}

#[test]
fn sheets_that_are_out_of_form_are_refused() {
    for (sheet, code) in [
        (SHEET.replace("r=\"A2\"", "r=\"XFE2\""), "delivery.limit"),
        (
            SHEET
                .replace("r=\"A2\"", "r=\"A9\"")
                .replace("</sheetData>", "<row r=\"3\"><c r=\"A3\"><v>1</v></c></row></sheetData>"),
            "delivery.form",
        ),
        (SHEET.replace("</sheetData></worksheet>", ""), "delivery.form"),
        (SHEET.replace("<v>0</v>", "<v>7</v>"), "delivery.form"),
        ("<worksheet><sheetData></sheetData></worksheet>".to_owned(), "delivery.column"),
        ("no sheet".to_owned(), "delivery.form"),
    ] {
        let read = read(&workbook(&sheet, TEXTS, &[]), &map());
        assert_eq!(read.map(|gathered| gathered.told()).unwrap_err().code(), code, "{sheet}");
    }
}

#[test]
fn cells_beyond_the_heading_make_a_row_odd() {
    let sheet = SHEET.replace("</row></sheetData>", "<c r=\"C2\"><v>1</v></c></row></sheetData>");
    let gathered = read(&workbook(&sheet, TEXTS, &[]), &map()).unwrap();
    assert_eq!(gathered.told(), [(Place::Row(2), FaultKind::Row, String::new())]);
}

#[test]
fn no_archive_at_all_is_told_as_such() {
    let whole = workbook(SHEET, TEXTS, &[]);
    for octets in [b"PK\x03\x04".as_slice(), b"", &whole[..whole.len() / 2]] {
        assert_eq!(read(octets, &map()).unwrap_err().code(), "delivery.form");
    }
}

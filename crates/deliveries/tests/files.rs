//! The same three meters in every form of file, written by programs of others (`tests/vectors/deliveries/README.md`), and
//! what is told of files that are wrong.

#![cfg(test)]

#[path = "files/gathered.rs"]
mod gathered;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::certificate::Certificate;
use ca_core::path::TrustAnchor;
use ca_core::record::{DeliveredDevice, SecretKind, WrappedSecret};
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;
use deliveries::checks::{Checks, Factory};
use deliveries::fault::{FaultKind, Place};
use deliveries::map::Map;
use deliveries::samples;

use gathered::{Gathered, limits, read, read_beside};

/// 2027-02-01.
const NOW: UnixTime = UnixTime::from_seconds(1_801_440_000);

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/deliveries")
}

fn vector(name: &str) -> Vec<u8> {
    std::fs::read(vectors().join(name)).unwrap()
}

fn checks() -> Checks {
    let pem = String::from_utf8(vector("factory-ca.pem")).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let authority = Certificate::from_der(&STANDARD.decode(body).unwrap()).unwrap();
    Checks { factory: Some(Factory { anchors: vec![TrustAnchor::from_certificate(&authority)], now: NOW }) }
}

/// What was delivered, by another reader of JSON than the one under test.
fn expected() -> Vec<DeliveredDevice> {
    let listed: Vec<serde_json::Value> = serde_json::from_slice(&vector("expected.json")).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let octets = |value: &serde_json::Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
    listed
        .iter()
        .map(|one| DeliveredDevice {
            title: SystemTitle::parse(&text(&one["system_title"])).unwrap(),
            serial_number: text(&one["serial_number"]),
            model: text(&one["model"]),
            firmware: text(&one["firmware"]),
            batch: text(&one["batch"]),
            region: None,
            concentrator: None,
            certificates: one["certificates"].as_array().unwrap().iter().map(octets).collect(),
            secrets: one["secrets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| WrappedSecret {
                    kind: SecretKind::named(&text(&one["kind"])).unwrap(),
                    wrapped_by: text(&one["wrapped_by"]),
                    octets: octets(&one["octets"]),
                })
                .collect(),
        })
        .collect()
}

fn without(mut devices: Vec<DeliveredDevice>, take: impl Fn(&mut DeliveredDevice)) -> Vec<DeliveredDevice> {
    devices.iter_mut().for_each(take);
    devices
}

fn sample(name: &str) -> Map {
    Map::parse(samples::named(name).unwrap().text).unwrap()
}

const SEMICOLONS: &str = r#"
version = 1
name = "semicolons"
[csv]
encoding = "windows-1252"
delimiter = ";"
skip_lines = 2
trailer = { column = 1, equals = "ENDE" }
[head]
batch = { line = 1, column = 2 }
count = { trailer = 2 }
[device]
system_title = { column = "Systemtitel", steps = ["remove_separators", "upper"] }
serial_number = { column = "Seriennummer" }
model = { column = "Typ" }
firmware = { column = 4 }
batch = { head = "batch" }
[[certificate]]
purpose = "signature"
value = { column = "Zert. Signatur" }
[[certificate]]
purpose = "agreement"
value = { column = "Zert. Schlüssel" }
[[secret]]
kind = "guek"
value = { column = "GUEK", steps = ["remove_separators"] }
wrapped_by = { column = "Hüllschlüssel" }
[[secret]]
kind = "gak"
value = { column = "GAK", steps = ["remove_separators"] }
wrapped_by = { column = "Hüllschlüssel" }
[checks]
announced = "count"
suite = 1
"#;

const TABS: &str = r#"
version = 1
name = "tabs"
[csv]
encoding = "utf-16"
delimiter = "\t"
[device]
system_title = { column = "title" }
serial_number = { column = "serial" }
model = { column = "model" }
[[certificate]]
purpose = "signature"
value = { column = "pem" }
writing = "pem"
"#;

const NOTE: &str = r#"
version = 1
name = "note"
[xml]
rows = "/d:DeliveryNote/d:Devices/d:Device"
[xml.namespaces]
d = "urn:example:delivery-note:3"
[head]
count = { path = "/DeliveryNote/@count" }
batch = { path = "/d:DeliveryNote/d:Header/d:BatchNumber" }
[device]
system_title = { path = "d:SystemTitle" }
serial_number = { path = "@serial" }
model = { path = "d:Type" }
firmware = { constant = "2.4.1" }
batch = { head = "batch" }
[[certificate]]
each = { path = "d:Certificate" }
[[secret]]
kind = "guek"
value = { path = "d:Key[Name='GUEK']/d:Value" }
wrapped_by = { path = "d:Key[Name='GUEK']/@wrappedBy" }
[[secret]]
kind = "gak"
value = { path = "d:Key[Name='GAK']/d:Value" }
wrapped_by = { path = "d:Key[Name='GAK']/@wrappedBy" }
[checks]
announced = "count"
"#;

fn array_map() -> Map {
    let lines = samples::named("manifest-lines").unwrap().text;
    let array = lines.replace(
        "[json_lines]",
        "[json]\nrows = \"/delivery/devices\"\n[head]\ncount = { path = \"/delivery/count\" }",
    );
    Map::parse(&format!("{array}\n[checks]\nannounced = \"count\"")).unwrap()
}

#[test]
fn the_same_meters_come_out_of_every_form_of_file() {
    let all = expected();
    let plain = |device: &mut DeliveredDevice| device.secrets.clear();
    for (file, map, devices) in [
        ("semicolons.csv", Map::parse(SEMICOLONS).unwrap(), all.clone()),
        (
            "tabs.csv",
            Map::parse(TABS).unwrap(),
            without(all.clone(), |device| {
                device.secrets.clear();
                device.certificates.truncate(1);
                device.firmware.clear();
                device.batch.clear();
            }),
        ),
        ("note.xml", Map::parse(NOTE).unwrap(), all.clone()),
        ("pretty.xml", sample("delivery-note-xml"), without(all.clone(), plain)),
        ("lines.jsonl", sample("manifest-lines"), all.clone()),
        ("array.json", array_map(), all.clone()),
        ("sheet.xlsx", sample("device-sheet"), without(all, plain)),
    ] {
        let gathered = read_beside(&vector(file), &map, &checks(), Some(&vectors())).unwrap();
        assert_eq!(gathered.faults, [], "{file}");
        assert_eq!(gathered.devices, devices, "{file}");
        assert_eq!(gathered.summary.good, 3, "{file}");
    }
}

#[test]
fn an_announced_count_is_read_in_every_form_and_one_device_less_is_told() {
    let cut = |text: &str, start: &str, end: &str| {
        let (before, rest) = text.rsplit_once(start).unwrap();
        format!("{before}{}", rest.split_once(end).unwrap().1)
    };
    let semicolons = vector("semicolons.csv");
    let rows: Vec<&[u8]> = semicolons.split_inclusive(|octet| *octet == b'\n').collect();
    let less = [&rows[..4], &rows[5..]].concat().concat();
    let note: String = vector("note.xml").iter().map(|octet| char::from(*octet)).collect();
    let note = cut(&note, "<n:Device ", "</n:Device>");
    let note: Vec<u8> = note.chars().map(|one| u8::try_from(u32::from(one)).unwrap()).collect();
    let array = String::from_utf8(vector("array.json")).unwrap();
    let array = cut(&array, ",\n      {\n        \"system_title\"", "\n      }");
    for (file, map) in [
        (less, Map::parse(SEMICOLONS).unwrap()),
        (note, Map::parse(NOTE).unwrap()),
        (array.into_bytes(), array_map()),
    ] {
        let gathered = read(&file, &map).unwrap();
        assert_eq!(gathered.summary.announced, Some(3), "{}", map.name());
        assert_eq!(gathered.summary.rows, 2, "{}", map.name());
        assert_eq!(gathered.told(), [(Place::File, FaultKind::Count, String::new())], "{}", map.name());
    }
}

#[test]
fn numbers_and_dates_of_a_sheet_are_taken_only_if_no_digit_can_be_lost() {
    let map = Map::parse(
        "version = 1\nname = \"n\"\n[xlsx]\n[device]\nsystem_title = { column = \"title\" }\n\
         serial_number = { column = \"serial\" }\n",
    )
    .unwrap();
    let gathered = read(&vector("numbers.xlsx"), &map).unwrap();
    assert_eq!(
        gathered.devices.iter().map(|one| one.serial_number.as_str()).collect::<Vec<_>>(),
        ["16000000"]
    );
    assert_eq!(
        gathered.told(),
        [
            (Place::Row(3), FaultKind::Value, "B".to_owned()),
            (Place::Row(4), FaultKind::Value, "B".to_owned()),
        ]
    );
}

#[test]
fn what_a_file_does_not_have_is_told_with_what_it_has() {
    let sheet = |sheet: &str| {
        format!(
            "version = 1\nname = \"n\"\n[xlsx]\nsheet = {sheet}\n[device]\nsystem_title = {{ column = \"title\" }}\n"
        )
    };
    for (file, map, told) in [
        ("sheet.xlsx", sheet("\"Meters\""), "it has: Devices, Notes"),
        ("sheet.xlsx", sheet("3"), "it has: Devices, Notes"),
        ("sheet.xlsx", sheet("1"), "no column \"title\""),
        (
            "tabs.csv",
            TABS.replace("column = \"pem\"", "column = \"PEM\""),
            "it has: title, serial, model, pem",
        ),
    ] {
        let error = read(&vector(file), &Map::parse(&map).unwrap()).unwrap_err();
        assert_eq!(error.code(), "delivery.column", "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[test]
fn a_file_in_another_form_or_encoding_than_the_map_says_is_refused_whole() {
    for (file, map, code) in [
        ("semicolons.csv", SEMICOLONS.replace("windows-1252", "utf-8"), "delivery.encoding"),
        ("tabs.csv", TABS.replace("utf-16", "utf-8"), "delivery.encoding"),
        ("tabs.csv", TABS.replace("utf-16", "latin1"), "delivery.encoding"),
        ("semicolons.csv", SEMICOLONS.replace("windows-1252", "utf-16"), "delivery.encoding"),
        ("lines.jsonl", NOTE.to_owned(), "delivery.form"),
        ("lines.jsonl", samples::named("device-sheet").unwrap().text.to_owned(), "delivery.form"),
        ("sheet.xlsx", NOTE.to_owned(), "delivery.encoding"),
        ("note.xml", samples::named("device-sheet").unwrap().text.to_owned(), "delivery.form"),
        ("note.xml", NOTE.replace("/d:Device\"", "/d:Meter\""), "delivery.form"),
        ("note.xml", NOTE.replace("[xml]", "[xml]\nencoding = \"utf-8\""), "delivery.encoding"),
    ] {
        let error = read(&vector(file), &Map::parse(&map).unwrap()).unwrap_err();
        assert_eq!(error.code(), code, "{file}: {error}");
    }
}

/// A map of plain CSV with everything that rows can get wrong.
const BAD: &str = r#"
version = 1
name = "bad"
[csv]
[device]
system_title = { column = "title" }
serial_number = { column = "serial", required = true }
model = { column = "model", steps = [{ table = { "1" = "MX-1" } }] }
region = { column = "region" }
[[certificate]]
purpose = "signature"
value = { column = "certificate" }
required = false
[[secret]]
kind = "guek"
value = { column = "guek" }
wrapped_by = { column = "label" }
required = false
[checks]
suite = 1
"#;

const HEADING: &str = "title,serial,model,region,certificate,guek,label\n";

fn bad(rows: &str) -> Gathered {
    let checks = checks();
    let map = Map::parse(BAD).unwrap();
    read_beside(format!("{HEADING}{rows}").as_bytes(), &map, &checks, None).unwrap()
}

#[test]
fn every_fault_of_a_row_is_told_with_its_place_and_its_code() {
    let all = expected();
    let [signature, agreement] = [0, 1].map(|place| STANDARD.encode(&all[0].certificates[place]));
    let mut altered = all[0].certificates[0].clone();
    *altered.last_mut().unwrap() ^= 1;
    let altered = STANDARD.encode(altered);
    let own = "454C560000F42400,1,1,north";
    let wrapped = "A5".repeat(24);
    for (row, kind, column) in [
        ("454C56,1,1,,,,\n".to_owned(), FaultKind::Title, "A"),
        ("454c560000f42400,1,1,,,,\n".to_owned(), FaultKind::Title, "A"),
        (",1,1,,,,\n".to_owned(), FaultKind::Missing, "A"),
        ("454C560000F42400,,1,,,,\n".to_owned(), FaultKind::Missing, "B"),
        ("454C560000F42400,1,2,,,,\n".to_owned(), FaultKind::Value, "C"),
        ("454C560000F42400,1,1,no region,,,\n".to_owned(), FaultKind::Value, "D"),
        (format!("454C560000F42400,{},1,,,,\n", "9".repeat(129)), FaultKind::Value, "B"),
        (format!("{own},not base64,,\n"), FaultKind::Certificate, "E"),
        (format!("{own},AAAA,,\n"), FaultKind::Certificate, "E"),
        (format!("{own},{agreement},,\n"), FaultKind::Certificate, "E"),
        (format!("454C560000F42401,1,1,,{signature},,\n"), FaultKind::OtherTitle, "E"),
        (format!("{own},{altered},,\n"), FaultKind::Path, "E"),
        (format!("{own},,A5A5,l\n"), FaultKind::Secret, "F"),
        (format!("{own},,xyz,l\n"), FaultKind::Secret, "F"),
        (format!("{own},,{},l\n", "A5".repeat(16)), FaultKind::ClearSecret, "F"),
        (format!("{own},,{},l\n", "A5".repeat(32)), FaultKind::ClearSecret, "F"),
        (format!("{own},,{},l\n", "A5".repeat(40)), FaultKind::Suite, "F"),
        (format!("{own},,{wrapped},\n"), FaultKind::Missing, "G"),
        (format!("454C560000F42400,1,1,{},,,\n", "A5".repeat(16)), FaultKind::ClearSecret, "D"),
        (format!("{own}\n"), FaultKind::Row, ""),
        (format!("{own},,,,\n"), FaultKind::Row, ""),
    ] {
        let gathered = bad(&row);
        assert_eq!(gathered.told(), [(Place::Line(2), kind, column.to_owned())], "{row}");
        assert_eq!(gathered.devices, [], "{row}");
    }
    let good = bad(&format!("{own},{signature},{wrapped},l\n"));
    assert_eq!(good.faults, []);
    assert_eq!(good.devices[0].region.as_ref().map(ca_core::scope::Shard::as_str), Some("north"));
}

#[test]
fn a_row_tells_all_its_faults_and_the_others_are_read() {
    let gathered = bad(
        "454C56,,2,,,,\n454C560000F42401,1,1,,,,\n454C560000F42401,2,1,,,,\n\n454C560000F42402,2,1,,,,\n",
    );
    assert_eq!(
        gathered.told(),
        [
            (Place::Line(2), FaultKind::Title, "A".to_owned()),
            (Place::Line(2), FaultKind::Missing, "B".to_owned()),
            (Place::Line(2), FaultKind::Value, "C".to_owned()),
            (Place::Line(4), FaultKind::Duplicate, "A".to_owned()),
        ]
    );
    assert!(gathered.faults[3].message.contains("line 3"), "{}", gathered.faults[3]);
    assert_eq!(gathered.devices.len(), 2);
    assert_eq!((gathered.summary.rows, gathered.summary.good, gathered.summary.total_faults()), (4, 2, 4));
}

#[test]
fn no_fault_shows_a_key_wherever_its_column_was_shifted_to() {
    let key = "00112233445566778899AABBCCDDEEFF";
    for row in [
        format!("454C560000F42400,1,1,,,{key},l\n"),
        format!("{key},1,1,,,,\n"),
        format!("454C560000F42400,1,{key},,,,\n"),
        format!("454C560000F42400,1,1,{key},,,\n"),
        format!("454C560000F42400,1,1,,{key},,\n"),
        "454C560000F42400,1,1,,,ABEiM0RVZneImaq7zN3u/w==,l\n".to_owned(),
    ] {
        let gathered = bad(&row);
        assert_eq!(gathered.faults.len(), 1, "{row}");
        let told = format!("{} {:?}", gathered.faults[0], gathered.faults[0]);
        assert!(!told.contains("00112233") && !told.contains("ABEiM0RV"), "{told}");
    }
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let rows = ["454C56,1,1,,,,", "", "\"454C5\n600\",1,1,,,,", "454C57,1,1,,,,"];
    for end in ["\n", "\r\n"] {
        let gathered = bad(&rows.map(|row| format!("{row}{end}")).concat());
        let lines: Vec<u64> = gathered.faults.iter().map(|fault| fault.place.number()).collect();
        assert_eq!(lines, [2, 4, 6], "{end:?}");
    }
}

#[test]
fn checksums_and_fingerprints_are_compared() {
    use sha2::{Digest as _, Sha256};
    let all = expected();
    let map = format!(
        "{}{}",
        BAD.replace("required = false\n[[secret]]", "fingerprint = { column = \"model\" }\n[[secret]]")
            .replace("model = { column = \"model\", steps = [{ table = { \"1\" = \"MX-1\" } }] }\n", ""),
        "[checks.checksum]\nvalue = { column = \"label\" }\nof = [{ column = \"title\" }, { column = \"serial\" }]\nbetween = \"|\"\n"
    );
    let map = Map::parse(&map).unwrap();
    let der = &all[0].certificates[0];
    let (fingerprint, sum) =
        (hex::encode(Sha256::digest(der)), hex::encode_upper(Sha256::digest(b"454C560000F42400|7")));
    let row = |fingerprint: &str, serial: &str, sum: &str| {
        let text =
            format!("{HEADING}454C560000F42400,{serial},{fingerprint},,{},,{sum}\n", STANDARD.encode(der));
        read(text.as_bytes(), &map).unwrap().told()
    };
    assert_eq!(row(&fingerprint, "7", &sum), []);
    assert_eq!(row(&sum, "7", &sum), [(Place::Line(2), FaultKind::Checksum, "C".to_owned())]);
    assert_eq!(row(&fingerprint, "8", &sum), [(Place::Line(2), FaultKind::Checksum, "G".to_owned())]);
}

#[test]
fn nothing_stands_after_the_end_of_a_file() {
    let text = vector("semicolons.csv");
    let row = text.split_inclusive(|octet| *octet == b'\n').nth(3).unwrap();
    let gathered = read(&[text.as_slice(), row].concat(), &Map::parse(SEMICOLONS).unwrap()).unwrap();
    assert_eq!(gathered.told()[0], (Place::Line(8), FaultKind::Row, String::new()));
}

#[test]
fn xml_that_declares_or_uses_entities_is_refused() {
    let map = Map::parse(
        "version = 1\nname = \"n\"\n[xml]\nrows = \"/a/b\"\n[device]\nsystem_title = { path = \"t\" }\n",
    )
    .unwrap();
    let bomb = "<!DOCTYPE a [<!ENTITY x \"xxxxxxxx\"><!ENTITY y \"&x;&x;&x;&x;\">]><a><b><t>&y;</t></b></a>";
    for (text, code) in [
        (bomb, "delivery.entity"),
        ("<a><b><t>&x;</t></b></a>", "delivery.entity"),
        ("<a><b><t>&#0;</t></b></a>", "delivery.entity"),
        ("<a><b>", "delivery.form"),
        ("<a><b></c></a>", "delivery.form"),
        ("<a><b x='1' x='2'/></a>", "delivery.form"),
        ("<?xml version=\"1.0\" encoding=\"koi8-r\"?><a><b/></a>", "delivery.encoding"),
        ("", "delivery.form"),
    ] {
        assert_eq!(read(text.as_bytes(), &map).unwrap_err().code(), code, "{text}");
    }
    let gathered = read(b"<a>\n<b><t>454C5&#54;0000F4240&#x30;</t></b>\n<b/></a>", &map).unwrap();
    assert_eq!(gathered.devices[0].title.to_string(), "454C560000F42400");
    assert_eq!(gathered.told(), [(Place::Nth { number: 2, line: 3 }, FaultKind::Missing, "t".to_owned())]);
    let twice = "<b><t>454C560000F42400</t></b>".repeat(2);
    let gathered = read(format!("<a>{twice}</a>").as_bytes(), &map).unwrap();
    assert_eq!(gathered.told(), [(Place::Nth { number: 2, line: 1 }, FaultKind::Duplicate, "t".to_owned())]);
    assert!(gathered.faults[0].message.contains("in device 1 already"), "{}", gathered.faults[0]);
}

#[test]
fn a_value_that_stands_after_the_devices_is_not_missed_silently() {
    let batch = "<h><n>B1</n></h>";
    let map = Map::parse(
        "version = 1\nname = \"n\"\n[xml]\nrows = \"/a/b\"\n[head]\nbatch = { path = \"/a/h/n\" }\n\
         [device]\nsystem_title = { path = \"t\" }\nbatch = { head = \"batch\" }\n",
    )
    .unwrap();
    let device = "<b><t>454C560000F42400</t></b>";
    let before = read(format!("<a>{batch}{device}</a>").as_bytes(), &map).unwrap();
    assert_eq!((before.devices[0].batch.as_str(), before.faults.len()), ("B1", 0));
    let after = read(format!("<a>{device}{batch}</a>").as_bytes(), &map).unwrap();
    assert_eq!(after.told(), [(Place::File, FaultKind::Missing, String::new())]);
}

#[test]
fn what_is_deeper_or_larger_than_any_delivery_is_refused() {
    let xml =
        "version = 1\nname = \"n\"\n[xml]\nrows = \"/a/b\"\n[device]\nsystem_title = { path = \"t\" }\n";
    let json = "version = 1\nname = \"n\"\n[json]\nrows = \"\"\n[device]\nsystem_title = { path = \"/t\" }\n";
    let lines = json.replace("[json]\nrows = \"\"", "[json_lines]");
    let csv = "version = 1\nname = \"n\"\n[csv]\n[device]\nsystem_title = { column = \"t\" }\n";
    let long = "x".repeat(2_000_000);
    for (text, map, code) in [
        (format!("<a><b>{}", "<c>".repeat(1_000)), xml, "delivery.limit"),
        ("<c>".repeat(1_000), xml, "delivery.limit"),
        (format!("<a><b><t>{long}</t></b></a>"), xml, "delivery.limit"),
        (format!("<a><b t=\"{long}\"/></a>"), xml, "delivery.limit"),
        (format!("<!--{long}--><a><b/></a>"), xml, "delivery.limit"),
        (format!("[{}]", "[".repeat(1_000)), json, "delivery.form"),
        (format!("[{{\"t\":\"{long}\"}}]"), json, "delivery.limit"),
        (format!("{{\"t\":\"{long}\"}}"), &lines, "delivery.limit"),
        (format!("t\n\"{long}\n"), csv, "delivery.limit"),
        (format!("t\n{}\n", ",".repeat(2_000_000)), csv, "delivery.limit"),
    ] {
        let error = read(text.as_bytes(), &Map::parse(map).unwrap()).unwrap_err();
        assert_eq!(error.code(), code, "{text:.40}: {error}");
    }
    let map = Map::parse(csv).unwrap();
    let error = gathered::read_within(b"t\n1\n2\n3\n", &map, &gathered::with_rows(2)).unwrap_err();
    assert_eq!(error.code(), "delivery.limit");
    assert!(limits().rows >= 10_000_000);
}

#[test]
fn json_is_read_strictly() {
    let json =
        "version = 1\nname = \"n\"\n[json]\nrows = \"/d\"\n[device]\nsystem_title = { path = \"/t\" }\n";
    let map = Map::parse(json).unwrap();
    for text in [
        "{\"d\":[{\"t\":\"454C560000F42400\",\"t\":\"454C560000F42401\"}]}",
        "{\"d\":[]} x",
        "{\"e\":[]}",
        "{\"d\":{}}",
        "",
    ] {
        assert_eq!(read(text.as_bytes(), &map).unwrap_err().code(), "delivery.form", "{text}");
    }
    let gathered = read(b"{\"d\":[{\"t\":\"454C560000F42400\"},{\"t\":1.5},7]}", &map).unwrap();
    assert_eq!(gathered.devices.len(), 1);
    assert_eq!(
        gathered.told(),
        [
            (Place::Element(1), FaultKind::Value, "/t".to_owned()),
            (Place::Element(2), FaultKind::Missing, "/t".to_owned()),
        ]
    );
}
